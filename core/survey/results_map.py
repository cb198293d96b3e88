"""The map of a survey's report: areas and sites by result over a light hillshade, as one SVG drawing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np
from osgeo import ogr

from ..areas import Area, outlines_of
from ..progress import QUIET
from ..raster import BandReader, Grid, with_undeclared_nodata
from ..reports import MapFrame, legend, png, scale_bar, svg, svg_text
from ..terrain import hillshade
from ..types import PathLike
from .base_map import BaseMapFrame, frame_around
from .sites import CONFIRMED, NOT_ACCESSIBLE, NOT_CONFIRMED, RESULTS, Site

RESULT_COLOURS = {CONFIRMED: "#009e73", NOT_CONFIRMED: "#d55e00", NOT_ACCESSIBLE: "#8c8c8c", "": "#0072b2"}
"""Of each result, told apart with colour-vision deficiency too; "" is not visited."""
_WIDTH, _MOST_HEIGHT, _LEGEND, _MARGIN = 900.0, 900.0, 44.0, 0.04
_AREA = "#b03a48"
_MOST_LABELS = 120


def survey_map(
    sites: Sequence[Site], crs: str, areas: Sequence[Area] = (), areas_crs: str = "", dem: PathLike | None = None
) -> str:
    """The map of sites in ``crs``, north up, with scale bar and legend; no areas or no DEM leave those out."""
    shapes = outlines_of(areas, areas_crs).geometries(crs)
    frame = _wide_enough(frame_around(sites, crs, areas, areas_crs or crs, 200.0), shapes)
    x_min, y_min, x_max, y_max = frame.bounds
    ground = (x_max - x_min) * frame.metres[0], (y_max - y_min) * frame.metres[1]
    grid = frame.grid(max(ground[0] / _WIDTH, ground[1] / _MOST_HEIGHT), int(_WIDTH))
    scale = min(_WIDTH / grid.width, _MOST_HEIGHT / grid.height)
    width, height = grid.width * scale, grid.height * scale
    left = (_WIDTH - width) / 2
    drawing = MapFrame(grid, left, width, height)
    pixel = grid.transform[1] * grid.width / width
    parts = [_background(dem, grid, drawing)]
    parts += [_outline(shape, area, drawing, pixel) for shape, area in zip(shapes, areas)]
    parts += [_mark(site, drawing, len(sites) <= _MOST_LABELS) for site in sites]
    parts.append(f'<rect x="{left:.1f}" y="0.5" width="{width:.1f}" height="{height:.1f}" fill="none" stroke="#888"/>')
    parts += scale_bar(drawing, frame.metres[0] * grid.transform[1] * grid.width / width)
    parts += legend(_entries(sites, bool(shapes)), 10, height + 16, 170, 5)
    return svg(_WIDTH, height + _LEGEND, parts, "Map of the sites by result")


def _entries(sites: Sequence[Site], has_areas: bool) -> list[tuple[str, str]]:
    """Colours and meanings of what the map shows, with the numbers of sites."""
    counts = {result: sum(_result(site) == result for site in sites) for result in RESULT_COLOURS}
    entries = [
        (RESULT_COLOURS[result], f"{RESULTS.get(result, 'Not visited').lower()} ({count})")
        for result, count in counts.items()
        if count
    ]
    return [*entries, (_AREA, "area of the map")] if has_areas else entries


def _result(site: Site) -> str:
    result = str(site.attributes.get("result") or "")
    return result if result in RESULTS else ""


def _wide_enough(frame: BaseMapFrame, shapes: Sequence[ogr.Geometry]) -> BaseMapFrame:
    """The frame with all areas in it and a margin around."""
    boxes = [frame.bounds] + [(box[0], box[2], box[1], box[3]) for box in (shape.GetEnvelope() for shape in shapes)]
    x_min, y_min = (min(box[side] for box in boxes) for side in (0, 1))
    x_max, y_max = (max(box[side] for box in boxes) for side in (2, 3))
    aside = _MARGIN * max((x_max - x_min), (y_max - y_min) * frame.metres[1] / frame.metres[0])
    above = aside * frame.metres[0] / frame.metres[1]
    return BaseMapFrame(frame.crs, (x_min - aside, y_min - above, x_max + aside, y_max + above), frame.metres)


def _background(dem: PathLike | None, grid: Grid, drawing: MapFrame) -> str:
    place = f'x="{drawing.left:.1f}" y="0" width="{drawing.width:.1f}" height="{drawing.height:.1f}"'
    if dem is None:
        return f'<rect {place} fill="#f6f6f3"/>'
    with BandReader(with_undeclared_nodata(dem, "DEM", False, QUIET), grid) as reader:
        shade = hillshade(reader.read(), grid)
    picture = base64.b64encode(png(np.clip(shade, 0, 255).astype(np.uint8))).decode("ascii")
    return f'<image {place} preserveAspectRatio="none" href="data:image/png;base64,{picture}"/>'


def _outline(shape: ogr.Geometry, area: Area, drawing: MapFrame, pixel: float) -> str:
    simple = shape.SimplifyPreserveTopology(pixel / 3)
    title = f"Area {area.attributes.get('id')}"
    return (
        f'<path d="{drawing.path(simple if simple is not None else shape)}" fill="{_AREA}" fill-opacity="0.22" '
        f'fill-rule="evenodd" stroke="{_AREA}" stroke-width="1.2"><title>{escape(title)}</title></path>'
    )


def _mark(site: Site, drawing: MapFrame, with_label: bool) -> str:
    x, dx, _, y, _, dy = drawing.grid.transform
    column = drawing.left + (site.x - x) / (dx * drawing.grid.width) * drawing.width
    row = (site.y - y) / (dy * drawing.grid.height) * drawing.height
    result, name = _result(site), str(site.attributes.get("name") or "")
    style = f'fill="{RESULT_COLOURS[result]}" stroke="#fff" stroke-width="1.4"'
    shape = f'<circle cx="{column:.1f}" cy="{row:.1f}" r="6" {style}>'
    end = "circle"
    if result == NOT_CONFIRMED:
        shape, end = f'<rect x="{column - 5.5:.1f}" y="{row - 5.5:.1f}" width="11" height="11" {style}>', "rect"
    elif result == NOT_ACCESSIBLE:
        shape, end = f'<path d="M{column:.1f} {row - 7:.1f}l6.5 12h-13z" {style}>', "path"
    text = f"<title>{escape(name)}: {escape(RESULTS.get(result, 'Not visited').lower())}</title>"
    halo = ' font-size="11" font-weight="bold" stroke="#fff" stroke-width="3" paint-order="stroke"'
    # A label at the right edge would be cut off.
    is_right = column > drawing.left + drawing.width - 50
    label = svg_text(column + (-9 if is_right else 9), row - 4, name, "end" if is_right else "start", halo)
    return f"{shape}{text}</{end}>" + (label if with_label else "")
