"""Checking a user's label polygons before anything is learned from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from osgeo import ogr

from ..errors import InputError
from ..gdal_errors import gdal_raises, quiet_gdal
from ..raster import Grid
from ..texts import Message
from ..vectors import GroundMeasures, as_valid_multipolygon, boxes_that_meet, to_crs

_SAME = 0.95
"""Two areas whose intersection is at least this share of their union are one area, drawn twice."""


@dataclass(frozen=True)
class LabelProblem:
    """What is wrong with label number ``label`` (from 1); ``geometry`` is WKB in the scene's CRS, or empty."""

    label: int
    problem: str
    detail: str
    geometry: bytes = b""


@dataclass(frozen=True)
class LabelArea:
    """A label that can be used: number from 1 and a valid MultiPolygon (WKB) in the scene's CRS.

    Areas that are not ``learnable`` (too small or too narrow for the pixels) are neither area nor background.
    """

    number: int
    geometry: bytes
    learnable: bool = True


@gdal_raises()
def check_labels(
    polygons: Sequence[bytes], crs: str, grid: Grid, min_area: float
) -> tuple[tuple[LabelArea, ...], tuple[LabelProblem, ...]]:
    """The labels (WKB in ``crs``) that can be used on the scene's grid, and what is wrong with any of them.

    Empty ones, those outside the grid and the second of two duplicates are left out; invalid ones are repaired;
    those smaller than ``min_area`` (m²) or nowhere wider than two pixels become not learnable; those that overlap
    another are only told. InputError without a CRS, or when no label lies on the grid.
    """
    geometries = dict(enumerate(to_crs(polygons, crs, grid, Message("The layer of labels")), 1))
    problems = [*_damaged(polygons, geometries), *_outside(geometries, grid)]
    lost = {problem.label for problem in problems if problem.problem in ("empty", "outside")}
    usable = {number: geometry for number, geometry in geometries.items() if geometry and number not in lost}
    if polygons and all(geometry is None for geometry in geometries.values()):
        raise InputError(
            "None of the labels ({count}) covers any ground: they are lines, points or empty. Draw areas.",
            count=len(polygons),
        )
    if polygons and not usable:
        raise InputError(
            "None of the label polygons ({count}) lies on the scene. Check that both show the same place and that "
            "their coordinate reference systems are right.",
            count=len(polygons),
        )
    shared = _overlaps(usable, grid)
    weak = _not_learnable(usable, grid, min_area)
    problems += [*shared, *weak]
    twice = {problem.label for problem in shared if problem.problem == "duplicate"}
    not_learnable = {problem.label for problem in weak}
    areas = tuple(
        LabelArea(number, _wkb(geometry), number not in not_learnable)
        for number, geometry in usable.items()
        if number not in twice
    )
    return areas, tuple(sorted(problems, key=lambda problem: problem.label))


def _wkb(geometry: ogr.Geometry) -> bytes:
    return bytes(geometry.ExportToWkb())


def _damaged(polygons: Sequence[bytes], geometries: dict[int, ogr.Geometry | None]) -> list[LabelProblem]:
    """Labels without an area, and invalid ones, which are repaired."""
    problems = []
    for number, wkb in enumerate(polygons, 1):
        geometry = geometries[number]
        if geometry is None:
            problems.append(
                LabelProblem(number, "empty", Message("It has no area that could be used: it is left out."))
            )
            continue
        with quiet_gdal():
            is_valid = ogr.CreateGeometryFromWkb(wkb).IsValid()
        parts = ogr.CreateGeometryFromWkb(wkb)
        if ogr.GT_Flatten(parts.GetGeometryType()) == ogr.wkbMultiPolygon and parts.GetGeometryCount() > 1:
            detail = Message(
                "Its {count} parts count as one area, which goes to one role. If they are several, "
                "separate them (Multipart to singleparts).",
                count=parts.GetGeometryCount(),
            )
            problems.append(LabelProblem(number, "several parts", detail, _wkb(geometry)))
        if not is_valid:
            detail = Message("Its outline crosses or touches itself: it was repaired.")
            problems.append(LabelProblem(number, "invalid", detail, _wkb(geometry)))
    return problems


def _outside(geometries: dict[int, ogr.Geometry | None], grid: Grid) -> list[LabelProblem]:
    """Labels that lie outside the grid wholly (left out) or with more than 1 % of their area."""
    x_min, y_min, x_max, y_max = grid.bounds
    frame = ogr.CreateGeometryFromWkt(
        f"POLYGON(({x_min} {y_min},{x_max} {y_min},{x_max} {y_max},{x_min} {y_max},{x_min} {y_min}))"
    )
    problems = []
    for number, geometry in geometries.items():
        if geometry is None:
            continue
        left, right, bottom, top = geometry.GetEnvelope()
        if left >= x_min and right <= x_max and bottom >= y_min and top <= y_max:
            continue
        share = 1 - geometry.Intersection(frame).GetArea() / geometry.GetArea()
        if share > 0.9999:
            problems.append(
                LabelProblem(number, "outside", Message("It lies outside the scene: it is left out."), _wkb(geometry))
            )
        elif share > 0.01:
            detail = Message("{share:.0%} of it lies outside the scene.", share=share)
            problems.append(LabelProblem(number, "partly outside", detail, _wkb(geometry)))
    return problems


def _not_learnable(geometries: dict[int, ogr.Geometry], grid: Grid, min_area: float) -> list[LabelProblem]:
    """Labels that are too small or too narrow to be learned from."""
    ground = GroundMeasures(grid.crs)
    pixel = float(np.sqrt(grid.transform[1] * -grid.transform[5]))
    problems = []
    for number, geometry in geometries.items():
        area = ground.area(geometry)
        if area < min_area:
            detail = Message(
                "It covers {area:.0f} m², less than {min_area:.0f} m²: its pixels are ignored.",
                area=area,
                min_area=min_area,
            )
            problems.append(LabelProblem(number, "too small", detail, _wkb(geometry)))
        elif geometry.Buffer(-pixel).IsEmpty():
            detail = Message("It is nowhere wider than two pixels: its pixels are ignored.")
            problems.append(LabelProblem(number, "sliver", detail, _wkb(geometry)))
    return problems


def _overlaps(geometries: dict[int, ogr.Geometry], grid: Grid) -> list[LabelProblem]:
    """Labels that share more than a pixel with an earlier one; nearly the same ones are duplicates."""
    numbers = list(geometries)
    boxes = np.array([geometries[number].GetEnvelope() for number in numbers], float).reshape(-1, 4)
    pixel_area = grid.transform[1] * -grid.transform[5]
    problems = []
    for first, second in zip(*(indices.tolist() for indices in boxes_that_meet(boxes))):
        earlier, later = geometries[numbers[first]], geometries[numbers[second]]
        shared = earlier.Intersection(later)
        if shared is None or shared.GetArea() <= pixel_area:
            continue
        union = earlier.GetArea() + later.GetArea() - shared.GetArea()
        if shared.GetArea() >= _SAME * union:
            detail = Message("It is the same as label {numbers}: it is left out.", numbers=numbers[first])
            problems.append(LabelProblem(numbers[second], "duplicate", detail, _wkb(later)))
        else:
            share = shared.GetArea() / min(earlier.GetArea(), later.GetArea())
            detail = Message(
                "It overlaps label {numbers} by {share:.0%} of the smaller one.", numbers=numbers[first], share=share
            )
            problems.append(LabelProblem(numbers[second], "overlap", detail, _wkb(as_valid_multipolygon(shared))))
    return problems
