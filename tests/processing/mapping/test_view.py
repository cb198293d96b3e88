"""Wavelength, heading, incidence and look side as parameters, from the stack to the LOS sensitivity."""

from __future__ import annotations

import numpy as np
from osgeo import gdal

from ada_mapper.core.raster import BandReader
from interferogram_products import METRES, write_tif
from recording_feedback import Feedback

VIEW = {"WAVELENGTH": 0.2424525, "HEADING": -10, "INCIDENCE": 36, "LOOK_SIDE": "left"}


def interferograms(folder, rate):
    """Three pairs of growing range of so many rad/yr."""
    days = {("20200101", "20200113"): 12, ("20200113", "20200125"): 12, ("20200101", "20200125"): 24}
    for (first, second), apart in days.items():
        values = np.full((METRES.height, METRES.width), rate * apart / 365.25, np.float32)
        write_tif(folder / f"{first}_{second}_unw.tif", values)
    return folder


def stacked(run, folder, feedback=None, **view):
    outputs = {name: str(folder / f"{name.lower()}.tif") for name in ("PHASE_RATE", "LOS_RATE")}
    given = {"REFERENCE_MODE": "none", "ATMOSPHERE_FILTER": False, "LOS_MIN_COHERENCE": 0, "REPORT": None}
    return run("stackinterferograms", {"INPUT_FOLDER": str(folder), **given, **outputs, **view}, feedback or Feedback())


def test_what_is_given_makes_the_rate_and_its_tags(run, tmp_path):
    """3.1098 rad/yr are 60 mm/yr away from ALOS-2: 3.1098 · 242.4525 / 4π."""
    result = stacked(run, interferograms(tmp_path, 3.1098), **VIEW)
    np.testing.assert_allclose(gdal.Open(result["LOS_RATE"]).ReadAsArray(), -60.0, atol=0.01)
    for name in ("PHASE_RATE", "LOS_RATE"):
        with BandReader(result[name]) as reader:
            told = {key: reader.tags[key] for key in ("WAVELENGTH_METRES", "HEADING_DEGREES", "INCIDENCE_DEGREES")}
            assert told == {"WAVELENGTH_METRES": "0.2424525", "HEADING_DEGREES": "350", "INCIDENCE_DEGREES": "36"}
            assert reader.tags["LOOK_SIDE"] == "left"


def test_an_assumed_wavelength_is_warned_of(run, tmp_path):
    feedback = Feedback()
    stacked(run, interferograms(tmp_path, 1.0), feedback)
    (warning,) = [line for line in feedback.warnings if "radar wavelength" in line]
    assert "0.055465763 m, is assumed" in warning and "ALOS-2" in warning
    with BandReader(str(tmp_path / "phase_rate.tif")) as reader:
        assert "HEADING_DEGREES" not in reader.tags and "LOOK_SIDE" not in reader.tags


def sensitivity(run, folder, name, **view):
    """Of a slope of 30° that falls to the east."""
    x = 40.0 * np.arange(60)
    dem = write_tif(folder / "dem.tif", np.tile(2000 - x * np.tan(np.radians(30)), (50, 1)).astype(np.float32))
    result = run("lossensitivity", {"INPUT": str(dem), "OUTPUT": str(folder / f"{name}.tif"), **view})
    return float(gdal.Open(result["OUTPUT"]).ReadAsArray()[25, 30])


def test_the_look_side_turns_the_sensitivity_and_comes_from_the_rate(run, tmp_path):
    """Motion (cos 30°, 0, -sin 30°); a satellite on the way north stands in the west, or in the east where it looks
    to the left: (-/+sin 38°, 0, cos 38°)."""
    slope, angle = np.radians([30.0, 38.0])
    expected = {
        side: sign * np.cos(slope) * np.sin(angle) - np.sin(slope) * np.cos(angle)
        for side, sign in (("right", -1), ("left", 1))
    }
    assert round(expected["left"], 2) == 0.14 and round(expected["right"], 2) == -0.93
    for side, value in expected.items():
        got = sensitivity(run, tmp_path, side, HEADING=0, INCIDENCE=38, LOOK_SIDE=side)
        np.testing.assert_allclose(got, value, atol=0.002)
    folder = tmp_path / "stack"
    result = stacked(run, interferograms(folder, 1.0), **{**VIEW, "HEADING": 0, "INCIDENCE": 38})
    told = sensitivity(run, tmp_path, "told", RATE=result["PHASE_RATE"])
    np.testing.assert_allclose(told, expected["left"], atol=0.002)
