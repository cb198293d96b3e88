"""Writes resources/processing_models/*.model3: the chain of tools as a model for the designer."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (
    QgsApplication,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterRasterLayer,
)
from qgis.PyQt.QtCore import QPointF, QSizeF

from ada_mapper.processing.algorithm import ORBITS
from ada_mapper.processing.provider import AdaMapperProvider

TARGET = Path(__file__).resolve().parent.parent / "resources/processing_models/interferograms_to_areas.model3"

INPUTS = {
    "INPUT_FOLDER": (
        QgsProcessingParameterFile(
            "INPUT_FOLDER", "Folder of interferograms", QgsProcessingParameterFile.Behavior.Folder
        ),
        (150, 300),
    ),
    "DEM": (QgsProcessingParameterRasterLayer("DEM", "Digital elevation model"), (150, 520)),
    "ORBIT": (
        QgsProcessingParameterEnum("ORBIT", "Orbit", list(ORBITS), defaultValue="unknown", usesStaticStrings=True),
        (150, 740),
    ),
}
STEPS = {
    "stack": ("stackinterferograms", "Stack interferograms", {"INPUT_FOLDER": "INPUT_FOLDER"}, (470, 300)),
    "slope": ("slope", "Slope", {"INPUT": "DEM"}, (470, 560)),
    "sensitivity": (
        "lossensitivity",
        "LOS sensitivity",
        {"INPUT": "DEM", "RATE": ("stack", "PHASE_RATE"), "ORBIT": "ORBIT", "SKIP_UNKNOWN": True},
        (470, 740),
    ),
    "detect": (
        "detectareas",
        "Detect active deformation areas",
        {
            "PHASE_RATE": ("stack", "PHASE_RATE"),
            "LOS_RATE": ("stack", "LOS_RATE"),
            "DEM": "DEM",
            "SLOPE": ("slope", "OUTPUT"),
            "LOS_SENSITIVITY": ("sensitivity", "OUTPUT"),
        },
        (820, 360),
    ),
    "extract": (
        "extractareas",
        "Extract areas",
        {
            "PROBABILITY": ("detect", "PROBABILITY"),
            "LOS_RATE": ("stack", "LOS_RATE"),
            "SLOPE": ("slope", "OUTPUT"),
            "DEM": "DEM",
            "ORBIT": "ORBIT",
        },
        (1180, 480),
    ),
}
OUTPUTS = {
    "stack": {"PHASE_RATE": "Phase rate", "LOS_RATE": "LOS rate", "REPORT": "Report on the stack"},
    "slope": {"OUTPUT": "Slope"},
    "detect": {"PROBABILITY": "Probability"},
    "extract": {"AREAS": "Active deformation areas"},
}


def build() -> QgsProcessingModelAlgorithm:
    """The model, from the tables above."""
    model = QgsProcessingModelAlgorithm("Interferograms to active deformation areas", "ADA Mapper")
    for name, (definition, place) in INPUTS.items():
        component = QgsProcessingModelParameter(name)
        component.setPosition(QPointF(*place))
        model.addModelParameter(definition, component)
    for child_id, (algorithm, title, sources, place) in STEPS.items():
        child = QgsProcessingModelChildAlgorithm(f"adamapper:{algorithm}")
        child.setChildId(child_id)
        child.setDescription(title)
        child.setPosition(QPointF(*place))
        for name, source in sources.items():
            child.addParameterSources(name, [parameter_source(source)])
        for name, value in defaults_of(algorithm, sources).items():
            child.addParameterSources(name, [QgsProcessingModelChildParameterSource.fromStaticValue(value)])
        child.setModelOutputs(outputs_of(child_id, place))
        model.addChildAlgorithm(child)
    return model


def defaults_of(algorithm: str, sources: dict[str, object]) -> dict[str, object]:
    """The default values of what a step needs and nothing else gives; the designer marks steps that lack one."""
    instance = QgsApplication.processingRegistry().algorithmById(f"adamapper:{algorithm}")
    return {
        definition.name(): definition.defaultValue()
        for definition in instance.parameterDefinitions()
        if definition.name() not in sources and definition.defaultValue() is not None
    }


def parameter_source(source: str | bool | tuple[str, str]) -> QgsProcessingModelChildParameterSource:
    """A model input by its name, the output of a step, or a fixed choice."""
    if isinstance(source, bool):
        return QgsProcessingModelChildParameterSource.fromStaticValue(source)
    if isinstance(source, str):
        return QgsProcessingModelChildParameterSource.fromModelParameter(source)
    return QgsProcessingModelChildParameterSource.fromChildOutput(*source)


def outputs_of(child_id: str, place: tuple[int, int]) -> dict[str, QgsProcessingModelOutput]:
    """The outputs of a step that are outputs of the model, drawn below the step."""
    outputs = {}
    for index, (name, title) in enumerate(OUTPUTS.get(child_id, {}).items()):
        output = QgsProcessingModelOutput(title, title)
        output.setChildId(child_id)
        output.setChildOutputName(name)
        output.setPosition(
            QPointF(place[0] + 40, place[1] - 90 - 40 * index if child_id == "stack" else place[1] + 110)
        )
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
