"""Matérn fields: their variograms against the formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import gamma, kv

from ada_mapper.core.simulation.matern import Matern, MaternPool, matern_field

SIZE, PIXEL = 256, 100.0


def correlation(distance: float, smoothness: float, reach: float) -> float:
    x = math.sqrt(2 * smoothness) * distance / reach
    return float(2 ** (1 - smoothness) / gamma(smoothness) * x**smoothness * kv(smoothness, x))


def seen(covariance: Matern, down: int, right: int, count: int = 30) -> float:
    """Mean product of pixels so far apart, over many periodic fields."""
    rng = np.random.default_rng(3)
    fields = [matern_field(rng, SIZE, PIXEL, covariance) for _ in range(count)]
    return float(np.mean([np.mean(field * np.roll(field, (down, right), (0, 1))) for field in fields]))


@pytest.mark.parametrize("smoothness", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("pixels", [5, 10, 20])
def test_pixels_correlate_as_the_covariance_says(smoothness: float, pixels: int) -> None:
    covariance = Matern(smoothness, 1_200.0)
    expected = correlation(pixels * PIXEL, smoothness, 1_200.0)
    assert seen(covariance, 0, pixels) == pytest.approx(expected, abs=0.04)
    assert seen(covariance, pixels, 0) == pytest.approx(expected, abs=0.04)


def test_one_half_is_exponential() -> None:
    assert correlation(700.0, 0.5, 1_000.0) == pytest.approx(math.exp(-0.7))
    assert seen(Matern(0.5, 1_000.0), 7, 0) == pytest.approx(math.exp(-0.7), abs=0.04)


def test_variance_is_one_in_the_mean() -> None:
    assert seen(Matern(1.0, 800.0), 0, 0) == pytest.approx(1, abs=0.05)


def test_the_range_is_longer_along_the_azimuth() -> None:
    east = Matern(0.5, 1_000.0, stretch=4.0, azimuth=math.pi / 2)
    assert seen(east, 0, 10) == pytest.approx(math.exp(-0.5), abs=0.05)
    assert seen(east, 10, 0) == pytest.approx(math.exp(-2.0), abs=0.05)
    north_east = Matern(0.5, 1_000.0, stretch=4.0, azimuth=math.pi / 4)
    # Up and to the right of it: rows fall as one goes north.
    assert seen(north_east, -10, 10) > 2 * seen(north_east, 10, 10)


def test_a_pool_mixes_its_covariances() -> None:
    pool = MaternPool(5, PIXEL, 256, covariances=(Matern(0.5, 1_000.0), Matern(1.5, 2_000.0), Matern(1.0, 500.0)))
    rng = np.random.default_rng(1)
    assert np.mean([pool.draw(rng, 128).var() for _ in range(40)]) == pytest.approx(1, abs=0.25)
    again = np.random.default_rng(8)
    first = pool.draw(again, 64)
    assert np.array_equal(first, pool.draw(np.random.default_rng(8), 64))
