"""The bodies of landslides: outlines that fill a hillslope's unit or follow the way that water takes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..types import Array
from .atmosphere import as_float32, portable, smooth, smoothstep
from .ground import Landforms, Units, Window, joined, loguniform

_LATTICE = 2
# What lies outside a unit or faces elsewhere is this much farther out, in radii.
_OUTSIDE = np.float32(1.2)
_LEAST_WAY = 0.5
# Ground with little room stretches an outline by no more than this; what it lacks in area stays lacking.
_MOST_STRETCH = 1.7


class Body(NamedTuple):
    """A landslide's body in a window of the terrain, arrays (h, w).

    ``radius``: 0 in the middle, 1 on the outline. ``down``: −1 at the head to 1 at the toe. ``across``: −1 to 1 from
    side to side. ``azimuth``: where the body as a whole faces (rad clockwise from north). ``half_width`` in metres.
    ``way``: east, north and up part of the unit vectors along a channel; None on an open slope. ``second``: where the
    second of two lobes is; None for a single one.
    """

    window: Window
    radius: Array
    down: Array
    across: Array
    azimuth: float
    half_width: float
    way: tuple[Array, Array, Array] | None = None
    second: Array | None = None


def facing(ground: Landforms, row: int, column: int, reach: float) -> float:
    """Azimuth (rad) down the slope, smoothed and taken together over ``reach`` metres around a pixel."""
    around = ground.window(row, column, reach)
    east, north = (float(values[around].mean(dtype=np.float64)) for values in ground.terrain.motion_gradient)
    return math.atan2(-east, -north)


def slope_body(
    rng: np.random.Generator,
    ground: Landforms,
    row: int,
    column: int,
    half_length: float,
    half_width: float,
    units: Units | None = None,
    roundness: float = 2.0,
) -> Body:
    """A warped ellipse (half axes in metres) down the slope at a pixel, a rounded rectangle for a larger ``roundness``.

    It ends where the ground turns level or faces elsewhere, and where ``units`` are given at the border of the one that
    the pixel lies in: at a divide, a valley line. What is cut off there is added elsewhere, so that the ellipse's area
    is kept where there is room.
    """
    azimuth = facing(ground, row, column, 0.4 * half_length)
    window = ground.window(row, column, 1.7 * max(half_length, half_width) + 2 * ground.terrain.pixel_size)
    along, right = ground.turned(window, row, column, azimuth)
    right = right + np.float32(rng.normal(0, 0.25) / half_length) * along * along
    down = np.clip(along / np.float32(half_length), -1, 1)
    width = np.float32(half_width) * (1 + np.float32(rng.uniform(-0.45, 0.45)) * down)
    shape = _rounded(along / np.float32(half_length), right / width, roundness)
    warp = ground.texture(rng, window, 3 * half_width)
    shape *= portable(np.exp, np.float32(rng.uniform(0.12, 0.4)) * warp)
    outside = _OUTSIDE * (1 - _same_slope(ground, window, azimuth, half_width))
    if units is not None:
        outside += _OUTSIDE * (1 - _inside_unit(rng, ground, window, units, row, column))
    radius = _fitted(ground, shape, outside, math.pi * half_length * half_width)
    return Body(window, radius, _extent(along, radius), as_float32(right / width), azimuth, half_width)


def _rounded(along: Array, right: Array, roundness: float) -> Array:
    """Radius of a superellipse: 1 on its outline; an ellipse's for a ``roundness`` of 2."""
    if roundness == 2:
        return portable(np.hypot, along, right)
    total = portable(np.power, np.abs(along), roundness) + portable(np.power, np.abs(right), roundness)
    return portable(np.power, total, 1 / roundness)


def _fitted(ground: Landforms, shape: Array, outside: Array, area: float) -> Array:
    """The radius, stretched so that ``area`` (m²) is inside in spite of what is added to it outside; one piece."""
    pixels = min(max(1, round(area / ground.terrain.pixel_size**2)), shape.size - 1)
    room = as_float32((1 - outside) / np.maximum(shape, np.float32(1e-3)))
    stretch = float(np.partition(room.ravel(), room.size - pixels - 1)[room.size - pixels - 1])
    return _one_piece(as_float32(shape * np.float32(min(max(stretch, 1 / _MOST_STRETCH), 3.0)) + outside))


