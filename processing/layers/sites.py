"""Sites of a survey as styled features of a QGIS layer, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSource,
    QgsFields,
    QgsGeometry,
    QgsMarkerSymbol,
    QgsPalLayerSettings,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsRendererCategory,
    QgsSingleSymbolRenderer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP
from qgis.PyQt.QtGui import QColor, QFont

from ...core.fields import Field
from ...core.progress import Progress
from ...core.survey import CONFIRMED, FORM_FIELDS, NOT_ACCESSIBLE, NOT_CONFIRMED, SITE_FIELDS, Site
from ..algorithm import Algorithm
from ..texts import tr
from .features import TYPES, fields_of, to_python, to_qgis, write_features

# Told apart with colour-vision deficiency, and by shape, too.
RESULT_STYLES = {
    CONFIRMED: ("#009e73", "circle", QT_TRANSLATE_NOOP("AdaMapper", "Confirmed")),
    NOT_CONFIRMED: ("#d55e00", "square", QT_TRANSLATE_NOOP("AdaMapper", "Not confirmed")),
    NOT_ACCESSIBLE: ("#8a8f98", "triangle", QT_TRANSLATE_NOOP("AdaMapper", "Not accessible")),
    "": ("#2a7fbf", "circle", QT_TRANSLATE_NOOP("AdaMapper", "To visit")),
}


def write_sites(
    algorithm: Algorithm,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
    progress: Progress,
    sites: Sequence[Site],
    table: Sequence[Field],
    crs: str,
) -> str:
    """Write the sites to the output SITES, styled; returns the id of the layer."""
    progress.check()
    fields = fields_of(table)
    reference = QgsCoordinateReferenceSystem()
    reference.createFromUserInput(crs)
    features = (_feature(site, fields) for site in sites)
    destination = write_features(
        algorithm, parameters, "SITES", context, features, fields, QgsWkbTypes.Type.Point, reference
    )
    if destination is None:
        raise QgsProcessingException(algorithm.invalidSinkError(parameters, "SITES"))
    algorithm.finish_vector(destination, style_sites, context)
    return destination


def _feature(site: Site, fields: QgsFields) -> QgsFeature:
    feature = QgsFeature(fields)
    feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(site.x, site.y)))
    feature.setAttributes([to_qgis(site.attributes.get(field.name())) for field in fields])
    return feature


def read_sites(source: QgsFeatureSource) -> tuple[Site, ...]:
    """The points of a layer with all their attributes; features without a point are left out.

    Those of sites and of the form get their types where they can be understood, whatever format the layer came through.
    """
    from ...core.survey import converted

    known = {field.name: field for field in (*SITE_FIELDS, *FORM_FIELDS)}
    names = [field.name() for field in source.fields()]
    sites = []
    for feature in source.getFeatures():
        geometry = feature.geometry()
        if geometry.isEmpty():
            continue
        point = geometry.pointOnSurface().asPoint()
        own = dict(zip(names, map(to_python, feature.attributes())))
        for name in known.keys() & own.keys():
            value, understood = converted(own[name], known[name])
            if understood:
                own[name] = value
        sites.append(Site(point.x(), point.y(), own))
    return tuple(sites)


def table_of(source: QgsFeatureSource, known: Mapping[str, Field]) -> tuple[Field, ...]:
    """The fields of a layer as a table, as described in ``known`` where their names are; simple types only."""
    kinds = {value: name for name, value in TYPES.items()}
    table = []
    for field in source.fields():
        if field.name() in known:
            table.append(known[field.name()])
        elif field.name().lower() not in ("fid", "ogc_fid"):
            table.append(Field(field.name(), kinds.get(field.type(), "str"), "", field.comment()))
    return tuple(table)


def style_sites(layer: QgsVectorLayer) -> None:
    """Numbered points: blue to visit, and by result where the layer has one."""
    if layer.fields().indexOf("result") >= 0:
        categories = [
            QgsRendererCategory(value, _marker(colour, shape), tr(title))
            for value, (colour, shape, title) in RESULT_STYLES.items()
        ]
        layer.setRenderer(QgsCategorizedSymbolRenderer("result", categories))
    else:
        colour, shape, _ = RESULT_STYLES[""]
        layer.setRenderer(QgsSingleSymbolRenderer(_marker(colour, shape)))
    layer.setLabeling(QgsVectorLayerSimpleLabeling(_labels()))
    layer.setLabelsEnabled(True)
    layer.setDisplayExpression('"name"')


def _marker(colour: str, shape: str) -> QgsMarkerSymbol:
    return QgsMarkerSymbol.createSimple(
        {"name": shape, "color": colour, "size": "3.4", "outline_color": "#ffffff", "outline_width": "0.5"}
    )


def _labels() -> QgsPalLayerSettings:
    """The name beside the point, dark with a white halo, which reads on any map."""
    halo = QgsTextBufferSettings()
    halo.setEnabled(True)
    halo.setSize(0.8)
    halo.setColor(QColor("#ffffff"))
    text = QgsTextFormat()
    font = QFont()
    font.setBold(True)
    text.setFont(font)
    text.setSize(9)
    text.setSizeUnit(QgsUnitTypes.RenderUnit.RenderPoints)
    text.setColor(QColor("#1d2733"))
    text.setBuffer(halo)
    settings = QgsPalLayerSettings()
    settings.fieldName = "name"
    settings.setFormat(text)
    settings.placement = QgsPalLayerSettings.Placement.OrderedPositionsAroundPoint
    settings.dist = 1.2
    return settings
