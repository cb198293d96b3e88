"""Results of a run in the project: a group with the run's name, styles, and how each layer was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from configparser import ConfigParser
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsDataProvider,
    QgsLayerTree,
    QgsLayerTreeGroup,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsProject,
)
from qgis.PyQt.QtCore import QDateTime, QLocale, Qt

from ...processing.algorithm import BUNDLED_MODEL, FROM_BOTTOM, ROOT
from ...processing.layers import mark_role, mark_run
from ...processing.outputs import destination_of
from ...processing.texts import tr
from ..project import LAYER_ROLES
from .parameters import FILE_PROVIDERS

_ROLES = {
    ("adamapper:slope", "OUTPUT"): "slope",
    ("adamapper:lossensitivity", "OUTPUT"): "los_sensitivity",
    ("adamapper:classicaldetector", "AREAS"): "classical",
}


def describe_run(algorithm: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """How a run can be traced and repeated: algorithm, parameters as plain values, versions, model and date."""
    model = parameters.get("MODEL") or BUNDLED_MODEL
    definition = QgsApplication.processingRegistry().algorithmById(algorithm)
    has_model = definition is not None and definition.parameterDefinition("MODEL") is not None
    return {
        "algorithm": algorithm,
        "parameters": {name: plain(value) for name, value in parameters.items()},
        "version": plugin_version(),
        "model": _model_name(model) if has_model else "",
        "date": QDateTime.currentDateTime().toString(Qt.DateFormat.ISODate),
    }


def inputs_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a run without its outputs, to run its tool again."""
    algorithm = QgsApplication.processingRegistry().algorithmById(run["algorithm"])
    outputs = {definition.name() for definition in algorithm.destinationParameterDefinitions()}
    return {name: value for name, value in run["parameters"].items() if name not in outputs}


def plugin_version() -> str:
    """The version in metadata.txt."""
    metadata = ConfigParser(interpolation=None)
    metadata.read(ROOT / "metadata.txt", encoding="utf-8")
    return metadata.get("general", "version", fallback="")


def free_group_name(name: str, project: QgsProject) -> str:
    """The name, or with a number behind it where a group has it already."""
    root = project.layerTreeRoot()
    number, free = 1, name
    while root.findGroup(free) is not None:
        number += 1
        free = f"{name} ({number})"
    return free


def load_results(
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
    project: QgsProject,
    group_name: str,
    run: Mapping[str, Any],
) -> dict[str, QgsMapLayer]:
    """Add what a run made to a group of the project, styled and traced; the layers by the name of their output.

    The group is made on top of the layer tree unless it is there.
    """
    context.setProject(project)
    wanted = context.layersToLoadOnCompletion().items()
    order = sorted(wanted, key=lambda item: _height(run["algorithm"], item[1].outputName))
    layers: dict[str, QgsMapLayer] = {}
    for identifier, details in order:
        layer = QgsProcessingUtils.mapLayerFromString(identifier, context)
        if layer is None:
            feedback.reportError(tr("The result {} can't be opened as a layer.").format(identifier))
            continue
        details.setOutputLayerName(layer)
        if details.name:  # QGIS may take the file's name, which says less than the output's
            layer.setName(details.name)
        layer = context.takeResultLayer(layer.id()) or layer
        _name_layer_in_source(layer)
        _trace(layer, run, role_of_output(run["algorithm"], details.outputName))
        project.addMapLayer(layer, False)
        _group(project, group_name).insertLayer(0, layer)
        if details.postProcessor() is not None:
            details.postProcessor().postProcessLayer(layer, context, feedback)
        layers[details.outputName or identifier] = layer
    return layers


def role_of_output(algorithm: str, output: str) -> str | None:
    """What a layer made by a tool holds: one of LAYER_ROLES, or None."""
    role = _ROLES.get((algorithm, output), output.lower())
    return role if role in LAYER_ROLES else None


def _group(project: QgsProject, name: str) -> QgsLayerTreeGroup:
    root: QgsLayerTree = project.layerTreeRoot()
    return root.findGroup(name) or root.insertGroup(0, name)


def _height(algorithm: str, output: str) -> int:
    """Where a layer lies in its group, from the bottom."""
    role = role_of_output(algorithm, output) or output.lower()
    return FROM_BOTTOM.index(role) if role in FROM_BOTTOM else len(FROM_BOTTOM)


def _name_layer_in_source(layer: QgsMapLayer) -> None:
    """QGIS 3.22 keeps metadata in a GeoPackage only where the source names the layer in it."""
    source = layer.source()
    if layer.providerType() == "ogr" and source.endswith(".gpkg"):
        name = layer.dataProvider().subLayers()[0].split(QgsDataProvider.sublayerSeparator())[1]
        layer.setDataSource(f"{source}|layername={name}", layer.name(), "ogr")


def _trace(layer: QgsMapLayer, run: Mapping[str, Any], role: str | None) -> None:
    """Write into the layer what it holds and how it was made, for programs and for people."""
    if role is not None:
        mark_role(layer, role)
    mark_run(layer, run)
    metadata = layer.metadata()
    metadata.setTitle(layer.name())
    metadata.setAbstract(summary(run))
    metadata.addHistoryItem(f"{run['date']} {run['algorithm']} {json.dumps(run['parameters'], ensure_ascii=False)}")
    layer.setMetadata(metadata)
    if layer.providerType() in FILE_PROVIDERS and not layer.source().startswith(QgsProcessingUtils.tempFolder()):
        layer.saveDefaultMetadata()


def summary(run: Mapping[str, Any]) -> str:
    """How a layer was made, in lines for people."""
    algorithm = QgsApplication.processingRegistry().algorithmById(run["algorithm"])
    title = algorithm.displayName() if algorithm is not None else run["algorithm"]
    date = QDateTime.fromString(run["date"], Qt.DateFormat.ISODate)
    lines = [tr("Made by {} of ADA Mapper {}").format(title, run["version"])]
    lines.append(tr("Date: {}").format(QLocale().toString(date, QLocale.FormatType.ShortFormat)))
    if run["model"]:
        lines.append(tr("Model: {}").format(run["model"]))
    for name, value in run["parameters"].items():
        definition = algorithm.parameterDefinition(name) if algorithm is not None else None
        lines.append(f"{definition.description() if definition is not None else name}: {value}")
    return "\n".join(lines)


def plain(value: Any) -> Any:
    """A parameter as JSON can hold it: a layer becomes its source, an output its file.

    A layer in memory becomes its id, because names repeat themselves from run to run.
    """
    if isinstance(value, QgsMapLayer):
        return value.source() if value.providerType() != "memory" else value.id()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return destination_of(value) or str(value)


def _model_name(path: Any) -> str:
    from ...core.errors import AdaMapperError
    from ...core.models import read_card

    try:
        card = read_card(path)
    except (AdaMapperError, OSError):
        return str(path)
    return f"{card.name} {card.version}"
