"""Map sheets from layout templates: items are found by their ids and filled, then printed page by page."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Callable

from qgis.core import (
    QgsAbstractLayoutIterator,
    QgsBasicNumericFormat,
    QgsCoordinateReferenceSystem,
    QgsExpressionContextUtils,
    QgsLayoutExporter,
    QgsLayoutFrame,
    QgsLayoutItem,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemManualTable,
    QgsLayoutItemMap,
    QgsLayoutItemMapGrid,
    QgsLayoutItemPage,
    QgsLayoutItemScaleBar,
    QgsLegendRenderer,
    QgsLegendStyle,
    QgsMapLayer,
    QgsMapLayerLegendUtils,
    QgsPrintLayout,
    QgsProject,
    QgsRasterLayer,
    QgsReadWriteContext,
    QgsRectangle,
    QgsTableCell,
    QgsTextFormat,
    QgsUnitTypes,
)
from qgis.PyQt.QtCore import QRectF, QSizeF, Qt
from qgis.PyQt.QtGui import QColor, QFont
from qgis.PyQt.QtXml import QDomDocument

from ...core.errors import InputError, OutputError
from ...core.reports import round_down
from ..qgis_versions import font_of, set_font_size, text_as_text
from ..texts import tr
from .plan import grid_interval
from .typesetting import SMALLEST, cut, fitted, text_width

_GROUPED = r"regexp_replace(to_string(round(@grid_number)), '(\\d)(?=(\\d{3})+$)', '\\1 ')"
_METRES, _KILOMETRES = QgsUnitTypes.DistanceUnit.DistanceMeters, QgsUnitTypes.DistanceUnit.DistanceKilometers
BOX = "☐"
# The length of a scale bar: the number of its parts by its leading digit.
_BARS = {1: 4, 2: 4, 3: 3, 4: 4, 5: 5, 6: 3, 8: 4}
_BAR_SHARE = 0.6
# What its labels need beyond its ends (mm).
_BAR_LABELS = 12.0


class Page:
    """A layout read from a template. Items that a template does not have are remembered in ``missing``."""

    def __init__(self, template: Path, project: QgsProject) -> None:
        self.missing: set[str] = set()
        self.layout = QgsPrintLayout(project)
        document = QDomDocument()
        try:
            read = document.setContent(template.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(tr("The template {} can't be read ({}).").format(template, error)) from None
        items, loaded = self.layout.loadFromTemplate(document, QgsReadWriteContext()) if read else ([], False)
        if not loaded or not items:
            message = tr("{} is not a layout template. Save one in the layout window (Layout > Save as template).")
            raise InputError(message.format(template))

    def item(self, name: str, kind: type) -> Any:
        """The item of an id and kind; None, and remembered as missing, where the template has none."""
        found = self.layout.itemById(name)
        if isinstance(found, kind):
            return found
        self.missing.add(name)
        return None

    @property
    def map(self) -> QgsLayoutItemMap:
        """The map, ``map`` by its id or the largest one. InputError where the template has none."""
        named = self.layout.itemById("map")
        maps = [item for item in self.layout.items() if isinstance(item, QgsLayoutItemMap)]
        if isinstance(named, QgsLayoutItemMap):
            return named
        if not maps:
            raise InputError(tr("The template has no map. Add one and give it the item id “map”."))
        return max(maps, key=lambda item: item.rect().width() * item.rect().height())

    @property
    def map_size(self) -> tuple[float, float]:
        """Width and height of the map in millimetres."""
        size = self.map.rect()
        return size.width(), size.height()

    def text(self, name: str, text: str) -> None:
        """Write a label, smaller where it would not fit, and make the text known as the variable @ada_<name>."""
        QgsExpressionContextUtils.setLayoutVariable(self.layout, f"ada_{name}", text)
        label = self.item(name, QgsLayoutItemLabel)
        if label is None:
            return
        font, size = font_of(label)
        fit, chosen = fitted(text, font, size, label.rect().width() - 0.3, label.rect().height())
        # Brackets of a name must not be read as an expression.
        label.setText(fit.replace("[%", "[ %"))
        set_font_size(label, chosen)

    def holds(self, name: str, text: str) -> bool:
        """Whether a label has room for all of a text."""
        label = self.layout.itemById(name)
        if not isinstance(label, QgsLayoutItemLabel):
            return True
        font, size = font_of(label)
        fit, _ = fitted(text, font, size, label.rect().width() - 0.3, label.rect().height())
        return not fit.endswith("…") or text.endswith("…")

    def show(
        self,
        extent: QgsRectangle,
        crs: QgsCoordinateReferenceSystem,
        layers: Sequence[QgsMapLayer],
        grey: int | None = None,
    ) -> None:
        """Show ground (metres) in the map, with a coordinate grid.

        ``grey``: behind the layers; viewers of PDF leave hairlines between the tiles of a raster, which white would
        show.
        """
        item = self.map
        if grey is not None:
            item.setBackgroundColor(QColor(grey, grey, grey))
        item.setKeepLayerSet(True)
        item.setLayers(list(layers))
        item.setCrs(crs)
        item.zoomToExtent(extent)
        step = grid_interval(item.scale())
        for grid in item.grids().asList():
            grid.setCrs(QgsCoordinateReferenceSystem())
            grid.setIntervalX(step)
            grid.setIntervalY(step)
            grid.setAnnotationFormat(QgsLayoutItemMapGrid.AnnotationFormat.CustomFormat)
            grid.setAnnotationExpression(_GROUPED)
        item.updateBoundingRect()
        bar = self.item("scale_bar", QgsLayoutItemScaleBar)
        if bar is not None:
            _set_scale_bar(bar, item, self._free_beside(bar) - _BAR_LABELS)

    def legend(self, layers: Sequence[QgsMapLayer]) -> None:
        """The layers in the legend, single symbols without a heading."""
        legend = self.item("legend", QgsLayoutItemLegend)
        if legend is None:
            return
        legend.setAutoUpdateModel(False)
        legend.setLinkedMap(self.map)
        root = legend.model().rootGroup()
        root.removeAllChildren()
        for layer in layers:
            node = root.addLayer(layer)
            if isinstance(layer, QgsRasterLayer):
                # The first entry would be the name of the band.
                QgsMapLayerLegendUtils.setLegendNodeOrder(node, [1])
                width = min(52.0, 0.5 * legend.rect().width())
                QgsMapLayerLegendUtils.setLegendNodeSymbolSize(node, 1, QSizeF(width, 3.5))
                legend.model().refreshLayerLegend(node)
            else:
                QgsLegendRenderer.setNodeLegendStyle(node, QgsLegendStyle.Style.Hidden)
        if not legend.legendFilterByMapEnabled():
            legend.setLegendFilterByMapEnabled(True)

    def table(
        self,
        name: str,
        rows: Sequence[Sequence[str]],
        widths: Sequence[float],
        bold: str = "",
        pitch_limit: float = 5.5,
    ) -> None:
        """Fill a table. ``bold``: "row" (the first one), "column" (the first one) or "both".

        ``widths`` are shares of the frame's width; empty: as wide as the cells need.

        Rows are as high as the frame allows, up to ``pitch_limit`` mm; type becomes smaller, and text is cut, where it
        must.
        """
        frame = self.item(name, QgsLayoutFrame)
        table = frame.multiFrame() if frame is not None else None
        if not isinstance(table, QgsLayoutItemManualTable) or not rows:
            return
        style = table.contentTextFormat()
        padding = 2 * table.cellMargin()
        line = table.gridStrokeWidth() if table.showGrid() else 0.0
        room = frame.rect().height() - line - 0.2
        pitch = min(pitch_limit, room / len(rows))
        widths = widths or _natural_widths(rows, style.font())
        total = sum(widths)
        columns = [frame.rect().width() * width / total for width in widths]
        size = _table_size(rows, columns, padding + 0.2, style, pitch)
        style.setSize(size)
        table.setContentTextFormat(style)
        strong = QgsTextFormat(style)
        font = strong.font()
        font.setBold(True)
        strong.setFont(font)
        cells = []
        for index, row in enumerate(rows):
            line_of_cells = []
            for column, text in enumerate(row):
                is_bold = (bold in ("row", "both") and index == 0) or (bold in ("column", "both") and column == 0)
                chosen = strong if is_bold else style
                cell = QgsTableCell(cut(text, chosen.font(), size, columns[column] - padding - 0.2))
                cell.setTextFormat(chosen)
                cell.setVerticalAlignment(Qt.AlignmentFlag.AlignVCenter)
                line_of_cells.append(cell)
            cells.append(line_of_cells)
        table.setTableContents(cells)
        table.setColumnWidths([max(0.1, column - padding) for column in columns])
        table.setRowHeights([max(0.1, pitch - padding - line)] * len(rows))
        table.refresh()

    def rows_of(self, name: str, pitch: float) -> int:
        """How many rows of a height (mm) a table's frame holds; 0 where the template has no such table."""
        frame = self.layout.itemById(name)
        return int((frame.rect().height() - 0.2) / pitch) if isinstance(frame, QgsLayoutFrame) else 0

    def _free_beside(self, item: QgsLayoutItem) -> float:
        """Millimetres from the left of an item to what stands right of it, or to the edge of the map."""
        band = item.mapRectToScene(item.rect())
        end = self.map.pos().x() + self.map.rect().width()
        for other in self.layout.items():
            if isinstance(other, QgsLayoutItem) and not isinstance(other, QgsLayoutItemPage) and other != item:
                box = other.mapRectToScene(other.rect())
                if box.left() > band.left() and box.top() < band.bottom() and box.bottom() > band.top():
                    end = min(end, box.left())
        return float(end - band.left())

    def room_of(self, name: str) -> float:
        """The height of an item (mm); 0 where the template has no such item."""
        item = self.layout.itemById(name)
        return item.rect().height() if item is not None else 0.0

    def is_below_map(self, name: str) -> bool:
        """Whether an item begins below the map, or there is no map."""
        item = self.layout.itemById(name)
        maps = [other for other in self.layout.items() if isinstance(other, QgsLayoutItemMap)]
        return all(item.pos().y() >= other.pos().y() + other.rect().height() - 0.01 for other in maps)

    def grow_map(self, below: str, spare: float) -> None:
        """Make the map higher by what a table below it does not need; what lies between them moves down."""
        table, item = self.layout.itemById(below), self.map
        bottom = item.pos().y() + item.rect().height()
        if table is None or table.pos().y() < bottom or spare <= 0:
            return
        for other in self.layout.items():
            is_between = isinstance(other, QgsLayoutItem) and bottom <= other.pos().y() <= table.pos().y()
            if is_between and not isinstance(other, (QgsLayoutItemPage, QgsLayoutItemMap)):
                _resize(other, spare, -spare if isinstance(other, QgsLayoutFrame) else 0)
        _resize(item, 0, spare)

    def make_room(self, upper: str, lower: str, height: float) -> None:
        """Give an item a height at the cost of ``lower`` below it; what stands between them moves down."""
        item, last = self.layout.itemById(upper), self.layout.itemById(lower)
        if item is None or last is None:
            return
        more = height - item.rect().height()
        if not 0 < more < last.rect().height() - 8:
            return
        bottom = item.pos().y() + item.rect().height() - 0.1
        for other in self.layout.items():
            is_item = isinstance(other, QgsLayoutItem) and not isinstance(other, QgsLayoutItemPage)
            if is_item and bottom <= other.pos().y() < last.pos().y() and _share_column(other, last):
                _resize(other, more, 0)
        _resize(item, 0, more)
        _resize(last, more, -more)


