"""The tile runner: a network over a whole scene, in rows of overlapping tiles, streamed from and to files.

Tiles lie on the composite's own grid, anchored in the map: a pixel farther from the scene's edge than a tile and the
radius of local means gets the same probability however the scene is cut. Where tiles overlap, their results are
blended with raised-cosine weights that sum to 1. The scene is mirrored at its edges by half the overlap and up to a
stride more, so that no pixel of it is at a tile's edge.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..areas import AREA_CALIBRATION_TAG
from ..errors import InputError
from ..models import Backend, ModelCard
from ..progress import QUIET, Progress
from ..raster import BandDescription, Grid, RasterWriter, lattice_origin, limited_cache
from ..types import Array, PathLike
from .tiling import TiledAxis, mirrored, plan_axis

DEFAULT_OVERLAP = 0.0625
"""The smallest overlap at which benchmarks/seams.py finds no seam."""
_TILES_AHEAD = 16
"""How many tiles may be predicted before the first of them is blended: enough to write a row of tiles meanwhile."""

_BLOCK_ROWS = 512
"""Blocks of raster files are rarely higher."""


class Rows(Protocol):
    """Gives consecutive rows of a scene."""

    def read_filled(self, out: Array, fills: Sequence[float]) -> NDArray[np.bool_]:
        """Write the scaled bands of the next rows, shape (bands, rows, width), gaps filled with a value for each band.

        Gives where (rows, width) the scene can be judged at all.
        """


class SceneBands(Protocol):
    """What ``detect`` asks of a composite."""

    @property
    def grid(self) -> Grid:
        """The grid of the result."""

    @property
    def coarseness(self) -> float:
        """How many times larger than the grid's pixels those of the data are, 1 where they are not larger."""

    def rows(self) -> Rows:
        """All rows from top to bottom."""


@dataclass(frozen=True)
class DetectionResult:
    """What a run did. ``above_threshold`` is the share of the valid pixels; probabilities are NaN without any."""

    output: str
    backend: str
    tiles: int
    skipped_tiles: int
    valid_pixels: int
    above_threshold: float
    highest_probability: float


@dataclass(frozen=True)
class _Strip:
    """One row of tiles: filled bands (bands, tile, padded width) and, for the scene's own rows, what is valid."""

    bands: Array
    valid: NDArray[np.bool_]


class _StripReader:
    """Reads the rows of tiles one after the other; each row of the scene is read once.

    Holds two rows of tiles: the bands of a strip last until the next but one is read.
    """

    def __init__(self, scene: SceneBands, rows: TiledAxis, columns: TiledAxis, fills: tuple[float, ...]) -> None:
        self._source = scene.rows()
        self._rows, self._columns = rows, columns
        self._fills = fills
        self._stop = 0
        self._inside: Array = np.empty((len(fills), 0, columns.size), np.float32)
        self._bands = [np.empty((len(fills), rows.tile, len(columns.source)), np.float32) for _ in range(2)]
        self._valid = np.empty((0, columns.size), bool)

    def read(self, index: int) -> _Strip:
        """The strip of the tiles' row ``index``; to be called in order."""
        start = self._rows.starts[index]
        first, stop = max(start, 0), min(start + self._rows.tile, self._rows.size)
        bands = self._bands[index % 2]
        left = -self._columns.starts[0]
        inside = bands[:, first - start : stop - start, left : left + self._columns.size]
        kept = self._stop - first
        inside[:, :kept] = self._inside[:, len(self._valid) - kept :]
        new_valid = self._source.read_filled(inside[:, kept:], self._fills)
        valid = np.concatenate([self._valid[len(self._valid) - kept :], new_valid])
        known = first - start + mirrored(np.arange(self._rows.tile) - (first - start), stop - first)
        for row in (*range(first - start), *range(stop - start, self._rows.tile)):
            bands[:, row] = bands[:, known[row]]
        mirror = self._columns.source + left
        bands[:, :, :left] = bands[:, :, mirror[:left]]
        bands[:, :, left + self._columns.size :] = bands[:, :, mirror[left + self._columns.size :]]
        self._stop, self._inside, self._valid = stop, inside, valid
        return _Strip(bands, valid)


