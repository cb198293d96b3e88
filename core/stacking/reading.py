"""Reading the same window of many interferograms: few open files, whole stored blocks, several threads."""

from __future__ import annotations

import contextlib
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..parallel import map_ordered, thread_count
from ..progress import Progress
from ..raster import Band, BandOrMosaic, BandReader, Grid, Mosaic, MosaicReader, Window
from ..types import Array, Mask, PathLike

if TYPE_CHECKING:
    from ..interferograms import Stack


# Pixels of a bounding box below which it is read at once.
_AT_ONCE = 2**20

Positions = NDArray[np.intp]

_MAX_OPEN = 200
# Memory of the phases of one window: as much as stays in the processor's cache between reading and summing, and
# where a single stored block of all pairs is larger than that, as much as each thread may have.
_CUBE_BYTES = 16 * 2**20
_MAX_CUBE_BYTES = 160 * 2**20
_WINDOW_PIXELS = 2**19
# Pixels of the sample that corrections are estimated from, and phases in it.
_SAMPLE_CELLS = 2**16
_SAMPLE_VALUES = 2**24


class ReaderPool:
    """Readers of many bands on one grid, kept open up to a limit and each used by one thread at a time.

    Virtual rasters are read only by the thread that opened them: GDAL opens the files behind them once for all that one
    thread opens, so that two threads would move each other's place in the file and get each other's rows.
    """

    def __init__(self, grid: Grid, limit: int = _MAX_OPEN) -> None:
        self.grid = grid
        self._limit = limit
        self._lock = threading.Lock()
        self._idle: OrderedDict[tuple[Band, int], list[BandReader]] = OrderedDict()
        self._open = 0

    @contextlib.contextmanager
    def reader(self, source: BandOrMosaic | PathLike) -> Iterator[BandReader | MosaicReader]:
        """A reader of the band that no other thread uses meanwhile; that of a mosaic takes its bands from here, too."""
        if isinstance(source, Mosaic):
            yield MosaicReader(source, self.grid, self.band_reader)
            return
        with self.band_reader(source if isinstance(source, Band) else Band(str(source))) as reader:
            yield reader

    @contextlib.contextmanager
    def band_reader(self, band: Band) -> Iterator[BandReader]:
        """A reader of one band that no other thread uses meanwhile."""
        key = band, threading.get_ident() if _is_virtual(band) else 0
        reader = self._take(key)
        if reader is None:
            try:
                reader = BandReader(band, self.grid)
            except BaseException:
                with self._lock:
                    self._open -= 1
                raise
        try:
            yield reader
        finally:
            with self._lock:
                self._idle.setdefault(key, []).append(reader)
                self._idle.move_to_end(key)

    def _take(self, key: tuple[Band, int]) -> BandReader | None:
        """An idle reader of the band; None when one is to be opened, for which room was made."""
        with self._lock:
            readers = self._idle.get(key)
            if readers:
                reader = readers.pop()
                if not readers:
                    del self._idle[key]
                return reader
            self._open += 1
            if self._open > self._limit and self._idle:
                oldest, readers = next(iter(self._idle.items()))
                readers.pop().close()
                if not readers:
                    del self._idle[oldest]
                self._open -= 1
        return None

    def close(self) -> None:
        """Close all readers that are not in use."""
        with self._lock:
            for readers in self._idle.values():
                for reader in readers:
                    reader.close()
            self._idle.clear()
            self._open = 0

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_virtual(band: Band) -> bool:
    path = band.path.lstrip().lower()
    return path.startswith(("<vrtdataset", "vrt://")) or path.endswith(".vrt")


def read_phases(stack: Stack, pool: ReaderPool, window: Window, out: Array | None = None) -> Array:
    """Phases of all pairs in a window, float32 (pairs, height, width), NaN for no data."""
    shape = (len(stack.interferograms), window.height, window.width)
    phases = np.empty(shape, np.float32) if out is None else out
    for values, interferogram in zip(phases, stack.interferograms):
        with pool.reader(interferogram.phase) as reader:
            reader.read(window, values)
    return phases


