"""Means over valid neighbours, each computed anew here, and what they have in common."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest
from scipy import ndimage

from ada_mapper.core.raster import (
    Grid,
    between_cells,
    block_sums,
    box_mean,
    cell_means,
    gaussian_mean,
    running_gaussian,
    smooth_maps,
    smoothed,
)

UTM = Grid("EPSG:32632", (500_000, 30, 0, 5_000_000, 0, -30), 53, 47)


def with_gaps(shape: tuple[int, int] = (47, 53)) -> np.ndarray:
    rng = np.random.default_rng(3)
    values = rng.normal(2, 1, shape).astype(np.float32)
    values[rng.random(shape) < 0.3] = np.nan
    values[:8, :8] = np.nan
    return values


@pytest.mark.parametrize("cell", [1, 2, 5, 60])
def test_cells_hold_the_mean_of_their_valid_pixels(cell: int) -> None:
    values = with_gaps()
    means = cell_means(values, cell)
    for (row, column), mean in np.ndenumerate(means):
        own = values[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell].astype(float)
        own = own[np.isfinite(own)]
        assert np.isnan(mean) if not own.size else mean == pytest.approx(own.mean(), rel=1e-12)
    both = cell_means(np.stack([values, 2 * values]), cell)
    np.testing.assert_array_equal(both[0], means)


def test_sums_of_blocks_lose_nothing() -> None:
    marks = np.random.default_rng(1).random((47, 53)) < 0.5
    sums = block_sums(marks, (1, 10), np.int64)
    assert sums.shape == (47, 6) and sums.dtype == np.int64
    np.testing.assert_array_equal(sums.sum(axis=1), marks.sum(axis=1))
    np.testing.assert_array_equal(sums[:, -1], marks[:, 50:].sum(axis=1))
    assert block_sums(marks.astype(np.float32), (47, 53)).item() == marks.sum()


@pytest.mark.parametrize("side", [1, 4, 9])
def test_the_mean_of_a_window_is_known_where_all_of_it_lies_inside(side: int) -> None:
    values = with_gaps()
    means = box_mean(values, side)
    before = side // 2
    for row, column in np.ndindex(*means.shape):
        top, left = row - before, column - before
        if top < 0 or left < 0 or top + side > 47 or left + side > 53:
            assert np.isnan(means[row, column])
            continue
        own = values[top : top + side, left : left + side].astype(float)
        own = own[np.isfinite(own)]
        expected = own.mean() if own.size else np.nan
        np.testing.assert_allclose(means[row, column], expected, rtol=1e-9)


MEANS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "running": lambda values: smoothed(values, (4.0, 7.0)),
    "narrow": lambda values: smoothed(values, (1.0, 2.0)),
    "Gaussian": lambda values: gaussian_mean(values, (4.0, 7.0)),
    "Gaussian on coarse pixels": lambda values: gaussian_mean(values, (30.0, 40.0)),
    "window": lambda values: box_mean(values, 5),
    "cells": lambda values: cell_means(values, 4),
}


@pytest.mark.parametrize("mean", MEANS.values(), ids=MEANS.keys())
def test_gaps_pull_no_mean_away_from_what_is_there(mean: Callable[[np.ndarray], np.ndarray]) -> None:
    level = np.where(np.isfinite(with_gaps()), np.float32(-3.5), np.float32(np.nan))
    found = mean(level)
    known = np.isfinite(found) & (found != 0)
    assert known.mean() > 0.7
    np.testing.assert_allclose(found[known], -3.5, rtol=1e-5)


def test_maps_are_smoothed_by_the_weight_of_their_cells() -> None:
    share = np.zeros((47, 53), np.float32)
    share[:, 20:] = 0.5
    maps = np.full((2, 47, 53), 9.0, np.float32)
    maps[0, :, :20] = -50  # weighs nothing
    sigmas = smooth_maps(maps, share, UTM, 2, 120.0)
    assert sigmas == pytest.approx((2, 2), rel=1e-3)
    np.testing.assert_allclose(maps[:, :, 18:], 9, rtol=1e-5)
    assert not maps[:, :, :5].any()


@pytest.mark.parametrize("sigma", [0.7, 2.4, 2.5, 6.0])
def test_a_running_gaussian_is_as_wide_as_asked(sigma: float) -> None:
    impulse = np.zeros((101, 101), np.float32)
    impulse[50, 50] = 1
    for in_turn in (False, True):
        blurred = running_gaussian(impulse, (sigma, sigma), in_turn).astype(float)
        across = np.arange(101) - 50.0
        assert blurred.sum() == pytest.approx(1, abs=1e-4)
        assert np.sqrt((blurred.sum(axis=0) * across**2).sum()) == pytest.approx(sigma, rel=0.12)


def test_taking_turns_is_what_filters_of_both_axes_do_to_the_bit() -> None:
    """Simulated scenes of a seed stay what they were."""
    values = np.random.default_rng(2).normal(size=(64, 64)).astype(np.float32)
    wide = values
    for _ in range(3):
        wide = ndimage.uniform_filter(wide, 9, mode="nearest")
    np.testing.assert_array_equal(running_gaussian(values, (4.4, 4.4), in_turn=True), wide)
    narrow = ndimage.gaussian_filter(values, 1.3, mode="nearest", truncate=3.0)
    np.testing.assert_array_equal(running_gaussian(values, (1.3, 1.3), in_turn=True), narrow)


@pytest.mark.parametrize(("cell", "cells"), [(1, 9), (4, 5), (8, 1)])
def test_between_the_centres_of_cells_a_line_stays_a_line(cell: int, cells: int) -> None:
    centres = (np.arange(cells) + 0.5) * cell
    before, weight = between_cells(3, 12, cell, cells)
    after = np.minimum(before + 1, cells - 1)
    found = centres[before] * (1 - weight) + centres[after] * weight
    np.testing.assert_allclose(found, np.clip(np.arange(3, 15) + 0.5, centres[0], centres[-1]))
