"""Judged areas as a styled QGIS layer: hits, misses and false alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFields,
    QgsFillSymbol,
    QgsGeometry,
    QgsProcessingContext,
    QgsRendererCategory,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QColor

from ...core.accuracy import Assessment, JudgedArea
from ...core.fields import Field
from ...core.progress import Progress
from ..algorithm import Algorithm
from ..texts import tr
from .features import fields_of, write_features

JUDGED_FIELDS = (
    Field("id", "int", "", "Number of the area"),
    Field("result", "str", "", "hit, miss (true areas), hit as found, false alarm (found areas) or not counted"),
    Field("source", "str", "", "true: an area of the truth; found: an area that is judged"),
    Field("iou", "float", "1", "Largest intersection over union with an area of the other set"),
    Field("area_km2", "float", "km²", "Area of its outline on the ellipsoid"),
    Field("los_rate", "float", "mm/yr", "95th percentile of the magnitude of the LOS rate"),
    Field("los_sensitivity", "float", "1", "Share of downslope motion that the line of sight sees"),
    Field("aspect", "float", "degree", "Direction of the mean downhill gradient, clockwise from true north"),
    Field("mapped", "float", "1", "Share of its pixels that was mapped"),
    Field("longitude", "float", "degree", "Longitude of the centroid, or of a point inside"),
    Field("latitude", "float", "degree", "Latitude of the same point"),
)


def write_judged(
    algorithm: Algorithm,
    parameters: dict[str, Any],
    name: str,
    context: QgsProcessingContext,
    progress: Progress,
    assessment: Assessment,
) -> str | None:
    """Write the judged areas to the sink ``name``, styled; the id of the layer, None where it isn't wanted."""
    progress.check()
    fields = fields_of(JUDGED_FIELDS)
    reference = QgsCoordinateReferenceSystem.fromWkt(assessment.grid.crs)
    features = (_feature(number, area, fields) for number, area in enumerate(assessment.found.areas, 1))
    destination = write_features(
        algorithm, parameters, name, context, features, fields, QgsWkbTypes.Type.MultiPolygon, reference
    )
    if destination is not None:
        algorithm.finish_vector(destination, style_judged, context)
    return destination


def _feature(number: int, area: JudgedArea, fields: QgsFields) -> QgsFeature:
    feature = QgsFeature(fields)
    geometry = QgsGeometry()
    geometry.fromWkb(area.polygon)
    feature.setGeometry(geometry)
    feature.setAttributes(_attributes(number, area))
    return feature


def _attributes(number: int, area: JudgedArea) -> list[Any]:
    own = area.properties
    values: Sequence[Any] = (
        number, area.result, "true" if area.is_true else "found", area.iou, own.area_km2, own.los_rate,
        own.los_sensitivity, own.aspect, own.mapped, own.longitude, own.latitude,
    )  # fmt: skip
    return [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]


def style_judged(layer: QgsVectorLayer) -> None:
    """Colour the areas by result, as in the report's map; those that count for nothing are only outlined."""
    from ...core.accuracy import NOT_COUNTED, RIGHT, STYLES

    categories = []
    for result, (colour, meaning) in STYLES.items():
        fill = QColor(colour)
        fill.setAlpha(0 if result in (RIGHT, NOT_COUNTED) else 90)
        symbol = QgsFillSymbol.createSimple(
            {
                "color": fill.name(QColor.NameFormat.HexArgb),
                "outline_color": colour,
                "outline_width": "0.5",
                "outline_style": "dash" if result == RIGHT else "solid",
            }
        )
        categories.append(QgsRendererCategory(result, symbol, tr(meaning)))
    layer.setRenderer(QgsCategorizedSymbolRenderer("result", categories))
