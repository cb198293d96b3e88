"""No result over what is read or over another one, in any tool; and a place that can't be is told before the work."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from every_parameter import ending_of, inputs_of, outputs_of
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProject,
)

from ada_mapper.processing.provider import ALGORITHMS
from recording_feedback import Feedback

NAMES = sorted(tool.NAME for tool in ALGORITHMS)
BEGUN = "the work has begun"


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
    """The sentence that a run ends with; as a child of a model, past the checks of QGIS."""
    context, feedback = QgsProcessingContext(), Feedback()
    context.setProject(QgsProject.instance())
    outcome, success = tool.run(parameters, context, feedback)
    assert not success, outcome
    return feedback.lines[-1]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")
    }


def destinations(tool: QgsProcessingAlgorithm) -> list[Any]:
    return list(tool.destinationParameterDefinitions())


@pytest.mark.parametrize("name", NAMES)
def test_results_of_their_own_names_are_no_fault_and_their_folders_go_when_the_run_fails(
    no_work: None, tmp_path: Path, name: str
) -> None:
    tool = tool_called(name)
    inputs = inputs_of(tool, tmp_path)
    before = contents(tmp_path)
    assert told(tool, {**inputs, **outputs_of(tool, tmp_path)}) == BEGUN
    assert told(tool, {**inputs, **outputs_of(tool, tmp_path / "new" / "folder")}) == BEGUN
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", NAMES)
def test_no_result_is_written_over_an_input(no_work: None, tmp_path: Path, name: str) -> None:
    tool = tool_called(name)
    inputs = inputs_of(tool, tmp_path)
    before = contents(tmp_path)
    results = outputs_of(tool, tmp_path)
    for given, value in inputs.items():
        path = Path(value[0] if isinstance(value, list) else value)
        for definition in destinations(tool):
            is_of_its_kind = path.suffix == ending_of(definition)
            sentence = told(tool, {**inputs, **results, definition.name(): str(path)})
            assert str(path) in sentence and sentence.endswith("."), (given, sentence)
            if is_of_its_kind:
                title = tool.parameterDefinition(given).description()
                assert "would be written over" in sentence and title in sentence, (given, sentence)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", NAMES)
def test_no_two_results_have_one_name(no_work: None, tmp_path: Path, name: str) -> None:
    tool = tool_called(name)
    inputs = inputs_of(tool, tmp_path)
    before = contents(tmp_path)
    results = outputs_of(tool, tmp_path)
    for definition in destinations(tool):
        for other in destinations(tool):
            if other.name() == definition.name() or ending_of(definition) != ending_of(other):
                continue
            for same in (results[other.name()], str(tmp_path / "." / Path(results[other.name()]).name.upper())):
                sentence = told(tool, {**inputs, **results, definition.name(): same})
                assert "would be written over" in sentence or "doesn't end in" in sentence, sentence
                assert definition.description() in sentence or other.description() in sentence
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_place_that_can_not_be_is_told_before_the_work(no_work: None, tmp_path: Path, name: str) -> None:
    tool = tool_called(name)
    inputs = inputs_of(tool, tmp_path, with_optional=False)
    results = outputs_of(tool, tmp_path)
    for definition in destinations(tool):
        ending = ending_of(definition)
        places = {
            "file": tmp_path / "a_file" / f"below{ending}",
            "taken": tmp_path / f"taken{ending}",
            "long": tmp_path / f"{'n' * 300}{ending}",
            "letters": tmp_path / f"a\0b{ending}",
        }
        if sys.platform.startswith("linux"):
            places["rights"] = Path(f"/proc/no_rights{ending}")
        (tmp_path / "a_file").write_text("")
        if ending:
            places["taken"].mkdir()
            protected = places["protected"] = tmp_path / f"protected{ending}"
            protected.write_text("")
            protected.chmod(0o444)
        else:
            places["taken"].write_text("")
        before = contents(tmp_path)
        for fault, place in places.items():
            sentence = told(tool, {**inputs, **results, definition.name(): str(place)})
            assert sentence != BEGUN, (definition.name(), fault)
            assert place.name[:20].split("\0")[0] in sentence and sentence.endswith("."), (fault, sentence)
        assert contents(tmp_path) == before
        shutil.rmtree(places["taken"]) if ending else places["taken"].unlink()
        for place in places.values():
            if place.suffix and place.name.startswith("protected"):
                place.unlink()


@pytest.mark.parametrize("name", NAMES)
def test_another_format_than_the_one_that_is_written_is_told_before_the_work(
    no_work: None, tmp_path: Path, name: str
) -> None:
    tool = tool_called(name)
    inputs = inputs_of(tool, tmp_path, with_optional=False)
    results = outputs_of(tool, tmp_path)
    before = contents(tmp_path)
    for definition in destinations(tool):
        for ending in (".img", ".txt", ".dxf", ".qgz", ".") if ending_of(definition) else ():
            sentence = told(tool, {**inputs, **results, definition.name(): str(tmp_path / f"result{ending}")})
            assert "doesn't end in ." in sentence and definition.description() in sentence, sentence
        for place in ("/vsimem/result", "file:///tmp/result", "https://host/result"):
            sentence = told(tool, {**inputs, **results, definition.name(): f"{place}{ending_of(definition)}"})
            assert "is no file on this computer's disks" in sentence, sentence
    assert contents(tmp_path) == before
