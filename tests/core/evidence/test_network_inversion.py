"""The series of a network: errors that are as large as the deviations from the truth, and pairs that don't fit."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from ada_mapper.core.evidence.network_inversion import (
    DateNetwork,
    invert_network,
    series_errors,
    series_rate,
    unfitting_pairs,
)
from ada_mapper.core.interferograms import Interferogram
from ada_mapper.core.raster import Band
from stacks import FIRST, network_days

CYCLE = 2 * np.pi


def network_of(days: list[tuple[int, int]]) -> DateNetwork:
    """The network of pairs given by their (first, second) day."""
    dates = [(FIRST + timedelta(days=one), FIRST + timedelta(days=other)) for one, other in days]
    return DateNetwork.of([Interferogram(Band("none"), *pair, "geotiff") for pair in dates])


def thinned(dates: int, share: float) -> list[tuple[int, int]]:
    """A network of three connections of which a share of the pairs is lost."""
    generator = np.random.default_rng(dates)
    return [pair for pair in network_days(dates, reach=3) if generator.random() >= share]


@pytest.mark.parametrize(
    ("date_noise", "pair_noise", "lost"), [(1.0, 0.3, 0.0), (1.0, 1.0, 0.3), (0.3, 1.0, 0.3), (0.0, 1.0, 0.0)]
)
def test_the_errors_are_those_of_the_truth(date_noise: float, pair_noise: float, lost: float) -> None:
    """Over many draws of known noise the errors claimed are as large as those made, and cover the truth."""
    network = network_of(thinned(31, lost))
    generator = np.random.default_rng(2)
    starts = np.array([np.flatnonzero(network.component == group)[0] for group in network.component])
    made, claimed, moved, told = [], [], [], []
    for _ in range(250):
        air = date_noise * generator.normal(size=len(network.dates))
        motion = air[network.second] - air[network.first] + pair_noise * generator.normal(size=len(network.spans))
        rate, error = series_rate(network, motion)
        series = invert_network(network, motion)
        made.append(rate)
        claimed.append(error)
        moved.append(series - series[starts])
        told.append(series_errors(network, motion))
    ratio = np.sqrt(np.mean(np.square(claimed))) / np.std(made)
    assert 0.9 < ratio < 1.1
    assert np.mean(np.abs(made) < 1.96 * np.array(claimed)) == pytest.approx(0.95, abs=0.04)
    known = np.mean(told, axis=0) > 0
    assert known.sum() == len(network.dates) - len(set(network.component))
    ratios = np.sqrt(np.mean(np.square(told), axis=0)[known] / np.mean(np.square(moved), axis=0)[known])
    assert 0.9 < np.median(ratios) < 1.1


def test_a_chain_of_pairs_has_no_error() -> None:
    """Nothing checks a pair that closes no loop, neither in a chain nor in two."""
    for days in ([(0, 12), (12, 24), (24, 36)], [(0, 12), (12, 24), (48, 60)]):
        network = network_of(days)
        assert network.redundancy == 0
        motion = np.array([1.0, -2.0, 3.0])
        assert np.isnan(series_errors(network, motion)).all()
        rate, error = series_rate(network, motion)
        assert rate == pytest.approx(network.spans @ motion / (network.spans @ network.spans))
        assert np.isnan(error)


def test_two_groups_count_their_loops_together() -> None:
    """One loop in a group is enough for an error in both; each begins with none at its first date."""
    network = network_of([(0, 12), (12, 24), (0, 24), (60, 72), (72, 84)])
    assert network.redundancy == 1
    errors = series_errors(network, np.array([1.0, 1.0, 2.6, 1.0, 1.0]))
    assert errors[[0, 3]].tolist() == [0, 0]
    # The misclosure of 0.6 spreads over three pairs: each is off by 0.2, σ_p² = 3 · 0.04.
    least = np.sqrt(0.12 * np.array([2 / 3, 2 / 3, 1, 2]))
    assert (errors[[1, 2, 4, 5]] >= least - 1e-9).all()


@pytest.mark.parametrize(("shape", "most"), [("bend", 0.1), ("season", 0.4), ("step", 2.2)])
def test_motion_that_is_not_steady_is_hardly_noise_of_the_dates(shape: str, most: float) -> None:
    """Twenty millimetres that come slowly, with the season or at once hardly make the dates uncertain."""
    network = network_of(network_days(60, reach=3))
    part = np.arange(60) / 59
    truth = 20 * {"bend": part**2, "season": np.sin(2 * np.pi * part), "step": part >= 0.5}[shape]
    motion = truth[network.second] - truth[network.first]
    errors = series_errors(network, motion)
    assert errors.max() < most
    scatter = np.std(truth - np.polyval(np.polyfit(part, truth, 1), part))
    assert errors.max() < 0.5 * scatter


def slide(dates: int, reach: int) -> tuple[DateNetwork, np.ndarray]:
    """A steady slide with some noise of dates and pairs, rad."""
    network = network_of(network_days(dates, reach))
    generator = np.random.default_rng(dates)
    air = -0.26 * np.arange(dates) + 0.5 * generator.normal(size=dates)
    return network, air[network.second] - air[network.first] + 0.15 * generator.normal(size=len(network.spans))


@pytest.mark.parametrize("wrong", [[10, 31], [0], [1], [58], [20, 27, 45]])
def test_pairs_with_a_lost_cycle_are_found(wrong: list[int]) -> None:
    """At the network's ends, too, where one loop alone tells; and no other pair is blamed."""
    network, motion = slide(31, 2)
    assert len(motion) == 59
    assert not unfitting_pairs(network, motion, 3.5, 1.0).any()
    motion[wrong] += CYCLE
    assert np.flatnonzero(unfitting_pairs(network, motion, 3.5, 1.0)).tolist() == wrong


def test_a_real_step_contradicts_no_pair() -> None:
    """All pairs over a step deviate from a constant rate, and agree with each other."""
    network, motion = slide(31, 3)
    step = np.where(np.arange(31) >= 12, -9.0, 0.0)
    motion += step[network.second] - step[network.first]
    assert not unfitting_pairs(network, motion, 3.5, 1.0).any()
    motion[40] -= CYCLE
    assert np.flatnonzero(unfitting_pairs(network, motion, 3.5, 1.0)).tolist() == [40]


def test_nothing_is_blamed_where_nothing_checks() -> None:
    network = network_of([(0, 12), (12, 24), (24, 36)])
    assert not unfitting_pairs(network, np.array([0.0, CYCLE, 0.0]), 3.5, 1.0).any()
