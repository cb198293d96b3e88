"""The field package through processing.run: the project opens with its form and base maps, faults leave nothing."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from qgis.core import (
    QgsEditFormConfig,
    QgsExpression,
    QgsExpressionContext,
    QgsProcessingException,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
    edit,
)
from qgis.PyQt.QtCore import QDate

from ada_mapper.core.raster import Grid
from exchange_formats import check_gpx, check_kml
from recording_feedback import Feedback
from small_rasters import write
from survey_areas import UTM, area_layer


@pytest.fixture
def inputs(run, tmp_path):
    layer = area_layer(8)
    grid = Grid(UTM, (497_000.0, 60.0, 0.0, 3_512_000.0, 0.0, -60.0), 120, 240)
    dem = write(tmp_path / "dem.tif", np.add.outer(np.arange(240.0), np.arange(120.0)), "dem", "m", grid)
    sites = run("samplesites", {"AREAS": layer, "COUNT": 5, "SITES": str(tmp_path / "sites.gpkg")})["SITES"]
    base_map = QgsRasterLayer(dem, "dem")
    QgsProject.instance().addMapLayers([layer, base_map])
    yield {"SITES": sites, "AREAS": layer, "DEM": dem, "BASE_MAP": base_map, "PIXEL_SIZE": 30}
    QgsProject.instance().removeAllMapLayers()


@pytest.fixture
def package(run, inputs, tmp_path):
    folder = tmp_path / "野外" / "调查包"
    folder.parent.mkdir()
    run("surveypackage", {**inputs, "OUTPUT_FOLDER": str(folder), "TITLE": "滑坡调查"})
    return folder


@pytest.fixture
def project(package):
    project = QgsProject()
    assert project.read(str(package / "survey.qgz"))
    yield project
    project.clear()


def test_the_folder_is_complete_and_can_be_moved(package, tmp_path):
    names = {path.name for path in package.iterdir()}
    assert names == {
        "survey.gpkg", "survey.qgz", "sites.gpx", "sites.kml", "base_map.tif", "hillshade.tif", "README.txt", "DCIM",
    }  # fmt: skip
    assert check_gpx(package / "sites.gpx") == ["S01", "S02", "S03", "S04", "S05"]
    assert len(check_kml(package / "sites.kml")) == 8 + 5
    with zipfile.ZipFile(package / "survey.qgz") as archive:
        text = archive.read(next(name for name in archive.namelist() if name.endswith(".qgs"))).decode()
    assert str(tmp_path) not in text and "./survey.gpkg|layername=sites" in text
    moved = package.rename(tmp_path / "moved")
    project = QgsProject()
    assert project.read(str(moved / "survey.qgz"))
    assert len(project.mapLayers()) == 6 and all(layer.isValid() for layer in project.mapLayers().values())
    project.clear()


def test_the_project_has_layers_extent_and_crs(project):
    assert project.title() == "滑坡调查" and project.crs().authid() == UTM
    names = [node.name() for node in project.layerTreeRoot().findLayers()]
    assert names == ["Sites", "Notes", "Tracks", "Active deformation areas", "Base map", "Hillshade"]
    extent = project.viewSettings().defaultViewExtent()
    assert extent.crs().authid() == UTM and extent.contains(project.mapLayersByName("Sites")[0].extent())
    assert project.mapLayersByName("Active deformation areas")[0].readOnly()


def test_the_form_has_its_widgets(project):
    layer = project.mapLayersByName("Sites")[0]
    fields = layer.fields()
    kinds = {field.name(): layer.editorWidgetSetup(fields.indexOf(field.name())).type() for field in fields}
    assert kinds["result"] == "ValueMap" and kinds["remarks"] == "TextEdit" and kinds["visited_on"] == "DateTime"
    for sign in ("tensile_crack", "scarp", "bulging_toe", "tilted_trees", "damaged_road", "cracked_house"):
        assert kinds[sign] == "CheckBox"
    assert kinds["uid"] == kinds["fid"] == "Hidden"
    choices = layer.editorWidgetSetup(fields.indexOf("result")).config()["map"]
    values = [value for choice in choices for value in choice.values()]
    assert values[1:] == ["confirmed", "not_confirmed", "not_accessible"]
    for photo in ("photo_1", "photo_2", "photo_3"):
        setup = layer.editorWidgetSetup(fields.indexOf(photo))
        assert setup.type() == "ExternalResource"
        assert setup.config()["RelativeStorage"] == 1 and setup.config()["DocumentViewer"] == 1
        assert f"_{photo}_" in layer.customProperty("QFieldSync/attachment_naming")
    form = layer.editFormConfig()
    assert [tab.name() for tab in form.tabs()] == ["Result", "Photos", "Visit", "Site"]
    assert any(child.name() == "Signs seen" for child in form.tabs()[0].children())
    assert form.readOnly(fields.indexOf("x")) and not form.readOnly(fields.indexOf("result"))
    assert layer.defaultValueDefinition(fields.indexOf("uid")).expression().startswith("uuid(")
    strengths = fields.at(fields.indexOf("surveyor")).constraints()
    assert strengths.constraintExpression() and "Hard" not in str(strengths.constraintStrength)
    assert form.layout() != QgsEditFormConfig().layout()


def test_records_edited_in_the_project_stay_in_the_package(project, package):
    layer = project.mapLayersByName("Sites")[0]
    feature = next(layer.getFeatures())
    assert layer.startEditing()
    layer.changeAttributeValue(feature.id(), layer.fields().indexOf("result"), "confirmed")
    layer.changeAttributeValue(feature.id(), layer.fields().indexOf("scarp"), True)
    assert layer.commitChanges(), layer.commitErrors()
    again = next(QgsVectorLayer(f"{package / 'survey.gpkg'}|layername=sites").getFeatures())
    assert again["result"] == "confirmed" and again["scarp"] is True
    # The day is filled in by itself.
    assert again["visited_on"] == QDate.currentDate()


def test_a_package_is_not_written_over(run, inputs, package):
    before = (package / "survey.gpkg").read_bytes()
    with pytest.raises(QgsProcessingException, match="nothing is written over it"):
        run("surveypackage", {**inputs, "OUTPUT_FOLDER": str(package)})
    assert (package / "survey.gpkg").read_bytes() == before


@pytest.mark.parametrize("percent", [3, 20, 50, 80])
def test_a_cancelled_run_leaves_nothing(run, inputs, tmp_path, percent):
    folder = tmp_path / "packages"
    folder.mkdir()
    with pytest.raises(QgsProcessingException, match="cancelled"):
        run("surveypackage", {**inputs, "OUTPUT_FOLDER": str(folder / "new")}, Feedback(cancel_at=percent))
    assert list(folder.iterdir()) == []


def test_sites_without_crs_and_a_folder_that_is_a_file_are_told(run, inputs, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(QgsProcessingException, match="is a file"):
        run("surveypackage", {**inputs, "OUTPUT_FOLDER": str(tmp_path / "file")})
    with pytest.raises(QgsProcessingException, match="can't be written"):
        run("surveypackage", {**inputs, "OUTPUT_FOLDER": str(tmp_path / "file" / "below")})
    empty = QgsVectorLayer("Point?crs=EPSG:32648", "empty", "memory")
    with pytest.raises(QgsProcessingException, match="empty"):
        run("surveypackage", {"SITES": empty, "OUTPUT_FOLDER": str(tmp_path / "new")})
    assert not (tmp_path / "new").exists() or not any(Path(tmp_path / "new").iterdir())


def test_areas_without_a_feature_are_refused(run, tmp_path):
    empty = QgsVectorLayer("MultiPolygon?crs=EPSG:32648", "empty", "memory")
    sites = run("samplesites", {"AREAS": area_layer(3), "COUNT": 3, "SITES": "TEMPORARY_OUTPUT"})["SITES"]
    with pytest.raises(QgsProcessingException, match=r"The layer empty \(given as AREAS\) has no areas"):
        run("surveypackage", {"SITES": sites, "AREAS": empty, "OUTPUT_FOLDER": str(tmp_path / "package")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name, file", [("S01", "S01"), ("../../a b", "_a_b"), ("滑坡 7", "滑坡_7"), ("x" * 80, "x" * 40)]
)
def test_the_names_of_photos_stay_in_their_folder(run, tmp_path, name, file):
    """As QField works them out for a site of that name."""
    sites = run("samplesites", {"AREAS": area_layer(1), "COUNT": 1, "SITES": "TEMPORARY_OUTPUT"})["SITES"]
    with edit(sites):
        sites.changeAttributeValue(next(sites.getFeatures()).id(), sites.fields().indexOf("name"), name)
    run("surveypackage", {"SITES": sites, "OUTPUT_FOLDER": str(tmp_path / "package")})
    project = QgsProject()
    project.read(str(tmp_path / "package" / "survey.qgz"))
    layer = project.mapLayersByName("Sites")[0]
    feature = next(layer.getFeatures())
    context = QgsExpressionContext()
    context.setFeature(feature)
    for rule in ("attachment_naming", "photo_naming"):
        expression = json.loads(layer.customProperty(f"QFieldSync/{rule}"))["photo_1"]
        path = QgsExpression(expression).evaluate(context)
        assert path.startswith(f"DCIM/{file}_photo_1_") and ".." not in path and path.count("/") == 1
    project.clear()


def test_areas_of_another_place_are_warned_of_and_stay_out_of_the_map(run, tmp_path):
    sites = run("samplesites", {"AREAS": area_layer(3), "COUNT": 3, "SITES": "TEMPORARY_OUTPUT"})["SITES"]
    elsewhere = area_layer(3)
    with edit(elsewhere):
        for feature in elsewhere.getFeatures():
            geometry = feature.geometry()
            geometry.translate(0, -1_000_000)
            elsewhere.changeGeometry(feature.id(), geometry)
    feedback = Feedback()
    run("surveypackage", {"SITES": sites, "AREAS": elsewhere, "OUTPUT_FOLDER": str(tmp_path / "package")}, feedback)
    assert "None of the areas lies near the sites" in " ".join(feedback.warnings)
    project = QgsProject()
    project.read(str(tmp_path / "package" / "survey.qgz"))
    assert project.viewSettings().defaultViewExtent().height() == pytest.approx(4000, abs=10)
    project.clear()


def test_a_base_map_that_shows_nothing_is_told(run, inputs, tmp_path):
    far = Grid(UTM, (797_000.0, 60.0, 0.0, 3_512_000.0, 0.0, -60.0), 20, 20)
    layer = QgsRasterLayer(write(tmp_path / "far.tif", np.ones((20, 20)), "dem", "m", far), "far")
    QgsProject.instance().addMapLayer(layer)
    feedback = Feedback()
    run("surveypackage", {**inputs, "BASE_MAP": layer, "OUTPUT_FOLDER": str(tmp_path / "package")}, feedback)
    assert "The base map far is empty around the sites." in feedback.log
