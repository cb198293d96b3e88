"""Tests of the inverse hyperbolic sine in place."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from ada_mapper.core.channels.inverse_sine import arcsinh_by_logarithm, arcsinh_in_place
from ada_mapper.core.types import Array


@pytest.mark.parametrize("function", (arcsinh_by_logarithm, arcsinh_in_place))
def test_values_are_those_of_the_mathematics(function: Callable[[Array], None]) -> None:
    numbers = [0.0, 1e-6, 0.01, 0.3, 1.0, 7.5, 300.0, 1e6, 1e18]
    values = np.array([*numbers, *(-number for number in numbers), math.nan], np.float32)
    expected = [math.asinh(float(value)) for value in values]
    function(values)
    np.testing.assert_allclose(values, expected, rtol=2e-7, atol=4e-7)


def test_whatever_lies_farther_apart_in_memory_is_replaced_too() -> None:
    values = np.random.default_rng(1).normal(0, 3, (3, 40, 50_000)).astype(np.float32)
    expected = np.arcsinh(values.astype(float))
    part = values[:, 5:30, 7:45_000]
    arcsinh_by_logarithm(part)
    np.testing.assert_allclose(part, expected[:, 5:30, 7:45_000], atol=1e-6)
    assert values[0, 0, 0] == pytest.approx(math.sinh(expected[0, 0, 0]), rel=1e-6)


def test_what_is_beyond_all_measure_stays_finite() -> None:
    values = np.array([3e38, -3e38], np.float32)
    arcsinh_by_logarithm(values)
    assert values[0] == -values[1] == pytest.approx(math.asinh(1e18), rel=1e-6)
