"""Reading the same window of many interferograms: few open files, whole stored blocks, several threads."""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..parallel import thread_count
from ..raster import Band, BandOrMosaic, BandReader, Grid, Mosaic, MosaicReader, Window
from ..types import Array, PathLike
from .delayed_reader import DelayedReader, PairDelays

if TYPE_CHECKING:
    from ..interferograms import Stack


# Pixels of a bounding box below which it is read at once.
_AT_ONCE = 2**20

Positions = NDArray[np.intp]

_Key = tuple[Band, int]

_MAX_OPEN = 200
# Steps of this part of the whole spread over a list evenly.
_GOLDEN = (math.sqrt(5) - 1) / 2
# Memory of the phases of one window: as much as stays in the processor's cache between reading and summing, and
# where a single stored block of all pairs is larger than that, as much as each thread may have.
_CUBE_BYTES = 16 * 2**20
_MAX_CUBE_BYTES = 160 * 2**20
_WINDOW_PIXELS = 2**19


class ReaderPool:
    """Readers of many bands on one grid, each used by one thread at a time, of which a limited number is open.

    Where there are more bands than that, those opened last are closed first: passes read all bands in the same order
    again and again, and what was opened first is wanted first. What is known of a closed file is kept.

    Virtual rasters are read only by the thread that opened them: GDAL opens the files behind them once for all that one
    thread opens, so that two threads would move each other's place in the file and get each other's rows.
    """

    def __init__(self, grid: Grid, limit: int = _MAX_OPEN) -> None:
        self.grid = grid
        self._limit = limit
        self._lock = threading.Lock()
        self._idle: OrderedDict[_Key, list[BandReader]] = OrderedDict()
        self._resting: dict[_Key, list[BandReader]] = {}
        self._open = 0
        self._threads: dict[int, int] = {}
        self.delays: PairDelays | None = None

    @contextlib.contextmanager
    def reader(self, source: BandOrMosaic | PathLike) -> Iterator[BandReader | MosaicReader | DelayedReader]:
        """A reader of the band that no other thread uses meanwhile; that of a mosaic takes its bands from here, too.

        Where ``delays`` are known of a phase, its reader subtracts them.
        """
        with self._own_reader(source) as reader:
            if self.delays is None or not isinstance(source, (Band, Mosaic)) or source not in self.delays:
                yield reader
            else:
                yield DelayedReader(reader, source, self.delays, self.band_reader)

    @contextlib.contextmanager
    def _own_reader(self, source: BandOrMosaic | PathLike) -> Iterator[BandReader | MosaicReader]:
        if isinstance(source, Mosaic):
            yield MosaicReader(source, self.grid, self.band_reader)
            return
        with self.band_reader(source if isinstance(source, Band) else Band(str(source))) as reader:
            yield reader

    @contextlib.contextmanager
    def band_reader(self, band: Band) -> Iterator[BandReader]:
        """A reader of one band that no other thread uses meanwhile."""
        is_virtual = _is_virtual(band) or (band.mask is not None and _is_virtual(band.mask))
        key = band, threading.get_ident() if is_virtual else 0
        reader = self._take(key)
        try:
            if reader is None:
                reader = BandReader(band, self.grid)
            else:
                reader.wake()
        except BaseException:
            with self._lock:
                self._open -= _files(band)
            raise
        try:
            yield reader
        finally:
            with self._lock:
                self._idle.setdefault(key, []).append(reader)
                self._idle.move_to_end(key)

    def in_turn(self, count: int) -> Iterator[int]:
        """The numbers below ``count`` from where this thread begins, so that threads don't want the same at once."""
        with self._lock:
            number = self._threads.setdefault(threading.get_ident(), len(self._threads))
        first = int(number * _GOLDEN % 1 * count)
        return itertools.chain(range(first, count), range(first))

    def _take(self, key: _Key) -> BandReader | None:
        """An idle or a resting reader of the band; None when one is to be opened. Room was made for what opens."""
        with self._lock:
            if key in self._idle:
                return _popped(self._idle, key)
            self._open += _files(key[0])
            if self._open > self._limit and self._idle:
                newest = next(reversed(self._idle))
                reader = _popped(self._idle, newest)
                if reader.rest():
                    self._resting.setdefault(newest, []).append(reader)
                else:
                    reader.close()
                self._open -= _files(newest[0])
            return _popped(self._resting, key) if key in self._resting else None

    def close(self) -> None:
        """Close all readers that are not in use."""
        with self._lock:
            for readers in self._idle.values():
                for reader in readers:
                    reader.close()
            self._idle.clear()
            self._resting.clear()
            self._open = 0

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _popped(readers: MutableMapping[_Key, list[BandReader]], key: _Key) -> BandReader:
    """One of the readers of a key that has some."""
    reader = readers[key].pop()
    if not readers[key]:
        del readers[key]
    return reader


def _files(band: Band) -> int:
    """How many files a reader of the band holds open."""
    return 1 if band.mask is None else 2


def _is_virtual(band: Band) -> bool:
    path = band.path.lstrip().lower()
    return path.startswith(("<vrtdataset", "vrt://")) or path.endswith(".vrt")


class PairBuffers(threading.local):
    """Each thread's arrays for all pairs in a window; reused, as fresh memory costs more than the reading."""

    def __init__(self, pairs: int) -> None:
        self._pairs = pairs
        self._arrays: dict[str, Array] = {}

    def take(self, name: str, window: Window) -> Array:
        """The float32 array of a name (pairs, height, width), with whatever it held before."""
        shape = (self._pairs, window.height, window.width)
        size = math.prod(shape)
        if name not in self._arrays or self._arrays[name].size < size:
            self._arrays[name] = np.empty(size, np.float32)
        return self._arrays[name][:size].reshape(shape)


def read_phases(stack: Stack, pool: ReaderPool, window: Window, out: Array | None = None) -> Array:
    """Phases of all pairs in a window, float32 (pairs, height, width), NaN for no data."""
    shape = (len(stack.interferograms), window.height, window.width)
    phases = np.empty(shape, np.float32) if out is None else out
    for index in pool.in_turn(len(phases)):
        with pool.reader(stack.interferograms[index].phase) as reader:
            reader.read(window, phases[index])
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
