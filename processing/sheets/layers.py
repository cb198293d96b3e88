"""The layers of printed maps: copies in a project of their own, drawn so that they read on paper and in grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsColorRampLegendNodeSettings,
    QgsColorRampShader,
    QgsContrastEnhancement,
    QgsFeature,
    QgsFillSymbol,
    QgsGeometry,
    QgsLineSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsPalLayerSettings,
    QgsProject,
    QgsRasterLayer,
    QgsRendererCategory,
    QgsSimpleLineSymbolLayer,
    QgsSingleSymbolRenderer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor, QFont

from ...core.terrain import ELEVATION, INDEX_EVERY, Relief
from ..layer_sources import MapTransformation
from ..qgis_versions import labels_on_lines, let_labels_overlap
from ..styles import ORBIT_COLOURS, style_raster
from ..texts import tr
from .plan import WGS84, SheetPlan, SitePlan
from .text import short_name

FAMILY = "Arial"
# Dashes tell the orbits apart where the sheet is copied in grey.
_DASHES = {"descending": "3;1.2", "both": "5;1;1;1"}
_CONTOUR = "107,74,43"
_INK = "#1a1a1a"


@dataclass
class MapLayers:
    """What all sheets share: areas, and rate, roads and base layers where given, as copies in ``project``."""

    project: QgsProject
    areas: QgsVectorLayer
    rate: QgsRasterLayer | None = None
    roads: QgsVectorLayer | None = None
    base: list[QgsMapLayer] = field(default_factory=list)

    def adopt(self) -> None:
        """Hand the layers to the project, which then owns them."""
        shared = [self.areas, self.rate, self.roads, *self.base]
        self.project.addMapLayers([layer for layer in shared if layer is not None], False)


@dataclass
class SheetLayers:
    """The layers of one map from top to bottom, and those of its legend; ``own`` go with the sheet."""

    drawn: list[QgsMapLayer]
    legend: list[QgsMapLayer]
    own: list[QgsMapLayer]


def sheet_layers(shared: MapLayers, sites: Sequence[SitePlan], plan: SheetPlan, relief: Relief | None) -> SheetLayers:
    """The map of one sheet."""
    points = site_layer(sites)
    own: list[QgsMapLayer] = [points]
    lines: list[QgsMapLayer] = []
    shades: list[QgsMapLayer] = []
    if relief is not None:
        shades.append(_hillshade(relief))
        if relief.contours is not None:
            lines.append(_contours(relief))
    own += [*lines, *shades]
    shared.project.addMapLayers(own, False)
    rate = [] if shared.rate is None else [shared.rate]
    roads = [] if shared.roads is None else [shared.roads]
    drawn = [points, shared.areas, *roads, *lines, *rate, *shades, *shared.base]
    seen = [] if shared.roads is None or not _has_features(shared.roads, plan) else roads
    legend = [points, shared.areas, *seen, *lines, *rate]
    return SheetLayers(drawn, legend, own)


def overview_layers(shared: MapLayers, sheets: Sequence[SheetPlan], relief: Relief | None) -> SheetLayers:
    """The map of all sheets."""
    points = site_layer([site for sheet in sheets for site in sheet.sites], size=2.0)
    frames = _frames(sheets)
    areas = shared.areas.clone()
    style_printed_areas(areas, 0.35, is_short=True)
    own: list[QgsMapLayer] = [points, frames, areas]
    shades = [] if relief is None else [_hillshade(relief)]
    own += shades
    shared.project.addMapLayers(own, False)
    roads = [] if shared.roads is None else [shared.roads]
    drawn = [points, frames, areas, *roads, *shades, *shared.base]
    return SheetLayers(drawn, [points, frames, areas, *roads], own)


def _has_features(layer: QgsVectorLayer, plan: SheetPlan) -> bool:
    to_layer = MapTransformation(plan.crs, layer.crs(), tr("Sheet {}").format(plan.number))
    return next(layer.getFeatures(to_layer.box(plan.extent)), None) is not None


def style_printed_areas(layer: QgsVectorLayer, width: float = 0.65, is_short: bool = False) -> None:
    """Outlines by orbit in the colours of the other maps, with a white casing and a dash of their own.

    ``width`` in millimetres; ``is_short``: with short names in the legend.
    """
    name = "seen_from" if layer.fields().indexOf("seen_from") >= 0 else "orbit"
    labels = {
        "ascending": tr("Area, ascending orbit"),
        "descending": tr("Area, descending orbit"),
        "both": tr("Area, both orbits"),
        "unknown": tr("Active deformation area"),
    }
    if is_short:
        labels = {
            "ascending": tr("Ascending orbit"),
            "descending": tr("Descending orbit"),
            "both": tr("Both orbits"),
            "unknown": tr("Area"),
        }
    present = layer.uniqueValues(layer.fields().indexOf(name))
    known = [value for value in ORBIT_COLOURS if value in present]
    categories = [QgsRendererCategory(value, _outline(value, width), labels[value]) for value in known]
    if not known or any(value not in ORBIT_COLOURS for value in present):
        # A category with an empty value takes all others.
        categories.append(QgsRendererCategory(None, _outline("unknown", width), labels["unknown"]))
    layer.setRenderer(QgsCategorizedSymbolRenderer(name, categories))


def _outline(orbit: str, width: float) -> QgsFillSymbol:
    symbol = QgsFillSymbol.createSimple({"style": "no", "outline_color": "#ffffff", "outline_width": str(2 * width)})
    line = QgsSimpleLineSymbolLayer(QColor(ORBIT_COLOURS[orbit]), width)
    if orbit in _DASHES:
        line.setUseCustomDashPattern(True)
        line.setCustomDashVector([float(part) for part in _DASHES[orbit].split(";")])
        line.setCustomDashPatternUnit(QgsUnitTypes.RenderUnit.RenderMillimeters)
    symbol.appendSymbolLayer(line)
    return symbol


def style_printed_rate(layer: QgsRasterLayer, title: str) -> None:
    """The colours of a rate with ground that does not move left clear, and its legend lying down."""
    style_raster(layer, "los_rate")
    renderer = layer.renderer()
    function = renderer.shader().rasterShaderFunction()
    limit = function.maximumValue()
    items = function.colorRampItemList()
    for item in items:
        colour = QColor(item.color)
        colour.setAlpha(round(215 * min(1.0, (abs(item.value) / limit) ** 0.6)))
        item.color = colour
    function.setColorRampItemList(items)
    settings = QgsColorRampLegendNodeSettings(function.legendSettings())
    settings.setOrientation(Qt.Orientation.Horizontal)
    settings.setUseContinuousLegend(True)
    settings.setMinimumLabel(f"≤ −{limit:g}")
    settings.setMaximumLabel(f"≥ {limit:g}")
    style = text_format(6.5)
    settings.setTextFormat(style)
    function.setLegendSettings(settings)
    function.setColorRampType(QgsColorRampShader.Type.Interpolated)
    resampler = layer.resampleFilter()
    if resampler is not None:
        from qgis.core import QgsBilinearRasterResampler

        resampler.setZoomedInResampler(QgsBilinearRasterResampler())
    layer.setName(title)


def style_roads(layer: QgsVectorLayer) -> None:
    """Roads as on topographic maps: white with dark edges."""
    symbol = QgsLineSymbol.createSimple({"line_color": "#3a3a3a", "line_width": "0.75", "capstyle": "round"})
    inner = QgsSimpleLineSymbolLayer(QColor("#ffffff"), 0.45)
    symbol.appendSymbolLayer(inner)
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    layer.setLabelsEnabled(False)
    layer.setName(tr("Road"))


def site_layer(sites: Sequence[SitePlan], size: float = 3.6) -> QgsVectorLayer:
    """The sites as points with their names."""
    layer = QgsVectorLayer("Point?crs=EPSG:4326&field=name:string", tr("Site"), "memory")
    features = []
    for site in sites:
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromWkt(f"POINT({site.longitude!r} {site.latitude!r})"))
        feature.setAttributes([short_name(site.name)])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    layer.updateExtents()
    symbol = QgsMarkerSymbol.createSimple(
        {"name": "circle", "color": "255,255,255,0", "outline_color": "#ffffff", "outline_width": "1.1", "size": size}
    )
    for name, diameter, fill, width in (("circle", size, "255,255,255,0", 0.5), ("circle", 0.35 * size, _INK, 0.3)):
        ring = QgsMarkerSymbol.createSimple(
            {"name": name, "color": fill, "outline_color": _INK, "outline_width": width, "size": diameter}
        )
        symbol.appendSymbolLayer(ring.takeSymbolLayer(0))
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    labels = _labels("name", text_format(9 if size > 3 else 7, bold=True, halo=0.9))
    labels.placement = QgsPalLayerSettings.Placement.OrderedPositionsAroundPoint
    labels.dist = 0.6 + size / 2
    labels.displayAll = True
    labels.priority = 10
    let_labels_overlap(labels)
    layer.setLabeling(QgsVectorLayerSimpleLabeling(labels))
    layer.setLabelsEnabled(True)
    return layer


def _frames(sheets: Sequence[SheetPlan]) -> QgsVectorLayer:
    """The outlines of the sheets with their numbers."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=number:string", tr("Sheet"), "memory")
    features = []
    for sheet in sheets:
        outline = QgsGeometry.fromRect(sheet.extent)
        outline = outline.densifyByCount(8)
        MapTransformation(sheet.crs, WGS84, tr("Sheet {}").format(sheet.number)).apply(outline)
        feature = QgsFeature(layer.fields())
        feature.setGeometry(outline)
        feature.setAttributes([str(sheet.number)])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    layer.updateExtents()
    symbol = QgsFillSymbol.createSimple(
        {"style": "no", "outline_color": "#1f3a5f", "outline_width": "0.35", "joinstyle": "miter"}
    )
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    if any(len(sheet.sites) > 1 or sheet.name.lstrip("S0") != str(sheet.number) for sheet in sheets):
        labels = _labels("number", text_format(7, colour="#1f3a5f", halo=0.8))
        # Above the upper left corner.
        labels.geometryGeneratorEnabled = True
        labels.geometryGenerator = "make_point(x_min($geometry), y_max($geometry))"
        labels.geometryGeneratorType = QgsWkbTypes.GeometryType.PointGeometry
        labels.placement = QgsPalLayerSettings.Placement.OverPoint
        labels.quadOffset = QgsPalLayerSettings.QuadrantPosition.QuadrantAboveRight
        labels.displayAll = True
        layer.setLabeling(QgsVectorLayerSimpleLabeling(labels))
        layer.setLabelsEnabled(True)
    return layer


