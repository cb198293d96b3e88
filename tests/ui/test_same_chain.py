"""The panel runs the same tools with the same parameters, step by step, as the tool for the whole chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import QgsMapLayer, QgsProcessingContext, QgsProcessingFeedback, QgsRasterLayer

from ada_mapper.processing.mapping import CHAIN, MapActiveAreas
from ada_mapper.processing.outputs import destination_of
from ada_mapper.ui.data import DataStep
from ada_mapper.ui.detect import DetectStep
from ada_mapper.ui.detect import detect_plan as plan
from small_rasters import write

RASTERS = ("phase_rate", "los_rate", "dem", "slope", "los_sensitivity")


def shown(value: Any) -> Any:
    """A layer or a file by the name of its file, in whatever folder; anything else as it is."""
    value = value.source() if isinstance(value, QgsMapLayer) else value
    value = destination_of(value) or value
    return Path(value).name if isinstance(value, str) and "/" in value else value


@pytest.fixture
def runs(runner, monkeypatch) -> list[tuple[str, dict[str, Any], Any]]:
    """What the panel runs, without running it: tool, parameters, and what is called at the end."""
    recorded = []

    def record(algorithm, parameters, name, on_finished=None, load=True, group=""):
        recorded.append((algorithm, dict(parameters), on_finished))
        return object()

    monkeypatch.setattr(runner, "run", record)
    return recorded


@pytest.fixture
def work(state, project, tmp_path):
    """A project in which everything is chosen, with the results of a run in files of the usual names."""
    for role in RASTERS:
        path = write(tmp_path / f"{role}.tif", np.linspace(0, 1, 400).reshape(20, 20), role, "")
        state.set_layer(role, project.addMapLayer(QgsRasterLayer(path, role)))
    state.set("folder", str(tmp_path / "pairs"))
    state.set("orbit", "ascending")
    state.set("product", "geotiff")
    state.set("max_temporal_baseline", 24.0)
    state.set("max_perpendicular_baseline", 80.0)
    state.set("excluded_pairs", ["20180106_20180130", "20180130_20180211"])
    mask = project.addMapLayer(QgsRasterLayer(state.layer("slope").source(), "Moving ground"))
    state.set("stacking", {"RAMP": "plane", "UNIT": "m/yr", "START_DATE": "2018-01-01", "EXCLUDE_MASK": mask.id()})
    return tmp_path


@pytest.fixture
def in_one_step(context, work, monkeypatch) -> dict[str, dict[str, Any]]:
    """The parameters that the tool for the whole chain gives each tool, as the Detect step starts it."""
    import processing

    given = {}

    def record(algorithm, parameters, **_):
        given[algorithm] = {name: shown(value) for name, value in parameters.items()}
        numbers = {"PAIRS_FOUND": 3, "PAIRS_USED": 2, "AREA_COUNT": 1}
        return {**parameters, **numbers}

    monkeypatch.setattr(processing, "run", record)
    monkeypatch.setattr(MapActiveAreas, "open_model", lambda *_: None)
    parameters = plan.folder_parameters(context.state, work / "results")
    parameters["DEM"] = parameters["DEM"].source()
    (work / "results").mkdir()
    tool = MapActiveAreas().create()
    tool.start(parameters, QgsProcessingContext(), QgsProcessingFeedback())
    return given


def test_the_whole_chain_runs_every_step_in_order(in_one_step):
    assert list(in_one_step) == [step.algorithm for step in CHAIN]


def test_the_data_step_stacks_and_makes_the_slope_as_the_whole_chain_does(context, state, runs, in_one_step, work):
    step = DataStep(context)
    step.stack()
    state.set_layer("slope", None)
    runs[0][2](True, {})
    step.choice.stop()
    step.deleteLater()
    assert [algorithm for algorithm, _, _ in runs] == ["adamapper:stackinterferograms", "adamapper:slope"]
    for algorithm, parameters, _ in runs:
        outputs = {name for name, value in parameters.items() if value == "TEMPORARY_OUTPUT"}
        # None: a raster that only the tool makes, when it is asked to.
        expected = {name: value for name, value in in_one_step[algorithm].items() if value is not None}
        assert set(parameters) == set(expected)
        assert {name: shown(value) for name, value in parameters.items() if name not in outputs} == {
            name: value for name, value in expected.items() if name not in outputs
        }


def test_the_detect_step_detects_and_extracts_as_the_whole_chain_does(context, state, runs, in_one_step, work):
    state.set("detect_from", plan.FROM_LAYERS)
    state.set("channels", list(RASTERS))
    step = DetectStep(context)
    step.save_in.setFilePath(str(work))
    step.map_areas()
    runs[0][2](True, {"PROBABILITY": str(work / "probability.tif")})
    step.deleteLater()
    assert [algorithm for algorithm, _, _ in runs] == ["adamapper:detectareas", "adamapper:extractareas"]
    for algorithm, parameters, _ in runs:
        assert {name: shown(value) for name, value in parameters.items()} == in_one_step[algorithm]
