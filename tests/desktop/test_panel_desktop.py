"""The panel in the real QGIS desktop on a virtual screen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from qgis_session import QgisSession

pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="xvfb-run is not installed"),
    pytest.mark.skipif(shutil.which("qgis") is None, reason="the QGIS desktop is not installed"),
]


def test_from_a_folder_to_areas_and_back_again(tmp_path):
    pytest.importorskip("onnxruntime")
    session = QgisSession(tmp_path / "session")
    scene = tmp_path / "scene"
    session.process("adamapper:simulatescene", "SEED=3", "SIZE=256", "DATES=8", f"OUTPUT_FOLDER={scene}")
    task = tmp_path / "task.json"
    task.write_text(json.dumps({"scene": str(scene), "pictures": str(tmp_path), "timeout": 220}))
    session.desktop(Path(__file__).parent / "use_panel.py", task, size="1366x768", timeout=260)
    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert outcome["errors"] == []
    assert outcome["ready"]["state"] == "ready" and outcome["running"]["state"] == "running"
    assert "ADA Mapper: Areas, descending" in outcome["tasks"], "the task manager shows it"
    visible = outcome["groups"]["Areas, descending"]
    assert next(iter(visible)) == "Active deformation areas" and list(visible)[-1] == "Hillshade"
    assert visible["Active deformation areas"] and not visible["Phase rate"]
    assert outcome["mapped"]["state"] == "done" and outcome["can_be_repeated"]
    assert "Map active deformation areas" in outcome["abstract"]
    assert outcome["new"]["state"] != "done"
    for moment in ("reopened", "after_reload"):
        assert outcome[moment] == {**outcome["mapped"], "step": "detect"}, moment
    assert (outcome["toolbars"], outcome["panels"]) == (1, 1)
    assert (tmp_path / "mapped.png").stat().st_size > 20_000
