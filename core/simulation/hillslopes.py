"""The bodies of landslides: outlines that fill a hillslope's unit or follow the way that water takes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..types import Array
from .atmosphere import as_float32, portable, smooth, smoothstep
from .ground import Ground, Units, Window, loguniform

_LATTICE = 2
_OUTSIDE = np.float32(1.2)
_LEAST_WAY = 0.5


class Body(NamedTuple):
    """A landslide's body in a window of the terrain, arrays (h, w).

    ``radius``: 0 in the middle, 1 on the outline. ``down``: −1 at the head to 1 at the toe. ``across``: −1 to 1 from
    side to side. ``azimuth``: where the body as a whole faces (rad clockwise from north). ``half_width`` in metres.
    """

    window: Window
    radius: Array
    down: Array
    across: Array
    azimuth: float
    half_width: float


def facing(ground: Ground, row: int, column: int) -> float:
    """Azimuth (rad) down the smoothed slope at a pixel."""
    east, north = (float(values[row, column]) for values in ground.terrain.motion_gradient)
    return math.atan2(-east, -north)


def slope_body(
    rng: np.random.Generator,
    ground: Ground,
    row: int,
    column: int,
    half_length: float,
    half_width: float,
    units: Units | None = None,
    turn: float = 0.0,
) -> Body:
    """A warped ellipse (half axes in metres) down the slope at a pixel, its axis turned by ``turn`` (rad).

    It ends where the ground turns level or faces elsewhere, and where ``units`` are given at the border of the one that
    the pixel lies in: at a divide, a valley line.
    """
    azimuth = facing(ground, row, column) + turn
    window = ground.window(row, column, 1.5 * max(half_length, half_width) + 2 * ground.terrain.pixel_size)
    along, right = ground.turned(window, row, column, azimuth)
    right = right + np.float32(rng.normal(0, 0.25) / half_length) * along * along
    down = np.clip(along / np.float32(half_length), -1, 1)
    width = np.float32(half_width) * (1 + np.float32(rng.uniform(-0.45, 0.45)) * down)
    radius = portable(np.hypot, along / np.float32(half_length), right / width)
    warp = ground.texture(rng, window, 3 * half_width)
    radius *= portable(np.exp, np.float32(rng.uniform(0.12, 0.4)) * warp)
    radius += _OUTSIDE * (1 - _same_slope(ground, window, azimuth))
    if units is not None:
        radius += _OUTSIDE * (1 - _inside_unit(rng, ground, window, units, row, column))
    return Body(window, as_float32(radius), as_float32(down), as_float32(right / width), azimuth, half_width)


def two_lobed_body(
    rng: np.random.Generator, ground: Ground, row: int, column: int, half_length: float, half_width: float
) -> Body:
    """Two tongues from one head, or two heads with one toe."""
    angle = rng.uniform(0.3, 0.8)
    share = rng.uniform(0.6, 1.0)
    first = slope_body(rng, ground, row, column, half_length, half_width, turn=angle / 2)
    azimuth = first.azimuth - angle
    end = rng.choice([-1, 1]) * half_length
    size = ground.terrain.pixel_size
    side = first.azimuth
    shift_east = end * (math.sin(azimuth) * share - math.sin(side))
    shift_north = end * (math.cos(azimuth) * share - math.cos(side))
    height, width = ground.shape
    own_row = int(np.clip(row - shift_north / size, 0, height - 1))
    own_column = int(np.clip(column + shift_east / size, 0, width - 1))
    along, right = ground.turned(first.window, own_row, own_column, azimuth)
    radius = portable(np.hypot, along / np.float32(half_length * share), right / np.float32(half_width * share))
    warp = ground.texture(rng, first.window, 3 * half_width)
    radius *= portable(np.exp, np.float32(0.2) * warp)
    radius += _OUTSIDE * (1 - _same_slope(ground, first.window, azimuth + angle / 2))
    return first._replace(radius=as_float32(np.minimum(first.radius, radius)))


def flow_body(
    rng: np.random.Generator, ground: Ground, row: int, column: int, length: float, half_width: float, toe: float
) -> Body | None:
    """A tongue (metres) along the way that water takes from a pixel: a source bowl, a narrow way, a toe lobe.

    ``toe``: how many times wider than the middle the lobe is. None where the way ends too soon.
    """
    path = ground.way_down(row, column, length)
    if len(path) < 3 or len(path) * ground.terrain.pixel_size < _LEAST_WAY * length:
        return None
    lane = ground.corridor([path], 2.2 * half_width * max(toe, 1.4))
    along = lane.along
    head = smoothstep(along, 0.3, 0.05) * np.float32(rng.uniform(0.1, 0.8))
    lobe = smoothstep(along, 0.7, 0.95) * np.float32(toe - 1)
    width = np.float32(half_width) * (1 + head + lobe)
    radius = smooth(lane.distance, 0.7) / width
    radius *= portable(np.exp, np.float32(rng.uniform(0.1, 0.3)) * ground.texture(rng, lane.window, 4 * half_width))
    # Tongues lie in their channel: what rises steeply beside it stays.
    radius += smoothstep(lane.rise, 25.0, 60.0)
    start, end = path[0], path[-1]
    azimuth = math.atan2(float(end[1] - start[1]), float(start[0] - end[0]))
    across = np.clip(lane.distance / width, 0, 1)
    return Body(lane.window, as_float32(radius), as_float32(2 * along - 1), as_float32(across), azimuth, half_width)


def _same_slope(ground: Ground, window: Window, azimuth: float) -> Array:
    """1 on slopes that face as ``azimuth``, 0 on level ground and on what faces elsewhere, smooth between."""
    east, north = (values[window] for values in ground.terrain.motion_gradient)
    steepness = np.maximum(portable(np.hypot, east, north), 1e-6)
    towards = -(np.float32(math.sin(azimuth)) * east + np.float32(math.cos(azimuth)) * north) / steepness
    return smoothstep(towards, -0.1, 0.5) * smoothstep(ground.terrain.motion_slope[window], 3.0, 7.0)


def _inside_unit(
    rng: np.random.Generator, ground: Ground, window: Window, units: Units, row: int, column: int
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
