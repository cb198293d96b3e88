"""Estimators of a rate: the weight of each pair in it, and what that makes of the noise of dates and pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..satellite import DAYS_PER_YEAR
from ..types import Array, Double
from .network import PairNetwork

# As small as the stacking takes the noise of pairs beside that of dates.
_LEAST_RATIO = 0.01


@dataclass(frozen=True)
class RateWeights:
    """A linear rate c'φ (rad/yr) of the phases φ (rad) of a network's pairs; ``pairs``: c (1/yr), c'Δt = 1."""

    network: PairNetwork
    pairs: Double

    @classmethod
    def equation_1(cls, network: PairNetwork) -> RateWeights:
        """c = Δt / Σ Δt²: pairs by their length alone."""
        return cls(network, network.intervals / DAYS_PER_YEAR / network.squared_sum)

    @classmethod
    def best(cls, network: PairNetwork, ratio: float) -> RateWeights:
        """Generalised least squares, where the noise of pairs is ``ratio`` times that of dates, both independent.

        c = C⁻¹Δt / (Δt'C⁻¹Δt) with C = AA' + ratio² I. By the matrix inversion lemma C⁻¹Δt is A g up to a factor,
        (A'A + ratio² I) g = t.
        """
        from scipy.linalg import solveh_banded

        first, second, count = network.first, network.second, len(network.days)
        reach = int((second - first).max())
        bands = np.zeros((reach + 1, count))
        bands[0] = max(ratio, _LEAST_RATIO) ** 2 + np.bincount(first, minlength=count)
        bands[0] += np.bincount(second, minlength=count)
        np.subtract.at(bands, (second - first, first), 1.0)
        years = (network.days - network.days.mean()) / DAYS_PER_YEAR
        dates = solveh_banded(bands, years, lower=True)
        pairs = dates[second] - dates[first]
        return cls(network, pairs / float(pairs @ network.intervals * (1 / DAYS_PER_YEAR)))

    @cached_property
    def dates(self) -> Double:
        """A'c: weight of each date's phase in the rate, 1/yr."""
        count = len(self.network.days)
        later = np.bincount(self.network.second, self.pairs, count)
        return np.asarray(later - np.bincount(self.network.first, self.pairs, count))

    @property
    def date_gain(self) -> float:
        """‖A'c‖: standard deviation of the rate (rad/yr) per rad of independent noise of each date."""
        return float(np.linalg.norm(self.dates))

    @property
    def pair_gain(self) -> float:
        """‖c‖: standard deviation of the rate (rad/yr) per rad of independent noise of each pair."""
        return float(np.linalg.norm(self.pairs))

    @cached_property
    def by_interval(self) -> tuple[Double, Double, Double]:
        """The distinct temporal baselines in days, and the sums of c and of c² over the pairs of each."""
        days, place = np.unique(self.network.intervals, return_inverse=True)
        sums, squares = (np.bincount(place, values).astype(np.float64) for values in (self.pairs, self.pairs**2))
        return days, sums, squares

    def annual_share(self, phase: float) -> float:
        """The rate (rad/yr) that an annual wave of 1 rad at the dates is taken for, ``phase`` (rad) at the first."""
        return float(self.dates @ np.sin(2 * math.pi * self.network.days / DAYS_PER_YEAR + phase))

    def correlation(self, other: RateWeights) -> float:
        """Of the noise that dates leave in this rate with that in another over the same dates."""
        return float(self.dates @ other.dates) / max(self.date_gain * other.date_gain, 1e-30)

    def lost_cycle_rate(self, cycles: Array) -> Array:
        """What pairs that miss whole cycles add to the rate (rad/yr).

        ``cycles`` (intervals, ...): cycles that each pair of a temporal baseline has too few.
        """
        _, shares, _ = self.by_interval
        return np.asarray(np.tensordot(-2 * math.pi * shares, cycles, axes=1), np.float32)
