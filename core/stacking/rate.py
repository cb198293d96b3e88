"""The rate of motion of each pixel from its interferometric phases: equation 1 and its error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Array, Double

# Coherence above which weights grow no more: γ² / (1 − γ²) goes to infinity.
_MAX_COHERENCE = 0.98
# Phases that are summed at a time, so that their copies in double precision stay small.
_VALUES_AT_A_TIME = 2**20


@dataclass(frozen=True)
class RateEstimate:
    """Rate in rad/yr, its standard error (NaN below two pairs; None if not asked for), number of pairs: (...)."""

    rate: Double
    standard_error: Double | None
    count: NDArray[np.integer[Any]]


@dataclass(frozen=True)
class RateSums:
    """Sums over the valid pairs of each pixel, (...): w Δt φ, w Δt², pairs, and w φ² for the error."""

    numerator: Double
    denominator: Double
    count: NDArray[np.uint16]
    squares: Double | None

    @classmethod
    def empty(cls, shape: tuple[int, ...], with_error: bool) -> RateSums:
        """Sums to be filled for pixels of a shape."""
        squares = np.empty(shape) if with_error else None
        return cls(np.empty(shape), np.empty(shape), np.empty(shape, np.uint16), squares)

    def fill(
        self, part: tuple[Any, ...], phases: Double, years: Double, weights: NDArray[np.floating[Any]] | None
    ) -> None:
        """Compute the sums of the pixels in ``part`` from their ``phases`` (pairs, ...), non-finite for no data."""
        shape = phases.shape[1:]
        values = phases.reshape(len(years), -1)
        numerator = _weighted_sum(years, values)
        if weights is None and np.isfinite(numerator).all():
            # No pair is missing anywhere: sums of Δt² and of pairs are the same for all pixels.
            weighted = values
            self.denominator[part] = years @ years
            self.count[part] = len(years)
        else:
            flat = None if weights is None else weights.reshape(values.shape)
            weight, values = _zero_where_missing(values, flat)
            weighted = values if weights is None else weight * values
            numerator = _weighted_sum(years, weighted)
            self.denominator[part] = _weighted_sum(years * years, weight).reshape(shape)
            ones = weight if weights is None else (weight > 0).astype(np.float64)
            self.count[part] = ones.sum(axis=0).reshape(shape)
        self.numerator[part] = numerator.reshape(shape)
        if self.squares is not None:
            self.squares[part] = np.einsum("ij,ij->j", weighted, values).reshape(shape)

    def estimate(self, min_pairs: int = 1) -> RateEstimate:
        """The rate and its error; the sums are used up."""
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = self.numerator / self.denominator
            rate[self.count < min_pairs] = np.nan
            if self.squares is None:
                return RateEstimate(rate, None, self.count)
            residual = self.squares
            residual -= np.multiply(rate, self.numerator, out=self.numerator)
            np.maximum(residual, 0.0, out=residual)
            residual /= self.denominator
            residual /= self.count - 1.0
        error = np.sqrt(residual, out=residual)
        error[self.count < 2] = np.nan
        return RateEstimate(rate, error, self.count)


def _weighted_sum(weights: Double, values: Double) -> Double:
    """Σ w_i x_ij over the pairs i, (pairs,) and (pairs, pixels) → (pixels,).

    Not by BLAS: its own threads spin beside those of the stacking and double the time of both.
    """
    total: Double = np.einsum("i,ij->j", weights, values)
    return total


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
    sqrt(Σ w (φ − pΔt)² / ((n − 1) Σ w Δt²)): a measure of scatter, true only for pairs that share no date (see
    ``network_rates``). Below ``min_pairs`` pairs the rate is NaN.
    """
    shape = phases.shape[1:]
    sums = RateSums.empty((math.prod(shape),), with_error)
    flat = phases.reshape(len(phases), -1)
    flat_weights = None if weights is None else np.broadcast_to(weights, phases.shape).reshape(flat.shape)
    step = max(512, _VALUES_AT_A_TIME // max(len(phases), 1))
    for start in range(0, flat.shape[1], step):
        part = slice(start, start + step)
        part_weights = None if flat_weights is None else flat_weights[:, part]
        sums.fill((part,), flat[:, part].astype(np.float64), years, part_weights)
    estimate = sums.estimate(min_pairs)
    error = None if estimate.standard_error is None else estimate.standard_error.reshape(shape)
    return RateEstimate(estimate.rate.reshape(shape), error, estimate.count.reshape(shape))


def _zero_where_missing(values: Double, weights: NDArray[np.floating[Any]] | None) -> tuple[Double, Double]:
    """(weights, phases), both 0 where either is missing, so that sums leave them out."""
    valid = np.isfinite(values)
    if weights is not None:
        valid &= np.isfinite(weights)
    zeroed = values.copy()
    zeroed[~valid] = 0
    if weights is None:
        return valid.astype(np.float64), zeroed
    return np.where(valid, weights, 0.0), zeroed


def coherence_weight(coherence: Array) -> Array:
    """w = γ² / (1 − γ²), the inverse of the phase variance up to a factor; NaN stays NaN, γ is clipped to 0.98."""
    square = np.clip(coherence, 0, _MAX_COHERENCE) ** 2
    weight: Array = square / (1 - square)
    return weight
