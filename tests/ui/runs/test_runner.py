"""Running tools in the background: results in the project, and everything that can go wrong meanwhile."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qgis.core import Qgis, QgsApplication, QgsFeature, QgsGeometry, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import QLocale

import patient_tools
from ada_mapper.processing.layers import RUN_PROPERTY, run_of
from ada_mapper.ui.runs import inputs_of
from small_rasters import write


@pytest.fixture(scope="module")
def patient_provider(qgis_app):
    instance = patient_tools.Provider()
    QgsApplication.processingRegistry().addProvider(instance)
    yield instance
    QgsApplication.processingRegistry().removeProvider(instance)


@pytest.fixture
def patient(patient_provider):
    """The tool that waits; ``set`` lets it go."""
    patient_tools.LET_GO.clear()
    patient_tools.STARTED.clear()
    yield patient_tools.LET_GO
    patient_tools.LET_GO.set()


@pytest.fixture
def start(runner, wait_until):
    """Start a tool; returns a list that holds (success, results) once it has ended."""

    def begin(algorithm, parameters, name="run", **options):
        ends = []
        task = runner.run(algorithm, parameters, name, lambda *end: ends.append(end), **options)
        if algorithm == "patient:wait" and task is not None:
            wait_until(patient_tools.STARTED.is_set)
            patient_tools.STARTED.clear()
        return ends

    return begin


@pytest.fixture
def messages(qgis_iface):
    """What the message bar said, by level."""
    qgis_iface.messageBar().clear_messages()

    def of(level):
        return "\n".join(qgis_iface.messageBar().get_messages(level))

    return of


@pytest.fixture
def probability(tmp_path):
    values = np.zeros((60, 60), np.float32)
    values[10:20, 30:40] = 0.9
    return write(tmp_path / "probability.tif", values, "probability", "1")


def areas_parameters(probability, folder, **more):
    return {"PROBABILITY": probability, "ORBIT": "ascending", "AREAS": str(folder / "areas.gpkg"), **more}


def test_results_are_loaded_styled_and_traced(start, state, project, probability, tmp_path, wait_until, messages):
    ends = start("adamapper:extractareas", areas_parameters(probability, tmp_path / "new"), "Valley")
    wait_until(lambda: ends)
    success, results = ends[0]
    assert success and results["AREA_COUNT"] == 1
    group = project.layerTreeRoot().findGroup("Valley")
    (layer,) = [node.layer() for node in group.findLayers()]
    assert layer == state.layer("areas") and layer.name() == "Active deformation areas"
    assert layer.renderer().type() == "categorizedSymbol"
    assert state.role_of(layer) == "areas"
    run = run_of(layer)
    assert run["algorithm"] == "adamapper:extractareas" and run["parameters"]["PROBABILITY"] == probability
    assert run["date"].startswith("20") and run["version"].count(".") == 2
    assert "Extract areas" in layer.metadata().abstract() and "ascending" in layer.metadata().history()[0]
    assert "one active deformation area" in messages(Qgis.MessageLevel.Success)
    again = QgsVectorLayer(str(tmp_path / "new" / "areas.gpkg"))
    assert "Extract areas" in again.metadata().abstract(), "also after the file is opened in another project"


def test_a_raster_is_loaded_below_and_the_model_is_named(start, state, project, tmp_path, wait_until):
    dem = write(tmp_path / "dem.tif", np.ones((40, 40)).cumsum(axis=0), "dem", "m")
    project.addMapLayer(QgsRasterLayer(dem, "dem"))
    ends = start("adamapper:slope", {"INPUT": project.mapLayersByName("dem")[0].id()})
    wait_until(lambda: ends)
    layer = state.layer("slope")
    assert ends[0][0] and layer.renderer().type() == "singlebandpseudocolor"
    assert json.loads(layer.customProperty(RUN_PROPERTY))["model"] == ""


def test_nothing_is_loaded_when_not_wanted(start, project, probability, tmp_path, wait_until):
    ends = start("adamapper:extractareas", areas_parameters(probability, tmp_path), load=False)
    wait_until(lambda: ends)
    assert ends[0][0] and not project.mapLayers() and (tmp_path / "areas.gpkg").exists()


def test_runs_of_one_name_have_groups_of_their_own_and_a_chain_shares_one(
    start, project, probability, tmp_path, wait_until
):
    first = start("adamapper:extractareas", areas_parameters(probability, tmp_path / "a"), "Valley")
    second = start("adamapper:extractareas", areas_parameters(probability, tmp_path / "b"), "Valley")
    wait_until(lambda: first and second)
    third = start("adamapper:extractareas", areas_parameters(probability, tmp_path / "c"), "Valley", group="Valley")
    wait_until(lambda: third)
    sizes = {group.name(): len(group.findLayers()) for group in project.layerTreeRoot().findGroups()}
    assert sizes == {"Valley": 2, "Valley (2)": 1}


def test_progress_is_told_and_the_interface_stays_free(start, runner, patient, tmp_path, wait_until):
    told = []
    runner.progress.connect(lambda *report: told.append(report))
    ends = start("patient:wait", {"OUTPUT": str(tmp_path / "out.txt")}, "Slow")
    wait_until(lambda: ("Slow", 40.0, "Waiting") in told)
    assert runner.names == ["Slow"] and not ends
    patient.set()
    wait_until(lambda: ends)
    assert ends[0][0] and runner.names == []


def test_an_input_layer_removed_meanwhile_does_no_harm(start, project, patient, probability, tmp_path, wait_until):
    raster = project.addMapLayer(QgsRasterLayer(probability, "probability"))
    points = project.addMapLayer(QgsVectorLayer("Point?crs=EPSG:4326", "points", "memory"))
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromWkt("Point(1 2)"))
    points.dataProvider().addFeatures([feature])
    ends = start("patient:wait", {"RASTER": raster, "FEATURES": points.id(), "OUTPUT": str(tmp_path / "out.txt")})
    project.removeAllMapLayers()
    del raster, points
    patient.set()
    wait_until(lambda: ends)
    assert ends[0][0] and (tmp_path / "out.txt").read_text() == "60 1"


def test_a_project_closed_meanwhile_gets_no_results(
    start, state, project, patient, tmp_path, wait_until, messages, probability
):
    ends = start("patient:wait", {"OUTPUT": str(tmp_path / "out.txt")}, "Slow")
    project.clear()
    patient.set()
    wait_until(lambda: ends)
    assert not ends[0][0] and (tmp_path / "out.txt").exists(), "the work is not lost"
    assert str(tmp_path) in messages(Qgis.MessageLevel.Warning)
    assert not project.mapLayers() and not project.layerTreeRoot().findGroups()
    later = start("adamapper:extractareas", areas_parameters(probability, tmp_path))
    wait_until(lambda: later)
    assert later[0][0] and state.layer("areas") is not None, "the next project is served as ever"


def test_two_runs_may_not_write_one_file(start, patient, tmp_path, wait_until, messages):
    first = start("patient:wait", {"OUTPUT": str(tmp_path / "out.txt")}, "First")
    second = start("patient:wait", {"OUTPUT": str(tmp_path / "." / "out.txt")}, "Second")
    assert f"…/{tmp_path.name}/out.txt" in messages(Qgis.MessageLevel.Critical)
    patient.set()
    wait_until(lambda: first)
    assert first[0][0] and not second


def test_cancelling_ends_it_and_leaves_nothing(start, runner, patient, tmp_path, wait_until, messages):
    ends = start("patient:wait", {"OUTPUT": str(tmp_path / "new" / "out.txt")}, "Slow")
    other = start("patient:wait", {"OUTPUT": str(tmp_path / "other.txt")}, "Other")
    runner.cancel("Slow")
    wait_until(lambda: ends)
    assert not ends[0][0] and not other and not (tmp_path / "new").exists()
    assert "Slow" in messages(Qgis.MessageLevel.Info) and not messages(Qgis.MessageLevel.Critical)
    patient.set()
    wait_until(lambda: other)
    assert other[0][0]


def test_closing_it_during_a_run_leaves_nothing(start, runner, patient, tmp_path):
    ends = start("patient:wait", {"OUTPUT": str(tmp_path / "new" / "out.txt")}, "Slow")
    runner.close()
    assert not ends and runner.names == [] and not (tmp_path / "new").exists()


def test_tools_that_draw_stay_in_the_main_thread_and_see_styles(
    start, runner, project, patient_provider, probability, wait_until
):
    layer = project.addMapLayer(QgsRasterLayer(probability, "probability"))
    layer.setOpacity(0.25)
    percents = []
    runner.progress.connect(lambda name, percent, text: percents.append(percent))
    ends = start("patient:draw", {"RASTER": layer})
    assert not ends and runner.names == ["run"]
    wait_until(lambda: ends)
    assert ends[0] == (True, {"IS_MAIN_THREAD": True, "OPACITY": 0.25}) and len(set(percents)) > 5
    cancelled = start("patient:draw", {"RASTER": layer})
    runner.cancel()
    wait_until(lambda: cancelled)
    assert not cancelled[0][0] and not runner.names


def test_a_folder_that_takes_no_files_is_told_before_the_work(start, probability, tmp_path, messages):
    (tmp_path / "file").write_text("")
    parameters = areas_parameters(probability, tmp_path / "file")
    assert start("adamapper:extractareas", parameters) == []
    assert "The folder …/file can't" in messages(Qgis.MessageLevel.Critical)


def test_a_layer_without_crs_is_told_in_a_sentence(start, tmp_path, wait_until, messages):
    from osgeo import gdal

    path = str(tmp_path / "raw.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(path, 20, 20, 1, gdal.GDT_Float32)
    dataset.SetGeoTransform((500000.0, 30.0, 0.0, 3500000.0, 0.0, -30.0))
    del dataset
    ends = start("adamapper:slope", {"INPUT": path, "OUTPUT": str(tmp_path / "slope.tif")})
    wait_until(lambda: ends or messages(Qgis.MessageLevel.Critical))
    assert "raw.tif" in messages(Qgis.MessageLevel.Critical)
    assert not (tmp_path / "slope.tif").exists()


@pytest.fixture
def log():
    """The lines of the plugin's log."""
    lines = []

    def keep(text, tab, level):
        if tab == "ADA Mapper":
            lines.append(text)

    QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel].connect(keep)
    yield lines
    QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel].disconnect(keep)


