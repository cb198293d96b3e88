"""The figures of merit of a detector and their confidence intervals, from what was counted in each region.

Regions are blocks of ground or test tiles: neighbouring pixels err together, so only whole regions can stand for
independent samples (block bootstrap; Künsch 1989, Ann. Stat. 17, 1217–1241).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..progress import QUIET, Progress
from ..texts import Message
from .scores import Confusion, ObjectScores, pixel_scores, wilson_interval

Counts = NDArray[np.float64]

CLASSICAL: str = Message("classical detector")
"""The name of the detector without a network in figures, tables and reports."""
DOWNHILL: str = Message("classical detector of downhill motion")
"""The same where only downhill motion counts, by the LOS sensitivity."""
CONFIDENCE = 0.95
REPEATS = 2000
_REPEATS_AT_ONCE, _WEIGHTS_AT_ONCE = 250, 10_000_000


class Column(IntEnum):
    """What is counted in each region: pixels, areas, and the mapped ground in km²."""

    TRUE_POSITIVE = 0
    FALSE_POSITIVE = 1
    FALSE_NEGATIVE = 2
    TRUE_NEGATIVE = 3
    TRUE_COUNT = 4
    MATCHED_TRUE = 5
    FOUND_COUNT = 6
    MATCHED_FOUND = 7
    MAPPED_KM2 = 8


class FigureKind(NamedTuple):
    """How a figure is called and shown; shares are stored as shares of 1 and shown in percent."""

    label: str
    unit: str


FIGURES: Mapping[str, FigureKind] = {
    "iou": FigureKind(Message("IoU"), "%"),
    "precision": FigureKind(Message("Precision"), "%"),
    "recall": FigureKind(Message("Recall"), "%"),
    "f1": FigureKind(Message("F1"), "%"),
    "object_recall": FigureKind(Message("Area recall"), "%"),
    "object_precision": FigureKind(Message("Area precision"), "%"),
    "object_f1": FigureKind(Message("Area F1"), "%"),
    "false_alarms": FigureKind(Message("False alarms"), Message("per 100 km²")),
}


class Figure(NamedTuple):
    """A value and its interval, NaN where unknown."""

    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class DetectorScores:
    """What a detector achieved; ``figures`` by the names of FIGURES, ``regions`` are what the intervals rest on."""

    name: str
    confusion: Confusion
    objects: ObjectScores
    mapped_km2: float
    regions: int
    figures: Mapping[str, Figure]


def scores_of(name: str, counts: Counts, seed: int = 1, progress: Progress = QUIET) -> DetectorScores:
    """The scores of counts (regions, 9 columns), pooled over the regions.

    Intervals are 95 %: Wilson's for the shares of areas, else a bootstrap over the regions that hold any ground; they
    are NaN where there are fewer than two of these. Where there is no false alarm, of which a bootstrap would make
    none either, the interval is that of a Poisson count of 0. The mapped ground may be NaN: false alarms are then
    unknown. So are IoU and F1 where there is no true pixel, for then any detector would have 0. CancelledError when the
    user stops.
    """
    total = counts.sum(axis=0)
    pixels = Confusion(*(round(total[column]) for column in range(4)))
    areas = [round(total[column]) for column in range(4, 8)]
    objects = ObjectScores(areas[0], areas[2], areas[1], areas[3])
    by_pixel = pixel_scores(pixels)
    values = {
        "iou": by_pixel.iou,
        "precision": by_pixel.precision,
        "recall": by_pixel.recall,
        "f1": by_pixel.f1,
        "object_recall": objects.recall,
        "object_precision": objects.precision,
        "object_f1": objects.f1,
        "false_alarms": false_alarms_per_100_km2(objects, float(total[Column.MAPPED_KM2])),
    }
    if pixels.true_positive + pixels.false_negative == 0:
        values["iou"] = values["f1"] = math.nan
    used = counts[np.nan_to_num(counts).any(axis=1)]
    intervals = bootstrap_intervals(used, seed, progress)
    intervals["object_recall"] = _wilson(objects.matched_true, objects.true_count)
    intervals["object_precision"] = _wilson(objects.matched_found, objects.found_count)
    if values["false_alarms"] == 0:
        intervals["false_alarms"] = 0.0, 100 * -math.log((1 - CONFIDENCE) / 2) / float(total[Column.MAPPED_KM2])
    figures = {
        key: Figure(value, *(intervals[key] if math.isfinite(value) else (math.nan, math.nan)))
        for key, value in values.items()
    }
    return DetectorScores(name, pixels, objects, float(total[Column.MAPPED_KM2]), len(used), figures)


def false_alarms_per_100_km2(objects: ObjectScores, mapped_km2: float) -> float:
    """Found areas that match no true one per 100 km² of mapped ground; NaN where that isn't known."""
    return 100 * (objects.found_count - objects.matched_found) / mapped_km2 if mapped_km2 > 0 else math.nan


