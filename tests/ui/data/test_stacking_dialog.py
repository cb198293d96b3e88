"""The choices of stacking in the panel: one dialog made of the one list, kept in the project, used by every run."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsSettings,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QDate
from qgis.PyQt.QtWidgets import QDialogButtonBox, QToolButton

from ada_mapper.core.interferograms import PairLimits
from ada_mapper.processing.mapping import (
    AS_IN_PAPER,
    PAPER,
    STACK,
    StackInterferograms,
    grouped_choices,
)
from ada_mapper.ui.data import DataStep
from ada_mapper.ui.data.stacking_dialog import StackingDialog
from ada_mapper.ui.data.stacking_texts import stacking_summary, stacking_text
from ada_mapper.ui.detect import detect_plan
from ada_mapper.ui.project import MOST_DAYS, MOST_METRES, chain_inputs, pair_limits, stacking_values, unusable_choices
from small_rasters import write

ELSEWHERE = {"PRODUCT", "MAX_TEMPORAL_BASELINE", "MAX_PERPENDICULAR_BASELINE", "EXCLUDED_PAIRS", "DEM", AS_IN_PAPER}


@pytest.fixture
def dialog(state, provider):
    """The dialog on an empty project, open."""
    instance = StackingDialog(state)
    instance.show()
    yield instance
    instance.reject()
    instance.deleteLater()


@pytest.fixture
def layers(project, tmp_path):
    """A mask and a point in the project."""
    mask = project.addMapLayer(
        QgsRasterLayer(write(tmp_path / "moving.tif", np.ones((8, 8), np.float32), "mask", ""), "Moving ground")
    )
    point = QgsVectorLayer("Point?crs=EPSG:32648&field=name:string", "Rock", "memory")
    feature = QgsFeature(point.fields())
    feature.setGeometry(QgsGeometry.fromWkt("Point(500100 3499900)"))
    point.dataProvider().addFeatures([feature])
    return mask, project.addMapLayer(point)


def put(dialog, **values):
    """What a user sets in the widgets."""
    for name, value in values.items():
        dialog.wrappers[name].setParameterValue(value, dialog._context)


def test_every_choice_of_the_list_is_asked_for_in_its_group_with_its_help(dialog):
    names = {choice.name() for choices in grouped_choices().values() for choice in choices}
    assert set(dialog.wrappers) == names - ELSEWHERE
    tabs = [dialog.tabs.tabText(index) for index in range(dialog.tabs.count())]
    assert tabs == [group for group in grouped_choices() if group in tabs] and len(tabs) > 2
    for name, wrapper in dialog.wrappers.items():
        definition = StackInterferograms().create()
        assert definition.parameterDefinition(name).help()[:20] in wrapper.wrappedWidget().toolTip().replace(
            "&quot;", '"'
        )


def test_as_it_opens_all_is_as_by_default_and_nothing_is_kept(dialog, state, project):
    assert dialog.values() == {} and dialog.differences.text() == "As by default."
    dialog.accept()
    assert stacking_values(state) == {} and not project.readEntry("ada_mapper", "stacking", "")[1]


def test_what_differs_is_said_kept_and_given_to_the_tools(dialog, state, layers):
    mask, point = layers
    put(
        dialog, RAMP="plane", COHERENCE_WEIGHTS=True, MIN_PAIRS=5, START_DATE=QDate(2020, 1, 5), EXCLUDE_MASK=mask.id(),
        REFERENCE=point.id(), REFERENCE_MODE="point",
    )  # fmt: skip
    assert "Remove a ramp: plane" in dialog.differences.text() and "and 3 more" in dialog.differences.text()
    dialog.accept()
    values = stacking_values(state)
    assert {name: value for name, value in values.items() if name not in ("EXCLUDE_MASK", "REFERENCE")} == {
        "RAMP": "plane", "COHERENCE_WEIGHTS": True, "MIN_PAIRS": 5, "START_DATE": "2020-01-05",
        "REFERENCE_MODE": "point",
    }  # fmt: skip
    assert values["EXCLUDE_MASK"].id() == mask.id() and values["REFERENCE"].id() == point.id()
    assert pair_limits(state) == PairLimits(first_date=date(2020, 1, 5))
    # Both ways to rates are given them: the stack alone, and the whole chain.
    for given in (STACK.parameters(chain_inputs(state)), detect_plan.folder_parameters(state, None)):
        assert {name: given[name] for name in values} == values
    assert "choices changed: 7" in detect_plan.outlook(state, "folder")[0]


def test_another_project_has_its_own_and_a_saved_one_shows_what_was_kept(dialog, state, layers, project, tmp_path):
    put(dialog, RAMP="quadratic", LOS_MIN_COHERENCE=0.45, EXCLUDE_MASK=layers[0].id())
    dialog.accept()
    assert project.write(str(tmp_path / "work.qgz"))
    project.clear()
    assert stacking_values(state) == {} and stacking_text(state) == ""
    assert project.read(str(tmp_path / "work.qgz"))
    again = StackingDialog(state)
    assert again.values() == {"RAMP": "quadratic", "LOS_MIN_COHERENCE": 0.45, "EXCLUDE_MASK": layers_id(project)}
    assert "Mask of ground known to move: Moving ground" in again.differences.text()
    again.deleteLater()


def layers_id(project):
    (mask,) = project.mapLayersByName("Moving ground")
    return mask.id()


def test_defaults_are_restored(dialog, state):
    put(dialog, RAMP="plane", ATMOSPHERE_FILTER=False, MIN_COHERENCE=0.2, END_DATE=QDate(2021, 1, 1))
    assert len(dialog.values()) == 4
    dialog.buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults).click()
    assert dialog.values() == {} and dialog.wrappers["ATMOSPHERE_FILTER"].parameterValue() is True
    assert dialog.wrappers["MIN_COHERENCE"].parameterValue() is None


def test_the_paper_is_one_click_and_takes_the_limits_of_pairs_with_it(dialog, state):
    state.set(MOST_DAYS, 90.0)
    state.set(MOST_METRES, 300.0)
    put(dialog, RAMP="plane", MIN_PAIRS=7, COHERENCE_WEIGHTS=True)
    dialog.paper.click()
    assert state.get(MOST_DAYS, 40.0) == 90, "nothing is kept before OK"
    dialog.accept()
    inputs = chain_inputs(state)
    defaults = StackInterferograms().create()
    for name, value in PAPER.items():
        assert inputs.get(name, defaults.parameterDefinition(name).defaultValue()) == value, name
    assert inputs["MIN_PAIRS"] == 7, "the paper doesn't tell it"
    state.set("stacking", {name: value for name, value in state.get("stacking", {}).items() if name != "MIN_PAIRS"})
    assert stacking_summary(state) == "as in the paper" and "Unit of the LOS rate: m/yr" in stacking_text(state)
    state.set(MOST_DAYS, 60.0)
    assert stacking_summary(state).endswith("changed")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RAMP", "cubic"), ("MIN_PAIRS", "many"), ("MIN_PAIRS", 0), ("MIN_PAIRS", True), ("LOS_MIN_COHERENCE", 7),
        ("COHERENCE_WEIGHTS", "perhaps"), ("START_DATE", "soon"), ("EXCLUDE_MASK", "moving_that_is_gone"),
        ("REFERENCE", {"selected": "gone"}), ("REFERENCE", {}), ("REFERENCE", 3), ("OF_ANOTHER_VERSION", 1),
        ("MAX_TEMPORAL_BASELINE", 9), ("RAMP", {"a": 1}),
    ],
)  # fmt: skip
def test_what_no_tool_can_use_is_left_out_and_told(state, project, provider, name, value):
    project.writeEntry("ada_mapper", "stacking", json.dumps({name: value, "UNIT": "m/yr"}))
    assert stacking_values(state) == {"UNIT": "m/yr"} and len(unusable_choices(state)) == 1
    text = stacking_text(state)
    assert (
        text.startswith("Stacking: Unit of the LOS rate: m/yr.")
        and "Can't be used, so that the default counts: " in text
    )
    dialog = StackingDialog(state)
    assert dialog.values() == {"UNIT": "m/yr"}
    dialog.accept()
    assert unusable_choices(state) == []
    dialog.deleteLater()


@pytest.mark.parametrize("text", ["[1]", "3", "nonsense"])
def test_an_entry_that_is_no_list_of_choices_counts_as_none(state, project, provider, text):
    project.writeEntry("ada_mapper", "stacking", text)
    assert stacking_values(state) == {} and stacking_text(state) == ""


def test_a_layer_that_goes_is_told(dialog, state, layers, project):
    put(dialog, EXCLUDE_MASK=layers[0].id())
    dialog.accept()
    project.removeMapLayer(layers[0].id())
    assert stacking_values(state) == {}
    assert "Mask of ground known to move" in stacking_text(state)


def test_selected_features_stay_selected_features(dialog, state, layers):
    point = layers[1]
    point.selectAll()
    put(dialog, REFERENCE=QgsProcessingFeatureSourceDefinition(point.id(), True))
    dialog.accept()
    value = stacking_values(state)["REFERENCE"]
    assert value.selectedFeaturesOnly and value.source.staticValue() == point.id()
    assert "selected features of Rock" in stacking_text(state)


def test_dates_that_contradict_each_other_are_not_taken(dialog, state):
    put(dialog, START_DATE=QDate(2021, 1, 1), END_DATE=QDate(2020, 1, 1))
    dialog.accept()
    assert dialog.isVisible() and "2021-01-01" in dialog.differences.text() and stacking_values(state) == {}
    put(dialog, END_DATE=QDate(2022, 1, 1))
    dialog.accept()
    assert not dialog.isVisible() and len(stacking_values(state)) == 2


def test_pairs_out_of_the_dates_are_not_used(context, state, dialog, tmp_path, wait_until):
    for name in ("20200101_20200113", "20200113_20200125", "20200125_20200206"):
        write(tmp_path / f"{name}_unw.tif", np.random.default_rng(1).normal(0, 1, (24, 24)), "phase", "rad")
    step = DataStep(context)
    step.choose_folder(str(tmp_path))
    wait_until(lambda: not step.choice.is_scanning)
    assert len(step.choice.used) == 3 and step.stacking.text() == "as by default"
    put(dialog, START_DATE=QDate(2020, 1, 10))
    dialog.accept()
    step.refresh()
    assert [pair.name for pair in step.choice.used] == ["20200113_20200125", "20200125_20200206"]
    assert step.stacking.text() == "1 changed" and "First date: 2020-01-10." in step.summary.text()
    step.choice.stop()
    step.deleteLater()


def test_the_button_of_the_step_opens_it_and_follows(context, state, provider):
    step = DataStep(context)
    step.stacking_button.click()
    (dialog,) = step.window().findChildren(StackingDialog)
    assert dialog.isVisible()
    put(dialog, UNIT="m/yr")
    dialog.accept()
    assert step.stacking.text() == "1 changed"
    assert "Stacking: Unit of the LOS rate: m/yr." in step.summary.text() and not step.summary.isHidden()
    step.deleteLater()


def test_buttons_of_the_toolbox_are_not_shown(dialog):
    for wrapper in dialog.wrappers.values():
        for button in wrapper.wrappedWidget().findChildren(QToolButton):
            assert button.isHidden() == (not button.icon().isNull())


def test_it_closes_with_its_project(dialog):
    QgsProject.instance().clear()
    assert not dialog.isVisible()


def test_the_step_stacks_with_what_was_chosen(context, state, dialog, layers, tmp_path, wait_until):
    """Layers without a file, selected features and a mask reach the run in the background."""
    mask, point = layers
    folder = tmp_path / "stack"
    folder.mkdir()
    phase = np.random.default_rng(1).normal(0, 0.1, (24, 24))
    for name in ("20200101_20200113", "20200113_20200125", "20200125_20200206"):
        write(folder / f"{name}_unw.tif", phase + 5, "phase", "rad")
    point.selectAll()
    put(
        dialog, UNIT="m/yr", SIGN="away", REFERENCE_MODE="point", EXCLUDE_MASK=mask.id(),
        REFERENCE=QgsProcessingFeatureSourceDefinition(point.id(), True),
    )  # fmt: skip
    dialog.accept()
    QgsSettings().setValue("ada_mapper/detect/save_in", str(tmp_path / "results"))
    step = DataStep(context)
    step.choose_folder(str(folder))
    wait_until(lambda: not step.choice.is_scanning)
    step.stack()
    wait_until(lambda: step.status().state != "running", 60)
    (path,) = (tmp_path / "results").rglob("los_rate.tif")
    (report,) = (tmp_path / "results").rglob("*.html")
    raster = gdal.Open(str(path))
    assert raster.GetRasterBand(1).GetUnitType() == "m/yr"
    assert np.abs(raster.ReadAsArray()[3, 3]) < 0.05, "5 rad a pair, which the reference has too, are 0.67 m/yr"
    page = report.read_text(encoding="utf-8")
    assert "Mask of ground known to move" in page and "away" in page
    step.choice.stop()
    step.deleteLater()
