"""The Field step: what is there, what comes next, and tools that open filled in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qgis.core import QgsFeature, QgsGeometry, QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QWidget

from ada_mapper.ui.field import FieldStep
from small_rasters import square_grid, write


@pytest.fixture
def step(context: Any) -> FieldStep:
    return FieldStep(context)


def add_areas(state: Any, decisions: list[str | None]) -> QgsVectorLayer:
    layer = QgsVectorLayer("Polygon?crs=EPSG:32648&field=id:integer&field=review:string", "areas", "memory")
    for number, decision in enumerate(decisions, 1):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromWkt("POLYGON((0 0, 1 0, 1 1, 0 0))"))
        feature.setAttributes([number, decision])
        layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    state.set_layer("areas", layer)
    return layer


def add_sites(state: Any, results: list[str | None]) -> QgsVectorLayer:
    layer = QgsVectorLayer("Point?crs=EPSG:32648&field=id:integer&field=result:string", "sites", "memory")
    for number, result in enumerate(results, 1):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromWkt("POINT(0 0)"))
        feature.setAttributes([number, result])
        layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    state.set_layer("sites", layer)
    return layer


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The tools that were opened, with their parameters."""
    import processing

    calls: list[tuple[str, dict[str, Any]]] = []

    def create(name: str, parameters: dict[str, Any]) -> QWidget:
        calls.append((name, parameters))
        return QWidget()

    monkeypatch.setattr(processing, "createAlgorithmDialog", create, raising=False)
    return calls


def click(step: FieldStep, name: str) -> None:
    QTest.mouseClick(step.buttons[name], Qt.MouseButton.LeftButton)


def test_an_empty_project_leads_back_to_detection(step, context):
    status = step.status()
    assert status.state == "empty" and status.missing
    assert not step.buttons["samplesites"].isEnabled() and not step.buttons["surveymaps"].isEnabled()
    step.do_next()
    assert context.state.get("step", "") == "detect"


def test_areas_are_counted_and_sites_come_next(step, context, opened):
    layer = add_areas(context.state, ["accepted", "rejected", "accepted", None])
    step.refresh()
    assert step.status().there == "4 areas, 2 accepted"
    assert step.status().missing and step.status().next_action == "Draw sites…"
    step.do_next()
    assert opened == [("adamapper:samplesites", {"AREAS": layer.id()})]


def test_sites_lead_to_map_sheets_with_the_project_filled_in(step, context, opened, tmp_path):
    areas, sites = add_areas(context.state, [None]), add_sites(context.state, [None, None])
    for role, unit in (("dem", "m"), ("los_rate", "mm/yr")):
        path = write(tmp_path / f"{role}.tif", np.ones((4, 4)), role, unit, square_grid(4, 4), SIGN="away")
        raster = QgsRasterLayer(path, role)
        QgsProject.instance().addMapLayer(raster)
        context.state.set_layer(role, raster)
    roads = QgsVectorLayer("LineString?crs=EPSG:32648", "County roads", "memory")
    QgsProject.instance().addMapLayer(roads)
    QgsProject.instance().setTitle("Danba")
    step.refresh()
    assert step.status().there == "2 sites" and step.status().next_action == "Print map sheets…"
    click(step, "surveymaps")
    name, parameters = opened[-1]
    assert name == "adamapper:surveymaps"
    assert parameters == {
        "AREAS": areas.id(),
        "SITES": sites.id(),
        "DEM": context.state.layer("dem").id(),
        "LOS_RATE": context.state.layer("los_rate").id(),
        "ROADS": roads.id(),
        "TITLE": "Danba",
    }
    click(step, "samplesites")
    assert opened[-1][1]["SIGN"] == "away"


def test_every_button_opens_its_tool_with_parameters_that_it_knows(step, context, opened, provider):
    from qgis.core import QgsApplication

    add_areas(context.state, [None])
    add_sites(context.state, [None])
    step.refresh()
    for name, button in step.buttons.items():
        algorithm = QgsApplication.processingRegistry().algorithmById(f"adamapper:{name}")
        assert button.isEnabled() == (algorithm is not None)
        if algorithm is not None:
            click(step, name)
            assert opened[-1][0] == f"adamapper:{name}"
            assert set(opened[-1][1]) <= {definition.name() for definition in algorithm.parameterDefinitions()}


def test_results_lead_to_the_assessment_and_edits_are_followed(step, context, opened):
    layer = add_sites(context.state, ["confirmed", None, None])
    step.refresh()
    assert step.status().there == "3 sites, 1 with a result, 1 confirmed" and step.status().state == "done"
    heard = []
    step.changed.connect(lambda: heard.append(step.status().there))
    layer.startEditing()
    layer.changeAttributeValue(2, 1, "not_confirmed")
    layer.commitChanges()
    assert heard == ["3 sites, 2 with a result, 1 confirmed"]
    step.do_next()
    assert opened[-1][0] == "adamapper:assesssurvey"


def test_a_layer_that_goes_takes_its_count_with_it(step, context):
    layer = add_areas(context.state, [None])
    step.refresh()
    QgsProject.instance().removeMapLayer(layer.id())
    step.refresh()
    assert step.status().state == "empty"
    add_areas(context.state, [None, None])
    step.refresh()
    assert step.status().there.startswith("2 areas")
