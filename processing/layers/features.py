"""Tables of core as QGIS fields, values of features as Python's, and features written to an output."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsProcessingContext,
    QgsProcessingException,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QDate, QDateTime, QVariant

from ...core.fields import Field
from ..algorithm import FAST_INSERT, Algorithm, remove_results

if Qgis.QGIS_VERSION_INT >= 33800:
    from qgis.PyQt.QtCore import QMetaType

    TYPES = {
        "int": QMetaType.Type.Int, "float": QMetaType.Type.Double, "str": QMetaType.Type.QString,
        "bool": QMetaType.Type.Bool, "date": QMetaType.Type.QDate,
    }  # fmt: skip
else:
    TYPES = {
        "int": QVariant.Type.Int, "float": QVariant.Type.Double, "str": QVariant.Type.String,
        "bool": QVariant.Type.Bool, "date": QVariant.Type.Date,
    }  # fmt: skip
"""The types of core's tables as QGIS has them: QVariant's before 3.38."""


def fields_of(table: Iterable[Field]) -> QgsFields:
    """The QGIS fields of a table of core; the unit and meaning become the field's comment."""
    fields = QgsFields()
    for entry in table:
        field = QgsField(entry.name, TYPES[entry.type])
        field.setComment(entry.description + (f" ({entry.unit})" if entry.unit else ""))
        fields.append(field)
    return fields


def to_qgis(value: Any) -> Any:
    """A value as a feature takes it: days as QDate."""
    return QDate(value.year, value.month, value.day) if isinstance(value, date) else value


def to_python(value: Any) -> Any:
    """A value of a feature, days as dates; QGIS before 3.36 hands over NULL as a QVariant."""
    if value is None or (isinstance(value, QVariant) and value.isNull()):
        return None
    if isinstance(value, QDateTime):
        value = value.date()
    if isinstance(value, QDate):
        return date(value.year(), value.month(), value.day()) if value.isValid() else None
    return value


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
