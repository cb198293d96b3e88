"""make pages: writes docs/algorithms/, a page for each tool, from the provider itself.

Nothing of these pages is written by hand: titles, helps, defaults and examples are those of the live algorithms, and a
test fails when the committed pages differ. ``--check`` only tells which pages differ.
"""

from __future__ import annotations

import argparse
import html
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingDestinationParameter,
    QgsProcessingOutputDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
)

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "algorithms"
FLAGS = QgsProcessingParameterDefinition.Flag
UNBOUNDED = 2**31 - 1
# What an example gives beside the parameters that must be given: many inputs are needed only for some models.
USUAL = {
    "assessaccuracy": ("AREAS", "REPORT"),
    "buildcomposite": ("PHASE_RATE", "LOS_RATE", "DEM", "SLOPE"),
    "classicaldetector": ("SLOPE", "LOS_SENSITIVITY", "ORBIT"),
    "comparechannels": ("SAMPLES", "REPORT"),
    "createsamples": ("PHASE_RATE", "LOS_RATE", "DEM", "SLOPE"),
    "detectareas": ("PHASE_RATE", "LOS_RATE", "DEM", "SLOPE", "LOS_SENSITIVITY"),
    "exportmodel": ("MODEL", "STORAGE"),
    "extractareas": ("LOS_RATE", "SLOPE", "DEM", "ORBIT"),
    "assesssurvey": ("REPORT",),
    "lossensitivity": ("ORBIT",),
    "mapactiveareas": ("ORBIT", "REPORT"),
    "stackinterferograms": ("INPUT_FOLDER", "REPORT"),
    "surveymaps": ("DEM", "OUTPUT"),
    "surveypackage": ("AREAS", "DEM"),
    "trainmodel": ("SAMPLES", "START"),
}
EXAMPLE_VALUES = {
    "INPUT_FOLDER": "interferograms",
    "ORBIT": "descending",
    "SAMPLES": "samples",
    "STORAGE": "float16",
    "START": "compact.onnx",
    "COPIES": ["phone/survey.gpkg", "tablet/survey.gpkg"],
}
KINDS = {
    "boolean": "True or False",
    "crs": "coordinate reference system",
    "datetime": "date",
    "field": "field of a layer",
    "matrix": "table",
    "multilayer": "layers or files",
    "raster": "raster layer",
    "source": "vector layer",
    "string": "text",
    "fileDestination": "file",
    "folderDestination": "folder",
    "rasterDestination": "raster file",
    "sink": "vector layer",
    "outputFile": "file",
    "outputFolder": "folder",
    "outputHtml": "file",
    "outputNumber": "number",
    "outputRaster": "raster file",
    "outputString": "text",
    "outputVector": "vector layer",
}


def pages(algorithms: Iterable[QgsProcessingAlgorithm]) -> dict[str, str]:
    """The text of each page by its file name; index.md lists all tools by group."""
    ordered = sorted(algorithms, key=lambda algorithm: (algorithm.group(), algorithm.displayName()))
    texts = {f"{algorithm.name()}.md": page(algorithm) for algorithm in ordered}
    texts["index.md"] = index(ordered)
    return texts


def index(algorithms: Iterable[QgsProcessingAlgorithm]) -> str:
    """The list of all tools by group."""
    lines = [
        "# All tools",
        "",
        "Each tool with its inputs, their defaults, its results, and how scripts call it. The [guide](../guide.md)",
        "tells what they are for. These pages are made from the tools themselves.",
    ]
    group = None
    for algorithm in algorithms:
        if algorithm.group() != group:
            group = algorithm.group()
            lines += ["", f"## {group}", "", "| tool | id | what it does |", "|---|---|---|"]
        title = f"[{plain(algorithm.displayName())}]({algorithm.name()}.md)"
        lines.append(row(title, f"`{algorithm.id()}`", plain(algorithm.shortDescription())))
    return "\n".join(lines) + "\n"


