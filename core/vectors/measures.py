"""Measures of geometries on the ground, and which boxes meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from osgeo import ogr, osr

from ..gdal_errors import gdal_raises
from ..raster import EQUAL_AREA_CRS, spatial_reference


class GroundMeasures:
    """Measures of geometries on the ground: their coordinates are in ``crs``, x or longitude first.

    Holds PROJ objects: one thread at a time.
    """

    @gdal_raises()
    def __init__(self, crs: str) -> None:
        reference = spatial_reference(crs)
        self._equal_area = osr.CoordinateTransformation(reference, spatial_reference(EQUAL_AREA_CRS))
        self._degrees = osr.CoordinateTransformation(reference, spatial_reference("EPSG:4326"))

    @gdal_raises()
    def area(self, geometry: ogr.Geometry) -> float:
        """Square metres on the ellipsoid: the planar area after transforming to the equal-area EPSG:6933."""
        copy = geometry.Clone()
        copy.Transform(self._equal_area)
        return float(copy.GetArea())

    @gdal_raises()
    def inner_point(self, geometry: ogr.Geometry) -> tuple[float, float]:
        """Longitude and latitude of the centroid, or of a point inside where the centroid falls outside."""
        point = geometry.Centroid()
        if not geometry.CreatePreparedGeometry().Contains(point):
            point = geometry.PointOnSurface()
        longitude, latitude, _ = self._degrees.TransformPoint(point.GetX(), point.GetY())
        return float(longitude), float(latitude)


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
