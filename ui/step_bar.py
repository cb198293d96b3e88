"""The row of steps at the top of the panel: numbered circles with a mark for their state, joined by a line."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.PyQt.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPalette, QPen
from qgis.PyQt.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from ..processing.texts import tr
from .theme import faint, text_colour

# Mid tones that read on a light and on a dark window.
STATE_COLOURS = {"done": "#2f9e5b", "running": "#2a7fbf", "problem": "#d1495b"}
_MARKS = {"done": "✓", "running": "…", "problem": "!"}
_RADIUS = 12.0
_TOP = 4.0


class StepButton(QAbstractButton):
    """One step: a circle with its number, or a mark once it is done, runs or has a problem, and its title below."""

    def __init__(self, number: int, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = number
        self.state = "empty"
        self.setText(title)
        self.setToolTip(title)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_state(self, state: str, meaning: str) -> None:
        """Show a state; ``meaning`` is what a tool tip and a screen reader say of it."""
        self.state = state
        self.setToolTip(meaning)
        self.setAccessibleDescription(meaning)
        self.update()

    def sizeHint(self) -> QSize:
        font = self.font()
        font.setBold(True)
        width = QFontMetrics(font).horizontalAdvance(self.text()) + 8
        return QSize(max(44, width), round(2 * _RADIUS + _TOP) + self.fontMetrics().height() + 8)

    def minimumSizeHint(self) -> QSize:
        return QSize(44, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = text_colour(self.parentWidget() or self)
        centre = QPointF(self.width() / 2, _TOP + _RADIUS)
        self._draw_circle(painter, colour, centre)
        font = self.font()
        font.setBold(self.isChecked())
        painter.setFont(font)
        painter.setPen(colour)
        top = 2 * _RADIUS + _TOP + 3
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width() - 2)
        box = QRectF(0, top, self.width(), self.height() - top)
        painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, text)
        if self.hasFocus():
            width = painter.fontMetrics().horizontalAdvance(text)
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 1.5))
            under = top + painter.fontMetrics().height() + 1
            painter.drawLine(QPointF(centre.x() - width / 2, under), QPointF(centre.x() + width / 2, under))

    def _draw_circle(self, painter: QPainter, text: QColor, centre: QPointF) -> None:
        colour = QColor(STATE_COLOURS.get(self.state, self.palette().color(QPalette.ColorRole.Highlight)))
        is_marked = self.state in _MARKS
        is_filled = self.isChecked() or is_marked
        line = colour if is_filled or self.state == "ready" else faint(text, 0.5)
        painter.setPen(QPen(line, 1.6))
        painter.setBrush(colour if is_filled else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(centre, _RADIUS, _RADIUS)
        if self.isChecked():
            ring = QColor(colour)
            ring.setAlpha(90)
            painter.setPen(QPen(ring, 3))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(centre, _RADIUS + 2, _RADIUS + 2)
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor("white") if is_filled else text)
        box = QRectF(centre.x() - _RADIUS, centre.y() - _RADIUS, 2 * _RADIUS, 2 * _RADIUS)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, _MARKS.get(self.state, str(self.number)))


class StepBar(QWidget):
    """The buttons of all steps, one of them chosen; arrow keys go from one to the next."""

    chosen = pyqtSignal(int)

    def __init__(self, titles: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = [StepButton(number, title) for number, title in enumerate(titles, start=1)]
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        group = QButtonGroup(self)
        for index, button in enumerate(self.buttons):
            group.addButton(button, index)
            # The longer titles get more room, so that none is cut off.
            layout.addWidget(button, button.sizeHint().width())
        group.idClicked.connect(self.chosen)

    def choose(self, index: int) -> None:
        """Show a step as the chosen one."""
        if any(button.hasFocus() for button in self.buttons):
            self.buttons[index].setFocus()
        self.buttons[index].setChecked(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(faint(text_colour(self), 0.35), 1.6))
        gap = _RADIUS + 5
        for left, right in zip(self.buttons, self.buttons[1:]):
            start = QPointF(left.geometry().center().x() + gap, _TOP + _RADIUS)
            end = QPointF(right.geometry().center().x() - gap, _TOP + _RADIUS)
            if end.x() > start.x():
                painter.drawLine(start, end)


def state_meaning(state: str) -> str:
    """A state of a step in words."""
    return {
        "empty": tr("not begun"),
        "ready": tr("ready"),
        "done": tr("done"),
        "running": tr("running"),
        "problem": tr("needs attention"),
    }[state]
