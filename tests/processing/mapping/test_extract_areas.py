"""Slope, areas, orbits and the classical detector, through processing.run."""

from __future__ import annotations

import numpy as np
import pytest
from qgis.core import QgsProcessingException, QgsProject, QgsRasterLayer, QgsVectorLayer

from small_rasters import CRS, square_grid, write


@pytest.fixture
def probability(tmp_path):
    values = np.zeros((120, 100), np.float32)
    values[10:20, 30:40] = 0.9
    values[50:70, 50:55] = 0.4
    values[52, 52] = 0.8
    values[100:110, 10:20] = 0.4
    values[0, 99] = 0.95
    return write(tmp_path / "probability.tif", values, "probability", "1")


def test_slope_of_a_plane(run, tmp_path):
    rows = np.arange(60, dtype=np.float32)[:, None] * np.ones((1, 50), np.float32)
    dem = write(tmp_path / "dem.tif", 1000 - 30 * np.tan(np.radians(20)) * rows, "dem", "m")
    result = run("slope", {"INPUT": dem, "OUTPUT": str(tmp_path / "slope.tif"), "ASPECT": str(tmp_path / "aspect.tif")})
    slope, aspect = (QgsRasterLayer(result[name]) for name in ("OUTPUT", "ASPECT"))
    statistics = slope.dataProvider().bandStatistics(1)
    assert (statistics.minimumValue, statistics.maximumValue) == pytest.approx((20, 20), abs=1e-3)
    assert aspect.dataProvider().bandStatistics(1).mean == pytest.approx(180, abs=1e-3)
    assert (tmp_path / "slope.qml").exists()


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


def test_orbits_are_merged_and_coloured(run, tmp_path, probability):
    layers = {}
    for orbit, low in (("ascending", 0.3), ("descending", 0.5)):
        parameters = {"PROBABILITY": probability, "THRESHOLD": 0.5, "LOW_THRESHOLD": low, "MIN_AREA": 1000,
                      "ORBIT": orbit, "AREAS": str(tmp_path / f"{orbit}.gpkg")}  # fmt: skip
        layers[orbit.upper()] = run("extractareas", parameters)["AREAS"]
    result = run("mergeorbits", {**layers, "AREAS": "TEMPORARY_OUTPUT"})
    merged = sorted(result["AREAS"].getFeatures(), key=lambda feature: feature["seen_from"])
    assert [feature["seen_from"] for feature in merged] == ["ascending", "both"]
    assert merged[1]["area_km2_descending"] == pytest.approx(0.09, rel=2e-3)


def test_classical_detector_finds_a_hill_of_motion(run, tmp_path):
    rows, columns = np.mgrid[:200, :200]
    rate = np.random.default_rng(0).normal(0, 1, (200, 200)).astype(np.float32)
    rate -= 40 * np.exp(-((rows - 100) ** 2 + (columns - 60) ** 2) / 60).astype(np.float32)
    path = write(tmp_path / "los_rate.tif", rate, "los_rate", "mm/yr", SIGN="toward")
    result = run("classicaldetector", {"LOS_RATE": path, "SIGMA": 4, "AREAS": "TEMPORARY_OUTPUT"})
    feature = next(result["AREAS"].getFeatures())
    assert result["AREA_COUNT"] == 1
    assert feature["los_rate_extreme"] == pytest.approx(-40, abs=4)
    assert feature["orbit"] == "unknown"


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
