"""Layers kept as a Shapefile or a CSV give every tool what they gave as a GeoPackage, or say what they can't."""

from __future__ import annotations

import pytest
from qgis.core import (
    NULL,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingException,
    QgsProject,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QDate

from ada_mapper.core.areas import FIELDS, MERGED_FIELDS
from ada_mapper.core.fields import Field
from ada_mapper.core.survey import FORM_FIELDS, SITE_FIELDS
from ada_mapper.processing.layers import fields_of, named_attributes
from recording_feedback import Feedback
from survey_areas import UTM

REVIEW = (Field("review", "str", "", ""), Field("review_note", "str", "", ""))


def layer_of(kind, table, *rows):
    """A layer in memory; rows are (WKT, values by name)."""
    layer = QgsVectorLayer(f"{kind}?crs={UTM}", "areas", "memory")
    layer.dataProvider().addAttributes(list(fields_of(table)))
    layer.updateFields()
    features = []
    for wkt, values in rows:
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromWkt(wkt))
        for name, value in values.items():
            feature[name] = value
        features.append(feature)
    assert layer.dataProvider().addFeatures(features)[0]
    return layer


def saved(layer, path, driver="ESRI Shapefile"):
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.fileEncoding = driver, "UTF-8"
    if driver == "CSV":
        options.layerOptions = ["GEOMETRY=AS_WKT"]
    written = QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), QgsCoordinateTransformContext(), options)
    assert written[0] == QgsVectorFileWriter.WriterError.NoError
    return str(path)


def square(x, y, side=100):
    return f"MULTIPOLYGON((({x} {y}, {x + side} {y}, {x + side} {y + side}, {x} {y + side}, {x} {y})))"


def area(number, **values):
    measured = {
        "orbit": "ascending", "area_km2": 0.01, "los_rate_mean": -12.5, "los_rate_extreme": -30.0, "slope_mean": 25.0,
        "elevation_min": 600.0, "elevation_max": 800.0, "elevation_range": 200.0,
    }  # fmt: skip
    return square(500_000, 3_500_000 + 1000 * number), {"id": number, **measured, **values}


@pytest.fixture
def areas():
    return layer_of("MultiPolygon", FIELDS, area(1), area(2))


def first(run, source, feedback=None):
    sites = run("samplesites", {"AREAS": source, "COUNT": 1, "SITES": "TEMPORARY_OUTPUT"}, feedback)["SITES"]
    return next(sites.getFeatures())


def test_sites_of_a_shapefile_are_those_of_the_layer_itself(run, areas, tmp_path):
    feedback = Feedback()
    site = first(run, saved(areas, tmp_path / "areas.shp"), feedback)
    assert (site["los_rate"], site["elevation"], site["slope"]) == (-30.0, 700.0, 25.0)
    assert site["look_for"] == first(run, areas)["look_for"] and "Shapefile" in feedback.log
    assert feedback.warnings == []


def test_sites_of_merged_orbits_in_a_shapefile(run, tmp_path):
    values = {
        "id": 1, "seen_from": "both", "area_km2": 0.01, "los_rate_extreme_ascending": -12.0,
        "los_rate_extreme_descending": 40.0, "slope_mean_ascending": 20.0, "elevation_min_ascending": 500.0,
        "elevation_max_ascending": 700.0, "elevation_min_descending": 400.0, "elevation_max_descending": 650.0,
    }  # fmt: skip
    layer = layer_of("MultiPolygon", MERGED_FIELDS, (square(500_000, 3_500_000), values))
    site = first(run, saved(layer, tmp_path / "areas.shp"))
    assert (site["orbit"], site["los_rate"], site["slope"], site["elevation"]) == ("both", 40.0, 20.0, 550.0)


def test_sites_of_a_csv_have_numbers(run, areas, tmp_path):
    path = saved(areas, tmp_path / "areas.csv", "CSV")
    (tmp_path / "areas.csvt").unlink(missing_ok=True)
    address = f"file://{path}?delimiter=,&wktField=WKT&crs={UTM}&detectTypes=no"
    source = QgsVectorLayer(address, "areas", "delimitedtext")
    assert source.isValid() and source.fields().field("los_rate_extreme").typeName() == "text"
    site = first(run, source)
    assert (site["los_rate"], site["elevation"]) == (-30.0, 700.0)


def test_names_that_fit_several_attributes_are_warned_of(run, areas, tmp_path):
    path = saved(areas, tmp_path / "areas.shp")
    layer = QgsVectorLayer(path)
    provider = layer.dataProvider()
    assert provider.deleteAttributes([layer.fields().indexOf(name) for name in ("elevatio_1", "elevatio_2")])
    layer = None
    feedback = Feedback()
    site = first(run, path, feedback)
    assert site["elevation"] == NULL and site["los_rate"] == -30.0
    assert len(feedback.warnings) == 1 and "elevation_" in feedback.warnings[0] and "Shapefile" in feedback.warnings[0]


