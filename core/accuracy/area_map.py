"""The map of an accuracy report: hits, misses and false alarms over a light hillshade, as one SVG drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from osgeo import ogr

from ..gdal_errors import gdal_raises
from ..raster import HEIGHTS, LOS_RATE, PROBABILITY, BandReader, Window, checked_band
from ..reports import Drawing, MapFrame, Words, element, legend, png, scale_bar, svg, svg_picture
from ..terrain import light_hillshade
from ..texts import Message
from ..vectors import Burner
from .assessment import FALSE_ALARM, HIT, MISS, NOT_COUNTED, RIGHT, Assessment, JudgedArea

STYLES = {
    HIT: ("#0072b2", Message("found: true area")),
    MISS: ("#d55e00", Message("missed: true area")),
    RIGHT: ("#56b4e9", Message("right: found area")),
    FALSE_ALARM: ("#b3008f", Message("false alarm")),
    NOT_COUNTED: ("#7f7f7f", Message("not counted")),
}
"""Colour and meaning of each result."""
_WIDTH, _MOST_HEIGHT, _LEGEND = 900.0, 1100.0, 64.0
_UNMAPPED = 222


@gdal_raises()
def area_map(assessment: Assessment, areas: Sequence[JudgedArea], tr: Words) -> Drawing:
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
    parts += [_outline(area, frame, tr) for area in drawn]
    parts.append(element("rect", x=left, y=0.5, width=width, height=height, fill="none", stroke="#888"))
    parts += scale_bar(frame, float(east[0]) * grid.width / width)
    present = [result for result in STYLES if any(area.result == result for area in areas)]
    entries = [(STYLES[result][0], tr(STYLES[result][1])) for result in present]
    entries.append((f"rgb({_UNMAPPED},{_UNMAPPED},{_UNMAPPED})", tr("not mapped")))
    parts += legend(entries, 10, height + 14, 300, 3)
    return svg(_WIDTH, height + _LEGEND, parts, tr("Map of hits, misses and false alarms"))


def _outline(area: JudgedArea, frame: MapFrame, tr: Words) -> str:
    """A polygon as a path, simplified to what can be seen, with its attributes as a tooltip."""
    geometry = ogr.CreateGeometryFromWkb(area.polygon)
    pixel = frame.grid.transform[1] * frame.grid.width / frame.width
    simple = geometry.SimplifyPreserveTopology(pixel / 3)
    colour, meaning = STYLES[area.result]
    dash = {"stroke_dasharray": "4 2"} if area.result == RIGHT else {}
    return element(
        "path",
        _tooltip(area, tr(meaning), tr),
        d=frame.path(simple if simple is not None else geometry),
        fill=colour,
        fill_opacity="0" if area.result == RIGHT else "0.35",
        fill_rule="evenodd",
        stroke=colour,
        stroke_width="1.6",
        **dash,
    )


def _tooltip(area: JudgedArea, meaning: str, tr: Words) -> str:
    own = area.properties
    parts = [meaning, f"{own.area_km2:.3f} km²"]
    if math.isfinite(own.los_rate):
        parts.append(tr("|LOS rate| {rate:.0f} mm/yr", rate=own.los_rate))
    return "; ".join((*parts, tr("largest IoU {iou:.2f}", iou=area.iou)))


def _background(assessment: Assessment, frame: MapFrame) -> str:
    """The hillshade of the DEM, white without one, and what was not mapped in grey."""
    coarse = frame.grid.resampled(max(frame.grid.pixel_size, frame.grid.pixel_size * frame.grid.width / frame.width))
    shade = np.full((coarse.height, coarse.width), 255, np.float32)
    data = assessment.data
    if data.dem is not None:
        with BandReader(checked_band(data.dem, HEIGHTS), coarse) as reader:
            shade = light_hillshade(reader.read(), coarse).astype(np.float32)
    unmapped = np.zeros(shade.shape, bool)
    mapped_by = data.probability if data.probability is not None else data.los_rate
    if mapped_by is not None and (data.probability is not None or data.extent is None):
        band = checked_band(mapped_by, LOS_RATE if data.probability is None else PROBABILITY)
        with BandReader(band, coarse, "near") as reader:
            unmapped = ~np.isfinite(reader.read())
    if data.extent is not None:
        unmapped |= ~Burner(data.extent, coarse).mask(Window(0, 0, coarse.width, coarse.height))
    shade = np.where(unmapped, np.float32(_UNMAPPED) - (255 - shade) / 2, shade)
    # The coarse grid may reach a little over the map's edge.
    _, dx, _, _, _, dy = coarse.transform
    wide = dx * coarse.width / (frame.grid.transform[1] * frame.grid.width) * frame.width
    high = dy * coarse.height / (frame.grid.transform[5] * frame.grid.height) * frame.height
    picture = png(np.clip(shade, 0, 255).astype(np.uint8))
    box = element("rect", x=frame.left, y=0, width=frame.width, height=frame.height)
    image = svg_picture(frame.left, 0, wide, high, picture, clip_path="url(#map)")
    return f'<clipPath id="map">{box}</clipPath>{image}'
