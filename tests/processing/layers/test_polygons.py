"""Layers of polygons are checked alike in all tools: what is no polygon is refused or told, what is broken mended."""

from __future__ import annotations

import pytest
from qgis.core import QgsFeature, QgsGeometry, QgsProcessingException, QgsVectorLayer

from ada_mapper.core.errors import InputError
from ada_mapper.core.fields import Field
from ada_mapper.core.progress import Progress
from ada_mapper.processing.layers import read_areas
from recording_feedback import Feedback
from survey_areas import UTM, area_layer

SQUARE = "POLYGON((0 0, 0 10, 10 10, 10 0, 0 0))"
BOW = "POLYGON((0 0, 10 10, 10 0, 0 10, 0 0))"


def layer_of(kind, *shapes, fields=""):
    layer = QgsVectorLayer(f"{kind}?crs={UTM}{fields}", "滑坡", "memory")
    features = []
    for shape in shapes:
        feature = QgsFeature(layer.fields())
        wkt, *values = shape if isinstance(shape, tuple) else (shape,)
        if wkt:
            feature.setGeometry(QgsGeometry.fromWkt(wkt))
        feature.setAttributes(values or [None] * len(layer.fields()))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    assert layer.featureCount() == len(shapes)
    return layer


def read(layer, *table):
    warnings = []
    areas = read_areas(layer, table, progress=Progress(on_warning=warnings.append, on_info=lambda _: None))
    return areas, " ".join(warnings)


def area_of(area):
    geometry = QgsGeometry()
    geometry.fromWkb(area.geometry)
    assert geometry.isGeosValid() and geometry.isMultipart() and not geometry.get().is3D()
    return geometry.area()


@pytest.mark.parametrize("kind, word", [("Point", "points"), ("MultiLineString", "lines"), ("None", "no geometries")])
def test_other_kinds_are_refused(qgis_app, kind, word):
    layer = QgsVectorLayer(
        f"{kind}?crs={UTM}&field=id:integer" if kind != "None" else "None?field=id:integer", "a", "memory"
    )
    with pytest.raises(InputError, match=f"The layer a holds {word} where polygons are needed"):
        read(layer)


@pytest.mark.parametrize(
    "kind, shape, area",
    [
        ("Polygon", SQUARE, 100), ("PolygonZ", "POLYGON Z((0 0 5, 0 10 5, 10 10 5, 10 0 5, 0 0 5))", 100),
        ("MultiPolygonZM", "MULTIPOLYGON ZM(((0 0 5 1, 0 10 5 1, 10 10 5 1, 10 0 5 1, 0 0 5 1)))", 100),
    ],
)  # fmt: skip
def test_heights_are_dropped_and_nothing_else(qgis_app, kind, shape, area):
    areas, told = read(layer_of(kind, shape))
    assert [area_of(one) for one in areas] == [area] and told == ""


def test_a_curve_becomes_lines(qgis_app):
    circle = "CURVEPOLYGON(CIRCULARSTRING(0 0, 10 10, 20 0, 10 -10, 0 0))"
    areas, _ = read(layer_of("CurvePolygon", circle))
    assert area_of(areas[0]) == pytest.approx(314.159, rel=1e-3)


def test_a_broken_outline_is_repaired_and_told(qgis_app):
    areas, told = read(layer_of("Polygon", SQUARE, BOW))
    assert [area_of(one) for one in areas] == [100, 50] and "1 outlines that cross" in told


def test_features_without_an_outline_are_told(qgis_app):
    areas, told = read(layer_of("Polygon", SQUARE, "", "POLYGON EMPTY"))
    assert len(areas) == 1 and "2 features without a geometry" in told


def test_the_attributes_of_text_are_numbers_or_told(qgis_app):
    table = (Field("id", "int", "", ""), Field("rate", "float", "", ""), Field("orbit", "str", "", ""))
    layer = layer_of(
        "Polygon", (SQUARE, "7", "-12,5", "ascending"), (SQUARE, "8", "fast", ""), (SQUARE, "x", "-", None),
        fields="&field=id:string&field=rate:string&field=orbit:string",
    )  # fmt: skip
    areas, told = read(layer, *table)
    assert [tuple(area.attributes[field.name] for field in table) for area in areas] == [
        (7, -12.5, "ascending"), (8, None, None), (None, None, None),
    ]  # fmt: skip
    assert "“fast”" in told and "“x”" in told and "“-”" not in told


@pytest.mark.parametrize(
    "algorithm, name, others",
    [
        ("samplesites", "AREAS", {}), ("samplesites", "DISTRICTS", {"AREAS": area_layer, "STRATIFY": "district"}),
        ("mergeorbits", "ASCENDING", {"DESCENDING": area_layer}),
        ("mergeorbits", "DESCENDING", {"ASCENDING": area_layer}), ("surveymaps", "AREAS", {}),
        ("assessaccuracy", "TRUE_AREAS", {"AREAS": area_layer}),
        ("assessaccuracy", "AREAS", {"TRUE_AREAS": area_layer}),
        ("labelsfromreview", "AREAS", {}), ("createsamples", "LABELS", {}),
        ("surveypackage", "AREAS", {}), ("assesssurvey", "AREAS", {}),
    ],
)  # fmt: skip
def test_points_are_refused_by_every_tool_that_needs_polygons(run, tmp_path, algorithm, name, others):
    points = layer_of(
        "Point", "POINT(500050 3499050)", "POINT(500050 3500050)", fields="&field=review:string&field=result:string"
    )
    given = {key: value(4) if callable(value) else value for key, value in others.items()}
    outputs = {
        "samplesites": "SITES", "mergeorbits": "AREAS", "surveymaps": "OUTPUT", "assessaccuracy": "REPORT",
        "labelsfromreview": "LABELS", "createsamples": "OUTPUT_FOLDER", "surveypackage": "OUTPUT_FOLDER",
        "assesssurvey": "REPORT",
    }  # fmt: skip
    ending = {"OUTPUT": "pdf", "REPORT": "html", "OUTPUT_FOLDER": "folder"}.get(outputs[algorithm], "gpkg")
    target = tmp_path / f"result.{ending}"
    sites = {"SITES": points} if algorithm in ("surveymaps", "surveypackage", "assesssurvey") else {}
    with pytest.raises(QgsProcessingException, match="polygons"):
        run(algorithm, {**given, **sites, name: points, outputs[algorithm]: str(target)}, Feedback())
    assert list(tmp_path.iterdir()) == []
