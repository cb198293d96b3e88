"""The map of a survey's report: areas and sites by result over a light hillshade, as one SVG drawing."""

from __future__ import annotations

from collections.abc import Sequence

from osgeo import ogr

from ..areas import Area, outlines_of
from ..gdal_errors import gdal_raises
from ..raster import HEIGHTS, BandReader, Grid, checked_band
from ..reports import Drawing, MapFrame, Words, element, legend, png, scale_bar, svg, svg_picture, svg_text, words
from ..terrain import light_hillshade
from ..types import PathLike
from .base_map import BaseMapFrame, frame_around
from .sites import CONFIRMED, NOT_ACCESSIBLE, NOT_CONFIRMED, NOT_VISITED, RESULTS, Site

RESULT_COLOURS = {CONFIRMED: "#009e73", NOT_CONFIRMED: "#d55e00", NOT_ACCESSIBLE: "#8c8c8c", "": "#0072b2"}
"""Of each result, told apart with colour-vision deficiency too; "" is not visited."""
_WIDTH, _MOST_HEIGHT, _LEGEND, _MARGIN = 900.0, 900.0, 44.0, 0.04
_AREA = "#b03a48"
_MOST_LABELS = 120


@gdal_raises()
def survey_map(
    sites: Sequence[Site],
    crs: str,
    areas: Sequence[Area] = (),
    areas_crs: str = "",
    dem: PathLike | None = None,
    tr: Words | None = None,
) -> Drawing:
    """The map of sites in ``crs``, north up, with scale bar and legend; no areas or no DEM leave those out."""
    tr = tr or words()
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
    parts += [_outline(shape, area, drawing, pixel, tr) for shape, area in zip(shapes, areas)]
    parts += [_mark(site, drawing, len(sites) <= _MOST_LABELS, tr) for site in sites]
    parts.append(element("rect", x=left, y=0.5, width=width, height=height, fill="none", stroke="#888"))
    parts += scale_bar(drawing, frame.metres[0] * grid.transform[1] * grid.width / width)
    parts += legend(_entries(sites, bool(shapes), tr), 10, height + 16, 170, 5)
    return svg(_WIDTH, height + _LEGEND, parts, tr("Map of the sites by result"))


def _entries(sites: Sequence[Site], has_areas: bool, tr: Words) -> list[tuple[str, str]]:
    """Colours and meanings of what the map shows, with the numbers of sites."""
    counts = {result: sum(_result(site) == result for site in sites) for result in RESULT_COLOURS}
    entries = [
        (RESULT_COLOURS[result], f"{tr(RESULTS.get(result, NOT_VISITED)).lower()} ({count})")
        for result, count in counts.items()
        if count
    ]
    return [*entries, (_AREA, tr("area of the map"))] if has_areas else entries


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
    if dem is None:
        return element("rect", x=drawing.left, y=0, width=drawing.width, height=drawing.height, fill="#f6f6f3")
    with BandReader(checked_band(dem, HEIGHTS), grid) as reader:
        picture = png(light_hillshade(reader.read(), grid))
    return svg_picture(drawing.left, 0, drawing.width, drawing.height, picture)


def _outline(shape: ogr.Geometry, area: Area, drawing: MapFrame, pixel: float, tr: Words) -> str:
    simple = shape.SimplifyPreserveTopology(pixel / 3)
    return element(
        "path",
        tr("Area {number}", number=area.attributes.get("id")),
        d=drawing.path(simple if simple is not None else shape),
        fill=_AREA,
        fill_opacity="0.22",
        fill_rule="evenodd",
        stroke=_AREA,
        stroke_width="1.2",
    )


def _mark(site: Site, drawing: MapFrame, with_label: bool, tr: Words) -> str:
    x, dx, _, y, _, dy = drawing.grid.transform
    column = drawing.left + (site.x - x) / (dx * drawing.grid.width) * drawing.width
    row = (site.y - y) / (dy * drawing.grid.height) * drawing.height
    result, name = _result(site), str(site.attributes.get("name") or "")
    title = f"{name}: {tr(RESULTS.get(result, NOT_VISITED)).lower()}"
    style = {"fill": RESULT_COLOURS[result], "stroke": "#fff", "stroke_width": "1.4"}
    if result == NOT_CONFIRMED:
        shape = element("rect", title, x=column - 5.5, y=row - 5.5, width=11, height=11, **style)
    elif result == NOT_ACCESSIBLE:
        shape = element("path", title, d=f"M{column:.1f} {row - 7:.1f}l6.5 12h-13z", **style)
    else:
        shape = element("circle", title, cx=column, cy=row, r=6, **style)
    if not with_label:
        return shape
    # A label at the right edge would be cut off.
    aside, anchor = (-9, "end") if column > drawing.left + drawing.width - 50 else (9, "start")
    halo = {"font_size": "11", "font_weight": "bold", "stroke": "#fff", "stroke_width": "3", "paint_order": "stroke"}
    return shape + svg_text(column + aside, row - 4, name, anchor, **halo)
