"""Means over neighbours that leave out what is no data. What sets them apart, each right for what it is used for:

- ``cell_means``: of blocks of pixels, for maps that are kept coarse;
- ``box_mean``: the window around a pixel, only where all of it lies inside, for choosing a place;
- ``smoothed``: a running Gaussian that repeats the edge, quick for any width, for directions of slopes;
- ``gaussian_mean``: a Gaussian that ends at the edge, wide ones on coarse pixels, for what stands out of its
  surroundings;
- ``smooth_maps``: the same for maps whose cells have a weight.

The mean of a square that follows the rows of a raster as they come is in ``local_mean``.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..types import Array, Double
from .grid import Grid
from .sampling import between_cells

# The Gaussian is cut off at this many standard deviations.
GAUSSIAN_TRUNCATE = 3.0

# Above this standard deviation in pixels the Gaussian is computed on coarser pixels.
_FINE_SIGMA = 8.0

# Above this standard deviation in pixels three running means stand for the Gaussian.
_NARROW_SIGMA = 2.5

_Floats = TypeVar("_Floats", NDArray[np.float32], NDArray[np.float64])


def block_sums(values: NDArray[Any], factors: tuple[int, int], dtype: type[np.generic] | None = None) -> NDArray[Any]:
    """Sums of blocks of ``factors`` pixels, (..., rows, columns), in the values' own type unless another is given.

    Blocks that reach over the lower and right edges count what is there.
    """
    for axis, factor in zip((-2, -1), factors):
        if factor > 1:
            values = np.add.reduceat(values, np.arange(0, values.shape[axis], factor), axis=axis, dtype=dtype)
    return values


def _mean(total: _Floats, weight: _Floats, least: float, empty: float) -> _Floats:
    """``total`` by ``weight``, and ``empty`` where the weight is not above ``least``."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > least, total / weight, total.dtype.type(empty))


def cell_means(values: NDArray[np.floating[Any]], cell: int) -> Double:
    """Mean of the finite values of each cell of ``cell`` × ``cell`` pixels, (..., rows, columns); NaN without any."""
    finite = np.isfinite(values)
    if cell == 1:
        return np.where(finite, values, np.nan).astype(np.float64)
    if finite.all():
        rows, columns = (_cell_lengths(size, cell) for size in values.shape[-2:])
        return _cell_sums(values, cell) / (rows[:, None] * columns)
    total = _cell_sums(np.where(finite, values, values.dtype.type(0)), cell)
    return _mean(total, _cell_sums(finite, cell), 0, np.nan)


def _cell_lengths(size: int, cell: int) -> Double:
    """Pixels along an axis that each cell has; the last one reaches over the edge."""
    return np.minimum(cell, size - np.arange(0, size, cell)).astype(np.float64)


def _cell_sums(values: NDArray[Any], cell: int) -> Double:
    """``block_sums`` in double precision of square cells, which takes whole cells together in a quarter of the time."""
    whole = values.shape[-2] // cell * cell
    top = values[..., :whole, :].reshape(*values.shape[:-2], -1, cell, values.shape[-1])
    lines = [top.sum(axis=-2, dtype=np.float64)]
    if whole < values.shape[-2]:
        lines.append(values[..., whole:, :].sum(axis=-2, dtype=np.float64)[..., None, :])
    sums: Double = block_sums(np.concatenate(lines, axis=-2), (1, cell))
    return sums


def box_mean(values: NDArray[np.floating[Any]], side: int) -> Double:
    """Mean of the finite values in the window around each pixel; NaN where the window leaves the array."""
    from scipy.ndimage import uniform_filter

    finite = np.isfinite(values)
    total = uniform_filter(np.where(finite, values, 0).astype(np.float64), side, mode="constant")
    mean: Double = _mean(total, uniform_filter(finite.astype(np.float64), side, mode="constant"), 1e-9, np.nan)
    before, after = side // 2, side - 1 - side // 2
    height, width = mean.shape
    inside = np.zeros(mean.shape, bool)
    inside[before : height - after, before : width - after] = True
    return np.where(inside, mean, np.nan)