def _share_column(first: QgsLayoutItem, second: QgsLayoutItem) -> bool:
    """Whether one stands above the other."""
    starts, ends = first.pos().x(), first.pos().x() + first.rect().width()
    return bool(starts < second.pos().x() + second.rect().width() and second.pos().x() < ends)


def _resize(item: QgsLayoutItem, down: float, taller: float) -> None:
    item.attemptSetSceneRect(
        QRectF(item.pos().x(), item.pos().y() + down, item.rect().width(), item.rect().height() + taller)
    )


def _natural_widths(rows: Sequence[Sequence[str]], font: QFont) -> list[float]:
    """What the cells need, the names in the first row left aside; 2 mm more for the space between."""
    bold = QFont(font)
    bold.setBold(True)
    columns = list(zip(*rows[1:])) or list(zip(*rows))
    return [
        max(text_width(text, bold if index == 0 else font, SMALLEST) for text in column) + 2
        for index, column in enumerate(columns)
    ]


def _table_size(
    rows: Sequence[Sequence[str]], columns: Sequence[float], padding: float, style: QgsTextFormat, pitch: float
) -> float:
    """The size (points) at which all cells fit, SMALLEST at least."""
    bold = QFont(style.font())
    bold.setBold(True)
    size = min(style.size(), (pitch - 0.4) / 0.3528 / 1.2)
    for row in rows:
        for text, width in zip(row, columns):
            needed = text_width(text, bold, 1.0)
            if needed:
                size = min(size, (width - padding) / needed)
    return float(max(SMALLEST, size))


