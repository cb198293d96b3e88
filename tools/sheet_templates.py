"""Writes the layout templates of the survey maps (resources/layouts/*.qpt): python tools/sheet_templates.py.

Their items are found by id; what each id stands for is in docs/guide.md. A cartographer starts from a copy of them.
"""

from __future__ import annotations

import base64
import os
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsLayoutFrame,
    QgsLayoutItem,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemManualTable,
    QgsLayoutItemMap,
    QgsLayoutItemMapGrid,
    QgsLayoutItemPicture,
    QgsLayoutItemScaleBar,
    QgsLayoutItemShape,
    QgsLayoutMeasurement,
    QgsLayoutSize,
    QgsLegendStyle,
    QgsLineSymbol,
    QgsPrintLayout,
    QgsProject,
    QgsReadWriteContext,
    QgsRectangle,
    QgsTextFormat,
    QgsUnitTypes,
)
from qgis.PyQt.QtCore import QRectF, Qt
from qgis.PyQt.QtGui import QColor, QFont

LAYOUTS = Path(__file__).resolve().parent.parent / "resources" / "layouts"
FAMILY = "Arial"
INK, GREY, HAIRLINE = "#1a1a1a", "#4d4d4d", "#9a9a9a"
NORTH_ARROW = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="160" viewBox="0 0 120 160">'
    '<path d="M60 44 L92 152 L60 130 Z" fill="#1a1a1a" stroke="#1a1a1a" stroke-width="3" stroke-linejoin="round"/>'
    '<path d="M60 44 L28 152 L60 130 Z" fill="#ffffff" stroke="#1a1a1a" stroke-width="3" stroke-linejoin="round"/>'
    '<path d="M46 34 L46 4 L74 34 L74 4" fill="none" stroke="#1a1a1a" stroke-width="7"/></svg>'
)
LEFT, RIGHT, MIDDLE = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignVCenter
TOP = Qt.AlignmentFlag.AlignTop
MILLIMETRES = QgsUnitTypes.LayoutUnit.LayoutMillimeters


@dataclass(frozen=True)
class Paper:
    """Sizes in millimetres, type in points."""

    width: float
    height: float
    body: float
    margin: float = 10.0

    @property
    def is_landscape(self) -> bool:
        return self.width > self.height


PAPERS = {
    "a4_portrait": Paper(210, 297, 7.5),
    "a4_landscape": Paper(297, 210, 7.5),
    "a3_portrait": Paper(297, 420, 8.5),
    "a3_landscape": Paper(420, 297, 8.5),
}


