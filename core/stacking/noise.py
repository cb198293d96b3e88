"""Noise of dates and of pairs: what the residuals of a network tell of each, and what it does to a rate.

φ = Δt v + A a + e with a ~ σ_d² I, noise of each date that all its pairs share (air), and e ~ σ_p² W⁻¹, noise of each
pair by itself (decorrelation, unwrapping). Pairs that share a date are correlated, so that the scatter of the pairs
around a rate says little about its error; the two variances do. A linear rate c'φ has the variance
σ_d² ‖A'c‖² + σ_p² c'W⁻¹c.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..robust import weighted_median
from ..types import Double
from .network_solver import Network

# Pair noise is taken to be at least this share of that of dates, lest numbers lose their digits.
_LEAST_SHARE = 0.01


@dataclass(frozen=True)
class NoiseLevels:
    """Standard deviations in rad of the noise of each date, and of each pair by itself (of a pair of weight one)."""

    date: float
    pair: float

    def __post_init__(self) -> None:
        if not (self.date >= 0 and self.pair >= 0 and 0 < self.date + self.pair < math.inf):
            raise InputError("The noise of dates and of pairs must be 0 rad or more, and not both 0.")

    @property
    def ground(self) -> float:
        """ρ = σ_p² / σ_d², infinite without noise of dates."""
        return max(self.pair / self.date, _LEAST_SHARE) ** 2 if self.date > 0 else math.inf


@dataclass(frozen=True)
class NoiseTerms:
    """What the residuals of each pixel say of its noise, and how much of it gets into its rate, (pixels,) each.

    ``closure`` / ``redundancy`` = σ_p²: the squared residuals of the phases of dates, and how many pairs there are more
    than dates to be determined. ``scatter`` − ``pair_share`` · σ_p² = σ_d²: the squared residuals of equation 1 and the
    part that the noise of pairs has in them; ``freedom`` counts the dates that they tell of. ``date_gain`` = ‖A'c‖²
    and ``pair_gain`` = c'W⁻¹c for the pairs' weights c in the rate; ``filtered_gain`` = c'AH'A'c and
    ``removed_gain`` = ‖H'A'c‖² with the high-pass in time H of the atmospheric filter, 0 without it.
    """

    closure: Double
    redundancy: Double
    scatter: Double
    pair_share: Double
    freedom: Double
    date_gain: Double
    pair_gain: Double
    filtered_gain: Double
    removed_gain: Double

    @classmethod
    def empty(cls, pixels: int) -> NoiseTerms:
        """Terms to be filled."""
        return cls(*(np.full(pixels, np.nan) for _ in fields(cls)))

    @classmethod
    def joined(cls, parts: Sequence[NoiseTerms]) -> NoiseTerms:
        """The terms of the pixels of several parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def put(self, columns: slice | NDArray[np.intp], terms: NoiseTerms) -> None:
        """Fill in the terms of some pixels, each of any shape that broadcasts to theirs."""
        for field in fields(self):
            getattr(self, field.name)[columns] = getattr(terms, field.name)

    @property
    def pair_variance(self) -> Double:
        """σ_p² of each pixel by itself, NaN where no pair is more than the dates need."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.redundancy > 0, self.closure / self.redundancy, np.nan)

    @property
    def date_variance(self) -> Double:
        """σ_d² of each pixel by itself, below 0 where chance has it so; NaN where it can't be known."""
        with np.errstate(invalid="ignore"):
            return np.where(self.freedom > 0, self.scatter - self.pair_share * self.pair_variance, np.nan)

    def standard_error(self) -> Double:
        """Of the rate, from the residuals of each pixel alone; NaN where they can't tell it."""
        variance = np.maximum(self.date_variance, 0) * self.date_gain + self.pair_variance * self.pair_gain
        return np.asarray(np.sqrt(variance))

    def levels(self) -> NoiseLevels | None:
        """The noise that is usual among the pixels; None where none of them can tell it."""
        pair, date = self.pair_variance, self.date_variance
        known = np.isfinite(pair) & np.isfinite(date)
        if not known.any():
            return None
        pair_variance = weighted_median(pair[known] / _median_of_mean_square(self.redundancy[known]),
                                        self.redundancy[known])  # fmt: skip
        date_variance = weighted_median(date[known] / _median_of_mean_square(self.freedom[known]),
                                        self.freedom[known])  # fmt: skip
        if pair_variance <= 0 and date_variance <= 0:
            return None
        return NoiseLevels(math.sqrt(max(date_variance, 0.0)), math.sqrt(max(pair_variance, 0.0)))


