"""The real QGIS desktop on a virtual screen: tools run from the toolbox, the shipped model in the designer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ada_mapper.core.models import read_card
from ada_mapper.processing.algorithm import BUNDLED_MODEL
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


def drive(session: QgisSession, script: str, folder: Path, task: dict, timeout: float = 200) -> dict:
    """Run a script in the desktop; returns what it wrote as its outcome."""
    path = folder / "task.json"
    path.write_text(json.dumps({**task, "pictures": str(folder), "brisk": True}))
    session.desktop(HERE / script, path, timeout=timeout)
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
    task = {"model": "model:Interferograms to active deformation areas", "timeout": 60}
    outcome = drive(session, "open_model.py", tmp_path, task)
    assert outcome["errors"] == []
    assert outcome["children"] == ["detect", "extract", "sensitivity", "slope", "stack"]


def test_a_tool_that_fails_says_why_in_one_sentence(session, tmp_path):
    with pytest.raises(RuntimeError, match="interferograms"):
        session.process(
            "adamapper:stackinterferograms", f"INPUT_FOLDER={tmp_path}", f"PHASE_RATE={tmp_path / 'p.tif'}",
            f"LOS_RATE={tmp_path / 'l.tif'}",
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_a_user_teaches_the_model_twenty_landslides(session, tmp_path):
    """Draw, create samples, fine-tune, map, assess: all by clicks; a training of few steps, to see that it works."""
    for package in ("torch", "onnx"):
        pytest.importorskip(package, reason=f"{package} is needed for training and is not installed")
    task = {
        "model": str(BUNDLED_MODEL),
        "scene": {"SEED": 5, "SIZE": 512, "DATES": 16},
        "landslides": {"SEED": 6, "LANDSLIDES": 3},
        "samples": {"TILE_SIZE": 64, "BLOCK_SIZE": 2},
        "training": {"STEPS": 4, "BATCH_SIZE": 4, "SIMULATED_SHARE": 0, "PATIENCE": 0, "THREADS": 1},
        "timeout": 540,
    }
    outcome = drive(session, "teach_model.py", tmp_path, task, timeout=570)
    assert outcome["errors"] == []
    assert outcome["drawn"] == 20 and min(outcome["overlaps_of_drawings"]) > 0.4

    layers, results = outcome["layers"], outcome["results"]
    assert results["createsamples"]["AREA_COUNT"] == 20
    tiles = layers["Tiles"]
    assert tiles["categories"] == ["Training", "Validation", "Test"]
    assert tiles["features"] == results["createsamples"]["TILE_COUNT"] > 20
    assert {layers[name]["renderer"] for name in ("Phase rate", "LOS rate", "Probability")} == {"singlebandpseudocolor"}
    assert layers["Active deformation areas"]["categories"] == ["Descending orbit"]
    assert layers["Active deformation areas"]["features"] == results["extractareas"]["AREA_COUNT"] > 0

    training = read_card(tmp_path / "tuned.onnx").training
    assert training["sample_sets"][0]["folder"] == "samples" and training["sample_sets"][0]["scenes"] == ["west"]
    assert sum(training["sample_sets"][0]["tiles"].values()) == tiles["features"] and training["steps"] == 4
    assert training["fine_tuning"]["start"]["name"] == read_card(BUNDLED_MODEL).name
    assert "classical detector" in training["judged"]["own test tiles"]
    assert "classical detector" in (tmp_path / "training.html").read_text("utf-8")

    figures = results["assessaccuracy"]
    shares = ("IOU", "PRECISION", "RECALL", "F1", "AREA_RECALL", "AREA_PRECISION", "CLASSICAL_IOU")
    assert all(0 <= run[name] <= 1 for run in (figures, outcome["before"]) for name in shares)
    assert figures["IOU"] > 0.3, "a few steps can't spoil what the model knew"
    judged = layers["Hits, misses and false alarms"]
    assert judged["renderer"] == "categorizedSymbol" and judged["features"] > 10
    assert "classical detector" in (tmp_path / "accuracy.html").read_text("utf-8")
    assert (tmp_path / "judged_map.png").stat().st_size > 20_000
