"""Polygons of labelled pixels, on exact pixel edges or with rounded corners, and their measures on the ground."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr

from ..gdal_errors import gdal_raises, quiet_gdal
from ..progress import Progress
from ..raster import Grid, open_raster
from ..types import PathLike
from .ogr_memory import vector_memory

# The parabola through the middles of the two pixel edges that meet at a corner, which is where endless corner
# cutting (Chaikin) ends up: weights of the edges' directions at four points along it.
_PARABOLA = tuple(((1 - t) ** 2 / 2, t**2 / 2) for t in (0.0, 1 / 3, 2 / 3, 1.0))


@gdal_raises()
def polygonize(labels: PathLike, count: int, progress: Progress) -> list[ogr.Geometry]:
    """The valid MultiPolygon of each label 1..count of an integer raster, on exact pixel edges, holes kept.

    Pixels of one label that meet only at a corner become separate parts of its MultiPolygon.
    """
    vectors = vector_memory()
    try:
        layer = vectors.CreateLayer("parts", None, ogr.wkbPolygon)
        layer.CreateField(ogr.FieldDefn("label", ogr.OFTInteger))
        _gdal_polygonize(labels, layer, progress.part(0.0, 0.5))
        return _multipolygons(layer, count, progress.part(0.5, 1.0))
    finally:
        # Nothing of GDAL may be left in the traceback of an error: QGIS would crash when it ends before that.
        layer = vectors = None


def _multipolygons(layer: Any, count: int, progress: Progress) -> list[ogr.Geometry]:
    """The parts of each label 1..count as one MultiPolygon."""
    geometries = [ogr.Geometry(ogr.wkbMultiPolygon) for _ in range(count)]
    parts = layer.GetFeatureCount()
    for number in range(parts):
        if number % 256 == 0:
            progress.report(number / parts)
        feature = layer.GetNextFeature()
        part = _without_touching_rings(feature.GetGeometryRef())
        geometries[feature.GetField(0) - 1].AddGeometryDirectly(part)
        del feature, part
    return geometries


def _without_touching_rings(polygon: ogr.Geometry) -> ogr.Geometry:
    """A copy of a polygon of 4-connected pixels in which no ring passes a point twice.

    That makes it valid: its inside hangs together and its rings cross nowhere. An outline that comes back to a
    point, where pixels meet at a corner, encloses a hole there. So the largest loop is the outline and all others
    are holes. (GEOS would find the same, but not in time on large noisy outlines.)
    """
    rings = [polygon.GetGeometryRef(index) for index in range(polygon.GetGeometryCount())]
    loops = [loop for ring in rings for loop in _simple_loops(np.array(ring.GetPoints())[:, :2])]
    if len(loops) == len(rings):
        return polygon.Clone()
    largest = max(range(len(loops)), key=lambda index: np.ptp(loops[index], axis=0).prod())
    result = ogr.Geometry(ogr.wkbPolygon)
    for loop in (loops[largest], *loops[:largest], *loops[largest + 1 :]):
        result.AddGeometryDirectly(_ring(loop))
    return result


def _simple_loops(closed: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The closed ring (n, 2) cut where it passes a point twice into rings, not closed, that pass none twice."""
    points = closed[:-1]
    if len(points) < 8:  # two loops of four corners each, one of them in common, have eight
        return [points]
    _, vertex = np.unique(points[:, 0] + 1j * points[:, 1], return_inverse=True)
    if vertex.max() == len(points) - 1:
        return [points]
    loops: list[NDArray[np.float64]] = []
    path: list[int] = []
    place: dict[int, int] = {}
    for index, number in enumerate(vertex.ravel().tolist()):
        if number in place:
            start = place[number]
            loops.append(points[path[start:]])
            for visited in path[start:]:
                del place[int(vertex[visited])]
            del path[start:]
        place[number] = len(path)
        path.append(index)
    return [*loops, points[path]]


def _ring(points: NDArray[np.float64]) -> ogr.Geometry:
    """A closed linear ring through the points (n, 2)."""
    ring = ogr.Geometry(ogr.wkbLinearRing)
    for x, y in points.tolist():
        ring.AddPoint_2D(x, y)
    ring.CloseRings()
    return ring


def _gdal_polygonize(labels: PathLike, layer: Any, progress: Progress) -> None:
    stopped: list[BaseException] = []

    def callback(fraction: float, _message: str, _data: Any) -> int:
        # An exception can't pass through GDAL's C code: it is kept and raised when GDAL has returned.
        try:
            progress.report(fraction)
        except BaseException as error:
            stopped.append(error)
            return 0
        return 1

    dataset = open_raster(labels)
    band = dataset.GetRasterBand(1)
    try:
        with quiet_gdal():
            gdal.Polygonize(band, band, layer, 0, [], callback)
    except RuntimeError:
        if not stopped:
            raise
    finally:
        # The traceback of an error would keep the file open, and Windows can't delete a file that is open.
        band = dataset = layer = None
    if stopped:
        # Taken out of the list, or the error would hold this frame and the frame the error until the next collection.
        raise stopped.pop()


@gdal_raises()
def round_corners(geometry: ogr.Geometry, grid: Grid) -> ogr.Geometry:
    """A MultiPolygon on pixel edges with every corner rounded by a parabola between the middles of its edges.

    Each curve stays within its own quarter of a pixel, so the result is valid, no two areas overlap, no outline
    moves by more than half a pixel, and each surplus outer corner costs 1/24 pixel of area (1/6 in a rectangle).
    """
    pixel = np.array([grid.transform[1], -grid.transform[5]])
    result = ogr.Geometry(ogr.wkbMultiPolygon)
    for part in range(geometry.GetGeometryCount()):
        polygon = geometry.GetGeometryRef(part)
        rounded = ogr.Geometry(ogr.wkbPolygon)
        for index in range(polygon.GetGeometryCount()):
            points = np.array(polygon.GetGeometryRef(index).GetPoints())[:-1, :2]
            rounded.AddGeometryDirectly(_ring(_rounded(points, pixel)))
        result.AddGeometryDirectly(rounded)
    return result


def _rounded(points: NDArray[np.float64], pixel: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ring of corners ``points`` (n, 2), not closed, with rounded corners (m, 2)."""
    to_next = np.sign(np.roll(points, -1, axis=0) - points)
    to_previous = -np.roll(to_next, 1, axis=0)
    turns = np.any(to_next != -to_previous, axis=1)
    points, to_next, to_previous = points[turns], to_next[turns] * pixel, to_previous[turns] * pixel
    curves = [points + before * to_previous + after * to_next for before, after in _PARABOLA]
    ring = np.stack(curves, axis=1).reshape(-1, 2)
    # Two corners one pixel apart share the middle of their edge.
    apart = np.any(np.abs(ring - np.roll(ring, 1, axis=0)) > 1e-6 * pixel, axis=1)
    return np.asarray(ring[apart])
