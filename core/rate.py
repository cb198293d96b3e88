"""The rate of motion of each pixel from its interferometric phases: equation 1, its error, and outlying pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .raster import Array

Double = NDArray[np.float64]

# Coherence above which weights grow no more: γ² / (1 − γ²) goes to infinity.
_MAX_COHERENCE = 0.98
# A pair that is rejected deviates at least by so many radians, however small the scatter of the others.
_MIN_OUTLIER = 1.0


@dataclass(frozen=True)
class RateEstimate:
    """Rate in rad/yr, its standard error (NaN below two pairs), and the number of pairs, each (...)."""

    rate: Double
    standard_error: Double | None
    count: NDArray[np.int64]


def stack_phases(
    phases: NDArray[np.floating[Any]],
    years: Double,
    weights: NDArray[np.floating[Any]] | None = None,
    min_pairs: int = 1,
    with_error: bool = True,
) -> RateEstimate:
    """Equation 1 for each pixel over its valid pairs.

    ``phases`` (pairs, ...) in rad, non-finite where a pair has no data; ``years`` (pairs,) time spans; ``weights``
    (pairs, ...) ≥ 0, NaN or 0 leaves the pair out. The standard error is that of a line through the origin,
    sqrt(Σ w (φ − pΔt)² / ((n − 1) Σ w Δt²)). Below ``min_pairs`` pairs the rate is NaN.
    """
    values = np.asarray(phases, np.float64)
    squares: Double | float
    numerator = np.tensordot(years, values, 1)
    if weights is None and np.isfinite(numerator).all():
        denominator = np.full(values.shape[1:], years @ years)
        count = np.full(values.shape[1:], len(years), np.int64)
        squares = np.einsum("i...,i...->...", values, values) if with_error else 0.0
    else:
        weight, values = _zero_where_missing(values, weights)
        weighted = values if weights is None else weight * values
        numerator = np.tensordot(years, weighted, 1)
        denominator = np.tensordot(years * years, weight, 1)
        count = np.count_nonzero(weight, axis=0)
        squares = np.einsum("i...,i...->...", weighted, values) if with_error else 0.0
    enough = count >= min_pairs
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(enough, numerator / denominator, np.nan)
        if not with_error:
            return RateEstimate(rate, None, count)
        residual = np.maximum(squares - rate * numerator, 0.0)
        error = np.sqrt(residual / ((count - 1) * denominator))
    error[count < 2] = np.nan
    return RateEstimate(rate, error, count)


def _zero_where_missing(values: Double, weights: NDArray[np.floating[Any]] | None) -> tuple[Double, Double]:
    """(weights, phases), both 0 where either is missing, so that sums leave them out."""
    valid = np.isfinite(values)
    if weights is None:
        weight = valid.astype(np.float64)
    else:
        valid &= np.isfinite(weights)
        weight = np.where(valid, weights, 0.0)
    return weight, np.where(valid, values, 0.0)


def coherence_weight(coherence: Array) -> Array:
    """w = γ² / (1 − γ²), the inverse of the phase variance up to a factor; NaN stays NaN, γ is clipped to 0.98."""
    square = np.clip(coherence, 0, _MAX_COHERENCE) ** 2
    weight: Array = square / (1 - square)
    return weight


def outliers(
    phases: Double, years: Double, sigma: float, weights: NDArray[np.floating[Any]] | None = None
) -> NDArray[np.bool_]:
    """True where a pair deviates from its pixel's rate by more than ``sigma`` robust standard deviations.

    Starts from the rate of least absolute deviations, which a few unwrapping errors can't pull away, and repeats
    with equation 1 over the pairs that were kept. The scatter is 1.4826 × the median absolute residual. Never rejects
    less than 1 rad, and nothing where fewer than five pairs, or not more than half of them, would be left.
    """
    valid = np.isfinite(phases)
    if weights is not None:
        valid &= np.nan_to_num(weights) > 0
    found = np.count_nonzero(valid, axis=0)
    rate = _least_absolute_rate(phases, years, valid)
    spans = years.reshape((-1,) + (1,) * (phases.ndim - 1))
    rejected = np.zeros(phases.shape, bool)
    for _ in range(3):
        residual = np.abs(phases - rate * spans)
        residual[~valid] = np.inf
        scatter = 1.4826 * _lower_median(residual, found)
        limit = np.maximum(sigma * scatter, _MIN_OUTLIER)
        again = valid & (residual > limit)
        kept = found - np.count_nonzero(again, axis=0)
        again &= (kept >= 5) & (2 * kept > found)
        if np.array_equal(again, rejected):
            break
        rejected = again
        rate = stack_phases(np.where(rejected, np.nan, phases), years, weights, with_error=False).rate
    return rejected


def _least_absolute_rate(phases: Double, years: Double, valid: NDArray[np.bool_]) -> Double:
    """The rate that minimises Σ |φ − pΔt|: the median of φ / Δt weighted by Δt, NaN without valid pairs."""
    spans = years.reshape((-1,) + (1,) * (phases.ndim - 1))
    rates = np.where(valid, phases / spans, np.inf)
    order = np.argsort(rates, axis=0)
    weight = np.cumsum(np.take_along_axis(np.where(valid, spans, 0.0), order, 0), axis=0)
    middle = np.argmax(weight >= weight[-1] / 2, axis=0)
    picked = np.take_along_axis(order, middle[None], 0)
    rate: Double = np.take_along_axis(rates, picked, 0)[0]
    return np.where(np.isfinite(rate), rate, np.nan)


def _lower_median(values: Double, count: NDArray[np.int64]) -> Double:
    """Median along the first axis of the ``count`` smallest values (the rest are infinite)."""
    ordered = np.sort(values, axis=0)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, 0)[0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, len(values) - 1)[None], 0)[0]
    return np.where(count % 2 == 1, low, (low + high) / 2)
