"""Coarse pixels of products: means of the ground, and the way back to a tile."""

from __future__ import annotations

import numpy as np
import pytest

from ada_mapper.core.simulation.product_pixels import CUBIC, LINEAR, NEAREST, ProductPixels

SIZE = 96
WAYS = (NEAREST, LINEAR, CUBIC)


def drawn(factor: float, way: str) -> ProductPixels:
    return ProductPixels.drawn(np.random.default_rng(2), SIZE, factor, way)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_even_stays_so(way: str) -> None:
    pixels, even = drawn(3.7, way), np.full((SIZE, SIZE), 5.0, np.float32)
    assert np.allclose(pixels.mean(even), 5, atol=1e-4)
    assert np.allclose(pixels.brought(pixels.mean(even)), 5, atol=1e-4)


@pytest.mark.parametrize("way", [LINEAR, CUBIC])
def test_a_ramp_comes_back_inside(way: str) -> None:
    rows, columns = np.indices((SIZE, SIZE), np.float32)
    ramp = 2 * rows - columns
    back = drawn(4.3, way).brought(drawn(4.3, way).mean(ramp))
    inside = slice(14, -14)
    assert np.allclose(back[inside, inside], ramp[inside, inside], atol=0.1)


def test_whole_pixels_are_plain_means() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((SIZE, SIZE)).astype(np.float32)
    pixels = drawn(4.0, NEAREST)
    assert pixels.down is not None
    lines = pixels.down[0]
    assert np.allclose(lines.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(pixels.mean(values).mean(), values.mean(), atol=0.02)
    # Every pixel of a coarse one, but for those that its edges cut, counts a quarter along each axis.
    assert lines[5].max() == pytest.approx(0.25, abs=1e-5)


def test_nearest_makes_blocks() -> None:
    values = np.random.default_rng(1).standard_normal((SIZE, SIZE)).astype(np.float32)
    pixels = drawn(5.0, NEAREST)
    coarse = pixels.mean(values)
    back = pixels.brought(coarse)
    assert set(np.unique(back)) <= set(np.unique(coarse))
    steps = np.flatnonzero(np.diff(back[40]))
    assert (np.diff(steps) >= 4).all()


@pytest.mark.parametrize("way", WAYS)
def test_gaps_do_not_spread_into_values(way: str) -> None:
    pixels = drawn(4.0, way)
    coarse = np.full(pixels.mean(np.zeros((SIZE, SIZE), np.float32)).shape, 3.0, np.float32)
    gaps = np.zeros(coarse.shape, np.bool_)
    gaps[5:9, 4:12] = True
    coarse[gaps] = 1e6
    missing = pixels.brought_gaps(gaps)
    assert missing.sum() == pytest.approx(gaps.sum() * 16, rel=0.35)
    assert np.allclose(pixels.brought(coarse, gaps)[~missing], 3, atol=1e-3)


def test_a_product_of_the_tile_s_pixels_is_left_alone() -> None:
    values = np.random.default_rng(1).standard_normal((SIZE, SIZE)).astype(np.float32)
    pixels = drawn(1.0, CUBIC)
    assert pixels.mean(values) is values
    assert pixels.brought(values) is values
