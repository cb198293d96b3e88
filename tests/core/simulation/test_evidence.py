"""Standard errors and open triplets of simulated noise, beside noise that is drawn pair by pair."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ada_mapper.core.interferograms.closure import open_share as counted
from ada_mapper.core.satellite import DAYS_PER_YEAR
from ada_mapper.core.simulation.evidence import PairNoise, counted_share, open_share, told_error
from ada_mapper.core.simulation.network import regular_network
from ada_mapper.core.simulation.rate_weights import RateWeights
from ada_mapper.core.simulation.surface import FOREST, class_coherence, phase_noise

NETWORK = regular_network(1.0, 12, 40)


@pytest.mark.parametrize("ratio", [None, 0.5])
def test_noise_and_open_triplets_are_those_of_pairs(ratio: float | None) -> None:
    weights = RateWeights.equation_1(NETWORK) if ratio is None else RateWeights.best(NETWORK, ratio)
    looks, factor = 8.0, np.float32(1.1)
    told = PairNoise.of(weights, 0.8, looks)
    rng = np.random.default_rng(5)
    coherence = class_coherence(NETWORK.intervals, 0.8)[:, FOREST] * factor
    noise = phase_noise(coherence, looks)[:, None] * rng.standard_normal((len(NETWORK.first), 4000))
    classes, factors = np.full((1, 1), FOREST, np.uint8), np.full((1, 1), factor)
    assert float(told.at(told.rate, classes, factors)) == pytest.approx((weights.pairs @ noise).std(), rel=0.05)
    opened = counted(noise.astype(np.float32), NETWORK.triplets).mean()
    assert opened > 0.05
    assert float(told.at(told.open, classes, factors)) == pytest.approx(opened, abs=0.01)
    assert float(told.at(told.coherence, classes, factors)) == pytest.approx(coherence.mean(), rel=0.02)


def test_a_closure_is_open_beyond_half_a_cycle() -> None:
    assert open_share(np.array([1e-6]))[0] == 0
    assert open_share(np.array([math.pi**2]))[0] == pytest.approx(0.3173, abs=1e-4)
    assert open_share(np.array([(math.pi / 2) ** 2]))[0] == pytest.approx(0.0455, abs=1e-4)


def test_counted_shares_scatter_around_the_probability_and_are_none_where_none_is_open() -> None:
    share = np.zeros((80, 80), np.float32)
    share[:40] = 0.2
    found = counted_share(np.random.default_rng(1), share, 90)
    assert not found[40:].any()
    assert found[:40].mean() == pytest.approx(0.2, abs=0.01)
    assert found[:40].std() == pytest.approx(math.sqrt(0.2 * 0.8 / 30), rel=0.1)


@pytest.mark.parametrize("freedom", [10.0, 40.0])
def test_told_errors_scatter_as_mean_squares_of_so_many_residuals(freedom: float) -> None:
    rng = np.random.default_rng(2)
    told = told_error(rng, np.full((200, 200), 3.0, np.float32), freedom, 0.5)
    drawn = 3 * np.sqrt(rng.chisquare(freedom, 40_000) / freedom)
    assert np.log(told).std() == pytest.approx(np.log(drawn).std(), rel=0.1)
    assert np.sqrt(np.mean(told**2)) == pytest.approx(3, rel=0.06)
    assert NETWORK.intervals.max() / DAYS_PER_YEAR < 0.12
