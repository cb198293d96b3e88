"""The rate of each pixel by generalised least squares: the best linear one where dates and pairs have noise.

With the covariance C = σ_d² AA' + σ_p² W⁻¹ of the pairs (see ``noise``), v = c'φ with c = C⁻¹Δt / (Δt'C⁻¹Δt). By the
matrix inversion lemma C⁻¹Δt is W A g up to a factor, (A'WA + ρI) g = t, ρ = σ_p² / σ_d²: a solution for the dates t
of the network, which is one for all pixels that have the same pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Double
from .network_solver import Network, date_phases
from .noise import NoiseLevels, NoiseTerms, inverse_normal, noise_terms
from .rate import RateEstimate

# A pixel has no rate where what is estimated beside it makes its variance larger than so many times.
_MOST_INFLATION = 10.0
# Phases that are worked on at a time.
_VALUES_AT_A_TIME = 2**18


@dataclass(frozen=True)
class RateModel:
    """How a rate follows from pairs.

    ``design`` (pairs, terms): what each pair shows of a rate of 1 rad/yr, its Δt in years, and of further motion that
    is estimated beside it; each column is the difference of something between the pair's dates. Without ``noise`` all
    pairs count by their weight alone, as in equation 1. ``high_pass`` (dates, dates) is what the atmospheric filter
    takes away of the phases of dates, None without it.
    """

    network: Network
    design: Double
    noise: NoiseLevels | None
    high_pass: Double | None = None

    @classmethod
    def of(
        cls, years: Double, incidence: Double, noise: NoiseLevels | None, high_pass: Double | None = None
    ) -> RateModel:
        """The model of pairs of ``years`` (pairs,), or of such a design, and of their incidence (pairs, dates)."""
        return cls(Network.of(incidence), years.reshape(len(years), -1), noise, high_pass)

    @property
    def is_equation_1(self) -> bool:
        """True where the rate is the sum of equation 1 and nothing beside it."""
        return self.noise is None and self.design.shape[1] == 1

    @cached_property
    def courses(self) -> Double:
        """The columns of the design at the dates, (dates, terms)."""
        incidence = np.zeros((len(self.design), self.network.dates))
        each = np.arange(len(self.design))
        incidence[each, self.network.first], incidence[each, self.network.second] = -1, 1
        return date_phases(self.design, incidence)

    def shares(self, weights: Double) -> Double:
        """c (pairs, ways) of the rate c'φ for weights of the pairs (pairs, ways); NaN where there is no rate."""
        ground = math.inf if self.noise is None else self.noise.ground
        if math.isinf(ground):
            columns = [weights * column[:, None] for column in self.design.T]
        else:
            factors = self.network.factored(weights, ground)
            columns = [weights * self.network.of_pairs(factors.solve(course[:, None])) for course in self.courses.T]
        weighted = np.stack(columns, axis=1)
        normal = np.einsum("ik,ilj->jkl", self.design, weighted)
        inverse = inverse_normal(normal)
        if self.design.shape[1] > 1:
            inverse[inverse[:, 0, 0] * normal[:, 0, 0] > _MOST_INFLATION] = np.nan
        return np.asarray(np.einsum("ilj,jl->ij", weighted, inverse[:, :, 0]))

    @cached_property
    def complete(self) -> Double:
        """c (pairs, 1) where no pair is missing and all count alike."""
        return self.shares(np.ones((len(self.design), 1)))

    def pixels(self, values: Double, weights: NDArray[np.floating[Any]] | None = None) -> list[PixelGroup]:
        """The pixels of ``values`` (pairs, pixels), NaN where a pair is missing, by which of their pairs count."""
        if weights is not None:
            valid = np.isfinite(values) & (np.nan_to_num(weights) > 0)
            each = np.where(valid, weights, 0.0)
            return [PixelGroup(self, slice(None), each, None, self.shares(each))]
        # Not by BLAS: its own threads spin beside those of the stacking.
        rates = np.einsum("i,ij->j", self.complete[:, 0], values)
        lacking = ~np.isfinite(rates)
        groups = []
        if not lacking.all():
            columns = np.nonzero(~lacking)[0] if lacking.any() else slice(None)
            ones = np.ones(self.complete.shape)
            groups.append(PixelGroup(self, columns, ones, None, self.complete, rates[columns], True))
        if lacking.any():
            holed = np.nonzero(lacking)[0]
            valid = np.isfinite(values[:, holed])
            first, way = _patterns(valid)
            ways = valid[:, first].astype(np.float64)
            groups.append(PixelGroup(self, holed, ways, way, self.shares(ways)))
        return groups


def with_annual_terms(years: Double, incidence: Double, times: Double) -> Double:
    """The design (pairs, 3) of a rate and of a motion that returns every year, beside ``years`` (pairs,).

    ``times`` (dates,) in years of the dates of the incidence matrix (pairs, dates).
    """
    angle = 2 * np.pi * times
    return np.column_stack([years, incidence @ np.sin(angle), incidence @ np.cos(angle)])