def _hillshade(relief: Relief) -> QgsRasterLayer:
    layer = QgsRasterLayer(str(relief.hillshade), tr("Hillshade"))
    # The same grey on all sheets: its values are made for print.
    layer.setContrastEnhancement(QgsContrastEnhancement.ContrastEnhancementAlgorithm.NoEnhancement)
    return layer


def _contours(relief: Relief) -> QgsVectorLayer:
    """Contour lines, every fifth thicker and with its elevation."""
    layer = QgsVectorLayer(str(relief.contours), tr("Contour lines"), "ogr")
    step = INDEX_EVERY * relief.interval
    is_index = f'round("{ELEVATION}" / {relief.interval:g}) % {INDEX_EVERY} = 0'
    categories = []
    for value, width, alpha, label in (
        (0, 0.13, 176, tr("Contour line, every {} m").format(f"{relief.interval:g}")),
        (1, 0.3, 216, tr("Index contour, every {} m").format(f"{step:g}")),
    ):
        symbol = QgsLineSymbol.createSimple({"line_color": f"{_CONTOUR},{alpha}", "line_width": str(width)})
        categories.append(QgsRendererCategory(value, symbol, label))
    layer.setRenderer(QgsCategorizedSymbolRenderer(f"CASE WHEN {is_index} THEN 1 ELSE 0 END", categories))
    labels = _labels(
        f'CASE WHEN {is_index} THEN to_string(round("{ELEVATION}")) END',
        text_format(6.5, colour="#4a2f17", halo=0.6),
    )
    labels.isExpression = True
    labels.placement = QgsPalLayerSettings.Placement.Line
    line = labels.lineSettings()
    line.setPlacementFlags(labels_on_lines())
    labels.setLineSettings(line)
    labels.priority = 2
    layer.setLabeling(QgsVectorLayerSimpleLabeling(labels))
    layer.setLabelsEnabled(True)
    return layer


def _labels(field_name: str, style: QgsTextFormat) -> QgsPalLayerSettings:
    settings = QgsPalLayerSettings()
    settings.fieldName = field_name
    settings.setFormat(style)
    return settings


def text_format(size: float, bold: bool = False, colour: str = _INK, halo: float = 0.0) -> QgsTextFormat:
    """Text of a size in points, with a white halo of a width in millimetres."""
    font = QFont(FAMILY)
    font.setBold(bold)
    style = QgsTextFormat()
    style.setFont(font)
    style.setSize(size)
    style.setSizeUnit(QgsUnitTypes.RenderUnit.RenderPoints)
    style.setColor(QColor(colour))
    if halo:
        buffer = QgsTextBufferSettings()
        buffer.setEnabled(True)
        buffer.setSize(halo)
        buffer.setSizeUnit(QgsUnitTypes.RenderUnit.RenderMillimeters)
        buffer.setColor(QColor("#ffffff"))
        style.setBuffer(buffer)
    return style
