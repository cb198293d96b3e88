"""Samples of a raster: at points, between the cells of a coarser one, and from windows spread over the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import QUIET, Progress
from ..types import Array, Double
from .grid import Grid, Window
from .reading import BandReader

PIXELS_AT_A_TIME = 2**20
"""No more of a band is read at once where only some of its pixels are wanted."""

_SAMPLE_SIDE, _SAMPLE_STEPS = 128, 6


def read_sample(reader: BandReader) -> Array:
    """The values of a few small windows spread over the reader's grid, as one row."""
    return np.concatenate([reader.read(window).ravel() for window in _sample_windows(reader.grid)])


def _sample_windows(grid: Grid) -> Iterator[Window]:
    """Windows that start on a block of the file where they can."""
    for row in _starts(grid.height):
        for column in _starts(grid.width):
            width, height = min(_SAMPLE_SIDE, grid.width - column), min(_SAMPLE_SIDE, grid.height - row)
            yield Window(column, row, width, height)


def _starts(size: int) -> list[int]:
    spread = np.linspace(0, max(size - _SAMPLE_SIDE, 0), _SAMPLE_STEPS)
    return sorted({int(start) // _SAMPLE_SIDE * _SAMPLE_SIDE for start in spread})


def between_cells(first: int, count: int, cell: int, cells: int) -> tuple[NDArray[np.intp], Double]:
    """(cell before, weight of the next cell) of ``count`` pixels from the ``first`` on along an axis, for linear
    interpolation between the centres of its cells of ``cell`` pixels; beyond the outermost centres these hold.
    """
    position = np.clip((first + np.arange(count) + 0.5) / cell - 0.5, 0, cells - 1)
    before = np.minimum(position.astype(np.intp), max(cells - 2, 0))
    return before, position - before


def sample(reader: BandReader, points: Double, progress: Progress = QUIET) -> Double:
    """Values of a band at points (n, 2) of its CRS, bilinear between the pixels' centres.

    NaN outside and where the pixel that holds the point has no data; neighbours without data are left out. Only windows
    of at most a million pixels are read at a time.
    """
    left, dx, _, top, _, dy = reader.grid.transform
    with np.errstate(invalid="ignore"):
        columns, rows = (reader.grid.beside(points[:, 0]) - left) / dx - 0.5, (points[:, 1] - top) / dy - 0.5
    # Points that PROJ can't transform are infinite, and those far outside would make a huge window.
    near = (np.abs(columns) < reader.grid.width + 2) & (np.abs(rows) < reader.grid.height + 2)
    values = np.full(len(points), np.nan)
    values[near] = _sample_pixels(reader, columns[near], rows[near], progress)
    return values


def _sample_pixels(reader: BandReader, columns: Double, rows: Double, progress: Progress) -> Double:
    """Values at positions counted in pixels from the centre of the first."""
    progress.check()
    if not len(columns):
        return np.zeros(0)
    column, row = math.floor(columns.min()), math.floor(rows.min())
    width, height = math.floor(columns.max()) - column + 2, math.floor(rows.max()) - row + 2
    if width * height > PIXELS_AT_A_TIME and len(columns) > 1:
        half = len(columns) // 2
        halves = (slice(None, half), slice(half, None))
        return np.concatenate([_sample_pixels(reader, columns[part], rows[part], progress) for part in halves])
    return _bilinear(reader.read(Window(column, row, width, height)), columns - column, rows - row)


def _bilinear(values: Array, columns: Double, rows: Double) -> Double:
    x, y = np.floor(columns).astype(np.intp), np.floor(rows).astype(np.intp)
    right, down = columns - x, rows - y
    total, weights = np.zeros(len(x)), np.zeros(len(x))
    for i, j, weight in (
        (0, 0, (1 - down) * (1 - right)),
        (0, 1, (1 - down) * right),
        (1, 0, down * (1 - right)),
        (1, 1, down * right),
    ):
        corner: NDArray[Any] = values[y + i, x + j].astype(np.float64)
        known = np.isfinite(corner)
        weights += np.where(known, weight, 0)
        total += np.where(known, corner, 0) * weight
    nearest = values[y + (down >= 0.5), x + (right >= 0.5)]
    return np.where(np.isfinite(nearest) & (weights > 0), total / np.where(weights > 0, weights, 1), np.nan)
