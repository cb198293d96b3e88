"""The Review step as a user drives it: keys and clicks, the map, what is saved, what happens when things go missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.gui import QgsMapToolPan
from qgis.PyQt.QtCore import QPoint, QSize, Qt
from qgis.PyQt.QtTest import QTest

from ada_mapper.processing.layers import review
from ada_mapper.ui.review import ReviewStep
from ada_mapper.ui.step import StepContext

SIDE, PIXEL, LEFT, TOP = 60, 30.0, 500_000.0, 5_000_000.0


FIELDS = (
    "field=id:integer&field=orbit:string&field=area_km2:double&field=probability_mean:double"
    "&field=probability_max:double&field=los_rate_mean:double&field=los_rate_extreme:double&field=aspect:double"
    "&field=longitude:double&field=latitude:double"
)


AREAS = {1: (0.09, 0.5, -10.0), 2: (0.05, 0.9, 40.0), 3: (0.02, 0.7, -70.0)}


"""Size, probability and rate of the areas, whose squares lie beside each other."""


def square(number: int) -> QgsGeometry:
    """The outline of an area: ten pixels by ten."""
    x, y = LEFT + PIXEL * (5 + 18 * (number - 1)), TOP - PIXEL * 35
    corners = [(x, y), (x + 300, y), (x + 300, y + 300), (x, y + 300)]
    return QgsGeometry.fromMultiPolygonXY([[[QgsPointXY(*corner) for corner in corners]]])


def memory_layer(crs: str = "EPSG:32632") -> QgsVectorLayer:
    """The three areas without review."""
    layer = QgsVectorLayer(f"MultiPolygon?crs={crs}&{FIELDS}", "areas", "memory")
    features = []
    for number, (size, probability, rate) in AREAS.items():
        feature = QgsFeature(layer.fields())
        feature.setAttributes([number, "ascending", size, probability, probability, rate, rate, 180.0, 9.0, 45.1])
        feature.setGeometry(square(number))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


@pytest.fixture
def layer(project: QgsProject, tmp_path: Path) -> QgsVectorLayer:
    """The areas in a GeoPackage of the project."""
    options = QgsVectorFileWriter.SaveVectorOptions()
    path = str(tmp_path / "areas.gpkg")
    QgsVectorFileWriter.writeAsVectorFormatV3(memory_layer(), path, project.transformContext(), options)
    layer = QgsVectorLayer(path, "areas", "ogr")
    project.setCrs(QgsCoordinateReferenceSystem("EPSG:32632"))
    project.addMapLayer(layer)
    return layer


@pytest.fixture
def step(context: StepContext) -> Iterator[ReviewStep]:
    """The step, visible, at the width of a dock."""
    canvas = context.iface.mapCanvas()
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32632"))
    canvas.resize(400, 300)
    instance = ReviewStep(context)
    instance.resize(380, 800)
    instance.show()
    yield instance
    instance.hide()
    instance.deleteLater()


@pytest.fixture
def told(context: StepContext, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the message bar was asked to warn of."""
    messages: list[str] = []
    bar = context.iface.messageBar()
    monkeypatch.setattr(bar, "pushMessage", lambda _title, text, _level: messages.append(text))
    return messages


def show(step: ReviewStep, layer: QgsVectorLayer | None) -> None:
    """Let the step review a layer."""
    step.context.state.set_layer("areas", layer)
    step.refresh()


def current(step: ReviewStep) -> int:
    """The id of the area that is shown."""
    return step.session.feature()["id"]


def saved(layer: QgsVectorLayer) -> dict[int, Any]:
    """Decisions in the file, read by another layer."""
    copy = QgsVectorLayer(layer.source(), "copy", "ogr")
    return {feature["id"]: review.decision_of(feature["review"]) for feature in copy.getFeatures()}


def press(step: ReviewStep, key: str) -> None:
    """Press a key while the step has the focus."""
    step.activateWindow()
    step.form.next.setFocus()
    QTest.keyClick(step.form.next, getattr(Qt.Key, f"Key_{key}"))


