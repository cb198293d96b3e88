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
from ...core.fields import Columns, Field, converted, found_columns
from ...core.progress import QUIET, Progress
from ..algorithm import Algorithm
from ..texts import tr
from .features import fields_of, tell_columns, to_python, to_qgis, write_features
from .polygons import polygon_features


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
    feature.setAttributes([to_qgis(area.attributes.get(field.name())) for field in fields])
    return feature


def read_areas(
    source: QgsFeatureSource, table: Sequence[Field], *others: Sequence[Field], progress: Progress = QUIET
) -> tuple[Area, ...]:
    """The polygons of a layer as areas, with the attributes of the table; missing ones are None.

    ``others``: tables that the layer may have instead. Names that a Shapefile cut are found, numbers may be texts; what
    can't be read, and outlines that are mended or left out, are told. Raises InputError for a layer of another kind.
    """
    columns = area_columns(source, table, *others)
    fields = {field.name: field for one in (table, *others) for field in one}
    known = [(fields[name], column) for name, column in columns.names.items()]
    unread: dict[str, list[str]] = {}
    areas = []
    for feature, outline in polygon_features(source, progress):
        attributes = {}
        for field, column in known:
            value = to_python(feature[column])
            attributes[field.name], is_understood = converted(value, field)
            if not is_understood:
                unread.setdefault(column, []).append(str(value))
        areas.append(Area(bytes(outline.asWkb()), attributes))
    tell_columns(columns, source.sourceName(), progress)
    for column, values in unread.items():
        progress.warning(
            tr("{}: {} values of the field {} can't be read as what it should hold and are left out: {}.").format(
                source.sourceName(), len(values), column, ", ".join(f"“{value[:40]}”" for value in values[:5])
            )
        )
    return tuple(areas)


def area_columns(source: QgsFeatureSource, *tables: Sequence[Field]) -> Columns:
    """Where a layer holds the attributes of areas, in that of the tables which fits best."""
    present = [field.name() for field in source.fields()]
    return found_columns(present, *([field.name for field in table] for table in tables))
