"""adamapper:mergeorbits through processing.run."""

from __future__ import annotations

import pytest

from recording_feedback import Feedback


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


def test_one_layer_for_both_orbits_is_told(run, tmp_path, probability):
    areas = run("extractareas", {"PROBABILITY": probability, "AREAS": str(tmp_path / "areas.gpkg")})["AREAS"]
    feedback = Feedback()
    run("mergeorbits", {"ASCENDING": areas, "DESCENDING": areas, "AREAS": "TEMPORARY_OUTPUT"}, feedback)
    assert [line for line in feedback.warnings if "was given for both orbits" in line]
