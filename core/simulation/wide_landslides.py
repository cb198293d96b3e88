"""A wider world of landslides: placed in a terrain, and labelled as whole bodies."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..models import IGNORED
from ..types import Array, Mask
from .atmosphere import portable
from .ground import Landforms, Window
from .landslide_kinds import KINDS, Motion, draw_body, draw_moving, suits
from .landslides import LABEL_PEAK, LABEL_RATE, Landslides

AREA_LIMITS = (0.01e6, 3e6)
SPEED_LIMITS = (3.0, 3_000.0)
# Outlines are drawn larger by what the faint rim then takes.
_TRIMMED = 1.15
_LEAST_AREA = 0.8 * AREA_LIMITS[0]
_TRIES = 3
_FAINT, _FAINT_SPEED = 0.2, 40.0
"""Where a body moves by less than this share of its compartment's own peak, and by less than so many mm/yr, it is rim:
neither moving nor not."""
_BROAD_PEAK, _BROAD_AREA = 4.0, 0.25e6
"""A landslide of at least so many square metres is labelled from this peak LOS rate (mm/yr) on."""
_FAINT_PART = 3.0
"""A compartment is neither where its LOS rate stays below so many mm/yr."""
_DOUBTFUL = 0.5
"""Nor can be told where a body ends that moves by less than this share of its compartment's peak, and by less than
LABEL_RATE along the line of sight."""
_LARGEST_HOLE = 8
"""What stands still inside a body is part of it up to so many pixels, else neither."""


class _Slide(NamedTuple):
    """One landslide in its window: east, north and up (mm/yr), its ground with what stands still inside, its body
    without the faint rim, its compartments."""

    window: Window
    motion: Motion
    ground: Mask
    body: Mask
    parts: NDArray[np.int32]


def draw_wide_landslides(rng: np.random.Generator, ground: Landforms, count: int) -> Landslides:
    """Place up to ``count`` landslides of all kinds; those that find no ground or would overlap are left out."""
    shape = ground.shape
    east, north, up = (np.zeros(shape, np.float32) for _ in range(3))
    identity, parts, body = np.zeros(shape, np.int32), np.zeros(shape, np.int32), np.zeros(shape, bool)
    placed: list[str] = []
    names = list(KINDS)
    shares = np.array([kind.share for kind in KINDS.values()])
    first_part = 1
    for _ in range(count):
        name = names[int(rng.choice(len(names), p=shares / shares.sum()))]
        slide = _placed(rng, ground, name, identity)
        if slide is None:
            continue
        placed.append(name)
        for total, own in zip((east, north, up), slide.motion):
            total[slide.window] += own
        identity[slide.window][slide.ground] = len(placed)
        body[slide.window] |= slide.body
        parts[slide.window][slide.ground] = slide.parts[slide.ground] + first_part
        first_part += int(slide.parts.max()) + 1
    speed = _length((east, north, up))
    return Landslides(speed, identity, len(placed), (east, north, up), tuple(placed), body, parts)


def _placed(rng: np.random.Generator, ground: Landforms, name: str, identity: NDArray[np.int32]) -> _Slide | None:
    """A landslide of a kind that is large enough and overlaps no other; None when a few tries fail."""
    kind = KINDS[name]
    area, peak = lognormal(rng, *kind.area), lognormal(rng, *kind.speed)
    for _ in range(_TRIES):
        site = ground.site(rng, lambda window: suits(ground, name, window), 3)
        if site is None:
            return None
        if identity[site]:
            continue
        slide = _draw(rng, ground, name, site, area, peak)
        if slide is not None and not (slide.ground & (identity[slide.window] > 0)).any():
            return slide
    return None


def _length(motion: Motion) -> Array:
    """Speed (mm/yr) of a motion."""
    east, north, up = motion
    return portable(np.sqrt, east * east + north * north + up * up)


def _draw(
    rng: np.random.Generator, ground: Landforms, name: str, site: tuple[int, int], area: float, peak: float
) -> _Slide | None:
    body = draw_body(rng, ground, name, site, min(_TRIMMED * area, AREA_LIMITS[1]))
    if body is None or float((body.radius < 1).sum()) * ground.terrain.pixel_size**2 < _LEAST_AREA:
        return None
    moving = draw_moving(rng, ground, name, body)
    motion = moving.motion(moving.profile)
    speed = _length(motion)
    top = float(speed.max())
    if top <= 0:
        return None
    # The highest speed is the drawn one, whatever the kind of motion.
    factor = np.where(speed > np.float32(0.02 * top), np.float32(peak / top), np.float32(0))
    motion = (motion[0] * factor, motion[1] * factor, motion[2] * factor)
    speed = speed * factor
    filled, still = _filled(_clear(speed, moving.parts))
    if (filled & ~still).sum() * ground.terrain.pixel_size**2 < _LEAST_AREA:
        return None
    return _Slide(body.window, motion, filled | (speed > 0), filled & ~still, moving.parts)


def _clear(speed: Array, parts: NDArray[np.int32]) -> Mask:
    """Where a body moves more than a rim does."""
    limits = np.minimum(np.float32(_FAINT) * _highest(speed, parts), np.float32(_FAINT_SPEED))
    return np.asarray(speed > limits[parts], bool)


def _highest(values: Array, parts: NDArray[np.int32]) -> Array:
    """The highest value of each part, 0 where none is above."""
    highest = np.zeros(int(parts.max()) + 1, np.float32)
    above = np.flatnonzero(values > 0)
    np.maximum.at(highest, parts.ravel()[above], values.ravel()[above])
    return highest


def _filled(clear: Mask) -> tuple[Mask, Mask]:
    """The body without holes, and those of its pixels that lie in a hole too large to be taken for the body."""
    from scipy import ndimage

    filled = np.asarray(ndimage.binary_fill_holes(clear), bool)
    holes, count = ndimage.label(filled & ~clear)
    if not count:
        return filled, np.zeros_like(filled)
    sizes = np.bincount(holes.ravel())
    sizes[0] = 0
    return filled, sizes[holes] > _LARGEST_HOLE


def lognormal(rng: np.random.Generator, median: float, sigma: float, low: float, high: float) -> float:
    """A lognormal number between two limits."""
    while True:
        value = median * math.exp(sigma * rng.standard_normal())
        if low <= value <= high:
            return value


def label_whole_landslides(
    landslides: Landslides, los_rate: Array, hidden: Mask, pixel_size: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Which pixels are an active deformation area: 1, 0, or 255 = neither; and each landslide's peak |LOS rate|.

    The whole body of a landslide that is visible at all is 1: slow compartments, both signs and what lies between them.
    Visible is one whose LOS rate (mm/yr) reaches LABEL_PEAK, or 4 mm/yr where it is wide. The faint rim whose LOS rate
    exceeds 1 mm/yr, what stands still inside, compartments that hardly move along the line of sight, weak landslides
    and what lies in layover or shadow are neither. The peaks (signed, shape (count + 1,)) are indexed by identity.
    """
    label = np.zeros(los_rate.shape, np.uint8)
    peaks = np.zeros(landslides.count + 1, np.float32)
    if landslides.count == 0:
        return label, peaks
    parts = landslides.identity if landslides.parts is None else landslides.parts
    body = _clear(landslides.speed, parts) if landslides.body is None else landslides.body
    visible = np.where(hidden, np.float32(0), los_rate)
    for sign in (np.float32(1), np.float32(-1)):
        highest = _highest(sign * visible, landslides.identity)[1:]
        own = peaks[1 : len(highest) + 1]
        np.copyto(own, sign * highest, where=highest >= np.abs(own))
    areas = np.bincount(landslides.identity[body], minlength=landslides.count + 1) * pixel_size**2
    strong = np.abs(peaks) >= np.where(areas >= _BROAD_AREA, _BROAD_PEAK, LABEL_PEAK)
    doubtful = landslides.speed < np.float32(_DOUBTFUL) * _highest(landslides.speed, parts)[parts]
    doubtful &= np.abs(los_rate) < LABEL_RATE
    sure = _highest(np.abs(los_rate), parts)[parts] >= _FAINT_PART
    inside = landslides.identity > 0
    clear = body & strong[landslides.identity] & sure & ~doubtful
    label[(inside & (np.abs(los_rate) > 1)) | (inside & (landslides.speed == 0)) | body] = IGNORED
    label[clear & ~hidden & (landslides.speed > 0)] = 1
    return label, peaks