def _median_of_mean_square(freedom: Double) -> Double:
    """The median of the mean of so many squares of normal numbers (Wilson and Hilferty 1931)."""
    return np.asarray((1 - 2 / (9 * freedom)) ** 3)


def noise_terms(
    network: Network,
    design: Double,
    values: Double,
    weights: Double,
    way: NDArray[np.intp] | None,
    shares: Double,
    high_pass: Double | None = None,
) -> NoiseTerms:
    """The terms of pixels whose phases are ``values`` (pairs, pixels), 0 where missing.

    ``weights`` (pairs, ways) ≥ 0 of the pairs; pixels have the one of their number in ``way``, or each its own, or
    all the only one. ``design`` (pairs, terms) is what is estimated, its first column Δt; ``shares`` c of the pairs in
    the rate, like the weights; ``high_pass`` H (dates, dates) of the atmospheric filter, None without.
    """

    def spread(numbers: Double) -> Double:
        return numbers if way is None else numbers[..., way]

    # Those of ways are 0 or 1, so that the phases are weighted already.
    weighted = weights * values if way is None else values
    factors = network.factored(weights)
    squares = np.einsum("ij,ij->j", weighted, values)
    closure = squares - factors.square(network.of_dates(weighted), way)
    number, rank, terms = np.count_nonzero(weights > 0, axis=0), factors.rank, design.shape[1]
    columns = design[:, :, None] * weights[:, None, :]
    inverse = inverse_normal(np.einsum("ik,ilj->jkl", design, columns))
    products = [np.einsum("i,ij->j", column, weighted) for column in design.T]
    for one, left in enumerate(products):
        for other, right in enumerate(products):
            squares = squares - spread(inverse[:, one, other]) * left * right
    ends = network.of_dates(columns)
    trace = 2 * weights.sum(axis=0) - np.einsum("jkl,dlj,dkj->j", inverse, ends, ends)
    sums = network.of_dates(shares)
    removed = np.zeros(sums.shape) if high_pass is None else np.einsum("ij,ik->jk", high_pass, sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        pair_gain = np.where(weights > 0, shares * shares / np.where(weights > 0, weights, 1), 0).sum(axis=0)
        return NoiseTerms(
            closure=np.maximum(closure, 0),
            redundancy=spread((number - rank).astype(np.float64)),
            scatter=np.maximum(squares, 0) * spread(1 / trace),
            pair_share=spread((number - terms) / trace),
            freedom=spread(np.maximum(rank - terms, 0.0)),
            date_gain=spread(np.einsum("ij,ij->j", sums, sums)),
            pair_gain=spread(pair_gain),
            filtered_gain=spread(np.einsum("ij,ij->j", sums, removed)),
            removed_gain=spread(np.einsum("ij,ij->j", removed, removed)),
        )


def inverse_normal(normal: Double) -> Double:
    """The inverses of normal matrices (pixels, terms, terms), NaN of those that can't be inverted."""
    scale = np.sqrt(np.einsum("jkk->jk", normal))
    with np.errstate(divide="ignore", invalid="ignore"):
        if normal.shape[-1] == 1:
            return np.asarray(np.where(normal > 0, 1 / normal, np.nan))
        scaled = normal / (scale[:, :, None] * scale[:, None, :])
        regular = np.linalg.det(np.nan_to_num(scaled)) > 1e-9
        inverse = np.full(normal.shape, np.nan)
        inverse[regular] = np.linalg.inv(scaled[regular])
        return np.asarray(inverse / (scale[:, :, None] * scale[:, None, :]))
