"""Parameters of a run in the background: free of the project, and its results where they can be written."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsFeatureRequest,
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingDestinationParameter,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)

from ...processing.layer_sources import is_as_stored, raster_source
from ...processing.outputs import destination_of, target_of

FILE_PROVIDERS = ("gdal", "ogr")


def detached(value: Any, kept: list[Any], project: QgsProject, is_copied: bool = False) -> Any:
    """A parameter that no longer needs the project: layers become their source, or a copy where they have no file.

    ``is_copied``: always a copy with its style, for tools that draw; such a copy must stay in the main thread.
    """
    if isinstance(value, (list, tuple)):
        return [detached(item, kept, project, is_copied) for item in value]
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        layer = project.mapLayer(value.source.staticValue() or "")
        if isinstance(layer, QgsVectorLayer):
            return _source_or_copy(layer, kept, is_copied, value.selectedFeaturesOnly)
        return value
    layer = value if isinstance(value, QgsMapLayer) else project.mapLayer(value) if isinstance(value, str) else None
    return value if layer is None else _source_or_copy(layer, kept, is_copied)


def _source_or_copy(layer: QgsMapLayer, kept: list[Any], is_copied: bool, selected_only: bool = False) -> Any:
    has_file = layer.providerType() in FILE_PROVIDERS and not is_copied
    if isinstance(layer, QgsRasterLayer) and has_file:
        return raster_source(layer)
    if not isinstance(layer, QgsVectorLayer):
        return _kept(layer.clone(), kept)
    is_changed = layer.isModified() or selected_only
    if not is_changed:
        return layer.source() if has_file and is_as_stored(layer) else _kept(layer.clone(), kept)
    request = QgsFeatureRequest()
    if selected_only:
        request.setFilterFids(layer.selectedFeatureIds())
    return _kept(layer.materialize(request), kept)


def _kept(layer: QgsMapLayer, kept: list[Any]) -> QgsMapLayer:
    kept.append(layer)
    return layer


def with_loading(algorithm: QgsProcessingAlgorithm, values: dict[str, Any], project: QgsProject) -> dict[str, Any]:
    """The parameters with every output layer that is wanted marked to be loaded."""
    loaded = dict(values)
    kinds = ("sink", "vectorDestination", "rasterDestination")
    for definition in algorithm.destinationParameterDefinitions():
        if not isinstance(definition, QgsProcessingDestinationParameter) or definition.type() not in kinds:
            continue
        default = QgsProcessing.TEMPORARY_OUTPUT if definition.createByDefault() else ""
        path = destination_of(values.get(definition.name(), default))
        if path:
            output = QgsProcessingOutputLayerDefinition(path, project)
            output.destinationName = definition.description()
            loaded[definition.name()] = output
    return loaded


def files_of(algorithm: QgsProcessingAlgorithm, values: Mapping[str, Any]) -> frozenset[Path]:
    """The files and folders that a run will write, temporary ones left out."""
    files = set()
    for definition in algorithm.destinationParameterDefinitions():
        target = target_of(definition, destination_of(values.get(definition.name())))
        if target is not None:
            files.add(target.path.resolve())
    return frozenset(files)


def paths_in(values: Mapping[str, Any]) -> list[Path]:
    """The files and folders that a run is given, alone, in lists or as layers."""
    given = [part for value in values.values() for part in (value if isinstance(value, list) else [value])]
    texts = [part.source() if isinstance(part, QgsMapLayer) else part for part in given]
    return [Path(text.split("|")[0]) for text in texts if isinstance(text, str) and text]


def unwritable_folder(folder: Path, made: list[Path]) -> str:
    """The folder, if no file can be made in it; "" where one can. Makes a missing folder, and adds it to ``made``."""
    try:
        missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        made.extend(missing)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError:
        return str(folder)


def remove_empty(folders: list[Path]) -> None:
    """Remove folders that were made for a run, innermost first, unless something is in them."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()
