"""Accuracy: pooled pixel scores, object scores, and the interval of a share that was sampled.

Pixel scores are Eq. 3–6 of Wu et al. (2024), Remote Sens. 16, 1090, for the area class from one pooled confusion
matrix, with false positives and false negatives in their usual meaning (the paper's text swaps them).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Confusion:
    """Numbers of pixels by prediction and truth of the area class; ``+`` pools two sets of pixels."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0

    def __post_init__(self) -> None:
        if min(self.true_positive, self.false_positive, self.false_negative, self.true_negative) < 0:
            raise ValueError("Numbers of pixels can't be negative.")

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
            self.true_negative + other.true_negative,
        )


def confusion(predicted: NDArray[Any], truth: NDArray[Any], counted: NDArray[np.bool_] | None = None) -> Confusion:
    """Compare two masks of the same shape, where ``counted`` is true (everywhere by default)."""
    found, there = np.asarray(predicted, bool), np.asarray(truth, bool)
    if counted is not None:
        found, there = found[counted], there[counted]
    both = int(np.count_nonzero(found & there))
    found_count, true_count = int(np.count_nonzero(found)), int(np.count_nonzero(there))
    return Confusion(both, found_count - both, true_count - both, found.size - found_count - true_count + both)


@dataclass(frozen=True)
class PixelScores:
    """Scores of the area class as shares of 1; NaN where there is nothing to divide by."""

    iou: float
    precision: float
    recall: float
    f1: float


def pixel_scores(counts: Confusion) -> PixelScores:
    """IoU, precision, recall and F1 of one pooled confusion matrix (Wu et al. 2024, Eq. 3–6)."""
    hit, false, missed = counts.true_positive, counts.false_positive, counts.false_negative
    return PixelScores(
        iou=share_of(hit, hit + false + missed),
        precision=share_of(hit, hit + false),
        recall=share_of(hit, hit + missed),
        f1=share_of(2 * hit, 2 * hit + false + missed),
    )


def f1_score(precision: float, recall: float) -> float:
    """The harmonic mean of precision and recall; 0 where both are 0, NaN where one is unknown."""
    total = precision + recall
    return 0.0 if total == 0 else 2 * precision * recall / total


def wilson_interval(successes: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a share of which ``successes`` of ``trials`` were seen (Wilson 1927, JASA 22, 209–212).

    Of a weighted sample the numbers are effective ones and need not be whole. Raises ValueError for impossible numbers;
    no trials give (0, 1).
    """
    if not (0 <= successes <= trials and 0 < confidence < 1):
        raise ValueError(f"{successes} of {trials} with a confidence of {confidence} is impossible.")
    if trials == 0:
        return 0.0, 1.0
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    share = successes / trials
    middle = share + z2 / (2 * trials)
    reach = math.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2)))
    scale = 1 + z2 / trials
    low, high = (middle - reach) / scale, (middle + reach) / scale
    return (0.0 if successes == 0 else low), (1.0 if successes == trials else high)


@dataclass(frozen=True)
class ObjectScores:
    """How many true areas were found and how many found areas are true, by the rule of ``match_areas``; ``+`` pools."""

    true_count: int = 0
    found_count: int = 0
    matched_true: int = 0
    matched_found: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.matched_true <= self.true_count and 0 <= self.matched_found <= self.found_count):
            raise ValueError("More areas are matched than there are.")

    def __add__(self, other: ObjectScores) -> ObjectScores:
        return ObjectScores(
            self.true_count + other.true_count,
            self.found_count + other.found_count,
            self.matched_true + other.matched_true,
            self.matched_found + other.matched_found,
        )

    @property
    def recall(self) -> float:
        """Share of the true areas that were found; NaN without true areas."""
        return share_of(self.matched_true, self.true_count)

    @property
    def precision(self) -> float:
        """Share of the found areas that are true; NaN without found areas."""
        return share_of(self.matched_found, self.found_count)

    @property
    def f1(self) -> float:
        """The harmonic mean of recall and precision."""
        return f1_score(self.precision, self.recall)


def share_of(part: float, whole: float) -> float:
    """``part`` by ``whole``; NaN of nothing."""
    return part / whole if whole else math.nan
