"""What samples of the pairs show, each file read once: mean coherence, and whether the triplets close."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError
from ..parallel import map_ordered
from ..progress import Progress
from ..raster import BandOrMosaic, BandReader, Grid, MosaicReader, Window, reader_of_any, row_blocks
from ..types import Array
from .closure import PairClosures, Triplets, pair_closures
from .model import Interferogram, Stack
from .triplets import triplets_of

_PIXELS_AT_A_TIME = 2**21
# Windows of a large raster: so many along either side of it, of so many pixels along either side.
_SAMPLES_A_SIDE = 4
_SAMPLE_SIZE = 256
# Phases that are held to see whether they close, and closures that are computed of them.
_PHASES = 2**23
_CLOSURES = 2**24


@dataclass(frozen=True)
class PairSamples:
    """By pair, where known: mean coherence, and the shares of open and of suspect pixels (``PairFacts``), 0 to 1."""

    mean_coherence: Mapping[str, float] = field(default_factory=dict)
    closure: Mapping[str, float] = field(default_factory=dict)
    suspect: Mapping[str, float] = field(default_factory=dict)


def sampled(
    stack: Stack, coherent: Collection[Interferogram], exact: bool, progress: Progress, closing: bool = True
) -> PairSamples:
    """Mean coherence over the valid pixels of the pairs ``coherent``, and, where ``closing``, closure of all triplets.

    Rasters of more than a million pixels are sampled for the coherence, unless it is to be ``exact``. Phases are
    sampled in the same places, of fewer pixels where pairs or triplets are many: their memory is bounded.
    """
    pairs = stack.interferograms
    triplets = triplets_of(pairs if closing else ())
    windows = list(_phase_windows(stack.grid, len(pairs), len(triplets)))
    with contextlib.suppress(InputError), reader_of_any(pairs[0].phase, stack.grid) as reader:
        windows = _on_blocks(windows, reader)
    pixels = sum(window.width * window.height for window in windows)
    rows = {int(number): row for row, number in enumerate(np.unique(triplets))}
    phases = np.empty((len(rows), pixels), np.float32)
    wanted = {pair.name for pair in coherent}

    def look(number: int) -> float | None:
        pair = pairs[number]
        if number in rows:
            _read_phases(pair.phase, stack.grid, windows, phases[rows[number]], progress)
        if pair.coherence is None or pair.name not in wanted:
            return None
        return _mean(pair.coherence, exact, progress)

    means = {}
    for number, mean in map_ordered(look, range(len(pairs)), progress):
        if mean is not None:
            means[pairs[number].name] = mean
    shares = _closures(phases, rows, triplets)
    names = [pairs[number].name for number in rows]
    closure, suspect = (
        {name: float(share) for name, share in zip(names, values) if math.isfinite(share)}
        for values in (shares.is_open, shares.suspect)
    )
    return PairSamples(means, closure, suspect)


def _closures(phases: Array, rows: Mapping[int, int], triplets: Triplets) -> PairClosures:
    """The shares of the pairs that are in a triplet, ``rows`` of ``phases`` by their numbers."""
    known = np.array([rows[int(number)] for number in triplets.ravel()], np.intp).reshape(triplets.shape)
    return pair_closures(phases, known)


def _read_phases(band: BandOrMosaic, grid: Grid, windows: list[Window], out: Array, progress: Progress) -> None:
    """Phases in windows of a grid one after the other (pixels,); NaN where they can't be read, which stacking tells."""
    end = 0
    try:
        with reader_of_any(band, grid) as reader:
            for window in windows:
                progress.check()
                start, end = end, end + window.width * window.height
                reader.read(window, out[start:end].reshape(window.height, window.width))
    except InputError:
        out.fill(np.nan)


def _mean(band: BandOrMosaic, exact: bool, progress: Progress) -> float | None:
    total, count = 0.0, 0
    with reader_of_any(band) as reader:
        width, height = reader.grid.width, reader.grid.height
        if exact or width * height <= (_SAMPLES_A_SIDE * _SAMPLE_SIZE) ** 2:
            windows = list(_all_of(width, height))
        else:
            windows = _on_blocks(_spread(width, height, _SAMPLE_SIZE), reader)
        for window in windows:
            progress.check()
            values = reader.read(window)
            valid = np.isfinite(values)
            count += int(valid.sum())
            total += float(values.sum(where=valid, dtype=np.float64))
    return total / count if count else None


def _phase_windows(grid: Grid, pairs: int, triplets: int) -> Iterator[Window]:
    """The whole raster, or 16 windows of it, so few pixels that the memory of all pairs and triplets is bounded."""
    if not triplets:
        return iter(())
    pixels = min(_PHASES // pairs, _CLOSURES // triplets)
    if grid.width * grid.height <= pixels:
        return _all_of(grid.width, grid.height)
    side = int(math.sqrt(pixels)) // _SAMPLES_A_SIDE
    return _spread(grid.width, grid.height, max(1, min(side, _SAMPLE_SIZE)))


def _all_of(width: int, height: int) -> Iterator[Window]:
    """The whole raster in blocks of rows."""
    for row, rows in row_blocks(height, max(1, _PIXELS_AT_A_TIME // width)):
        yield Window(0, row, width, rows)


def _on_blocks(windows: Iterable[Window], reader: BandReader | MosaicReader) -> list[Window]:
    """The windows moved into the stored blocks that hold their centres, so that few blocks are decompressed."""
    across, down = reader.block_size
    return [
        Window(
            _inside(window.column, window.width, across, reader.grid.width),
            _inside(window.row, window.height, down, reader.grid.height),
            window.width,
            window.height,
        )
        for window in windows
    ]


def _inside(first: int, count: int, block: int, size: int) -> int:
    """Where ``count`` of ``size`` pixels begin so that they lie in one block, or on the edge of a smaller one."""
    start = (first + count // 2) // block * block
    return max(0, min(max(first, start), start + max(block - count, 0), size - count))


def _spread(width: int, height: int, side: int) -> Iterator[Window]:
    """16 windows of ``side`` pixels along either side, spread over a raster evenly; smaller ones where it is narrow."""
    columns, rows = (min(_SAMPLES_A_SIDE, length) for length in (width, height))
    across, down = min(side, width // columns), min(side, height // rows)
    for i in range(rows):
        for j in range(columns):
            column = int((j + 0.5) * width / columns) - across // 2
            row = int((i + 0.5) * height / rows) - down // 2
            yield Window(column, row, across, down)
