"""Atmospheric delay of each date, separated from motion by a high-pass in time and a low-pass in space.

Phases of the dates follow from the network of pairs by least squares; what changes fast in time and slowly in space is
taken for atmosphere (Ferretti et al. 2001; Hooper et al. 2012) and subtracted from the pairs. The smoother in time
is a local line with Gaussian weights, so motion at a constant rate passes unchanged, also at the first and last date.
Delays are smooth, so they are kept on a grid of cells, averages of 2ⁿ × 2ⁿ pixels, that fits in memory.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..interferograms import connected_dates
from ..parallel import map_ordered
from ..progress import Progress
from ..raster import Band, Window, between_cells, cell_means, smooth_maps
from ..texts import Message, joined
from ..types import Array, Double, PathLike
from .gathering import PhaseCells
from .network_solver import date_phases
from .rate import stack_phases
from .reading import ReaderPool
from .trends import Surfaces

if TYPE_CHECKING:
    from ..interferograms import Stack

MIN_DATES = 5
# Memory of the delays of all dates, and of the means of all pairs that they are estimated from.
_MAP_BYTES, _MEAN_BYTES = 96 * 2**20, 192 * 2**20
_MAX_CELL = 256
# Every how many cells the smoothing is looked at.
_SAMPLED_CELLS = 4
# Means of all pairs that are solved for at a time.
_MEANS_AT_A_TIME = 2**20


@dataclass(frozen=True)
class AtmosphereFilter:
    """Standard deviations of the Gaussian windows in time (days) and space (metres)."""

    temporal_days: float = 60.0
    spatial_metres: float = 2000.0

    def __post_init__(self) -> None:
        if not (self.temporal_days > 0 and self.spatial_metres > 0):
            raise InputError("The windows of the atmospheric filter must be longer than zero.")


@dataclass(frozen=True)
class Atmosphere:
    """Delay of each date: ``maps`` (dates, rows, columns) in rad on cells of ``cell`` pixels.

    ``incidence`` (pairs, dates) is −1 at a pair's first and +1 at its second date, ``high_pass`` (dates, dates) the
    one in time that made the maps, ``regression`` the slope of its unsmoothed result on the maps.
    """

    maps: Array
    cell: int
    incidence: Double
    high_pass: Double | None = None
    regression: float = 1.0
    latest: threading.local = field(default_factory=threading.local, compare=False, repr=False)

    @cached_property
    def variance(self) -> Double:
        """Variance of that part of a date's air which the smoothing passes, (rows, columns) of cells, rad²."""
        total = np.zeros(self.maps.shape[1:])
        for values in self.maps:
            total += np.square(values, dtype=np.float64)
        return total / max(float(np.sum(np.square(self.high_pass))), 1e-9) if self.high_pass is not None else total

    def taken_from(self, phases: Double, window: Window, part: tuple[slice, slice]) -> Double:
        """The phases of all pairs in a part of a window, (pairs, h, w), without the atmosphere of their dates."""
        delays = self._between_cells(window, part)
        result = np.empty_like(phases)
        first, second = np.argmin(self.incidence, axis=1), np.argmax(self.incidence, axis=1)
        for values, without, start, end in zip(phases, result, first, second):
            np.subtract(values, delays[end], out=without)
            without += delays[start]
        return result

    def _between_cells(self, window: Window, part: tuple[slice, slice]) -> Double:
        """Delay of each date in a part of a window, (dates, h, w), interpolated between cells."""
        lines, top = self._lines(window)
        lines = lines[:, :, part[1]]
        rows, weights = self._between(window.row, part[0], self.maps.shape[1])
        delays = np.empty((len(lines), len(rows), lines.shape[2]))
        # A row at a time: choosing the lines of all rows would copy them.
        for index, (row, weight) in enumerate(zip((rows - top).tolist(), weights.tolist())):
            before, delay = lines[:, row], delays[:, index]
            np.subtract(lines[:, min(row + 1, lines.shape[1] - 1)], before, out=delay)
            delay *= weight
            delay += before
        return delays

    def _lines(self, window: Window) -> tuple[Double, int]:
        """(maps (dates, rows of cells, columns of pixels) of a window, its first row of cells), kept by each thread."""
        kept: tuple[Window, Double, int] | None = getattr(self.latest, "lines", None)
        if kept is None or kept[0] != window:
            rows, _ = self._between(window.row, slice(0, window.height), self.maps.shape[1])
            cells = self.maps[:, rows[0] : rows[-1] + 2]
            column, weight = self._between(window.column, slice(0, window.width), cells.shape[2])
            lines = cells[:, :, column] * (1 - weight)
            lines += cells[:, :, np.minimum(column + 1, cells.shape[2] - 1)] * weight
            self.latest.lines = kept = window, lines, int(rows[0])
        return kept[1:]

    def _between(self, origin: int, part: slice, cells: int) -> tuple[NDArray[np.intp], Double]:
        return between_cells(origin + part.start, part.stop - part.start, self.cell, cells)


