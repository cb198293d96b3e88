"""Values above their local mean: the mean over the valid pixels of a square around each pixel."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from ..packages import missing_package
from ..types import Array

_Row = NDArray[np.float64]
_ROWS_AT_ONCE = 64


def above_local_mean(values: Array, radius: int) -> Array:
    """The values (…, h, w) minus the mean of the finite pixels within ``radius`` rows and columns of each.

    float32; NaN stays NaN. A pixel's result depends on nothing farther than ``radius``, so a window that is read
    with that much around it gives what the whole scene gives, to within float32's last digit.
    """
    result = np.empty_like(values)
    height, width = values.shape[-2:]
    for layer, relief in zip(values.reshape(-1, height, width), result.reshape(-1, height, width)):
        running, row = RunningRelief(radius, width), 0
        for first in range(0, height, _ROWS_AT_ONCE):
            running.push(layer[first : first + _ROWS_AT_ONCE])
            done = relief[row : row + running.ready]
            running.give(done)
            row += len(done)
        running.finish()
        running.give(relief[row:])
    return result


class RunningRelief:
    """The same for rows that come from top to bottom; each is ``ready`` when the ``radius`` rows below it came.

    Sums that run down the rows are several times faster than a filter along the first axis of C-ordered arrays,
    and no row is filtered twice. Holds 2·radius + 1 rows and those that came since the last were given.
    """

    def __init__(self, radius: int, width: int) -> None:
        self._radius, self._width = radius, width
        self._waiting: deque[Array] = deque()
        self._coming: deque[tuple[_Row, _Row | None]] = deque()
        self._box: deque[tuple[_Row, _Row | None]] = deque()
        self._given = self._rows_with_gaps = 0
        self._has_ended = False
        self._inside = _row_means(np.ones((1, width), np.float32), radius)[0]
        self._total, self._mean = np.zeros(width), np.empty(width)
        # The count is only kept while the box has gaps: without them it is known.
        self._count: _Row | None = None

    @property
    def ready(self) -> int:
        """How many rows can be given."""
        return len(self._waiting) if self._has_ended else max(0, len(self._waiting) - self._radius)

    def push(self, rows: Array) -> None:
        """Take the next rows (n, w), which must not change until they are given."""
        valid = np.isfinite(rows)
        has_gaps = not valid.all()
        sums = _row_means(np.where(valid, rows, np.float32(0)) if has_gaps else rows, self._radius)
        counts = _row_means(valid.astype(np.float32), self._radius) if has_gaps else [None] * len(rows)
        self._waiting.extend(rows)
        self._coming.extend(zip(sums, counts))

    def finish(self) -> None:
        """No more rows come."""
        self._has_ended = True

    def give(self, out: Array) -> None:
        """Write the next rows above their mean into ``out`` (n, w), at most as many as are ready."""
        for row in out:
            while self._coming and len(self._box) < min(self._given, self._radius) + self._radius + 1:
                self._enter(*self._coming.popleft())
            self._give(row)

    def _enter(self, total: _Row, count: _Row | None) -> None:
        if count is not None and self._count is None:
            self._count = self._inside * len(self._box)
        if self._count is not None:
            self._count += self._inside if count is None else count
        self._rows_with_gaps += count is not None
        self._total += total
        self._box.append((total, count))

    def _leave(self) -> None:
        total, count = self._box.popleft()
        self._total -= total
        self._rows_with_gaps -= count is not None
        if not self._rows_with_gaps:
            self._count = None
        elif self._count is not None:
            self._count -= self._inside if count is None else count

    def _give(self, out: Array) -> None:
        """Write the oldest waiting row minus its mean, and drop the row that leaves the box after it."""
        if self._count is None:
            np.multiply(self._inside, len(self._box), out=self._mean)
        else:
            # One valid pixel counts 1 / (2·radius + 1); less is rounding where there is none, and the value NaN.
            np.maximum(self._count, 0.5 / (2 * self._radius + 1), out=self._mean)
        np.divide(self._total, self._mean, out=self._mean)
        # Casting first makes this a subtraction of float32, which is three times faster than a mixed one.
        np.subtract(self._waiting.popleft(), self._mean.astype(np.float32), out=out)
        self._given += 1
        if self._given > self._radius:
            self._leave()


def _row_means(rows: Array, radius: int) -> NDArray[np.float64]:
    """Sum over the 2·radius + 1 pixels of a row around each, zeros outside, divided by that number."""
    try:
        from scipy.ndimage import uniform_filter1d
    except ImportError as error:
        raise missing_package("scipy", "Scaling by local means", error) from None
    width = 2 * radius + 1
    result: NDArray[np.float64] = uniform_filter1d(rows, width, axis=-1, output=np.float64, mode="constant")
    return result