@dataclass(frozen=True)
class Box:
    """A rectangle on the page: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.y + self.height


class Template:
    """A layout that is filled item by item."""

    def __init__(self, paper: Paper) -> None:
        self.project = QgsProject()
        self.paper = paper
        self.layout = QgsPrintLayout(self.project)
        self.layout.initializeDefaults()
        self.layout.pageCollection().page(0).setPageSize(QgsLayoutSize(paper.width, paper.height, MILLIMETRES))

    def text(
        self, name: str, box: Box, size: float, bold: bool = False, align: Qt.AlignmentFlag = LEFT,
        colour: str = INK, vertical: Qt.AlignmentFlag = TOP,
    ) -> None:  # fmt: skip
        """An empty label: the tool writes its text, smaller where it would not fit."""
        label = QgsLayoutItemLabel(self.layout)
        if hasattr(label, "setTextFormat"):
            label.setTextFormat(text_format(size, bold, colour))
        else:
            label.setFont(text_format(size, bold, colour).font())
            label.setFontColor(QColor(colour))
        label.setHAlign(align)
        label.setVAlign(vertical)
        label.setMarginX(0)
        label.setMarginY(0)
        self._place(label, name, box)

    def heading(self, name: str, box: Box) -> None:
        """A heading with a line above it."""
        self.line(box.x, box.y, box.width, 0.35)
        self.text(name, Box(box.x, box.y + 0.8, box.width, 4.2), self.paper.body, bold=True, vertical=MIDDLE)

    def line(self, x: float, y: float, width: float, thickness: float, name: str = "") -> None:
        """A filled bar, which prints like a line."""
        shape = QgsLayoutItemShape(self.layout)
        shape.setShapeType(QgsLayoutItemShape.Shape.Rectangle)
        symbol = shape.symbol().clone()
        symbol.symbolLayer(0).setStrokeStyle(Qt.PenStyle.NoPen)
        symbol.setColor(QColor(INK))
        shape.setSymbol(symbol)
        self._place(shape, name, Box(x, y, width, thickness))

    def map(self, box: Box) -> None:
        """The map with its grid; the tool sets layers, extent and the grid's interval."""
        item = QgsLayoutItemMap(self.layout)
        self._place(item, "map", box)
        # Without ground a map loses its size when it is read.
        item.setExtent(QgsRectangle(0, 0, 10 * box.width, 10 * box.height))
        item.setCrs(QgsCoordinateReferenceSystem("EPSG:32632"))
        self._place(item, "map", box)
        item.setFrameEnabled(True)
        item.setFrameStrokeWidth(QgsLayoutMeasurement(0.35, MILLIMETRES))
        item.setFrameStrokeColor(QColor(INK))
        grid = QgsLayoutItemMapGrid("utm", item)
        grid.setEnabled(True)
        grid.setIntervalX(1000)
        grid.setIntervalY(1000)
        grid.setStyle(QgsLayoutItemMapGrid.GridStyle.Solid)
        grid.setLineSymbol(QgsLineSymbol.createSimple({"line_color": "26,26,26,120", "line_width": "0.12"}))
        grid.setFrameStyle(QgsLayoutItemMapGrid.FrameStyle.ExteriorTicks)
        grid.setFrameWidth(1.2)
        grid.setFramePenSize(0.2)
        grid.setAnnotationEnabled(True)
        grid.setAnnotationFrameDistance(0.6)
        style = text_format(6.5, colour=INK)
        if hasattr(grid, "setAnnotationTextFormat"):
            grid.setAnnotationTextFormat(style)
        else:
            grid.setAnnotationFont(style.font())
        sides = QgsLayoutItemMapGrid.BorderSide
        directions = QgsLayoutItemMapGrid.AnnotationDirection
        for side, direction in (
            (sides.Left, directions.Vertical), (sides.Right, directions.Vertical),
            (sides.Top, directions.Horizontal), (sides.Bottom, directions.Horizontal),
        ):  # fmt: skip
            grid.setAnnotationDirection(direction, side)
        item.grids().addGrid(grid)

    def scale_bar(self, box: Box) -> None:
        item = QgsLayoutItemScaleBar(self.layout)
        item.setStyle("Single Box")
        item.setHeight(1.8)
        item.setLabelBarSpace(1.0)
        item.setBoxContentSpace(0.5)
        item.setTextFormat(text_format(6.5))
        self._place(item, "scale_bar", box)

    def north_arrow(self, box: Box) -> None:
        item = QgsLayoutItemPicture(self.layout)
        item.setPicturePath("base64:" + base64.b64encode(NORTH_ARROW.encode()).decode())
        item.setMode(QgsLayoutItemPicture.Format.FormatSVG)
        self._place(item, "north_arrow", box)

    def legend(self, box: Box, columns: int, is_tight: bool = False) -> None:
        """The legend: entries come from the map's layers."""
        legend = QgsLayoutItemLegend(self.layout)
        legend.setColumnCount(columns)
        legend.setSplitLayer(is_tight)
        legend.setBoxSpace(0)
        legend.setColumnSpace(2.5)
        legend.setSymbolWidth(4.5 if is_tight else 6)
        legend.setSymbolHeight(2.4 if is_tight else 3.2)
        legend.setResizeToContents(False)
        legend.setAutoUpdateModel(False)
        legend.setBackgroundEnabled(False)
        legend.setWrapString("\n")
        parts = QgsLegendStyle.Style
        gap = 0.8 if is_tight else 1.1
        for part in (parts.Title, parts.Group, parts.Subgroup, parts.SymbolLabel):
            style = legend.style(part)
            if hasattr(style, "setTextFormat"):
                style.setTextFormat(text_format(6.8))
            else:
                style.setFont(text_format(6.8).font())
            style.setAlignment(LEFT)
            style.setMargin(gap if part == parts.SymbolLabel else 0.6)
            legend.setStyle(part, style)
        symbol = legend.style(parts.Symbol)
        symbol.setMargin(QgsLegendStyle.Side.Top, gap)
        legend.setStyle(parts.Symbol, symbol)
        self._place(legend, "legend", box)

    def table(self, name: str, box: Box, size: float, lines: bool = True) -> None:
        """A table; the tool sets its cells, widths and row heights."""
        table = QgsLayoutItemManualTable.create(self.layout)
        table.setContentTextFormat(text_format(size))
        table.setHeaderTextFormat(text_format(size, bold=True))
        table.setCellMargin(0.6)
        table.setShowGrid(lines)
        table.setHorizontalGrid(True)
        table.setVerticalGrid(False)
        table.setGridStrokeWidth(0.12)
        table.setGridColor(QColor(HAIRLINE))
        table.setBackgroundColor(QColor(255, 255, 255, 0))
        self.layout.addMultiFrame(table)
        frame = QgsLayoutFrame(self.layout, table)
        frame.attemptSetSceneRect(QRectF(box.x, box.y, box.width, box.height))
        frame.setId(name)
        frame.setBackgroundEnabled(False)
        table.addFrame(frame)

    def furniture(self, strip: Box, bar: float) -> None:
        """Scale, scale bar, coordinate system and north arrow in the strip below the map."""
        self.text("scale", Box(strip.x, strip.y, 27, 6), self.paper.body + 2.5, bold=True)
        self.scale_bar(Box(strip.x + 28, strip.y - 0.5, bar, 9))
        self.text("crs", Box(strip.x, strip.y + 9, bar + 28, 3.4), 6.5, colour=GREY)
        self.north_arrow(Box(strip.x + strip.width - 10, strip.y - 0.5, 10, 13.3))

    def head(self) -> None:
        """Organisation and title on the left, the sheet's name and number on the right."""
        margin, width = self.paper.margin, self.paper.width - 2 * self.paper.margin
        right = 62.0 if width < 200 else 84.0
        left = width - right - 4
        self.text("organisation", Box(margin, 7.6, left, 4.2), self.paper.body, colour=GREY)
        self.text("title", Box(margin, 12, left, 8), self.paper.body + 6, bold=True, vertical=MIDDLE)
        self.text("sheet_number", Box(margin + left + 4, 7.6, right, 4.2), self.paper.body, align=RIGHT, colour=GREY)
        self.text(
            "sheet_title", Box(margin + left + 4, 12, right, 8), self.paper.body + 6, bold=True, align=RIGHT,
            vertical=MIDDLE,
        )  # fmt: skip
        self.line(margin, 21, width, 0.5)

    def foot(self) -> None:
        """Credits on the left, the day on the right."""
        margin, width = self.paper.margin, self.paper.width - 2 * self.paper.margin
        top = self.paper.height - margin - 9.5
        self.line(margin, top, width, 0.2)
        self.text("credit", Box(margin, top + 1, width - 42, 9), 6.5, colour=GREY)
        self.text("date", Box(margin + width - 40, top + 1, 40, 9), 6.5, align=RIGHT, colour=GREY)

    @property
    def foot_top(self) -> float:
        return self.paper.height - self.paper.margin - 9.5

    def save(self, name: str) -> None:
        self.layout.setName(name)
        path = LAYOUTS / f"{name}.qpt"
        if not self.layout.saveAsTemplate(str(path), QgsReadWriteContext()):
            raise SystemExit(f"{path} can't be written.")

    def _place(self, item: QgsLayoutItem, name: str, box: Box) -> None:
        if item.scene() is None:
            self.layout.addLayoutItem(item)
        item.attemptSetSceneRect(QRectF(box.x, box.y, box.width, box.height))
        item.setId(name)


