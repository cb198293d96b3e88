"""Means over neighbours that leave out what is no data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Array, Double
from .grid import Grid


def cell_means(values: NDArray[np.floating[Any]], cell: int) -> Double:
    """Mean of the finite values of each cell of ``cell`` × ``cell`` pixels, (..., rows, columns); NaN without any."""
    if cell == 1:
        return np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    finite = np.isfinite(values)
    total, number = np.where(finite, values, 0).astype(np.float64), finite.astype(np.float64)
    for axis in (-2, -1):
        starts = np.arange(0, values.shape[axis], cell)
        total, number = (np.add.reduceat(part, starts, axis=axis) for part in (total, number))
    with np.errstate(invalid="ignore"):
        return np.asarray(total / number)


def smooth_maps(maps: Array, share: Array, grid: Grid, cell: int, metres: float) -> tuple[float, float]:
    """Low-pass each map in place, weighting cells by their share of valid pairs; returns the window in cells."""
    from scipy.ndimage import gaussian_filter

    dx, dy = grid.metres_per_pixel(np.array([grid.height // 2]))
    sigmas = float(metres / (dy[0] * cell)), float(metres / (dx[0] * cell))
    weight = gaussian_filter(share, sigmas, mode="constant")
    known = weight > 1e-3 * max(float(weight.max()), 1e-9)
    for values in maps:
        smooth = gaussian_filter(values * share, sigmas, mode="constant")
        values[...] = np.where(known, smooth / np.where(known, weight, 1), 0)
    return sigmas


# The Gaussian is cut off at this many standard deviations.
GAUSSIAN_TRUNCATE = 3.0

# Above this standard deviation in pixels the Gaussian is computed on coarser pixels.
_FINE_SIGMA = 8.0


def coarsening_factor(sigma: float) -> int:
    """The power of two of pixels that a coarse pixel of the Gaussian mean has along one axis."""
    factor = 1
    while sigma / (2 * factor) >= _FINE_SIGMA and factor < 64:
        factor *= 2
    return factor


def gaussian_mean(values: Array, sigmas: tuple[float, float]) -> Array:
    """The mean of the finite values weighted by a Gaussian of ``sigmas`` (rows, columns) in pixels, same shape.

    A wide Gaussian is applied to means of blocks of pixels, at least 8 coarse pixels to a standard deviation, and
    interpolated linearly in between.
    """
    from scipy.ndimage import gaussian_filter

    factors = coarsening_factor(sigmas[0]), coarsening_factor(sigmas[1])
    finite = np.isfinite(values)
    weights = _block_sums(finite.astype(np.float32), factors)
    sums = _block_sums(np.where(finite, values, np.float32(0)), factors)
    coarse_sigmas = tuple(sigma / factor for sigma, factor in zip(sigmas, factors))
    blur = {"sigma": coarse_sigmas, "mode": "constant", "truncate": GAUSSIAN_TRUNCATE}
    weights = gaussian_filter(weights, **blur)
    sums = gaussian_filter(sums, **blur)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(weights > 1e-6, sums / weights, np.float32(0))
    for axis, factor in enumerate(factors):
        mean = _interpolated(mean, factor, values.shape[axis], axis)
    return np.asarray(mean, np.float32)


def _block_sums(values: Array, factors: tuple[int, int]) -> Array:
    """Sums of blocks of pixels; blocks that reach over the lower and right edges count what is there."""
    if factors == (1, 1):
        return values
    rows, columns = (np.arange(0, size, factor) for size, factor in zip(values.shape, factors))
    by_rows = np.add.reduceat(values, rows, axis=0) if factors[0] > 1 else values
    return np.asarray(np.add.reduceat(by_rows, columns, axis=1) if factors[1] > 1 else by_rows, np.float32)


def _interpolated(values: Array, factor: int, size: int, axis: int) -> Array:
    """Coarse values along one axis at the centres of the ``size`` fine pixels."""
    if factor == 1:
        return values
    place = np.clip((np.arange(size) + 0.5) / factor - 0.5, 0, values.shape[axis] - 1)
    below = np.minimum(place.astype(np.intp), max(values.shape[axis] - 2, 0))
    share = (place - below).astype(np.float32)
    share = share[:, None] if axis == 0 else share
    above = np.minimum(below + 1, values.shape[axis] - 1)
    low = np.take(values, below, axis=axis)
    return np.asarray(low + (np.take(values, above, axis=axis) - low) * share)


def smoothed(values: Array, sigmas: tuple[float, float]) -> Array:
    """Gaussian mean over the valid neighbours, ``sigmas`` in pixels along columns and rows; NaN where there are none.

    From three running means where it is wider than 2.5 pixels.
    """
    valid = np.isfinite(values)
    if valid.all():
        return _running_gaussian(values, sigmas)
    weight = _running_gaussian(valid.astype(np.float32), sigmas)
    total = _running_gaussian(np.where(valid, values, np.float32(0)), sigmas)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight > 1e-4, total / weight, np.float32(np.nan))


def _running_gaussian(values: Array, sigmas: tuple[float, float]) -> Array:
    from scipy import ndimage

    for axis, sigma in enumerate(sigmas):
        if sigma < 2.5:
            values = ndimage.gaussian_filter1d(values, sigma, axis, mode="nearest", truncate=3.0)
            continue
        for _ in range(3):
            values = ndimage.uniform_filter1d(values, _running_width(sigma), axis, mode="nearest")
    return values


def _running_width(sigma: float) -> int:
    """Pixels of a running mean that is, three times over, as wide as a Gaussian of ``sigma`` pixels."""
    return max(3, round(math.sqrt(4 * sigma**2 + 1)) | 1)


def smoothing_reach(sigma: float) -> int:
    """How many pixels away a smoothed value depends on."""
    return int(3 * sigma + 0.5) if sigma < 2.5 else 3 * (_running_width(sigma) // 2)


def box_mean(values: NDArray[np.floating[Any]], side: int) -> Double:
    """Mean of the finite values in the window around each pixel; NaN where the window leaves the array."""
    from scipy.ndimage import uniform_filter

    finite = np.isfinite(values)
    total = uniform_filter(np.where(finite, values, 0).astype(np.float64), side, mode="constant")
    number = uniform_filter(finite.astype(np.float64), side, mode="constant")
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(number > 1e-9, total / number, np.nan)
    before, after = side // 2, side - 1 - side // 2
    height, width = mean.shape
    inside = np.zeros(mean.shape, bool)
    inside[before : height - after, before : width - after] = True
    return np.where(inside, mean, np.nan)
