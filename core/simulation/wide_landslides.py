"""A wider world of landslides: what they are shaped like and how they move, by kind.

Kinds and their motion follow Varnes' classification as updated by Hungr et al. (2014, Landslides 11, 167–194); a slump
moves on a slip circle, so that its head sinks and its toe heaves, and one line of sight sees both signs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..models import IGNORED
from ..types import Array, Mask
from .atmosphere import as_float32, portable, smooth, smoothstep
from .ground import Ground, Window, loguniform
from .hillslopes import Body, axes, flow_body, slope_body, two_lobed_body
from .landslides import LABEL_PEAK, SLOPE_LIMITS, Landslides

AREA_LIMITS = (0.01e6, 3e6)
SPEED_LIMITS = (3.0, 3_000.0)
# Outlines are drawn larger by what slopes, crests and the faint rim then take.
_TRIMMED = 1.5
_FAINT = 0.2
"""Below this share of its compartment's own peak the rim of a body is neither moving nor not."""
_BROAD_PEAK, _BROAD_AREA = 4.0, 0.25e6
"""A landslide of at least so many square metres is labelled from this peak LOS rate (mm/yr) on."""
_FAINT_PART = 3.0
"""A compartment is neither where its LOS rate stays below so many mm/yr."""


@dataclass(frozen=True)
class Kind:
    """How often a kind is drawn, and the lognormal of its speeds (mm/yr) and areas (m²): median, sigma, limits."""

    share: float
    speed: tuple[float, float, float, float]
    area: tuple[float, float, float, float]


KINDS = {
    "ellipse": Kind(0.12, (35.0, 0.8, 8.0, 600.0), (0.10e6, 1.0, 0.01e6, 2e6)),
    "slab": Kind(0.18, (45.0, 1.1, 6.0, 3000.0), (0.07e6, 1.1, 0.01e6, 2e6)),
    "slump": Kind(0.17, (45.0, 1.0, 8.0, 2000.0), (0.06e6, 1.1, 0.01e6, 1.5e6)),
    "earthflow": Kind(0.17, (120.0, 1.2, 10.0, 3000.0), (0.08e6, 1.0, 0.01e6, 1.5e6)),
    "spreading slope": Kind(0.08, (9.0, 0.5, 3.0, 30.0), (0.9e6, 0.6, 0.3e6, 3e6)),
    "compartments": Kind(0.13, (50.0, 1.1, 8.0, 3000.0), (0.2e6, 0.9, 0.03e6, 3e6)),
    "two lobes": Kind(0.07, (50.0, 1.1, 8.0, 2000.0), (0.12e6, 0.9, 0.02e6, 1.5e6)),
    "rock glacier": Kind(0.08, (350.0, 0.9, 30.0, 2500.0), (0.12e6, 0.7, 0.02e6, 0.8e6)),
}
"""What is drawn. A "spreading slope" is a deep-seated gravitational slope deformation (DSGSD)."""


class _Slide(NamedTuple):
    """One landslide in its window: east, north and up (mm/yr), its body without the faint rim, its compartments."""

    window: Window
    motion: tuple[Array, Array, Array]
    body: Mask
    parts: NDArray[np.int32]


def draw_wide_landslides(rng: np.random.Generator, ground: Ground, count: int) -> Landslides:
    """Place up to ``count`` landslides of all kinds; those that find no ground or would overlap are left out."""
    shape, size = ground.shape, ground.terrain.pixel_size
    motion = tuple(np.zeros(shape, np.float32) for _ in range(3))
    identity, parts, body = np.zeros(shape, np.int32), np.zeros(shape, np.int32), np.zeros(shape, bool)
    placed: list[str] = []
    names = list(KINDS)
    shares = np.array([kind.share for kind in KINDS.values()])
    for _ in range(count):
        name = names[int(rng.choice(len(names), p=shares / shares.sum()))]
        slide = _draw(rng, ground, name)
        if slide is None:
            continue
        moves = slide.motion[0] ** 2 + slide.motion[1] ** 2 + slide.motion[2] ** 2 > 0
        small = slide.body.sum() * size**2 < 0.8 * AREA_LIMITS[0]
        if small or (moves & (identity[slide.window] > 0)).any():
            continue
        placed.append(name)
        for total, own in zip(motion, slide.motion):
            total[slide.window] += own
        identity[slide.window][moves] = len(placed)
        body[slide.window] |= slide.body
        parts[slide.window][moves] = slide.parts[moves] + (parts.max() + 1)
    speed = portable(np.sqrt, motion[0] ** 2 + motion[1] ** 2 + motion[2] ** 2)
    return Landslides(speed, identity, len(placed), (motion[0], motion[1], motion[2]), tuple(placed), body, parts)


