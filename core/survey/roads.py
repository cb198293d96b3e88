"""How far it is to the nearest road, as the crow flies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from osgeo import ogr

from ..errors import InputError
from ..gdal_errors import gdal_raises, quiet_gdal
from ..progress import QUIET, Progress
from ..raster import DEGREES, Transformation
from ..texts import Message


class Roads:
    """Lines (WKB) in any CRS, x or longitude first. InputError without lines or CRS."""

    @gdal_raises()
    def __init__(self, lines: Sequence[bytes], crs: str) -> None:
        if not crs:
            raise InputError("The roads have no coordinate reference system. Set it first (layer properties > Source).")
        if not lines:
            raise InputError("The layer of roads is empty. Choose another one, or leave it out.")
        self._lines, self._crs = lines, crs

    @gdal_raises()
    def distances(self, points: Sequence[tuple[float, float]], progress: Progress = QUIET) -> list[float]:
        """Metres from each point (longitude, latitude in degrees) to the nearest road.

        Measured in an azimuthal equidistant projection about the points' middle: right to 0.05 % within 300 km of it.
        InputError where no road can be placed there.
        """
        local = _plane_about(points)
        roads = self._in_plane(local, progress.part(0.0, 0.5))
        boxes = np.array([road.GetEnvelope() for road in roads])
        to_plane = Transformation(DEGREES, local)
        result = []
        for number, (longitude, latitude) in enumerate(points):
            if number % 64 == 0:
                progress.report(0.5 + 0.5 * number / len(points))
            result.append(_nearest(*to_plane.point(longitude, latitude), roads, boxes))
        return result

    def _in_plane(self, local: str, progress: Progress) -> list[ogr.Geometry]:
        to_plane = Transformation(self._crs, local, Message("The roads"))
        roads = []
        for number, wkb in enumerate(self._lines):
            if number % 1024 == 0:
                progress.report(number / len(self._lines))
            road = ogr.CreateGeometryFromWkb(wkb)
            road.FlattenTo2D()
            try:
                with quiet_gdal():
                    to_plane.apply(road)
            except InputError:
                # On the other side of the Earth there is no place for it in this projection, and nobody walks there.
                continue
            if not road.IsEmpty() and np.isfinite(road.GetEnvelope()).all():
                roads.append(road)
        if not roads:
            raise InputError("None of the roads lies on the same part of the Earth as the areas. Check their CRS.")
        return roads


def _plane_about(points: Sequence[tuple[float, float]]) -> str:
    degrees = np.radians(np.array(points))
    east, north = degrees[:, 0], degrees[:, 1]
    middle = np.array([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)]).mean(axis=1)
    longitude = np.degrees(np.arctan2(middle[1], middle[0]))
    latitude = np.degrees(np.arctan2(middle[2], np.hypot(middle[0], middle[1])))
    return f"+proj=aeqd +lat_0={latitude:.6f} +lon_0={longitude:.6f} +datum=WGS84 +units=m +no_defs"


def _nearest(x: float, y: float, roads: Sequence[ogr.Geometry], boxes: NDArray[np.float64]) -> float:
    """The distance to the nearest road; boxes tell which ones need not be looked at."""
    aside = np.maximum(np.maximum(boxes[:, 0] - x, x - boxes[:, 1]), 0)
    above = np.maximum(np.maximum(boxes[:, 2] - y, y - boxes[:, 3]), 0)
    at_least = np.hypot(aside, above)
    point = ogr.Geometry(ogr.wkbPoint)
    point.AddPoint_2D(x, y)
    best = np.inf
    for index in np.argsort(at_least):
        if at_least[index] >= best:
            break
        best = min(best, point.Distance(roads[index]))
    return float(best)