def page(algorithm: QgsProcessingAlgorithm) -> str:
    """The page of one tool."""
    inputs = [definition for definition in algorithm.parameterDefinitions() if not definition.isDestination()]
    advanced = [definition for definition in inputs if definition.flags() & FLAGS.FlagAdvanced]
    parts = [
        f"# {plain(algorithm.displayName())}",
        f"`{algorithm.id()}`, group *{plain(algorithm.group())}*",
        plain(summary(algorithm)),
        "## Inputs\n\n" + input_table(definition for definition in inputs if definition not in advanced),
    ]
    if advanced:
        parts.append("## Advanced inputs\n\n" + input_table(advanced))
    values = example(algorithm)
    parts += [
        "## Results\n\n" + result_table(algorithm),
        "## In scripts",
        "```sh\n" + command_line(algorithm.id(), values) + "\n```",
        "In QGIS' Python console or in a script of Processing:",
        "```python\n" + python_call(algorithm.id(), values) + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def summary(algorithm: QgsProcessingAlgorithm) -> str:
    """What the tool does: the first paragraph of the help that its dialog shows."""
    found = re.match(r"<p>(.*?)</p>", algorithm.shortHelpString(), re.DOTALL)
    return html.unescape(found.group(1)) if found else algorithm.shortDescription()


def input_table(definitions: Iterable[QgsProcessingParameterDefinition]) -> str:
    """A table of parameters."""
    lines = ["| input | name in scripts | value | default | |", "|---|---|---|---|---|"]
    for definition in definitions:
        cells = (plain(definition.description()), f"`{definition.name()}`", kind(definition), default(definition))
        lines.append(row(*cells, plain(definition.help())))
    return "\n".join(lines)


def result_table(algorithm: QgsProcessingAlgorithm) -> str:
    """A table of what the tool writes and returns."""
    lines = ["| result | name in scripts | kind | made | |", "|---|---|---|---|---|"]
    for output in algorithm.outputDefinitions():
        definition = algorithm.parameterDefinition(output.name())
        told = plain(definition.help()) if definition is not None else ""
        made = "always" if definition is None or not is_optional(definition) else "if wanted"
        lines.append(row(plain(output.description()), f"`{output.name()}`", kind(definition or output), made, told))
    return "\n".join(lines)


def kind(definition: QgsProcessingParameterDefinition | QgsProcessingOutputDefinition) -> str:
    """What may be given for a parameter, with its limits; what an output is."""
    if isinstance(definition, QgsProcessingParameterEnum):
        return ", ".join(f"`{option}`" for option in definition.options())
    if isinstance(definition, QgsProcessingParameterNumber):
        return number_kind(definition)
    if isinstance(definition, QgsProcessingParameterFile):
        return "folder" if definition.behavior() == QgsProcessingParameterFile.Behavior.Folder else "file"
    return KINDS[definition.type()]


def number_kind(definition: QgsProcessingParameterNumber) -> str:
    """“whole number, 1 or more”."""
    is_whole = definition.dataType() == QgsProcessingParameterNumber.Type.Integer
    name = "whole number" if is_whole else "number"
    low, high = definition.minimum(), definition.maximum()
    if high < UNBOUNDED:
        return f"{name}, {low:.12g} to {high:.12g}" if low > -UNBOUNDED else f"{name}, {high:.12g} or less"
    return f"{name}, {low:.12g} or more" if low > -UNBOUNDED else name


def default(definition: QgsProcessingParameterDefinition) -> str:
    """The default, or that one must or need not be given."""
    value = definition.defaultValue()
    if value is None or value == "":
        return "none" if is_optional(definition) else "**needed**"
    return f"`{value:.12g}`" if isinstance(value, float) else f"`{value}`"


def is_optional(definition: QgsProcessingParameterDefinition) -> bool:
    """Whether a parameter may be left empty."""
    return bool(definition.flags() & FLAGS.FlagOptional)


def example(algorithm: QgsProcessingAlgorithm) -> dict[str, Any]:
    """Parameters of a call as people need it: what must be given, what is usual, and where the results go."""
    usual = USUAL.get(algorithm.name(), ())
    values = {}
    for definition in algorithm.parameterDefinitions():
        is_needed = not is_optional(definition) and definition.defaultValue() is None
        if is_needed or definition.name() in usual:
            values[definition.name()] = example_value(definition)
    return values


def example_value(definition: QgsProcessingParameterDefinition) -> Any:
    """A file name that tells what it holds, or a typical value."""
    name = definition.name()
    if name in EXAMPLE_VALUES:
        return EXAMPLE_VALUES[name]
    # INPUT and OUTPUT tell nothing: there the title does.
    words = definition.description() if name in ("INPUT", "OUTPUT", "OUTPUT_FOLDER") else name
    stem = re.sub(r"\W+", "_", words.lower().replace("digital elevation model", "dem")).strip("_")
    if isinstance(definition, QgsProcessingParameterFile) or definition.type() == "folderDestination":
        return stem if kind(definition) == "folder" else f"{stem}.onnx"
    if isinstance(definition, QgsProcessingDestinationParameter):
        return f"{stem}.{definition.defaultFileExtension()}"
    return f"{stem}.tif" if definition.type() == "raster" else f"{stem}.gpkg"


def command_line(name: str, values: dict[str, Any]) -> str:
    """The call of qgis_process."""
    words = [f"qgis_process run {name} --"]
    for key, value in values.items():
        words += [f"{key}={single}" for single in (value if isinstance(value, list) else [value])]
    return " \\\n    ".join(words)


def python_call(name: str, values: dict[str, Any]) -> str:
    """The call of processing.run."""
    lines = [f'        "{key}": {quoted(value)},' for key, value in values.items()]
    return "\n".join(["import processing", "", "processing.run(", f'    "{name}",', "    {", *lines, "    },", ")"])


def quoted(value: Any) -> str:
    """A Python literal in double quotes."""
    return "[" + ", ".join(map(quoted, value)) + "]" if isinstance(value, list) else f'"{value}"'


def plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return re.sub(r"([\\`*<|\[\]])", r"\\\1", " ".join(text.split()))


def row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def differing(texts: dict[str, str], folder: Path = FOLDER) -> list[str]:
    """Names of pages that a folder lacks, holds with another text, or holds too many."""
    there = {path.name: path.read_text("utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in {*texts, *there} if texts.get(name) != there.get(name))


def main() -> None:
    """Write the pages, or tell which differ."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing; fail if pages differ")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QgsApplication([], False)
    application.initQgis()
    from ada_mapper.plugin import AdaMapperPlugin

    plugin = AdaMapperPlugin(None)
    plugin.initProcessing()
    texts = pages(QgsApplication.processingRegistry().providerById("adamapper").algorithms())
    names = differing(texts)
    is_check = arguments.parse_args().check
    for name in names if not is_check else []:
        FOLDER.mkdir(parents=True, exist_ok=True)
        if name in texts:
            (FOLDER / name).write_text(texts[name], "utf-8")
        else:
            (FOLDER / name).unlink()
    sys.stdout.write(f"{len(texts)} pages, {len(names)} {'differ' if is_check else 'written'}: {' '.join(names)}\n")
    plugin.unload()
    sys.exit(bool(names) if is_check else 0)


if __name__ == "__main__":
    main()
