"""The list of the chain's steps: its names fit the tools, and the model that the plugin ships is built from it."""

from __future__ import annotations

from collections import Counter

import build_model
import pytest
from qgis.core import QgsApplication, QgsProcessingModelAlgorithm

from ada_mapper.processing.mapping import CHAIN, DETECT, STACK
from ada_mapper.processing.shipped_models import FOLDER


@pytest.fixture
def tools(plugin):
    registry = QgsApplication.processingRegistry()
    return {step.name: registry.algorithmById(step.algorithm) for step in CHAIN}


def test_every_step_names_parameters_of_its_tool(tools):
    for step in CHAIN:
        definitions = {definition.name(): definition for definition in tools[step.name].parameterDefinitions()}
        for name in (*step.inputs, *step.fixed):
            assert not definitions[name].isDestination(), (step.name, name)
        assert all(definitions[name].isDestination() for name in step.outputs)


def test_every_input_is_one_of_the_whole_chain_or_was_made_before(plugin):
    whole = QgsApplication.processingRegistry().algorithmById("adamapper:mapactiveareas")
    known = {definition.name() for definition in whole.parameterDefinitions() if not definition.isDestination()}
    for step in CHAIN:
        assert set(step.inputs.values()) <= known, step.name
        known |= set(step.outputs.values())


def test_nothing_is_made_twice_and_all_of_it_is_offered(plugin):
    whole = QgsApplication.processingRegistry().algorithmById("adamapper:mapactiveareas")
    made = Counter(name for step in CHAIN for name in step.outputs.values())
    offered = {definition.name() for definition in whole.destinationParameterDefinitions()}
    assert set(made) == offered and set(made.values()) == {1}


def test_a_step_is_given_what_is_known_and_no_more():
    known = {"INPUT_FOLDER": "pairs", "EXCLUDED_PAIRS": "", "PRODUCT": None, "DEM": "dem.tif", "LOS_RATE": "los.tif"}
    assert STACK.parameters(known) == {"INPUT_FOLDER": "pairs", "DEM": "dem.tif", "LOS_RATE": "los.tif"}
    assert STACK.parameters({**known, "REPORT": None})["REPORT"] is None, "not wanted is not the same as unknown"
    assert DETECT.parameters(known) == {"DEM": "dem.tif", "LOS_RATE": "los.tif"}
    assert DETECT.results({"PROBABILITY": "p.tif", "OTHER": 1}) == {"PROBABILITY": "p.tif"}


def test_the_shipped_model_is_the_chain_as_it_is_now(plugin, tmp_path):
    (shipped,) = FOLDER.glob("*.model3")
    built = tmp_path / "built.model3"
    assert build_model.build().toFile(str(built))
    models = []
    for file in (shipped, built):
        models.append(QgsProcessingModelAlgorithm())
        assert models[-1].fromFile(str(file))
    assert content_of(models[0]) == content_of(models[1]), "run tools/build_model.py"
    assert sorted(models[0].childAlgorithms()) == sorted(step.name for step in CHAIN)


def content_of(model):
    """What a model does and shows, whichever QGIS wrote it: from 3.34 on outputs of new models have other names."""
    content = model.toVariant()
    content.pop("internal_version", None)
    outputs = {definition.name() for definition in model.destinationParameterDefinitions()}
    definitions = content["parameterDefinitions"]
    nameless = [{**definitions[name], "name": ""} for name in outputs]
    content["parameterDefinitions"] = {name: definitions[name] for name in definitions if name not in outputs}
    return content, sorted(nameless, key=lambda definition: definition["description"])
