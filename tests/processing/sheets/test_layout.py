"""Sheets as they are printed: what stands where, and that distances are true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsDistanceArea,
    QgsFeature,
    QgsGeometry,
    QgsLayoutItem,
    QgsLayoutItemLegend,
    QgsLegendRenderer,
    QgsMarkerSymbol,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRenderContext,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QRectF
from qgis.PyQt.QtGui import QImage, QPainter

from ada_mapper.processing.sheets import text as sheet_text
from ada_mapper.processing.sheets.layers import style_printed_rate, style_roads
from ada_mapper.processing.sheets.layout import Page, print_picture
from ada_mapper.processing.sheets.plan import (
    plan_sheets,
    zone_of,
)
from ada_mapper.processing.sheets.sheet_set import SheetSet
from ada_mapper.processing.sheets.survey_maps import LAYOUTS, PAPERS
from printed_survey import Survey


@pytest.mark.parametrize("place", [(9.0, 45.0), (11.95, 68.0), (-70.2, -33.4), (102.0, 0.1)])
def test_the_map_has_the_scale_that_is_written(tmp_path, qgis_app, place):
    sheet_set = Survey(tmp_path, [place]).sheet_set()
    with sheet_set.makers()[1]() as page:
        item = page.map
        scale = sheet_set.sheets[0].scale
        assert item.extent().width() == pytest.approx(item.rect().width() / 1000 * scale, rel=1e-6)
        assert page.layout.itemById("scale").text() == sheet_text.scale_text(scale)
        assert item.crs().authid() == zone_of(*place).authid()


@pytest.mark.parametrize("place", [(9.0, 45.0), (11.95, 68.0), (-70.2, -33.4)])
def test_a_kilometre_measures_a_kilometre_on_the_printed_scale_bar(tmp_path, qgis_app, place):
    sheet_set = Survey(tmp_path, [place]).sheet_set(paper="a3_landscape")
    size = Page(sheet_set.sheet_template, QgsProject()).map_size
    sheet_set = replace(sheet_set, sheets=plan_sheets(sheet_set.sheets[0].sites[:1], *size, 10_000, False))
    marks = kilometre(sheet_set.sheets[0].extent.center(), sheet_set.sheets[0].crs)
    sheet_set.layers.project.addMapLayer(marks, False)
    sheet_set.layers.base.append(marks)
    dpi = 200
    with sheet_set.makers()[1]() as page:
        print_picture(page, tmp_path / "sheet.png", dpi)
        bar, item = page.layout.itemById("scale_bar"), page.map
        metres = bar.numberOfSegments() * bar.unitsPerSegment() * (1000 if bar.unitLabel() == "km" else 1)
        bar_box = bar.mapRectToScene(bar.rect())
        map_box = item.mapRectToScene(item.rect())
    picture = pixels(tmp_path / "sheet.png")
    pixel = 25.4 / dpi
    columns = np.flatnonzero(is_magenta(cut_out(picture, map_box, pixel)).any(axis=0))
    gap = int(np.diff(columns).argmax())
    distance = columns[gap + 1 :].mean() - columns[: gap + 1].mean()
    dark = cut_out(picture, bar_box, pixel).max(axis=2) < 110
    row = np.flatnonzero(dark[dark.sum(axis=1).argmax()])
    length = row[-1] - row[0] + 1 - 0.3 / pixel  # without the pen of the outline
    assert distance * pixel == pytest.approx(100.0, abs=0.25)
    assert distance / length * metres == pytest.approx(1000, rel=0.006)


def kilometre(middle: QgsPointXY, crs: QgsCoordinateReferenceSystem) -> QgsVectorLayer:
    """Two magenta points a kilometre of ground apart, from west to east."""
    measure = QgsDistanceArea()
    measure.setSourceCrs(crs, QgsProject().transformContext())
    measure.setEllipsoid("EPSG:7030")
    factor = measure.measureLine(middle, QgsPointXY(middle.x() + 1000, middle.y())) / 1000
    layer = QgsVectorLayer(f"Point?crs={crs.authid()}", "marks", "memory")
    for side in (-500, 500):
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(middle.x() + side / factor, middle.y() - 400)))
        layer.dataProvider().addFeature(feature)
    symbol = QgsMarkerSymbol.createSimple({"name": "square", "color": "#ff00ff", "outline_style": "no", "size": "1.5"})
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    layer.updateExtents()
    return layer


def pixels(path: Path) -> np.ndarray:
    """A picture as (rows, columns, RGB)."""
    image = QImage(str(path)).convertToFormat(QImage.Format.Format_RGB888)
    buffer = image.constBits().asstring(image.sizeInBytes())
    rows = np.frombuffer(buffer, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def cut_out(picture: np.ndarray, box: QRectF, pixel: float) -> np.ndarray:
    """The part of a picture in a box in millimetres."""
    rows = slice(int(box.top() / pixel), int(box.bottom() / pixel) + 1)
    return picture[rows, int(box.left() / pixel) : int(box.right() / pixel) + 1]


def is_magenta(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 0] > 200) & (picture[..., 1] < 80) & (picture[..., 2] > 200)


@pytest.mark.parametrize("paper", [paper.lower().replace(" ", "_") for paper in PAPERS])
def test_every_item_is_filled_stays_on_the_paper_and_covers_no_other(tmp_path, qgis_app, paper):
    survey = Survey(tmp_path, [(9.30, 45.0), (9.301, 45.001), (9.302, 45.0), (9.303, 45.001)])
    dem = survey.dem()
    sheet_set = survey.sheet_set(paper, grouped=True, dem=dem, toward_is_positive=True)
    add_rate_and_roads(sheet_set, tmp_path / "rate.tif")
    for number, maker in enumerate(sheet_set.makers()):
        with maker() as page:
            assert not page.missing, number
            sheet = page.layout.pageCollection().page(0).rect()
            boxes = {}
            for item in page.layout.items():
                if isinstance(item, QgsLayoutItem) and item.id():
                    box = item.mapRectToScene(item.rect())
                    assert sheet.adjusted(5, 5, -5, -5).contains(box), (item.id(), box)
                    boxes[item.id()] = box
            legend = page.layout.itemById("legend")
            size = legend_size(legend)
            assert size.width() <= legend.rect().width() + 0.1 and size.height() <= legend.rect().height() + 0.1
            for first, box in boxes.items():
                for second, other in boxes.items():
                    shared = box.intersected(other)
                    assert first >= second or min(shared.width(), shared.height()) < 0.2, (first, second)


def add_rate_and_roads(sheet_set: SheetSet, rate: Path) -> None:
    layers = sheet_set.layers
    layers.rate = QgsRasterLayer(str(rate), "rate")
    style_printed_rate(layers.rate, "LOS rate (mm/yr)\nnegative: away from the satellite")
    layers.roads = QgsVectorLayer("LineString?crs=EPSG:4326", "roads", "memory")
    road = QgsFeature()
    road.setGeometry(QgsGeometry.fromPolylineXY([QgsPointXY(9.2, 45.0), QgsPointXY(9.4, 45.001)]))
    layers.roads.dataProvider().addFeature(road)
    style_roads(layers.roads)
    layers.project.addMapLayers([layers.rate, layers.roads], False)


def legend_size(legend: QgsLayoutItemLegend) -> Any:
    """What the legend needs (mm)."""
    image = QImage(10, 10, QImage.Format.Format_ARGB32)
    image.setDotsPerMeterX(12_000)
    image.setDotsPerMeterY(12_000)
    painter = QPainter(image)
    context = QgsRenderContext.fromQPainter(painter)
    size = QgsLegendRenderer(legend.model(), legend.legendSettings()).minimumSize(context)
    painter.end()
    return size


def test_the_templates_have_the_ids_of_the_guide(qgis_app):
    labels = {"organisation", "title", "sheet_title", "sheet_number", "credit", "date"}
    furniture = {"map", "scale", "scale_bar", "crs", "north_arrow", "legend"}
    marginalia = {"facts", "approach", "signs", "notes"}
    headings = {f"{name}_heading" for name in ("facts", "legend", "approach", "signs", "notes")}
    wanted = {
        "sheet": labels | furniture | marginalia | headings,
        "overview": labels | furniture | {"index_heading", "index_1"},
        "index": labels | {"index_heading", "index_1"},
    }
    for kind, ids in wanted.items():
        for paper in PAPERS:
            page = Page(LAYOUTS / f"{kind}_{paper.lower().replace(' ', '_')}.qpt", QgsProject())
            found = {item.id() for item in page.layout.items() if isinstance(item, QgsLayoutItem)}
            assert ids <= found, (kind, paper, ids - found)
