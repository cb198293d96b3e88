"""Ground that moves by more than pairs can measure, beside pairs that are wrapped one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ada_mapper.core.interferograms.closure import open_share
from ada_mapper.core.satellite import DAYS_PER_YEAR
from ada_mapper.core.simulation import fast_motion
from ada_mapper.core.simulation.atmosphere import FieldPool
from ada_mapper.core.simulation.fast_motion import SeenMotion, interval_triplets, seen_motion
from ada_mapper.core.simulation.network import PairNetwork, regular_network
from ada_mapper.core.simulation.rate_weights import RateWeights
from ada_mapper.core.types import Array, Double

SIZE = 64
NETWORK = regular_network(1.0, 12, 40)


class Drawn:
    """Draws as a generator does, but for the ways in which landslides are unwrapped."""

    def __init__(self, way: int) -> None:
        self.rng, self.way = np.random.default_rng(3), way

    def integers(self, low: int, high: int, count: int) -> np.ndarray:
        return np.full(count, self.way)

    def __getattr__(self, name: str) -> object:
        return getattr(self.rng, name)


@pytest.fixture(autouse=True)
def without_wander(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_motion, "_WANDER", 0.0)


def pool() -> FieldPool:
    return FieldPool(1, 30.0, 128, 2)


def a_ramp(fastest: float) -> tuple[Array, np.ndarray]:
    """A landslide over the whole tile, faster from column to column (rad/yr)."""
    rate = np.tile(np.linspace(-fastest, fastest, SIZE, dtype=np.float32), (SIZE, 1))
    return rate, np.ones((SIZE, SIZE), np.int32)


def seen(way: int, fastest: float, weights: RateWeights) -> SeenMotion:
    rate, identity = a_ramp(fastest)
    return seen_motion(Drawn(way), rate, identity, 1, weights, pool())  # type: ignore[arg-type]


def wrapped(rate: Double, network: PairNetwork) -> Double:
    """The phases of all pairs of columns, each in (−π, π]."""
    phase = rate[None, :] * (network.intervals / DAYS_PER_YEAR)[:, None]
    return phase - 2 * math.pi * np.rint(phase / (2 * math.pi))


@pytest.mark.parametrize("ratio", [None, 0.7])
def test_a_landslide_that_loses_all_cycles_has_the_rate_of_wrapped_pairs(ratio: float | None) -> None:
    weights = RateWeights.equation_1(NETWORK) if ratio is None else RateWeights.best(NETWORK, ratio)
    found = seen(1, 500.0, weights)
    rate, _ = a_ramp(500.0)
    phases = wrapped(rate[0].astype(np.float64), NETWORK)
    assert np.allclose(found.phase_rate[5], weights.pairs @ phases, atol=0.02)
    triplets = NETWORK.triplets
    assert np.allclose(found.unclosed[5], open_share(phases.astype(np.float32), triplets), atol=1e-5)
    assert found.unclosed.max() > 0.5


def test_a_landslide_that_is_unwrapped_rightly_keeps_its_rate() -> None:
    weights = RateWeights.equation_1(NETWORK)
    found, (rate, _) = seen(0, 900.0, weights), a_ramp(900.0)
    assert np.allclose(found.phase_rate, rate, rtol=1e-5)
    assert not found.unclosed.any()
    assert found.coherence.min() > seen(1, 900.0, weights).coherence.min()


def test_slow_ground_is_left_alone() -> None:
    weights = RateWeights.equation_1(NETWORK)
    found, (rate, _) = seen(1, 15.0, weights), a_ramp(15.0)
    assert np.array_equal(found.phase_rate, rate)
    assert (found.coherence == 1).all()
    assert not found.unclosed.any()


def test_cycles_are_lost_in_patches() -> None:
    weights = RateWeights.equation_1(NETWORK)
    patchy, lost, (rate, _) = seen(2, 300.0, weights), seen(1, 300.0, weights), a_ramp(300.0)
    away = np.abs(patchy.phase_rate - rate)
    assert (away <= np.abs(lost.phase_rate - rate) + 1e-3).all()
    fast = np.abs(lost.phase_rate - rate) > 50
    assert 0.1 < (away[fast] < 1).mean() < 0.9


def test_kinds_of_triplets_hold_all_of_them() -> None:
    network = regular_network(1.0, 6, 40, 0.3, np.random.default_rng(1))
    kinds, shares = interval_triplets(network)
    assert shares.sum() == pytest.approx(1)
    days = np.unique(network.intervals)
    assert (days[kinds[:, 0]] + days[kinds[:, 1]] == days[kinds[:, 2]]).all()
    longest = days[kinds] @ [1, 1, 1]
    spans = network.intervals[network.triplets].sum(axis=1)
    assert shares @ longest == pytest.approx(spans.mean())
