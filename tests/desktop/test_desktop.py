"""The real QGIS desktop on a virtual screen: a tool run from the toolbox, the shipped model in the designer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from qgis_session import QgisSession

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="xvfb-run is not installed"),
    pytest.mark.skipif(shutil.which("qgis") is None, reason="the QGIS desktop is not installed"),
]


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return QgisSession(tmp_path_factory.mktemp("session"))


@pytest.fixture(scope="module")
def scene(session, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene")
    session.process("adamapper:simulatescene", "SEED=3", "SIZE=256", "DATES=8", f"OUTPUT_FOLDER={folder}")
    return folder


def drive(session: QgisSession, script: str, folder: Path, task: dict) -> dict:
    """Run a script in the desktop; returns what it wrote as its outcome."""
    path = folder / "task.json"
    path.write_text(json.dumps({**task, "pictures": str(folder)}))
    session.desktop(HERE / script, path, timeout=200)
    return json.loads((folder / "outcome.json").read_text())


def test_the_one_step_tool_from_the_toolbox(session, scene, tmp_path):
    parameters = {"INPUT_FOLDER": str(scene), "DEM": str(scene / "dem.tif"), "ORBIT": "descending"}
    task = {"search": "active", "algorithm": "adamapper:mapactiveareas", "parameters": parameters, "timeout": 150}
    outcome = drive(session, "run_from_toolbox.py", tmp_path, task)
    assert outcome["errors"] == []
    renderers = {layer["name"]: layer["renderer"] for layer in outcome["layers"]}
    assert renderers == {
        "Active deformation areas": "categorizedSymbol",
        "Probability": "singlebandpseudocolor",
        "Phase rate": "singlebandpseudocolor",
        "LOS rate": "singlebandpseudocolor",
        "Slope": "singlebandpseudocolor",
    }
    styles = {layer["name"]: layer["styles"] for layer in outcome["layers"]}
    assert len(styles["Phase rate"]) == 2
    visible = {layer["name"] for layer in outcome["layers"] if layer["visible"]}
    assert visible == {"Active deformation areas", "Probability", "LOS rate"}
    assert (tmp_path / "canvas.png").stat().st_size > 20_000


def test_the_shipped_model_opens_in_the_designer(session, tmp_path):
    outcome = drive(session, "open_model.py", tmp_path, {"model": "model:Interferograms to active deformation areas"})
    assert outcome["errors"] == []
    assert outcome["children"] == ["detect", "extract", "slope", "stack"]


def test_a_tool_that_fails_says_why_in_one_sentence(session, tmp_path):
    with pytest.raises(RuntimeError, match="interferograms"):
        session.process(
            "adamapper:stackinterferograms", f"INPUT_FOLDER={tmp_path}", f"PHASE_RATE={tmp_path / 'p.tif'}",
            f"LOS_RATE={tmp_path / 'l.tif'}",
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []
