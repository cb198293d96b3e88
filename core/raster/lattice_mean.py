"""Values above their local mean, which is taken on a coarse lattice of cells: cheap however wide it is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Array

_Sums = NDArray[np.float64]
_ROWS_AT_ONCE = 8
"""So few rows stay in the processor's cache from step to step."""


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
        running.push(layer)
        running.finish()
        running.give(relief)
    return result


class RunningLatticeRelief:
    """The same for rows that come from top to bottom; they are ``ready`` when the cells below that they need are.

    Holds the rows of reach + 2 rows of cells and those that came since the last were given.
    """

    def __init__(self, cells: Cells, width: int, origin: tuple[int, int] = (0, 0)) -> None:
        self._side, self._reach = cells.side, cells.reach
        column, self._given = (index % cells.side for index in origin)
        self._received = self._given
        # Blocks of rows that are not all given yet, and of how many rows of the first was that done.
        self._waiting: deque[Array] = deque()
        self._done = 0
        self._total, self._count = np.zeros(width, np.float32), np.zeros(width, np.int32)
        self._missing = cells.side - self._given
        self._starts = np.arange(-column, width, cells.side).clip(0)
        # Sums and counts of the rows of cells that a mean needs, with reach + 1 empty cells on either side.
        empty: _Sums = np.zeros((2, len(self._starts) + 2 * cells.reach + 2))
        self._box = deque([empty] * (2 * cells.reach + 1), 2 * cells.reach + 1)
        # From centre to centre a mean line has ``side`` pixels; the first of the scene is so many behind centre −1.
        self._across = _between(cells.side // 2 + np.arange(cells.side), cells.side)[1]
        self._first_pixel, self._width = column + cells.side - cells.side // 2, width
        # Means along the lines of centres from the one above the next row on: the lines −1, outside, and those below.
        self._lines: deque[Array] = deque([np.zeros(width, np.float32)])
        self._first_line, self._last_line = -2, -1 - cells.reach
        self._rise, self._mean = np.empty(width, np.float32), np.empty((_ROWS_AT_ONCE, width), np.float32)

    @property
    def ready(self) -> int:
        """How many rows can be given: those down to the last known line of centres."""
        return max(0, min(self._received, self._last_line * self._side + self._side // 2) - self._given)

    def push(self, rows: Array) -> None:
        """Take the next rows (n, w), which must not change until they are given."""
        self._received += len(rows)
        self._waiting.append(rows)
        while len(rows):
            part, rows = rows[: self._missing], rows[self._missing :]
            self._add(part)
            self._missing -= len(part)
            if not self._missing:
                self._complete()

    def finish(self) -> None:
        """No more rows come."""
        while self._given + self.ready < self._received:
            self._complete()

    def give(self, out: Array) -> None:
        """Write the next rows above their mean into ``out`` (n, w), at most as many as are ready."""
        while len(out):
            line, _ = _between(self._given, self._side)
            if line > self._first_line:
                for _ in range(line - self._first_line):
                    self._lines.popleft()
                self._first_line = line
                self._rise = self._lines[1] - self._lines[0]
            next_line = (line + 1) * self._side + self._side // 2
            rows = self._waiting[0][self._done : self._done + min(len(out), next_line - self._given, _ROWS_AT_ONCE)]
            down = _between(self._given + np.arange(len(rows)), self._side)[1].astype(np.float32)
            mean = np.multiply(down[:, np.newaxis], self._rise, out=self._mean[: len(rows)])
            mean += self._lines[0]
            np.subtract(rows, mean, out=out[: len(rows)])
            out = out[len(rows) :]
            self._given += len(rows)
            self._done += len(rows)
            if self._done == len(self._waiting[0]):
                self._waiting.popleft()
                self._done = 0

    def _add(self, rows: Array) -> None:
        """Add rows to the sums of the row of cells that they lie in."""
        total = np.add.reduce(rows, axis=0)
        if np.isfinite(total).all():
            self._total += total
            self._count += len(rows)
            return
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[first : first + _ROWS_AT_ONCE]
            valid = np.isfinite(some)
            self._total += np.add.reduce(np.where(valid, some, np.float32(0)), axis=0)
            self._count += np.add.reduce(valid.view(np.uint8), axis=0, dtype=np.uint8)

    def _complete(self) -> None:
        """End a row of cells: the means along another line of centres are then known."""
        sums: _Sums = np.zeros_like(self._box[-1])
        inner = sums[:, self._reach + 1 : -self._reach - 1]
        inner[0] = np.add.reduceat(self._total, self._starts, dtype=np.float64)
        inner[1] = np.add.reduceat(self._count, self._starts)
        self._box.append(sums)
        self._total.fill(0)
        self._count.fill(0)
        self._missing = self._side
        self._last_line += 1
        if self._last_line >= -1:
            self._lines.append(self._means())

    def _means(self) -> Array:
        """Means along the line of centres in the middle of the box, interpolated to each column."""
        totals: _Sums = np.cumsum(np.sum(np.array(self._box), axis=0), axis=1)
        totals[:, 2 * self._reach + 1 :] -= totals[:, : -2 * self._reach - 1].copy()
        total, count = totals[:, 2 * self._reach :]
        means = total / np.maximum(count, 1)
        line = means[:-1, np.newaxis] + np.diff(means)[:, np.newaxis] * self._across
        result: Array = line.ravel()[self._first_pixel : self._first_pixel + self._width].astype(np.float32)
        return result


def _between(pixel: Any, side: int) -> tuple[Any, Any]:
    """The cell whose centre is the last at or before that of a pixel, and how far behind it, as share of ``side``."""
    halves = 2 * pixel + 1 - side
    cell = halves // (2 * side)
    return cell, halves / (2 * side) - cell
