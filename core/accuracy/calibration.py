"""Whether probabilities mean what they say, and which threshold suits them, from pixels counted as they stream by."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..types import Array
from .scores import Confusion, PixelScores, pixel_scores

_FINE = 1000
_BINS = 10
# Keeps a probability that stands just below a threshold only for float32's rounding from falling under it.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class Reliability:
    """Ten equal bins of probability: pixels in each, their mean probability and the share of them that is true.

    Bins without pixels are NaN. ``brier``: mean squared difference of probability and truth (Brier 1950).
    ``calibration_error``: mean absolute difference of the two over the bins, weighted by pixels.
    """

    pixels: tuple[int, ...]
    mean_probability: tuple[float, ...]
    observed: tuple[float, ...]
    brier: float
    calibration_error: float


@dataclass(frozen=True)
class ThresholdCurve:
    """Pixel scores when a pixel is called an area from each threshold on (0.01, 0.02, … 0.99)."""

    thresholds: tuple[float, ...]
    scores: tuple[PixelScores, ...]

    @property
    def best(self) -> float:
        """The threshold of the highest IoU, and so of the highest F1; NaN where nothing is true."""
        ious = np.array([score.iou for score in self.scores])
        return self.thresholds[int(np.nanargmax(ious))] if np.isfinite(ious).any() else math.nan

    def at(self, threshold: float) -> PixelScores:
        """The scores at the nearest threshold of the curve."""
        nearest = min(range(len(self.thresholds)), key=lambda index: abs(self.thresholds[index] - threshold))
        return self.scores[nearest]


@dataclass
class ProbabilityCounts:
    """Adds up pixels of known truth by their probability."""

    _by_class: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, _FINE), np.int64))
    _sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(_BINS))
    _squares: float = 0.0

    def add(self, probability: Array, truth: NDArray[np.bool_], counted: NDArray[np.bool_]) -> None:
        """Add the ``counted`` pixels of a block; all of the same shape, probabilities in 0..1 there."""
        values = np.clip(probability[counted].astype(np.float64), 0, 1)
        true = truth[counted]
        index = np.minimum((values * _FINE + _ROUNDING).astype(np.int64), _FINE - 1)
        self._by_class[0] += np.bincount(index[~true], minlength=_FINE)
        self._by_class[1] += np.bincount(index[true], minlength=_FINE)
        self._sums += np.bincount(index // (_FINE // _BINS), weights=values, minlength=_BINS)
        self._squares += float(np.square(values - true).sum())

    def reliability(self) -> Reliability | None:
        """None where no pixel was added."""
        pixels = self._by_class.reshape(2, _BINS, -1).sum(axis=(0, 2))
        true = self._by_class[1].reshape(_BINS, -1).sum(axis=1)
        total = int(pixels.sum())
        if total == 0:
            return None
        with np.errstate(invalid="ignore"):
            mean, observed = self._sums / pixels, true / pixels
        return Reliability(
            pixels=tuple(int(count) for count in pixels),
            mean_probability=tuple(float(value) for value in mean),
            observed=tuple(float(value) for value in observed),
            brier=self._squares / total,
            calibration_error=float(np.abs(self._sums - true).sum() / total),
        )

    def curve(self) -> ThresholdCurve:
        """The scores by threshold."""
        # Pixels at or above each fine threshold.
        negative, positive = np.cumsum(self._by_class[:, ::-1], axis=1)[:, ::-1]
        all_negative, all_positive = int(negative[0]), int(positive[0])
        steps = range(_FINE // 100, _FINE, _FINE // 100)
        scores = []
        for step in steps:
            hits, false = int(positive[step]), int(negative[step])
            scores.append(pixel_scores(Confusion(hits, false, all_positive - hits, all_negative - false)))
        return ThresholdCurve(tuple(step / _FINE for step in steps), tuple(scores))
