"""What the Review step does on the map: goes to an area, shows its profile's line, lets outlines be redrawn."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.gui import QgisInterface, QgsMapCanvas, QgsMapMouseEvent, QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QKeyEvent

if TYPE_CHECKING:
    from ...core.evidence import Profile


_MARGIN = 2.5
_CLOSEST = 10_000.0
_LINE = QColor("#2a7fbf")
_DRAWN = QColor("#d1495b")
_LINES = QgsWkbTypes.GeometryType.LineGeometry
_POINTS = QgsWkbTypes.GeometryType.PointGeometry
_POLYGONS = QgsWkbTypes.GeometryType.PolygonGeometry


class OutlineTool(QgsMapTool):
    """Draws a polygon: left click adds a corner, Backspace takes it back, right click or Enter ends, Esc gives up.

    ``drawn`` tells the polygon in the map's CRS, None when it was given up; ``is_replaced`` is True where that is
    because another tool takes over.
    """

    drawn = pyqtSignal(object)

    def __init__(self, canvas: QgsMapCanvas) -> None:
        super().__init__(canvas)
        self._corners: list[QgsPointXY] = []
        self._band = _band(canvas, _POLYGONS, _DRAWN)
        self._is_over = False
        self.is_replaced = False
        self.setCursor(Qt.CursorShape.CrossCursor)

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        if event.button() == Qt.MouseButton.RightButton:
            self.end()
            return
        self._corners.append(event.mapPoint())
        self._show(event.mapPoint())

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:
        self._show(event.mapPoint())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.end()
        elif event.key() == Qt.Key.Key_Escape:
            self.give_up()
        elif event.key() in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete) and self._corners:
            self._corners.pop()
            self._show(None)
        event.accept()

    def give_up(self) -> None:
        """End without an outline."""
        self._tell(None)

    def deactivate(self) -> None:
        """Called by the canvas when another tool takes over."""
        self.is_replaced = True
        self._tell(None)
        super().deactivate()

    def _show(self, pointer: QgsPointXY | None) -> None:
        corners = self._corners if pointer is None else [*self._corners, pointer]
        self._band.setToGeometry(QgsGeometry.fromPolygonXY([corners]) if len(corners) > 1 else QgsGeometry(), None)

    def end(self) -> None:
        """Take the corners as the outline; fewer than three make none."""
        enough = len(self._corners) >= 3
        self._tell(QgsGeometry.fromPolygonXY([self._corners]) if enough else None)

    def _tell(self, outline: QgsGeometry | None) -> None:
        """Say how it ended, once."""
        self._band.reset(_POLYGONS)
        if not self._is_over:
            self._is_over = True
            self.drawn.emit(outline)


class ReviewMap(QObject):
    """The map of the Review step.

    ``outline_drawn`` tells a polygon in the CRS of the layer that it was drawn for; ``drawing_ended`` comes in any
    case.
    """

    outline_drawn = pyqtSignal(object)
    drawing_ended = pyqtSignal()

    def __init__(self, iface: QgisInterface, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._iface = iface
        self._profile: Profile | None = None
        self._line: QgsRubberBand | None = None
        self._point: QgsRubberBand | None = None
        self._tool: OutlineTool | None = None
        self._tool_before: QgsMapTool | None = None

    @property
    def canvas(self) -> QgsMapCanvas:
        """The map."""
        return self._iface.mapCanvas()

    def zoom_to(self, layer: QgsVectorLayer, feature: QgsFeature) -> None:
        """Show an area with ground around it, and let it flash."""
        if feature.geometry().isEmpty():
            return
        canvas = self.canvas
        box = canvas.mapSettings().layerExtentToOutputExtent(layer, feature.geometry().boundingBox())
        if not box.isFinite():
            return
        box.scale(_MARGIN)
        canvas.setExtent(box)
        if canvas.scale() < _CLOSEST:
            canvas.zoomScale(_CLOSEST)
        canvas.refresh()
        canvas.flashFeatureIds(layer, [feature.id()])

    def show_profile(self, profile: Profile | None) -> None:
        """Show where a profile runs; nothing for None."""
        self._profile = profile
        self.mark_sample(None)
        if profile is None:
            if self._line is not None:
                self._line.reset(_LINES)
            return
        if self._line is None:
            self._line = _band(self.canvas, _LINES, _LINE)
        points = self._on_map([QgsPointXY(*end) for end in profile.ends])
        self._line.setToGeometry(QgsGeometry.fromPolylineXY(points) if points else QgsGeometry(), None)

    def mark_sample(self, index: int | None) -> None:
        """Mark the place of one sample of the profile that is shown."""
        if self._point is not None:
            self._point.reset(_POINTS)
        if index is None or self._profile is None:
            return
        if self._point is None:
            self._point = _band(self.canvas, _POINTS, _LINE)
        (x, y), (last_x, last_y) = self._profile.ends
        share = self._profile.distance[index] / max(float(self._profile.distance[-1]), 1e-9)
        for point in self._on_map([QgsPointXY(x + share * (last_x - x), y + share * (last_y - y))]):
            self._point.addPoint(point)

    def clear(self) -> None:
        """Take everything off the map."""
        self._profile = None
        scene = self.canvas.scene()
        for band in (self._line, self._point):
            if band is not None and scene is not None:
                with contextlib.suppress(RuntimeError):
                    scene.removeItem(band)
        self._line = self._point = None

    # Redrawing

    def start_vertex_tool(self, layer: QgsVectorLayer) -> None:
        """Let QGIS's own vertex tool change the layer's outlines."""
        self._iface.setActiveLayer(layer)
        self._iface.actionVertexToolActiveLayer().trigger()

    def start_drawing(self, layer: QgsVectorLayer) -> None:
        """Let a polygon be drawn for a layer; the tool that was there before comes back."""
        self.stop_drawing()
        canvas = self.canvas
        self._tool_before = canvas.mapTool()
        self._tool = OutlineTool(canvas)
        transform = QgsCoordinateTransform(canvas.mapSettings().destinationCrs(), layer.crs(), QgsProject.instance())
        self._tool.drawn.connect(lambda outline: self._on_drawn(outline, transform))
        canvas.setMapTool(self._tool)
        canvas.setFocus()

    def stop_drawing(self) -> None:
        """Give up drawing."""
        if self._tool is not None:
            self._tool.give_up()

    def finish_drawing(self) -> None:
        """Take the corners that were clicked as the outline."""
        if self._tool is not None:
            self._tool.end()

    @property
    def is_drawing(self) -> bool:
        """True while a polygon is drawn."""
        return self._tool is not None

    def _on_drawn(self, outline: QgsGeometry | None, transform: QgsCoordinateTransform) -> None:
        tool, self._tool = self._tool, None
        if tool is None:
            return
        if self.canvas.mapTool() is tool and not tool.is_replaced:
            if self._tool_before is not None:
                self.canvas.setMapTool(self._tool_before)
            else:
                self.canvas.unsetMapTool(tool)
        self._tool_before = None
        tool.deleteLater()
        self.drawing_ended.emit()
        if outline is not None:
            with contextlib.suppress(QgsCsException):
                outline.transform(transform)
                self.outline_drawn.emit(outline)

    def _on_map(self, points: list[QgsPointXY]) -> list[QgsPointXY]:
        """Longitudes and latitudes in the map's CRS; none where that can't be."""
        degrees = QgsCoordinateReferenceSystem("EPSG:4326")
        transform = QgsCoordinateTransform(degrees, self.canvas.mapSettings().destinationCrs(), QgsProject.instance())
        with contextlib.suppress(QgsCsException):
            return [transform.transform(point) for point in points]
        return []


def _band(canvas: QgsMapCanvas, kind: Any, colour: QColor) -> QgsRubberBand:
    """A mark on the map that no theme swallows."""
    band = QgsRubberBand(canvas, kind)
    band.setColor(colour)
    band.setSecondaryStrokeColor(QColor(255, 255, 255, 180))
    band.setWidth(3)
    if kind == _POLYGONS:
        fill = QColor(colour)
        fill.setAlpha(50)
        band.setFillColor(fill)
    if kind == _POINTS:
        band.setIconSize(10)
        band.setIcon(QgsRubberBand.IconType.ICON_CIRCLE)
    return band
