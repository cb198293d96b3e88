"""The pages of the tools: they say what the tools say, and their examples can be run."""

from __future__ import annotations

import algorithm_pages
import numpy as np
import pytest
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsProcessingContext,
    QgsRectangle,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from qgis_session import ROOT
from shared_plugin import shared_plugin
from small_rasters import write


@pytest.fixture(scope="session")
def algorithms(qgis_app, qgis_processing):
    for _ in shared_plugin():
        yield {tool.name(): tool for tool in QgsApplication.processingRegistry().providerById("adamapper").algorithms()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, algorithms):
    """A folder with every file that an example reads."""
    place = tmp_path_factory.mktemp("examples")
    for tool in algorithms.values():
        for name, value in algorithm_pages.example(tool).items():
            if not tool.parameterDefinition(name).isDestination():
                for single in value if isinstance(value, list) else [value]:
                    put(place / single)
    return place


def put(path):
    """A small file of the kind that a name asks for."""
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".tif":
        write(path, np.ones((20, 20), np.float32), path.stem, "")
    elif path.suffix == ".onnx":
        path.write_bytes((ROOT / "models" / "compact.onnx").read_bytes())
    elif path.suffix == ".gpkg":
        layer = QgsVectorLayer("Polygon?crs=EPSG:32633", path.stem, "memory")
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(500000, 5000000, 500300, 5000300)))
        layer.dataProvider().addFeatures([feature])
        options = QgsVectorFileWriter.SaveVectorOptions()
        QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), layer.transformContext(), options)
    elif not path.suffix:
        path.mkdir(exist_ok=True)


def test_the_pages_say_what_the_tools_say(algorithms):
    wrong = algorithm_pages.differing(algorithm_pages.pages(algorithms.values()))
    assert not wrong, "make pages writes them anew"


def test_a_changed_and_a_missing_page_are_found(algorithms, tmp_path):
    pages = algorithm_pages.pages(algorithms.values())
    for name, text in pages.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert algorithm_pages.differing(pages, tmp_path) == []
    (tmp_path / "slope.md").write_text("Something else", "utf-8")
    (tmp_path / "mergeorbits.md").unlink()
    (tmp_path / "gone.md").write_text("A tool that there was", "utf-8")
    assert algorithm_pages.differing(pages, tmp_path) == ["gone.md", "mergeorbits.md", "slope.md"]


def test_usual_parameters_of_the_examples_exist(algorithms):
    for name, usual in algorithm_pages.USUAL.items():
        assert set(usual) <= {definition.name() for definition in algorithms[name].parameterDefinitions()}, name


def test_examples_are_accepted(algorithms, folder, monkeypatch):
    monkeypatch.chdir(folder)
    for tool in algorithms.values():
        values = algorithm_pages.example(tool)
        accepted, problem = tool.create().checkParameterValues(values, QgsProcessingContext())
        assert accepted, f"{tool.id()} {values}: {problem}"


def test_an_example_runs_as_it_stands(algorithms, folder, monkeypatch):
    import processing

    assert processing
    monkeypatch.chdir(folder)
    page = algorithm_pages.page(algorithms["slope"])
    exec(page.split("```python\n")[1].split("```")[0])
    assert (folder / "slope.tif").exists()


def test_text_of_the_tools_is_not_taken_for_markup():
    assert algorithm_pages.row(algorithm_pages.plain("a | b\nc *d* <e>"), "") == "| a \\| b c \\*d\\* \\<e> | |"


@pytest.mark.parametrize(("low", "high", "text"), [
    (1, None, "whole number, 1 or more"), (0, 5, "whole number, 0 to 5"), (None, None, "whole number"),
])  # fmt: skip
def test_limits_of_numbers_are_told(low, high, text):
    from qgis.core import QgsProcessingParameterNumber

    parameter = QgsProcessingParameterNumber("N", "N", QgsProcessingParameterNumber.Type.Integer)
    if low is not None:
        parameter.setMinimum(low)
    if high is not None:
        parameter.setMaximum(high)
    assert algorithm_pages.kind(parameter) == text
