"""The values of parameters, checked before any work: what QGIS lets through from scripts, models and saved settings.

QGIS reads a text in the place of an optional number as 0, any text in the place of a yes or no as yes, and checks
nothing at all where one tool runs another.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Callable

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProperty,
    QgsRectangle,
    QgsWkbTypes,
)

from ..core.errors import InputError
from .layer_sources import crs_text
from .qgis_versions import is_null
from .texts import tr

_LARGEST_INTEGER = 2**31 - 1
_LARGEST = 1e15
"""Of numbers without a limit of their own: no length, area or time is larger, and sums of it stay finite."""
_LONGEST_SHOWN = 60
_FILES_OF_FOLDERS = (".json", ".zip")
"""What stands for a folder: the facts of a sample set, and a folder that is packed."""
_YES_AND_NO = ("true", "false", "1", "0")


def check_values(algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
    """InputError for the first value of a parameter that can't be what the parameter is."""
    for definition in algorithm.parameterDefinitions():
        check = _CHECKS.get(definition.type())
        if check is not None and not is_empty(parameters.get(definition.name())):
            check(algorithm, definition, parameters, context)


def is_empty(value: Any) -> bool:
    """Whether the value of a parameter means that none was given."""
    return is_null(value) or (isinstance(value, str) and value.strip() in ("", "None", "NULL"))


def evaluated(value: Any, context: QgsProcessingContext) -> Any:
    """The value of a parameter that may be computed: by an expression in a model, or from the data."""
    return value.value(context.expressionContext())[0] if isinstance(value, QgsProperty) else value


def shown(value: Any) -> str:
    """A value as it may stand in a sentence, however long it is."""
    text = f"“{value}”" if isinstance(value, str) else str(value)
    return _shortened(text, _LONGEST_SHOWN)


def _check_number(
    algorithm: QgsProcessingAlgorithm,
    definition: QgsProcessingParameterNumber,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
) -> None:
    value = parameters[definition.name()]
    if isinstance(value, QgsProperty):
        value = algorithm.parameterAsDouble(parameters, definition.name(), context)
    wrong = _what_is_wrong(value, definition)
    if wrong:
        _refuse(definition, wrong, value)


def _what_is_wrong(value: Any, definition: QgsProcessingParameterNumber) -> str:
    """What the number should be, where it isn't; "" for a usable one."""
    is_whole = definition.dataType() == QgsProcessingParameterNumber.Type.Integer
    try:
        number = math.nan if isinstance(value, str) and "_" in value else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or (is_whole and not number.is_integer()):
        return tr("a whole number") if is_whole else tr("a number")
    largest = _LARGEST_INTEGER if is_whole else _LARGEST
    low, high = max(definition.minimum(), -largest), min(definition.maximum(), largest)
    if low <= number <= high:
        return ""
    has_low, has_high = is_whole or low > -largest, is_whole or high < largest
    if has_low and (has_high or number > high):
        return tr("from {} to {}").format(f"{low:.15g}", f"{high:.15g}")
    return tr("at least {}").format(f"{low:.15g}") if number < low else tr("at most {}").format(f"{high:.15g}")


def _check_choice(
    algorithm: QgsProcessingAlgorithm,
    definition: QgsProcessingParameterDefinition,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
) -> None:
    value = evaluated(parameters[definition.name()], context)
    chosen = value if isinstance(value, (list, tuple)) else [value]
    if definition.allowMultiple():
        chosen = [part for item in chosen for part in (item.split(",") if isinstance(item, str) else [item])]
    for item in chosen:
        if item not in definition.options():
            _refuse(definition, tr("one of {}").format(", ".join(definition.options())), item)


def _check_yes_or_no(
    algorithm: QgsProcessingAlgorithm,
    definition: QgsProcessingParameterDefinition,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
) -> None:
    value = evaluated(parameters[definition.name()], context)
    if isinstance(value, str) and value.strip().lower() not in _YES_AND_NO:
        _refuse(definition, tr("true or false"), value)


def _check_moment(
    algorithm: QgsProcessingAlgorithm,
    definition: QgsProcessingParameterDefinition,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
) -> None:
    if not algorithm.parameterAsDateTime(parameters, definition.name(), context).isValid():
        _refuse(definition, tr("a day such as 2022-03-05"), parameters[definition.name()])


def _check_crs(
    algorithm: QgsProcessingAlgorithm,
    definition: QgsProcessingParameterDefinition,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
) -> None:
    if not algorithm.parameterAsCrs(parameters, definition.name(), context).isValid():
        wanted = tr("a coordinate reference system such as EPSG:32633")
        _refuse(definition, wanted, parameters[definition.name()])


def _check_raster(
    algorithm: QgsProcessingAlgorithm,
    definition: QgsProcessingParameterDefinition,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
) -> None:
    if algorithm.parameterAsRasterLayer(parameters, definition.name(), context) is None:
        _refuse_unopened(definition, tr("a raster layer"), parameters)