def _set_scale_bar(bar: QgsLayoutItemScaleBar, item: QgsLayoutItemMap, room: float) -> None:
    """A round length, at most ``room`` mm and 60 % of the map's width, in three to five parts."""
    room = max(10.0, min(room, _BAR_SHARE * item.rect().width())) * item.scale() / 1000
    length = round_down(room, _BARS)
    parts = _BARS[int(f"{length:e}"[0])]
    unit, factor, label = (_KILOMETRES, 1000.0, "km") if length >= 2000 else (_METRES, 1.0, "m")
    bar.setLinkedMap(item)
    bar.setUnits(unit)
    bar.setUnitLabel(label)
    bar.setMapUnitsPerScaleBarUnit(1.0)
    bar.setNumberOfSegmentsLeft(0)
    bar.setNumberOfSegments(parts)
    bar.setUnitsPerSegment(length / factor / parts)
    plain = QgsBasicNumericFormat()
    plain.setShowThousandsSeparator(False)
    bar.setNumericFormat(plain)
    bar.update()


class Pages(QgsAbstractLayoutIterator):
    """Builds pages one after the other while QGIS prints them, so that only one is in memory.

    ``makers`` build a page each and are told when it is done with; ``on_page`` is called with the number of a page,
    from 0, and the page itself before it is printed. What goes wrong meanwhile is kept in ``error``.
    """

    def __init__(
        self,
        makers: Sequence[Callable[[], contextlib.AbstractContextManager[Page]]],
        on_page: Callable[[int, Page], None],
    ) -> None:
        super().__init__()
        self.error: Exception | None = None
        self._makers = makers
        self._on_page = on_page
        self._number = -1
        self._stack = contextlib.ExitStack()
        self._page: Page | None = None

    def count(self) -> int:
        return len(self._makers)

    def layout(self) -> QgsPrintLayout | None:
        return None if self._page is None else self._page.layout

    def beginRender(self) -> bool:
        return True

    def endRender(self) -> bool:
        self._stack.close()
        return True

    def filePath(self, base: str, extension: str) -> str:
        return f"{base}.{extension}"

    def next(self) -> bool:
        # An exception can't pass through QGIS' C++ code.
        try:
            self._stack.close()
            self._number += 1
            if self._number >= len(self._makers):
                return False
            self._page = self._stack.enter_context(self._makers[self._number]())
            self._on_page(self._number, self._page)
        except Exception as error:
            self.error = error
            return False
        return True

    def __iter__(self) -> Iterator[Page]:
        """The pages, for those who print nothing."""
        try:
            while self.next() and self._page is not None:
                yield self._page
        finally:
            self.endRender()