def network(stack: Stack) -> tuple[list[date], Double, NDArray[np.intp]]:
    """(dates, incidence matrix (pairs, dates), connected component of each date)."""
    pairs = stack.interferograms
    dates = sorted({day for pair in pairs for day in (pair.first_date, pair.second_date)})
    index = {day: position for position, day in enumerate(dates)}
    first = [index[pair.first_date] for pair in pairs]
    second = [index[pair.second_date] for pair in pairs]
    incidence = np.zeros((len(pairs), len(dates)))
    incidence[np.arange(len(pairs)), first] = -1
    incidence[np.arange(len(pairs)), second] = 1
    groups = connected_dates(pairs)
    component = {day: number for number, group in enumerate(groups) for day in group}
    return dates, incidence, np.array([component[day] for day in dates], np.intp)


def temporal_high_pass(days: Double, components: NDArray[np.intp], window_days: float) -> Double:
    """Matrix (dates, dates) that leaves of a series what a local line with Gaussian weights does not follow.

    It turns every straight line into zero. Components of fewer than ``MIN_DATES`` dates become zero altogether.
    """
    result = np.zeros((len(days), len(days)))
    for component in np.unique(components):
        members = np.nonzero(components == component)[0]
        if len(members) < MIN_DATES:
            continue
        for target in members:
            offset = (days[members] - days[target]) / window_days
            root = np.exp(-0.25 * offset**2)
            line = np.vstack([np.ones(len(members)), offset]).T * root[:, None]
            result[target, members] = -(np.linalg.pinv(line)[0] * root)
            result[target, target] += 1
    return result


