"""Where the tiles of a scene lie along each axis, and their weights where they overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Array


@dataclass(frozen=True)
class TiledAxis:
    """Tiles along one axis of a scene: first pixels (may be negative), weights, which sum to 1 at each scene's pixel.

    ``size`` pixels of scene; tiles of ``tile`` pixels reach from ``starts[0]`` to ``stop`` ≥ size.
    """

    size: int
    tile: int
    starts: tuple[int, ...]
    weights: tuple[Array, ...]

    @property
    def stop(self) -> int:
        """The pixel after the last tile's last."""
        return self.starts[-1] + self.tile

    @property
    def source(self) -> NDArray[np.intp]:
        """For each pixel from ``starts[0]`` to ``stop``, the scene's pixel that is seen there: mirrored outside."""
        return mirrored(np.arange(self.starts[0], self.stop), self.size)

    def counted(self, index: int) -> slice:
        """The scene's pixels from the first to the last where tile ``index`` has a weight."""
        pixels = self.starts[index] + np.flatnonzero(self.weights[index])
        return slice(max(int(pixels[0]), 0), min(int(pixels[-1]) + 1, self.size))


def mirrored(index: NDArray[np.integer[Any]], size: int) -> NDArray[np.intp]:
    """Indices reflected into [0, size) about the first and last pixel, which are not repeated."""
    if size == 1:
        return np.zeros(index.shape, np.intp)
    period = 2 * (size - 1)
    phase = np.mod(index, period)
    return np.minimum(phase, period - phase).astype(np.intp)


def plan_axis(size: int, tile: int, overlap: int, stride: int, origin: int = 0) -> TiledAxis:
    """Tiles of ``tile`` pixels that share ``overlap`` with their neighbours and cover ``size`` pixels.

    ``origin`` is the number of the scene's first pixel on its lattice (lattice.lattice_origin). Tiles lie at
    multiples of tile − overlap there, so that the same ground is seen by the same tiles in any cut of a scene. Those
    at the ends are moved inward by whole strides as far as they still reach half an overlap over the end: they see
    more of the scene, but count only where they lay before. A scene that one tile of at most ``tile`` pixels can hold
    with its margins gets only that one, at a multiple of ``stride`` and as small as that allows.
    """
    before, after = overlap // 2, overlap - overlap // 2
    start = -before - (origin - before) % stride
    side = math.ceil((size + after - start) / stride) * stride
    if side <= tile:
        return TiledAxis(size, side, (start,), (np.ones(side, np.float32),))
    step = tile - overlap
    anchors = [index * step - before - origin for index in range(origin // step, (origin + size - 1) // step + 1)]
    starts = list(anchors)
    starts[0] += (-before - starts[0]) // stride * stride
    starts[-1] -= max(0, starts[-1] + tile - size - after) // stride * stride
    if len(starts) == 1 or starts[0] + tile >= size + after:
        return TiledAxis(size, tile, (starts[0],), (np.ones(tile, np.float32),))
    return TiledAxis(size, tile, tuple(starts), _weights(size, tile, overlap, anchors, starts))


def _weights(size: int, tile: int, overlap: int, anchors: list[int], starts: list[int]) -> tuple[Array, ...]:
    """For each tile the raised cosine that stands at its anchor, over the sum of all."""
    ramp = _ramp(tile, overlap)
    first, stop = min(starts[0], anchors[0]), max(starts[-1], anchors[-1]) + tile
    total = np.zeros(stop - first)
    for anchor in anchors:
        total[anchor - first : anchor - first + tile] += ramp
    weights = []
    for anchor, start in zip(anchors, starts):
        own = np.zeros(stop - first)
        own[anchor - first : anchor - first + tile] = ramp
        np.divide(own, total, out=own, where=total > 0)
        weights.append(own[start - first : start - first + tile].astype(np.float32))
    return tuple(weights)


def _ramp(tile: int, overlap: int) -> NDArray[np.float64]:
    """Weights along a tile: a raised cosine over ``overlap`` pixels at each end, 1 between, nowhere 0."""
    ramp = np.ones(tile)
    rise = np.sin(np.pi / 2 * (np.arange(overlap) + 0.5) / max(overlap, 1)) ** 2
    ramp[:overlap] = rise
    ramp[tile - overlap :] = np.minimum(ramp[tile - overlap :], rise[::-1])
    return ramp
