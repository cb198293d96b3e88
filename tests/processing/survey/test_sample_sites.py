"""Sampling of sites through processing.run: layers, styles, other languages, faults."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    edit,
)
from qgis.PyQt.QtCore import QLocale

from recording_feedback import Feedback
from survey_areas import area_layer


@pytest.fixture
def layer(qgis_app):
    layer = area_layer(12)
    QgsProject.instance().addMapLayer(layer)
    yield layer
    QgsProject.instance().removeMapLayer(layer)


def test_sites_are_numbered_styled_points(run, layer, tmp_path):
    output = tmp_path / "野外调查" / "站点.gpkg"
    output.parent.mkdir()
    feedback = Feedback()
    result = run("samplesites", {"AREAS": layer, "COUNT": 6, "STRATIFY": "orbit", "SITES": str(output)}, feedback)
    sites = QgsVectorLayer(str(output))
    names = [feature["name"] for feature in sites.getFeatures()]
    assert result["SITE_COUNT"] == 6 and names == ["S01", "S02", "S03", "S04", "S05", "S06"]
    assert sites.crs().authid() == "EPSG:32648"
    assert "rejected" in feedback.log and "descending: 2 of 4" in feedback.log
    assert output.with_suffix(".qml").exists() and sites.labelsEnabled()
    site = next(sites.getFeatures())
    assert "12 mm" in site["look_for"] and site["longitude_dm"] == "105°00.032′ E"
    assert site.geometry().asPoint().x() == pytest.approx(site["x"])


def test_districts_without_a_name_are_numbered(run, layer):
    districts = QgsVectorLayer("Polygon?crs=EPSG:32648&field=name:string", "districts", "memory")
    features = []
    for name, south in (("北部", 3_506_000), (None, 3_499_000)):
        feature = QgsFeature(districts.fields())
        feature.setAttributes([name])
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(499_000, south, 501_000, south + 7_000)))
        features.append(feature)
    districts.dataProvider().addFeatures(features)
    parameters = {"AREAS": layer, "COUNT": 6, "STRATIFY": "district", "DISTRICTS": districts, "DISTRICT_NAME": "name"}
    sites = run("samplesites", {**parameters, "SITES": "TEMPORARY_OUTPUT"})["SITES"]
    assert {feature["stratum"] for feature in sites.getFeatures()} == {"北部", "District 2"}


def test_a_decimal_comma_changes_nothing(run, layer):
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German, QLocale.Country.Germany))
    try:
        result = run("samplesites", {"AREAS": layer, "COUNT": 3, "CRS": "EPSG:4326", "SITES": "TEMPORARY_OUTPUT"})
    finally:
        QLocale.setDefault(before)
    site = next(result["SITES"].getFeatures())
    assert site["latitude_dm"].startswith("31°") and "." in site["latitude_dm"]
    assert site["x"] == pytest.approx(site["longitude"])


def test_no_areas_no_crs_and_no_permission_are_told(run, layer, tmp_path):
    empty = QgsVectorLayer("Polygon?crs=EPSG:32648", "empty", "memory")
    with pytest.raises(QgsProcessingException, match="no areas"):
        run("samplesites", {"AREAS": empty, "SITES": "TEMPORARY_OUTPUT"})
    lost = QgsVectorLayer("Polygon", "lost", "memory")
    lost.setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(QgsProcessingException, match="coordinate reference system"):
        run("samplesites", {"AREAS": lost, "SITES": "TEMPORARY_OUTPUT"})
    (tmp_path / "gone").write_text("")
    with pytest.raises(QgsProcessingException, match="can't be written"):
        run("samplesites", {"AREAS": layer, "SITES": str(tmp_path / "gone" / "sites.gpkg")})


def test_a_cancelled_run_leaves_nothing(run, layer, tmp_path):
    output = tmp_path / "sites.gpkg"
    with pytest.raises(QgsProcessingException, match="cancelled"):
        run("samplesites", {"AREAS": layer, "SITES": str(output)}, Feedback(cancel_after=1))
    assert list(tmp_path.iterdir()) == []


def test_a_dissolved_layer_gives_as_many_sites(run):
    areas = area_layer(12)
    with edit(areas):
        for feature in areas.getFeatures():
            areas.changeAttributeValue(feature.id(), areas.fields().indexOf("review"), None)
    dissolved = run("native:dissolve", {"INPUT": areas, "OUTPUT": "TEMPORARY_OUTPUT"})["OUTPUT"]
    assert dissolved.featureCount() == 1
    feedback = Feedback()
    result = run("samplesites", {"AREAS": dissolved, "COUNT": 56, "SITES": "TEMPORARY_OUTPUT"}, feedback)
    assert result["SITE_COUNT"] == 12 and "dissolved" in " ".join(feedback.warnings)
    assert "12 sites of 12 areas" in feedback.log
