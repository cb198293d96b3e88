"""Axes for all plots of the plugin: a widget that draws marks and texts around data that a subclass draws."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from qgis.PyQt.QtCore import QEvent, QLineF, QObject, QPoint, QPointF, QRect, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QResizeEvent
from qgis.PyQt.QtWidgets import QListView, QSizePolicy, QToolTip, QWidget

from ...core.reports import date_ticks, round_ticks
from ...processing.qgis_versions import position_of
from ...processing.texts import number

_MARK = 4.0
_GAP = 6.0


@dataclass(frozen=True)
class Axis:
    """One axis: its title with the unit, and the data values at its ends, of which the first is the smaller.

    Dates are given as ``date.toordinal()``. ``has_marks`` is False where the position means nothing. ``short_title``
    stands in where there is no room for the title.
    """

    title: str
    low: float
    high: float
    is_date: bool = False
    has_marks: bool = True
    short_title: str = ""

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"The axis “{self.title}” must go up, not from {self.low} to {self.high}.")


@dataclass(frozen=True)
class LegendEntry:
    """A line of that colour and style and what it stands for; ``is_box`` shows a filled box instead."""

    text: str
    colour: QColor
    style: Qt.PenStyle = Qt.PenStyle.SolidLine
    is_box: bool = False


class PlotWidget(QWidget):
    """A plot on axes. A subclass overrides draw(), and hit() and hint() where its items answer the mouse.

    x() and y() give the place of data values in pixels of the widget, x_value() and y_value() the inverse. ``hovered``
    is sent when the mouse comes upon another item or leaves one (None), ``clicked`` with the item or None.
    """

    hovered = pyqtSignal(object)
    clicked = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axes: tuple[Axis, Axis] | None = None
        self._legend: tuple[LegendEntry, ...] = ()
        self._message = ""
        self._note = ""
        self._area: QRectF | None = None
        self._hovered: Any = None
        self._sample = QListView(self)
        self._sample.hide()
        self._sample.installEventFilter(self)
        self.minimum_left = 0.0
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(480, 280)

    def minimumSizeHint(self) -> QSize:
        return QSize(220, 150)

    # What is shown

    def set_axes(self, x: Axis, y: Axis) -> None:
        """The horizontal and the vertical axis."""
        self._axes = (x, y)
        self._message = ""
        self._lay_out_again()

    def set_legend(self, *entries: LegendEntry) -> None:
        """What is explained above the plot."""
        self._legend = entries
        self._lay_out_again()

    def set_note(self, text: str) -> None:
        """A sentence above the plot about how to read it; "" for none."""
        self._note = text
        self._lay_out_again()

    def set_message(self, text: str) -> None:
        """Show a sentence instead of axes and data, until axes are set."""
        self._axes = None
        self._message = text
        self._lay_out_again()

    # For subclasses

    def draw(self, painter: QPainter) -> None:
        """Draw the data with x() and y(); painting is clipped to the plot area."""

    def hit(self, position: QPointF) -> Any:
        """The item at a place of the widget, None where there is none."""
        return None

    def hint(self, item: Any) -> str:
        """What is told of an item when the mouse rests on it; "" for nothing."""
        return ""

    def theme_changed(self) -> None:
        """Called when text_colour() gives other colours than before; a legend with such colours is set again here."""

    @property
    def hovered_item(self) -> Any:
        """The item below the mouse, or None."""
        return self._hovered

    def has_axes(self) -> bool:
        """False while a message, or nothing, is shown."""
        return self._axes is not None

    def plot_area(self) -> QRectF:
        """Where the data is drawn, in pixels of the widget."""
        if self._area is None:
            self._area = self._lay_out()
        return self._area

    def x(self, value: float) -> float:
        """The horizontal place of a value."""
        axis, area = self._axis(0), self.plot_area()
        return float(area.left() + (value - axis.low) / (axis.high - axis.low) * area.width())

    def y(self, value: float) -> float:
        """The vertical place of a value."""
        axis, area = self._axis(1), self.plot_area()
        return float(area.bottom() - (value - axis.low) / (axis.high - axis.low) * area.height())

    def x_value(self, place: float) -> float:
        """The value at a horizontal place."""
        axis, area = self._axis(0), self.plot_area()
        return float(axis.low + (place - area.left()) / max(area.width(), 1.0) * (axis.high - axis.low))

    def y_value(self, place: float) -> float:
        """The value at a vertical place."""
        axis, area = self._axis(1), self.plot_area()
        return float(axis.low + (area.bottom() - place) / max(area.height(), 1.0) * (axis.high - axis.low))

    def text_colour(self, strength: float = 1.0) -> QColor:
        """The theme's text colour, mixed with the background where ``strength`` is less than 1."""
        text, base = (self._themed(role) for role in (QPalette.ColorRole.Text, QPalette.ColorRole.Base))
        parts = zip(text.getRgb()[:3], base.getRgb()[:3])
        return QColor(*(round(strength * of_text + (1 - strength) * of_base) for of_text, of_base in parts))

    def is_dark(self) -> bool:
        """True in a dark theme."""
        return bool(self._themed(QPalette.ColorRole.Base).lightness() < 128)

    def _themed(self, role: QPalette.ColorRole) -> QColor:
        """A colour as a list has it: the dark themes of QGIS are style sheets, which give plain widgets no colours."""
        self._sample.ensurePolished()
        return self._sample.palette().color(role)

    # Layout

    def _axis(self, index: int) -> Axis:
        if self._axes is None:
            raise ValueError("The plot has no axes yet.")
        return self._axes[index]

    def _lay_out_again(self) -> None:
        self._area = None
        self.update()

    def _lay_out(self) -> QRectF:
        """The plot area: margins as wide as their texts need."""
        if self._axes is None:
            return QRectF(self.rect())
        x, y = self._axes
        metrics = self.fontMetrics()
        line = metrics.height()
        half = metrics.horizontalAdvance("2018-00-00" if x.is_date else "00000") / 2
        bottom = _GAP + (_MARK + line if x.has_marks else 0) + (_GAP / 2 + line if x.title else 0)
        top = self._note_space().bottom() + max(line / 2, _GAP)
        height = max(self.height() - top - bottom, 1.0)
        labels = [text for _, text in self._ticks(y, height, line * 2.2)]
        left = max((metrics.horizontalAdvance(text) for text in labels), default=0) + _MARK + _GAP
        left = max(left + (line + _GAP if y.title else 0), self.minimum_left, half if x.has_marks else 0.0)
        right = max(half if x.has_marks else 0.0, _GAP) + 2
        return QRectF(left, top, max(self.width() - left - right, 1.0), height)

    def _ticks(self, axis: Axis, length: float, room: float) -> list[tuple[float, str]]:
        """(value, text) of the marks of an axis of that length in pixels, each with so much room."""
        if not axis.has_marks:
            return []
        if axis.is_date:
            return self._date_ticks(axis, length)
        most = max(int(length / room), 1)
        values, decimals = round_ticks(axis.low, axis.high, most)
        return [(value, number(value, decimals)) for value in values]

    def _date_ticks(self, axis: Axis, length: float) -> list[tuple[float, str]]:
        """As many round dates as have room, of which years need less than days."""
        first, last = date.fromordinal(-int(-axis.low // 1)), date.fromordinal(int(axis.high))
        metrics = self.fontMetrics()
        for most in range(max(int(length / (metrics.horizontalAdvance("2018") + 18)), 1), 0, -1):
            ticks = date_ticks(first, max(first, last), most)
            if len(ticks) * (metrics.horizontalAdvance(ticks[0][1]) + 18) <= length:
                break
        return [(day.toordinal(), text) for day, text in ticks]

    def _note_space(self) -> QRectF:
        """Where the note is written, below the legend; without height where there is none."""
        legend = self.fontMetrics().height() * len(self._legend_lines()) + (_GAP if self._legend else 0)
        space = QRect(int(_GAP), int(legend), max(self.width() - int(2 * _GAP), 1), 1000)
        if not self._note:
            return QRectF(0, legend, self.width(), 0)
        return QRectF(self.fontMetrics().boundingRect(space, int(Qt.TextFlag.TextWordWrap), self._note))

    def _legend_lines(self) -> list[list[tuple[float, LegendEntry]]]:
        """The legend's entries with their left ends, line by line."""
        metrics = self.fontMetrics()
        lines: list[list[tuple[float, LegendEntry]]] = []
        place = float(self.width())
        for entry in self._legend:
            width = 24 + _GAP + metrics.horizontalAdvance(entry.text) + 16
            if not lines or place + width > self.width():
                lines.append([])
                place = _GAP
            lines[-1].append((place, entry))
            place += width
        return lines

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._themed(QPalette.ColorRole.Base))
        if self._axes is None:
            painter.setPen(self.text_colour(0.7))
            space = QRectF(self.rect()).adjusted(12, 12, -12, -12)
            painter.drawText(space, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._message)
            painter.end()
            return
        self._paint_axes(painter)
        self._paint_legend(painter)
        painter.setPen(self.text_colour(0.7))
        painter.drawText(self._note_space(), int(Qt.TextFlag.TextWordWrap), self._note)
        painter.save()
        painter.setClipRect(self.plot_area().adjusted(-1, -1, 1, 1))
        self.draw(painter)
        painter.restore()
        if self.hasFocus():
            painter.setPen(QPen(self._themed(QPalette.ColorRole.Highlight), 1))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _paint_axes(self, painter: QPainter) -> None:
        x, y, area = self._axis(0), self._axis(1), self.plot_area()
        metrics = self.fontMetrics()
        line, grid, text = metrics.height(), QPen(self.text_colour(0.12), 1), self.text_colour(0.8)
        centre = int(Qt.AlignmentFlag.AlignCenter)
        for value, label in self._ticks(x, area.width(), metrics.horizontalAdvance("2018-00-00") + 18.0):
            place, width = self.x(value), float(metrics.horizontalAdvance(label) + 2)
            painter.setPen(grid)
            painter.drawLine(QLineF(place, area.top(), place, area.bottom()))
            painter.setPen(text)
            painter.drawLine(QLineF(place, area.bottom(), place, area.bottom() + _MARK))
            left = min(max(place - width / 2, 0.0), max(self.width() - width, 0.0))
            painter.drawText(QRectF(left, area.bottom() + _MARK, width, line), centre, label)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for value, label in self._ticks(y, area.height(), line * 2.2):
            place = self.y(value)
            painter.setPen(grid)
            painter.drawLine(QLineF(area.left(), place, area.right(), place))
            painter.setPen(text)
            painter.drawText(QRectF(0, place - line / 2, area.left() - _MARK, line), right, label)
        painter.setPen(QPen(self.text_colour(0.5), 1))
        painter.drawLine(QLineF(area.bottomLeft(), area.bottomRight()))
        painter.drawLine(QLineF(area.topLeft(), area.bottomLeft()))
        painter.setPen(text)
        below = QRectF(0, self.height() - line - _GAP / 2, self.width(), line)
        self._paint_title(painter, x, below, area.center().x())
        painter.save()
        painter.translate(_GAP / 2, self.height())
        painter.rotate(-90)
        # Beside the axis; a title longer than the axis goes on below it, but never up into the legend.
        space = QRectF(0, 0, self.height() - self._note_space().bottom(), line)
        self._paint_title(painter, y, space, self.height() - area.center().y())
        painter.restore()

    def _paint_title(self, painter: QPainter, axis: Axis, space: QRectF, centre: float) -> None:
        """A title around ``centre``, but within the space, shortened where it is too long for it."""
        metrics = self.fontMetrics()
        fits = metrics.horizontalAdvance(axis.title) <= space.width() or not axis.short_title
        title = axis.title if fits else axis.short_title
        text = metrics.elidedText(title, Qt.TextElideMode.ElideRight, int(space.width()))
        width = min(metrics.horizontalAdvance(text) + 2.0, space.width())
        left = min(max(centre - width / 2, space.left()), space.right() - width)
        painter.drawText(QRectF(left, space.top(), width, space.height()), int(Qt.AlignmentFlag.AlignCenter), text)

    def _paint_legend(self, painter: QPainter) -> None:
        line = self.fontMetrics().height()
        for row, entries in enumerate(self._legend_lines()):
            top = _GAP / 2 + row * line
            for left, entry in entries:
                if entry.is_box:
                    painter.fillRect(QRectF(left + 6, top + line / 2 - 5, 12, 10), entry.colour)
                else:
                    painter.setPen(QPen(entry.colour, 2.5, entry.style))
                    painter.drawLine(QLineF(left, top + line / 2, left + 24, top + line / 2))
                painter.setPen(self.text_colour(0.9))
                painter.drawText(QPointF(left + 24 + _GAP, top + self.fontMetrics().ascent()), entry.text)

    # Mouse, size, theme

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(position_of(event))
        super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._axes is not None:
            self.clicked.emit(self.hit(position_of(event)))
        super().mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)
        super().leaveEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._area = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange, QEvent.Type.LocaleChange):
            self._lay_out_again()
        super().changeEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The sample's colours change after those of this widget, which therefore waits for them."""
        if watched is self._sample and event.type() == QEvent.Type.PaletteChange:
            self.theme_changed()
            self.update()
        return bool(super().eventFilter(watched, event))

    def _hover(self, position: QPointF | None) -> None:
        item = None if position is None or self._axes is None else self.hit(position)
        if item == self._hovered:
            return
        self._hovered = item
        text = "" if item is None else self.hint(item)
        if text and position is not None:
            QToolTip.showText(self.mapToGlobal(position.toPoint() + QPoint(8, 8)), text, self)
        else:
            QToolTip.hideText()
        self.hovered.emit(item)
        self.update()
