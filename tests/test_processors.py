"""The same seed and the same data give the same areas on another processor, floats but for their rounding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

SCRIPT = Path(__file__).parent / "support" / "processor_results.py"
SIMULATED = 1e-6
"""Of the largest value of a layer: four times the rounding of a float."""
MAPPED = 2e-5
"""Of what networks and trigonometry make of it, in which roundings add up."""


def run(folder: Path, features: list[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the rest of what a process gives with these features of the processor switched off."""
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "NPY_DISABLE_CPU_FEATURES"}
    if features:
        # BLAS chooses its code by the processor, too.
        environment.update(NPY_DISABLE_CPU_FEATURES=" ".join(features), OPENBLAS_CORETYPE="NEHALEM")
    command = [sys.executable, "-W", "error::ImportWarning", str(SCRIPT), str(folder)]
    subprocess.run(command, env=environment, check=True, timeout=300)
    with np.load(folder / "results.npz") as arrays:
        return dict(arrays), json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, np.ndarray], dict[str, Any]]]:
    """Results with all that the processor can, and with nothing that NumPy doesn't need."""
    folder = tmp_path_factory.mktemp("processors")
    usual = run(folder / "usual", [])
    if not usual[1]["features"]:
        pytest.skip("NumPy uses no feature of this processor that could be switched off")
    bare = run(folder / "bare", usual[1]["features"])
    assert bare[1]["features"] == []
    if np.array_equal(usual[0].pop("exp"), bare[0].pop("exp")):
        pytest.skip("this processor's exp rounds the same without its features, so nothing could differ")
    return [usual, bare]


def test_what_is_chosen_is_the_same(both: list[tuple[dict[str, np.ndarray], dict[str, Any]]]) -> None:
    (usual, said), (bare, also) = both
    assert sum((usual[f"tile {index} label"] == 1).any() for index in range(24)) >= 4
    assert usual["scene counts"].all() and said["areas"]
    chosen = [name for name, values in usual.items() if values.dtype.kind in "biu"]
    assert {"dates", "scene label", "scene cover", "scene landslides", "scene hidden", "tile 0 label"} <= set(chosen)
    for name in chosen:
        np.testing.assert_array_equal(bare[name], usual[name], err_msg=name)
    assert [area["outline"] for area in also["areas"]] == [area["outline"] for area in said["areas"]]


def test_numbers_differ_by_their_rounding_alone(both: list[tuple[dict[str, np.ndarray], dict[str, Any]]]) -> None:
    (usual, said), (bare, also) = both
    for name, values in usual.items():
        largest = MAPPED if name.startswith("map") else SIMULATED
        tolerance = largest * float(np.nanmax(np.abs(values), initial=0))
        np.testing.assert_allclose(bare[name], values, rtol=0, atol=tolerance, err_msg=name)
    for area, other in zip(said["areas"], also["areas"]):
        for name, value in area.items():
            assert other[name] == (pytest.approx(value, rel=1e-4) if isinstance(value, float) else value), name