def test_a_review_by_keyboard(step: ReviewStep, layer: QgsVectorLayer) -> None:
    """Start, accept, reject, unsure by A, R, U: saved at once, the map follows, the status counts."""
    show(step, layer)
    assert step.status().next_action == "Start the review"
    step.do_next()
    assert layer.styleManager().currentStyle() == "review"
    canvas = step.context.iface.mapCanvas()
    assert current(step) == 1
    press(step, "A")
    assert saved(layer) == {1: "accepted", 2: None, 3: None}
    assert current(step) == 2
    assert canvas.extent().contains(square(2).boundingBox())
    assert canvas.extent().width() > 2 * square(2).boundingBox().width()
    press(step, "R")
    assert step.status().there == "2 of 3 reviewed: 1 accepted, 1 rejected, 0 unsure"
    press(step, "U")
    assert saved(layer) == {1: "accepted", 2: "rejected", 3: "unsure"}
    assert step.status().state == "done"
    assert step.status().next_action == "Use as labels"
    assert step.form.bar.value() == 3


def test_going_about(step: ReviewStep, layer: QgsVectorLayer) -> None:
    """N, P and the arrows go round; orders differ; going on after a decision can be switched off."""
    show(step, layer)
    visited = []
    for key in ("N", "Right", "N", "P", "Left"):
        press(step, key)
        visited.append(current(step))
    assert visited == [2, 3, 1, 3, 2]
    firsts = {}
    for order in ("size", "rate", "probability"):
        step.form.order.setCurrentIndex(step.form.order.findData(order))
        step.form.order.activated.emit(step.form.order.currentIndex())
        firsts[order] = current(step)
    assert firsts == {"size": 1, "rate": 3, "probability": 2}
    step.form.advance.setChecked(False)
    press(step, "A")
    assert current(step) == 2
    assert step.form.decisions["accepted"].isChecked()
    step.form.order.setCurrentIndex(step.form.order.findData("unreviewed"))
    step.form.order.activated.emit(step.form.order.currentIndex())
    assert current(step) == 1
    assert not step.form.decisions["accepted"].isChecked()
    step.form.advance.setChecked(True)


def test_a_note_is_typed_and_kept(step: ReviewStep, layer: QgsVectorLayer) -> None:
    """Letters in the note are no decisions; it is saved on Enter, on going on, and with a decision."""
    show(step, layer)
    note = step.form.note
    note.setFocus()
    QTest.keyClicks(note, "narrow, a road")
    QTest.keyClick(note, Qt.Key.Key_Return)
    assert layer.getFeature(step.session.feature_id)["review_note"] == "narrow, a road"
    assert review.count_decisions(layer) == {"": 3}
    press(step, "N")
    assert note.text() == ""
    note.setFocus()
    QTest.keyClicks(note, "scarp")
    QTest.mouseClick(step.form.decisions["accepted"], Qt.MouseButton.LeftButton)
    notes = {feature["id"]: feature["review_note"] for feature in layer.getFeatures()}
    assert notes[2] == "scarp"
    QTest.mouseClick(step.form.previous, Qt.MouseButton.LeftButton)
    assert note.text() == "scarp"


def test_a_note_that_cannot_be_saved_stays_in_its_field(
    step: ReviewStep, layer: QgsVectorLayer, told: list[str]
) -> None:
    """Neither Enter nor a decision throws the words away."""
    review.prepare_review(layer)
    layer.setReadOnly(True)
    show(step, layer)
    note = step.form.note
    note.setFocus()
    QTest.keyClicks(note, "a scarp")
    QTest.keyClick(note, Qt.Key.Key_Return)
    QTest.mouseClick(step.form.decisions["accepted"], Qt.MouseButton.LeftButton)
    assert note.text() == "a scarp" and told
    layer.setReadOnly(False)
    QTest.mouseClick(step.form.decisions["accepted"], Qt.MouseButton.LeftButton)
    assert next(layer.getFeatures())["review_note"] == "a scarp"


def test_a_decision_is_taken_back(step: ReviewStep, layer: QgsVectorLayer) -> None:
    show(step, layer)
    step.form.advance.setChecked(False)
    press(step, "U")
    assert step.form.take_back.isEnabled()
    QTest.mouseClick(step.form.take_back, Qt.MouseButton.LeftButton)
    assert saved(layer)[1] is None
    assert not step.form.take_back.isEnabled()
    step.form.advance.setChecked(True)


def test_the_outline_drawn_anew_on_the_map(step: ReviewStep, layer: QgsVectorLayer) -> None:
    """Clicks on the map make a polygon; the area gets it, its size follows, and QGIS's tool comes back."""
    show(step, layer)
    canvas = step.context.iface.mapCanvas()
    step.go(1)
    before = canvas.mapTool()
    step.form.draw_anew.trigger()
    assert not step.form.editing.isHidden()
    viewport = canvas.viewport()
    for x, y in ((150, 100), (250, 100), (250, 200)):
        QTest.mouseMove(viewport, QPoint(x, y))
        QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(x, y))
    QTest.mouseClick(viewport, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, QPoint(250, 200))
    area = next(feature for feature in layer.getFeatures() if feature["id"] == 2)
    expected = 0.5 * (100 * canvas.mapUnitsPerPixel()) ** 2 / 1e6
    assert area["area_km2"] == pytest.approx(expected, rel=0.02)
    assert bool(area["outline_changed"])
    assert step.form.editing.isHidden()
    assert canvas.mapTool() is before
    assert not layer.isEditable()