def _one_piece(radius: Array) -> Array:
    """The radius, on the outline where a smaller piece of the body was."""
    from scipy import ndimage

    pieces, count = ndimage.label(radius < 1, np.ones((3, 3)))
    if count > 1:
        largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
        radius = np.where((pieces == largest) | (radius >= 1), radius, np.float32(1))
    return radius


def _extent(along: Array, radius: Array) -> Array:
    """−1 at the lowest and 1 at the highest of ``along`` inside the body."""
    inside = radius < 1
    if not inside.any():
        return np.zeros_like(radius)
    low, high = (np.float32(np.broadcast_to(along, radius.shape)[inside].min()), np.float32(along[inside].max()))
    return as_float32(np.clip((2 * along - low - high) / max(high - low, np.float32(1)), -1, 1))


def two_lobed_body(
    rng: np.random.Generator, ground: Landforms, row: int, column: int, half_length: float, half_width: float
) -> Body:
    """Two tongues from one head, or two heads with one toe."""
    azimuth = facing(ground, row, column, 0.5 * half_length)
    angle, share = rng.uniform(0.3, 0.7), rng.uniform(0.6, 1.0)
    # Two thirds of the way to their common end both are still wide.
    common = 0.65 * float(rng.choice([-1, 1])) * half_length
    window = ground.window(row, column, 1.8 * half_length + 2 * ground.terrain.pixel_size)
    along, right = ground.turned(window, row, column, azimuth)
    radii = []
    for turn, size in ((angle, 1.0), (-angle, share)):
        # Each lobe's own axis starts from the common end.
        cosine, sine = np.float32(math.cos(turn)), np.float32(math.sin(turn))
        own_along = (along - np.float32(common)) * cosine + right * sine + np.float32(common * size)
        own_right = right * cosine - (along - np.float32(common)) * sine
        radius = _rounded(own_along / np.float32(half_length * size), own_right / np.float32(half_width * size), 2.0)
        warp = ground.texture(rng, window, 3 * half_width)
        radii.append(radius * portable(np.exp, np.float32(rng.uniform(0.1, 0.2)) * warp))
    outside = _OUTSIDE * (1 - _same_slope(ground, window, azimuth, half_width))
    area = math.pi * half_length * half_width * (1 + share * share) * 0.9
    radius = _fitted(ground, np.minimum(*radii), outside, area)
    across = np.clip(right / np.float32(2 * half_width), -1, 1)
    second = as_float32(radii[1] < radii[0])
    return Body(window, radius, _extent(along, radius), as_float32(across), azimuth, half_width, None, second)


def flow_body(
    rng: np.random.Generator, ground: Landforms, row: int, column: int, length: float, half_width: float, toe: float
) -> Body | None:
    """A tongue (metres) along the way that water takes from a pixel: a source bowl, a narrow way, a toe lobe.

    ``toe``: how many times wider than the middle the lobe is. None where the way ends too soon.
    """
    path = _straightened(_while_steep(ground, ground.way_down(row, column, length)))
    if len(path) < 5 or len(path) * ground.terrain.pixel_size < _LEAST_WAY * length:
        return None
    lane = ground.corridor([path], 2.2 * half_width * max(toe, 1.4))
    along = lane.along
    head = smoothstep(along, 0.35, 0.05) * np.float32(rng.uniform(0.1, 1.2))
    lobe = smoothstep(along, 0.7, 0.95) * np.float32(toe - 1)
    width = np.float32(half_width) * (1 + head + lobe)
    radius = smooth(lane.distance, 0.7) / width
    radius *= portable(np.exp, np.float32(rng.uniform(0.1, 0.3)) * ground.texture(rng, lane.window, 4 * half_width))
    # Tongues lie in their channel: what rises steeply beside it stays.
    radius += smoothstep(lane.rise, 25.0, 60.0)
    radius = _one_piece(as_float32(radius))
    start, end = path[0], path[-1]
    azimuth = math.atan2(float(end[1] - start[1]), float(start[0] - end[0]))
    across = np.clip(lane.distance / width, 0, 1)
    way = _along_way(ground, path, np.rint(along * np.float32(len(path) - 1)).astype(np.int64))
    down = as_float32(2 * along - 1)
    return Body(lane.window, radius, down, as_float32(across), azimuth, half_width, way)


