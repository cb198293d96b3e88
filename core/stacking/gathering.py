"""What corrections are estimated from, gathered in one reading of the phases: a sample of pixels and means of cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..parallel import map_ordered
from ..progress import Progress
from ..raster import Band, BandOrMosaic, Grid, Window, cell_means
from ..types import Array, Mask, PathLike
from .reading import PairBuffers, ReaderPool, plan_windows, read_phases, window_threads

if TYPE_CHECKING:
    from ..interferograms import Stack

_T = TypeVar("_T")

# Pixels of the sample that corrections are estimated from, and phases in it.
_SAMPLE_CELLS = 2**16
_SAMPLE_VALUES = 2**24
# Values of whole rows that are read at a time for it.
_ROWS_VALUES = 2**22
# Pairs whose coherence tells where it is high.
_COHERENT_PAIRS = 16
# Steps of this part of the whole visit a list evenly, whatever repeats in it.
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class StackSample:
    """A regular sample of all pairs, from which corrections are estimated.

    ``phases`` (pairs, h, w) in rad with NaN; ``coherence`` the mean of the pairs (of 16 where more have one),
    ``elevation`` in metres, ``excluded`` True where nothing may be estimated, (h, w) each; ``rows`` and ``columns`` the
    sampled pixels; ``step`` in pixels.
    """

    phases: Array
    coherence: Array | None
    elevation: Array | None
    excluded: NDArray[np.bool_]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    step: int


@dataclass(frozen=True)
class PhaseCells:
    """Mean phase of each pair in cells of ``cell`` × ``cell`` pixels: ``means`` (pairs, rows, columns), NaN without."""

    means: Array
    cell: int

    def of(self, kept: Mask) -> PhaseCells:
        """The cells of the pairs that are kept (pairs,)."""
        return self if kept.all() else replace(self, means=self.means[kept])


def gather(
    stack: Stack, pool: ReaderPool, cell: int | None, sampled: bool, progress: Progress
) -> tuple[Array | None, PhaseCells | None]:
    """(phases of the regular sample (pairs, h, w), means of cells), from one reading of all pairs.

    No means without ``cell``, a power of two; no sample unless it is ``sampled``.
    """
    grid, pairs = stack.grid, stack.interferograms
    step = sample_step(grid, len(pairs))
    rows, columns = sample_positions(grid.height, step), sample_positions(grid.width, step)
    phases = np.empty((len(pairs), len(rows), len(columns)), np.float32) if sampled else None
    if cell is None:
        if phases is not None:
            # Rows between those of the sample are not read where the file allows it.
            read = partial(read_regular_sample, pool, step=step)
            for index, (_, values) in enumerate(map_ordered(read, [pair.phase for pair in pairs], progress)):
                phases[index] = values
        return phases, None
    shape = -(-grid.height // cell), -(-grid.width // cell)
    means = np.empty((len(pairs), *shape), np.float32)
    buffers = PairBuffers(len(pairs))

    def read_window(window: Window) -> None:
        # Windows start on a cell and don't overlap, so that each thread writes to places of its own.
        read = read_phases(stack, pool, window, buffers.take("phases", window))
        places = _cells_in(window.row, window.height, cell), _cells_in(window.column, window.width, cell)
        for target, values in zip(means, read):
            target[places] = cell_means(values, cell)
        if phases is not None:
            (lines, own_rows), (rest, own_columns) = (
                _sampled_in(rows, window.row, window.height),
                _sampled_in(columns, window.column, window.width),
            )
            phases[:, lines, rest] = read[:, own_rows[:, None], own_columns]

    windows = plan_windows(stack, pool, multiple=cell)
    for _ in map_ordered(read_window, windows, progress, window_threads(stack, windows)):
        pass
    return phases, PhaseCells(means, cell)


def _cells_in(first: int, count: int, cell: int) -> slice:
    return slice(first // cell, -(-(first + count) // cell))


def _sampled_in(positions: NDArray[np.intp], first: int, count: int) -> tuple[slice, NDArray[np.intp]]:
    """Which of the sorted positions lie in ``count`` pixels from the ``first`` on, and where there."""
    inside = slice(*np.searchsorted(positions, (first, first + count)).tolist())
    return inside, positions[inside] - first


def sample_positions(size: int, step: int) -> NDArray[np.intp]:
    """Positions of a sample of every ``step``-th pixel along an axis, half a step from its beginning."""
    return np.arange(min(step // 2, size - 1), size, step)


def sample_step(grid: Grid, pairs: int) -> int:
    """Every how many pixels, in both directions, all pairs are sampled so that the sample fits in memory."""
    return max(1, math.ceil(math.sqrt(grid.width * grid.height / min(_SAMPLE_CELLS, _SAMPLE_VALUES // pairs))))


def read_regular_sample(pool: ReaderPool, band: BandOrMosaic | PathLike, step: int) -> Array:
    """Every ``step``-th pixel of every ``step``-th row of a band on the pool's grid."""
    rows, columns = sample_positions(pool.grid.height, step), sample_positions(pool.grid.width, step)
    with pool.reader(band) as reader:
        if step == 1:
            return reader.read()
        # Rows of one stored block are read at once: each reading has a price of its own.
        height = max(1, min(reader.block_size[1], _ROWS_VALUES // pool.grid.width))
        blocks = (rows[rows // height == block] for block in np.unique(rows // height))
        read = (
            reader.read(Window(0, int(some[0]), pool.grid.width, int(np.ptp(some)) + 1))[some - some[0]][:, columns]
            for some in blocks
        )
        return np.concatenate(list(read))


def sample_elevation(pool: ReaderPool, dem: Band | PathLike, pairs: int) -> Array:
    """The elevation of the regular sample; InputError where it has none in the area of the interferograms."""
    elevation = read_regular_sample(pool, dem, sample_step(pool.grid, pairs))
    if not np.isfinite(elevation).any():
        raise InputError(
            "The DEM {label} has no elevation anywhere in the area of the interferograms. Choose one that covers them.",
            label=dem.label if isinstance(dem, Band) else dem,
        )
    return elevation


def stack_sample(
    stack: Stack,
    pool: ReaderPool,
    phases: Array,
    elevation: Array | None,
    exclude_mask: PathLike | None,
    progress: Progress,
) -> StackSample:
    """The regular sample of ``phases`` with its coherence and with what is excluded.

    At most 65 536 pixels, fewer where there are more than 256 pairs. Raises InputError when the mask excludes it all.
    """
    grid = stack.grid
    step = sample_step(grid, len(stack.interferograms))
    rows, columns = sample_positions(grid.height, step), sample_positions(grid.width, step)
    excluded = np.zeros(phases.shape[1:], bool)
    if exclude_mask is not None:
        excluded = np.nan_to_num(read_regular_sample(pool, exclude_mask, step)) > 0
        _check_excluded(excluded, np.isfinite(phases).any(axis=0), exclude_mask, progress)
    coherence = _mean_coherence(stack, pool, step, progress)
    return StackSample(phases, coherence, elevation, excluded, rows, columns, step)


def _mean_coherence(stack: Stack, pool: ReaderPool, step: int, progress: Progress) -> Array | None:
    """The mean coherence at the pixels of the sample, NaN where there is none; None without any coherence."""
    known = [pair.coherence for pair in stack.interferograms if pair.coherence is not None]
    if not known:
        return None
    read = partial(read_regular_sample, pool, step=step)
    shape = len(sample_positions(stack.grid.height, step)), len(sample_positions(stack.grid.width, step))
    total, number = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for _, values in map_ordered(read, spread(known, _COHERENT_PAIRS), progress):
        total += np.nan_to_num(values)
        number += np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return total / number


def spread(items: Sequence[_T], most: int) -> list[_T]:
    """So many of a list, in its order, spread evenly over it whatever repeats in it."""
    chosen = np.sort(np.argsort(np.arange(len(items)) * _GOLDEN % 1)[:most])
    return [items[index] for index in chosen]


def _check_excluded(excluded: Mask, seen: Mask, path: PathLike, progress: Progress) -> None:
    """InputError where all that the interferograms show is excluded, a warning where nothing is."""
    if seen.any() and excluded[seen].all():
        raise InputError(
            "{path} is above 0 on all the ground that the interferograms show, so nothing is left to estimate a ramp, "
            "a delay or a reference from. Choose a mask that is 0 or no data where the ground is stable.",
            path=path,
        )
    if not excluded[seen].any():
        progress.warning(
            "{path} is nowhere above 0 on the ground that the interferograms show, so no ground is kept out of the "
            "estimates. Check that it is the mask of these interferograms.",
            path=path,
        )
