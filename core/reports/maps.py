"""Maps in reports: from the ground to a drawing, with scale bar and north arrow."""

from __future__ import annotations

import uuid
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr

from ..gdal_errors import gdal_raises, quiet_gdal
from ..raster import Grid
from .drawing import element, svg_line, svg_text
from .ticks import round_down


class MapFrame:
    """From the grid's coordinates to the drawing's."""

    def __init__(self, grid: Grid, left: float, width: float, height: float) -> None:
        self.grid, self.left, self.width, self.height = grid, left, width, height

    def path(self, geometry: ogr.Geometry) -> str:
        """The outlines of a geometry in the grid's CRS as the data of an SVG path."""
        if geometry.GetGeometryCount():
            return " ".join(self.path(geometry.GetGeometryRef(i)) for i in range(geometry.GetGeometryCount()))
        x, dx, _, y, _, dy = self.grid.transform
        points = np.array(geometry.GetPoints())[:, :2] if geometry.GetPointCount() else np.zeros((0, 2))
        columns = self.left + (points[:, 0] - x) / (dx * self.grid.width) * self.width
        rows = (points[:, 1] - y) / (dy * self.grid.height) * self.height
        places = " ".join(f"{column:.1f},{row:.1f}" for column, row in zip(columns, rows))
        return f"M{places}Z" if places else ""


@gdal_raises()
def scale_bar(frame: MapFrame, metres_per_unit: float) -> list[str]:
    """A bar of a round length, at most a quarter of the map's width."""
    length = round_down(frame.width * metres_per_unit / 4)
    units = length / metres_per_unit
    x, y = frame.left + 14, frame.height - 16
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    return [
        element("rect", x=x - 8, y=y - 20, width=units + 16, height=30, fill="#fff", fill_opacity="0.75"),
        svg_line(x, y, x + units, y, "#222", 3),
        svg_text(x + units / 2, y - 6, text),
        *_north_arrow(frame),
    ]


def _north_arrow(frame: MapFrame) -> list[str]:
    x, y = frame.left + frame.width - 22, 14.0
    return [
        element("rect", x=x - 12, y=y - 8, width=24, height=46, fill="#fff", fill_opacity="0.75"),
        element("path", d=f"M{x:.1f} {y:.1f} l6 18 l-6 -5 l-6 5 Z", fill="#222"),
        svg_text(x, y + 33, "N"),
    ]


@gdal_raises()
def png(grey: NDArray[np.uint8]) -> bytes:
    """A grey picture (h, w) as a PNG file."""
    name = f"/vsimem/ada_mapper_{uuid.uuid4().hex}.png"
    try:
        with quiet_gdal():
            memory = gdal.GetDriverByName("MEM").Create("", grey.shape[1], grey.shape[0], 1, gdal.GDT_Byte)
            memory.GetRasterBand(1).WriteArray(grey)
            gdal.GetDriverByName("PNG").CreateCopy(name, memory)
        file = gdal.VSIFOpenL(name, "rb")
        try:
            size = gdal.VSIStatL(name).size
            return bytes(gdal.VSIFReadL(1, size, file))
        finally:
            gdal.VSIFCloseL(file)
    finally:
        with suppress(RuntimeError):
            gdal.Unlink(name)
