"""Every algorithm answers every bad input with a sentence, or tells what it made of it, and leaves nothing behind.

For each algorithm one parameter after the other is given each bad input of its kind, while all others are good.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProject,
)

from ada_mapper.plugin import AdaMapperPlugin
from ada_mapper.processing.provider import ALGORITHMS
from bad_inputs import (
    COPIES,
    DELAY_FOLDERS,
    DELAY_TABLES,
    FOLDERS,
    MODELS,
    NUMBERS,
    OUTPUTS,
    OWN_INPUT,
    PAIR_FOLDERS,
    RASTERS,
    REFUSED,
    SAMPLE_SETS,
    TABLES,
    TOLD,
    VECTORS,
    Bad,
)
from good_world import ROOT, World
from recording_feedback import Feedback

Kinds = tuple[str, tuple[Bad, ...]]
RESULT: Kinds = ("Places of results", OUTPUTS)
FOLDER: Kinds = ("Other folders", FOLDERS)
BY_NAME: dict[str, Kinds] = {
    "INPUT_FOLDER": ("Folders of interferograms", PAIR_FOLDERS),
    "PAIRS_FILE": ("Tables of pairs", TABLES),
    "DELAY_FOLDER": ("Folders of delays", DELAY_FOLDERS),
    "DELAY_TABLE": ("Tables of delays", DELAY_TABLES),
    "SAMPLES": ("Sample sets", SAMPLE_SETS),
    "COPIES": ("Returned copies of a survey", COPIES),
    "MODEL": ("Models", MODELS),
    "START": ("Models", MODELS),
    "PHOTO_FOLDER": FOLDER,
    "DEM_FOLDER": FOLDER,
}
BY_TYPE: dict[str, Kinds] = {
    "raster": ("Raster layers", RASTERS),
    "source": ("Vector layers", VECTORS),
    "number": ("Numbers", NUMBERS),
    "rasterDestination": RESULT,
    "fileDestination": RESULT,
    "folderDestination": RESULT,
    "sink": RESULT,
}
BY_PLACE = {"importmodel/INPUT": BY_NAME["MODEL"], "trainmodel/MODEL": RESULT, "mergesurvey/PHOTO_FOLDER": RESULT}

# Parameters of which a run with the others needs nothing but a tag, or nothing at all.
HARMLESS = (
    "lossensitivity/RATE",
    "simulatescene/PHASE_RATE",
    "simulatescene/LOS_RATE",
    "simulatescene/EXCLUDE",
    # Any picture that QGIS draws.
    "surveypackage/BASE_MAP",
)
# What only adds a column of figures: those of everything else hold without it, and a warning says that it is missing.
ADDED = ("assessaccuracy/LOS_RATE", "assessaccuracy/SLOPE")

# Words of libraries and of Python that tell a geologist nothing.
RAW = re.compile(
    r"Traceback|Error:|Exception|NoneType|onnxruntime|errno|sqlite|\bat 0x|\.cc:|\.cpp|\.py\b|"
    r"TIFFRead|IReadBlock|RasterIO|\bNULL\b|dtype|\(\)|  |\{|\}",
)


def cases() -> Iterator[Any]:
    """(algorithm, parameter, kind of input, bad input) of all."""
    for algorithm in ALGORITHMS:
        tool = algorithm()
        tool.initAlgorithm()
        for definition in tool.parameterDefinitions():
            where = f"{tool.name()}/{definition.name()}"
            group, inputs = (
                BY_PLACE.get(where) or BY_NAME.get(definition.name()) or BY_TYPE.get(definition.type(), ("", ()))
            )
            for bad in inputs:
                if where not in (*bad.but, *HARMLESS):
                    yield pytest.param(tool.name(), definition.name(), group, bad, id=f"{where}: {bad.name}")


def answer_of(tool: QgsProcessingAlgorithm, parameters: dict[str, Any], feedback: Feedback) -> tuple[str, str]:
    """Who stops the run ("QGIS", "ADA Mapper", "" for nobody) and with which sentence.

    Like processing.run, but an exception that isn't meant for users comes out as it is.
    """
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    context.setFeedback(feedback)
    is_right, sentence = tool.checkParameterValues(parameters, context)
    if not is_right:
        return "QGIS", str(sentence)
    if not tool.prepare(parameters, context, feedback):
        return "QGIS", feedback.log
    try:
        tool.processAlgorithm(parameters, context, feedback)
    except QgsProcessingException as error:
        return "ADA Mapper", str(error)
    return "", ""


@pytest.mark.parametrize(("name", "parameter", "group", "bad"), list(cases()))
def test_is_answered_by_a_sentence(
    plugin: AdaMapperPlugin,
    world: World,
    tmp_path: Path,
    name: str,
    parameter: str,
    group: str,
    bad: Bad,
    record_property: Callable[[str, object], None],
) -> None:
    tool = QgsApplication.processingRegistry().algorithmById(f"adamapper:{name}").create()
    folder = tmp_path / "bad"
    folder.mkdir()
    parameters = world.parameters(name)
    made = bad.make(folder, replace(world, result=Path(str(parameters.get(parameter, "result"))).name))
    parameters[parameter] = first_file(parameters) if made is OWN_INPUT else made
    before, given = world.state(), files_of(folder)
    feedback = Feedback()
    who, sentence = answer_of(tool, parameters, feedback)
    told = "\n".join([*feedback.warnings, *feedback.lines])
    properties = {"group": group, "given": parameters[parameter], "who": who, "sentence": sentence, "log": told}
    for key, value in properties.items():
        record_property(key, str(value))
    assert world.state() == before
    for line in [*feedback.lines, sentence]:
        assert not RAW.search(line) or line.startswith("Results:"), line
    if not who:
        becomes = TOLD if bad.becomes == REFUSED and f"{name}/{parameter}" in ADDED else bad.becomes
        assert becomes != REFUSED, feedback.log
        if becomes == TOLD:
            assert any(Path(made).name in line for line in feedback.warnings), feedback.log
        return
    assert files_of(folder) == given
    assert not files_of(world.results), sentence
    if who == "ADA Mapper":
        assert len(sentence) < 700 and sentence.endswith("."), sentence


def first_file(parameters: dict[str, Any]) -> str:
    """The first of the parameters that is a file, else the first."""
    given = [str(value) for value in parameters.values()]
    return next((value for value in given if Path(value.split("|")[0]).is_file()), given[0])


def files_of(folder: Path) -> list[Path]:
    """What lies in a folder, but for the statistics that QGIS writes beside a raster that it opens."""
    return sorted(path for path in folder.rglob("*") if not path.name.endswith(".aux.xml"))


def test_the_page_of_bad_inputs_tells_of_each() -> None:
    """Made by ``make refusals``."""
    page = (ROOT / "docs" / "bad-inputs.md").read_text(encoding="utf-8")
    sections = {part.split("\n", 1)[0]: part for part in page.split("\n## ")[1:]}
    tried = {(case.values[2], case.values[3].name) for case in cases()}
    assert set(sections) == {group for group, _ in tried}
    assert [(group, name) for group, name in tried if f"\n| {name} |" not in sections[group]] == []
