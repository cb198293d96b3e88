"""Measures of geometries on the ground, and which boxes meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from osgeo import ogr

from ..gdal_errors import gdal_raises
from ..raster import DEGREES, EQUAL_AREA_CRS, Transformation
from ..types import PathLike
from .antimeridian import beside, turn_of


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
    boxes: NDArray[np.float64], others: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs (i, j) of boxes (n, 4: x_min, x_max, y_min, y_max) that meet, with i < j; or of i with ``others`` j.

    Sorted by x, so that each box is only compared with those that begin before it ends.
    """
    alone = others is None
    targets = boxes if others is None else others
    order = np.argsort(targets[:, 0], kind="stable")
    starts = targets[order, 0]
    # Targets that begin before a box may still reach into it: no further back than the widest target.
    widest = float((targets[:, 1] - targets[:, 0]).max()) if len(targets) else 0.0
    firsts, seconds = [], []
    for index, (x_min, x_max, y_min, y_max) in enumerate(boxes):
        low, high = np.searchsorted(starts, x_min - widest, "left"), np.searchsorted(starts, x_max, "right")
        near = order[low:high]
        meet = (targets[near, 1] >= x_min) & (targets[near, 2] <= y_max) & (targets[near, 3] >= y_min)
        near = near[meet & (near > index)] if alone else near[meet]
        firsts.append(np.full(len(near), index, np.intp))
        seconds.append(near)
    nothing = [np.zeros(0, np.intp)]
    return np.concatenate(nothing + firsts), np.concatenate(nothing + seconds)