@dataclass(frozen=True)
class PixelGroup:
    """Pixels (``columns``) whose pairs have one of a few ``weights`` (pairs, ways), and c of the same shape.

    ``way`` (pixels,) numbers those of each pixel; None where there is one for all, or one for each. ``known`` are rates
    that were found on the way; ``is_complete``: no pair is missing and all count alike.
    """

    model: RateModel
    columns: slice | NDArray[np.intp]
    weights: Double
    way: NDArray[np.intp] | None
    shares: Double
    known: Double | None = None
    is_complete: bool = False

    def rates(self, values: Double) -> Double:
        """c'φ of the pixels, from the phases of all (pairs, pixels)."""
        if self.is_complete:
            return np.asarray(np.einsum("i,ij->j", self.shares[:, 0], values[:, self.columns]))
        shares = self.shares if self.way is None else self.shares[:, self.way]
        return np.asarray(np.einsum("ij,ij->j", shares, self.phases(values)))

    def phases(self, values: Double) -> Double:
        """The phases of the pixels, 0 where a pair is missing."""
        chosen = values[:, self.columns]
        if self.is_complete:
            return chosen
        valid = self.weights > 0
        return np.where(valid if self.way is None else valid[:, self.way], chosen, 0.0)

    @property
    def count(self) -> NDArray[np.intp]:
        """Valid pairs of each pixel."""
        number = np.asarray(np.count_nonzero(self.weights > 0, axis=0), np.intp)
        return number if self.way is None else number[self.way]

    def noise(self, values: Double) -> NoiseTerms:
        """What the phases of all (pairs, pixels) tell of the noise of these."""
        model, phases = self.model, self.phases(values)
        return noise_terms(model.network, model.design, phases, self.weights, self.way, self.shares, model.high_pass)


def _patterns(valid: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of the different columns of ``valid``: the place of one of each kind, and the kind of each column."""
    packed = np.packbits(valid, axis=0)
    padded = np.zeros((packed.shape[1], -(-len(packed) // 8) * 8), np.uint8)
    padded[:, : len(packed)] = packed.T
    kind = np.zeros(len(padded), np.intp)
    first = kind
    for index, word in enumerate(padded.view(np.uint64).T):
        if index:
            _, part = np.unique(word, return_inverse=True)
            word = kind * (part.max() + 1) + part
        _, first, kind = np.unique(word, return_index=True, return_inverse=True)
    return first, kind


def network_rates(
    phases: NDArray[np.floating[Any]],
    years: Double,
    incidence: Double,
    noise: NoiseLevels | None,
    weights: NDArray[np.floating[Any]] | None = None,
    min_pairs: int = 1,
    with_error: bool = True,
) -> RateEstimate:
    """The rate of each pixel over its valid pairs, by generalised least squares, and its standard error.

    ``phases`` (pairs, ...) in rad, non-finite where a pair has no data; ``years`` (pairs,) time spans; ``incidence``
    (pairs, dates) −1 at a pair's earlier and +1 at its later date; ``noise`` of dates and pairs, of which only the
    ratio matters, None for equation 1; ``weights`` (pairs, ...) ≥ 0, NaN or 0 leaves the pair out. The error comes
    from the pixel's own residuals and is NaN where no pair is more than its dates need. Below ``min_pairs`` pairs the
    rate is NaN.
    """
    model = RateModel.of(years, incidence, noise)
    values = phases.reshape(len(phases), -1)
    flat = None if weights is None else np.broadcast_to(weights, phases.shape).reshape(values.shape)
    rate, count = np.empty(values.shape[1]), np.empty(values.shape[1], np.intp)
    error = np.empty(values.shape[1]) if with_error else None
    step = max(512, _VALUES_AT_A_TIME // max(len(phases), 1))
    for start in range(0, values.shape[1], step):
        part = slice(start, start + step)
        here = values[:, part].astype(np.float64)
        for group in model.pixels(here, None if flat is None else flat[:, part]):
            rate[part][group.columns] = group.rates(here)
            count[part][group.columns] = group.count
            if error is not None:
                error[part][group.columns] = group.noise(here).standard_error()
    rate[count < min_pairs] = np.nan
    shape = phases.shape[1:]
    return RateEstimate(rate.reshape(shape), None if error is None else error.reshape(shape), count.reshape(shape))


def noise_of_network(
    phases: NDArray[np.floating[Any]],
    years: Double,
    incidence: Double,
    weights: NDArray[np.floating[Any]] | None = None,
) -> NoiseLevels | None:
    """The noise of dates and pairs that is usual among the pixels of ``phases`` (pairs, ...).

    None where it can't be told: no pixel has more pairs than its dates need, or no noise. See ``network_rates``.
    """
    return noise_terms_of(RateModel.of(years, incidence, None), phases, weights).levels()


def noise_terms_of(
    model: RateModel, phases: NDArray[np.floating[Any]], weights: NDArray[np.floating[Any]] | None = None
) -> NoiseTerms:
    """What the phases (pairs, ...) of each pixel tell of their noise, pixels in one row."""
    values = phases.reshape(len(phases), -1)
    flat = None if weights is None else np.broadcast_to(weights, phases.shape).reshape(values.shape)
    found = NoiseTerms.empty(values.shape[1])
    step = max(512, _VALUES_AT_A_TIME // max(len(phases), 1))
    for start in range(0, values.shape[1], step):
        here = values[:, start : start + step].astype(np.float64)
        for group in model.pixels(here, None if flat is None else flat[:, start : start + step]):
            columns = np.arange(start, start + here.shape[1])[group.columns]
            found.put(columns, group.noise(here))
    return found