def text_format(size: float, bold: bool = False, colour: str = INK) -> QgsTextFormat:
    """Plain text of a size in points."""
    font = QFont(FAMILY)
    font.setPointSizeF(size)
    font.setBold(bold)
    style = QgsTextFormat()
    style.setFont(font)
    style.setNamedStyle("Bold" if bold else "Regular")
    style.setSize(size)
    style.setSizeUnit(QgsUnitTypes.RenderUnit.RenderPoints)
    style.setColor(QColor(colour))
    return style


def sheet(paper: Paper) -> Template:
    """The sheet of a site: on portrait paper the marginalia stand below the map in two columns, else beside it."""
    template = Template(paper)
    template.head()
    margin = paper.margin
    inner = paper.width - 2 * margin
    if paper.is_landscape:
        panel = 81.0 if paper.width < 300 else 100.0
        frame = Box(margin + 6, 29, inner - panel - 20, template.foot_top - 29 - 22)
        columns = [Box(paper.width - margin - panel, 25, panel, template.foot_top - 27)]
    else:
        height = 130.0 if paper.width < 250 else 236.0
        frame = Box(margin + 6, 29, inner - 12, height)
        top = frame.bottom + 21
        width = (inner - 6) / 2
        columns = [Box(x, top, width, template.foot_top - top - 2) for x in (margin, margin + width + 6)]
    template.map(frame)
    template.furniture(Box(frame.x, frame.bottom + 6.5, frame.width, 13), 118)
    _marginalia(template, columns)
    template.foot()
    return template


