"""What a stacking gives besides its rasters: statistics of the rates, pairs left out, notes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..types import Array
from .fading import Fading


@dataclass(frozen=True)
class RateStatistics:
    """What a written rate holds: valid pixels and their distribution, in ``unit``.

    ``percentiles`` are the 2nd, 50th and 98th, ``histogram`` is (low, high, number), both of a regular sample.
    """

    unit: str
    pixels: int
    mean: float
    minimum: float
    maximum: float
    percentiles: tuple[float, float, float]
    histogram: tuple[tuple[float, float, int], ...] = ()


@dataclass(frozen=True)
class StackingResult:
    """What the stacking did: pairs used and left out with the reason, statistics, and notes for log and report."""

    pairs_used: int
    dropped: tuple[tuple[str, str], ...]
    pixels: int
    phase_rate: RateStatistics
    los_rate: RateStatistics | None
    wavelength: float
    notes: tuple[str, ...]
    fading: Fading | None = None


class Summary:
    """Gathers the statistics of a raster while its blocks are written."""

    def __init__(self, unit: str, pixels: int) -> None:
        self.unit = unit
        self._step = max(1, pixels // 200_000)
        self._pixels, self._sum = 0, 0.0
        self._minimum, self._maximum = math.inf, -math.inf
        self._sample: list[Array] = []

    def add(self, values: Array) -> None:
        """Count the finite values of a block."""
        valid = np.isfinite(values)
        finite = values.ravel() if valid.all() else values[valid]
        if finite.size:
            self._pixels += finite.size
            self._sum += float(finite.sum(dtype=np.float64))
            self._minimum = min(self._minimum, float(finite.min()))
            self._maximum = max(self._maximum, float(finite.max()))
            self._sample.append(finite[self._step // 2 :: self._step].copy())

    def statistics(self) -> RateStatistics:
        """The statistics of all blocks; NaN where there was no valid pixel."""
        sample = np.concatenate(self._sample) if self._sample else np.empty(0, np.float32)
        if sample.size == 0:
            nan = math.nan
            return RateStatistics(self.unit, self._pixels, nan, nan, nan, (nan, nan, nan))
        low, middle, high = (float(value) for value in np.percentile(sample, (2, 50, 98)))
        counts, edges = np.histogram(sample, 40, (low, high) if high > low else None)
        histogram = tuple(zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist()))
        mean = self._sum / self._pixels
        return RateStatistics(
            self.unit, self._pixels, mean, self._minimum, self._maximum, (low, middle, high), histogram
        )