def _draw(rng: np.random.Generator, ground: Ground, name: str) -> _Slide | None:
    kind = KINDS[name]
    area, peak = lognormal(rng, *kind.area), lognormal(rng, *kind.speed)
    site = ground.site(rng, lambda window: _suits(ground, name, window), 3)
    if site is None:
        return None
    body = _body(rng, ground, name, site, _TRIMMED * area)
    if body is None:
        return None
    profile, parts = _profile(rng, ground, name, body)
    own_peaks = np.zeros(int(parts.max()) + 1, np.float32)
    np.maximum.at(own_peaks, parts.ravel(), profile.ravel())
    clear = profile > _FAINT * np.maximum(own_peaks[parts], 1e-6)
    profile = np.where(profile > 0.02, profile, np.float32(0))
    top = float(profile.max())
    if top <= 0:
        return None
    motion = _MOTIONS.get(name, _downslope)(rng, ground, body, as_float32(profile * np.float32(peak / top)))
    return _Slide(body.window, motion, _filled(clear & (profile > 0)), parts)


def _filled(body: Mask) -> Mask:
    from scipy.ndimage import binary_fill_holes

    return np.asarray(binary_fill_holes(body), bool)


def _suits(ground: Ground, name: str, window: Window) -> Mask:
    """Where landslides of a kind begin."""
    slope = ground.terrain.motion_slope[window]
    usual: Mask = (slope > SLOPE_LIMITS[0]) & (slope < SLOPE_LIMITS[1])
    if name == "earthflow":
        return (slope > 6) & (slope < 30) & (ground.hollow[window] > 3)
    if name == "rock glacier":
        heights = ground.terrain.dem[window]
        high: Mask = heights > ground.terrain.dem.min() + 0.5 * ground.relief
        return np.asarray(high & (slope > 9) & (slope < 38) & (ground.relief > 500), bool)
    if name == "spreading slope":
        return usual & (slope > 12) & (ground.relief > 350)
    return usual


def _body(rng: np.random.Generator, ground: Ground, name: str, site: tuple[int, int], area: float) -> Body | None:
    if name in ("earthflow", "rock glacier"):
        low, high = (4.0, 12.0) if name == "earthflow" else (1.5, 5.0)
        half_length, half_width = axes(rng, area, low, high)
        toe = rng.uniform(1.0, 2.2) if name == "earthflow" else rng.uniform(1.0, 1.5)
        return flow_body(rng, ground, *site, 2 * half_length, max(half_width, ground.terrain.pixel_size), toe)
    if name == "two lobes":
        return two_lobed_body(rng, ground, *site, *axes(rng, 0.7 * area, 2.0, 4.0))
    if name == "ellipse":
        return slope_body(rng, ground, *site, *axes(rng, area, 1.2, 4.0))
    units = None
    if name == "spreading slope":
        units = ground.hills if rng.random() < 0.5 else ground.large_units
    elif rng.random() < 0.7:
        units = (ground.small_units, ground.large_units, ground.hills)[int(rng.integers(3))]
    low, high = (0.5, 1.6) if name == "spreading slope" else (0.7, 2.8)
    # A unit cuts off more than a slope does.
    return slope_body(rng, ground, *site, *axes(rng, area * (1.4 if units else 1.0), low, high), units)


def _profile(rng: np.random.Generator, ground: Ground, name: str, body: Body) -> tuple[Array, NDArray[np.int32]]:
    """Share of the highest speed, and the compartment of each pixel."""
    parts = np.zeros(body.radius.shape, np.int32)
    size = ground.terrain.pixel_size
    sharp = name in ("slab", "compartments") or (name in ("slump", "two lobes") and rng.random() < 0.5)
    if sharp:
        edge = min(0.6, rng.uniform(0.8, 2.5) * size / max(body.half_width, size))
        profile = smoothstep(body.radius, 1.0, 1.0 - edge)
    else:
        low, high = (1.0, 2.5) if name == "spreading slope" else (1.5, 6.0)
        profile = 1 - portable(np.power, np.clip(body.radius, 0, 1), np.float32(rng.uniform(low, high)))
    if name == "compartments" or (name != "ellipse" and rng.random() < 0.15):
        parts, factor = _compartments(rng, ground, body)
        profile = profile * factor
    if rng.random() < 0.4:
        profile = profile * (1 + np.float32(rng.uniform(0.3, 0.8) * rng.choice([-1, 1])) * body.down)
    if name == "rock glacier" and rng.random() < 0.6:
        waves = np.sin(body.down * np.float32(rng.uniform(8, 25)), dtype=np.float64)
        profile = profile * (1 + np.float32(0.12) * as_float32(waves))
    if rng.random() < 0.5:
        texture = ground.texture(rng, body.window, 4 * body.half_width)
        profile = profile * portable(np.exp, np.float32(rng.uniform(0.1, 0.3)) * texture)
    return as_float32(np.maximum(profile, 0)), parts


