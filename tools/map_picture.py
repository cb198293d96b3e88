"""Draws a result as a map: a QGIS project with the layers, and a picture with legend, scale bar and north arrow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsFillSymbol,
    QgsLayerTreeLayer,
    QgsLayoutExporter,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsLayoutItemPicture,
    QgsLayoutItemScaleBar,
    QgsLayoutPoint,
    QgsLayoutSize,
    QgsMapLayer,
    QgsMapLayerLegendUtils,
    QgsPrintLayout,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsReferencedRectangle,
    QgsSingleSymbolRenderer,
    QgsUnitTypes,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QRectF, QSizeF, Qt
from qgis.PyQt.QtGui import QColor, QFont, QPainter

from ada_mapper.core.gdal_errors import quiet_gdal
from ada_mapper.processing import styles

MM = QgsUnitTypes.LayoutUnit.LayoutMillimeters
MAP = QRectF(8, 20, 182, 182)
COLUMN = 196.0


@dataclass(frozen=True)
class MapInput:
    """The files of one result, and what the map says about them."""

    title: str
    note: str
    dem: Path
    hillshade: Path
    los_rate: Path
    slope: Path
    probability: Path
    phase_rate: Path
    areas: Path
    true_areas: Path | None = None


def draw(source: MapInput, project_path: Path, picture_path: Path) -> None:
    """Write the QGIS project and the picture."""
    application = QgsApplication.instance() or QgsApplication([], True)
    application.initQgis()
    project = QgsProject.instance()
    project.clear()
    shown = _layers(source)
    project.setCrs(shown[0].crs())
    root = project.layerTreeRoot()
    for layer in shown:
        project.addMapLayer(layer, False)
        root.addLayer(layer)
    for layer in shown[3:-1]:
        root.findLayer(layer.id()).setItemVisibilityChecked(False)
    project.setTitle(source.title)
    project.viewSettings().setDefaultViewExtent(QgsReferencedRectangle(shown[2].extent(), shown[2].crs()))
    visible = [shown[0], shown[1], shown[2], shown[-1]]
    layout = _layout(project, source, visible)
    project.layoutManager().addLayout(layout)
    settings = QgsLayoutExporter.ImageExportSettings()
    settings.dpi = 150
    with quiet_gdal():  # QGIS tries to georeference the picture, which GDAL refuses for PNG
        QgsLayoutExporter(layout).exportToImage(str(picture_path), settings)
    project.write(str(project_path))


def _layers(source: MapInput) -> list[QgsMapLayer]:
    """Areas, true areas, LOS rate, the other rasters, hillshade: from top to bottom."""
    areas = QgsVectorLayer(str(source.areas), "Active deformation areas")
    styles.style_areas(areas)
    if source.true_areas is None:
        truth = QgsVectorLayer("Polygon?crs=" + areas.crs().authid(), "True areas", "memory")
    else:
        truth = QgsVectorLayer(f"{source.true_areas}|layername=true_areas", "True areas (simulated)")
    outline = {"style": "no", "outline_color": "#000000", "outline_style": "dot", "outline_width": "0.3"}
    truth.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(outline)))
    rasters = []
    for name, kind in (
        ("LOS rate (positive: toward the satellite)", "los_rate"),
        ("Phase rate", "phase_rate"),
        ("Probability", "probability"),
        ("Slope", "slope"),
    ):
        layer = QgsRasterLayer(str(getattr(source, kind)), name)
        styles.style_raster(layer, kind)
        rasters.append(layer)
    rasters[0].setBlendMode(QPainter.CompositionMode.CompositionMode_Multiply)
    gdal.DEMProcessing(
        str(source.hillshade), str(source.dem), "hillshade", zFactor=0.7, multiDirectional=True, computeEdges=True
    )
    hillshade = QgsRasterLayer(str(source.hillshade), "Hillshade")
    hillshade.setOpacity(0.55)
    return [areas, truth, *rasters, hillshade]


def _layout(project: QgsProject, source: MapInput, shown: Sequence[QgsMapLayer]) -> QgsPrintLayout:
    layout = QgsPrintLayout(project)
    layout.initializeDefaults()
    layout.setName("Map")
    map_item = QgsLayoutItemMap(layout)
    map_item.attemptSetSceneRect(MAP)
    map_item.setLayers(list(shown))
    map_item.zoomToExtent(QgsRectangle(shown[2].extent()))
    map_item.setFrameEnabled(True)
    layout.addLayoutItem(map_item)
    _label(layout, source.title, (8, 6, 280, 12), 18, bold=True)
    legend = _legend(layout, map_item, shown)
    layout.addLayoutItem(legend)
    legend.attemptMove(QgsLayoutPoint(COLUMN, 20, MM))
    north = QgsLayoutItemPicture(layout)
    north.setPicturePath(":/images/north_arrows/layout_default_north_arrow.svg")
    north.attemptSetSceneRect(QRectF(COLUMN + 2, 158, 12, 14))
    layout.addLayoutItem(north)
    _scale_bar(layout, map_item)
    _label(layout, source.note, (COLUMN + 2, 188, 92, 20), 8)
    return layout


def _label(
    layout: QgsPrintLayout, text: str, place: tuple[float, float, float, float], points: int, bold: bool = False
) -> None:
    label = QgsLayoutItemLabel(layout)
    label.setText(text)
    font = QFont("DejaVu Sans", points)
    font.setBold(bold)
    label.setFont(font)
    label.setVAlign(Qt.AlignmentFlag.AlignTop)
    label.attemptSetSceneRect(QRectF(*place))
    layout.addLayoutItem(label)


def _legend(layout: QgsPrintLayout, map_item: QgsLayoutItemMap, shown: Sequence[QgsMapLayer]) -> QgsLayoutItemLegend:
    legend = QgsLayoutItemLegend(layout)
    legend.setLinkedMap(map_item)
    legend.setAutoUpdateModel(False)
    group = legend.model().rootGroup()
    group.clear()
    for layer in shown[:3]:
        node = group.addLayer(layer)
        _without_band_title(node)
        legend.model().refreshLayerLegend(node)
    legend.setBackgroundColor(QColor("white"))
    legend.setResizeToContents(True)
    return legend


def _without_band_title(node: QgsLayerTreeLayer) -> None:
    """Leave out the line that names the band of a raster, and make its colour ramp large enough to read."""
    if isinstance(node.layer(), QgsRasterLayer):
        QgsMapLayerLegendUtils.setLegendNodeOrder(node, [1])
        QgsMapLayerLegendUtils.setLegendNodeSymbolSize(node, 1, QSizeF(7, 45))


def _scale_bar(layout: QgsPrintLayout, map_item: QgsLayoutItemMap) -> None:
    bar = QgsLayoutItemScaleBar(layout)
    bar.setLinkedMap(map_item)
    bar.setStyle("Single Box")
    kilometres = QgsUnitTypes.DistanceUnit.DistanceKilometers
    bar.setUnits(kilometres)
    bar.setUnitLabel("km")
    bar.setNumberOfSegments(2)
    bar.setNumberOfSegmentsLeft(0)
    extent = map_item.extent()
    bar.setUnitsPerSegment(max(1.0, round(extent.width() / 1000 / 8)))
    layout.addLayoutItem(bar)
    bar.attemptMove(QgsLayoutPoint(COLUMN + 2, 174, MM))
    bar.attemptResize(QgsLayoutSize(70, 10, MM))
