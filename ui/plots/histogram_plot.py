"""A histogram with a threshold that is dragged with the mouse or moved with keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qgis.PyQt.QtCore import QEvent, QLineF, QPointF, QRectF, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from qgis.PyQt.QtWidgets import QWidget

from ...core.reports import decimals_of, round_step
from ...processing.qgis_versions import position_of
from ...processing.texts import number, tr
from .plot import Axis, LegendEntry, PlotWidget

THRESHOLD = "threshold"
_NEAR = 7.0


class HistogramPlot(PlotWidget):
    """Values in round bins; what lies above the threshold is pale.

    ``threshold_changed`` is sent for every step while the threshold is moved by mouse or keys, ``threshold_set`` once
    at the end. Escape gives a drag up. Setting the threshold by program sends nothing.
    """

    threshold_changed = pyqtSignal(float)
    threshold_set = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values = np.zeros(0)
        self._title, self._unit = "", ""
        self._least_step = 1.0
        self._width = 1.0
        self._edges, self._counts = np.zeros(1), np.zeros(0, np.int64)
        self._threshold: float | None = None
        self._before: float | None = None
        self._grip: float | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_values([], "", "")

    def set_values(self, values: Sequence[float], title: str, unit: str, least_step: float = 1.0) -> None:
        """Show finite values of a quantity in a unit; the threshold moves by ``least_step`` or by a tenth of a bin."""
        array = np.asarray(values, np.float64)
        self._values, self._title, self._unit = array[np.isfinite(array)], title, unit
        self._least_step = least_step
        self.setAccessibleName(title)
        if self._values.size:
            self._width, self._edges, self._counts = _bins(self._values)
        self._show()

    def set_threshold(self, value: float | None) -> None:
        """Move the threshold; None, or what isn't finite, for none. Ends a drag if it was elsewhere."""
        threshold = value if value is not None and math.isfinite(value) else None
        if threshold != self._threshold:
            self._before = self._grip = None
        self._threshold = threshold
        self._show()

    def threshold(self) -> float | None:
        """Where the threshold is."""
        return self._threshold

    def _show(self) -> None:
        """Axes, legend and description for the values and the threshold."""
        if not self._values.size:
            self.set_legend()
            nothing = tr("There are no values to show.")
            self.set_message(f"{self._title}: {nothing}" if self._title else nothing)
            self.setAccessibleDescription(nothing)
            return
        high = float(self._edges[-1])
        if self._threshold is not None:
            high = max(high, self._threshold)
        title = tr("{} ({})").format(self._title, self._unit)
        x = Axis(title, min(float(self._edges[0]), self._lowest()), high + self._width / 2)
        self.set_axes(x, Axis(tr("Pairs"), 0.0, 1.2 * float(self._counts.max())))
        self._explain()

    def _explain(self) -> None:
        """How many values lie on which side of the threshold, for eyes and screen readers."""
        if self._threshold is None:
            self.set_legend()
            self.setAccessibleDescription(tr("{} values").format(number(self._values.size, 0)))
            return
        inside = int((self._values <= self._threshold).sum())
        texts = [
            tr("within: {}").format(number(inside, 0)),
            tr("beyond: {}").format(number(self._values.size - inside, 0)),
        ]
        colours = (self._colour(), self._pale())
        self.set_legend(*(LegendEntry(text, colour, is_box=True) for text, colour in zip(texts, colours)))
        self.setAccessibleDescription("; ".join([tr("threshold: {}").format(self._threshold_text()), *texts]))

    # Numbers

    def step(self) -> float:
        """By how much the threshold moves at least."""
        return max(self._width / 10, self._least_step)

    def _decimals(self) -> int:
        return decimals_of(self.step())

    def _threshold_text(self) -> str:
        threshold = self._threshold or 0.0
        decimals = self._decimals()
        while decimals < 6 and abs(round(threshold, decimals) - threshold) > 1e-9:
            decimals += 1
        return tr("{} {}").format(number(threshold, decimals), self._unit)

    def _lowest(self) -> float:
        """The lowest threshold: a limit of 0 on values that aren't negative would keep nothing."""
        low = float(self._edges[0])
        return low if self._threshold is None else min(low, self._threshold)

    def _move(self, value: float) -> None:
        """Move the threshold as the user wants it: to a whole step within the axis."""
        axis, step = self._axis(0), self.step()
        least, most = math.floor(axis.low / step + 1e-9) + 1, math.floor(axis.high / step + 1e-9)
        self._place(round(min(max(round(value / step), least), most) * step, 9))

    def _place(self, threshold: float) -> None:
        if threshold != self._threshold:
            self._threshold = threshold
            self._explain()
            self.threshold_changed.emit(threshold)

    def _finish(self) -> None:
        """The end of a drag or of a row of keys."""
        before, self._before, self._grip = self._before, None, None
        if before is not None and self._threshold is not None and self._threshold != before:
            self.threshold_set.emit(self._threshold)

    # Painting

    def _ticks(self, axis: Axis, length: float, room: float) -> list[tuple[float, str]]:
        """Whole numbers of pairs."""
        if axis is self._axis(0):
            return super()._ticks(axis, length, min(room, length / 4))
        step = max(1, round(round_step(axis.high, max(int(length / min(room, 30.0)), 1))))
        return [(float(count), number(count)) for count in range(0, int(axis.high) + 1, step)]

    def _colour(self) -> QColor:
        return QColor("#5aa9e6" if self.is_dark() else "#1f6fb2")

    def _pale(self) -> QColor:
        """The bars' colour, mixed with the background."""
        share = 0.4 if self.is_dark() else 0.3
        parts = zip(self._colour().getRgb()[:3], self.text_colour(0.0).getRgb()[:3])
        return QColor(*(round(share * bar + (1 - share) * back) for bar, back in parts))

    def draw(self, painter: QPainter) -> None:
        limit = None if self._threshold is None else self.x(self._threshold)
        for index, count in enumerate(self._counts):
            if not count:
                continue
            left, right = self.x(self._edges[index]) + 0.5, self.x(self._edges[index + 1]) - 0.5
            top, bottom = self.y(float(count)), self.plot_area().bottom()
            border = right if limit is None else min(max(limit, left), right)
            painter.fillRect(QRectF(left, top, border - left, bottom - top), self._colour())
            painter.fillRect(QRectF(border, top, right - border, bottom - top), self._pale())
            if index == self.hovered_item:
                painter.setPen(QPen(self.text_colour(0.8), 1))
                painter.drawRect(QRectF(left, top, right - left, bottom - top))
        if limit is not None:
            self._draw_threshold(painter, limit)

    def _draw_threshold(self, painter: QPainter, place: float) -> None:
        """The line, its handle and the value beside it."""
        area = self.plot_area()
        is_active = self.hovered_item == THRESHOLD or self._grip is not None
        colour = self._line_colour()
        painter.setPen(QPen(self.text_colour(0.0), 5))
        painter.drawLine(QLineF(place, area.top(), place, area.bottom()))
        painter.setPen(QPen(colour, 3 if is_active else 2))
        painter.drawLine(QLineF(place, area.top(), place, area.bottom()))
        label = self._label(place)
        painter.setPen(QPen(colour, 2 if is_active else 1))
        painter.setBrush(self.text_colour(0.0))
        painter.drawRoundedRect(label, 4, 4)
        painter.setPen(self.text_colour())
        painter.drawText(label, int(Qt.AlignmentFlag.AlignCenter), self._threshold_text())
        handle = self._handle(place)
        painter.setPen(QPen(self.text_colour(0.0), 1))
        painter.setBrush(colour)
        painter.drawRoundedRect(handle, 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for across in (-1.5, 1.5):
            line = QLineF(place + across, handle.top() + 5, place + across, handle.bottom() - 5)
            painter.drawLine(line)

    def _line_colour(self) -> QColor:
        return QColor("#ff8552" if self.is_dark() else "#c8102e")

    def _handle(self, place: float) -> QRectF:
        """The grip in the middle of the line."""
        height = min(24.0, self.plot_area().height() / 2)
        return QRectF(place - 5, self.plot_area().center().y() - height / 2, 10, height)

    def _label(self, place: float) -> QRectF:
        """Where the value is written: at the top right of the line, on its left where there is no room."""
        metrics, area = self.fontMetrics(), self.plot_area()
        width = metrics.horizontalAdvance(self._threshold_text()) + 12.0
        left = place + 9 if place + 9 + width <= area.right() else place - 9 - width
        return QRectF(max(left, area.left() + 1), area.top() + 1, width, metrics.height() + 4.0)

    # Mouse

    def hit(self, position: QPointF) -> Any:
        area = self.plot_area()
        if not self.has_axes() or not area.adjusted(-_NEAR, -_NEAR, _NEAR, 0).contains(position):
            return None
        if self._threshold is not None:
            place = self.x(self._threshold)
            if abs(position.x() - place) <= _NEAR or self._label(place).contains(position):
                return THRESHOLD
        index = int(np.searchsorted(self._edges, self.x_value(position.x()))) - 1
        is_bar = 0 <= index < len(self._counts) and self._counts[index] > 0
        return index if is_bar and position.y() >= self.y(float(self._counts[index])) - _NEAR else None

    def hint(self, item: Any) -> str:
        if item == THRESHOLD:
            return "" if self._grip is not None else tr("Drag, or use the arrow keys.")
        decimals = decimals_of(self._width)
        low, high = (number(float(edge), decimals) for edge in self._edges[item : item + 2])
        count = number(int(self._counts[item]), 0)
        return tr("above {} to {} {}: {} pairs").format(low, high, self._unit, count)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = position_of(event)
        if event.button() == Qt.MouseButton.LeftButton and self._threshold is not None and self.hit(place) == THRESHOLD:
            self._before, self._grip = self._threshold, place.x() - self.x(self._threshold)
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = position_of(event)
        if self._grip is not None:
            self._move(self.x_value(place.x() - self._grip))
            return
        super().mouseMoveEvent(event)
        is_over = self.hovered_item == THRESHOLD
        self.setCursor(Qt.CursorShape.SplitHCursor if is_over else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._grip is not None:
            self._finish()
            self.update()
        super().mouseReleaseEvent(event)

    # Keys, focus, theme

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._grip is not None and self._before is not None:
            before, self._before, self._grip = self._before, None, None
            self._place(before)
            return
        if self._threshold is None or not self.has_axes():
            super().keyPressEvent(event)
            return
        moves = {
            Qt.Key.Key_Left: self._threshold - self.step(),
            Qt.Key.Key_Right: self._threshold + self.step(),
            Qt.Key.Key_PageDown: self._threshold - self._width,
            Qt.Key.Key_PageUp: self._threshold + self._width,
            Qt.Key.Key_Home: self._axis(0).low,
            Qt.Key.Key_End: float(self._edges[-1]),
        }
        if event.key() not in moves:
            super().keyPressEvent(event)
            return
        if self._before is None:
            self._before = self._threshold
        self._move(moves[event.key()])

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat() and self._grip is None:
            self._finish()
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._finish()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LocaleChange and self.has_axes():
            self._explain()

    def theme_changed(self) -> None:
        if self.has_axes():
            self._explain()


def _bins(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.int64]]:
    """(width, edges, counts) of round bins that hold their upper edge, as a limit does; from 0 if none is negative."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    if low == high:
        high = 1.0
    width = round_step(high - low, int(min(max(2 * math.sqrt(values.size), 8), 30)))
    first, last = math.floor(low / width + 1e-9), math.ceil(high / width - 1e-9)
    edges = width * np.arange(first, last + 1)
    index = np.clip(np.ceil(values / width - 1e-9).astype(np.int64) - 1 - first, 0, last - first - 1)
    return width, edges, np.bincount(index, minlength=last - first)
