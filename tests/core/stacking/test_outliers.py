"""Outlier rejection: errors of whole cycles on single pairs are found, noise and motion are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest

from ada_mapper.core.stacking import stack_phases
from ada_mapper.core.stacking.outliers import OutlierSearch
from stacks import network_days, years_of
from unwrapping_errors import NoisyNetwork, shares, triplets_of_days

MM_A_RAD = 55.465763 / (4 * np.pi)


def search(days: list[tuple[int, int]], sigma: float = 3.5) -> OutlierSearch:
    network = NoisyNetwork(days)
    return OutlierSearch(years_of(days), network.incidence, triplets_of_days(days), sigma)


@pytest.mark.parametrize(
    ("dates", "reach", "date_noise", "pair_noise", "errors", "lost", "found", "wrong"),
    [
        (12, 3, 1.0, 0.3, 1, 0.0, 0.99, 0.0005),
        (12, 3, 1.0, 0.3, 4, 0.0, 0.97, 0.0025),
        (12, 3, 1.0, 1.0, 1, 0.0, 0.93, 0.0025),
        (31, 3, 1.0, 0.3, 8, 0.0, 0.99, 0.0010),
        (31, 3, 1.0, 1.0, 8, 0.0, 0.92, 0.0025),
        (31, 2, 1.0, 0.3, 4, 0.0, 0.96, 0.0020),
        (6, 3, 0.3, 0.3, 4, 0.0, 0.95, 0.0050),
        (31, 1, 0.3, 0.3, 3, 0.0, 0.97, 0.0010),
        (31, 3, 1.0, 1.0, 0, 0.0, None, 0.0020),
        (31, 3, 1.0, 0.3, 4, 0.3, 0.98, 0.0015),
        (31, 3, 1.0, 0.5, 0, 0.3, None, 0.0005),
    ],
)
def test_errors_of_one_and_two_cycles_are_found_and_little_else(
    dates: int,
    reach: int,
    date_noise: float,
    pair_noise: float,
    errors: int,
    lost: float,
    found: float | None,
    wrong: float,
) -> None:
    days = network_days(dates, reach)
    network = NoisyNetwork(days)
    phases, erring, _ = network.simulated(600, date_noise, pair_noise, errors, lost, seed=dates + errors)
    hit, false = shares(search(days)(phases), erring, phases)
    assert false <= wrong
    if found is not None:
        assert hit >= found


@pytest.mark.parametrize("reach", [2, 3])
def test_a_step_of_motion_is_no_outlier_where_the_network_closes(reach: int) -> None:
    days = network_days(20, reach)
    network = NoisyNetwork(days)
    for motion in (20.0 * (np.arange(20) > 9), 25 * np.linspace(0, 1, 20) ** 3, 15 * np.sin(np.arange(20))):
        phases, _, _ = network.simulated(200, 0.7, 0.3, 0, motion=motion)
        assert not search(days)(phases).any()


def test_an_error_beside_a_step_of_motion_is_found() -> None:
    days = network_days(31, 3)
    phases, erring, _ = NoisyNetwork(days).simulated(300, 0.7, 0.3, 2, motion=20.0 * (np.arange(31) > 15))
    hit, false = shares(search(days)(phases), erring, phases)
    assert hit > 0.97 and false < 0.005


def test_a_slide_with_two_wrong_pairs_keeps_its_rate() -> None:
    days = [*network_days(30, 2), (0, 36), (36, 72)]
    network = NoisyNetwork(days)
    truth = -38.4 / MM_A_RAD
    phases, _, _ = network.simulated(200, 0.5, 0.3, 0, rate=truth)
    for pair in (20, 41):
        phases[pair] += -2 * np.pi
    years = years_of(days)
    wrong = stack_phases(phases, years).rate
    found = search(days)(phases)
    assert found[[20, 41]].mean() > 0.98 and np.delete(found, [20, 41], axis=0).mean() < 0.0005
    phases[found] = np.nan
    right = stack_phases(phases, years).rate
    assert abs(MM_A_RAD * (wrong.mean() - truth)) > 5
    assert abs(MM_A_RAD * (right.mean() - truth)) < 1


def test_pairs_in_no_loop_are_tested_by_the_rate() -> None:
    days = [(12 * i, 12 * i + 24) for i in range(12)]
    phases = np.outer(years_of(days), [5.0, 5.0, 5.0])
    phases[3, 0] += 10
    phases[5:7, 0] = np.nan
    phases[:, 2] = np.nan
    expected = np.zeros(phases.shape, bool)
    expected[3, 0] = True
    assert (search(days, 3.0)(phases) == expected).all()


def test_the_longest_pairs_pull_hardest_and_are_found_nevertheless() -> None:
    generator = np.random.default_rng(2)
    days = [(12 * i, 12 * i + span) for i in range(8) for span in (12, 24, 36)]
    phases = np.outer(years_of(days), np.linspace(-20, 20, 300)) + generator.normal(0, 0.2, (len(days), 300))
    wrong = np.zeros(phases.shape, bool)
    wrong[[2, 5]] = True
    phases[wrong] += 4 * np.pi
    assert (search(days, 5.0)(phases) == wrong).all()


def test_nothing_is_rejected_where_few_pairs_would_be_left() -> None:
    days = [(0, 12), (0, 24), (12, 36), (24, 36), (36, 72)]
    phases = np.outer(years_of(days), [1.0])
    phases[0] += 20
    assert not search(days, 3.0)(phases).any()


def test_pixels_are_judged_each_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    days = network_days(12, 3)
    phases, _, _ = NoisyNetwork(days).simulated(240, 1.0, 0.5, 2, lost=0.1)
    whole = search(days)(phases)
    assert whole.any()
    monkeypatch.setattr("ada_mapper.core.stacking.outliers._SOLVER_BYTES", 1)
    assert (search(days)(phases.reshape(len(days), 20, 12)) == whole.reshape(len(days), 20, 12)).all()
    order = np.random.default_rng(0).permutation(240)
    assert (search(days)(phases[:, order]) == whole[:, order]).all()


def test_pairs_of_weight_zero_or_nan_are_missing() -> None:
    days = network_days(12, 3)
    phases, _, _ = NoisyNetwork(days).simulated(100, 1.0, 0.3, 2)
    weights = np.random.default_rng(1).choice([0.0, np.nan, 1.0, 2.0], phases.shape, p=[0.05, 0.05, 0.4, 0.5])
    missing = np.where(weights > 0, phases, np.nan)
    found = search(days)(phases, weights)
    assert found.any() and (found == search(days)(missing)).all()


def test_less_than_half_a_cycle_is_never_rejected() -> None:
    days = network_days(12, 3)
    phases = np.outer(years_of(days), np.ones(50))
    phases[4] += 3.0
    assert not search(days, 1.0)(phases).any()
    phases[4] += 1.0
    assert search(days, 1.0)(phases)[4].all()
