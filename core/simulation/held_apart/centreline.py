"""Lines down a slope, and where pixels lie along and across them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...types import Mask
from ..terrain import Terrain

_STEP = 0.7
_LEAST_SLOPE = 0.035


@dataclass(frozen=True)
class Centreline:
    """Points (n, 2) in rows and columns, ``step`` metres apart, from the head to the toe."""

    points: NDArray[np.float64]
    step: float

    @property
    def length(self) -> float:
        """Metres along the line."""
        return self.step * (len(self.points) - 1)

    def coordinates(self, rows: NDArray[np.intp], columns: NDArray[np.intp], pixel_size: float) -> LinePlaces:
        """Metres along the line, metres to its right (negative: left), and the line's direction at each pixel."""
        from scipy.spatial import cKDTree

        tangents = np.gradient(self.points, axis=0)
        tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-9)
        pixels = np.stack([rows, columns], axis=1).astype(np.float64)
        _, nearest = cKDTree(self.points).query(pixels)
        offset = (pixels - self.points[nearest]) * pixel_size
        tangent = tangents[nearest]
        along = nearest * self.step + (offset * tangent).sum(axis=1)
        across = offset[:, 0] * tangent[:, 1] - offset[:, 1] * tangent[:, 0]
        return LinePlaces(along, across, tangent[:, 1], -tangent[:, 0])


@dataclass(frozen=True)
class LinePlaces:
    """Where pixels (n,) lie on a line: metres ``along`` and ``across``, and its direction to the east and north."""

    along: NDArray[np.float64]
    across: NDArray[np.float64]
    east: NDArray[np.float64]
    north: NDArray[np.float64]


def descend(terrain: Terrain, start: tuple[int, int], length: float, inertia: float) -> Centreline | None:
    """The line of steepest descent on smoothed ground from a pixel on, at most ``length`` metres long.

    ``inertia`` (0–1) keeps the direction where the ground turns. It ends on level ground and at the border; None where
    it is shorter than three pixels.
    """
    east, north = terrain.motion_gradient
    step = _STEP * terrain.pixel_size
    place, heading = np.array(start, np.float64), np.zeros(2)
    points = [place]
    height, width = terrain.dem.shape
    for _ in range(math.ceil(length / step)):
        row, column = round(place[0]), round(place[1])
        fall = np.array([north[row, column], -east[row, column]], np.float64)
        steepness = float(np.linalg.norm(fall))
        if steepness < _LEAST_SLOPE:
            break
        heading = inertia * heading + (1 - inertia) * fall / steepness
        norm = float(np.linalg.norm(heading))
        if norm < 0.05:
            break
        heading = heading / norm
        place = place + _STEP * heading
        if not (1 <= place[0] < height - 2 and 1 <= place[1] < width - 2):
            break
        points.append(place)
    line = np.array(points)
    # A line that turns back on itself in a hollow goes nowhere.
    if len(line) < 5 or np.linalg.norm(line[-1] - line[0]) < 0.4 * _STEP * len(line):
        return None
    return Centreline(line, step)


def window_around(
    rows: NDArray[Any], columns: NDArray[Any], margin: int, shape: tuple[int, ...]
) -> tuple[slice, slice]:
    """The rows and columns that hold all points and a margin of pixels, within the shape."""
    top, left = max(int(np.min(rows)) - margin, 0), max(int(np.min(columns)) - margin, 0)
    bottom, right = min(int(np.max(rows)) + margin + 1, shape[0]), min(int(np.max(columns)) + margin + 1, shape[1])
    return slice(top, bottom), slice(left, right)


def rough_edge(rng: np.random.Generator, count: int, step: float, strength: float) -> NDArray[np.float64]:
    """Factors (count,) around 1 of an autoregressive walk that forgets within about 120 m."""
    keep = math.exp(-step / 120.0)
    walk, value = np.empty(count), rng.normal()
    for place in range(count):
        value = keep * value + math.sqrt(1 - keep * keep) * rng.normal()
        walk[place] = value
    return np.clip(1 + strength * walk, 0.4, 1.8)


def piece_with(mask: Mask, place: tuple[int, int]) -> Mask:
    """The connected part of a mask that holds a pixel, its holes filled; nothing where the pixel isn't in it."""
    from scipy.ndimage import binary_fill_holes, label

    parts, _ = label(mask)
    number = parts[place]
    return np.asarray(binary_fill_holes(parts == number) if number else np.zeros_like(mask), bool)
