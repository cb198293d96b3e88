"""Areas of core as features of a QGIS layer, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSource,
    QgsFields,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingException,
    QgsWkbTypes,
)

from ...core.areas import Area
from ...core.fields import Field
from ...core.progress import Progress
from ..algorithm import Algorithm
from .features import fields_of, to_python, write_features


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
    features = (_feature(area, fields) for area in areas)
    destination = write_features(
        algorithm, parameters, "AREAS", context, features, fields, QgsWkbTypes.Type.MultiPolygon, reference
    )
    if destination is None:
        raise QgsProcessingException(algorithm.invalidSinkError(parameters, "AREAS"))
    algorithm.finish_areas(destination, context)
    return destination


def _feature(area: Area, fields: QgsFields) -> QgsFeature:
    feature = QgsFeature(fields)
    geometry = QgsGeometry()
    geometry.fromWkb(area.geometry)
    feature.setGeometry(geometry)
    feature.setAttributes([area.attributes.get(field.name()) for field in fields])
    return feature


def read_areas(source: QgsFeatureSource, table: Sequence[Field]) -> tuple[Area, ...]:
    """The features of a layer as areas, with the attributes of the table; missing ones are None."""
    known = [field for field in table if source.fields().indexOf(field.name) >= 0]
    areas = []
    for feature in source.getFeatures():
        geometry = feature.geometry()
        if geometry.isEmpty():
            continue
        geometry.convertToMultiType()
        attributes = {field.name: to_python(feature[field.name]) for field in known}
        areas.append(Area(bytes(geometry.asWkb()), attributes))
    return tuple(areas)
