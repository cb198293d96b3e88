"""adamapper:classicaldetector through processing.run."""

from __future__ import annotations

import numpy as np
import pytest

from small_rasters import write


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


@pytest.mark.parametrize(("share", "found"), [(-0.4, 1), (0.4, 0), (-0.05, 0)])
def test_with_the_sensitivity_only_ground_that_moves_downhill_is_found(run, tmp_path, share, found):
    rows, columns = np.mgrid[:200, :200]
    rate = np.random.default_rng(0).normal(0, 1, (200, 200)).astype(np.float32)
    rate -= 40 * np.exp(-((rows - 100) ** 2 + (columns - 60) ** 2) / 60).astype(np.float32)
    layers = {
        "LOS_RATE": write(tmp_path / "los_rate.tif", rate, "los_rate", "mm/yr", SIGN="toward"),
        "LOS_SENSITIVITY": write(tmp_path / "seen.tif", np.full_like(rate, share), "los_sensitivity", "1"),
    }
    assert run("classicaldetector", {**layers, "AREAS": "TEMPORARY_OUTPUT"})["AREA_COUNT"] == found
    least = run("classicaldetector", {**layers, "MIN_SENSITIVITY": 0.5, "AREAS": "TEMPORARY_OUTPUT"})
    assert least["AREA_COUNT"] == 0
