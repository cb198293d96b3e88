"""Semi-real scenes in real QGIS."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsFeature, QgsGeometry, QgsProcessingException, QgsVectorLayer

from recording_feedback import Feedback
from small_rasters import CRS, square_grid, write

SIZE = 200
GRID = square_grid(SIZE, SIZE)


@pytest.fixture
def region(tmp_path):
    """Parallel ridges 1.8 km apart under quiet rates."""
    random = np.random.default_rng(1)
    rate = write(tmp_path / "rate.tif", random.normal(0, 0.1, (SIZE, SIZE)), "phase_rate", "rad/yr", SIGN="away")
    ridges = 300 * np.sin(2 * np.pi * np.arange(SIZE) / 60) + random.normal(0, 1, (SIZE, SIZE)) + 1000
    dem = write(tmp_path / "ridges.tif", ridges, "dem", "m")
    return {"KIND": "semi-real", "PHASE_RATE": rate, "DEM": dem, "LANDSLIDES": 0.6}


def values(path: Path) -> np.ndarray:
    return gdal.Open(str(path)).ReadAsArray()


def test_a_semi_real_scene_is_the_rate_with_landslides_outside_what_is_excluded(run, region, tmp_path):
    excluded = QgsVectorLayer("Polygon?crs=EPSG:4326", "known", "memory")
    geometry = QgsGeometry.fromWkt(
        "POLYGON ((500000 3400000,503000 3400000,503000 3600000,500000 3600000,500000 3400000))"
    )
    from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsProject

    systems = (QgsCoordinateReferenceSystem(name) for name in (CRS, "EPSG:4326"))
    geometry.transform(QgsCoordinateTransform(*systems, QgsProject.instance()))
    feature = QgsFeature()
    feature.setGeometry(geometry)
    excluded.dataProvider().addFeature(feature)
    feedback = Feedback()
    folder = Path(
        run("simulatescene", {**region, "EXCLUDE": excluded, "OUTPUT_FOLDER": str(tmp_path / "s")}, feedback)[
            "OUTPUT_FOLDER"
        ]
    )
    added = np.abs(values(folder / "phase_rate.tif") - values(region["PHASE_RATE"]))
    assert added.max() > 0.5
    assert added[:, :98].max() < 1e-6
    true = QgsVectorLayer(f"{folder / 'true_areas.gpkg'}|layername=true_areas", "true", "ogr")
    assert true.featureCount() == json.loads((folder / "scene.json").read_text(encoding="utf-8"))["true_areas"] > 0
    assert "192" in feedback.log and "assumed" in feedback.log and "true areas" in feedback.log


def test_the_view_is_that_of_the_rate_where_it_tells_it(run, region, tmp_path):
    tagged = {"SIGN": "away", "HEADING_DEGREES": "349", "INCIDENCE_DEGREES": "35"}
    rate = write(tmp_path / "tagged.tif", values(region["PHASE_RATE"]), "phase_rate", "rad/yr", **tagged)
    feedback = Feedback()
    run("simulatescene", {**region, "PHASE_RATE": rate, "OUTPUT_FOLDER": str(tmp_path / "s")}, feedback)
    options = json.loads((tmp_path / "s" / "scene.json").read_text(encoding="utf-8"))["options"]
    assert (options["heading"], options["incidence"]) == (349, 35)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"PHASE_RATE": None}, "needs a phase rate"),
        ({"DEM": None}, "needs a digital elevation model"),
        ({"ORBIT": "both"}, "one orbit"),
    ],
)
def test_what_is_missing_is_said(run, region, tmp_path, change, message):
    with pytest.raises(QgsProcessingException, match=message):
        run("simulatescene", {**region, **change, "OUTPUT_FOLDER": str(tmp_path / "s")})
    assert not (tmp_path / "s" / "scene.json").exists()
