"""Moving ground: landslides that creep downslope, bowls and heaves of level ground, and the labels they deserve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models import IGNORED
from ..robust import robust_spread
from ..satellite import Viewing
from ..types import Array
from .atmosphere import FieldPool, as_float32, portable, smooth, smoothstep
from .terrain import Terrain

LANDSLIDES_PER_KM2 = 1.1 / 58.98
MEDIAN_AREA, AREA_SIGMA, AREA_LIMITS = 0.12e6, 0.9, (0.02e6, 3e6)
MEDIAN_SPEED, SPEED_SIGMA, SPEED_LIMITS = 35.0, 0.7, (8.0, 250.0)
# Outlines are drawn larger by what slopes and crests then cut off.
TRIMMED = 1.35
SLOPE_LIMITS = (8.0, 45.0)
LABEL_RATE, LABEL_SHARE, LABEL_PEAK = 5.0, 0.25, 8.0
# An area stands out of noise where its mean is this many times what means over as many pixels of noise are.
VISIBLE = 3.0
_NOISE_RADIUS = 3_000.0


@dataclass(frozen=True)
class Landslides:
    """Speed (mm/yr, 0 outside) and the number of the landslide (from 1, 0 outside) of each pixel.

    ``motion``: east, north and up (mm/yr); None where all move down the smoothed slope. ``kinds``: of the numbers 1 to
    ``count``. ``body``: the pixels of their bodies without the faint rim; ``parts``: the number of each pixel's
    compartment; None where bodies aren't told from rims.
    """

    speed: Array
    identity: NDArray[np.int32]
    count: int
    motion: tuple[Array, Array, Array] | None = None
    kinds: tuple[str, ...] = ()
    body: NDArray[np.bool_] | None = None
    parts: NDArray[np.int32] | None = None


def draw_landslides(rng: np.random.Generator, terrain: Terrain, shapes: FieldPool, count: int) -> Landslides:
    """Place up to ``count`` landslides on slopes of 8–45°; those that would overlap another are left out."""
    speed = np.zeros(terrain.dem.shape, np.float32)
    identity = np.zeros(terrain.dem.shape, np.int32)
    slope = terrain.motion_slope
    sites = np.flatnonzero((slope > SLOPE_LIMITS[0]) & (slope < SLOPE_LIMITS[1]))
    placed = 0
    for _ in range(count if len(sites) else 0):
        row, column = divmod(int(sites[rng.integers(len(sites))]), terrain.dem.shape[1])
        window, own = _landslide(rng, terrain, shapes, row, column)
        taken = identity[window] > 0
        inside = own > 0
        if inside.sum() * terrain.pixel_size**2 < 0.5 * AREA_LIMITS[0] or (taken & inside).any():
            continue
        placed += 1
        speed[window] += own
        identity[window][inside] = placed
    return Landslides(speed, identity, placed)


def _lognormal(rng: np.random.Generator, median: float, sigma: float, limits: tuple[float, float]) -> float:
    while True:
        value = median * math.exp(sigma * rng.standard_normal())
        if limits[0] <= value <= limits[1]:
            return value


def _landslide(
    rng: np.random.Generator, terrain: Terrain, shapes: FieldPool, row: int, column: int
) -> tuple[tuple[slice, slice], Array]:
    """The window that one landslide around a pixel touches, and its downslope speed there (mm/yr)."""
    area = _lognormal(rng, MEDIAN_AREA, AREA_SIGMA, AREA_LIMITS)
    peak = _lognormal(rng, MEDIAN_SPEED, SPEED_SIGMA, SPEED_LIMITS)
    elongation = rng.uniform(1.2, 4.0)
    half_length = math.sqrt(TRIMMED * area * elongation / math.pi)
    half_width = half_length / elongation
    reach = math.ceil(1.5 * half_length / terrain.pixel_size) + 2
    window = (
        slice(max(0, row - reach), min(terrain.dem.shape[0], row + reach + 1)),
        slice(max(0, column - reach), min(terrain.dem.shape[1], column + reach + 1)),
    )
    east_gradient, north_gradient = (values[window] for values in terrain.motion_gradient)
    direction = np.array([-terrain.motion_gradient[0][row, column], -terrain.motion_gradient[1][row, column]])
    direction /= max(math.hypot(*direction), 1e-9)
    east = (np.arange(window[1].start, window[1].stop, dtype=np.float32) - column) * np.float32(terrain.pixel_size)
    north = (row - np.arange(window[0].start, window[0].stop, dtype=np.float32)) * np.float32(terrain.pixel_size)
    down = (direction[0] * east[None, :] + direction[1] * north[:, None]).astype(np.float32)
    across = (direction[1] * east[None, :] - direction[0] * north[:, None]).astype(np.float32)
    across += np.float32(rng.normal(0, 0.25) / half_length) * down * down  # the track bends
    width = half_width * (1 + np.float32(rng.uniform(-0.45, 0.45)) * np.clip(down / half_length, -1, 1))
    side = 2 * reach + 1
    warp = _outline_noise(rng, shapes, side, half_width / terrain.pixel_size)
    warp = warp[: down.shape[0], : down.shape[1]]
    radius = portable(np.hypot, down / np.float32(half_length), across / width)
    radius *= portable(np.exp, np.float32(rng.uniform(0.12, 0.35)) * warp)
    # A landslide ends where the ground turns level, or turns to another side as over a crest or a valley floor.
    length = np.maximum(portable(np.hypot, east_gradient, north_gradient), 1e-6)
    facing = -(direction[0] * east_gradient + direction[1] * north_gradient) / length
    radius += np.float32(0.8) * smoothstep(facing, 0.55, -0.1)
    radius += np.float32(0.8) * smoothstep(terrain.motion_slope[window], 8.0, 3.0)
    profile = 1 - portable(np.power, np.clip(radius, 0, 1), np.float32(rng.uniform(1.5, 6.0)))
    if rng.random() < 0.4:
        lean = np.float32(rng.uniform(0.3, 0.8) * rng.choice([-1, 1]))
        profile *= 1 + lean * np.clip(down / np.float32(half_length), -1, 1)
    if rng.random() < 0.4:
        profile *= portable(np.exp, np.float32(0.25) * warp[::-1, ::-1])
    profile = np.where(profile > 0.02, profile, 0)
    top = float(profile.max())
    return window, as_float32(profile * np.float32(peak / max(top, 1e-6)))


def _outline_noise(rng: np.random.Generator, shapes: FieldPool, side: int, scale: float) -> Array:
    """Noise of about unit variance within a landslide, shape (side, side)."""
    noise = shapes.draw(rng, side)
    noise = noise - smooth(noise, max(1.0, 1.5 * scale))
    return noise / max(float(noise.std()), 1e-6)


def landslide_los_rate(landslides: Landslides, terrain: Terrain, viewing: Viewing) -> Array:
    """LOS rate (mm/yr, positive toward) of landslides."""
    if landslides.motion is not None:
        east, north, up = landslides.motion
        look_east, look_north, look_up = (np.float32(part) for part in viewing.to_satellite)
        return as_float32(look_east * east + look_north * north + look_up * up)
    return landslides.speed * viewing.downslope_sensitivity(*terrain.motion_gradient)


def label_landslides(
    landslides: Landslides, los_rate: Array, hidden: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Which pixels are an active deformation area: 1, 0, or 255 = neither; and each landslide's peak |LOS rate|.

    A pixel of a landslide is 1 when |LOS rate| > max(5 mm/yr, 25 % of the landslide's visible peak) and that
    peak is at least 8 mm/yr. Weaker landslides, and landslides in layover or shadow, are neither. The peaks
    (mm/yr, signed, shape (count + 1,)) are indexed by identity.
    """
    label = np.zeros(los_rate.shape, np.uint8)
    peaks = np.zeros(landslides.count + 1, np.float32)
    if landslides.count == 0:
        return label, peaks
    members = np.flatnonzero(landslides.identity)
    identity = landslides.identity.ravel()[members]
    rate = los_rate.ravel()[members]
    visible = np.where(hidden.ravel()[members], 0, rate)
    highest, lowest = peaks.copy(), peaks.copy()
    np.maximum.at(highest, identity, visible)
    np.minimum.at(lowest, identity, visible)
    peaks = np.where(highest > -lowest, highest, lowest)
    peak = np.abs(peaks)[identity]
    strong = peak >= LABEL_PEAK
    moving = np.abs(rate) > np.where(strong, np.maximum(LABEL_RATE, LABEL_SHARE * peak), LABEL_SHARE * peak)
    values = np.where(moving & strong, 1, np.where(moving & (np.abs(rate) > 1), IGNORED, 0))
    values[(hidden.ravel()[members]) & (values == 1)] = IGNORED
    label.ravel()[members] = values
    return label, peaks


