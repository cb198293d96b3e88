"""The standard error of the rates: each pixel's noise, drawn toward that of its surroundings, carried into its rate.

A pixel's residuals tell its noise with as many degrees of freedom as they have, which may be few; so the noise of the
surroundings takes part in it, counting as ``NEAR_FREEDOM`` degrees of freedom. The noise of pairs (decorrelation)
changes within hundreds of metres, that of dates (air) is correlated over kilometres: their surroundings are Gaussian
windows with standard deviations of ``PAIR_METRES`` and ``DATE_METRES``. What the error doesn't hold: noise of dates
that is not independent from date to date, that of the reference, a seasonal motion, and fading.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..files import told_as_unwritable
from ..raster import Grid, Window, between_cells
from ..types import Array, Double, PathLike
from .atmosphere_filter import Atmosphere
from .noise import NoiseTerms

NEAR_FREEDOM = 10.0
PAIR_METRES, DATE_METRES = 300.0, 3000.0
_MOST_CELLS = 2**20
# Beyond so many standard deviations ground is no surroundings any more.
_REACH = 3.0


@dataclass(frozen=True)
class Surroundings:
    """Variance of the noise of pairs and of dates around each cell of ``cell`` pixels, (rows, columns) each; NaN where
    no pixel around tells it."""

    pair: Double
    date: Double
    cell: int

    def standard_error(self, terms: NoiseTerms, window: Window, atmosphere: Atmosphere | None) -> Double:
        """Of the rates of a window (rad/yr), from the noise of its pixels (height, width) and that around them."""
        near_pair = between(self.pair, self.cell, window)
        near_date = between(self.date, self.cell, window)
        with np.errstate(invalid="ignore", divide="ignore"):
            pair = (terms.closure + NEAR_FREEDOM * near_pair) / (terms.redundancy + NEAR_FREEDOM)
            own = np.where(terms.freedom > 0, terms.scatter - terms.pair_share * pair, 0)
            date = (terms.freedom * own + NEAR_FREEDOM * near_date) / (terms.freedom + NEAR_FREEDOM)
            date = np.maximum(date, 0)
            variance = date * terms.date_gain + pair * terms.pair_gain
            if atmosphere is not None:
                # What the filter removed of a date is a part s of its air, smoothed in space and high-pass in time:
                # ‖(I − sH)'A'c‖², with the means of s and of s² that the maps tell.
                passed = np.minimum(between(atmosphere.variance, atmosphere.cell, window), date)
                shared = np.minimum(atmosphere.regression * passed, np.sqrt(passed * date))
                variance += passed * terms.removed_gain - 2 * shared * terms.filtered_gain
            return np.asarray(np.sqrt(np.maximum(variance, 0)))


class NoiseStore:
    """The noise of all pixels in a file, until their surroundings are known; see ``noise_store``."""

    def __init__(self, file: IO[bytes], target: PathLike, grid: Grid) -> None:
        self._file, self._target, self._grid = file, target, grid
        self._windows: list[Window] = []
        self._cell = _cell_size(grid)
        self._sums = np.zeros((5, -(-grid.height // self._cell), -(-grid.width // self._cell)))

    def add(self, window: Window, noise: Array) -> None:
        """Keep the noise of a window, (terms, height, width) with the fields of ``NoiseTerms``."""
        with told_as_unwritable(self._target):
            self._file.write(np.ascontiguousarray(noise, np.float32).data)
        self._windows.append(window)
        terms = NoiseTerms(*noise)
        known = np.isfinite(terms.date_gain)
        dated = known & (terms.freedom > 0)
        sums = np.stack(
            [
                np.where(known, terms.closure, 0),
                np.where(known, terms.redundancy, 0),
                np.where(dated, terms.freedom * np.where(dated, terms.scatter, 0), 0),
                np.where(dated, terms.freedom * np.where(dated, terms.pair_share, 0), 0),
                np.where(dated, terms.freedom, 0),
            ]
        ).astype(np.float64)
        for axis, first in ((1, window.row), (2, window.column)):
            cells = (first + np.arange(sums.shape[axis])) // self._cell
            sums = np.add.reduceat(sums, np.flatnonzero(np.diff(cells, prepend=-1)), axis=axis)
        row, column = window.row // self._cell, window.column // self._cell
        self._sums[:, row : row + sums.shape[1], column : column + sums.shape[2]] += sums

    def surroundings(self) -> Surroundings:
        """What the pixels around each cell tell together."""
        dx, dy = self._grid.metres_per_pixel(np.array([self._grid.height // 2]))
        closure, redundancy, scatter, share, freedom = self._sums
        narrow, wide = (
            [max(metres / (float(side[0]) * self._cell), 1.0) for side in (dy, dx)]
            for metres in (PAIR_METRES, DATE_METRES)
        )
        pair = _pooled(closure, redundancy, narrow)
        told = np.isfinite(pair)
        of_dates = np.where(told, scatter - np.nan_to_num(pair) * share, 0)
        date = _pooled(of_dates, np.where(told, freedom, 0), wide)
        return Surroundings(pair, np.maximum(date, 0), self._cell)

    def windows(self) -> Iterator[tuple[Window, NoiseTerms]]:
        """The windows in the order in which they were kept, with their noise."""
        with told_as_unwritable(self._target):
            self._file.seek(0)
            for window in self._windows:
                shape = len(fields(NoiseTerms)), window.height, window.width
                noise = np.frombuffer(self._file.read(4 * math.prod(shape)), np.float32)
                yield window, NoiseTerms(*noise.reshape(shape))


@contextlib.contextmanager
def noise_store(target: PathLike, grid: Grid) -> Iterator[NoiseStore]:
    """A store in a nameless file beside ``target``, which is gone at the end of the block, however that comes.

    OutputError, there and in its methods, where it can't be written.
    """
    with ExitStack() as files:
        with told_as_unwritable(target):
            file = files.enter_context(tempfile.TemporaryFile(dir=Path(target).absolute().parent))
        yield NoiseStore(file, target, grid)


def between(values: NDArray[np.floating[Any]], cell: int, window: Window) -> Double:
    """Values of cells of ``cell`` pixels, (rows, columns), linearly interpolated at the pixels of a window."""
    row, down = between_cells(window.row, window.height, cell, values.shape[0])
    column, along = between_cells(window.column, window.width, cell, values.shape[1])
    below, right = np.minimum(row + 1, values.shape[0] - 1), np.minimum(column + 1, values.shape[1] - 1)
    lines = _mixed(values[row], values[below], down[:, None])
    return _mixed(lines[:, column], lines[:, right], along)


def _mixed(one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]], share: Double) -> Double:
    """The linear mixture of two values; the one that is known where the other is not."""
    mixed = one + (other - one) * share
    return np.where(np.isfinite(mixed), mixed, np.where(np.isfinite(one), one, other))


def _cell_size(grid: Grid) -> int:
    """Pixels on a side of a cell: half the narrow window, and more where there would be too many; a power of 2."""
    cell = 1
    while cell * 4 * grid.pixel_size <= PAIR_METRES or -(-grid.width // cell) * -(-grid.height // cell) > _MOST_CELLS:
        cell *= 2
    return cell


def _pooled(total: Double, freedom: Double, sigmas: list[float]) -> Double:
    """The mean square around each cell from sums of squares and degrees of freedom; NaN where there is none."""
    from scipy.ndimage import gaussian_filter

    blurred = [gaussian_filter(values, sigmas, mode="constant", truncate=_REACH) for values in (total, freedom)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(blurred[1] > 1e-9, blurred[0] / blurred[1], np.nan)
