"""A second look from the other orbit, through processing.run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsProcessingException, QgsVectorLayer

from ada_mapper.core.channels import ChannelKind, minmax_channel
from ada_mapper.core.detection import fused_probability
from ada_mapper.core.raster import BandDescription, Grid, write_array
from tiny_models import card_of, write_model

RATE = minmax_channel(ChannelKind.PHASE_RATE, 0.0, 1.0)
GRID = Grid("EPSG:32632", (500_000.0, 30.0, 0.0, 5_000_000.0, 0.0, -30.0), 80, 70)


def raster(path: Path, values: np.ndarray, name: str, unit: str = "1", **tags: str) -> str:
    write_array(path, GRID, values.astype(np.float32), BandDescription(name, unit, tuple(tags.items())))
    return str(path)


def read(path: str, band: int = 1) -> np.ndarray:
    dataset = gdal.Open(path)
    return dataset.GetRasterBand(band).ReadAsArray()


@pytest.fixture
def scene(tmp_path):
    """A network whose probability is the phase rate; both orbits find one square, the first alone another."""
    random = np.random.default_rng(7)
    rates = [random.uniform(0.02, 0.1, (70, 80)) for _ in range(2)]
    for rate in rates:
        rate[10:20, 10:20] = 0.8
    rates[0][40:50, 50:60] = 0.9
    sees = [np.full((70, 80), 0.6), np.full((70, 80), -0.6)]
    layers = {"MODEL": str(write_model(tmp_path / "model.onnx", card_of(RATE)))}
    for number, (prefix, heading) in enumerate((("", "348"), ("OTHER_", "192"))):
        layers[f"{prefix}PHASE_RATE"] = raster(tmp_path / f"rate{number}.tif", rates[number], "phase_rate", "rad/yr")
        layers[f"{prefix}LOS_SENSITIVITY"] = raster(
            tmp_path / f"sees{number}.tif", sees[number], "los_sensitivity", HEADING_DEGREES=heading
        )
    return layers


def test_both_orbits_are_fused_and_areas_tell_whether_they_agree(run, tmp_path, scene):
    alone = {name: value for name, value in scene.items() if not name.startswith("OTHER_")}
    first = read(run("detectareas", {**alone, "PROBABILITY": str(tmp_path / "first.tif")})["PROBABILITY"])
    second = read(
        run("detectareas", {**alone, "PHASE_RATE": scene["OTHER_PHASE_RATE"], "PROBABILITY": str(tmp_path / "2.tif")})[
            "PROBABILITY"
        ]
    )
    result = run("detectareas", {**scene, "PROBABILITY": str(tmp_path / "fused.tif")})["PROBABILITY"]
    sees = [read(scene[f"{prefix}LOS_SENSITIVITY"]) for prefix in ("", "OTHER_")]
    np.testing.assert_allclose(read(result), fused_probability(first, second, *sees), atol=1e-6)
    np.testing.assert_array_equal(read(result, 2), first)
    areas = run("extractareas", {"PROBABILITY": result, "MIN_AREA": 1000, "LOW_THRESHOLD": 0.3, "THRESHOLD": 0.5,
                                 "AREAS": str(tmp_path / "areas.gpkg")})["AREAS"]  # fmt: skip
    found = {feature["agreement"] for feature in QgsVectorLayer(areas).getFeatures()}
    assert found == {"seen by both", "contradicted"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"OTHER_PHASE_RATE": None}, "The other orbit has no rate"),
        ({"OTHER_LOS_SENSITIVITY": None}, "that of the other orbit is missing"),
        ({"LOS_SENSITIVITY": None}, "that of the first orbit is missing"),
        ({"OTHER_LOS_SENSITIVITY": "LOS_SENSITIVITY"}, "same orbit"),
    ],
)
def test_what_isnt_enough_for_a_second_look_is_told(run, tmp_path, scene, changes, words):
    changed = {name: scene[value] if value else None for name, value in changes.items()}
    with pytest.raises(QgsProcessingException, match=words):
        run("detectareas", {**scene, **changed, "PROBABILITY": str(tmp_path / "fused.tif")})
    assert not (tmp_path / "fused.tif").exists()


def test_merged_areas_tell_what_the_other_orbit_could_see(run, tmp_path, scene):
    rates = {}
    for number, orbit in enumerate(("ASCENDING", "DESCENDING")):
        values = read(scene["PHASE_RATE" if number == 0 else "OTHER_PHASE_RATE"])
        probability = raster(tmp_path / f"p{number}.tif", values, "probability")
        rates[orbit] = run("extractareas", {"PROBABILITY": probability, "MIN_AREA": 1000, "THRESHOLD": 0.5,
                                            "AREAS": str(tmp_path / f"{orbit}.gpkg")})["AREAS"]  # fmt: skip
    los = raster(tmp_path / "los.tif", np.zeros((70, 80)), "los_rate", "mm/yr")
    layers = {"DESCENDING_LOS_RATE": los, "DESCENDING_LOS_SENSITIVITY": scene["OTHER_LOS_SENSITIVITY"]}
    merged = run("mergeorbits", {**rates, **layers, "AREAS": "TEMPORARY_OUTPUT"})["AREAS"]
    assert {feature["agreement"] for feature in merged.getFeatures()} == {"seen by both", "contradicted"}
    with pytest.raises(QgsProcessingException, match="Only one of LOS rate and LOS sensitivity of the ascending"):
        run("mergeorbits", {**rates, "ASCENDING_LOS_RATE": los, "AREAS": "TEMPORARY_OUTPUT"})