def print_pdf(pages: Pages, path: Path, dpi: float) -> None:
    """Print all pages into one file. Raises what the pages raised, or OutputError; then the file is not complete."""
    settings = QgsLayoutExporter.PdfExportSettings()
    settings.dpi = dpi
    settings.appendGeoreference = False
    settings.exportMetadata = True
    settings.textRenderFormat = text_as_text()
    try:
        result, message = QgsLayoutExporter.exportToPdf(pages, str(path), settings)
    finally:
        # QGIS leaves it out where the file can't be opened.
        pages.endRender()
    if pages.error is not None:
        raise pages.error
    if result != QgsLayoutExporter.ExportResult.Success:
        raise OutputError(tr("The sheets can't be written to {} ({}). Check the folder and the free space.").format(
            path.parent, message or int(result)))  # fmt: skip


def print_picture(page: Page, path: Path, dpi: float) -> None:
    """Draw the first sheet of paper of a page as a PNG. Raises OutputError."""
    from ...core.gdal_errors import quiet_gdal

    settings = QgsLayoutExporter.ImageExportSettings()
    settings.dpi = dpi
    settings.pages = [0]
    settings.generateWorldFile = False
    with quiet_gdal():  # QGIS tries to georeference pictures, which GDAL refuses for PNG
        result = QgsLayoutExporter(page.layout).exportToImage(str(path), settings)
    if result == QgsLayoutExporter.ExportResult.MemoryError:
        raise OutputError(tr("A picture of {} dpi is too large for the memory. Choose fewer dpi.").format(f"{dpi:g}"))
    if result != QgsLayoutExporter.ExportResult.Success:
        raise OutputError(tr("The picture {} can't be written. Check the folder and the free space.").format(path))
