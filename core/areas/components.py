"""Connected pixels of rasters that are too large for memory: found, counted and numbered by blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from ..raster import Grid, row_blocks
from ..types import Mask
from .connected import ComponentLabels, connected_groups, labelled

_BLOCK_PIXELS = 4_000_000


class MaskSource(Protocol):
    """Where the pixels of areas come from; reading the same rows twice gives the same masks."""

    @property
    def grid(self) -> Grid:
        """The grid of the masks."""

    def read(self, first: int, rows: int) -> tuple[Mask, Mask]:
        """The candidates and the seeds among them in some rows, two arrays of shape (rows, grid.width).

        A component of candidates counts only when it holds a seed.
        """


def rows_per_block(grid: Grid) -> int:
    """Rows of a block that keeps memory bounded whatever the raster's width; a multiple of the files' tiles."""
    return max(256, _BLOCK_PIXELS // grid.width // 256 * 256)


@dataclass(frozen=True)
class Components:
    """The 8-connected components that count, numbered 1..``count`` in the order of their first pixel."""

    source: MaskSource
    count: int
    _first_labels: tuple[int, ...]
    _numbers: ComponentLabels  # number of each label of each block, 0 where the component does not count

    def blocks(self) -> Iterator[tuple[int, ComponentLabels]]:
        """(first row, component of each pixel or 0) of consecutive blocks of rows that cover the grid."""
        grid = self.source.grid
        for block, (first, rows) in enumerate(row_blocks(grid.height, rows_per_block(grid))):
            start, stop = self._first_labels[block : block + 2]
            numbers = np.concatenate([np.zeros(1, np.int32), self._numbers[start:stop]])
            if not numbers.any():
                yield first, np.zeros((rows, grid.width), np.int32)
                continue
            candidates, _ = self.source.read(first, rows)
            yield first, numbers[labelled(candidates)[0]]


def find_components(source: MaskSource, min_pixels: float, progress: Progress) -> Components:
    """Find the 8-connected components that hold a seed and at least ``min_pixels`` pixels.

    Memory is bounded by a block of rows, apart from a few numbers a component.
    """
    grid = source.grid
    first_labels, counts, seeded, links = [0], [], [], []
    above = np.zeros(grid.width, np.int64)
    for first, rows in row_blocks(grid.height, rows_per_block(grid)):
        progress.report(first / grid.height)
        candidates, seeds = source.read(first, rows)
        labels, count = labelled(candidates)
        counts.append(np.bincount(labels.ravel(), minlength=count + 1)[1:])
        seeded.append(np.bincount(labels[seeds], minlength=count + 1)[1:] > 0)
        links.append(_links(above, _global_labels(labels[0], first_labels[-1])))
        above = _global_labels(labels[-1], first_labels[-1])
        first_labels.append(first_labels[-1] + count)
    total = first_labels[-1]
    if total == 0:
        return Components(source, 0, tuple(first_labels), np.zeros(0, np.int32))
    first_of_pair, second_of_pair = np.concatenate(links, axis=1) - 1
    group = connected_groups(first_of_pair, second_of_pair, total)
    groups = int(group.max()) + 1
    pixels = np.bincount(group, weights=np.concatenate(counts), minlength=groups)
    has_seed = np.bincount(group, weights=np.concatenate(seeded), minlength=groups) > 0
    kept = has_seed & (pixels >= min_pixels)
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return Components(source, int(kept.sum()), tuple(first_labels), numbers[group])


def counting_pixels(candidates: Mask, seeds: Mask, min_pixels: float) -> Mask:
    """The pixels (h, w) of the components that count, as ``find_components`` has them, of arrays in memory."""
    labels, count = labelled(candidates)
    kept = np.bincount(labels.ravel(), minlength=count + 1) >= min_pixels
    kept &= np.bincount(labels[seeds], minlength=count + 1) > 0
    kept[0] = False
    return np.asarray(kept[labels], bool)


def _global_labels(row: ComponentLabels, offset: int) -> NDArray[np.int64]:
    return np.where(row > 0, row.astype(np.int64) + offset, 0)


def _links(above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of labels, shape (2, n), that touch across the border of two blocks, corners included."""
    pairs: list[NDArray[Any]] = []
    for upper, lower in ((above, below), (above[1:], below[:-1]), (above[:-1], below[1:])):
        touching = (upper > 0) & (lower > 0)
        pairs.append(np.stack([upper[touching], lower[touching]]))
    return np.asarray(np.unique(np.concatenate(pairs, axis=1), axis=1))
