"""Tables of core as QGIS fields, values of features as Python's, and features written to an output."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSource,
    QgsField,
    QgsFields,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingUtils,
    QgsProperty,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QDate, QDateTime

from ...core.errors import InputError, OutputError
from ...core.fields import Columns, Field, found_columns
from ...core.files import is_full, told_place, unwritable
from ...core.progress import Progress
from ...core.texts import as_message
from ..algorithm import FAST_INSERT, Algorithm
from ..outputs import destination_of, target_of
from ..qgis_versions import field_types, is_null
from ..texts import tr, words_of

TYPES = field_types()
"""The types of core's tables as QGIS has them."""


def fields_of(table: Iterable[Field]) -> QgsFields:
    """The QGIS fields of a table of core; the unit and meaning become the field's comment."""
    fields = QgsFields()
    for entry in table:
        field = QgsField(entry.name, TYPES[entry.type])
        field.setComment(words_of(as_message(entry.description, {})) + (f" ({entry.unit})" if entry.unit else ""))
        fields.append(field)
    return fields


def to_qgis(value: Any) -> Any:
    """A value as a feature takes it: days as QDate, sentences of core in the user's language."""
    if isinstance(value, date):
        return QDate(value.year, value.month, value.day)
    # QGIS takes a kind of str of one's own, as a Message is, for an unknown Python object.
    return words_of(value) if isinstance(value, str) else value


def to_python(value: Any) -> Any:
    """A value of a feature, days as dates, NULL as None."""
    if is_null(value):
        return None
    if isinstance(value, QDateTime):
        value = value.date()
    if isinstance(value, QDate):
        return date(value.year(), value.month(), value.day()) if value.isValid() else None
    return value


def existing_field(source: QgsFeatureSource, field: str) -> str:
    """The name of a field that was named by hand, as the layer has it. InputError where it has none of that name."""
    present = [one.name() for one in source.fields()]
    found = found_columns(present, [field]).names.get(field)
    if found is None:
        message = tr("The layer {} has no field {}. Its fields are: {}.")
        raise InputError(message.format(source.sourceName(), field, ", ".join(present[:30]) or "–"))
    return found


def tell_columns(columns: Columns, layer: str, progress: Progress) -> None:
    """Tell which fields of a layer were found by cut names, and warn of those that can't be."""
    told, warning = columns.told(layer), columns.warned(layer)
    if told is not None:
        progress.info(told)
    if warning is not None:
        progress.warning(warning)


def write_features(
    algorithm: Algorithm,
    parameters: dict[str, Any],
    name: str,
    context: QgsProcessingContext,
    features: Iterable[QgsFeature],
    fields: QgsFields,
    geometry: QgsWkbTypes.Type,
    crs: QgsCoordinateReferenceSystem,
) -> str | None:
    """Write all features to the output ``name``; the id of its layer, None for an output that isn't wanted.

    A file is made beside its place, as all results of a run are, and is read again. Raises QgsProcessingException or
    OutputError, and leaves no file, when a feature can't be written.
    """
    from ...core.vectors import check_written, heard_errors, refusal

    target, place = staged_sink(algorithm, parameters, name, context)
    given = parameters if place is None else {**parameters, name: _unloaded(place)}
    # No return value tells what fails when buffers are written and the file is closed.
    with heard_errors() as told:
        try:
            sink, destination = algorithm.parameterAsSink(given, name, context, fields, geometry, crs)
        except QgsProcessingException:
            if not target:
                raise
            raise _unmade(target, told) from None
        if sink is None:
            if parameters.get(name) in (None, ""):
                return None
            raise QgsProcessingException(algorithm.invalidSinkError(given, name))
        told.clear()
        count, refused = 0, ""
        for feature in features:
            if not sink.addFeature(feature, FAST_INSERT):
                refused = algorithm.writeFeatureError(sink, given, name)
                break
            count += 1
        sink.flushBuffer()
        del sink
    if place is not None and place.destinationProject is not None:
        _load(algorithm, name, place, told_place(str(destination)), context)
    if target:
        if refused or told:
            raise unwritable(target, refusal(told) or refused or RuntimeError(told[0]))
        check_written(str(destination).split("|")[0], target, count)
    elif refused:
        raise QgsProcessingException(refused)
    else:
        _check_layer(str(destination), context, count)
    return str(destination)


def staged_sink(
    algorithm: Algorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> tuple[str, QgsProcessingOutputLayerDefinition | None]:
    """The file that a vector output becomes, and the value of its parameter by which it is made beside it.

    "" and None for what is no file of its own: layers in memory, tables of databases, layers that are added to.
    """
    from ...core.vectors import tables_taken

    value = parameters.get(name)
    definition = QgsProcessingOutputLayerDefinition(value if isinstance(value, str) else "")
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        definition = QgsProcessingOutputLayerDefinition(value)
    elif isinstance(value, QgsProperty):
        definition.sink = value
    if hasattr(definition, "useRemapping") and definition.useRemapping():
        return "", None
    text = destination_of(definition, context)
    is_layer = text.startswith("ogr:") or not _PROVIDER.match(text)
    target = target_of(algorithm.parameterDefinition(name), text) if is_layer else None
    if target is None or (target.table and target.path.suffix.lower() != ".gpkg"):
        return "", None
    path, table = str(target.path), target.table
    taking = tables_taken if table and Path(path).exists() else None
    definition.sink = QgsProperty.fromValue(str(algorithm.results.place(path, taking)))
    if table:
        definition.createOptions = {**definition.createOptions, "layerName": table}
    return path, definition


def _unmade(target: str, told: Sequence[str]) -> OutputError:
    """Why a file can't be made in a folder that can be written in: the disk is full, or its format doesn't fit."""
    from ...core.vectors import refusal

    full = refusal(told)
    if full is not None or is_full(Path(target), RuntimeError()):
        return unwritable(target, full or RuntimeError())
    message = tr("{} can't be made: its format may not hold such a layer. Choose another, such as GeoPackage (.gpkg).")
    return OutputError(message.format(target))


def _unloaded(place: QgsProcessingOutputLayerDefinition) -> QgsProcessingOutputLayerDefinition:
    """The same without a project to load the layer into, which would know it where it is made."""
    unloaded = QgsProcessingOutputLayerDefinition(place)
    unloaded.destinationProject = None
    return unloaded


def _load(
    algorithm: Algorithm,
    name: str,
    place: QgsProcessingOutputLayerDefinition,
    destination: str,
    context: QgsProcessingContext,
) -> None:
    """Let QGIS load the layer from its place when the run ends, under the name that it would give it."""
    definition = algorithm.parameterDefinition(name)
    title = place.destinationName or definition.description()
    details = QgsProcessingContext.LayerDetails(
        title, place.destinationProject, definition.name(), QgsProcessingUtils.LayerHint.Vector
    )
    details.forceName = bool(place.destinationName)
    context.addLayerToLoadOnCompletion(destination, details)


# As QGIS tells them apart: a drive of Windows has one letter.
_PROVIDER = re.compile("^.{3,}?:.*$")


def _check_layer(destination: str, context: QgsProcessingContext, count: int) -> None:
    layer = QgsProcessingUtils.mapLayerFromString(destination, context)
    request = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry)
    found = 0 if layer is None else sum(1 for _ in layer.getFeatures(request))
    if found < count:
        message = tr("{} can't be written: of {} features {} could be read again. Choose another place for it.")
        raise OutputError(message.format(destination, count, found))
