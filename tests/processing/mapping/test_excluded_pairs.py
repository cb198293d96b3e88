"""Pairs left out by hand: in the toolbox, in the whole chain and in the report."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from qgis.core import QgsProcessingException

from ada_mapper.core.interferograms import find_stack
from recording_feedback import Feedback


@pytest.fixture(scope="module")
def scene(plugin, tmp_path_factory):
    import processing

    folder = tmp_path_factory.mktemp("scene")
    processing.run("adamapper:simulatescene", {"SEED": 3, "SIZE": 128, "DATES": 5, "OUTPUT_FOLDER": str(folder)})
    return folder


def test_they_are_not_stacked_and_the_report_says_why(run, scene, tmp_path):
    names = [pair.name for pair in find_stack(scene).interferograms]
    parameters = {
        "INPUT_FOLDER": str(scene),
        "EXCLUDED_PAIRS": f" {names[0]}, {names[1]}  19990101_19990102",
        "MAX_TEMPORAL_BASELINE": 1000,
        "MAX_PERPENDICULAR_BASELINE": 1000,
        "REPORT": str(tmp_path / "report.html"),
        "PHASE_RATE": str(tmp_path / "phase_rate.tif"),
        "LOS_RATE": str(tmp_path / "los_rate.tif"),
    }
    feedback = Feedback()
    result = run("stackinterferograms", parameters, feedback)
    assert result["PAIRS_FOUND"] == len(names) and result["PAIRS_USED"] == len(names) - 2
    report = Path(result["REPORT"]).read_text(encoding="utf-8")
    assert len(re.findall(r"<td[^>]*>It was left out by hand\.</td>", report)) == 2
    assert "Pairs left out by hand" in report
    assert "not left out by hand: 19990101_19990102" in report


def test_the_whole_chain_passes_them_on(run, scene, tmp_path):
    names = [pair.name for pair in find_stack(scene).interferograms]
    rasters = {name: str(tmp_path / f"{name}.tif") for name in ("PROBABILITY", "PHASE_RATE", "LOS_RATE", "SLOPE")}
    parameters = {
        **rasters,
        "INPUT_FOLDER": str(scene),
        "DEM": str(scene / "dem.tif"),
        "AREAS": str(tmp_path / "areas.gpkg"),
        "EXCLUDED_PAIRS": ",".join(names),
    }
    with pytest.raises(QgsProcessingException, match=f"All {len(names)} interferograms were left out by hand"):
        run("mapactiveareas", parameters)
