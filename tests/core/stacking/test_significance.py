"""Errors by blocks of ground: right where pixels are independent, and where only patches of them are."""

from __future__ import annotations

import numpy as np
import pytest

from ada_mapper.core.stacking.significance import block_mean, last_coefficient

SHAPE = (96, 96)
EVERYWHERE = np.ones(SHAPE, bool)


def patches(generator: np.random.Generator, side: int) -> np.ndarray:
    """Unit noise that is one value in each patch of ``side`` × ``side`` pixels."""
    return np.kron(generator.normal(size=(SHAPE[0] // side, SHAPE[1] // side)), np.ones((side, side)))


@pytest.mark.parametrize("side", [1, 4, 8])
def test_the_error_is_that_of_independent_patches(side: int) -> None:
    generator = np.random.default_rng(side)
    found = [block_mean(patches(generator, side), EVERYWHERE) for _ in range(60)]
    true = side / SHAPE[0]
    # The largest of the errors by blocks of four sizes: a little above the true one, never far below.
    assert 1.0 < np.mean([estimate.error for estimate in found]) / true < 1.5
    assert np.std([estimate.value for estimate in found]) == pytest.approx(true, rel=0.25)
    assert sum(estimate.chance < 0.05 for estimate in found) <= 6


def test_a_slope_is_found_beside_other_terms_and_its_chance_is_small() -> None:
    generator = np.random.default_rng(3)
    x, height = np.broadcast_arrays(np.linspace(-1, 1, SHAPE[1])[None, :], generator.normal(size=SHAPE))
    values = 4.0 - 2.5 * x + 0.5 * height + generator.normal(0, 0.2, SHAPE)
    estimate = last_coefficient(np.stack([np.ones(SHAPE), x, height]), values, EVERYWHERE)
    # σ / √n of independent pixels and a height of variance 1.
    assert estimate.value == pytest.approx(0.5, abs=4 * 0.2 / 96)
    assert 0.8 < estimate.error / (0.2 / 96) < 2
    assert estimate.chance < 1e-9


def test_only_what_is_to_count_does() -> None:
    values = np.where(np.arange(96)[None, :] < 48, 3.0, np.nan) + np.zeros(SHAPE)
    assert block_mean(values, np.isfinite(values)).value == pytest.approx(3.0)


@pytest.mark.parametrize("pixels", [0, 1, 20])
def test_nothing_is_known_of_a_few_blocks(pixels: int) -> None:
    where = np.zeros(SHAPE, bool)
    where.ravel()[:pixels] = True
    assert np.isnan(block_mean(np.ones(SHAPE), where)).all()