def test_what_a_run_says_is_in_the_log(start, patient, log, tmp_path, wait_until):
    ends = start("patient:wait", {"OUTPUT": str(tmp_path / "out.txt")}, "Slow")
    patient.set()
    wait_until(lambda: ends)
    assert {"Slow: Waiting", "Slow: Done."} <= set(log) and any("out.txt" in text for text in log)


def test_the_bar_names_files_shortly_and_the_log_whole(start, log, messages, tmp_path, wait_until):
    dem = tmp_path / "dem.tif"
    dem.write_text("text")
    ends = start("adamapper:slope", {"INPUT": str(dem), "OUTPUT": str(tmp_path / "slope.tif")}, "Slope")
    wait_until(lambda: ends or messages(Qgis.MessageLevel.Critical))
    said = messages(Qgis.MessageLevel.Critical)
    assert f"…/{tmp_path.name}/dem.tif" in said and str(dem) not in said
    assert any(str(dem) in text for text in log)


def test_unknown_tools_and_missing_inputs_are_refused(runner, messages):
    assert runner.run("adamapper:nothing", {}, "run") is None
    assert runner.run("adamapper:slope", {}, "run") is None
    assert messages(Qgis.MessageLevel.Critical).count("run:") == 2


def test_numbers_do_not_depend_on_the_language(other_locale, start, probability, tmp_path, wait_until):
    parameters = areas_parameters(probability, tmp_path, THRESHOLD=0.75, MIN_AREA=1234.5)
    ends = start("adamapper:extractareas", parameters)
    wait_until(lambda: ends)
    layer = QgsVectorLayer(str(tmp_path / "areas.gpkg"))
    assert ends[0][1]["AREA_COUNT"] == 1 and next(layer.getFeatures())["probability_max"] == pytest.approx(0.9)
    assert QLocale().name() == other_locale.name()


def test_a_run_is_repeated_with_its_inputs_and_other_outputs(start, state, probability, tmp_path, wait_until):
    ends = start("adamapper:extractareas", areas_parameters(probability, tmp_path, MIN_AREA=900))
    wait_until(lambda: ends)
    inputs = inputs_of(run_of(state.layer("areas")))
    assert inputs == {"PROBABILITY": probability, "ORBIT": "ascending", "MIN_AREA": 900}
    assert run_of(None) is None
