"""Medians, spread and fits that outliers don't move."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .types import Array, Double

# The standard deviation of a normal distribution over its median absolute deviation.
MAD_TO_SIGMA = 1.4826


def robust_spread(values: NDArray[np.floating[Any]], centre: float | None = None) -> float:
    """1.4826 times the median absolute deviation of the finite values from their median, or from ``centre``.

    The standard deviation of a normal distribution, which outliers don't move. Infinite, so that nothing stands out of
    it, where no value is finite.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return math.inf
    return MAD_TO_SIGMA * float(np.median(np.abs(finite - (np.median(finite) if centre is None else centre))))


def lower_median(values: Double, count: NDArray[np.int64]) -> Double:
    """Median along the first axis of the ``count`` smallest values (the rest are infinite)."""
    ordered = np.sort(values, axis=0)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, 0)[0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, len(values) - 1)[None], 0)[0]
    return np.where(count % 2 == 1, low, (low + high) / 2)


def weighted_median(values: Double, weights: Double) -> float:
    """The value up to which half of the ``weights`` lie, all above 0; NaN without values."""
    if not values.size:
        return math.nan
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(total, total[-1] / 2)]])


def row_medians(values: NDArray[np.floating[Any]]) -> Double:
    """Median of the finite values of each row, NaN where there is none."""
    finite = (row[np.isfinite(row)] for row in values)
    return np.array([np.median(row) if row.size else np.nan for row in finite], np.float64)


def row_statistics(statistic: Callable[[Array], np.floating[Any]], values: Array) -> Double:
    """A statistic of the finite values of each row (pairs, pixels), NaN where there is none."""
    finite = (row[np.isfinite(row)] for row in values)
    return np.array([statistic(row) if row.size else np.nan for row in finite], np.float64)


_FIT_POINTS = 20_000


def robust_fit(design: Double, values: Double) -> Double:
    """Coefficients (terms,) of ``design`` (points, terms) by iteratively reweighted least squares, Tukey's biweight.

    Starts from least absolute deviations; at most 20 000 regularly picked points take part.
    """
    step = max(1, len(values) // _FIT_POINTS)
    design, values = design[::step], values[::step]
    weights = np.ones(len(values))
    coefficients = np.zeros(design.shape[1])
    for iteration in range(25):
        weighted = design.T * weights
        # The normal equations suffice for few, scaled terms, and are much faster; "lstsq" bears a singular matrix.
        update = np.linalg.lstsq(weighted @ design, weighted @ values, rcond=None)[0]
        moved = float(np.max(abs(update - coefficients)))
        coefficients = update
        residual = abs(values - design @ coefficients)
        scale = max(robust_spread(residual, centre=0.0), 1e-9)
        if iteration < 8:
            weights = 1 / np.maximum(residual, 0.05 * scale)
        else:
            weights = np.clip(1 - (residual / (4.685 * scale)) ** 2, 0, None) ** 2
            if moved < 1e-6 * scale:
                break
    return coefficients


def median_or_zero(values: NDArray[np.floating[Any]]) -> float:
    """Median of the finite values; 0 where there is none."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else 0.0
