"""Which found areas match which true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from osgeo import ogr

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..vectors import as_valid_multipolygon, boxes_of, boxes_that_meet
from .scores import ObjectScores, share_of

MATCH_IOU = 0.3
"""A found and a true area match from this intersection over union on."""
_CHECK_EVERY = 500
"""Pairs of areas between two looks at whether the user stopped."""


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


@gdal_raises()
def match_areas(
    found: Sequence[ogr.Geometry],
    true: Sequence[ogr.Geometry],
    min_iou: float = MATCH_IOU,
    ignored: Sequence[ogr.Geometry] = (),
) -> ObjectScores:
    """The counts of ``matched_areas``."""
    return matched_areas(found, true, min_iou, ignored).scores


@gdal_raises()
def matched_areas(
    found: Sequence[ogr.Geometry],
    true: Sequence[ogr.Geometry],
    min_iou: float = MATCH_IOU,
    ignored: Sequence[ogr.Geometry] = (),
    progress: Progress = QUIET,
) -> AreaMatches:
    """Compare two sets of polygons in one planar, preferably equal-area CRS.

    A found and a true area match when their intersection over union is at least ``min_iou``. A true area is found
    when any found area matches it, a found area is true when it matches any true area: an area found in two
    pieces counts as found once and as two right pieces, if each piece is large enough to match. Found areas that
    match none but touch an ``ignored`` one (motion too weak to be judged) are not counted at all.
    """
    if not 0 < min_iou <= 1:
        raise InputError(
            "The smallest intersection over union ({min_iou:g}) must lie between 0 and 1.", min_iou=min_iou
        )
    found_valid, true_valid, ignored_valid = (_valid(geometries, progress) for geometries in (found, true, ignored))
    found_iou, true_iou = [0.0] * len(found_valid), [0.0] * len(true_valid)
    pairs = zip(*boxes_that_meet(boxes_of(found_valid), boxes_of(true_valid), progress))
    for number, (i, j) in enumerate(pairs):
        if number % _CHECK_EVERY == 0:
            progress.check()
        shared = _iou(found_valid[i], true_valid[j])
        found_iou[i], true_iou[j] = max(found_iou[i], shared), max(true_iou[j], shared)
    right = [iou >= min_iou for iou in found_iou]
    uncounted = set()
    for number, (i, j) in enumerate(zip(*boxes_that_meet(boxes_of(found_valid), boxes_of(ignored_valid), progress))):
        if number % _CHECK_EVERY == 0:
            progress.check()
        if not right[i] and i not in uncounted and found_valid[i].Intersects(ignored_valid[j]):
            uncounted.add(i)
    return AreaMatches(
        found_right=tuple(right),
        found_counted=tuple(i not in uncounted for i in range(len(found_valid))),
        true_found=tuple(iou >= min_iou for iou in true_iou),
        found_iou=tuple(found_iou),
        true_iou=tuple(true_iou),
    )


def _valid(geometries: Sequence[ogr.Geometry], progress: Progress) -> list[ogr.Geometry]:
    result = []
    for number, geometry in enumerate(geometries):
        if number % _CHECK_EVERY == 0:
            progress.check()
        result.append(as_valid_multipolygon(geometry))
    return result


def _iou(one: ogr.Geometry, other: ogr.Geometry) -> float:
    shared = one.Intersection(other).GetArea()
    return share_of(shared, one.GetArea() + other.GetArea() - shared)
