"""Sites of a survey as styled features of a QGIS layer, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSource,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsMarkerSymbol,
    QgsPalLayerSettings,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingUtils,
    QgsRendererCategory,
    QgsSingleSymbolRenderer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QDate, QDateTime, QVariant
from qgis.PyQt.QtGui import QColor, QFont

from ..core.areas import Field
from ..core.progress import Progress
from ..core.survey.sites import CONFIRMED, FORM_FIELDS, NOT_ACCESSIBLE, NOT_CONFIRMED, SITE_FIELDS, Site
from .algorithm import FAST_INSERT, Algorithm, remove_results, tr

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

# Told apart with colour-vision deficiency, and by shape, too.
RESULT_STYLES = {
    CONFIRMED: ("#009e73", "circle", "Confirmed"),
    NOT_CONFIRMED: ("#d55e00", "square", "Not confirmed"),
    NOT_ACCESSIBLE: ("#8a8f98", "triangle", "Not accessible"),
    "": ("#2a7fbf", "circle", "To visit"),
}


def survey_fields(table: Iterable[Field]) -> QgsFields:
    """The QGIS fields of a table of sites or of the form; the unit and meaning become the field's comment."""
    fields = QgsFields()
    for entry in table:
        field = QgsField(entry.name, TYPES[entry.type])
        field.setComment(entry.description + (f" ({entry.unit})" if entry.unit else ""))
        fields.append(field)
    return fields


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
    fields = survey_fields(table)
    reference = QgsCoordinateReferenceSystem()
    reference.createFromUserInput(crs)
    sink, destination = algorithm.parameterAsSink(
        parameters, "SITES", context, fields, QgsWkbTypes.Type.Point, reference
    )
    if sink is None:
        raise QgsProcessingException(algorithm.invalidSinkError(parameters, "SITES"))
    for site in sites:
        feature = QgsFeature(fields)
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(site.x, site.y)))
        feature.setAttributes([_to_qgis(site.attributes.get(field.name())) for field in fields])
        if not sink.addFeature(feature, FAST_INSERT):
            message = algorithm.writeFeatureError(sink, parameters, "SITES")
            del sink
            # A table of a GeoPackage lies beside other ones.
            remove_results([] if "|" in destination else [destination])
            raise QgsProcessingException(message)
    sink.flushBuffer()
    del sink
    layer = QgsProcessingUtils.mapLayerFromString(destination, context)
    if layer is not None and layer.providerType() == "ogr":
        style_sites(layer)
        layer.saveNamedStyle(str(Path(layer.source().split("|")[0]).with_suffix(".qml")))
    algorithm._style_when_loaded(destination, "areas", style_sites, context)
    return destination


def read_sites(source: QgsFeatureSource) -> tuple[Site, ...]:
    """The points of a layer with all their attributes; features without a point are left out.

    Those of sites and of the form get their types where they can be understood, whatever format the layer came through.
    """
    from ..core.survey.copies import converted

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


def _to_qgis(value: Any) -> Any:
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
