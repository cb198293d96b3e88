"""Accuracy: pooled pixel scores, object scores, and the interval of a share that was sampled.

Pixel scores are Eq. 3–6 of Wu et al. (2024), Remote Sens. 16, 1090, for the area class from one pooled confusion
matrix, with false positives and false negatives in their usual meaning (the paper's text swaps them).
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr, osr

from .areas import Area
from .errors import InputError
from .polygons import as_valid_multipolygon, boxes_that_meet
from .raster import EQUAL_AREA_CRS, PathLike, same_crs, spatial_reference

MATCH_IOU = 0.3
"""A found and a true area match from this intersection over union on."""


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
        iou=_share(hit, hit + false + missed),
        precision=_share(hit, hit + false),
        recall=_share(hit, hit + missed),
        f1=_share(2 * hit, 2 * hit + false + missed),
    )


def f1_score(precision: float, recall: float) -> float:
    """The harmonic mean of precision and recall; 0 where both are 0, NaN where one is unknown."""
    total = precision + recall
    return 0.0 if total == 0 else 2 * precision * recall / total


def iou_score(precision: float, recall: float) -> float:
    """The intersection over union that precision and recall of the same pixels imply."""
    union = precision + recall - precision * recall
    return 0.0 if union == 0 else precision * recall / union


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
        return _share(self.matched_true, self.true_count)

    @property
    def precision(self) -> float:
        """Share of the found areas that are true; NaN without found areas."""
        return _share(self.matched_found, self.found_count)

    @property
    def f1(self) -> float:
        """The harmonic mean of recall and precision."""
        return f1_score(self.precision, self.recall)


@dataclass(frozen=True)
class AreaMatches:
    """What became of each found and each true area, in the order in which they were given.

    ``found_right``: matches a true area; ``found_counted``: counts at all; ``true_found``: matched by a found one;
    ``found_iou`` and ``true_iou``: the largest intersection over union with any area of the other set.
    """

    found_right: tuple[bool, ...]
    found_counted: tuple[bool, ...]
    true_found: tuple[bool, ...]
    found_iou: tuple[float, ...]
    true_iou: tuple[float, ...]

    @property
    def scores(self) -> ObjectScores:
        """The counts of all areas."""
        return ObjectScores(len(self.true_found), sum(self.found_counted), sum(self.true_found), sum(self.found_right))


def match_areas(
    found: Sequence[ogr.Geometry],
    true: Sequence[ogr.Geometry],
    min_iou: float = MATCH_IOU,
    ignored: Sequence[ogr.Geometry] = (),
) -> ObjectScores:
    """The counts of ``matched_areas``."""
    return matched_areas(found, true, min_iou, ignored).scores


def matched_areas(
    found: Sequence[ogr.Geometry],
    true: Sequence[ogr.Geometry],
    min_iou: float = MATCH_IOU,
    ignored: Sequence[ogr.Geometry] = (),
) -> AreaMatches:
    """Compare two sets of polygons in one planar, preferably equal-area CRS.

    A found and a true area match when their intersection over union is at least ``min_iou``. A true area is found
    when any found area matches it, a found area is true when it matches any true area: an area found in two
    pieces counts as found once and as two right pieces, if each piece is large enough to match. Found areas that
    match none but touch an ``ignored`` one (motion too weak to be judged) are not counted at all.
    """
    if not 0 < min_iou <= 1:
        raise InputError(f"The smallest intersection over union ({min_iou:g}) must lie between 0 and 1.")
    found_valid = [as_valid_multipolygon(geometry) for geometry in found]
    true_valid = [as_valid_multipolygon(geometry) for geometry in true]
    found_iou, true_iou = [0.0] * len(found_valid), [0.0] * len(true_valid)
    for i, j in zip(*boxes_that_meet(_boxes(found_valid), _boxes(true_valid))):
        shared = _iou(found_valid[i], true_valid[j])
        found_iou[i], true_iou[j] = max(found_iou[i], shared), max(true_iou[j], shared)
    right = [iou >= min_iou for iou in found_iou]
    ignored_valid = [as_valid_multipolygon(geometry) for geometry in ignored]
    near = zip(*boxes_that_meet(_boxes(found_valid), _boxes(ignored_valid)))
    uncounted = {i for i, j in near if not right[i] and found_valid[i].Intersects(ignored_valid[j])}
    return AreaMatches(
        found_right=tuple(right),
        found_counted=tuple(i not in uncounted for i in range(len(found_valid))),
        true_found=tuple(iou >= min_iou for iou in true_iou),
        found_iou=tuple(found_iou),
        true_iou=tuple(true_iou),
    )


def _boxes(geometries: Sequence[ogr.Geometry]) -> NDArray[np.float64]:
    return np.array([geometry.GetEnvelope() for geometry in geometries], np.float64).reshape(-1, 4)


def _iou(one: ogr.Geometry, other: ogr.Geometry) -> float:
    shared = one.Intersection(other).GetArea()
    return _share(shared, one.GetArea() + other.GetArea() - shared)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def area_geometries(areas: Sequence[Area], crs: str, target_crs: str = EQUAL_AREA_CRS) -> list[ogr.Geometry]:
    """The outlines of areas that lie in ``crs``, in the target CRS."""
    geometries = [ogr.CreateGeometryFromWkb(area.geometry) for area in areas]
    return in_crs(geometries, crs, target_crs)


def read_areas(path: PathLike, target_crs: str = EQUAL_AREA_CRS, layer: str | None = None) -> list[ogr.Geometry]:
    """The polygons of a vector file's layer (its first by default), valid MultiPolygons in the target CRS.

    Raises InputError for a file or layer that can't be read, has no CRS or holds no polygons but other shapes.
    """
    name = os.fspath(path)
    try:
        dataset = gdal.OpenEx(name, gdal.OF_VECTOR | gdal.OF_READONLY)
    except RuntimeError as error:
        raise InputError(f"{name} can't be read as a vector file ({error}). Check that it is complete.") from None
    source = dataset.GetLayer(0) if layer is None else dataset.GetLayerByName(layer)
    if source is None:
        raise InputError(f"{name} has no layer {layer or ''}.".replace(" .", "."))
    reference = source.GetSpatialRef()
    if reference is None:
        raise InputError(f"{name} has no coordinate reference system. Set it first (layer properties > Source).")
    geometries = [feature.GetGeometryRef().Clone() for feature in source if feature.GetGeometryRef() is not None]
    if any(geometry.GetDimension() < 2 for geometry in geometries):
        raise InputError(f"{name} holds points or lines where areas are needed. Choose a layer of polygons.")
    return in_crs(geometries, reference.ExportToWkt(), target_crs)


def in_crs(geometries: Sequence[ogr.Geometry], source: str, target: str) -> list[ogr.Geometry]:
    """The geometries, which are transformed in place, as valid MultiPolygons in the target CRS."""
    if not same_crs(source, target):
        transformation = osr.CoordinateTransformation(spatial_reference(source), spatial_reference(target))
        for geometry in geometries:
            geometry.Transform(transformation)
    return [as_valid_multipolygon(geometry) for geometry in geometries]
