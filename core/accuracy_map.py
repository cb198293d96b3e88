"""The map of an accuracy report: hits, misses and false alarms over a light hillshade, as one SVG drawing."""

from __future__ import annotations

import base64
import math
import uuid
from collections.abc import Sequence
from contextlib import suppress
from html import escape

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr

from .assessment import FALSE_ALARM, HIT, MISS, NOT_COUNTED, RIGHT, Assessment, JudgedArea
from .charts import legend
from .html import svg, svg_line, svg_text
from .judged_ground import Burner
from .nodata import with_undeclared_nodata
from .polygons import quiet_gdal
from .progress import Progress
from .raster import Array, BandReader, Grid, Window

STYLES = {
    HIT: ("#0072b2", "found: true area"),
    MISS: ("#d55e00", "missed: true area"),
    RIGHT: ("#56b4e9", "right: found area"),
    FALSE_ALARM: ("#b3008f", "false alarm"),
    NOT_COUNTED: ("#7f7f7f", "not counted"),
}
"""Colour and meaning of each result."""
_WIDTH, _MOST_HEIGHT, _LEGEND = 900.0, 1100.0, 64.0
_UNMAPPED = 222


def area_map(assessment: Assessment, areas: Sequence[JudgedArea]) -> str:
    """The areas on the assessment's grid, north up, with legend, scale bar and the coordinates of the frame."""
    grid = assessment.grid
    scale = min(_WIDTH / grid.width, _MOST_HEIGHT / grid.height)
    east, north = grid.metres_per_pixel(np.array([grid.height // 2]))
    # Degrees of longitude are shorter than those of latitude away from the equator.
    stretch = float(east[0] / north[0])
    width, height = (grid.width * scale * min(stretch, 1), grid.height * scale / max(stretch, 1))
    left = (_WIDTH - width) / 2
    frame = MapFrame(grid, left, width, height)
    parts = [_background(assessment, frame)]
    drawn = sorted(areas, key=lambda area: list(STYLES).index(area.result), reverse=True)
    parts += [frame.outline(area) for area in drawn]
    parts.append(f'<rect x="{left:.1f}" y="0.5" width="{width:.1f}" height="{height:.1f}" fill="none" stroke="#888"/>')
    parts += scale_bar(frame, float(east[0]) * grid.width / width)
    present = [result for result in STYLES if any(area.result == result for area in areas)]
    entries = [(STYLES[result][0], STYLES[result][1]) for result in present]
    entries.append((f"rgb({_UNMAPPED},{_UNMAPPED},{_UNMAPPED})", "not mapped"))
    parts += legend(entries, 10, height + 14, 300, 3)
    return svg(_WIDTH, height + _LEGEND, parts, "Map of hits, misses and false alarms")


class MapFrame:
    """From the grid's coordinates to the drawing's."""

    def __init__(self, grid: Grid, left: float, width: float, height: float) -> None:
        self.grid, self.left, self.width, self.height = grid, left, width, height

    def outline(self, area: JudgedArea) -> str:
        """A polygon as a path, simplified to what can be seen, with its attributes as a tooltip."""
        geometry = ogr.CreateGeometryFromWkb(area.polygon)
        pixel = self.grid.transform[1] * self.grid.width / self.width
        simple = geometry.SimplifyPreserveTopology(pixel / 3)
        colour, meaning = STYLES[area.result]
        dash = ' stroke-dasharray="4 2"' if area.result == RIGHT else ""
        fill = 0.0 if area.result == RIGHT else 0.35
        return (
            f'<path d="{self.path(simple if simple is not None else geometry)}" fill="{colour}" '
            f'fill-opacity="{fill:g}" fill-rule="evenodd" stroke="{colour}" stroke-width="1.6"{dash}>'
            f"<title>{escape(_tooltip(area, meaning))}</title></path>"
        )

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


def _tooltip(area: JudgedArea, meaning: str) -> str:
    own = area.properties
    rate = f", |LOS rate| {own.los_rate:.0f} mm/yr" if math.isfinite(own.los_rate) else ""
    return f"{meaning}; {own.area_km2:.3f} km²{rate}; largest IoU {area.iou:.2f}"


def scale_bar(frame: MapFrame, metres_per_unit: float) -> list[str]:
    """A bar of a round length, at most a quarter of the map's width."""
    longest = frame.width * metres_per_unit / 4
    power = 10.0 ** math.floor(math.log10(longest))
    length = max(factor * power for factor in (1, 2, 5) if factor * power <= longest)
    units = length / metres_per_unit
    x, y = frame.left + 14, frame.height - 16
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    box = (
        f'<rect x="{x - 8:.1f}" y="{y - 20:.1f}" width="{units + 16:.1f}" height="30" fill="#fff" fill-opacity="0.75"/>'
    )
    return [
        box,
        svg_line(x, y, x + units, y, "#222", 3),
        svg_text(x + units / 2, y - 6, text),
        *_north_arrow(frame),
    ]


def _north_arrow(frame: MapFrame) -> list[str]:
    x, y = frame.left + frame.width - 22, 14.0
    return [
        f'<rect x="{x - 12:.1f}" y="{y - 8:.1f}" width="24" height="46" fill="#fff" fill-opacity="0.75"/>',
        f'<path d="M{x:.1f} {y:.1f} l6 18 l-6 -5 l-6 5 Z" fill="#222"/>',
        svg_text(x, y + 33, "N"),
    ]


def _background(assessment: Assessment, frame: MapFrame) -> str:
    """The hillshade of the DEM, white without one, and what was not mapped in grey."""
    coarse = frame.grid.resampled(max(frame.grid.pixel_size, frame.grid.pixel_size * frame.grid.width / frame.width))
    shade = np.full((coarse.height, coarse.width), 255, np.float32)
    data = assessment.data
    if data.dem is not None:
        with BandReader(with_undeclared_nodata(data.dem, "DEM", False, Progress()), coarse) as reader:
            shade = hillshade(reader.read(), coarse)
    unmapped = np.zeros(shade.shape, bool)
    mapped_by = data.probability if data.probability is not None else data.los_rate
    if mapped_by is not None and (data.probability is not None or data.extent is None):
        is_rate = data.probability is None
        band = with_undeclared_nodata(mapped_by, "LOS rate" if is_rate else "probability", is_rate, Progress())
        with BandReader(band, coarse, "near") as reader:
            unmapped = ~np.isfinite(reader.read())
    if data.extent is not None:
        unmapped |= ~Burner(data.extent, coarse).mask(Window(0, 0, coarse.width, coarse.height))
    shade = np.where(unmapped, np.float32(_UNMAPPED) - (255 - shade) / 2, shade)
    # The coarse grid may reach a little over the map's edge.
    _, dx, _, _, _, dy = coarse.transform
    wide = dx * coarse.width / (frame.grid.transform[1] * frame.grid.width) * frame.width
    high = dy * coarse.height / (frame.grid.transform[5] * frame.grid.height) * frame.height
    picture = base64.b64encode(png(np.clip(shade, 0, 255).astype(np.uint8))).decode("ascii")
    clip = (
        f'<clipPath id="map"><rect x="{frame.left:.1f}" y="0" width="{frame.width:.1f}" height="{frame.height:.1f}"/>'
    )
    return (
        f'{clip}</clipPath><image clip-path="url(#map)" x="{frame.left:.1f}" y="0" width="{wide:.1f}" '
        f'height="{high:.1f}" preserveAspectRatio="none" href="data:image/png;base64,{picture}"/>'
    )


def hillshade(heights: Array, grid: Grid) -> Array:
    """Light greys (190–255) of terrain lit from the north-west, 45° high."""
    filled = np.where(np.isfinite(heights), heights, np.nanmedian(heights) if np.isfinite(heights).any() else 0)
    if min(filled.shape) < 2:
        return np.full(filled.shape, 255, np.float32)
    east, north = grid.metres_per_pixel(np.array([grid.height // 2]))
    to_south, to_east = np.gradient(filled, float(north[0]), float(east[0]))
    light = (1 + (to_east + to_south) / math.sqrt(2)) / np.sqrt(2 * (1 + to_east**2 + to_south**2))
    return np.asarray(190 + 65 * np.clip(light, 0, 1), np.float32)


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
