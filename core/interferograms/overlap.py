"""What two interferograms of one pair have in common where they meet: shared ground, and the constant between them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..raster import BandReader, Window
from ..types import Array
from .found import FileState, Found, state_of
from .grids import grown, shared, window_on

# A sample of the overlap: windows of this many pixels a side, at most so many.
_SIDE = 64
_MOST_WINDOWS = 16
# Pixels beyond the edge that a seam without overlap is looked at.
_SEAM = 2
# Length of the mean of unit vectors at the differences, 1 where all are alike, 0 where they are at random.
_GATHERED = 0.4
# Fewer pixels tell no constant.
_FEWEST = 25


@dataclass(frozen=True)
class Overlap:
    """What a sample of the ground around the overlap of two files shows.

    ``both``, ``first_only``, ``other_only`` are numbers of pixels with phases. ``offset`` is the other phase less the
    first in rad, in the overlap or, without enough of it, across the seam where the two touch; None where neither
    tells. ``torn`` is the share of pixels that differ from it by more than half a cycle.
    """

    both: int
    first_only: int
    other_only: int
    offset: float | None
    torn: float = 0.0

    @property
    def share(self) -> float:
        """The share of the phases of the file that has fewer of them which the other has, too."""
        fewest = self.both + min(self.first_only, self.other_only)
        return self.both / fewest if fewest else 0.0


def overlap_of(first: Found, other: Found) -> Overlap:
    """Compare a bounded sample of two files where they overlap or touch, on the first one's pixels.

    What files show that didn't change meanwhile is remembered: the panel asks again for each series of an area.
    """
    changed = state_of(first.file), state_of(other.file)
    return _overlap(first, other, *changed) if all(changed) else _overlap.__wrapped__(first, other)


@lru_cache(maxsize=8192)
def _overlap(first: Found, other: Found, *changed: FileState) -> Overlap:
    grid = grown(first.grid, [other.grid])
    places = window_on(grid, first.grid), window_on(grid, other.grid)
    region = shared(_wider(places[0]), _wider(places[1]))
    overlap, seam = [np.empty(0)], [np.empty(0)]
    counts = np.zeros(3, np.int64)
    if region is not None:
        with BandReader(first.phase, grid) as one, BandReader(other.phase, grid) as two:
            for window in _sample(region, places[0]):
                a, b = one.read(window), two.read(window)
                known = np.isfinite(a), np.isfinite(b)
                both = known[0] & known[1]
                counts += both.sum(), (known[0] & ~known[1]).sum(), (known[1] & ~known[0]).sum()
                overlap.append(b[both].astype(np.float64) - a[both])
                seam.extend(_across(a, b))
    differences = np.concatenate(overlap)
    if differences.size < _FEWEST:
        differences = np.concatenate(seam)
    offset, torn = None, 0.0
    if differences.size >= _FEWEST:
        offset = _constant(differences)
        torn = float(np.mean(np.abs(differences - offset) > math.pi))
    return Overlap(int(counts[0]), int(counts[1]), int(counts[2]), offset, torn)


def _constant(differences: NDArray[np.float64]) -> float:
    """The median; where the differences gather about one value and whole cycles from it, that of the most frequent
    cycle."""
    mean = np.exp(1j * differences).mean()
    if abs(mean) < _GATHERED:
        return float(np.median(differences))
    cycles = np.round((differences - np.angle(mean)) / (2 * math.pi))
    values, counts = np.unique(cycles, return_counts=True)
    return float(np.median(differences[cycles == values[counts.argmax()]]))


def _wider(window: Window) -> Window:
    return Window(window.column - _SEAM, window.row - _SEAM, window.width + 2 * _SEAM, window.height + 2 * _SEAM)


def _across(a: Array, b: Array) -> Iterator[NDArray[np.float64]]:
    """Steps from a pixel of the first to its neighbour of the other, where none has both, less the slopes beside it."""
    for first, other in ((a, b), (a.T, b.T)):
        for one, two, sign in ((first, other, 1.0), (other, first, -1.0)):
            yield sign * _steps(one.astype(np.float64), two.astype(np.float64))


def _steps(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    """Steps along the rows from pixels of only ``one`` to pixels of only ``two``, the slope on both sides taken off."""
    if one.shape[1] < 2 * _SEAM:
        return np.empty(0)
    alone = np.where(np.isfinite(two), np.nan, one), np.where(np.isfinite(one), np.nan, two)
    before, last = alone[0][:, :-3], alone[0][:, 1:-2]
    next_, after = alone[1][:, 2:-1], alone[1][:, 3:]
    steps = next_ - last - ((last - before) + (after - next_)) / 2
    finite: NDArray[np.float64] = steps[np.isfinite(steps)]
    return finite


def _sample(region: Window, file: Window) -> Iterator[Window]:
    """The whole region in windows where that is a bounded number of them, else as many, spread over it evenly.

    Spread ones begin at multiples of their side in the file, so that few stored blocks are read for each.
    """
    width, height = min(_SIDE, region.width), min(_SIDE, region.height)
    columns, rows = math.ceil(region.width / width), math.ceil(region.height / height)
    if columns * rows > _MOST_WINDOWS:
        wanted = min(max(round(math.sqrt(_MOST_WINDOWS * rows / columns)), 1), rows, _MOST_WINDOWS)
        columns = min(_MOST_WINDOWS // wanted, columns)
        rows = min(_MOST_WINDOWS // columns, rows)
    for top in _starts(region.height, height, rows, region.row - file.row):
        for left in _starts(region.width, width, columns, region.column - file.column):
            yield Window(
                region.column + left,
                region.row + top,
                min(width, region.width - left),
                min(height, region.height - top),
            )


def _starts(length: int, size: int, count: int, origin: int) -> list[int]:
    if count * size >= length:
        return list(range(0, length, size))
    middles = [int((i + 0.5) * length / count) for i in range(count)]
    return [max(middle - (middle + origin) % size, 0) for middle in middles]
