"""Values that can't be are told in a sentence and never a traceback, in every tool and past the checks of QGIS."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingParameterFile,
)
from qgis.PyQt.QtCore import QDate

from ada_mapper.processing.provider import ALGORITHMS
from every_parameter import inputs_of, outputs_of, polygons
from recording_feedback import Feedback

NAMES = sorted(tool.NAME for tool in ALGORITHMS)
BEGUN = "the work has begun"
# What can be no value of a parameter of a kind; None, an empty text and "None" mean that nothing is given.
WRONG: dict[str, tuple[Any, ...]] = {
    "number": ("west", math.nan, math.inf, 1e308, -1e308, "1_0", "nan", [1, 2]),
    "enum": ("nothing of that kind", 999, "auto;drop", ["a", "b"]),
    "boolean": ("perhaps", "no", "ja"),
    "datetime": ("yesterday", "2020-13-01", "01.02.2020", "2020-02-30"),
    "crs": ("EPSG:0", "no system", "{}"),
    "raster": ("/no/such/file.tif", "no layer", "/", 5),
    "source": ("/no/such/file.gpkg", "no layer", "/"),
    "file": ("/no/such/file", "a\0b", "n" * 5000),
}


@pytest.fixture
def no_work(plugin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools stop where their work would begin."""

    def begun(*arguments: Any) -> None:
        raise QgsProcessingException(BEGUN)

    for tool in ALGORITHMS:
        monkeypatch.setattr(tool, "start", begun)


def tool_called(name: str) -> QgsProcessingAlgorithm:
    return QgsApplication.processingRegistry().algorithmById(f"adamapper:{name}").create()


def told(tool: QgsProcessingAlgorithm, parameters: dict[str, Any]) -> str:
    """The sentence that a run ends with, past the checks of QGIS."""
    feedback = Feedback()
    outcome, success = tool.run(parameters, QgsProcessingContext(), feedback)
    assert not success, outcome
    assert "Traceback" not in feedback.log, feedback.log
    return feedback.lines[-1]


@pytest.mark.parametrize("name", NAMES)
def test_a_value_that_can_not_be_is_told_before_the_work(no_work: None, tmp_path: Path, name: str) -> None:
    tool = tool_called(name)
    good = {**inputs_of(tool, tmp_path, with_optional=False), **outputs_of(tool, tmp_path)}
    before = sorted(tmp_path.rglob("*"))
    for definition in tool.parameterDefinitions():
        for value in WRONG.get(definition.type(), ()):
            sentence = told(tool, {**good, definition.name(): value})
            assert sentence != BEGUN and sentence.endswith("."), (definition.name(), value, sentence)
            assert definition.name() in sentence or definition.description() in sentence, sentence
            assert len(sentence) < 1000
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", NAMES)
def test_nothing_given_is_told_where_something_must_be(plugin: Any, tmp_path: Path, name: str) -> None:
    """Every input and result in turn: QGIS' own sentence or ours, and no file."""
    tool = tool_called(name)
    good = {**inputs_of(tool, tmp_path, with_optional=False), **outputs_of(tool, tmp_path)}
    before = sorted(tmp_path.rglob("*"))
    optional = QgsProcessingParameterFile.Flag.FlagOptional
    kinds = ("raster", "source", "file", "rasterDestination", "fileDestination", "folderDestination", "multilayer")
    for definition in tool.parameterDefinitions():
        if definition.flags() & optional or definition.type() not in kinds:
            continue
        for value in (None, ""):
            sentence = told(tool, {**good, definition.name(): value})
            assert sentence.strip(), definition.name()
    assert sorted(tmp_path.rglob("*")) == before


def test_values_of_every_way_of_writing_them_are_no_fault(no_work: None, tmp_path: Path) -> None:
    tool = tool_called("stackinterferograms")
    good = {"INPUT_FOLDER": str(tmp_path), **outputs_of(tool, tmp_path / "results")}
    for name, values in {
        "MIN_PAIRS": (3, 3.0, "3", None, ""),
        "UNWRAPPING_CORRECTION": (True, False, None),
        "OUTLIER_SIGMA": (0, 2.5, "2.5", None, "", "None"),
        "SEASONAL": (True, "false", None),
        "COHERENCE_WEIGHTS": (True, False, 0, 1, "true", "False", "1", None),
        "START_DATE": ("2020-01-05", QDate(2020, 1, 5), "2020-01-05T00:00:00", None, ""),
        "RAMP": ("plane", "none", None),
        "ESTIMATOR": ("network", "eq1", None),
        "DEM": (None, ""),
    }.items():
        for value in values:
            assert told(tool, {**good, name: value}) == BEGUN, (name, value)


def test_a_file_that_is_given_as_no_text_is_told(no_work: None, tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("file,date1,date2")
    tool = tool_called("stackinterferograms")
    values = {"PAIRS_FILE": table, **outputs_of(tool, tmp_path / "results")}
    assert told(tool, values).startswith("Table of pairs (CSV) (PAIRS_FILE) must be the path of a file, not ")


def test_layers_of_another_geometry_are_told(no_work: None, tmp_path: Path) -> None:
    points = polygons(tmp_path / "points.gpkg", "Point", "Point(500300 3499700)")
    areas = polygons(tmp_path / "areas.gpkg")
    sites = str(tmp_path / "sites.gpkg")
    sentence = told(tool_called("samplesites"), {"AREAS": str(points), "SITES": sites})
    assert sentence == "points holds points, and polygons are needed (Active deformation areas). Choose another layer."
    sentence = told(tool_called("samplesites"), {"AREAS": str(areas), "ROADS": str(areas), "SITES": sites})
    assert sentence == "areas holds polygons, and lines are needed (Roads). Choose another layer."
    tool = tool_called("stackinterferograms")
    good = {"INPUT_FOLDER": str(tmp_path), **outputs_of(tool, tmp_path / "results")}
    for layer in (points, areas):
        assert told(tool, {**good, "REFERENCE": str(layer)}) == BEGUN


def test_a_folder_in_the_place_of_a_file_and_the_reverse_are_told(no_work: None, tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "file.tif").write_text("")
    tool = tool_called("mapactiveareas")
    good = {**inputs_of(tool, tmp_path), **outputs_of(tool, tmp_path / "results")}
    assert "folder.onnx is a folder. Choose a file (Model)" in told(
        tool, {**good, "MODEL": str(tmp_path / "folder.onnx")}
    )
    sentence = told(tool, {**good, "INPUT_FOLDER": str(tmp_path / "file.tif")})
    assert "file.tif is a file. Choose a folder (Folder of interferograms)" in sentence
