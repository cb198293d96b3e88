"""Polygons to pixels: which pixels of a grid have their centre inside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from osgeo import gdal, ogr

from ..raster import Grid, Window
from ..types import Mask
from .ogr_memory import quiet_gdal, vector_memory
from .outlines import Outlines


class Burner:
    """Polygons that are turned into pixels window by window: those whose centre a polygon covers."""

    def __init__(self, outlines: Outlines | None, grid: Grid) -> None:
        self._grid = grid
        self.geometries = [] if outlines is None else outlines.geometries(grid.crs)
        boxes = [geometry.GetEnvelope() for geometry in self.geometries]
        self._boxes = np.array(boxes, np.float64).reshape(-1, 4)

    def mask(self, window: Window) -> Mask:
        """True inside any of the polygons."""
        x_min, x_max, y_min, y_max = _bounds(self._grid, window)
        boxes = self._boxes
        near = (boxes[:, 1] >= x_min) & (boxes[:, 0] <= x_max) & (boxes[:, 3] >= y_min) & (boxes[:, 2] <= y_max)
        return burn([self.geometries[index] for index in np.flatnonzero(near)], self._grid, window)

    def window(self, index: int) -> Window:
        """The pixels that one polygon may cover, at least one, cut off at the grid's edges; empty outside the grid."""
        x, dx, _, y, _, dy = self._grid.transform
        x_min, x_max, y_min, y_max = self._boxes[index]
        left, right = _clipped((x_min - x) / dx, (x_max - x) / dx, self._grid.width)
        top, bottom = _clipped((y_max - y) / dy, (y_min - y) / dy, self._grid.height)
        return Window(left, top, right - left, bottom - top)


def _clipped(low: float, high: float, size: int) -> tuple[int, int]:
    first = min(max(math.floor(low), 0), size)
    return first, min(max(math.ceil(high), first), size)


def _bounds(grid: Grid, window: Window) -> tuple[float, float, float, float]:
    """(x_min, x_max, y_min, y_max) of a window."""
    x, dx, _, y, _, dy = grid.transform
    left, top = x + window.column * dx, y + window.row * dy
    return left, left + window.width * dx, top + window.height * dy, top


def burn(geometries: Sequence[ogr.Geometry], grid: Grid, window: Window) -> Mask:
    """The pixels of a window (h, w) whose centre lies in any of the polygons, which are in the grid's CRS."""
    if not geometries or not window.width or not window.height:
        return np.zeros((window.height, window.width), bool)
    x, dx, _, y, _, dy = grid.transform
    target = gdal.GetDriverByName("MEM").Create("", window.width, window.height, 1, gdal.GDT_Byte)
    target.SetGeoTransform((x + window.column * dx, dx, 0.0, y + window.row * dy, 0.0, dy))
    vectors = vector_memory()
    try:
        layer = vectors.CreateLayer("polygons", None, ogr.wkbUnknown)
        for geometry in geometries:
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetGeometry(geometry)
            layer.CreateFeature(feature)
        with quiet_gdal():  # it would say for each window that the polygons name no CRS
            gdal.RasterizeLayer(target, [1], layer, burn_values=[1])
        return np.asarray(target.GetRasterBand(1).ReadAsArray(), bool)
    finally:
        # Nothing of GDAL may be left in the traceback of an error: QGIS would crash when it ends before that.
        feature = layer = vectors = target = None
