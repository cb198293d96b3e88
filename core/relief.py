"""Values above their local mean: the mean over the valid pixels of a square around each pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .errors import DependencyError
from .raster import Array

_VALUES_AT_ONCE = 2_000_000
"""How many values are worked on at once, so that the working memory stays at some 50 MB."""


def above_local_mean(values: Array, radius: int) -> Array:
    """The values (…, h, w) minus the mean of the finite pixels within ``radius`` rows and columns of each.

    float32; NaN stays NaN. A pixel's result depends on nothing farther than ``radius``, so a window that is read
    with that much around it gives what the whole scene gives, to within float32's last digit.
    """
    result = np.empty_like(values)
    height, width = values.shape[-2:]
    columns = max(radius, _VALUES_AT_ONCE // height)
    for layer, relief in zip(values.reshape(-1, height, width), result.reshape(-1, height, width)):
        for first in range(0, width, columns):
            left = max(first - radius, 0)
            part = layer[:, left : first + columns + radius]
            inner = slice(first - left, first - left + columns)
            means, shares = _row_sums(part, radius)
            _subtract_box_means(
                part[:, inner], means[:, inner], shares[:, inner], radius, relief[:, first : first + columns]
            )
    return result


def _row_sums(part: Array, radius: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums and numbers of the finite pixels along each row within ``radius``, both divided by 2·radius + 1."""
    valid = np.isfinite(part)
    if valid.all():
        inside = _row_means(np.ones((1, part.shape[1]), np.float32), radius)
        return _row_means(part, radius), np.broadcast_to(inside, part.shape)
    known = np.where(valid, part, np.float32(0))
    return _row_means(known, radius), _row_means(valid.astype(np.float32), radius)


def _row_means(values: Array, radius: int) -> NDArray[np.float64]:
    """Sum over the 2·radius + 1 pixels of a row around each, zeros outside, divided by that number."""
    try:
        from scipy.ndimage import uniform_filter1d
    except ImportError:
        raise DependencyError(
            "Scaling by local means needs the Python package scipy. Install it (python3 -m pip install scipy, on "
            "Windows in the OSGeo4W shell) and restart QGIS."
        ) from None
    width = 2 * radius + 1
    result: NDArray[np.float64] = uniform_filter1d(values, width, axis=-1, output=np.float64, mode="constant")
    return result


def _subtract_box_means(
    values: Array, sums: NDArray[np.float64], counts: NDArray[np.float64], radius: int, out: Array
) -> None:
    """out = values − Σ sums / Σ counts over the rows within ``radius``; all of shape (h, w).

    Sums that run down the rows are several times faster than a filter along the first axis of C-ordered arrays.
    """
    height = len(values)
    total, count = sums[:radius].sum(axis=0), counts[:radius].sum(axis=0)
    # One valid pixel counts 1 / (2·radius + 1) here; less is rounding where there is none, and the value is NaN.
    least = 0.5 / (2 * radius + 1)
    mean = np.empty(values.shape[1])
    for row in range(height):
        if row + radius < height:
            total += sums[row + radius]
            count += counts[row + radius]
        if row > radius:
            total -= sums[row - radius - 1]
            count -= counts[row - radius - 1]
        np.maximum(count, least, out=mean)
        np.divide(total, mean, out=mean)
        np.subtract(values[row], mean, out=out[row], casting="same_kind")
