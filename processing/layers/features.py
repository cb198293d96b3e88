"""Tables of core as QGIS fields, values of features as Python's, and features written to an output."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSource,
    QgsField,
    QgsFields,
    QgsProcessingContext,
    QgsProcessingException,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QDate, QDateTime

from ...core.errors import InputError
from ...core.fields import Columns, Field, found_columns
from ...core.progress import Progress
from ...core.texts import as_message
from ..algorithm import FAST_INSERT, Algorithm, remove_results
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

    Raises QgsProcessingException, and leaves no file, when one can't be written.
    """
    sink, destination = algorithm.parameterAsSink(parameters, name, context, fields, geometry, crs)
    if sink is None:
        if parameters.get(name) in (None, ""):
            return None
        raise QgsProcessingException(algorithm.invalidSinkError(parameters, name))
    for feature in features:
        if not sink.addFeature(feature, FAST_INSERT):
            message = algorithm.writeFeatureError(sink, parameters, name)
            del sink
            # A table of a GeoPackage lies beside other ones.
            remove_results([] if "|" in destination else [destination])
            raise QgsProcessingException(message)
    sink.flushBuffer()
    del sink
    return str(destination)
