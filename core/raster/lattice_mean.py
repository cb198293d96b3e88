"""Values above their local mean, which is taken on a coarse lattice of cells: cheap however wide it is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..types import Array

_Sums = NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """Square cells of ``side`` pixels; the mean at a cell's centre is that of the (2·reach + 1)² cells around it."""

    side: int
    reach: int

    @classmethod
    def of_radius(cls, radius: int, reach: int) -> Cells:
        """Those whose mean spans about 2·radius + 1 pixels; single pixels where there are not as many."""
        reach = min(reach, radius)
        return cls(max(1, round((2 * radius + 1) / (2 * reach + 1))), reach)

    @property
    def halo(self) -> int:
        """How many pixels around a pixel the mean there depends on."""
        return (self.reach + 1) * self.side + self.side // 2


def above_lattice_mean(values: Array, cells: Cells, origin: tuple[int, int] = (0, 0)) -> Array:
    """The values (…, h, w) minus their mean on a lattice, float32; NaN stays NaN.

    The means of the finite pixels of ``cells``, taken at their centres, are interpolated bilinearly, so a plane
    vanishes where no edge or gap is within ``cells.halo``. ``origin`` is the (column, row) of the first pixel on the
    lattice of the map: a pixel's result is the same in whatever window it is read with its halo, to within float32's
    last digits.
    """
    result = np.empty(values.shape, np.float32)
    height, width = values.shape[-2:]
    for layer, relief in zip(values.reshape(-1, height, width), result.reshape(-1, height, width)):
        running = RunningLatticeRelief(cells, width, origin)
        done = running.push(layer)
        relief[: len(done)] = done
        relief[len(done) :] = running.finish()
    return result


class RunningLatticeRelief:
    """The same for rows that come from top to bottom, given back when the cells below that they need are complete.

    Holds the rows of reach + 2 rows of cells.
    """

    def __init__(self, cells: Cells, width: int, origin: tuple[int, int] = (0, 0)) -> None:
        self._side, self._reach = cells.side, cells.reach
        column, self._given = (index % cells.side for index in origin)
        self._waiting: deque[Array] = deque()
        self._cell: list[Array] = []
        self._missing = cells.side - self._given
        starts = np.arange(-column, width, cells.side).clip(0)
        self._starts, self._widths = starts, np.diff(np.append(starts, width)).astype(float)
        # Sums and counts of the rows of cells that a mean needs, with reach + 1 empty cells on either side.
        empty: _Sums = np.zeros((2, len(starts) + 2 * cells.reach + 2))
        self._box = deque([empty] * (2 * cells.reach + 1), 2 * cells.reach + 1)
        centre, self._across = _between(np.arange(width) + column, cells.side)
        self._left = centre + 1
        # The last line of centres whose means are known, those, and those of the line above it.
        self._line = -1 - cells.reach
        self._below = self._above = np.zeros(width, np.float32)

    def push(self, rows: Array) -> Array:
        """Take the next rows (n, w), which must not change later; give those that are finished (k, w)."""
        result, count = np.empty((len(self._waiting) + len(rows), rows.shape[-1]), np.float32), 0
        for row in rows:
            self._waiting.append(row)
            self._cell.append(row)
            if len(self._cell) == self._missing:
                count += self._complete(result[count:])
        return result[:count]

    def finish(self) -> Array:
        """The rows that are left when no more come."""
        result, count = np.empty((len(self._waiting), len(self._left)), np.float32), 0
        while self._waiting:
            count += self._complete(result[count:])
        return result

    def _complete(self, out: Array) -> int:
        """End a row of cells, and write the rows between the last two lines of centres whose mean is now known."""
        self._box.append(self._sums())
        self._cell, self._missing = [], self._side
        self._line += 1
        if self._line < -1:
            return 0
        self._above, self._below = self._below, self._means()
        return 0 if self._line < 0 else self._give(out)

    def _sums(self) -> _Sums:
        """Sums and counts (2, cells) of the finite pixels of the last row of cells, empty cells around."""
        result: _Sums = np.zeros_like(self._box[-1])
        if not self._cell:
            return result
        inner = result[:, self._reach + 1 : -self._reach - 1]
        total, count = _total(self._cell)
        inner[0] = np.add.reduceat(total, self._starts, dtype=np.float64)
        inner[1] = self._widths * len(self._cell) if count is None else np.add.reduceat(count, self._starts)
        return result

    def _means(self) -> Array:
        """Means along the line of centres in the middle of the box, interpolated to each column."""
        total, count = sliding_window_view(sum(self._box), 2 * self._reach + 1, axis=1).sum(axis=2)
        means = total / np.maximum(count, 1)
        left = means[self._left]
        result: Array = (left + self._across * (means[self._left + 1] - left)).astype(np.float32)
        return result

    def _give(self, out: Array) -> int:
        count, rise, mean = 0, self._below - self._above, np.empty_like(self._above)
        while self._waiting:
            line, down = _between(self._given, self._side)
            if line >= self._line:
                break
            np.multiply(rise, np.float32(down), out=mean)
            mean += self._above
            np.subtract(self._waiting.popleft(), mean, out=out[count])
            self._given += 1
            count += 1
        return count


def _between(pixel: Any, side: int) -> tuple[Any, Any]:
    """The cell whose centre is the last at or before that of a pixel, and how far behind it, as share of ``side``."""
    halves = 2 * pixel + 1 - side
    cell = halves // (2 * side)
    return cell, halves / (2 * side) - cell


def _total(rows: list[Array]) -> tuple[Array, NDArray[np.int64] | None]:
    """Sum over the finite values of rows in each column (w,), and their number unless there are no others."""
    total = rows[0].copy()
    for row in rows[1:]:
        total += row
    if np.isfinite(total).all():
        return total, None
    total = np.zeros_like(rows[0])
    count = np.zeros(len(total), np.int64)
    for row in rows:
        valid = np.isfinite(row)
        total += np.where(valid, row, np.float32(0))
        count += valid
    return total, count