def detect(
    composite: SceneBands,
    backend: Backend,
    card: ModelCard,
    output: PathLike,
    overlap: float = DEFAULT_OVERLAP,
    progress: Progress = QUIET,
) -> DetectionResult:
    """Write the probability of an active deformation area for each pixel of a composite, as a GeoTIFF.

    ``overlap`` is the share of a tile's side that neighbours share, 0 to 0.5. Pixels without any rate are NaN;
    other gaps are filled as the card says. The band's tags carry the model and its rules for areas. The result
    doesn't depend on the number of threads. An error or cancellation leaves no file. Raises InputError for an
    overlap out of range.
    """
    if not 0 <= overlap <= 0.5:
        raise InputError("The overlap of tiles must be from 0 to 50 %, not {overlap:.0%}.", overlap=overlap)
    pixels = round(card.tile_size * overlap)
    grid = composite.grid
    first_column, first_row = lattice_origin(grid)
    rows = plan_axis(grid.height, card.tile_size, pixels, card.stride, first_row)
    columns = plan_axis(grid.width, card.tile_size, pixels, card.stride, first_column)
    run = _Run(rows, columns, backend, card, progress)
    blocks = run.blocks(composite)
    with (
        limited_cache(_cache_megabytes(grid.width, len(card.channels))),
        RasterWriter(output, grid, [_description(card, composite.coarseness)], compress=False) as writer,
        closing(blocks),
    ):
        for row, block in blocks:
            writer.write(block, row)
    progress.report(1.0)
    result = run.result(os.fspath(output))
    progress.info(
        "{tiles} tiles, {skipped_tiles} of them without data; {above_threshold:.2%} of the "
        "scene reaches the threshold of {threshold:g}.",
        tiles=result.tiles,
        skipped_tiles=result.skipped_tiles,
        above_threshold=result.above_threshold,
        threshold=card.threshold,
    )
    return result


