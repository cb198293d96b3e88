"""Areas of core as features of a QGIS layer, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSource,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingException,
    QgsWkbTypes,
)

from ..core.areas import Area, Field
from ..core.progress import Progress
from .algorithm import FAST_INSERT, Algorithm, remove_results

if Qgis.QGIS_VERSION_INT >= 33800:
    from qgis.PyQt.QtCore import QMetaType

    _TYPES = {"int": QMetaType.Type.Int, "float": QMetaType.Type.Double, "str": QMetaType.Type.QString}
else:
    from qgis.PyQt.QtCore import QVariant

    _TYPES = {"int": QVariant.Type.Int, "float": QVariant.Type.Double, "str": QVariant.Type.String}


def fields_of(table: Iterable[Field]) -> QgsFields:
    """The QGIS fields of a core field table; the unit and meaning become the field's comment."""
    fields = QgsFields()
    for entry in table:
        field = QgsField(entry.name, _TYPES[entry.type])
        unit = f" ({entry.unit})" if entry.unit else ""
        field.setComment(entry.description + unit)
        fields.append(field)
    return fields


def write_areas(
    algorithm: Algorithm,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
    progress: Progress,
    areas: Sequence[Area],
    table: Sequence[Field],
    crs: str,
) -> str:
    """Write finished areas to the output AREAS, styled; returns the id of the layer."""
    progress.check()
    fields = fields_of(table)
    reference = QgsCoordinateReferenceSystem.fromWkt(crs)
    sink, destination = algorithm.parameterAsSink(
        parameters, "AREAS", context, fields, QgsWkbTypes.Type.MultiPolygon, reference
    )
    if sink is None:
        raise QgsProcessingException(algorithm.invalidSinkError(parameters, "AREAS"))
    for area in areas:
        feature = QgsFeature(fields)
        geometry = QgsGeometry()
        geometry.fromWkb(area.geometry)
        feature.setGeometry(geometry)
        feature.setAttributes([area.attributes.get(field.name()) for field in fields])
        if not sink.addFeature(feature, FAST_INSERT):
            message = algorithm.writeFeatureError(sink, parameters, "AREAS")
            del sink
            remove_results([] if "|" in destination else [destination])  # a file with other tables stays
            raise QgsProcessingException(message)
    sink.flushBuffer()
    del sink
    algorithm.finish_areas(destination, context)
    return destination


def read_areas(source: QgsFeatureSource, table: Sequence[Field]) -> tuple[Area, ...]:
    """The features of a layer as areas, with the attributes of the table; missing ones are None."""
    known = [field for field in table if source.fields().indexOf(field.name) >= 0]
    areas = []
    for feature in source.getFeatures():
        geometry = feature.geometry()
        if geometry.isEmpty():
            continue
        geometry.convertToMultiType()
        attributes = {field.name: _value(feature[field.name]) for field in known}
        areas.append(Area(bytes(geometry.asWkb()), attributes))
    return tuple(areas)


def _value(value: Any) -> Any:
    """QGIS before 3.36 hands over NULL as a QVariant."""
    return None if value is None or (hasattr(value, "isNull") and value.isNull()) else value
