"""Equation 1 on arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.stacking import stack_phases
from ada_mapper.core.stacking.rate import coherence_weight
from examples import examples
from stacks import equation_1, years_of

DAYS = [(0, 12), (0, 24), (12, 36), (24, 36), (36, 72), (0, 72)]
YEARS = years_of(DAYS)


def noisy(shape: tuple[int, ...], holes: float, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    phases = generator.normal(0, 5, (len(DAYS), *shape))
    phases[generator.random(phases.shape) < holes] = np.nan
    return phases


@given(holes=st.floats(0, 0.9), seed=st.integers(0, 1000))
@examples(25)
def test_rate_is_equation_1_over_the_valid_pairs(holes: float, seed: int) -> None:
    phases = noisy((4, 5), holes, seed)
    found = stack_phases(phases, YEARS)
    np.testing.assert_allclose(found.rate, equation_1(phases, DAYS), rtol=1e-10, atol=1e-12)
    assert (found.count == np.isfinite(phases).sum(axis=0)).all()


def test_missing_phase_is_not_a_zero_phase() -> None:
    phases = np.outer(YEARS, [3.0])
    phases[[0, 3], 0] = np.nan
    assert stack_phases(phases, YEARS).rate[0] == pytest.approx(3.0, abs=1e-12)


def test_infinite_phase_is_no_data() -> None:
    phases = np.outer(YEARS, [3.0, 1.0])
    phases[2, 0] = np.inf
    found = stack_phases(phases, YEARS)
    np.testing.assert_allclose(found.rate, [3, 1])
    assert found.count.tolist() == [5, 6]


def test_standard_error_is_that_of_a_weighted_line_through_the_origin() -> None:
    phases = noisy((50,), 0.2)
    weights = np.random.default_rng(3).random(phases.shape) + 0.1
    found = stack_phases(phases, YEARS, weights)
    for pixel in range(50):
        valid = np.isfinite(phases[:, pixel])
        if valid.sum() < 2:
            continue
        root = np.sqrt(weights[valid, pixel])
        solution, squares, _, _ = np.linalg.lstsq(
            (root * YEARS[valid])[:, None], root * phases[valid, pixel], rcond=None
        )
        variance = squares[0] / (valid.sum() - 1) / (root**2 * YEARS[valid] ** 2).sum()
        assert found.rate[pixel] == pytest.approx(solution[0])
        assert found.standard_error[pixel] == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_standard_error_measures_the_scatter_of_the_rate() -> None:
    generator = np.random.default_rng(5)
    phases = np.outer(YEARS, np.full(20000, 2.0)) + generator.normal(0, 0.7, (len(DAYS), 20000))
    found = stack_phases(phases, YEARS)
    assert np.sqrt(np.mean(found.standard_error**2)) == pytest.approx(found.rate.std(), rel=0.03)


def test_one_pair_has_a_rate_but_no_error() -> None:
    found = stack_phases(np.array([[0.5]]), YEARS[:1])
    assert found.rate[0] == pytest.approx(0.5 / YEARS[0])
    assert np.isnan(found.standard_error[0])


def test_below_the_minimum_number_of_pairs_there_is_no_rate() -> None:
    phases = np.outer(YEARS, [1.0, 1.0])
    phases[:3, 0] = np.nan
    found = stack_phases(phases, YEARS, min_pairs=4)
    assert np.isnan(found.rate[0]) and found.rate[1] == pytest.approx(1)


def test_weights_leave_out_pairs_of_weight_zero_or_nan() -> None:
    phases = np.outer(YEARS, [2.0])
    phases[0] = phases[1] = 100
    weights = np.ones(phases.shape)
    weights[0], weights[1] = 0, np.nan
    found = stack_phases(phases, YEARS, weights)
    assert found.rate[0] == pytest.approx(2) and found.count[0] == 4


def test_coherence_weight_is_the_inverse_phase_variance() -> None:
    np.testing.assert_allclose(coherence_weight(np.float32([0, 0.5, 0.8])), [0, 1 / 3, 0.64 / 0.36], rtol=1e-5)
    assert np.isfinite(coherence_weight(np.float32([1.0])))[0]
    assert np.isnan(coherence_weight(np.float32([np.nan])))[0]