def _cache_megabytes(width: int, layers: int) -> int:
    """What a row of GDAL's blocks of each layer and of the result takes; memory never used before costs time, too."""
    return min(128, max(16, width * _BLOCK_ROWS * 4 * (layers + 1) // 2**20))


def _description(card: ModelCard, coarseness: float) -> BandDescription:
    """The band; an area must have as many of the data's own pixels as the model was judged with."""
    calibration = card.area_calibration
    calibrated = ((AREA_CALIBRATION_TAG, calibration.coarser(coarseness).text),) if calibration else ()
    return BandDescription(
        "probability",
        "1",
        (
            ("MODEL", card.name),
            ("MODEL_VERSION", card.version),
            ("THRESHOLD", f"{card.threshold:g}"),
            ("LOW_THRESHOLD", f"{card.low_threshold:g}"),
            ("MIN_AREA", f"{card.min_area * coarseness**2:g}"),
            *calibrated,
        ),
    )


@dataclass(frozen=True)
class _Task:
    """A batch of tiles of one row, by their columns; no ``future`` marks the end of the row."""

    row: int
    strip: _Strip
    columns: tuple[int, ...] = ()
    future: Future[Array] | None = None


class _Run:
    """The state of one detection: counters, and the rows whose tiles are not all blended yet."""

    def __init__(
        self, rows: TiledAxis, columns: TiledAxis, backend: Backend, card: ModelCard, progress: Progress
    ) -> None:
        self._rows, self._columns = rows, columns
        self._backend, self._card, self._progress = backend, card, progress
        self._tiles = self._skipped = self._valid = self._above = 0
        self._highest = math.nan
        self._free: list[Array] = []
        self._sums = np.zeros((rows.tile, columns.stop - columns.starts[0]), np.float32)

    def result(self, output: str) -> DetectionResult:
        """The counters."""
        above = self._above / self._valid if self._valid else math.nan
        return DetectionResult(
            output, self._backend.name, self._tiles, self._skipped, self._valid, above, self._highest
        )

    def blocks(self, scene: SceneBands) -> Generator[tuple[int, Array], None, None]:
        """(first row, probabilities) of consecutive blocks of finished rows of the scene.

        Tiles of the next row are already predicted while the finished one is blended and written; blending is
        done here, in the order of the tiles, so that sums don't depend on which thread was first.
        """
        reader = _StripReader(scene, self._rows, self._columns, self._card.fills)
        pending: deque[_Task] = deque()
        ahead = max(2, _TILES_AHEAD // self._backend.batch_size)
        with ThreadPoolExecutor(1) as background, ThreadPoolExecutor(self._backend.parallel) as workers:
            try:
                for task in self._tasks(reader, background, workers):
                    pending.append(task)
                    if len(pending) > ahead:
                        yield from self._finish(pending.popleft())
                while pending:
                    yield from self._finish(pending.popleft())
            finally:
                for task in pending:
                    if task.future is not None:
                        task.future.cancel()

    def _tasks(self, reader: _StripReader, background: Executor, workers: Executor) -> Iterator[_Task]:
        """All tiles in order, each sent to the workers; the next row of tiles is read meanwhile."""
        following = background.submit(reader.read, 0)
        for row in range(len(self._rows.starts)):
            strip = following.result()
            if row + 1 < len(self._rows.starts):
                following = background.submit(reader.read, row + 1)
            for columns in self._batches(strip, row):
                tiles = self._cut(strip, columns)
                yield _Task(row, strip, columns, workers.submit(self._predict, tiles))
            yield _Task(row, strip)

    def _batches(self, strip: _Strip, row: int) -> Iterator[tuple[int, ...]]:
        """The columns of the tiles that hold any data where they count, in batches."""
        batch: tuple[int, ...] = ()
        counted, first = self._rows.counted(row), max(self._rows.starts[row], 0)
        valid = strip.valid[counted.start - first : counted.stop - first]
        for column in range(len(self._columns.starts)):
            self._tiles += 1
            if not valid[:, self._columns.counted(column)].any():
                self._skipped += 1
                continue
            batch = (*batch, column)
            if len(batch) == self._backend.batch_size:
                yield batch
                batch = ()
        if batch:
            yield batch

    def _cut(self, strip: _Strip, columns: tuple[int, ...]) -> Array:
        shape = (self._backend.batch_size, len(strip.bands), self._rows.tile, self._columns.tile)
        batch = self._free.pop() if self._free else np.empty(shape, np.float32)
        for tile, column in zip(batch, columns):
            offset = self._columns.starts[column] - self._columns.starts[0]
            tile[...] = strip.bands[:, :, offset : offset + self._columns.tile]
        return batch[: len(columns)]

    def _predict(self, tiles: Array) -> Array:
        """The network's answer; the memory of the tiles is used again, unless the answer lies in it."""
        answer = self._backend.predict(tiles)
        if tiles.base is not None and not np.may_share_memory(answer, tiles):
            self._free.append(tiles.base)
        return answer

    def _finish(self, task: _Task) -> Iterator[tuple[int, Array]]:
        """Blend a batch; at the end of a row of tiles give the rows of the scene that no later tile touches."""
        if task.future is not None:
            self._add(task, task.future.result())
            return
        start, tile = self._rows.starts[task.row], self._rows.tile
        is_last = task.row + 1 == len(self._rows.starts)
        done = tile if is_last else self._rows.starts[task.row + 1] - start
        first, stop = max(start, 0), min(start + done, self._rows.size)
        if first < stop:
            left = -self._columns.starts[0]
            block = self._sums[first - start : stop - start, left : left + self._columns.size]
            self._mask_and_count(block, task.strip.valid[: stop - first])
            yield first, block
        self._sums[: tile - done] = self._sums[done:].copy()
        self._sums[tile - done :] = 0

    def _add(self, task: _Task, probabilities: Array) -> None:
        """Add a batch to the sums, weighted."""
        for column, probability in zip(task.columns, probabilities):
            _weigh(probability.T, self._columns.weights[column])
            _weigh(probability, self._rows.weights[task.row])
            offset = self._columns.starts[column] - self._columns.starts[0]
            self._sums[:, offset : offset + self._columns.tile] += probability
        done = task.row + (task.columns[-1] + 1) / len(self._columns.starts)
        self._progress.report(done / len(self._rows.starts))

    def _mask_and_count(self, block: Array, valid: NDArray[np.bool_]) -> None:
        """Set NaN where nothing is known, in place, and count the rest."""
        known = int(np.count_nonzero(valid))
        if known < valid.size:
            np.copyto(block, np.float32(np.nan), where=~valid)
        if known:
            self._valid += known
            self._above += int(np.count_nonzero(block >= self._card.threshold))
            self._highest = float(np.fmax(self._highest, np.fmax.reduce(block, axis=None)))


def _weigh(rows: Array, weights: Array) -> None:
    """Multiply rows by a weight each, in place; most are 1."""
    for part in _between_ones(weights):
        rows[part] *= weights[part, np.newaxis]


def _between_ones(weights: Array) -> tuple[slice, slice]:
    """The weights before the first 1 and after the last; all, where there is none or others between."""
    ones = np.flatnonzero(weights == 1)
    if not len(ones) or ones[-1] - ones[0] + 1 != len(ones):
        return slice(None), slice(0, 0)
    return slice(0, int(ones[0])), slice(int(ones[-1]) + 1, None)