def _compartments(rng: np.random.Generator, ground: Ground, body: Body) -> tuple[NDArray[np.int32], Array]:
    """Two to five blocks, the cells of points in the body, each of a speed of its own: 8 to 100 % of the fastest."""
    count = int(rng.integers(2, 6))
    places = rng.uniform(-0.9, 0.9, (count, 2)).astype(np.float32)
    warp = np.float32(0.15) * ground.texture(rng, body.window, 3 * body.half_width)
    distance = np.stack(
        [(body.down + warp - down) ** 2 + (body.across - warp - across) ** 2 for down, across in places]
    )
    nearest = np.argmin(distance, axis=0).astype(np.int32)
    speeds = np.array([1.0, *(loguniform(rng, 0.08, 1.0) for _ in range(count - 1))], np.float32)
    return nearest, smooth(rng.permutation(speeds)[nearest], 0.6)


def _downslope(rng: np.random.Generator, ground: Ground, body: Body, speed: Array) -> tuple[Array, Array, Array]:
    """Down the smoothed slope."""
    east, north = (values[body.window] for values in ground.terrain.motion_gradient)
    squared = east * east + north * north
    length = np.maximum(portable(np.sqrt, squared * (1 + squared)), 1e-6)
    return (
        as_float32(-speed * east / length),
        as_float32(-speed * north / length),
        as_float32(-speed * squared / length),
    )


def _rotating(bend: tuple[float, float]) -> Callable[..., tuple[Array, Array, Array]]:
    """On a slip circle: steeper than the slope by ``bend`` degrees at the head, flatter by as much at the toe."""

    def motion(rng: np.random.Generator, ground: Ground, body: Body, speed: Array) -> tuple[Array, Array, Array]:
        inside = speed > 0
        mean = math.radians(float(ground.terrain.motion_slope[body.window][inside].mean()))
        dip = np.float32(mean) - body.down * np.float32(math.radians(rng.uniform(*bend)))
        level, fall = portable(np.cos, dip) * speed, portable(np.sin, dip) * speed
        sine, cosine = np.float32(math.sin(body.azimuth)), np.float32(math.cos(body.azimuth))
        return level * sine, level * cosine, -fall

    return motion


_MOTIONS: dict[str, Callable[..., tuple[Array, Array, Array]]] = {
    "slump": _rotating((25.0, 60.0)),
    "spreading slope": _rotating((5.0, 30.0)),
}


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
    Visible is one whose LOS rate (mm/yr) reaches LABEL_PEAK, or 4 mm/yr where it is wide. The faint rim that moves by
    more than 1 mm/yr, compartments that hardly move along the line of sight, weak landslides and what lies in layover
    or shadow are neither. The peaks (signed, shape (count + 1,)) are indexed by identity.
    """
    label = np.zeros(los_rate.shape, np.uint8)
    peaks = np.zeros(landslides.count + 1, np.float32)
    if landslides.count == 0 or landslides.body is None or landslides.parts is None:
        return label, peaks
    visible = np.where(hidden, np.float32(0), los_rate)
    highest, lowest = peaks.copy(), peaks.copy()
    np.maximum.at(highest, landslides.identity.ravel(), visible.ravel())
    np.minimum.at(lowest, landslides.identity.ravel(), visible.ravel())
    peaks = np.where(highest > -lowest, highest, lowest)
    peaks[0] = 0
    areas = np.bincount(landslides.identity[landslides.body], minlength=landslides.count + 1) * pixel_size**2
    strong = np.abs(peaks) >= np.where(areas >= _BROAD_AREA, _BROAD_PEAK, LABEL_PEAK)
    part_peaks = np.zeros(int(landslides.parts.max()) + 1, np.float32)
    np.maximum.at(part_peaks, landslides.parts.ravel(), np.abs(los_rate).ravel())
    body, inside = landslides.body, landslides.identity > 0
    clear = body & strong[landslides.identity] & (part_peaks[landslides.parts] >= _FAINT_PART)
    label[inside & (np.abs(los_rate) > 1)] = IGNORED
    label[body & (landslides.identity > 0)] = IGNORED
    label[clear & ~hidden] = 1
    return label, peaks
