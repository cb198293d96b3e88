"""Errors of fits to maps whose neighbouring pixels are not independent: blocks of ground are left out in turn.

The delete-one jackknife over blocks (Künsch 1989; Busing et al. 1999) needs no model of the noise, only blocks larger
than its correlation. That length is not known, so blocks of several sizes are tried and the largest error counts.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..types import Double, Mask

# Blocks along each side of the map; 16 are the fewest that give an error at all.
_DIVISIONS = (4, 6, 8, 12)
_FEWEST_BLOCKS = 8


class BlockEstimate(NamedTuple):
    """A value with its standard error and the probability of as large a one by chance; NaN where none can be told."""

    value: float
    error: float
    chance: float


_UNKNOWN = BlockEstimate(math.nan, math.nan, math.nan)


def last_coefficient(design: Double, values: NDArray[np.floating[Any]], where: Mask) -> BlockEstimate:
    """The coefficient of the last of the terms of ``design`` (terms, h, w) in ``values`` (h, w), fitted ``where``.

    By least squares. The chance is that of Student's distribution with as many degrees of freedom as there are blocks
    with data, less one.
    """
    from scipy import stats

    points, data = design[:, where], values[where].astype(np.float64)
    worst = _UNKNOWN
    for divisions in _DIVISIONS:
        labels = _labels(where.shape, divisions)[where]
        count = divisions**2
        normal = np.array([[np.bincount(labels, one * other, count) for other in points] for one in points])
        right = np.array([np.bincount(labels, term * data, count) for term in points])
        used = np.bincount(labels, minlength=count) > 0
        blocks = int(used.sum())
        if blocks < _FEWEST_BLOCKS:
            continue
        normal, right = normal[:, :, used].transpose(2, 0, 1), right[:, used].T
        try:
            whole = np.linalg.solve(normal.sum(axis=0), right.sum(axis=0))
            without = np.linalg.solve(normal.sum(axis=0) - normal, (right.sum(axis=0) - right)[:, :, None])[:, -1, 0]
        except np.linalg.LinAlgError:
            continue
        error = math.sqrt((blocks - 1) / blocks * float(((without - whole[-1]) ** 2).sum()))
        chance = 2 * float(stats.t.sf(abs(whole[-1]) / error, blocks - 1)) if error > 0 else 0.0
        if not chance <= worst.chance:
            worst = BlockEstimate(float(whole[-1]), error, chance)
    return worst


def _labels(shape: tuple[int, ...], divisions: int) -> NDArray[np.intp]:
    """The number of the block that each pixel belongs to."""
    rows, columns = (np.arange(size) * divisions // size for size in shape)
    return np.asarray(rows[:, None] * divisions + columns)


def block_mean(values: NDArray[np.floating[Any]], where: Mask) -> BlockEstimate:
    """The mean of ``values`` (h, w) ``where`` they are to count, with the error that blocks of ground give."""
    return last_coefficient(np.ones((1, *values.shape)), values, where)