def estimate_atmosphere(
    stack: Stack,
    pool: ReaderPool,
    options: AtmosphereFilter,
    cells: PhaseCells | None,
    surfaces: Surfaces | None,
    dem: Band | PathLike | None,
    anchor: tuple[float, float] | None,
    progress: Progress,
) -> tuple[Atmosphere | None, tuple[str, ...]]:
    """The atmosphere of each date and what to tell; None where there are too few dates.

    ``cells`` are the means of the pairs' phases in cells of ``cell_size``, and not needed where that is None.
    ``surfaces`` are the corrections that come before (pairs, ...) at rows, columns and elevations. Delays are relative
    to the pixel ``anchor`` (row, column), or to the median of the scene.
    """
    dates, incidence, components = network(stack)
    days = np.array([(day - dates[0]).days for day in dates], np.float64)
    high_pass = temporal_high_pass(days, components, options.temporal_days)
    if cells is None or not high_pass.any():
        return None, (
            Message(
                "The atmospheric filter was skipped: it needs {min_dates} connected dates or more, and the network has "
                "{max}.",
                min_dates=MIN_DATES,
                max=int(np.bincount(components).max()),
            ),
        )
    cell = cells.cell
    maps, share = _filtered_dates(stack, pool, (incidence, high_pass), cells, (surfaces, dem), progress)
    if not share.any():
        return None, (Message("The atmospheric filter was skipped: no pixel has any valid phase."),)
    some = maps[:, ::_SAMPLED_CELLS, ::_SAMPLED_CELLS].copy()
    sigmas = smooth_maps(maps, share, stack.grid, cell, options.spatial_metres)
    regression = _regression(
        some, maps[:, ::_SAMPLED_CELLS, ::_SAMPLED_CELLS], share[::_SAMPLED_CELLS, ::_SAMPLED_CELLS] > 0
    )
    position = None
    if anchor is not None:
        position = tuple(min(int(a // cell), size - 1) for a, size in zip(anchor, share.shape))
    for values in maps:
        values -= np.median(values[share > 0]) if position is None else values[position]
    note = Message(
        "Atmospheric filter: {count_nonzero} dates, windows of {temporal_days:g} days and {spatial_metres:g} m, on "
        "cells of {cell} × {cell} pixels.",
        count_nonzero=int(np.count_nonzero(high_pass.any(axis=1))),
        temporal_days=options.temporal_days,
        spatial_metres=options.spatial_metres,
        cell=cell,
    )
    if max(sigmas) < 1 and cell > 1:
        smoother = Message(
            "The scene is too large for cells as small as this window, so the delays are smoother than asked."
        )
        note = joined([note, smoother], " ")
    return Atmosphere(maps, cell, incidence, high_pass, regression), (note,)


def cell_size(stack: Stack, options: AtmosphereFilter) -> int | None:
    """Pixels on a side of a cell: a quarter of the spatial window, and more where memory asks for it; a power of 2.

    None where the network has too few connected dates for the filter.
    """
    grid, pairs = stack.grid, len(stack.interferograms)
    dates, _, components = network(stack)
    if np.bincount(components).max() < MIN_DATES:
        return None

    def is_too_large(cell: int) -> bool:
        cells = -(-grid.width // cell) * -(-grid.height // cell)
        return 4 * len(dates) * cells > _MAP_BYTES or 4 * pairs * cells > _MEAN_BYTES

    cell = 1
    while cell * 2 * grid.pixel_size <= options.spatial_metres / 4 and cell < _MAX_CELL:
        cell *= 2
    while is_too_large(cell) and cell < _MAX_CELL:
        cell *= 2
    return cell


def _regression(before: Array, after: Array, valid: NDArray[np.bool_]) -> float:
    """The slope of unsmoothed maps (dates, rows, columns) on the smoothed ones where ``valid``; 1 or more."""
    covariance = variance = 0.0
    for rough, smooth in zip(before, after):
        offset = smooth[valid] - smooth[valid].mean(dtype=np.float64)
        covariance += float(offset @ rough[valid])
        variance += float(offset @ offset)
    return max(covariance / variance, 1.0) if variance > 0 else 1.0


def _filtered_dates(
    stack: Stack,
    pool: ReaderPool,
    matrices: tuple[Double, Double],
    cells: PhaseCells,
    before: tuple[Surfaces | None, Band | PathLike | None],
    progress: Progress,
) -> tuple[Array, Array]:
    """(maps (dates, rows, columns) after the high-pass in time, share of valid pairs (rows, columns)) of all cells."""
    incidence, high_pass = matrices
    surfaces, dem = before
    years = np.array([pair.years for pair in stack.interferograms])
    grid, cell = stack.grid, cells.cell
    shape = cells.means.shape[1:]
    maps, share = np.zeros((len(high_pass), *shape), np.float32), np.zeros(shape, np.float32)
    columns = (np.arange(shape[1]) + 0.5) * cell - 0.5

    def estimate(lines: slice) -> None:
        means = cells.means[:, lines].astype(np.float64)
        if surfaces is not None:
            elevation = None
            if dem is not None:
                first = lines.start * cell
                with pool.reader(dem) as reader:
                    window = Window(0, first, grid.width, min(lines.stop * cell, grid.height) - first)
                    elevation = cell_means(reader.read(window), cell)
            rows = (np.arange(lines.start, lines.stop) + 0.5) * cell - 0.5
            means -= surfaces(rows[:, None], columns[None, :], elevation)
        flat = means.reshape(len(means), -1)
        # Without the steady motion, a missing pair is best replaced by zero to begin with.
        flat -= years[:, None] * np.nan_to_num(stack_phases(flat, years, with_error=False).rate)
        high = high_pass @ date_phases(flat, incidence)
        maps[:, lines] = high.reshape(-1, *means.shape[1:])
        share[lines] = np.isfinite(means).mean(axis=0)

    step = max(1, _MEANS_AT_A_TIME // (len(stack.interferograms) * shape[1]))
    parts = [slice(first, min(first + step, shape[0])) for first in range(0, shape[0], step)]
    for _ in map_ordered(estimate, parts, progress):
        pass
    return maps, share
