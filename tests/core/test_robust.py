"""The robust spread: what it is of a normal distribution, and what doesn't move it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.robust import robust_spread


def test_of_normal_noise_it_is_the_standard_deviation() -> None:
    noise = 5 + 3 * np.random.default_rng(1).standard_normal(40_000)
    assert robust_spread(noise) == pytest.approx(3, rel=0.02)
    assert robust_spread(noise, centre=5.0) == pytest.approx(3, rel=0.02)
    noise[::3] = 1e6
    assert robust_spread(noise) < 9


def test_known_answers_by_hand() -> None:
    values = np.array([[1.0, 2.0, np.nan], [4.0, 7.0, np.inf]])
    assert robust_spread(values) == 1.4826 * 1.5  # about the median 3: 2, 1, 1, 4
    assert robust_spread(values, centre=0.0) == 1.4826 * 3.0
    assert robust_spread(np.full(9, 2.5, np.float32)) == 0
    assert robust_spread(np.array([np.nan])) == math.inf
    assert robust_spread(np.zeros(0)) == math.inf


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=30), st.integers(-50, 50), st.sampled_from([0.5, 2, 8]))
def test_it_moves_with_the_unit_and_not_with_the_level(values: list[int], level: int, unit: float) -> None:
    sample = np.array(values, float)
    assert robust_spread(unit * (sample + level)) == unit * robust_spread(sample)
    assert robust_spread(-sample) == robust_spread(sample)