def test_drawing_is_given_up_by_escape_and_by_going_on(step: ReviewStep, layer: QgsVectorLayer) -> None:
    show(step, layer)
    canvas = step.context.iface.mapCanvas()
    step.form.draw_anew.trigger()
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert not step.map.is_drawing
    step.form.draw_anew.trigger()
    step.go(1)
    assert not step.map.is_drawing
    assert step.form.editing.isHidden()


def test_another_tool_takes_over_while_an_outline_is_drawn(step: ReviewStep, layer: QgsVectorLayer) -> None:
    """The tool from before is not woken for a moment, to be left on beside the new one."""
    show(step, layer)
    canvas = step.context.iface.mapCanvas()
    before, after = QgsMapToolPan(canvas), QgsMapToolPan(canvas)
    states: list[str] = []
    before.activated.connect(lambda: states.append("on"))
    before.deactivated.connect(lambda: states.append("off"))
    canvas.setMapTool(before)
    step.form.draw_anew.trigger()
    canvas.setMapTool(after)
    assert states == ["on", "off"]
    assert canvas.mapTool() is after and not step.map.is_drawing and step.form.editing.isHidden()
    canvas.unsetMapTool(after)


def test_vertices_are_moved_with_the_tool_of_qgis(
    step: ReviewStep, layer: QgsVectorLayer, wait_until: Callable[..., None]
) -> None:
    """The layer goes into a session; what a tool of QGIS changes there is measured when it is saved."""
    show(step, layer)
    step.context.iface.actionVertexToolActiveLayer = MagicMock()
    step.form.edit_vertices.trigger()
    step.context.iface.actionVertexToolActiveLayer().trigger.assert_called_once()
    assert layer.isEditable() and not step.form.editing.isHidden()
    fid = step.session.feature_id
    layer.changeGeometry(fid, QgsGeometry.fromWkt("MultiPolygon (((0 0, 100 0, 100 100, 0 100, 0 0)))"))
    QTest.mouseClick(step.form.save_outline, Qt.MouseButton.LeftButton)
    wait_until(
        lambda: layer.getFeature(fid)["outline_changed"] is True or layer.getFeature(fid)["outline_changed"] == 1
    )
    assert layer.getFeature(fid)["area_km2"] == pytest.approx(0.01, rel=0.05)
    assert not layer.isEditable() and step.form.editing.isHidden()
    step.form.edit_vertices.trigger()
    layer.changeGeometry(fid, square(1))
    step.decide("accepted")
    assert saved(layer)[1] == "accepted"
    QTest.mouseClick(step.form.discard_outline, Qt.MouseButton.LeftButton)
    assert layer.getFeature(fid).geometry().boundingBox().xMinimum() == 0


def test_a_session_of_the_user_is_ended_by_the_user(step: ReviewStep, layer: QgsVectorLayer) -> None:
    """The step neither saves nor discards edits that were made before it asked for any."""
    show(step, layer)
    step.context.iface.actionVertexToolActiveLayer = MagicMock()
    layer.startEditing()
    layer.changeAttributeValue(step.session.feature_id, layer.fields().indexOf("orbit"), "descending")
    step.form.edit_vertices.trigger()
    assert "QGIS's own buttons" in step.form.editing_text.text() and not step.form.editing.isHidden()
    assert step.form.save_outline.isHidden() and step.form.discard_outline.isHidden()
    step.session.end_editing(False)
    assert layer.isModified()
    layer.rollBack()
    assert step.form.editing.isHidden()
    step.form.edit_vertices.trigger()
    assert not step.form.discard_outline.isHidden()
    step.session.end_editing(False)


def write_raster(path: Path, values: np.ndarray, unit: str = "") -> str:
    """A raster of 30 m pixels in UTM zone 32."""
    height, width = values.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), width, height, 1, gdal.GDT_Float32)
    dataset.SetProjection(QgsCoordinateReferenceSystem("EPSG:32632").toWkt())
    dataset.SetGeoTransform((LEFT, PIXEL, 0, TOP, 0, -PIXEL))
    dataset.GetRasterBand(1).SetUnitType(unit)
    dataset.GetRasterBand(1).SetNoDataValue(-9999)
    dataset.GetRasterBand(1).WriteArray(values)
    dataset = None
    return str(path)


