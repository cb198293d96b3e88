"""Areas that were dissolved into few features, as the areas that they were: a sample counts areas, not features.

Parts of one area that was made of pixels meet at a corner, or nearly so where corners were rounded. Parts that lie
apart are areas of their own, unless the feature's own size says that it was measured as one.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import ogr

from ..areas import Area, connected_groups
from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..texts import Message
from ..vectors import GroundMeasures, as_valid_multipolygon, boxes_of, boxes_that_meet

_KEYS = ("orbit", "seen_from", "review")
_MOST_PARTS_OF_ONE = 5
_SAME_SIZE = 0.02
# Rounded corners of two pixels that met lie 1.7 of the shortest edges apart; where pixels are no squares, up to 2.8.
_GAP_IN_EDGES, _SHORT_EDGE = 3.0, 0.3


@gdal_raises()
def undissolved(areas: Sequence[Area], crs: str) -> tuple[list[Area], tuple[Message, ...]]:
    """The areas with those parts that lie apart as areas of their own, and what is to be warned of.

    Of a layer that was dissolved, where attributes are those of one area of many, none are kept but what it was
    dissolved by. Raises InputError where decisions of a review can't be told apart any more.
    """
    groups = {index: _groups(area) for index, area in enumerate(areas) if _has_parts(area.geometry)}
    groups = {index: parts for index, parts in groups.items() if len(parts) > 1}
    if not groups:
        return list(areas), ()
    whole = {index for index, parts in groups.items() if _is_measured_as_one(areas[index], parts, crs)}
    split = {index: parts for index, parts in groups.items() if index not in whole}
    warnings = [_told_as_one(whole, groups)] if whole else []
    if not split:
        return list(areas), tuple(warnings)
    count = sum(map(len, split.values()))
    is_dissolved = 2 * count >= len(areas) - len(split) + count
    kept = _told_apart(areas) if is_dissolved else None
    if kept is not None and "review" not in kept and any(areas[index].attributes.get("review") for index in split):
        raise InputError(
            "The areas were dissolved into {count} features, and which of them a review accepted or rejected can't be "
            "told any more. Give the layer that was reviewed, before it was dissolved.",
            count=len(areas),
        )
    result: list[Area] = []
    for index, area in enumerate(areas):
        if index not in split:
            result.append(area)
            continue
        own: dict[str, Any] = {**area.attributes, "area_km2": None}
        if kept is not None:
            own = {name: area.attributes.get(name) for name in kept}
        result += [replace(area, geometry=bytes(part.ExportToWkb()), attributes=own) for part in split[index]]
    return result, (*warnings, _told_as_several(len(split), count, is_dissolved))


def _told_as_several(features: int, count: int, is_dissolved: bool) -> Message:
    if is_dissolved:
        return Message(
            "{features} features consist of {count} areas that lie apart, as in a dissolved layer: each counts "
            "as an area, without the attributes, which are those of one of them. Give the layer from before it was "
            "dissolved to keep rates and slopes.",
            features=features,
            count=count,
        )
    return Message(
        "{features} features consist of {count} parts that lie apart: each counts as an area of its own.",
        features=features,
        count=count,
    )


def _told_as_one(whole: set[int], groups: dict[int, list[ogr.Geometry]]) -> Message:
    return Message(
        "{features} areas consist of parts that lie apart ({count} in all); each counts as one area, as its size "
        "(area_km2) is that of all its parts.",
        features=len(whole),
        count=sum(len(groups[index]) for index in whole),
    )


def _told_apart(areas: Sequence[Area]) -> tuple[str, ...]:
    """The attributes that every feature has another value of: a layer may have been dissolved by them."""
    if len(areas) < 2:
        return ()
    return tuple(name for name in _KEYS if len({area.attributes.get(name) for area in areas}) == len(areas))


def _has_parts(wkb: bytes) -> bool:
    """Whether a multipolygon (WKB) has several polygons, told without reading them."""
    if len(wkb) < 9:
        return False
    return bool(struct.unpack("<I" if wkb[0] else ">I", wkb[5:9])[0] > 1)


def _is_measured_as_one(area: Area, parts: Sequence[ogr.Geometry], crs: str) -> bool:
    size = area.attributes.get("area_km2")
    if size is None or len(parts) > _MOST_PARTS_OF_ONE:
        return False
    ground = GroundMeasures(crs, Message("The layer of areas"))
    measured = sum(ground.area(part) for part in parts) / 1e6
    return math.isclose(float(size), measured, rel_tol=_SAME_SIZE)


def _groups(area: Area) -> list[ogr.Geometry]:
    """The parts of an area that lie apart, each a multipolygon."""
    geometry = as_valid_multipolygon(ogr.CreateGeometryFromWkb(area.geometry))
    parts = [geometry.GetGeometryRef(index).Clone() for index in range(geometry.GetGeometryCount())]
    if len(parts) < 2:
        return [geometry]
    gaps = np.array([_gap(part) for part in parts])
    boxes = boxes_of(parts) + np.array([-1.0, 1.0, -1.0, 1.0]) * gaps[:, None]
    first, second = boxes_that_meet(boxes)
    near = np.array(
        [parts[i].Distance(parts[j]) <= min(gaps[i], gaps[j]) for i, j in zip(first.tolist(), second.tolist())], bool
    )
    numbers = connected_groups(first[near], second[near], len(parts))
    result = [ogr.Geometry(ogr.wkbMultiPolygon) for _ in range(int(numbers.max()) + 1)]
    for part, number in zip(parts, numbers.tolist()):
        result[number].AddGeometry(part)
    return result


def _gap(part: ogr.Geometry) -> float:
    """How far the next part of the same area may lie from this one: nothing but rounding, or what rounding cut off."""
    ring = np.array(part.GetGeometryRef(0).GetPoints())[:, :2]
    edges = np.diff(ring, axis=0)
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    edges, lengths = edges[lengths > 0], lengths[lengths > 0]
    touching = 1e-9 * float(np.abs(ring).max())
    if not len(lengths) or _is_right_angled(edges, lengths):
        return touching
    shortest, size = float(lengths.min()), math.sqrt(part.GetArea())
    return _GAP_IN_EDGES * shortest if shortest < _SHORT_EDGE * size else touching


def _is_right_angled(edges: NDArray[np.float64], lengths: NDArray[np.float64]) -> bool:
    """Whether an outline runs along pixels, as one whose corners were not rounded does, in whatever direction."""
    turned = np.roll(edges, -1, axis=0)
    cosines = np.abs((edges * turned).sum(axis=1)) / (lengths * np.roll(lengths, -1))
    return bool(((cosines < 0.05) | (cosines > 0.9987)).all())
