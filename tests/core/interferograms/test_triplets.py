"""Triplets of a network."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from ada_mapper.core.interferograms import triplets_of
from stacks import network_days
from unwrapping_errors import pairs_of_days


@pytest.mark.parametrize(("dates", "reach"), [(3, 1), (3, 2), (8, 2), (8, 3), (8, 7)])
def test_every_three_dates_that_three_pairs_connect_are_one_triplet(dates: int, reach: int) -> None:
    days = network_days(dates, reach)
    np.random.default_rng(0).shuffle(days)
    order = [tuple(item) for item in np.array(days).tolist()]
    found = triplets_of(pairs_of_days(order))
    expected = [
        (order.index((a, b)), order.index((b, c)), order.index((a, c)))
        for a, b, c in combinations(range(0, 12 * dates, 12), 3)
        if {(a, b), (b, c), (a, c)} <= set(order)
    ]
    assert found.tolist() == [list(item) for item in expected]
    assert found.shape == (len(expected), 3)


def test_phases_of_dates_close_around_every_triplet() -> None:
    days = network_days(7, 3)
    of_date = np.random.default_rng(1).normal(0, 3, 7)
    phases = np.array([of_date[second // 12] - of_date[first // 12] for first, second in days])
    triplets = triplets_of(pairs_of_days(days))
    closure = phases[triplets[:, 0]] + phases[triplets[:, 1]] - phases[triplets[:, 2]]
    np.testing.assert_allclose(closure, 0, atol=1e-12)


def test_of_pairs_with_the_same_dates_the_first_takes_part() -> None:
    assert triplets_of(pairs_of_days([(0, 12), (12, 24), (0, 24), (0, 12)])).tolist() == [[0, 1, 2]]
