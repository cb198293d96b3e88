"""The Detect step: what it would run, what it runs, and what it shows of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsHillshadeRenderer,
    QgsProject,
    QgsRectangle,
    QgsSettings,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest

from ada_mapper.processing.layers import ROLE_PROPERTY, RUN_PROPERTY
from ada_mapper.ui.detect import DetectStep
from ada_mapper.ui.detect import detect_plan as plan
from ada_mapper.ui.panel import Panel
from ada_mapper.ui.runs.result_layers import describe_run


@pytest.fixture
def step(context):
    instance = DetectStep(context)
    yield instance
    instance.deleteLater()


@pytest.fixture
def recorded(runner, monkeypatch):
    """What would be run, without running it: (algorithm, parameters, name)."""
    runs = []

    def record(algorithm, parameters, name, on_finished=None, load=True, group=""):
        runs.append((algorithm, dict(parameters), name))
        return object()

    monkeypatch.setattr(runner, "run", record)
    return runs


def test_it_tells_its_status_when_its_areas_are_gone_and_it_was_not_told_yet(step, state, project):
    areas = project.addMapLayer(QgsVectorLayer("Polygon?crs=EPSG:4326", "areas", "memory"))
    state.set_layer("areas", areas)
    step.refresh()
    assert "No active deformation area" in step.status().there
    project.removeMapLayer(areas.id())
    assert step.status().there == "No areas were mapped yet."


def test_an_empty_project_says_what_is_missing_and_leads_there(step, state):
    status = step.status()
    assert status.state == "empty" and "interferograms" in status.missing
    step.do_next()
    assert state.get("step") == "data"
    state.set("folder", "/data/stack")
    step.refresh()
    assert "elevation model" in step.status().missing and step.status().next_action == ""
    state.set("detect_from", plan.FROM_LAYERS)
    step.refresh()
    assert "needs" in step.status().missing
    step.do_next()
    assert state.get("step") == "channels"


def test_the_folder_is_mapped_with_what_the_other_steps_chose(step, state, layers, recorded, tmp_path):
    state.set("folder", str(tmp_path))
    state.set("detect_from", plan.FROM_FOLDER)
    state.set("max_temporal_baseline", 24)
    state.set("orbit", "ascending")
    state.set("excluded_pairs", ["20200101_20200113"])
    step.refresh()
    assert step.status().state == "ready" and "24" in step.outlook.text() and "1 left out" in step.outlook.text()
    step.save_in.setFilePath(str(tmp_path / "results"))
    step.do_next()
    ((algorithm, parameters, name),) = recorded
    assert algorithm == "adamapper:mapactiveareas" and name == "Areas, ascending"
    assert parameters["INPUT_FOLDER"] == str(tmp_path) and parameters["DEM"] == state.layer("dem")
    assert parameters["ORBIT"] == "ascending" and parameters["MAX_TEMPORAL_BASELINE"] == 24
    assert parameters["AREAS"] == str(tmp_path / "results" / "Areas, ascending" / "areas.gpkg")
    assert parameters.get("EXCLUDED_PAIRS", "20200101_20200113") == "20200101_20200113"
    assert step.status().state == "running" and QgsSettings().value("ada_mapper/detect/save_in")


def test_layers_are_mapped_styled_and_shaded(context, state, layers, project, tmp_path, wait_until):
    pytest.importorskip("onnxruntime")
    state.set("orbit", "descending")
    panel = Panel(context, steps=[DetectStep(context)])
    panel.show()
    step = panel.current
    step.save_in.setFilePath(str(tmp_path / "results"))
    step.name.setText("Valley: 1/2")
    step.name.setModified(True)
    step.slope.setChecked(True)
    QTest.mouseClick(panel._status.button, Qt.MouseButton.LeftButton)
    assert step.status().state == "running"
    wait_until(lambda: step.status().state != "running", 60)
    folder = tmp_path / "results" / "Valley_ 1_2"
    assert {"areas.gpkg", "probability.tif"} <= {file.name for file in folder.iterdir()}
    group = project.layerTreeRoot().findGroup("Valley: 1/2")
    below = [node.layer().name() for node in group.findLayers()]
    assert below == ["Active deformation areas", "Probability", "Slope", "Hillshade"]
    assert isinstance(group.findLayers()[-1].layer().renderer(), QgsHillshadeRenderer)
    assert step.status().state == "done" and step.status().next_action
    assert state.layer("dem").name() == "dem", "what lies underneath serves nothing else"
    panel.deleteLater()


def test_what_is_chosen_for_the_next_run_does_not_change_this_one(step, state, layers, project, runner, monkeypatch):
    runs = []

    def record(algorithm, parameters, name, on_finished=None, load=True, group=""):
        runs.append((algorithm, dict(parameters), on_finished))
        return object()

    monkeypatch.setattr(runner, "run", record)
    state.set("orbit", "descending")
    rate = state.layer("los_rate").source()
    step.map_areas()
    state.set("orbit", "ascending")
    project.removeMapLayer(state.layer("los_rate").id())
    runs[0][2](True, {"PROBABILITY": "probability.tif"})
    algorithm, parameters, _ = runs[1]
    assert algorithm == "adamapper:extractareas" and parameters["PROBABILITY"] == "probability.tif"
    assert (parameters["ORBIT"], parameters["LOS_RATE"]) == ("descending", rate)


def test_a_failed_run_leaves_the_step_ready(step, state, layers, context, wait_until, qgis_iface, tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    state.set("model", str(tmp_path / "broken.onnx"))
    step.refresh()
    assert "model" in step.status().missing.lower()
    step.do_next()
    assert context.runner.names == []
    state.set("model", "")
    state.set("detect_from", plan.FROM_FOLDER)
    state.set("folder", str(tmp_path / "no interferograms"))
    (tmp_path / "no interferograms").mkdir()
    step.refresh()
    step.do_next()
    wait_until(lambda: step.status().state != "running", 30)
    assert step.status().state == "ready" and not QgsProject.instance().layerTreeRoot().findGroups()


def test_a_run_never_writes_over_another_one(step, tmp_path, project):
    step.save_in.setFilePath(str(tmp_path))
    (tmp_path / "Valley").mkdir()
    project.layerTreeRoot().addGroup("Valley (2)")
    name, folder = step._free_place("Valley")
    assert name not in ("Valley", "Valley (2)") and folder == tmp_path / name and not Path(folder).exists()


def areas_of(project, orbit, date):
    layer = QgsVectorLayer("MultiPolygon?crs=EPSG:32648&field=orbit:string", f"{orbit} {date}", "memory")
    layer.setCustomProperty(ROLE_PROPERTY, "areas")
    run = f'{{"algorithm": "adamapper:extractareas", "parameters": {{"ORBIT": "{orbit}"}}, "date": "{date}"}}'
    layer.setCustomProperty(RUN_PROPERTY, run)
    return project.addMapLayer(layer)


def test_merging_is_offered_once_both_orbits_are_there(step, project, recorded):
    areas_of(project, "ascending", "2024-01-01")
    newest = areas_of(project, "ascending", "2024-02-01")
    step.refresh()
    assert step.status().next_action != "Merge both orbits" and step.merge_button.isHidden()
    descending = areas_of(project, "descending", "2024-01-01")
    step.refresh()
    assert step.status().next_action == "Merge both orbits" and not step.merge_button.isHidden()
    step.do_next()
    ((algorithm, parameters, _),) = recorded
    assert algorithm == "adamapper:mergeorbits"
    assert (parameters["ASCENDING"], parameters["DESCENDING"]) == (newest, descending)

    step._end(True, "Areas of both orbits", is_merge=True)
    assert step.status().next_action == "Merge both orbits", "nothing was made of it"
    merged = areas_of(project, "both", "2024-03-01")
    merged.setCustomProperty(RUN_PROPERTY, json.dumps(describe_run("adamapper:mergeorbits", parameters)))
    step.refresh()
    assert step.status().next_action != "Merge both orbits"
    areas_of(project, "descending", "2024-04-01")
    step.refresh()
    assert step.status().next_action == "Merge both orbits", "one of the two was mapped again"


def test_with_areas_there_the_next_is_their_review_and_mapping_goes_on(step, state, project, layers, recorded, context):
    canvas = context.iface.mapCanvas()
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    canvas.setExtent(QgsRectangle(-10, -10, -9, -9))
    areas = areas_of(project, "ascending", "2024-01-01")
    state.set_layer("areas", areas)
    step.refresh()
    assert "No active" in step.status().there and step.status().next_action == "Map active areas"
    feature = QgsFeature(areas.fields())
    feature.setGeometry(
        QgsGeometry.fromWkt("Polygon((500000 3500000, 501000 3500000, 501000 3501000, 500000 3500000))")
    )
    areas.dataProvider().addFeatures([feature])
    areas.updateExtents()
    step.refresh()
    assert step.status().next_action == "Review the areas" and not step.run_button.isHidden()
    step.do_next()
    assert state.get("step") == "review"
    step.run_button.click()
    assert recorded[0][0] == "adamapper:detectareas"
    step._end(True, "no group")
    place = QgsCoordinateTransform(areas.crs(), canvas.mapSettings().destinationCrs(), project)
    assert canvas.extent().contains(place.transformBoundingBox(areas.extent()))


def test_choices_are_followed_both_ways(step, state, layers):
    step.orbit.setCurrentIndex(step.orbit.findData("descending"))
    step.orbit.activated.emit(step.orbit.currentIndex())
    assert state.get("orbit") == "descending"
    step.dem.setLayer(state.layer("slope"))
    assert state.layer("dem").name() == "slope"
    state.set("orbit", "ascending")
    step.refresh()
    assert step.orbit.currentData() == "ascending" and step.name.text() == "Areas, ascending"
    step.hillshade.setChecked(False)
    assert QgsSettings().value("ada_mapper/detect/hillshade", True, bool) is False


def test_a_decimal_comma_is_shown_but_not_passed_on(other_locale, step, state, layers, recorded, tmp_path):
    state.set("folder", str(tmp_path))
    state.set("detect_from", plan.FROM_FOLDER)
    state.set("max_perpendicular_baseline", 120.5)
    step.refresh()
    step.do_next()
    assert recorded[0][1]["MAX_PERPENDICULAR_BASELINE"] == 120.5
    assert f"120{other_locale.decimalPoint()}5" in step.outlook.text()
