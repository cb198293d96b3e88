"""Where true north is in a grid: the columns of a projected one point elsewhere, by up to 180° in polar grids."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..gdal_errors import gdal_raises
from ..types import Array, Double
from .crs import DEGREES, Transformation
from .grid import Grid, Window, metres_per_degree

# Pixels between the places where directions are computed; in between they are interpolated. Halved until that is
# within the tolerance (radians), which only the surroundings of a pole can fail.
_FIRST_STEP, _LAST_STEP = 128, 8
_TOLERANCE = math.radians(0.01)


class TrueNorth:
    """Directions on the ground of a grid's columns and rows. InputError without a CRS that lies on Earth."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._to_degrees = None if grid.is_geographic else Transformation(grid.crs, DEGREES, grid.name)
        self._one_thread = threading.Lock()

    def over(self, window: Window) -> Directions:
        """The directions at the pixels of a window; of any thread.

        They are the same in all windows that a pixel is in, but for those near a pole.
        """
        if self._to_degrees is None:
            return Directions(window, None)
        nodes = self._nodes(window, _FIRST_STEP)
        while nodes.step > _LAST_STEP:
            finer = self._nodes(window, nodes.step // 2)
            far = np.abs(nodes.at(finer.rows, finer.columns) - finer.axes).max()
            nodes = finer
            if far < _TOLERANCE:
                break
        return Directions(window, nodes)

    def _nodes(self, window: Window, step: int) -> _Nodes:
        """At multiples of the step, from before the first to behind the last pixel of the window."""
        first = window.row // step, window.column // step
        last = (window.row + window.height - 1) // step + 1, (window.column + window.width - 1) // step + 1
        rows, columns = (step * np.arange(a, b + 1, dtype=np.float64) for a, b in zip(first, last))
        return _Nodes(step, rows, columns, self._axes(rows, columns))

    def angle(self, window: Window) -> float:
        """Degrees clockwise from the columns to true north in the middle of a window; ±180 at most."""
        if self._to_degrees is None:
            return 0.0
        row, column = window.row + (window.height - 1) / 2, window.column + (window.width - 1) / 2
        _, _, east, north = self._axes(np.array([row]), np.array([column]))[:, 0, 0]
        return math.degrees(math.atan2(-east, north))

    @gdal_raises()
    def _axes(self, rows: Double, columns: Double) -> Double:
        """East and north parts of the unit vectors along x and along y, (4, rows, columns).

        Those of places outside the projection are the mean of the others.
        """
        left, dx, _, top, _, dy = self._grid.transform
        x, y = np.meshgrid(left + (columns + 0.5) * dx, top + (rows + 0.5) * dy)
        shifts = ((dx / 2, 0.0), (-dx / 2, 0.0), (0.0, -dy / 2), (0.0, dy / 2))
        points = np.stack([np.stack([x + right, y + up], axis=-1) for right, up in shifts])
        with self._one_thread:
            if self._to_degrees is None:
                raise TypeError("The columns of a grid in degrees point north.")
            degrees = self._to_degrees.points(points.reshape(-1, 2)).reshape(points.shape)
        with np.errstate(invalid="ignore", divide="ignore"):
            differences = degrees[::2] - degrees[1::2]
            differences[..., 0] -= 360 * np.round(differences[..., 0] / 360)
            east, north = metres_per_degree((degrees[::2, ..., 1] + degrees[1::2, ..., 1]) / 2)
            vectors = np.stack([differences[..., 0] * east, differences[..., 1] * north], axis=-1)
            vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
        axes: Double = np.moveaxis(vectors, -1, 1).reshape(4, *x.shape)
        known = np.isfinite(axes).all(axis=0)
        if not known.all():
            axes[:, ~known] = (axes[:, known].mean(axis=1) if known.any() else np.array([1.0, 0, 0, 1.0]))[:, None]
        return axes


@dataclass(frozen=True)
class _Nodes:
    """Directions (4, rows, columns) at rows and columns of the grid, in pixels, that lie ``step`` apart."""

    step: int
    rows: Double
    columns: Double
    axes: Double

    def at(self, rows: Double, columns: Double) -> Array:
        """Bilinear between the nodes, (4, rows, columns)."""
        column, share = self._place(columns, self.columns)
        start = self.axes[..., column]
        across = (start + (self.axes[..., column + 1] - start) * share).astype(np.float32)
        row, part = self._place(rows, self.rows)
        found = across[:, row + 1]
        found -= across[:, row]
        found *= part.astype(np.float32)[:, None]
        found += across[:, row]
        return found

    def _place(self, pixels: Double, nodes: Double) -> tuple[NDArray[np.intp], Double]:
        """The node before each pixel, and the share of the way to the next one."""
        position = (pixels - nodes[0]) / self.step
        before = np.minimum(position.astype(np.intp), len(nodes) - 2)
        return before, position - before


@dataclass(frozen=True)
class Directions:
    """Directions at the pixels of a window; None where the columns point to true north."""

    window: Window
    _nodes: _Nodes | None

    def turned(self, right: Array, up: Array, first: int = 0) -> tuple[Array, Array]:
        """A gradient to true east and to true north from one to the right along the rows and one up the columns.

        Arrays (h, w) of the window's rows from its ``first`` on. The two need not be perpendicular on the ground.
        """
        if self._nodes is None:
            return right, up
        rows = np.arange(self.window.row + first, self.window.row + first + up.shape[0], dtype=np.float64)
        columns = np.arange(self.window.column, self.window.column + self.window.width, dtype=np.float64)
        x_east, x_north, y_east, y_north = self._nodes.at(rows, columns)
        area = x_east * y_north - x_north * y_east
        east = (right * y_north - up * x_north) / area
        north = (up * x_east - right * y_east) / area
        return east.astype(np.float32, copy=False), north.astype(np.float32, copy=False)
