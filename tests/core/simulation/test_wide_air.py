"""The air in the rates of networks whose pairs are lost in patches."""

from __future__ import annotations

import numpy as np
import pytest

from ada_mapper.core.simulation.atmosphere import FieldPool
from ada_mapper.core.simulation.network import regular_network
from ada_mapper.core.simulation.rate_weights import RateWeights
from ada_mapper.core.simulation.wide_air import Networks, draw_air

SIZE = 96


def patchy(ratio: float | None = 0.6) -> Networks:
    rng = np.random.default_rng(7)
    network = regular_network(1.5, 12, 40)
    usual = RateWeights.equation_1(network) if ratio is None else RateWeights.best(network, ratio)
    across = np.tile(np.linspace(-1, 4, SIZE, dtype=np.float32), (SIZE, 1))
    while True:
        found = Networks.drawn(rng, usual, ratio, across)
        if found.poorer is not None:
            return found


@pytest.mark.parametrize("ratio", [None, 0.6])
def test_the_gain_of_dates_is_that_of_the_mixed_weights(ratio: float | None) -> None:
    nets = patchy(ratio)
    assert nets.poorer is not None
    assert nets.share is not None
    first, second = nets.parts((SIZE, SIZE))
    assert second is not None
    assert nets.share.min() == 0
    assert nets.share.max() == 1
    for column in (0, 30, 40, 50, SIZE - 1):
        share = float(nets.share[3, column])
        mixed = (1 - share) * nets.usual.dates + share * nets.poorer.dates
        gain = np.hypot(first[3, column], second[3, column])
        assert gain == pytest.approx(np.linalg.norm(mixed), rel=1e-4)
    assert nets.poorer.date_gain > nets.usual.date_gain


def test_patches_have_more_noise_of_pairs() -> None:
    nets = patchy()
    mixed = nets.mixed(np.float32(1), np.float32(3))
    assert np.min(mixed) == 1
    assert np.max(mixed) == 3


def test_turbulence_is_as_strong_as_wanted_and_the_error_tells_it() -> None:
    rng, pool = np.random.default_rng(3), FieldPool(1, 30.0, 256, 4)
    usual = RateWeights.equation_1(regular_network(2.0, 12, 40))
    level = np.zeros((SIZE, SIZE), np.float32)
    crops = [pool.draw(rng, SIZE) for _ in range(200)]
    spread = float(np.sqrt(np.mean([crop.var() for crop in crops])))
    found = [draw_air(rng, level, 30.0, pool, (spread, spread), 0.8, Networks(usual)) for _ in range(200)]
    # A ramp of 0.25 rad/yr over 10 km is small over 3 km.
    assert np.sqrt(np.mean([air.rate.var() for air in found])) == pytest.approx(0.8, rel=0.1)
    assert np.sqrt(np.mean([np.mean(air.error**2) for air in found])) == pytest.approx(0.8, rel=0.05)


def test_a_delay_by_height_is_in_the_error_where_it_is_high() -> None:
    rng, pool = np.random.default_rng(3), FieldPool(1, 30.0, 256, 4)
    usual = RateWeights.equation_1(regular_network(2.0, 12, 40))
    heights = np.tile(np.linspace(0, 2000, SIZE, dtype=np.float32), (SIZE, 1))
    found = [draw_air(rng, heights, 30.0, pool, (0.5, 0.5), 0.4, Networks(usual)) for _ in range(60)]
    errors = np.mean([air.error.mean(axis=0) for air in found], axis=0)
    assert errors[0] > 1.2 * errors[SIZE // 2]
    assert errors[-1] > 1.2 * errors[SIZE // 2]
