"""Pairs that deviate at single pixels by more than noise explains: errors of whole cycles from phase unwrapping.

Where other pairs lead from a pair's first to its second date they tell its phase, whatever motion and air have been,
and the rate tells it within the scatter of the dates. Both are in one least-squares solution for the dates' phases,
each held at the rate by a soft spring; one suspect after the other is taken out (data snooping, Baarda 1968), and those
that the scatter of the rest explains come back. Sums over triplets clear nearly all pixels, so that few are solved for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..robust import MAD_TO_SIGMA, lower_median
from ..types import Double
from .network_solver import Factors, Network
from .rate import stack_phases

# What is rejected deviates at least by half a cycle: less is no unwrapping error.
_HALF_CYCLE = np.pi
# A triplet with a pair that is wrong by a cycle closes worse than this, however the noise of the others helps it.
_OPEN = 0.9 * np.pi
# Pixels with open triplets are searched where the network finds a pair wrong by more than this.
_SUSPECT = 1.2 * np.pi
# Pixels where no pair is further from the rate than so many standard deviations are not searched for its outliers.
_NEAR = 2.0
# A pair's noise (rad), as far as it is not known, and how many degrees of freedom that knowledge is worth.
_PAIR_NOISE, _PRIOR_FREEDOM = 0.4, 2.0
# The variance of a pair's noise over that of a date's: a soft one leaves the dates free, so that only closure counts.
_SOFT, _LOOSE, _STIFF = 0.01, 0.05, 1.0
_ROUNDS = 20
_SOLVER_BYTES = 4 * 2**20

Places = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True)
class OutlierSearch:
    """Finds the outliers of pixels whose pairs have time spans ``years`` and the ``incidence`` (pairs, dates).

    ``triplets`` (triplets, 3): numbers of pairs, φ₀ + φ₁ − φ₂ = 0. An outlier deviates by more than ``sigma`` standard
    deviations and by more than half a cycle. Nothing is rejected at a pixel where fewer than five pairs, or not more
    than half of them, would be left.
    """

    years: Double
    incidence: Double
    triplets: NDArray[np.intp]
    sigma: float

    def __call__(self, phases: Double, weights: NDArray[np.floating[Any]] | None = None) -> NDArray[np.bool_]:
        """True at outliers of ``phases`` (pairs, ...) in rad; missing if not finite or of weight 0 or NaN."""
        found = np.zeros((len(phases), phases[0].size), bool)
        flat = None if weights is None else weights.reshape(found.shape)
        found[self.places(phases.reshape(found.shape), flat)] = True
        return found.reshape(phases.shape)

    def suspects(self, phases: Double) -> NDArray[np.intp]:
        """The numbers of those pixels of ``phases`` (pairs, pixels) that may hold outliers."""
        return np.flatnonzero(self._not_cleared(phases))

    def places(self, phases: Double, weights: NDArray[np.floating[Any]] | None = None) -> Places:
        """(pairs, pixels) of the outliers of ``phases`` (pairs, pixels): their numbers."""
        if weights is not None:
            phases = np.where(np.nan_to_num(weights) > 0, phases, np.nan)
        candidates = self.suspects(phases)
        pairs, pixels = self.among(phases[:, candidates])
        return pairs, candidates[pixels]

    def among(self, suspects: Double) -> Places:
        """(pairs, pixels) of the outliers of phases (pairs, pixels) of suspect pixels, NaN where missing.

        The more pixels at a time, the less each costs.
        """
        pairs, pixels = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
        for start in range(0, suspects.shape[1], self._step):
            pair, pixel = np.nonzero(self._rejected(suspects[:, start : start + self._step]))
            pairs.append(pair)
            pixels.append(pixel + start)
        return np.concatenate(pairs), np.concatenate(pixels)

    @cached_property
    def _network(self) -> Network:
        return Network.of(self.incidence)

    @cached_property
    def _step(self) -> int:
        """Pixels that are solved for at a time."""
        numbers = self._network.elimination.links + len(self.incidence) + self._network.dates
        return max(64, _SOLVER_BYTES // (8 * 3 * numbers))

    @cached_property
    def _complete(self) -> tuple[Factors, Double]:
        """The equations of pixels with all pairs, and the redundancy of each pair (pairs, 1) there."""
        factors = self._network.factored(np.ones((len(self.years), 1)), _LOOSE)
        return factors, 1 - factors.pair_variances()

    @cached_property
    def _alone(self) -> NDArray[np.intp]:
        """The pairs in no triplet."""
        return np.setdiff1d(np.arange(len(self.years)), self.triplets)

    def _not_cleared(self, phases: Double) -> NDArray[np.bool_]:
        """Pixels that may hold outliers: a triplet is open, or a pair in none is far from the rate."""
        rate = np.einsum("i,ij->j", self.years, phases) / (self.years @ self.years)
        whole = np.isfinite(rate)
        if not whole.all():
            rate[~whole] = stack_phases(phases[:, ~whole], self.years, with_error=False).rate
        alone = self._far_in_no_triplet(phases, rate, bool(whole.all()))
        unsure = alone | (self._worst_triplet(phases) > _OPEN)
        limit = np.where(alone, _HALF_CYCLE, _SUSPECT)
        part = np.flatnonzero(unsure)
        for start in range(0, part.size, self._step):
            pixels = part[start : start + self._step]
            unsure[pixels] = self._seems_wrong(phases[:, pixels], rate[pixels], limit[pixels])
        return unsure

    def _far_in_no_triplet(self, phases: Double, rate: Double, complete: bool) -> NDArray[np.bool_]:
        """Pixels where a pair of which no triplet is whole is further than half a cycle from the rate."""
        furthest = self._furthest(phases, rate, self._alone if complete else np.arange(len(phases)))
        result = furthest > _HALF_CYCLE
        far = np.flatnonzero(result)
        distance = np.abs(phases[:, far] - self.years[:, None] * rate[far])
        # With more than half of the pairs within this, the scatter is too small to explain the furthest.
        within = distance < furthest[far] / (_NEAR * MAD_TO_SIGMA)
        stands_out = 2 * np.count_nonzero(within, axis=0) > np.count_nonzero(np.isfinite(distance), axis=0)
        if not complete:
            stands_out &= (self._in_no_triplet(np.isfinite(distance)) & (distance > _HALF_CYCLE)).any(axis=0)
        result[far] = stands_out
        return result

    def _in_no_triplet(self, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Pairs of which no triplet is whole at their pixel."""
        single = valid.copy()
        for triplet in self.triplets:
            single[triplet] &= ~valid[triplet].all(axis=0)
        return single

    def _worst_triplet(self, phases: Double) -> Double:
        """The largest closure of each pixel, in rad; 0 without any."""
        worst, closure = np.zeros(phases.shape[1]), np.empty(phases.shape[1])
        for one, other, both in self.triplets.tolist():
            np.add(phases[one], phases[other], out=closure)
            closure -= phases[both]
            np.abs(closure, out=closure)
            np.fmax(worst, closure, out=worst)
        return worst

    def _furthest(self, phases: Double, rate: Double, pairs: NDArray[np.intp]) -> Double:
        """How far the furthest of some pairs is from the rate at each pixel, in rad; 0 without any."""
        worst, residual = np.zeros(phases.shape[1]), np.empty(phases.shape[1])
        for pair in pairs.tolist():
            np.multiply(rate, -self.years[pair], out=residual)
            residual += phases[pair]
            np.abs(residual, out=residual)
            np.fmax(worst, residual, out=worst)
        return worst

    def _residuals(self, factors: Factors, values: Double, used: NDArray[np.bool_]) -> Double:
        """What the pairs' phases leave of those of the dates, by the used pairs (pairs, pixels)."""
        return values - self._network.of_pairs(factors.solve(self._network.of_dates(values * used)))

    def _seems_wrong(self, phases: Double, rate: Double, limit: Double) -> NDArray[np.bool_]:
        """Pixels where the others find a pair wrong by more than ``limit`` (pixels,), none of them suspected."""
        valid = np.isfinite(phases)
        values = np.where(valid, phases - self.years[:, None] * rate, 0.0)
        if valid.all():
            factors, redundancy = self._complete
        else:
            factors = self._network.factored(valid, _LOOSE)
            redundancy = 1 - factors.pair_variances()
        wrong = np.abs(self._residuals(factors, values, valid)) > limit * redundancy
        return np.asarray((wrong & valid).any(axis=0))

    def _rejected(self, phases: Double) -> NDArray[np.bool_]:
        """True at the outliers of a few pixels (pairs, pixels)."""
        valid = np.isfinite(phases)
        found = np.count_nonzero(valid, axis=0)
        rate = np.nan_to_num(least_absolute_rate(phases, self.years, valid))
        values = np.where(valid, phases - self.years[:, None] * rate, 0.0)
        distance = np.abs(values)
        scatter = MAD_TO_SIGMA * lower_median(np.where(valid, distance, np.inf), found)
        scatter = np.where(found > 0, np.maximum(scatter, 1e-9), 1.0)
        far = valid & (distance > np.maximum(self.sigma * scatter, _HALF_CYCLE))
        wide, closed = self._triplets_around(values, valid)
        rejected = np.zeros(phases.shape, bool)
        part = np.flatnonzero((wide | (far & ~closed)).any(axis=0))
        if not part.size:
            return rejected
        values, valid, far, closed = values[:, part], valid[:, part], far[:, part], (closed & ~wide)[:, part]
        # The residual of a pair holds the noise of two dates.
        stiffness = np.clip(2 * (_PAIR_NOISE / scatter[part]) ** 2, _SOFT, _STIFF)
        stiffness[(far & closed).any(axis=0)] = _SOFT
        kept = self._snooped(values, valid & ~(far & ~closed), stiffness)
        here = valid & ~self._reinstated(values, valid, kept, stiffness)
        left = found[part] - np.count_nonzero(here, axis=0)
        rejected[:, part] = here & (left >= 5) & (2 * left > found[part])
        return rejected

    def _triplets_around(self, values: Double, valid: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Pairs of which a triplet is open, and those of which one closes: if far from the rate, it is by motion."""
        wide, closed = np.zeros_like(valid), np.zeros_like(valid)
        for triplet in self.triplets:
            whole = valid[triplet].all(axis=0)
            wrong = np.abs(values[triplet[0]] + values[triplet[1]] - values[triplet[2]]) > _OPEN
            wide[triplet] |= whole & wrong
            closed[triplet] |= whole & ~wrong
        return wide, closed

    def _snooped(self, values: Double, kept: NDArray[np.bool_], stiffness: Double) -> NDArray[np.bool_]:
        """The pairs that are left when all that are off by more than half a cycle have been taken out."""
        kept = kept.copy()
        active = np.arange(values.shape[1])
        for _ in range(_ROUNDS):
            factors = self._network.factored(kept[:, active], stiffness[active])
            residual = self._residuals(factors, values[:, active], kept[:, active])
            suspects = self._suspects(residual, 1 - factors.pair_variances(), kept[:, active])
            kept[:, active] &= ~suspects
            active = active[suspects.any(axis=0)]
            if not active.size:
                break
        return kept

    def _suspects(self, residual: Double, redundancy: Double, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Pairs off by more than half a cycle that stand out more than every pair that shares a date with them."""
        network = self._network
        redundancy = np.where(kept, redundancy, 1.0)
        test = np.abs(residual) / np.sqrt(redundancy)
        test[~(kept & (np.abs(residual) > _HALF_CYCLE * redundancy))] = 0
        worst = np.zeros((network.dates, residual.shape[1]))
        for one, other, row in zip(network.first.tolist(), network.second.tolist(), test):
            np.maximum(worst[one], row, out=worst[one])
            np.maximum(worst[other], row, out=worst[other])
        suspects: NDArray[np.bool_] = (test > 0) & (test >= worst[network.first]) & (test >= worst[network.second])
        return suspects

    def _reinstated(
        self, values: Double, valid: NDArray[np.bool_], kept: NDArray[np.bool_], stiffness: Double
    ) -> NDArray[np.bool_]:
        """The pairs kept when those taken out are tested by the scatter of the others."""
        kept = kept.copy()
        active = np.flatnonzero((valid & ~kept).any(axis=0))
        for _ in range(_ROUNDS):
            used = kept[:, active]
            factors = self._network.factored(used, stiffness[active])
            residual, leverage = self._residuals(factors, values[:, active], used), factors.pair_variances()
            freedom = np.where(used, 1 - leverage, 0).sum(axis=0) + _PRIOR_FREEDOM
            squares = np.where(used, residual**2, 0).sum(axis=0) + _PRIOR_FREEDOM * _PAIR_NOISE**2
            # A scatter that few pairs tell is uncertain itself.
            own = (1 + 2 / freedom) ** 2
            limit = np.maximum(self.sigma * np.sqrt(squares / freedom * (own + leverage)), _HALF_CYCLE)
            back = valid[:, active] & ~used & (np.abs(residual) <= limit)
            kept[:, active] |= back
            active = active[back.any(axis=0)]
            if not active.size:
                break
        return kept


def least_absolute_rate(phases: Double, years: Double, valid: NDArray[np.bool_]) -> Double:
    """The rate that minimises Σ |φ − pΔt|: the median of φ / Δt weighted by Δt, NaN without valid pairs."""
    spans = years.reshape((-1,) + (1,) * (phases.ndim - 1))
    rates = np.where(valid, phases / spans, np.inf)
    order = np.argsort(rates, axis=0)
    weight = np.cumsum(np.take_along_axis(np.where(valid, spans, 0.0), order, 0), axis=0)
    middle = np.argmax(weight >= weight[-1] / 2, axis=0)
    picked = np.take_along_axis(order, middle[None], 0)
    rate: Double = np.take_along_axis(rates, picked, 0)[0]
    return np.where(np.isfinite(rate), rate, np.nan)
