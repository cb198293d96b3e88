"""Polygons to pixels: which pixels of a grid have their centre inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr

from ..gdal_errors import gdal_raises, quiet_gdal
from ..progress import QUIET, Progress
from ..raster import Grid, Window
from ..types import Mask
from .measures import boxes_of
from .ogr_memory import vector_memory
from .outlines import Outlines


class Burner:
    """Polygons that are turned into pixels window by window: those whose centre a polygon covers.

    ``polygons``: outlines in any CRS, or geometries in the grid's; None: none at all. ``numbers``: of each polygon.
    """

    @gdal_raises()
    def __init__(
        self,
        polygons: Outlines | Sequence[ogr.Geometry] | None,
        grid: Grid,
        numbers: Sequence[int] = (),
        progress: Progress = QUIET,
    ) -> None:
        self._grid, self._numbers = grid, numbers
        if isinstance(polygons, Outlines):
            polygons = polygons.geometries(grid, progress)
        self.geometries = list(polygons or ())
        self._boxes = boxes_of(self.geometries)

    @property
    def meets_grid(self) -> bool:
        """Whether the bounding box of any polygon reaches into the grid."""
        return bool(self._near(Window(0, 0, self._grid.width, self._grid.height)))

    @gdal_raises()
    def mask(self, window: Window) -> Mask:
        """True inside any of the polygons."""
        return burn([self.geometries[index] for index in self._near(window)], self._grid, window)

    @gdal_raises()
    def numbers(self, window: Window) -> NDArray[np.int32]:
        """The number of the polygon at each pixel (h, w), 0 where there is none; of several the last one's."""
        near = self._near(window)
        values = [self._numbers[index] for index in near]
        return _burned([self.geometries[index] for index in near], self._grid, window, values)

    def _near(self, window: Window) -> list[int]:
        x_min, x_max, y_min, y_max = _bounds(self._grid, window)
        boxes = self._boxes
        near = (boxes[:, 1] >= x_min) & (boxes[:, 0] <= x_max) & (boxes[:, 3] >= y_min) & (boxes[:, 2] <= y_max)
        return list(np.flatnonzero(near).tolist())

    @gdal_raises()
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


@gdal_raises()
def burn(
    geometries: Sequence[ogr.Geometry], grid: Grid, window: Window | None = None, all_touched: bool = False
) -> Mask:
    """The pixels of a window (h, w; the whole grid by default) whose centre lies in any of the polygons.

    These are in the grid's CRS. ``all_touched``: also the pixels that one merely touches.
    """
    burned: Mask = _burned(geometries, grid, window or Window(0, 0, grid.width, grid.height), None, all_touched) > 0
    return burned


def _burned(
    geometries: Sequence[ogr.Geometry],
    grid: Grid,
    window: Window,
    numbers: Sequence[int] | None,
    all_touched: bool = False,
) -> NDArray[Any]:
    """The number of the last of the polygons at each pixel (h, w), int32; 1, uint8, without numbers; 0 elsewhere."""
    kind = gdal.GDT_Byte if numbers is None else gdal.GDT_Int32
    if not geometries or not window.width or not window.height:
        return np.zeros((window.height, window.width), np.uint8 if numbers is None else np.int32)
    x, dx, _, y, _, dy = grid.transform
    target = gdal.GetDriverByName("MEM").Create("", window.width, window.height, 1, kind)
    target.SetGeoTransform((x + window.column * dx, dx, 0.0, y + window.row * dy, 0.0, dy))
    vectors = vector_memory()
    try:
        layer = vectors.CreateLayer("polygons", None, ogr.wkbUnknown)
        layer.CreateField(ogr.FieldDefn("number", ogr.OFTInteger))
        for number, geometry in zip(numbers or [1] * len(geometries), geometries):
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetField("number", number)
            feature.SetGeometry(geometry)
            layer.CreateFeature(feature)
        options = ["ATTRIBUTE=number", f"ALL_TOUCHED={'TRUE' if all_touched else 'FALSE'}"]
        with quiet_gdal():  # it would say for each window that the polygons name no CRS
            gdal.RasterizeLayer(target, [1], layer, options=options)
        burned: NDArray[Any] = target.GetRasterBand(1).ReadAsArray()
        return burned
    finally:
        # Nothing of GDAL may be left in the traceback of an error: QGIS would crash when it ends before that.
        feature = layer = vectors = target = None
