"""Without a Python package that QGIS doesn't bring everywhere, a tool works or says in its error which one it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ada_mapper.core.raster import BandDescription, Grid, write_array
from ada_mapper.core.simulation import SceneOptions, simulate_scene

pytest.importorskip("qgis")

ROOT = Path(__file__).resolve().parent.parent
SESSION = ROOT / "tests" / "support" / "bare_session.py"
GRID = Grid("EPSG:32632", (500000, 30, 0, 5000000, 0, -30), 300, 300)
# What needs nothing but NumPy and GDAL.
SPARING = {
    "slope",
    "extractareas",
    "mergeorbits",
    "labelsfromreview",
    "samplesites",
    "surveypackage",
    "mergesurvey",
    "assesssurvey",
    "surveymaps",
    "createsamples",
    "assessaccuracy",
}
NEEDS_A_RUNTIME = {"detectareas", "mapactiveareas", "comparechannels"}
NOT_INSTALLED = [package for package in ("torch", "onnx", "safetensors") if find_spec(package) is None]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what bare_session.RUNS names, made while all packages are there."""
    folder = tmp_path_factory.mktemp("inputs")
    random = np.random.default_rng(1)
    heights = 1000 + np.fromfunction(lambda row, column: 5 * row + column, (GRID.height, GRID.width))
    likely = random.uniform(0, 0.1, (GRID.height, GRID.width))
    for row, column in ((40, 50), (140, 50), (140, 150)):
        likely[row : row + 20, column : column + 30] = 0.9
    rate = random.normal(0, 1, (GRID.height, GRID.width)) + 9 * (likely > 0.5)
    for name, values, band in (
        ("dem", heights, BandDescription("dem", "m")),
        ("probability", likely, BandDescription("probability", "1")),
        ("rate", rate, BandDescription("phase rate", "rad/yr", (("SIGN", "away"),))),
        ("los_rate", 10 * rate, BandDescription("LOS rate", "mm/yr", (("SIGN", "toward"),))),
    ):
        write_array(folder / f"{name}.tif", GRID, values.astype(np.float32), band)
    (folder / "network.onnx").write_bytes((ROOT / "models" / "compact.onnx").read_bytes())
    simulate_scene(folder / "scene", SceneOptions(seed=1, size=128, dates=4))
    return folder


@pytest.fixture(scope="module")
def without(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """without(*packages): for each tool whether it came to a result, and its errors, in a QGIS that lacks them."""

    def run(*packages: str) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("without")
        for path in inputs.iterdir():
            (folder / path.name).symlink_to(path)
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QGIS_CUSTOM_CONFIG_PATH": str(folder / "profile")}
        command = [sys.executable, str(SESSION), str(folder), *packages]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
        answers = [line for line in result.stdout.splitlines() if line.startswith("ANSWER")]
        assert answers, result.stdout + result.stderr
        return dict(json.loads(answers[0][len("ANSWER") :]))

    return run


def refused(outcomes: dict[str, Any], *packages: str) -> set[str]:
    """The tools that came to no result; each said once which of the packages it needs."""
    for name, outcome in outcomes.items():
        if not outcome["is_done"]:
            assert len(outcome["errors"]) == 1, (name, outcome)
            assert any(f"the Python package {package}" in outcome["errors"][0] for package in packages), (name, outcome)
    return {name for name, outcome in outcomes.items() if not outcome["is_done"]}


def test_without_scipy(without):
    outcomes = without("scipy")
    needing = {"lossensitivity", "classicaldetector", "simulatescene"}
    assert needing <= refused(outcomes, "scipy", *NOT_INSTALLED) <= set(outcomes) - SPARING


def test_without_what_runs_and_trains_networks(without):
    outcomes = without("onnxruntime", "torch", "onnx", "safetensors")
    assert NEEDS_A_RUNTIME <= refused(outcomes, "onnxruntime", "torch", "onnx") <= set(outcomes) - SPARING


def test_without_pytorch_everything_but_training_works(without):
    assert refused(without("torch", "safetensors"), "torch") == {"trainmodel"}


def test_without_onnxruntime_pytorch_runs_the_network(without):
    pytest.importorskip("torch")
    assert not NEEDS_A_RUNTIME & refused(without("onnxruntime"), "onnxruntime")