def _check_features(
    algorithm: QgsProcessingAlgorithm,
    definition: QgsProcessingParameterDefinition,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
) -> None:
    # Whoever looks for something beside the file must do so before it is opened.
    definition.checkValueIsAcceptable(parameters[definition.name()], context)
    source = algorithm.parameterAsSource(parameters, definition.name(), context)
    if source is None:
        _refuse_unopened(definition, tr("a vector layer"), parameters)
    held = QgsWkbTypes.geometryType(source.wkbType())
    wanted = [_GEOMETRIES.get(kind) for kind in definition.dataTypes()]
    if wanted and None not in wanted and held in _kinds() and held not in wanted:
        message = tr("{} holds {}, and {} are needed ({}). Choose another layer.")
        kinds = tr(" or ").join(_kinds()[kind] for kind in wanted)
        raise InputError(message.format(source.sourceName(), _kinds()[held], kinds, definition.description()))
    _check_extent(source.sourceExtent(), source.sourceCrs(), source.sourceName())


def _check_extent(extent: QgsRectangle, crs: QgsCoordinateReferenceSystem, name: str) -> None:
    """InputError where a layer can't lie where its CRS says; what isn't finite is told by whoever reads the shapes."""
    from ..core.raster import check_coordinates

    bounds = extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()
    if crs.isValid() and not extent.isNull() and all(map(math.isfinite, bounds)):
        check_coordinates(crs_text(crs), bounds, name)


def _check_file(
    algorithm: QgsProcessingAlgorithm,
    definition: QgsProcessingParameterFile,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
) -> None:
    given = parameters[definition.name()]
    path = algorithm.parameterAsString(parameters, definition.name(), context)
    is_folder = definition.behavior() == QgsProcessingParameterFile.Behavior.Folder
    if not path:
        _refuse(definition, tr("the path of a folder") if is_folder else tr("the path of a file"), given)
    _check_path(path, is_folder, definition)


def _check_files(
    algorithm: QgsProcessingAlgorithm,
    definition: QgsProcessingParameterDefinition,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
) -> None:
    if definition.layerType() != QgsProcessing.SourceType.TypeFile:
        return
    for path in algorithm.parameterAsFileList(parameters, definition.name(), context):
        if path:
            _check_path(path, None, definition)


def _check_path(path: str, is_folder: bool | None, definition: QgsProcessingParameterDefinition) -> None:
    """InputError where nothing that can be read lies there; ``is_folder`` None: a file or a folder."""
    if path.startswith("/vsi"):
        return
    try:
        place = Path(path)
        is_there, is_file, is_dir = place.exists(), place.is_file(), place.is_dir()
    except (OSError, ValueError):
        is_there = is_file = is_dir = False
    if not is_there:
        no_folder, no_file = (
            tr("There is no folder {} ({}). Choose another."),
            tr("There is no file {} ({}). Choose another."),
        )
        message = no_folder if is_folder else no_file
    elif not (is_file or is_dir):
        message = tr("{} is neither a file nor a folder ({}).")
    elif is_folder is False and is_dir:
        message = tr("{} is a folder. Choose a file ({}).")
    elif is_folder and is_file and place.suffix.lower() not in _FILES_OF_FOLDERS:
        message = tr("{} is a file. Choose a folder ({}).")
    elif not os.access(path, os.R_OK):
        message = tr("{} can't be read: you have no right to ({}).")
    else:
        return
    raise InputError(message.format(_shortened(path), definition.description()))


def _refuse(definition: QgsProcessingParameterDefinition, wanted: str, value: Any) -> None:
    message = tr("{} ({}) must be {}, not {}.")
    raise InputError(message.format(definition.description(), definition.name(), wanted, shown(value)))


def _refuse_unopened(definition: QgsProcessingParameterDefinition, wanted: str, parameters: dict[str, Any]) -> None:
    message = tr("{} (given as {}) can't be opened as {}. Choose another, or check it.")
    value = _shortened(str(parameters[definition.name()]))
    raise InputError(message.format(value, definition.name(), wanted))


def _shortened(text: str, length: int = 4 * _LONGEST_SHOWN) -> str:
    """The text, of some length at most, without letters that would end a sentence where it is shown."""
    shown = text[:length] + ("…" if len(text) > length else "")
    return "".join(letter if letter >= " " else "?" for letter in shown)


def _kinds() -> dict[QgsWkbTypes.GeometryType, str]:
    """What a layer of certain geometries holds; not of geometries that may be any."""
    kinds = QgsWkbTypes.GeometryType
    return {
        kinds.PointGeometry: tr("points"),
        kinds.LineGeometry: tr("lines"),
        kinds.PolygonGeometry: tr("polygons"),
        kinds.NullGeometry: tr("no geometries"),
    }


_GEOMETRIES = {
    QgsProcessing.SourceType.TypeVectorPoint: QgsWkbTypes.GeometryType.PointGeometry,
    QgsProcessing.SourceType.TypeVectorLine: QgsWkbTypes.GeometryType.LineGeometry,
    QgsProcessing.SourceType.TypeVectorPolygon: QgsWkbTypes.GeometryType.PolygonGeometry,
}
_CHECKS: dict[str, Callable[..., None]] = {
    "number": _check_number,
    "enum": _check_choice,
    "boolean": _check_yes_or_no,
    "datetime": _check_moment,
    "crs": _check_crs,
    "raster": _check_raster,
    "source": _check_features,
    "file": _check_file,
    "multilayer": _check_files,
}