def smooth_maps(maps: Array, share: Array, grid: Grid, cell: int, metres: float) -> tuple[float, float]:
    """Low-pass each map in place, weighting cells by their share of valid pairs; returns the window in cells."""
    from scipy.ndimage import gaussian_filter

    dx, dy = grid.metres_per_pixel(np.array([grid.height // 2]))
    sigmas = float(metres / (dy[0] * cell)), float(metres / (dx[0] * cell))
    weight: Array = gaussian_filter(share, sigmas, mode="constant")
    least = 1e-3 * max(float(weight.max()), 1e-9)
    for values in maps:
        values[...] = _mean(gaussian_filter(values * share, sigmas, mode="constant"), weight, least, 0)
    return sigmas


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
    weights = block_sums(finite.astype(np.float32), factors)
    sums = block_sums(np.where(finite, values, np.float32(0)), factors)
    coarse_sigmas = tuple(sigma / factor for sigma, factor in zip(sigmas, factors))
    blur = {"sigma": coarse_sigmas, "mode": "constant", "truncate": GAUSSIAN_TRUNCATE}
    mean: Array = _mean(gaussian_filter(sums, **blur), gaussian_filter(weights, **blur), 1e-6, 0)
    for axis, factor in enumerate(factors):
        mean = _interpolated(mean, factor, values.shape[axis], axis)
    return np.asarray(mean, np.float32)


def _interpolated(values: Array, factor: int, size: int, axis: int) -> Array:
    """Coarse values along one axis at the centres of the ``size`` fine pixels."""
    if factor == 1:
        return values
    before, place = between_cells(0, size, factor, values.shape[axis])
    share = place.astype(np.float32)[:, None] if axis == 0 else place.astype(np.float32)
    low = np.take(values, before, axis=axis)
    high = np.take(values, np.minimum(before + 1, values.shape[axis] - 1), axis=axis)
    return np.asarray(low + (high - low) * share)


def smoothed(values: Array, sigmas: tuple[float, float]) -> Array:
    """``running_gaussian`` over the valid neighbours, ``sigmas`` in pixels; NaN where there are none."""
    valid = np.isfinite(values)
    if valid.all():
        return running_gaussian(values, sigmas)
    total = running_gaussian(np.where(valid, values, np.float32(0)), sigmas)
    return _mean(total, running_gaussian(valid.astype(np.float32), sigmas), 1e-4, np.nan)


def running_gaussian(values: Array, sigmas: tuple[float, float], in_turn: bool = False) -> Array:
    """Values without gaps by a Gaussian of ``sigmas`` pixels along columns and rows, from three running means where
    it is wider than 2.5 pixels; the edge is repeated.

    ``in_turn``: the running means go along columns and rows by turns, which rounds differently.
    """
    from scipy import ndimage

    passes = [(axis, sigma) for axis, sigma in enumerate(sigmas) for _ in range(1 if sigma < _NARROW_SIGMA else 3)]
    if in_turn:
        passes = [axis for number in range(3) for axis in enumerate(sigmas) if not number or axis[1] >= _NARROW_SIGMA]
    for axis, sigma in passes:
        if sigma < _NARROW_SIGMA:
            values = ndimage.gaussian_filter1d(values, sigma, axis, mode="nearest", truncate=GAUSSIAN_TRUNCATE)
        else:
            values = ndimage.uniform_filter1d(values, _running_width(sigma), axis, mode="nearest")
    return values


def _running_width(sigma: float) -> int:
    """Pixels of a running mean that is, three times over, as wide as a Gaussian of ``sigma`` pixels."""
    return max(3, round(math.sqrt(4 * sigma**2 + 1)) | 1)


def smoothing_reach(sigma: float) -> int:
    """How many pixels away a smoothed value depends on."""
    return int(GAUSSIAN_TRUNCATE * sigma + 0.5) if sigma < _NARROW_SIGMA else 3 * (_running_width(sigma) // 2)