def ignore_drowned(
    label: NDArray[np.uint8], landslides: Landslides, los_rate: Array, noise: Array, pixel_size: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Make "neither" of what nobody can see: areas whose mean rate is lost in the noise of their surroundings.

    ``los_rate`` and ``noise`` in the same unit (h, w). An area's prominence is its mean |LOS rate| over the typical
    |mean| of the noise, taken above its own mean over 3 km, over squares of as many pixels in the surroundings;
    below VISIBLE its label 1 becomes 255. Returns the labels and the prominence by identity, shape (count + 1,), 0
    for landslides without a label.
    """
    from scipy.ndimage import find_objects, uniform_filter

    prominence = np.zeros(landslides.count + 1, np.float32)
    result = label.copy()
    if not (label == 1).any():
        return result, prominence
    wide = max(3, 2 * round(_NOISE_RADIUS / pixel_size) + 1)
    relief = noise - uniform_filter(noise, wide, mode="reflect")
    for number, box in enumerate(find_objects(landslides.identity), 1):
        if box is None:
            continue
        inside = (landslides.identity[box] == number) & (label[box] == 1)
        pixels = int(inside.sum())
        if not pixels:
            continue
        side = max(1, round(math.sqrt(pixels)))
        reach = max(20, 3 * side)
        around = tuple(slice(max(0, part.start - reach), part.stop + reach) for part in box)
        typical = robust_spread(uniform_filter(relief[around], side, mode="reflect"), centre=0.0)
        prominence[number] = float(np.abs(los_rate[box][inside]).mean()) / max(typical, 1e-6)
        if prominence[number] < VISIBLE:
            result[box][inside] = IGNORED
    return result, prominence


def draw_bowl(
    rng: np.random.Generator,
    terrain: Terrain,
    shapes: FieldPool,
    on_slopes: bool = False,
    uplift: bool = False,
    smallest: tuple[float, float] = (300.0, 5.0),
    margin: int = 0,
) -> Array:
    """Vertical rate (mm/yr, negative = subsidence) of one bowl of 0.3–5 km and 5–150 mm/yr on level ground.

    A mining bowl may lie on slopes too: it is smaller, rounder and has a flatter bottom. All zero where the
    terrain has no level ground. ``smallest`` raises the least diameter (m) and rate (mm/yr);
    the centre is at least ``margin`` pixels inside the terrain.
    """
    height, width = terrain.dem.shape
    weight = np.ones_like(terrain.dem)
    if not on_slopes:  # sediments thin out toward the edge of a plain, and subsidence with them
        weight = smoothstep(smooth(terrain.level_ground, 200.0 / terrain.pixel_size), 0.45, 0.98)
    possible = weight > 0.5
    if margin:
        possible[:margin] = possible[-margin:] = possible[:, :margin] = possible[:, -margin:] = False
    sites = np.flatnonzero(possible)
    rate = np.zeros_like(terrain.dem)
    if len(sites) < 30:
        return rate
    row, column = divmod(int(sites[rng.integers(len(sites))]), width)
    diameter = math.exp(rng.uniform(math.log(smallest[0]), math.log(1500 if on_slopes else 5000)))
    peak = math.exp(rng.uniform(math.log(smallest[1]), math.log(60 if uplift else 150)))
    north = (np.arange(height, dtype=np.float32) - row)[:, None]
    east = (np.arange(width, dtype=np.float32) - column)[None, :]
    angle, ratio = rng.uniform(0, math.pi), rng.uniform(1.0, 1.3 if on_slopes else 2.2)
    scale = np.float32(2 * terrain.pixel_size / diameter)
    first = (east * math.cos(angle) + north * math.sin(angle)).astype(np.float32) * scale / np.float32(ratio)
    second = (north * math.cos(angle) - east * math.sin(angle)).astype(np.float32) * scale
    radius = portable(np.hypot, first, second)
    if not on_slopes:
        side = max(height, width)
        radius *= portable(np.exp, np.float32(rng.uniform(0.05, 0.3)) * shapes.draw(rng, side)[:height, :width])
    power = rng.uniform(1.6, 5.0 if on_slopes else 3.0)
    shape = portable(np.exp, -portable(np.power, np.minimum(radius, 4), np.float32(power))) * weight
    return as_float32(shape * np.float32(peak if uplift else -peak))


def bowl_los_rate(vertical: Array, pixel_size: float, viewing: Viewing, inward: float = 0.3) -> Array:
    """LOS rate (mm/yr, positive toward) of a bowl: its fall, and the ground's pull toward its centre.

    The horizontal rate follows the bowl's own gradient, ``inward`` times the fall at most.
    """
    east_up, north_up = np.gradient(smooth(vertical, 1.0), axis=1), -np.gradient(smooth(vertical, 1.0), axis=0)
    steepest = max(float(np.max(portable(np.hypot, east_up, north_up))), 1e-6)
    pull = np.float32(-inward * float(np.max(np.abs(vertical))) / steepest)
    east, north, up = viewing.to_satellite
    return as_float32(pull * (east * east_up + north * north_up) + up * vertical)
