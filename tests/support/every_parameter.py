"""A small file for every input of a tool, and a name for every result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProject,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from qgis_session import ROOT
from small_rasters import write

_KINDS = QgsProcessing.SourceType
_OPTIONAL = QgsProcessingParameterDefinition.Flag.FlagOptional
_POLYGON = "Polygon((500060 3499940, 500600 3499940, 500600 3499400, 500060 3499400, 500060 3499940))"
_SHAPES = {
    _KINDS.TypeVectorPoint: ("Point", "Point(500300 3499700)"),
    _KINDS.TypeVectorLine: ("LineString", "LineString(500000 3499000, 500600 3499900)"),
}
ENDINGS = {"rasterDestination": ".tif", "sink": ".gpkg", "folderDestination": ""}


def inputs_of(tool: QgsProcessingAlgorithm, folder: Path, with_optional: bool = True) -> dict[str, Any]:
    """Parameters with a file of its own, in the folder, for every input that is one; no outputs."""
    values: dict[str, Any] = {}
    for definition in tool.parameterDefinitions():
        if not with_optional and definition.flags() & _OPTIONAL:
            continue
        file = _input(definition, folder / definition.name().lower())
        if file is not None:
            values[definition.name()] = [str(file)] if definition.type() == "multilayer" else str(file)
    return values


def outputs_of(tool: QgsProcessingAlgorithm, folder: Path) -> dict[str, str]:
    """A file or a folder of its own, none of which is there, for every result."""
    return {
        definition.name(): str(folder / f"result_{definition.name().lower()}{ending_of(definition)}")
        for definition in tool.destinationParameterDefinitions()
    }


def ending_of(definition: QgsProcessingParameterDefinition) -> str:
    """With what the name of a result ends."""
    ending = ENDINGS.get(definition.type())
    return f".{definition.defaultFileExtension()}" if ending is None else ending


def polygons(path: Path, kind: str = "Polygon", shape: str = _POLYGON) -> Path:
    """A GeoPackage with one shape."""
    layer = QgsVectorLayer(f"{kind}?crs=EPSG:32648&field=name:string", path.stem, "memory")
    feature = QgsFeature(layer.fields())
    feature.setGeometry(QgsGeometry.fromWkt(shape))
    layer.dataProvider().addFeatures([feature])
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.layerName = path.stem
    context = QgsProject.instance().transformContext()
    QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), context, options)
    return path


def _input(definition: QgsProcessingParameterDefinition, path: Path) -> Path | None:
    if definition.isDestination():
        return None
    if definition.type() == "raster":
        return Path(write(path.with_suffix(".tif"), np.ones((40, 40), np.float32), path.stem, ""))
    if definition.type() == "source":
        shape = next((_SHAPES[kind] for kind in definition.dataTypes() if kind in _SHAPES), ("Polygon", _POLYGON))
        return polygons(path.with_suffix(".gpkg"), *shape)
    if definition.type() == "multilayer":
        is_of_files = definition.layerType() == QgsProcessing.SourceType.TypeFile
        return _model(path) if is_of_files else polygons(path.with_suffix(".gpkg"))
    if not isinstance(definition, QgsProcessingParameterFile):
        return None
    if definition.behavior() == QgsProcessingParameterFile.Behavior.Folder:
        path.mkdir()
        (path / "inside.tif").write_bytes(b"something")
        return path
    return _model(path) if definition.extension() in ("", "onnx") else _text(path, definition.extension())


def _model(path: Path) -> Path:
    file = path.with_suffix(".onnx")
    file.write_bytes((ROOT / "models" / "compact_int8.onnx").read_bytes())
    return file


def _text(path: Path, suffix: str) -> Path:
    file = path.with_suffix(f".{suffix}")
    file.write_text("file,date1,date2\n")
    return file