def _wilson(successes: int, trials: int) -> tuple[float, float]:
    return wilson_interval(successes, trials, CONFIDENCE) if trials else (math.nan, math.nan)


def bootstrap_intervals(counts: Counts, seed: int, progress: Progress = QUIET) -> dict[str, tuple[float, float]]:
    """The interval of each figure from drawing as many regions as there are, with replacement, again and again.

    ``counts``: (regions, 9). Draws in which a figure is undefined (nothing found, nothing there) are left out; where
    that is more than one in ten, too few regions tell about the figure, and its interval is NaN.
    """
    regions = len(counts)
    if regions < 2:
        return dict.fromkeys(FIGURES, (math.nan, math.nan))
    random = np.random.default_rng(seed)
    parts: list[dict[str, Counts]] = []
    at_once = min(_REPEATS_AT_ONCE, max(1, _WEIGHTS_AT_ONCE // regions))
    for first in range(0, REPEATS, at_once):
        progress.check()
        draws = min(at_once, REPEATS - first)
        # How often each region is drawn, rather than which ones: sums become one product of matrices.
        weights = random.multinomial(regions, np.full(regions, 1 / regions), draws).astype(np.float64)
        parts.append(_figures(weights @ counts))
    tail = 50 * (1 - CONFIDENCE)
    result = {}
    for key in FIGURES:
        drawn = np.concatenate([part[key] for part in parts])
        known = drawn[np.isfinite(drawn)]
        ends = np.percentile(known, (tail, 100 - tail)) if known.size >= 0.9 * drawn.size else (math.nan, math.nan)
        result[key] = (float(ends[0]), float(ends[1]))
    return result


def _figures(counts: Counts) -> dict[str, Counts]:
    """The figures of many pooled counts (draws, 9) at once; NaN where undefined."""
    hit, false, missed, _, true, matched_true, found, matched_found, ground = counts.T
    with np.errstate(divide="ignore", invalid="ignore"):
        recall, precision = matched_true / true, matched_found / found
        both = recall + precision
        return {
            "iou": hit / (hit + false + missed),
            "precision": hit / (hit + false),
            "recall": hit / (hit + missed),
            "f1": 2 * hit / (2 * hit + false + missed),
            "object_recall": recall,
            "object_precision": precision,
            "object_f1": np.where(both == 0, 0.0, 2 * recall * precision / both),
            "false_alarms": 100 * (found - matched_found) / ground,
        }


def ground_size(square_kilometres: float) -> str:
    """A size of ground as a person reads it: "10 460 km²" or "23.4 km²"."""
    digits = 0 if square_kilometres >= 1000 else 1 if square_kilometres >= 10 else 2
    return f"{square_kilometres:,.{digits}f} km²".replace(",", "\N{NO-BREAK SPACE}")


def figure_text(figure: Figure, key: str) -> str:
    """A figure as a person reads it: "81.3 (74.0–86.2)" in percent, or "0.52 (0.31–0.80)"; a dash where unknown."""
    if not math.isfinite(figure.value):
        return "–"
    factor, digits = (100, 1) if FIGURES[key].unit == "%" else (1, 2)
    value = f"{factor * figure.value:.{digits}f}"
    if not (math.isfinite(figure.low) and math.isfinite(figure.high)):
        return value
    return f"{value} ({factor * figure.low:.{digits}f}–{factor * figure.high:.{digits}f})"


def empty_counts(regions: int) -> Counts:
    """Zeros (regions, 9)."""
    return np.zeros((regions, len(Column)))