def _while_steep(ground: Landforms, path: NDArray[np.int64]) -> NDArray[np.int64]:
    """The path (n, 2) up to where the ground turns level."""
    level = np.flatnonzero(ground.terrain.motion_slope[path[:, 0], path[:, 1]] < 4)
    return path[: level[0]] if len(level) else path


def _straightened(path: NDArray[np.int64]) -> NDArray[np.int64]:
    """The path (n, 2) without the corners that the grid gives it."""
    from scipy.ndimage import uniform_filter1d

    if len(path) < 5:
        return path
    turned = uniform_filter1d(path.astype(np.float64), 7, axis=0, mode="nearest")
    return joined(np.rint(turned).astype(np.int64))


def _along_way(ground: Landforms, path: NDArray[np.int64], nearest: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Unit vectors (east, north, up) down a path (n, 2) of pixels, at the numbers ``nearest`` of its points."""
    from scipy.ndimage import uniform_filter1d

    size = ground.terrain.pixel_size
    points = np.column_stack([path[:, 1] * size, -path[:, 0] * size, ground.broad_dem[path[:, 0], path[:, 1]]]).astype(
        np.float64
    )
    steps = np.gradient(uniform_filter1d(points, 7, axis=0, mode="nearest"), axis=0)
    level = np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-3)
    steps[:, 2] = np.minimum(steps[:, 2], -0.03 * level)
    steps /= np.sqrt((steps**2).sum(axis=1))[:, None]
    east, north, up = (smooth(steps[:, part].astype(np.float32)[nearest], 1.0) for part in range(3))
    length = np.maximum(portable(np.sqrt, east * east + north * north + up * up), 1e-3)
    return east / length, north / length, up / length


def _same_slope(ground: Landforms, window: Window, azimuth: float, half_width: float) -> Array:
    """1 on slopes that face as ``azimuth``, 0 on level ground and on what faces elsewhere, smooth between.

    A landslide doesn't mind relief on it that is much narrower than its ``half_width`` (m).
    """
    wide = ground.pixels(half_width / 5)
    east, north = (values[window] for values in ground.terrain.motion_gradient)
    if wide > 1:
        east, north = smooth(east, wide), smooth(north, wide)
    steepness = np.maximum(portable(np.hypot, east, north), 1e-6)
    towards = -(np.float32(math.sin(azimuth)) * east + np.float32(math.cos(azimuth)) * north) / steepness
    # Level ground is that of less than 3°, slopes are those of more than 7°.
    return smoothstep(towards, -0.1, 0.5) * smoothstep(steepness, math.tan(math.radians(3)), math.tan(math.radians(7)))


def _inside_unit(
    rng: np.random.Generator, ground: Landforms, window: Window, units: Units, row: int, column: int
) -> Array:
    """1 inside the unit that a pixel lies in, 0 outside, in the window's shape."""
    own, cover = ground.unit_cover(rng, units, int(units.labels[row // _LATTICE, column // _LATTICE]))
    inside = np.zeros(tuple(part.stop - part.start for part in window), np.float32)
    both = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(window, own)]
    if all(part.start < part.stop for part in both):
        target = tuple(slice(part.start - a.start, part.stop - a.start) for part, a in zip(both, window))
        source = tuple(slice(part.start - a.start, part.stop - a.start) for part, a in zip(both, own))
        inside[target] = cover[source]
    return inside


def axes(rng: np.random.Generator, area: float, low: float, high: float) -> tuple[float, float]:
    """Half length and half width (m) of an ellipse of an area (m²) and an elongation between two limits."""
    elongation = loguniform(rng, low, high)
    half_length = math.sqrt(area * elongation / math.pi)
    return half_length, half_length / elongation