def _marginalia(template: Template, columns: list[Box]) -> None:
    """Facts, legend | approach, signs and notes; the notes take what is left."""
    body = template.paper.body
    row = 4.8 if body > 8 else 4.2 if len(columns) == 2 else 3.9
    first, last = columns[0], columns[-1]
    facts = Box(first.x, first.y + 5.4, first.width, 10 * row + 0.5)
    template.heading("facts_heading", Box(first.x, first.y, first.width, 5))
    template.table("facts", facts, body - 0.2)
    legend_height = 36.0 if len(columns) == 2 else 26.5
    template.heading("legend_heading", Box(first.x, facts.bottom + 2, first.width, 5))
    template.legend(Box(first.x, facts.bottom + 8, first.width, legend_height), 2)
    top = last.y if len(columns) == 2 else facts.bottom + 8 + legend_height + 1
    template.heading("approach_heading", Box(last.x, top, last.width, 5))
    approach = Box(last.x, top + 5.6, last.width, 24.0 if len(columns) == 2 else 18.5)
    template.text("approach", approach, body - 0.2)
    template.heading("signs_heading", Box(last.x, approach.bottom + 1, last.width, 5))
    signs = Box(last.x, approach.bottom + 6.4, last.width, 3 * (row + 0.6) + 0.4)
    template.table("signs", signs, body - 0.2, lines=False)
    template.heading("notes_heading", Box(last.x, signs.bottom + 1, last.width, 5))
    notes_top = signs.bottom + 6.4
    template.table("notes", Box(last.x, notes_top, last.width, last.bottom - notes_top), body - 0.2)


def overview(paper: Paper) -> Template:
    """The map of all sheets and the list of sites."""
    template = Template(paper)
    template.head()
    margin = paper.margin
    inner = paper.width - 2 * margin
    if paper.is_landscape:
        panel = 92.0 if paper.width < 300 else 110.0
        frame = Box(margin + 6, 29, inner - panel - 20, template.foot_top - 29 - 22)
        columns = [Box(paper.width - margin - panel, 25, panel, template.foot_top - 27)]
    else:
        height = 108.0 if paper.width < 250 else 200.0
        frame = Box(margin + 6, 29, inner - 12, height)
        top = frame.bottom + 21
        count = 2 if paper.width < 250 else 3
        width = (inner - 6 * (count - 1)) / count
        columns = [Box(margin + index * (width + 6), top, width, template.foot_top - top - 2) for index in range(count)]
    template.map(frame)
    strip = Box(frame.x, frame.bottom + 6.5, frame.width, 13)
    template.furniture(strip, 69)
    template.legend(Box(strip.x + 98.5, strip.y - 1, strip.width - 109.5, 14.5), 2, is_tight=True)
    template.heading("index_heading", Box(columns[0].x, columns[0].y, inner if len(columns) > 1 else panel, 5))
    for number, column in enumerate(columns, 1):
        box = Box(column.x, column.y + 5.4, column.width, column.height - 5.4)
        template.table(f"index_{number}", box, 6.5 if paper.body < 8 else 7.0)
    template.foot()
    return template


def index(paper: Paper) -> Template:
    """The list of sites, continued."""
    template = Template(paper)
    template.head()
    template.foot()
    inner = paper.width - 2 * paper.margin
    count = {210: 2, 297: 3, 420: 4}[int(paper.width)]
    width = (inner - 6 * (count - 1)) / count
    template.text("index_heading", Box(paper.margin, 22.5, inner, 5), paper.body, bold=True, vertical=MIDDLE)
    for number in range(count):
        box = Box(paper.margin + number * (width + 6), 28.5, width, template.foot_top - 30.5)
        template.table(f"index_{number + 1}", box, 6.5 if paper.body < 8 else 7.0)
    return template


def main() -> None:
    application = QgsApplication([], True)
    application.initQgis()
    LAYOUTS.mkdir(parents=True, exist_ok=True)
    for name, paper in PAPERS.items():
        for kind in (sheet, overview, index):
            kind(paper).save(f"{kind.__name__}_{name}")
    sys.stdout.write(f"{3 * len(PAPERS)} templates in {LAYOUTS}\n")
    application.exitQgis()


if __name__ == "__main__":
    main()
