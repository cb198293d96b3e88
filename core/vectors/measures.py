"""Measures of geometries on the ground, and which boxes meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from osgeo import ogr

from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import DEGREES, EQUAL_AREA_CRS, Transformation
from ..types import PathLike
from .antimeridian import beside, turn_of

_WIDE = 16.0
"""Boxes so many times wider than the usual ones are looked at apart."""
_CHECK_EVERY = 5000
"""Boxes between two looks at whether the user stopped."""


class GroundMeasures:
    """Measures of geometries on the ground: their coordinates are in ``crs``, x or longitude first.

    ``name`` is their file or layer for messages: InputError where they have no place on Earth. Holds PROJ objects: one
    thread at a time.
    """

    @gdal_raises()
    def __init__(self, crs: str, name: PathLike = "") -> None:
        self._equal_area = Transformation(crs, EQUAL_AREA_CRS, name)
        self._degrees = Transformation(crs, DEGREES, name)

    @gdal_raises()
    def area(self, geometry: ogr.Geometry) -> float:
        """Square metres on the ellipsoid: the planar area after transforming to the equal-area EPSG:6933."""
        copy = geometry.Clone()
        self._equal_area.apply(copy)
        return float(beside(copy, turn_of(EQUAL_AREA_CRS)).GetArea())

    @gdal_raises()
    def inner_point(self, geometry: ogr.Geometry) -> tuple[float, float]:
        """Longitude and latitude of the centroid, or of a point inside where the centroid falls outside."""
        point = geometry.Centroid()
        if not geometry.CreatePreparedGeometry().Contains(point):
            point = geometry.PointOnSurface()
        longitude, latitude = self._degrees.point(point.GetX(), point.GetY())
        if not -180 <= longitude <= 180:
            longitude = (longitude + 180) % 360 - 180
        return longitude, latitude


def boxes_of(geometries: Sequence[ogr.Geometry]) -> NDArray[np.float64]:
    """The bounding box of each geometry, (n, 4): x_min, x_max, y_min, y_max."""
    return np.array([geometry.GetEnvelope() for geometry in geometries], np.float64).reshape(-1, 4)


def boxes_that_meet(
    boxes: NDArray[np.float64], others: NDArray[np.float64] | None = None, progress: Progress = QUIET
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs (i, j) of boxes (n, 4: x_min, x_max, y_min, y_max) that meet, with i < j; or of i with ``others`` j.

    Sorted by x, so that each box is only compared with those that begin before it ends: with narrow and with wide ones
    apart, so that a single one as wide as the scene doesn't let each be compared with all.
    """
    alone = others is None
    targets = boxes if others is None else others
    order = np.argsort(targets[:, 0], kind="stable")
    starts = targets[order, 0]
    ranges = [
        (members, np.searchsorted(begins, boxes[:, 0] - widest, "left"), np.searchsorted(begins, boxes[:, 1], "right"))
        # Targets that begin before a box may still reach into it: no further back than the widest of their group.
        for members, begins, widest in _by_width((targets[:, 1] - targets[:, 0])[order], starts)
    ]
    firsts, seconds = [], []
    for index, (x_min, _, y_min, y_max) in enumerate(boxes):
        if index % _CHECK_EVERY == 0:
            progress.check()
        places = [members[lows[index] : highs[index]] for members, lows, highs in ranges]
        near = order[np.sort(np.concatenate(places)) if len(places) > 1 else places[0]]
        meet = (targets[near, 1] >= x_min) & (targets[near, 2] <= y_max) & (targets[near, 3] >= y_min)
        near = near[meet & (near > index)] if alone else near[meet]
        firsts.append(np.full(len(near), index, np.intp))
        seconds.append(near)
    nothing = [np.zeros(0, np.intp)]
    return np.concatenate(nothing + firsts), np.concatenate(nothing + seconds)


def _by_width(
    widths: NDArray[np.float64], starts: NDArray[np.float64]
) -> list[tuple[NDArray[np.intp], NDArray[np.float64], float]]:
    """Places of boxes in groups of similar width, with where each begins and how wide the widest is; at least one."""
    usual = float(np.median(widths)) if len(widths) else 0.0
    wide = widths > _WIDE * usual
    groups = [np.arange(len(widths))] if usual == 0 or not wide.any() else []
    if not groups:
        classes = np.floor(np.log(np.maximum(widths / usual, 1)) / np.log(_WIDE))
        groups = [np.flatnonzero(classes == number) for number in np.unique(classes)]
    return [(members, starts[members], float(widths[members].max()) if len(members) else 0.0) for members in groups]
