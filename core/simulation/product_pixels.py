"""The pixels of a product: coarse ones hold the mean of the ground, and are brought to those of a tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Array, Mask

NEAREST, LINEAR, CUBIC = "nearest", "linear", "cubic"
_HALF, _LEAST_KNOWN = 0.5, 0.3


@dataclass(frozen=True)
class ProductPixels:
    """Means over coarse pixels, and the way back by interpolation, as products of matrices.

    ``down`` (coarse, fine): share of each pixel of a tile in a coarse one; ``back`` (fine, coarse); one for rows, one
    for columns. None where the product has the pixels of the tile.
    """

    down: tuple[Array, Array] | None = None
    back: tuple[Array, Array] | None = None

    @classmethod
    def drawn(cls, rng: np.random.Generator, size: int, factor: float, way: str) -> ProductPixels:
        """Pixels ``factor`` times as large as those of a tile of ``size``, laid at random, brought back by ``way``."""
        if factor <= 1:
            return cls()
        pairs = [_matrices(size, factor, rng.uniform(0, factor), _KERNELS[way]) for _ in range(2)]
        return cls((pairs[0][0], pairs[1][0]), (pairs[0][1], pairs[1][1]))

    def mean(self, values: Array) -> Array:
        """The mean of each of the product's pixels."""
        return values if self.down is None else _product(self.down, values)

    def brought(self, values: Array, gaps: Mask | None = None) -> Array:
        """The product's values at the tile's pixels, from those that have data; those of gaps don't matter."""
        if self.back is None:
            return values
        if gaps is None or not gaps.any():
            return _product(self.back, values)
        known = _product(self.back, (~gaps).astype(np.float32))
        total = _product(self.back, np.where(gaps, np.float32(0), values))
        return np.asarray(total / np.maximum(known, np.float32(_LEAST_KNOWN)), np.float32)

    def brought_gaps(self, gaps: Mask) -> Mask:
        """Where more than half of what a pixel is interpolated from has no data."""
        return gaps if self.back is None else _product(self.back, gaps.astype(np.float32)) > np.float32(_HALF)


def _product(matrices: tuple[Array, Array], values: Array) -> Array:
    return np.ascontiguousarray(matrices[0] @ values @ matrices[1].T, np.float32)


def _matrices(
    size: int, factor: float, shift: float, kernel: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> tuple[Array, Array]:
    """Means over coarse pixels and the interpolation between their centres, along one axis."""
    count = int(np.ceil((size + shift) / factor))
    edges = np.arange(count + 1) * factor - shift
    fine = np.arange(size)
    overlap = np.minimum(edges[1:, None], fine + 1) - np.maximum(edges[:-1, None], fine)
    down = np.maximum(overlap, 0)
    down /= down.sum(axis=1, keepdims=True)
    places = (fine + 0.5 + shift) / factor - 0.5
    back = kernel(np.abs(places[:, None] - np.arange(count)))
    back /= back.sum(axis=1, keepdims=True)
    return down.astype(np.float32), back.astype(np.float32)


def _nearest(away: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.zeros_like(away)
    result[np.arange(len(away)), np.argmin(away, axis=1)] = 1
    return result


def _linear(away: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(1 - away, 0)


def _cubic(away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cubic convolution (Keys 1981), a = −½, as GDAL's."""
    near = (1.5 * away - 2.5) * away**2 + 1
    far = ((-0.5 * away + 2.5) * away - 4) * away + 2
    return np.where(away < 1, near, np.where(away < 2, far, 0))


_KERNELS = {NEAREST: _nearest, LINEAR: _linear, CUBIC: _cubic}
