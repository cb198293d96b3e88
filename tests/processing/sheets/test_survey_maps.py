"""Printed map sheets: scale, text that fits, templates, faults."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
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
    QgsProcessingException,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsRenderContext,
    QgsSingleSymbolRenderer,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QRectF
from qgis.PyQt.QtGui import QFont, QImage, QPainter

from ada_mapper.core.errors import InputError
from ada_mapper.core.raster import BandDescription, Grid, write_array
from ada_mapper.core.terrain import prepare_relief
from ada_mapper.core.terrain.relief import contour_interval
from ada_mapper.processing.layers import model_credit
from ada_mapper.processing.sheets import text as sheet_text
from ada_mapper.processing.sheets import typesetting
from ada_mapper.processing.sheets.layers import MapLayers, style_printed_areas, style_printed_rate, style_roads
from ada_mapper.processing.sheets.layout import Page, print_picture
from ada_mapper.processing.sheets.plan import (
    SitePlan,
    clear_of_corners,
    fitting_scale,
    grid_interval,
    plan_sheets,
    zone_of,
)
from ada_mapper.processing.sheets.sheet_set import SheetSet, Words, overview_ground
from ada_mapper.processing.sheets.survey_maps import LAYOUTS, PAPERS
from recording_feedback import Feedback

LONG_NAME = "四川省甘孜藏族自治州丹巴县梭坡乡莫洛村古碉群后山滑坡隐患点（重点监测）"


def square(longitude: float, latitude: float, side: float = 0.002) -> QgsGeometry:
    """A square of ``side`` degrees about a place."""
    return QgsGeometry.fromRect(QgsRectangle.fromCenterAndSize(QgsPointXY(longitude, latitude), side, side))


def save(layer: QgsVectorLayer, path: Path) -> str:
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    result = QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), QgsProject().transformContext(), options)
    assert result[0] == QgsVectorFileWriter.WriterError.NoError, result
    return str(path)


class Survey:
    """Areas and sites in degrees, and a DEM of a degree grid, about a place."""

    def __init__(self, folder: Path, places: list[tuple[float, float]], names: list[str] | None = None) -> None:
        self.folder = folder
        self.places = places
        areas = QgsVectorLayer(
            "Polygon?crs=EPSG:4326&field=id:integer&field=orbit:string&field=area_km2:double"
            "&field=los_rate_extreme:double&field=los_rate_mean:double&field=slope_mean:double",
            "areas",
            "memory",
        )
        sites = QgsVectorLayer(
            "Point?crs=EPSG:4326&field=id:integer&field=name:string&field=area_id:integer", "sites", "memory"
        )
        orbits = ("ascending", "descending", "both", "unknown")
        for number, (longitude, latitude) in enumerate(places, 1):
            area = QgsFeature(areas.fields())
            area.setGeometry(square(longitude, latitude))
            area.setAttributes([number, orbits[number % 4], 0.04, -52.4, -20.0, 24.6])
            areas.dataProvider().addFeature(area)
            site = QgsFeature(sites.fields())
            site.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(longitude, latitude)))
            site.setAttributes([number, names[number - 1] if names else f"S{number:02d}", number])
            sites.dataProvider().addFeature(site)
        self.areas = save(areas, folder / "areas.gpkg")
        self.sites = save(sites, folder / "sites.gpkg")

    def dem(self, relief: float = 400.0) -> str:
        """A DEM in degrees, pixels of about 60 m."""
        longitudes, latitudes = zip(*self.places)
        x, y = min(longitudes) - 0.03, max(latitudes) + 0.03
        pixel = 1 / 1800
        width = math.ceil((max(longitudes) - x + 0.03) / pixel)
        height = math.ceil((y - min(latitudes) + 0.03) / pixel)
        rows, columns = np.mgrid[0:height, 0:width]
        heights = relief * (1 + np.sin(rows / 9) * np.cos(columns / 11)).astype(np.float32)
        path = self.folder / "dem.tif"
        grid = Grid("EPSG:4326", (x, pixel, 0.0, y, 0.0, -pixel), width, height)
        write_array(path, grid, heights, BandDescription("dem", "m"))
        rate = (40 * np.sin(rows / 30)).astype(np.float32)
        write_array(self.folder / "rate.tif", grid, rate, BandDescription("los_rate", "mm/yr", (("SIGN", "toward"),)))
        return str(path)

    def parameters(self, **others: Any) -> dict[str, Any]:
        return {"AREAS": self.areas, "SITES": self.sites, "DPI": 96, **others}

    def sheet_set(self, paper: str = "a4_portrait", grouped: bool = False, **others: Any) -> SheetSet:
        """The sheets as the tool makes them."""
        project = QgsProject()
        project.setEllipsoid("EPSG:7030")
        areas = QgsVectorLayer(self.areas, "areas", "ogr")
        style_printed_areas(areas)
        layers = MapLayers(project, areas)
        layers.adopt()
        template = LAYOUTS / f"sheet_{paper}.qpt"
        plans = [
            SitePlan(f"S{number:02d}", *place, {"look_for": "Look. " * 20}, square(*place))
            for number, place in enumerate(self.places, 1)
        ]
        sheets = plan_sheets(plans, *Page(template, project).map_size, None, grouped)
        return SheetSet(
            sheets,
            layers,
            template,
            LAYOUTS / f"overview_{paper}.qpt",
            LAYOUTS / f"index_{paper}.qpt",
            Words("Title", "Organisation", "Credit " * 30),
            self.folder,
            **others,
        )


@pytest.fixture
def survey(tmp_path: Path, qgis_app: Any) -> Survey:
    return Survey(tmp_path, [(9.30, 45.0), (9.31, 45.005), (9.42, 45.05)])


# --- the plan -----------------------------------------------------------------------------------------------------


def test_the_scale_is_the_largest_that_fits(qgis_app):
    box = QgsRectangle(0, 0, 400, 100)
    assert fitting_scale(box, 178, 130, 0.5) == 5000  # 400 m on 89 mm need 1:4494
    assert fitting_scale(QgsRectangle(), 178, 130, 0.5) == 2500
    assert fitting_scale(QgsRectangle(), 178, 130, 0.5, 10_000) == 10_000
    assert fitting_scale(QgsRectangle(0, 0, 45_000, 1), 178, 130, 0.5) == 1_000_000


def test_a_coarse_elevation_model_asks_for_a_smaller_scale(qgis_app):
    site = SitePlan("S01", 9.3, 45.0, {}, square(9.3, 45.0, 0.0005))
    assert plan_sheets([site], 178, 130, None, False)[0].scale == 2500
    assert plan_sheets([site], 178, 130, None, False, 30.0)[0].scale == 5000
    assert plan_sheets([site], 178, 130, 12_345, False, 30.0)[0].scale == 12_345


def test_sites_near_each_other_share_a_sheet_up_to_three(qgis_app):
    near = [SitePlan(f"S{n}", 9.3 + 0.001 * n, 45.0) for n in range(5)]
    far = SitePlan("far", 10.4, 45.0)
    sheets = plan_sheets([far, *near], 178, 130, None, True)
    assert [len(sheet.sites) for sheet in sheets] == [1, 3, 2]
    assert [sheet.number for sheet in sheets] == [1, 2, 3]
    for sheet in sheets:
        for site in sheet.sites:
            assert sheet.extent.contains(site.point(sheet.crs))
    assert len(plan_sheets([far, *near], 178, 130, None, False)) == 6


@pytest.mark.parametrize(
    ("longitude", "latitude", "code"),
    [(6.0, 45, 32632), (5.999, 45, 32631), (102.0, 31, 32648), (-70.2, -33.4, 32719), (179.99, -17, 32760)],
)
def test_each_sheet_has_the_zone_of_its_site(qgis_app, longitude, latitude, code):
    sheet = plan_sheets([SitePlan("S01", longitude, latitude)], 178, 130, None, False)[0]
    assert sheet.crs.authid() == f"EPSG:{code}"
    assert sheet.extent.contains(sheet.sites[0].point(sheet.crs))


def test_convergence_turns_the_other_way_than_true_north(qgis_app):
    sheet = plan_sheets([SitePlan("S01", 11.9, 60.0)], 178, 130, None, False)[0]
    # tan γ = tan Δλ sin φ, with Δλ from the central meridian 9° E.
    expected = math.degrees(math.atan(math.tan(math.radians(2.9)) * math.sin(math.radians(60.0))))
    assert sheet.convergence == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("length", [890, 1000, 1090, 1780, 9000])
@pytest.mark.parametrize("middle", [0.0, 45.0, 100.0, 523_756.0, 4_999_990.0])
def test_grid_lines_stay_clear_of_the_corners(length, middle):
    new = clear_of_corners(middle, length, 200, 45)
    start, end = new - length / 2, new + length / 2
    first, last = math.ceil(start / 200) * 200, math.floor(end / 200) * 200
    assert first - start >= 44.99 and end - last >= 44.99 - 0.001
    assert abs(new - middle) <= 100


def test_grid_lines_are_3_to_8_centimetres_apart():
    for scale in (2500, 5000, 10_000, 12_345, 25_000, 1_000_000):
        assert 0.03 <= grid_interval(scale) / scale <= 0.08


# --- the scale ----------------------------------------------------------------------------------------------------


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


# --- what stands on a sheet ---------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("text", [LONG_NAME, LONG_NAME * 3, "A very long name of a site " * 6, "x" * 300, "S01", ""])
def test_texts_fit_their_labels_and_stay_legible(qgis_app, text):
    font = QFont("DejaVu Sans")
    lines, size = typesetting.fitted(text, font, 13.5, 60, 8)
    assert 6.5 <= size <= 13.5
    assert lines.count("\n") <= 1
    for line in lines.split("\n"):
        assert typesetting.text_width(line, font, size) <= 60
    assert lines.replace("\n", "") == text or lines.endswith("…") or " " in text


def test_short_texts_keep_their_size_and_chinese_breaks_anywhere_but_before_a_comma(qgis_app):
    font = QFont("DejaVu Sans")
    assert typesetting.fitted("S01", font, 13.5, 60, 8) == ("S01", 13.5)
    lines = typesetting.wrapped("滑坡，" * 30, font, 8, 40)
    assert len(lines) > 1 and "".join(lines) == "滑坡，" * 30
    assert not any(line.startswith("，") for line in lines)


def test_the_facts_of_a_site(survey):
    sheet_set = survey.sheet_set()
    facts = dict(sheet_text.facts(replace_attributes(sheet_set.sheets[0], los_rate=-52.4, slope=24.6), True))
    assert facts["LOS rate (mm/yr)"] == "−52, away from satellite"
    assert facts["Slope"] == "25°"
    assert facts["Latitude (WGS 84)"] == "45°00.000′ N"
    assert facts["Easting (32N)"] == "523\u202f642 m" or facts["Easting (32N)"].endswith(" m")
    away = dict(sheet_text.facts(replace_attributes(sheet_set.sheets[0], los_rate=-52.4), False))
    assert away["LOS rate (mm/yr)"] == "−52, toward satellite"


def replace_attributes(sheet: Any, **attributes: Any) -> Any:
    return replace(sheet, sites=tuple(replace(site, attributes=attributes) for site in sheet.sites))


def test_the_way_to_the_nearest_road_is_told(survey):
    sheet = survey.sheet_set().sheets[0]
    point = sheet.sites[0].point(sheet.crs)
    road = QgsGeometry.fromPolylineXY([QgsPointXY(point.x() - 700, point.y() + d) for d in (-5000, 5000)])
    assert "Nearest road 700 m to the west" in sheet_text.approach(sheet, road)
    assert "not known" in sheet_text.approach(sheet, None)
    assert "1.2 km away" in sheet_text.approach(replace_attributes(sheet, road_distance=1204.0), None)


def test_the_credit_tells_the_model_and_that_it_was_trained_on_simulated_scenes(survey):
    layer = QgsVectorLayer(survey.areas, "areas", "ogr")
    assert model_credit(None) == "" and model_credit(layer) == ""
    run = {"version": "0.3.0", "model": "Compact 1.0", "date": "2026-11-22T10:00:00", "parameters": {}}
    layer.setCustomProperty("ada_mapper/run", json.dumps(run))
    text = "Areas: ADA Mapper 0.3.0, 2026-11-22, model Compact 1.0, trained on simulated scenes; not validated"
    assert model_credit(layer) == text
    layer.setCustomProperty("ada_mapper/run", json.dumps({**run, "parameters": {"MODEL": "/models/own.onnx"}}))
    assert "simulated" not in model_credit(layer)
    layer.setCustomProperty("ada_mapper/run", "{broken")
    assert model_credit(layer) == ""


# --- relief -------------------------------------------------------------------------------------------------------


def test_contour_lines_of_a_plane_lie_where_they_should(tmp_path, qgis_app):
    columns = np.arange(120, dtype=np.float32)
    heights = np.broadcast_to(1000 + 3 * columns, (100, 120)).astype(np.float32)  # 3 m a pixel of 10 m
    grid = Grid("EPSG:32632", (500_000.0, 10.0, 0.0, 5_001_000.0, 0.0, -10.0), 120, 100)
    write_array(tmp_path / "dem.tif", grid, heights, BandDescription("dem", "m"))
    relief = prepare_relief(
        tmp_path / "dem.tif", "EPSG:32632", (500_100, 5_000_100, 501_000, 5_000_900), 10_000, tmp_path, "sheet"
    )
    assert relief is not None and relief.interval == 5 and relief.grey is not None
    lines = QgsVectorLayer(str(relief.contours), "lines", "ogr")
    for line in lines.getFeatures():
        x = 500_005 + (line["elevation"] - 1000) / 0.3
        assert line.geometry().boundingBox().xMinimum() == pytest.approx(x, abs=1.5)
        assert line.geometry().boundingBox().xMaximum() == pytest.approx(x, abs=1.5)
    assert lines.featureCount() > 40


def test_level_ground_has_no_contour_lines_and_ground_without_data_no_relief(tmp_path, qgis_app):
    assert contour_interval(np.full((9, 9), 5, np.float32), 10, 5000) == 0
    grid = Grid("EPSG:32632", (500_000.0, 10.0, 0.0, 5_001_000.0, 0.0, -10.0), 50, 50)
    write_array(tmp_path / "dem.tif", grid, np.full((50, 50), np.nan, np.float32), BandDescription("dem", "m"))
    ground = (500_100.0, 5_000_600.0, 500_300.0, 5_000_800.0)
    assert prepare_relief(tmp_path / "dem.tif", "EPSG:32632", ground, 5000, tmp_path, "sheet") is None


# --- the tool -----------------------------------------------------------------------------------------------------


def test_a_pdf_and_pictures_of_all_sheets(tmp_path, run):
    survey = Survey(tmp_path, [(6.0, -33.0), (6.01, -33.001), (5.95, -33.03)], ["甲", LONG_NAME, "c/d [% 1 %]"])
    output, pictures = tmp_path / "out" / "maps.pdf", tmp_path / "pictures"
    dem = survey.dem()
    before = set(QgsProject.instance().mapLayers())
    result = run(
        "surveymaps",
        survey.parameters(DEM=dem, LOS_RATE=str(tmp_path / "rate.tif"), OUTPUT=str(output), PICTURES=str(pictures)),
    )
    assert result["SHEET_COUNT"] == 3 and result["OUTPUT"] == str(output)
    assert output.read_bytes().startswith(b"%PDF") and b"%%EOF" in output.read_bytes()[-64:]
    names = sorted(path.name for path in pictures.iterdir())
    assert len(names) == 4 and names[0] == "overview.png" and names[1].startswith("sheet_1_")
    assert QImage(str(pictures / names[1])).width() == pytest.approx(210 / 25.4 * 96, abs=1)
    assert sorted(path.name for path in output.parent.iterdir()) == ["maps.pdf"]
    assert set(QgsProject.instance().mapLayers()) == before, "the user's project stays as it was"
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", str(output), "-"], capture_output=True, text=True, check=True).stdout
        assert "Sheet 3 of 3" in text and "EPSG:32732" in text and "EPSG:32731" in text
        assert "33°00.000′ S" in text and "[ % 1 %]" in text


def test_a_list_too_long_for_the_overview_goes_on(tmp_path, qgis_app):
    places = [(9.0 + 0.02 * (n % 10), 45.0 + 0.02 * (n // 10)) for n in range(130)]
    sheet_set = Survey(tmp_path, places).sheet_set()
    assert len(sheet_set.makers()) == len(sheet_set.names()) == 132
    assert sheet_set.names()[:3] == ["overview", "list_2", "sheet_001_S01"]
    listed = []
    for maker in sheet_set.makers()[:2]:
        with maker() as page:
            for name in ("index_1", "index_2"):
                table = page.layout.itemById(name).multiFrame()
                rows = [row[0].content() for row in table.tableContents()]
                assert rows[0] == "Site"
                listed += rows[1:]
                frame = page.layout.itemById(name)
                assert table.totalSize().height() <= frame.rect().height() + 0.01
    assert listed == [f"S{number:02d}" for number in range(1, 131)]


def test_a_cancelled_run_leaves_nothing(survey, run, tmp_path):
    output, pictures = tmp_path / "maps.pdf", tmp_path / "pictures"
    with pytest.raises(QgsProcessingException, match="cancelled"):
        run(
            "surveymaps",
            survey.parameters(OUTPUT=str(output), PICTURES=str(pictures)),
            Feedback(cancel_at=40),
        )
    assert not output.exists() and not pictures.exists()
    assert not list(tmp_path.glob(".*"))


def test_an_own_template_may_lack_items_and_the_user_is_told(survey, run, tmp_path):
    template = tmp_path / "own.qpt"
    text = (LAYOUTS / "sheet_a4_portrait.qpt").read_text(encoding="utf-8")
    template.write_text(text.replace('id="scale_bar"', 'id="my bar"').replace('id="facts"', 'id=""'), encoding="utf-8")
    feedback = Feedback()
    run("surveymaps", survey.parameters(TEMPLATE=str(template), OUTPUT=str(tmp_path / "maps.pdf")), feedback)
    assert "own.qpt has no items with these ids, so nothing is written there: facts, scale_bar." in feedback.log


@pytest.mark.parametrize(
    ("text", "message"), [("not xml", "is not a layout template"), ("<Layout/>", "is not a layout template")]
)
def test_a_file_that_is_no_template_is_refused(survey, run, tmp_path, text, message):
    (tmp_path / "own.qpt").write_text(text)
    with pytest.raises(QgsProcessingException, match=message):
        run("surveymaps", survey.parameters(TEMPLATE=str(tmp_path / "own.qpt"), OUTPUT=str(tmp_path / "maps.pdf")))


def test_faults_are_told_in_a_sentence(survey, run, tmp_path):
    with pytest.raises(QgsProcessingException, match="Neither a PDF nor"):
        run("surveymaps", {**survey.parameters(), "OUTPUT": None})
    with pytest.raises(QgsProcessingException, match=r"does not end in \.pdf"):
        run("surveymaps", survey.parameters(OUTPUT=str(tmp_path / "maps.doc")))
    empty = save(QgsVectorLayer("Point?crs=EPSG:4326&field=name:string", "none", "memory"), tmp_path / "none.gpkg")
    with pytest.raises(QgsProcessingException, match="has no points"):
        run("surveymaps", survey.parameters(SITES=empty, OUTPUT=str(tmp_path / "maps.pdf")))
    nowhere = QgsVectorLayer("Point?field=name:string", "nowhere", "memory")
    nowhere.setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(QgsProcessingException, match="no coordinate reference system"):
        run("surveymaps", survey.parameters(SITES=nowhere, OUTPUT=str(tmp_path / "maps.pdf")))
    (tmp_path / "file").write_text("")
    with pytest.raises(QgsProcessingException, match="can't be written"):
        run("surveymaps", survey.parameters(OUTPUT=str(tmp_path / "file" / "maps.pdf")))


def test_sites_on_two_continents_have_no_common_map(tmp_path, qgis_app):
    with pytest.raises(InputError, match="too far apart"):
        overview_ground(Survey(tmp_path, [(9.3, 45.0), (102.0, 31.0)]).sheet_set().sheets, 178, 130)


def test_the_overview_shows_all_sheets_across_the_date_line(tmp_path, qgis_app):
    sheets = Survey(tmp_path, [(179.98, -17.0), (-179.97, -17.1)]).sheet_set().sheets
    crs, extent, scale = overview_ground(sheets, 178, 130)
    assert scale <= 250_000
    for sheet in sheets:
        assert extent.contains(sheet.sites[0].point(crs))


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
