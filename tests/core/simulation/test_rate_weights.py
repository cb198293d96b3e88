"""Weights of pairs in a rate, beside the stacking that they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ada_mapper.core.satellite import DAYS_PER_YEAR
from ada_mapper.core.simulation.network import PairNetwork, regular_network
from ada_mapper.core.simulation.rate_weights import RateWeights
from ada_mapper.core.stacking.network_rate import network_rates
from ada_mapper.core.stacking.noise import NoiseLevels
from ada_mapper.core.types import Double

DATE_NOISE, PAIR_NOISE = 0.9, 0.6


@pytest.fixture(scope="module", params=[(1.0, 0.0), (2.0, 0.0), (1.5, 0.4)])
def network(request: pytest.FixtureRequest) -> PairNetwork:
    years, lost = request.param
    return regular_network(years, 12, 40, lost, np.random.default_rng(4))


def incidence(network: PairNetwork) -> Double:
    matrix = np.zeros((len(network.first), len(network.days)))
    each = np.arange(len(network.first))
    matrix[each, network.first], matrix[each, network.second] = -1, 1
    return matrix


def years(network: PairNetwork) -> Double:
    return network.intervals / DAYS_PER_YEAR


def test_the_weights_are_those_of_the_stacking(network: PairNetwork) -> None:
    """The rate of phases that are 1 in one pair and 0 in the others is that pair's weight."""
    matrix, spans = incidence(network), years(network)
    for weights, noise in (
        (RateWeights.equation_1(network), None),
        (RateWeights.best(network, PAIR_NOISE / DATE_NOISE), NoiseLevels(DATE_NOISE, PAIR_NOISE)),
    ):
        told = network_rates(np.eye(len(spans)), spans, matrix, noise, with_error=False)
        assert np.allclose(weights.pairs, told.rate, rtol=1e-6, atol=1e-9)


def test_gains_are_the_spread_of_rates_of_simulated_phases(network: PairNetwork) -> None:
    rng = np.random.default_rng(11)
    matrix, spans, count = incidence(network), years(network), 4000
    noise = NoiseLevels(DATE_NOISE, PAIR_NOISE)
    dates = DATE_NOISE * rng.standard_normal((len(network.days), count))
    pairs = PAIR_NOISE * rng.standard_normal((len(spans), count))
    for levels, weights in (
        (None, RateWeights.equation_1(network)),
        (noise, RateWeights.best(network, PAIR_NOISE / DATE_NOISE)),
    ):
        of_dates = network_rates(matrix @ dates, spans, matrix, levels, with_error=False).rate
        of_pairs = network_rates(pairs, spans, matrix, levels, with_error=False).rate
        assert of_dates.std() == pytest.approx(DATE_NOISE * weights.date_gain, rel=0.05)
        assert of_pairs.std() == pytest.approx(PAIR_NOISE * weights.pair_gain, rel=0.05)


def test_the_best_weights_have_the_least_variance_and_keep_the_rate(network: PairNetwork) -> None:
    ratio = PAIR_NOISE / DATE_NOISE
    best, plain = RateWeights.best(network, ratio), RateWeights.equation_1(network)

    def variance(weights: RateWeights) -> float:
        return weights.date_gain**2 + ratio**2 * weights.pair_gain**2

    assert variance(best) < variance(plain)
    for weights in (best, plain):
        assert weights.pairs @ years(network) == pytest.approx(1)
    rng = np.random.default_rng(2)
    for _ in range(20):
        other = best.pairs + 0.02 * rng.standard_normal(len(best.pairs))
        other /= other @ years(network)
        assert variance(RateWeights(network, other)) > variance(best)


def test_sums_by_interval_are_those_over_all_pairs(network: PairNetwork) -> None:
    weights = RateWeights.best(network, 0.5)
    days, sums, squares = weights.by_interval
    assert sums @ (days / DAYS_PER_YEAR) == pytest.approx(1)
    assert squares.sum() == pytest.approx(weights.pair_gain**2)


def test_an_annual_wave_gets_into_the_rate_as_by_the_pairs(network: PairNetwork) -> None:
    weights, phase = RateWeights.best(network, 0.8), 0.7
    wave = np.sin(2 * math.pi * network.days / DAYS_PER_YEAR + phase)
    assert weights.annual_share(phase) == pytest.approx(weights.pairs @ (wave[network.second] - wave[network.first]))


def test_noise_of_poorer_pairs_correlates_as_it_does_in_phases(network: PairNetwork) -> None:
    rng = np.random.default_rng(6)
    kept = rng.random(len(network.first)) < 0.5
    whole, part = RateWeights.best(network, 0.7), RateWeights.best(network.only(kept), 0.7)
    dates = rng.standard_normal((6000, len(network.days)))
    one = (dates[:, network.second] - dates[:, network.first]) @ whole.pairs
    other = (dates[:, network.second[kept]] - dates[:, network.first[kept]]) @ part.pairs
    assert np.corrcoef(one, other)[0, 1] == pytest.approx(whole.correlation(part), abs=0.04)
