"""Kinds of landslides: how often, how large and how fast they are, where they lie, and how they move.

Kinds and their motion follow Varnes' classification as updated by Hungr et al. (2014, Landslides 11, 167–194).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..types import Array, Mask
from .atmosphere import as_float32, portable, smooth, smoothstep
from .ground import Landforms, Window, loguniform
from .hillslopes import Body, axes, flow_body, slope_body, two_lobed_body
from .landslides import SLOPE_LIMITS

Motion = tuple[Array, Array, Array]
# The steepest ground within about 300 m of a rock glacier is a wall (degrees).
_WALL = 33.0
_ISLAND_SHARE = 0.1
# A slump of so many pixels may be several slices, whose heads and toes are still told apart.
_SLICED = 80


@dataclass(frozen=True)
class Kind:
    """How often a kind is drawn, and the lognormal of its speeds (mm/yr) and areas (m²): median, sigma, limits."""

    share: float
    speed: tuple[float, float, float, float]
    area: tuple[float, float, float, float]


KINDS = {
    "ellipse": Kind(0.13, (32.0, 0.8, 6.0, 600.0), (0.06e6, 1.1, 0.01e6, 2e6)),
    "slab": Kind(0.19, (28.0, 1.1, 4.0, 3000.0), (0.045e6, 1.2, 0.01e6, 2e6)),
    "slump": Kind(0.17, (30.0, 1.0, 5.0, 2000.0), (0.045e6, 1.2, 0.01e6, 1.5e6)),
    "earthflow": Kind(0.15, (90.0, 1.45, 6.0, 3000.0), (0.05e6, 1.1, 0.01e6, 1.5e6)),
    "spreading slope": Kind(0.10, (9.0, 0.45, 3.0, 15.0), (0.9e6, 0.7, 0.3e6, 3e6)),
    "compartments": Kind(0.11, (42.0, 1.2, 6.0, 3000.0), (0.12e6, 1.0, 0.02e6, 3e6)),
    "two lobes": Kind(0.07, (40.0, 1.1, 6.0, 2000.0), (0.08e6, 1.0, 0.015e6, 1.5e6)),
    "rock glacier": Kind(0.08, (420.0, 0.8, 100.0, 2000.0), (0.07e6, 0.8, 0.015e6, 0.8e6)),
}
"""What is drawn. A "spreading slope" is a deep-seated gravitational slope deformation (DSGSD)."""


class Moving(NamedTuple):
    """How a body moves: share of the highest speed, compartments from 0, shape (h, w); ``motion`` makes vectors of a
    speed (mm/yr)."""

    profile: Array
    parts: NDArray[np.int32]
    motion: Callable[[Array], Motion]


def suits(ground: Landforms, name: str, window: Window) -> Mask:
    """Where landslides of a kind begin, on every so manieth pixel of the terrain."""
    from scipy.ndimage import maximum_filter

    slope = ground.terrain.motion_slope[window]
    usual: Mask = (slope > SLOPE_LIMITS[0]) & (slope < SLOPE_LIMITS[1])
    if name == "earthflow":
        return np.asarray((slope > 6) & (slope < 30) & (ground.hollow[window] > 3), bool)
    if name == "rock glacier":
        high = ground.terrain.dem[window] > ground.terrain.dem.min() + 0.45 * ground.relief
        below_walls = maximum_filter(slope, 5) > _WALL
        return np.asarray(high & below_walls & (slope > 9) & (slope < 32) & (ground.relief > 500), bool)
    if name == "spreading slope":
        return np.asarray(usual & (slope > 12) & (ground.relief > 350), bool)
    return np.asarray(usual, bool)


def draw_body(
    rng: np.random.Generator, ground: Landforms, name: str, site: tuple[int, int], area: float
) -> Body | None:
    """The body of a landslide of a kind and an area (m²) around or down from a pixel; None where it has no room."""
    if name == "earthflow" or (name == "rock glacier" and rng.random() < 0.65):
        low, high = (4.0, 12.0) if name == "earthflow" else (1.8, 5.0)
        half_length, half_width = axes(rng, area, low, high)
        toe = rng.uniform(1.0, 2.4) if name == "earthflow" else rng.uniform(1.0, 1.6)
        return flow_body(rng, ground, *site, 2 * half_length, max(half_width, 0.7 * ground.terrain.pixel_size), toe)
    if name == "rock glacier":
        return slope_body(rng, ground, *site, *axes(rng, area, 0.6, 1.6), roundness=rng.uniform(2.0, 3.0))
    if name == "two lobes":
        return two_lobed_body(rng, ground, *site, *axes(rng, 0.6 * area, 2.2, 4.5))
    if name == "ellipse":
        return slope_body(rng, ground, *site, *axes(rng, area, 1.2, 4.0))
    units, roundness = None, rng.uniform(2.0, 4.0)
    if name == "spreading slope":
        units = ground.hills if rng.random() < 0.5 else ground.large_units
    elif rng.random() < 0.7:
        units = ground.small_units if area < 0.1e6 else (ground.large_units, ground.hills)[int(rng.integers(2))]
    low, high = (0.5, 1.6) if name == "spreading slope" else (0.7, 2.8)
    return slope_body(rng, ground, *site, *axes(rng, area, low, high), units, roundness)


def draw_moving(rng: np.random.Generator, ground: Landforms, name: str, body: Body) -> Moving:
    """How a body of a kind moves."""
    profile = _profile(rng, ground, name, body)
    parts = np.zeros(body.radius.shape, np.int32)
    down = body.down
    if name == "compartments" or (name not in ("ellipse", "rock glacier", "slump") and rng.random() < 0.12):
        parts, factor = _compartments(rng, ground, body)
        profile = profile * factor
    elif body.second is not None and rng.random() < 0.6:
        parts = body.second.astype(np.int32)
        profile = profile * (1 - np.float32(rng.uniform(0.1, 0.85)) * smooth(body.second, 0.6))
    elif name == "slump" and int((body.radius < 1).sum()) > _SLICED and rng.random() < 0.35:
        parts, down, factor = _slices(rng, body)
        profile = profile * factor
    if rng.random() < _ISLAND_SHARE:
        profile = profile * _island(rng, ground, body)
    if name in ("slump", "spreading slope"):
        bend = math.radians(rng.uniform(20, 50) if name == "slump" else rng.uniform(5, 25))

        def motion(speed: Array) -> Motion:
            return rotating(ground, body, down, bend, speed)
    elif body.way is not None:
        way = body.way

        def motion(speed: Array) -> Motion:
            return as_float32(speed * way[0]), as_float32(speed * way[1]), as_float32(speed * way[2])
    else:
        plane = rng.uniform(0, 1) if name in ("slab", "compartments") else 0.0

        def motion(speed: Array) -> Motion:
            return translating(ground, body, plane, speed)

    return Moving(as_float32(np.maximum(profile, 0)), parts, motion)


def _profile(rng: np.random.Generator, ground: Landforms, name: str, body: Body) -> Array:
    """Share of the highest speed in one compartment: sharp-edged or rounded, leaning, ridged, rough."""
    size = ground.terrain.pixel_size
    sharp = name in ("slab", "compartments", "rock glacier") or (name in ("slump", "two lobes") and rng.random() < 0.5)
    if sharp:
        edge = min(0.6, rng.uniform(0.8, 2.5) * size / max(body.half_width, size))
        profile = smoothstep(body.radius, 1.0, 1.0 - edge)
    else:
        low, high = (1.0, 2.5) if name == "spreading slope" else (1.5, 6.0)
        profile = 1 - portable(np.power, np.clip(body.radius, 0, 1), np.float32(rng.uniform(low, high)))
    if name == "earthflow":  # the source and the toe lag behind the way between them
        source, toe = (np.float32(rng.uniform(0, 0.8)) for _ in range(2))
        profile = profile * (1 - source * smoothstep(body.down, -0.2, -0.8)) * (1 - toe * smoothstep(body.down, 0.5, 1))
    elif name not in ("slab", "slump") and rng.random() < 0.4:
        profile = profile * (1 + np.float32(rng.uniform(0.3, 0.8) * rng.choice([-1, 1])) * body.down)
    if name == "rock glacier" and rng.random() < 0.6:
        bow = body.down - np.float32(0.3) * body.across * body.across
        waves = np.sin(bow * np.float32(rng.uniform(8, 25)), dtype=np.float64)
        profile = profile * (1 + np.float32(0.12) * as_float32(waves))
    if rng.random() < 0.5:
        texture = ground.texture(rng, body.window, 4 * body.half_width)
        profile = profile * portable(np.exp, np.float32(rng.uniform(0.1, 0.3)) * texture)
    return as_float32(profile)


def _compartments(rng: np.random.Generator, ground: Landforms, body: Body) -> tuple[NDArray[np.int32], Array]:
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


def _slices(rng: np.random.Generator, body: Body) -> tuple[NDArray[np.int32], Array, Array]:
    """Two or three slices one below the other, each with a head and a toe: number, −1 to 1 down each, its speed."""
    count = 3 if int((body.radius < 1).sum()) > 3 * _SLICED and rng.random() < 0.5 else 2
    bowed = body.down - np.float32(rng.uniform(0.1, 0.4)) * np.clip(body.across, -1, 1) ** 2
    place = (np.clip(bowed, -1, 1) + 1) * np.float32(count / 2)
    number = np.clip(np.floor(place), 0, count - 1)
    speeds = np.array([1.0, *(loguniform(rng, 0.2, 1.0) for _ in range(count - 1))], np.float32)
    parts = number.astype(np.int32)
    return parts, as_float32(2 * (place - number) - 1), smooth(rng.permutation(speeds)[parts], 0.5)


def _island(rng: np.random.Generator, ground: Landforms, body: Body) -> Array:
    """1 but 0 on a part inside the body that stands still."""
    down, across = (np.float32(rng.uniform(-0.5, 0.5)) for _ in range(2))
    size = np.float32(rng.uniform(0.2, 0.4))
    away = portable(np.hypot, body.down - down, body.across - across) / size
    away = away * portable(np.exp, np.float32(0.3) * ground.texture(rng, body.window, 2 * body.half_width))
    return smoothstep(away, 0.8, 1.2)


def translating(ground: Landforms, body: Body, plane: float, speed: Array) -> Motion:
    """Motion (mm/yr) along the smoothed slope for a ``plane`` of 0, along the body's mean slope for 1."""
    inside = speed > 0
    share, gradients = np.float32(plane), []
    for values in (values[body.window] for values in ground.terrain.motion_gradient):
        mean = np.float32(values[inside].mean(dtype=np.float64) if inside.any() else 0)
        gradients.append(values + share * (mean - values))
    east, north = gradients
    squared = east * east + north * north
    length = np.maximum(portable(np.sqrt, squared * (1 + squared)), np.float32(1e-6))
    return (
        as_float32(-speed * east / length),
        as_float32(-speed * north / length),
        as_float32(-speed * squared / length),
    )


def rotating(ground: Landforms, body: Body, down: Array, bend: float, speed: Array) -> Motion:
    """Motion (mm/yr) about the centre of a slip circle, whose chord is the body's mean slope.

    ``down``: −1 at the head to 1 at the toe. At the head the motion is steeper than the slope by ``bend`` (rad), at the
    toe flatter by as much, so that the head sinks and a gentle toe heaves; it grows with the distance from the centre.
    """
    inside = speed > 0
    slope = ground.terrain.motion_slope[body.window]
    mean = math.radians(float(slope[inside].mean(dtype=np.float64)) if inside.any() else 0.0)
    # With the chord's middle one unit below the centre, a turn moves (1 along the chord, lift out of it).
    lift = down * np.float32(math.tan(bend))
    level = speed * np.float32(math.cos(bend)) * (np.float32(math.cos(mean)) + lift * np.float32(math.sin(mean)))
    up = speed * np.float32(math.cos(bend)) * (lift * np.float32(math.cos(mean)) - np.float32(math.sin(mean)))
    sine, cosine = np.float32(math.sin(body.azimuth)), np.float32(math.cos(body.azimuth))
    return as_float32(level * sine), as_float32(level * cosine), as_float32(up)