def plan_windows(stack: Stack, pool: ReaderPool, layers: int = 1, multiple: int = 1) -> list[Window]:
    """Windows that cover the grid, small enough that ``layers`` cubes of all pairs fit in memory.

    They hold whole stored blocks of the files where these are not too large, in the order of rows; their corners
    are multiples of ``multiple`` pixels.
    """
    with pool.reader(stack.interferograms[0].phase) as reader:
        block = reader.block_size
    bytes_per_pixel = 4 * len(stack.interferograms) * layers
    pixels = min(
        max(_CUBE_BYTES // bytes_per_pixel, min(math.prod(block), _MAX_CUBE_BYTES // bytes_per_pixel)), _WINDOW_PIXELS
    )
    height, width = window_shape((stack.grid.height, stack.grid.width), block, pixels, multiple)
    return [
        Window(column, row, min(width, stack.grid.width - column), min(height, stack.grid.height - row))
        for row in range(0, stack.grid.height, height)
        for column in range(0, stack.grid.width, width)
    ]


def window_threads(stack: Stack, windows: Sequence[Window], layers: int = 1) -> int:
    """How many threads may each hold ``layers`` cubes of all pairs in one of the windows."""
    pixels = max(window.width * window.height for window in windows)
    return thread_count(4 * len(stack.interferograms) * layers * pixels)


def window_shape(shape: tuple[int, int], block: tuple[int, int], pixels: int, multiple: int = 1) -> tuple[int, int]:
    """(rows, columns) of windows of about that many pixels on a grid of ``shape`` (rows, columns).

    ``block`` is the (width, height) of the stored blocks. Rows are whole before columns are; a window never gets
    smaller than ``multiple`` squared.
    """
    height, width = shape
    unit_columns, unit_rows = (
        -(-max(min(side, length), multiple) // multiple) * multiple for side, length in zip(block, (width, height))
    )
    if unit_rows * width <= pixels:
        # Eight windows at least, so that threads and the progress bar have something to share.
        wanted = min(pixels // width, max(height // 8, 1))
        return max(unit_rows, wanted // unit_rows * unit_rows), width
    if unit_rows * unit_columns <= pixels:
        return unit_rows, min(pixels // unit_rows // unit_columns * unit_columns, width)
    rows = max(multiple, pixels // unit_columns // multiple * multiple)
    if rows * unit_columns <= pixels:
        return rows, unit_columns
    return rows, min(max(multiple, pixels // rows // multiple * multiple), width)


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
        lines = [reader.read(Window(0, int(row), pool.grid.width, 1))[0, columns] for row in rows]
    return np.stack(lines)


@dataclass(frozen=True)
class StackSample:
    """A regular sample of all pairs, from which corrections are estimated.

    ``phases`` (pairs, h, w) in rad with NaN; ``coherence`` the mean of the pairs, ``elevation`` in metres, ``excluded``
    True where nothing may be estimated, (h, w) each; ``rows`` and ``columns`` the sampled pixels; ``step`` in pixels.
    """

    phases: Array
    coherence: Array | None
    elevation: Array | None
    excluded: NDArray[np.bool_]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    step: int


def sample_stack(
    stack: Stack, pool: ReaderPool, dem: Band | PathLike | None, exclude_mask: PathLike | None, progress: Progress
) -> StackSample:
    """Read a regular sample of every pair: at most 65 536 pixels, fewer where there are more than 256 pairs.

    Raises InputError when the DEM has no elevation in the area of the interferograms, or when the mask excludes it all.
    """
    grid, pairs = stack.grid, stack.interferograms
    step = sample_step(grid, len(pairs))
    elevation = None if dem is None else read_regular_sample(pool, dem, step)
    if elevation is not None and not np.isfinite(elevation).any():
        raise InputError(
            "The DEM {label} has no elevation anywhere in the area of the interferograms. Choose one that covers them.",
            label=dem.label if isinstance(dem, Band) else dem,
        )
    rows, columns = sample_positions(grid.height, step), sample_positions(grid.width, step)
    phases = np.empty((len(pairs), len(rows), len(columns)), np.float32)
    coherent = [pair.coherence for pair in pairs if pair.coherence is not None]

    read = partial(read_regular_sample, pool, step=step)
    for index, (_, values) in enumerate(map_ordered(read, [pair.phase for pair in pairs], progress.part(0, 0.6))):
        phases[index] = values
    total, number = np.zeros(phases.shape[1:], np.float32), np.zeros(phases.shape[1:], np.float32)
    for _, values in map_ordered(read, coherent, progress.part(0.6, 1)):
        total += np.nan_to_num(values)
        number += np.isfinite(values)
    with np.errstate(invalid="ignore"):
        coherence = total / number if coherent else None
    excluded = np.zeros(phases.shape[1:], bool)
    if exclude_mask is not None:
        excluded = np.nan_to_num(read_regular_sample(pool, exclude_mask, step)) > 0
        _check_excluded(excluded, np.isfinite(phases).any(axis=0), exclude_mask, progress)
    return StackSample(phases, coherence, elevation, excluded, rows, columns, step)


def read_pixels(pool: ReaderPool, band: BandOrMosaic | PathLike, rows: Positions, columns: Positions) -> Array:
    """Values of a band at pixels given by rows and columns (pixels,)."""
    top, left = int(rows.min()), int(columns.min())
    height, width = int(rows.max()) - top + 1, int(columns.max()) - left + 1
    with pool.reader(band) as reader:
        if height * width <= _AT_ONCE:
            window = reader.read(Window(left, top, width, height))
            return np.asarray(window[rows - top, columns - left])
        values = np.empty(len(rows), np.float32)
        for row in np.unique(rows):
            here = rows == row
            values[here] = reader.read(Window(left, int(row), width, 1))[0, columns[here] - left]
        return values


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
