"""adamapper:extractareas through processing.run."""

from __future__ import annotations

import numpy as np
import pytest
from qgis.core import QgsProcessingException, QgsProject, QgsRasterLayer, QgsVectorLayer

from small_rasters import CRS, square_grid, write


def test_extracted_areas_are_exact_and_styled(run, tmp_path, probability):
    output = str(tmp_path / "areas.gpkg")
    parameters = {
        "PROBABILITY": probability, "THRESHOLD": 0.5, "LOW_THRESHOLD": 0.3, "MIN_AREA": 5000, "ORBIT": "ascending",
        "AREAS": output,
    }  # fmt: skip
    result = run("extractareas", parameters)
    layer = QgsVectorLayer(output)
    features = list(layer.getFeatures())
    assert result["AREA_COUNT"] == 2 == len(features)
    assert [feature.geometry().area() for feature in features] == pytest.approx([100 * 900, 100 * 900])
    assert features[0]["area_km2"] == pytest.approx(0.09, rel=2e-3)
    assert {feature["orbit"] for feature in features} == {"ascending"}
    assert all(feature.geometry().isGeosValid() for feature in features)
    assert layer.renderer().type() == "categorizedSymbol"
    assert [category.value() for category in layer.renderer().categories()] == ["ascending"]


def test_no_area_is_a_result(run, tmp_path):
    empty = write(tmp_path / "probability.tif", np.zeros((50, 50), np.float32), "probability", "1")
    result = run("extractareas", {"PROBABILITY": empty, "AREAS": "TEMPORARY_OUTPUT"})
    assert result["AREA_COUNT"] == 0
    assert result["AREAS"].featureCount() == 0


def test_a_raster_without_crs_is_said(run, tmp_path):
    path = write(tmp_path / "probability.tif", np.zeros((9, 9), np.float32), "probability", "1", square_grid(9, 9, ""))
    with pytest.raises(QgsProcessingException, match="coordinate reference system"):
        run("extractareas", {"PROBABILITY": path, "AREAS": "TEMPORARY_OUTPUT"})


def test_a_missing_file_is_said_with_its_name(run, tmp_path, probability):
    parameters = {"PROBABILITY": probability, "LOS_RATE": str(tmp_path / "gone.tif"), "AREAS": "TEMPORARY_OUTPUT"}
    with pytest.raises(QgsProcessingException, match=r"gone\.tif|LOS rate"):
        run("extractareas", parameters)


def test_layers_of_the_project_are_taken_by_name(run, tmp_path, probability):
    layer = QgsRasterLayer(probability, "my probability")
    QgsProject.instance().addMapLayer(layer)
    try:
        result = run("extractareas", {"PROBABILITY": "my probability", "AREAS": "TEMPORARY_OUTPUT"})
        assert result["AREAS"].crs().authid() == CRS
    finally:
        QgsProject.instance().removeMapLayer(layer)
