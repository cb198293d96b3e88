"""The tools on real interferograms, where they are at hand."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import gdal

from recording_feedback import Feedback
from shared_data import shared_data


def values(path: str) -> np.ndarray:
    return gdal.Open(path).ReadAsArray()


def test_mexico_city_is_mapped_in_one_step_and_has_almost_no_landslides(run, tmp_path):
    folder = shared_data("stacks/mexico_city_s1")
    outputs = {
        name: str(tmp_path / f"{name.lower()}.tif") for name in ("PROBABILITY", "PHASE_RATE", "LOS_RATE", "SLOPE")
    }
    feedback = Feedback()
    parameters = {
        "INPUT_FOLDER": str(folder), "DEM": str(folder / "geotiffs" / "cropA_T005A_dem.tif"), "ORBIT": "ascending",
        "AREAS": "TEMPORARY_OUTPUT", **outputs,
    }  # fmt: skip
    result = run("mapactiveareas", parameters, feedback)
    assert (result["PAIRS_FOUND"], result["PAIRS_USED"]) == (30, 12)
    assert result["AREA_COUNT"] <= 1
    assert "resampled" in feedback.log


@pytest.mark.parametrize(("sign", "expected"), [("toward", -1), ("away", 1)])
def test_mexico_city_subsides(run, tmp_path, sign, expected):
    folder = shared_data("stacks/mexico_city_s1")
    parameters = {
        "INPUT_FOLDER": str(folder), "REFERENCE_MODE": "none", "ATMOSPHERE_FILTER": False, "SIGN": sign,
        "MAX_TEMPORAL_BASELINE": 400, "MAX_PERPENDICULAR_BASELINE": 1000, "PHASE_RATE": str(tmp_path / "p.tif"),
        "LOS_RATE": str(tmp_path / "l.tif"),
    }  # fmt: skip
    result = run("stackinterferograms", parameters)
    los_rate = values(result["LOS_RATE"])
    fastest = los_rate[np.abs(los_rate) >= np.nanpercentile(np.abs(los_rate), 95)]
    assert result["PAIRS_USED"] == 30
    assert np.sign(np.median(fastest)) == expected


def test_west_texas_is_detected_without_terrain(run, tmp_path):
    folder = shared_data("stacks/west_texas_s1")
    outputs = {"PHASE_RATE": str(tmp_path / "phase_rate.tif"), "LOS_RATE": str(tmp_path / "los_rate.tif")}
    stack = run("stackinterferograms", {"INPUT_FOLDER": str(folder), "MAX_TEMPORAL_BASELINE": 48, **outputs})
    assert stack["PAIRS_USED"] == 16
    probability = run("detectareas", {**outputs, "PROBABILITY": str(tmp_path / "p.tif")})["PROBABILITY"]
    assert np.isfinite(values(probability)).mean() > 0.5
    areas = run(
        "extractareas", {"PROBABILITY": probability, "LOS_RATE": outputs["LOS_RATE"], "AREAS": "TEMPORARY_OUTPUT"}
    )
    assert areas["AREA_COUNT"] <= 4


def test_jharia_snap_product_is_one_pair(run, tmp_path):
    folder = shared_data("stacks/jharia_snap")
    outputs = {"PHASE_RATE": str(tmp_path / "phase_rate.tif"), "LOS_RATE": str(tmp_path / "los_rate.tif")}
    feedback = Feedback()
    stack = run("stackinterferograms", {"INPUT_FOLDER": str(folder), **outputs}, feedback)
    assert stack["PAIRS_USED"] == 1
    assert "snap" in feedback.log and "Sentinel-1" in feedback.log
    assert "one pair" in feedback.log.lower()