def add_evidence(step: ReviewStep, folder: Path) -> None:
    """A DEM, a LOS rate, and a folder of five dates in which area 1 moves away by 4 mm a pair."""
    rows, _ = np.mgrid[:SIDE, :SIDE]
    layers = {"dem": (1000 - 10.0 * rows, "m"), "los_rate": (np.full((SIDE, SIDE), -20.0), "mm/yr")}
    for role, (values, unit) in layers.items():
        raster = QgsRasterLayer(write_raster(folder / f"{role}.tif", values, unit), role)
        QgsProject.instance().addMapLayer(raster)
        step.context.state.set_layer(role, raster)
    pairs = folder / "pairs"
    pairs.mkdir()
    for index in range(4):
        days = [date(2022, 1, 1) + timedelta(days=12 * number) for number in (index, index + 1)]
        phase = np.zeros((SIDE, SIDE)) + 0.3 * index + 1
        phase[25:35, 5:15] += 4 * 4 * np.pi / 55.465763
        write_raster(pairs / f"{days[0]:%Y%m%d}_{days[1]:%Y%m%d}.unw.tif", phase)
    step.context.state.set("folder", str(pairs))
    step.context.state.set("product", "geotiff")


def test_the_evidence_comes_in_the_background(
    step: ReviewStep, layer: QgsVectorLayer, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    """Profile and series of the area appear, the line on the map too; another area gets its own."""
    add_evidence(step, tmp_path)
    show(step, layer)
    evidence = step.evidence
    wait_until(lambda: evidence.series.has_axes() and evidence.profile.rate.has_axes())
    series = evidence.series._series
    assert series.displacement == pytest.approx([0, -4, -8, -12, -16], abs=0.01)
    assert evidence.profile._profile.azimuth == pytest.approx(180, abs=1)
    assert step.map._line is not None and step.map._line.asGeometry().length() > 300
    told = evidence._explained(replace(series, rate_error=math.nan, rejected=("20200101_20200113",)))
    assert any("no error is known" in sentence for sentence in told)
    assert any("20200101_20200113" in sentence for sentence in told)
    press(step, "N")
    assert not evidence.series.has_axes()
    wait_until(lambda: evidence.series.has_axes())
    assert evidence.series._series.displacement == pytest.approx(0, abs=0.01)
    press(step, "P")
    wait_until(lambda: evidence.series.has_axes())
    assert evidence.series._series is series


def test_files_that_were_written_anew_are_read_anew(
    step: ReviewStep, layer: QgsVectorLayer, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    """Whoever leaves the step, repeats a run into the same file and comes back sees the new rates."""
    add_evidence(step, tmp_path)
    show(step, layer)
    profile = step.evidence.profile
    wait_until(profile.rate.has_axes)
    assert profile._profile.los_rate[5] == pytest.approx(-20)
    step.hide()
    write_raster(tmp_path / "los_rate.tif", np.full((SIDE, SIDE), -5.0), "mm/yr")
    step.show()
    wait_until(profile.rate.has_axes)
    assert profile._profile.los_rate[5] == pytest.approx(-5)


def test_many_steps_compute_only_the_last_area(
    step: ReviewStep, layer: QgsVectorLayer, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    add_evidence(step, tmp_path)
    show(step, layer)
    for _ in range(7):
        press(step, "N")
    wait_until(lambda: step.evidence.series.has_axes())
    assert len([key for key in step.evidence._answers if key[0] == "series"]) == 1
    assert current(step) == 2


def test_what_the_plots_lack_is_said(
    step: ReviewStep, layer: QgsVectorLayer, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    """No rasters, no folder, a folder that is gone, a folder of something else."""
    show(step, layer)
    wait_until(lambda: "Data step" in step.evidence.series._message)
    assert "Channels step" in step.evidence.profile.rate._message
    step.context.state.set("folder", str(tmp_path / "gone"))
    step.refresh()
    wait_until(lambda: "gone" in step.evidence.series._message)
    (tmp_path / "empty").mkdir()
    step.context.state.set("folder", str(tmp_path / "empty"))
    step.refresh()
    wait_until(lambda: "empty" in step.evidence.series._message and "being" not in step.evidence.series._message)


def test_the_layer_is_removed_meanwhile(
    step: ReviewStep, layer: QgsVectorLayer, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    """While plots are computed and an outline is drawn: the step is empty, and nothing fails."""
    add_evidence(step, tmp_path)
    show(step, layer)
    step.form.draw_anew.trigger()
    QgsProject.instance().removeMapLayer(layer.id())
    step.refresh()
    assert step.status().state == "empty"
    assert step.session.layer is None and not step.form.next.isEnabled()
    assert step.form.areas.currentText() == "No layer of areas"
    for key in ("N", "A", "P"):
        press(step, key)
    step.do_next()
    step.refresh()
    assert "No area" in step.form.heading.text()


def test_another_project_while_plots_are_computed(step: ReviewStep, layer: QgsVectorLayer, tmp_path: Path) -> None:
    add_evidence(step, tmp_path)
    show(step, layer)
    QTest.qWait(200)
    QgsProject.instance().clear()
    step.refresh()
    assert step.status().state == "empty"


def test_a_layer_that_cant_be_written_to(step: ReviewStep, layer: QgsVectorLayer, told: list[str]) -> None:
    """One sentence, no decision shown, no moving on."""
    review.prepare_review(layer)
    layer.setReadOnly(True)
    show(step, layer)
    press(step, "A")
    assert len(told) == 1 and "can't be written to" in told[0]
    assert current(step) == 1
    assert not step.form.decisions["accepted"].isChecked()


def test_layers_without_areas_or_attributes(step: ReviewStep, project: QgsProject) -> None:
    """An empty layer, a layer of points, polygons without any of the attributes, NULL in all of them."""
    empty = QgsVectorLayer(f"MultiPolygon?crs=EPSG:32632&{FIELDS}", "none", "memory")
    points = QgsVectorLayer("Point?crs=EPSG:32632", "points", "memory")
    bare = QgsVectorLayer("Polygon?crs=EPSG:4326", "bare", "memory")
    feature = QgsFeature(bare.fields())
    feature.setGeometry(QgsGeometry.fromWkt("Polygon ((9 45, 9.01 45, 9.01 45.01, 9 45))"))
    bare.dataProvider().addFeature(feature)
    unknown = QgsVectorLayer(f"MultiPolygon?crs=EPSG:32632&{FIELDS}", "NULL", "memory")
    feature = QgsFeature(unknown.fields())
    feature.setGeometry(square(1))
    unknown.dataProvider().addFeature(feature)
    project.addMapLayers([empty, points, bare, unknown])
    for layer, there in ((empty, "no areas"), (points, "No areas")):
        show(step, layer)
        assert there in step.status().there
        press(step, "A")
    for layer in (bare, unknown):
        show(step, layer)
        assert step.session.count == 1
        press(step, "A")
        assert review.count_decisions(layer) == {"accepted": 1}


def test_labels_open_create_samples(
    step: ReviewStep, layer: QgsVectorLayer, tmp_path: Path, wait_until: Callable[..., None], monkeypatch: Any
) -> None:
    """One click: labels are made in the background, and the dialog opens with labels and channels filled in."""
    import processing

    opened: list[tuple[str, dict[str, Any]]] = []
    dialog = MagicMock()
    monkeypatch.setattr(processing, "createAlgorithmDialog", lambda *arguments: opened.append(arguments) or dialog)
    add_evidence(step, tmp_path)
    show(step, layer)
    assert not step.form.labels.isEnabled()
    for key in ("A", "R"):
        press(step, key)
    QTest.mouseClick(step.form.labels, Qt.MouseButton.LeftButton)
    wait_until(lambda: opened)
    name, parameters = opened[0]
    assert name == "adamapper:createsamples"
    labels = QgsProject.instance().mapLayer(parameters["LABELS"])
    assert {feature["area_id"]: feature["label"] for feature in labels.getFeatures()} == {1: "landslide", 3: "ignored"}
    assert (parameters["CLASS_FIELD"], parameters["AREA_CLASSES"]) == ("label", "landslide")
    assert parameters["DEM"] == step.context.state.layer("dem").id()
    dialog.show.assert_called_once()


def test_it_fits_a_narrow_dock_and_uses_a_wide_one(step: ReviewStep, layer: QgsVectorLayer) -> None:
    font = step.font()
    font.setPixelSize(13)
    step.setFont(font)
    show(step, layer)
    QTest.qWait(20)
    assert step.minimumSizeHint().width() <= 340
    assert step.evidence.series.pos().y() > step.evidence.profile.pos().y()
    step.resize(QSize(1000, 700))
    QTest.qWait(20)
    assert step.evidence.series.pos().x() > step.evidence.profile.pos().x()
