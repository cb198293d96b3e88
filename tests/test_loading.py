"""What QGIS has of the plugin before anybody uses it, and what is left of it afterwards: in a QGIS of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ada_mapper.core.raster import BandDescription, Grid, write_array

pytest.importorskip("qgis")

TESTS = Path(__file__).resolve().parent
SESSION = TESTS / "support" / "loading_session.py"
HEAVY = {"numpy", "scipy", "osgeo", "torch", "onnxruntime", "onnx", "matplotlib", "jinja2", "pyproj"}
GRID = Grid("EPSG:32632", (500000, 30, 0, 5000000, 0, -30), 1000, 2500)
OF_THE_PROCESS = ("environment", "path", "locale", "warnings", "logging", "hooks", "folder", "settings")
OF_GDAL = ("switches", "cache", "options", "numpy")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """session(*tools, switched_on=""): what a QGIS was like at each moment."""

    def run(*tools: str, switched_on: str = "") -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("session")
        heights = 1000 + np.fromfunction(lambda row, column: (5 * row + column) / 10, (GRID.height, GRID.width))
        write_array(folder / "dem.tif", GRID, heights.astype(np.float32), BandDescription("dem", "m"))
        likely = np.random.default_rng(1).uniform(0, 0.1, (GRID.height, GRID.width)).astype(np.float32)
        likely[40:60, 50:80] = 0.9
        write_array(folder / "probability.tif", GRID, likely, BandDescription("probability", "1"))
        rate = BandDescription("LOS rate", "mm/yr", (("SIGN", "toward"),))
        write_array(folder / "rate.tif", GRID, 10 * likely, rate)
        (folder / "text.tif").write_text("no raster")
        environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "QGIS_CUSTOM_CONFIG_PATH": str(folder / "profile"),
            "SWITCHED_ON": switched_on,
        }
        command = [sys.executable, str(SESSION), str(folder), *tools]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
        answers = [line for line in result.stdout.splitlines() if line.startswith("ANSWER")]
        assert answers, result.stdout + result.stderr
        return dict(json.loads(answers[0][len("ANSWER") :]))

    return run


@pytest.fixture(scope="module")
def unused(session: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """A QGIS that loads and unloads the plugin, and runs no tool."""
    return session()


def test_loading_imports_nothing_heavy():
    """In a process without Processing, which brings GDAL itself; newer QGIS brings NumPy."""
    code = (
        "import sys, qgis.core; before = set(sys.modules); import ada_mapper.plugin; "
        "print(*sorted({module.split('.')[0] for module in set(sys.modules) - before}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    new = set(result.stdout.split())
    assert "ada_mapper" in new and not HEAVY & new


def test_loading_imports_few_modules(unused):
    """Of core ground files and plain facts, of the windows only the menu and the toolbar."""
    new = set(unused["loaded"]["modules"]) - set(unused["before"]["modules"])
    assert not HEAVY & {module.split(".")[0] for module in new}
    assert len([module for module in new if module.startswith("ada_mapper.core.")]) <= 12
    assert {module for module in new if module.startswith("ada_mapper.ui.")} == {"ada_mapper.ui.actions"}
    assert len(new) < 70, sorted(new)


@pytest.mark.parametrize("fact", OF_THE_PROCESS)
@pytest.mark.parametrize("moment", ["loaded", "unloaded"])
def test_loading_changes_nothing_outside_the_plugin(unused, moment, fact):
    assert unused[moment][fact] == unused["before"][fact]


def test_what_is_added_to_qgis_goes_with_the_plugin(unused):
    before, loaded, unloaded = (unused[moment] for moment in ("before", "loaded", "unloaded"))
    assert set(loaded["providers"]) - set(before["providers"]) == {"adamapper"}
    assert loaded["models"] != before["models"] and loaded["window"] != before["window"]
    for fact in ("providers", "models", "window"):
        assert unloaded[fact] == before[fact]


TOOLS = (
    "slope",
    "slope of text",
    "slope cancelled",
    "areas",
    "areas of text",
    "areas cancelled",
    "detector",
    "detector cancelled",
    "scene",
    "scene cancelled",
)


@pytest.fixture(scope="module", params=["", "gdal", "osr ogr", "gdal ogr osr"], ids=lambda names: names or "none")
def used(request: pytest.FixtureRequest, session: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """A QGIS in which tools run, with exceptions of some of GDAL's modules switched on by somebody else."""
    return {"on": request.param.split(), **session(*TOOLS, switched_on=request.param)}


def test_tools_leave_the_process_as_it_was(used):
    """After success, error and cancellation alike."""
    switched_on = dict(zip(("gdal", "ogr", "osr"), used["ready"]["switches"]))
    # From GDAL 3.7 on one module switches the others on, too.
    assert all(switched_on[name] for name in used["on"]) and any(switched_on.values()) == bool(used["on"])
    for tool in TOOLS:
        assert used[tool]["is_done"] == (" " not in tool), tool
        for fact in (*OF_THE_PROCESS, *OF_GDAL):
            assert used[tool][fact] == used["ready"][fact], (tool, fact)


def test_unloading_after_use_leaves_the_process_as_it_was(used):
    for fact in OF_THE_PROCESS:
        assert used["unloaded"][fact] == used["ready"][fact], fact
    for fact in ("providers", "models", "window"):
        assert used["unloaded"][fact] == used["before"][fact], fact
