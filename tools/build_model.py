"""Writes resources/processing_models/*.model3: the chain of tools as a model for the designer."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# The same order of the elements each time.
os.environ["QT_HASH_SEED"] = "0"

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
)
from qgis.PyQt.QtCore import QPointF, QSizeF

from ada_mapper.processing.mapping import CHAIN, STACK, ChainStep, MapActiveAreas
from ada_mapper.processing.provider import AdaMapperProvider

TARGET = Path(__file__).resolve().parent.parent / "resources/processing_models/interferograms_to_areas.model3"

INPUTS = {"AS_IN_PAPER": (150, 120), "INPUT_FOLDER": (150, 300), "DEM": (150, 520), "ORBIT": (150, 740)}
OUTPUTS = ("PHASE_RATE", "LOS_RATE", "REPORT", "SLOPE", "PROBABILITY", "AREAS")
PLACES = {
    "stack": (470, 300),
    "slope": (470, 560),
    "sensitivity": (470, 740),
    "detect": (820, 360),
    "extract": (1180, 480),
}


def build() -> QgsProcessingModelAlgorithm:
    """The chain as a model: its inputs and outputs are named like those of the tool that runs it in one step."""
    whole = MapActiveAreas().create()
    model = QgsProcessingModelAlgorithm("Interferograms to active deformation areas", "ADA Mapper")
    for name, place in INPUTS.items():
        definition = whole.parameterDefinition(name).clone()
        definition.setHelp("")
        component = QgsProcessingModelParameter(name)
        component.setPosition(QPointF(*place))
        model.addModelParameter(definition, component)
    for step in CHAIN:
        model.addChildAlgorithm(child_of(step, whole))
    return model


def child_of(step: ChainStep, whole: QgsProcessingAlgorithm) -> QgsProcessingModelChildAlgorithm:
    """One step of the model."""
    tool = QgsApplication.processingRegistry().algorithmById(step.algorithm)
    child = QgsProcessingModelChildAlgorithm(step.algorithm)
    child.setChildId(step.name)
    child.setDescription(tool.displayName())
    child.setPosition(QPointF(*PLACES[step.name]))
    sources = {parameter: source_of(name) for parameter, name in step.inputs.items()}
    given = {parameter: source for parameter, source in sources.items() if source is not None}
    # The designer marks steps that lack what has a default.
    values = {
        definition.name(): definition.defaultValue()
        for definition in tool.parameterDefinitions()
        if definition.defaultValue() is not None
    }
    fixed = {name: value for name, value in {**values, **step.fixed}.items() if name not in given}
    for name, source in given.items():
        child.addParameterSources(name, [source])
    for name, value in fixed.items():
        child.addParameterSources(name, [QgsProcessingModelChildParameterSource.fromStaticValue(value)])
    child.setModelOutputs(outputs_of(step, whole))
    return child


def source_of(name: str) -> QgsProcessingModelChildParameterSource | None:
    """Where a value of the chain comes from: an input of the model, or the step that makes it; None: from neither."""
    if name in INPUTS:
        return QgsProcessingModelChildParameterSource.fromModelParameter(name)
    for step in CHAIN:
        for parameter, made in step.outputs.items():
            if made == name:
                return QgsProcessingModelChildParameterSource.fromChildOutput(step.name, parameter)
    return None


def outputs_of(step: ChainStep, whole: QgsProcessingAlgorithm) -> dict[str, QgsProcessingModelOutput]:
    """The outputs of a step that are outputs of the model, drawn above the first step and below the others."""
    x, y = PLACES[step.name]
    outputs = {}
    wanted = [(parameter, name) for parameter, name in step.outputs.items() if name in OUTPUTS]
    for index, (parameter, name) in enumerate(wanted):
        title = whole.parameterDefinition(name).description()
        output = QgsProcessingModelOutput(title, title)
        output.setChildId(step.name)
        output.setChildOutputName(parameter)
        output.setPosition(QPointF(x + 40, y - 90 - 40 * index if step is STACK else y + 110))
        output.setSize(QSizeF(200, 30))
        outputs[title] = output
    return outputs


if __name__ == "__main__":
    application = QgsApplication([], False)
    application.initQgis()
    provider = AdaMapperProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    if not build().toFile(str(TARGET)):
        raise SystemExit(f"{TARGET} could not be written.")