def test_orbits_in_shapefiles_are_merged_with_their_attributes(run, areas, tmp_path):
    paths = [saved(areas, tmp_path / f"{name}.shp") for name in ("ascending", "descending")]
    parameters = {"ASCENDING": paths[0], "DESCENDING": paths[1], "AREAS": "TEMPORARY_OUTPUT"}
    merged = next(run("mergeorbits", parameters)["AREAS"].getFeatures())
    assert merged["los_rate_extreme_ascending"] == merged["los_rate_extreme_descending"] == -30.0
    assert (merged["elevation_max_ascending"], merged["elevation_range_descending"]) == (800.0, 200.0)


def test_a_package_keeps_the_attributes_of_areas_in_a_shapefile(run, areas, tmp_path):
    sites = run("samplesites", {"AREAS": areas, "COUNT": 1, "SITES": str(tmp_path / "s.gpkg")})["SITES"]
    parameters = {"SITES": sites, "AREAS": saved(areas, tmp_path / "a.shp"), "OUTPUT_FOLDER": str(tmp_path / "package")}
    run("surveypackage", parameters)
    packed = QgsVectorLayer(f"{tmp_path / 'package' / 'survey.gpkg'}|layername=areas")
    assert next(packed.getFeatures())["los_rate_extreme"] == -30.0


def test_sites_in_a_shapefile_are_merged_and_assessed(run, areas, tmp_path):
    """The form's names are cut, too: tensile_crack, bulging_toe, stratum_size …"""
    sites = QgsVectorLayer(run("samplesites", {"AREAS": areas, "COUNT": 2, "SITES": str(tmp_path / "s.gpkg")})["SITES"])
    run("surveypackage", {"SITES": sites, "OUTPUT_FOLDER": str(tmp_path / "package")})
    rows = []
    for feature in sites.getFeatures():
        own = dict(zip(feature.fields().names(), feature.attributes()))
        own.pop("fid", None)
        own.update(result="Not confirmed", bulging_toe=True, visited_on=QDate(2026, 5, 4), surveyor="王")
        rows.append((QgsGeometry.fromPointXY(QgsPointXY(own["x"], own["y"])).asWkt(), own))
    path = saved(layer_of("Point", (*SITE_FIELDS, *FORM_FIELDS), *rows), tmp_path / "back.shp")
    parameters = {"MASTER": path, "COPIES": [str(tmp_path / "package")], "SITES": str(tmp_path / "merged.gpkg")}
    merged = QgsVectorLayer(run("mergesurvey", parameters)["SITES"])
    answers = [(one["result"], one["bulging_toe"], one["stratum_size"]) for one in merged.getFeatures()]
    assert answers == [("not_confirmed", True, 2)] * 2
    result = run("assesssurvey", {"SITES": path})
    assert (result["CONFIRMED"], result["VISITED"]) == (0, 2)


def test_a_field_that_is_named_by_hand_must_be_there(run, areas, tmp_path):
    parameters = {
        "AREAS": areas, "COUNT": 1, "STRATIFY": "district", "DISTRICTS": areas, "DISTRICT_NAME": "county",
        "SITES": str(tmp_path / "sites.gpkg"),
    }  # fmt: skip
    with pytest.raises(QgsProcessingException, match=r"The layer areas has no field county. Its fields are: id, orbit"):
        run("samplesites", parameters)
    assert list(tmp_path.iterdir()) == []


def test_decisions_that_say_nothing_known_are_warned_of(run):
    rows = [area(1, review="Accepted"), area(2, review="REJECTED "), area(3, review="hm"), area(4)]
    feedback = Feedback()
    layer = layer_of("MultiPolygon", (*FIELDS, *REVIEW), *rows)
    result = run("samplesites", {"AREAS": layer, "COUNT": 9, "SITES": "TEMPORARY_OUTPUT"}, feedback)
    assert result["SITE_COUNT"] == 3 and len(feedback.warnings) == 1 and "“hm”" in feedback.warnings[0]
    labels = run("labelsfromreview", {"AREAS": layer, "LABELS": "TEMPORARY_OUTPUT"})
    assert (labels["LANDSLIDE_COUNT"], labels["BACKGROUND_COUNT"], labels["IGNORED_COUNT"]) == (1, 1, 2)


def test_the_attributes_of_a_shapefile_have_their_own_names(areas, tmp_path):
    feature = next(QgsVectorLayer(saved(areas, tmp_path / "areas.shp")).getFeatures())
    own = named_attributes(feature)
    assert own["los_rate_extreme"] == -30.0 and own["elevation_max"] == 800.0
    QgsProject.instance().clear()
