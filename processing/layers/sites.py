"""Sites of a survey as styled features of a QGIS layer, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
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

from ...core.fields import Columns, Field, found_columns
from ...core.progress import QUIET, Progress
from ...core.survey import CONFIRMED, FORM_FIELDS, NOT_ACCESSIBLE, NOT_CONFIRMED, NOT_VISITED, SITE_FIELDS, Site
from ..algorithm import Algorithm
from ..texts import tr
from .features import TYPES, fields_of, tell_columns, to_python, to_qgis, write_features

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


def read_sites(
    source: QgsFeatureSource,
    progress: Progress = QUIET,
    labels: Mapping[str, str] | None = None,
    with_unplaced: bool = False,
) -> tuple[Site, ...]:
    """The points of a layer with all their attributes.

    Features without a point are told and left out, or have NaN for coordinates (``with_unplaced``).

    Those of sites and of the form get their types where they can be understood, whatever format the layer came through;
    what can't is told. ``labels`` are further ways to write results, as result_labels() gives them.
    """
    from ...core.survey import AnswerReader

    columns = site_columns(source)
    own_names = {column: name for name, column in columns.names.items()}
    names = [own_names.get(field.name(), field.name()) for field in source.fields()]
    reader = AnswerReader(labels)
    sites, empty, several = [], 0, 0
    for feature in source.getFeatures():
        geometry = feature.geometry()
        if geometry.isEmpty():
            empty += 1
            if not with_unplaced:
                continue
        several += geometry.isMultipart() and geometry.constGet().numGeometries() > 1
        x, y = math.nan, math.nan
        if not geometry.isEmpty():
            point = geometry.pointOnSurface().asPoint()
            x, y = point.x(), point.y()
        own = reader.read(dict(zip(names, map(to_python, feature.attributes()))))
        sites.append(Site(x, y, own))
    name = source.sourceName()
    if empty:
        message = (
            tr("{}: {} features have no point, but count.")
            if with_unplaced
            else tr("{}: {} features without a point are left out.")
        )
        progress.warning(message.format(name, empty))
    if several:
        message = tr("{}: {} features hold several points; each counts as one site. Separate them if they are several.")
        progress.warning(message.format(name, several))
    tell_columns(columns, name, progress)
    for warning in reader.warnings():
        progress.warning("{layer}: {warning}", layer=name, warning=warning)
    return tuple(sites)


def site_columns(source: QgsFeatureSource) -> Columns:
    """Where a layer holds the attributes of sites and the answers of the form."""
    present = [field.name() for field in source.fields()]
    return found_columns(present, [field.name for field in (*SITE_FIELDS, *FORM_FIELDS)])


def result_labels(
    algorithm: Algorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> dict[str, str]:
    """Results by the labels of the form of a layer of sites, of the project beside it, and of the user's language."""
    from ...core.survey import RESULTS, form_labels, labels_beside

    pairs = [(tr(title), value) for value, title in RESULTS.items()]
    pairs.append((tr(NOT_VISITED), ""))
    labels: dict[str, str] = {}
    layer = algorithm.parameterAsVectorLayer(parameters, name, context)
    if layer is not None:
        index = layer.fields().lookupField("result")
        widget = layer.editorWidgetSetup(index) if index >= 0 else None
        if widget is not None and widget.type() == "ValueMap":
            pairs += _value_map(widget.config().get("map"))
        if layer.providerType() == "ogr":
            labels = labels_beside(Path(layer.source().split("|")[0]).parent)
    return {**labels, **form_labels(pairs)}


def _value_map(entries: Any) -> list[tuple[str, str]]:
    """The labels and values of a value map, which older versions of QGIS keep as one map and later ones as a list."""
    maps = entries if isinstance(entries, list) else [entries]
    return [(str(label), str(value)) for one in maps if isinstance(one, dict) for label, value in one.items()]


def table_of(source: QgsFeatureSource, known: Mapping[str, Field]) -> tuple[Field, ...]:
    """The fields of a layer as a table, as described in ``known`` where their names are; simple types only."""
    kinds = {value: name for name, value in TYPES.items()}
    own_names = {column: name for name, column in site_columns(source).names.items()}
    table = []
    for field in source.fields():
        name = own_names.get(field.name(), field.name())
        if name in known:
            table.append(known[name])
        elif name.lower() not in ("fid", "ogc_fid"):
            table.append(Field(name, kinds.get(field.type(), "str"), "", field.comment()))
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
