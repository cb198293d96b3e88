"""The network of interferogram pairs: dates as dots, pairs as edges between them, to look at, choose and leave out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qgis.PyQt.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF, QResizeEvent
from qgis.PyQt.QtWidgets import QWidget

from ...processing.qgis_versions import position_of
from ...processing.texts import date_text, number, tr
from .numbers import padded
from .plot import Axis, LegendEntry, PlotWidget

USES = ("used", "rule", "hand")
_BEHIND_FIRST = ("rule", "used", "hand")
_STYLES = {"used": Qt.PenStyle.SolidLine, "rule": Qt.PenStyle.DashLine, "hand": Qt.PenStyle.DotLine}
_NEAR = 7.0
_ARC = np.linspace(0, np.pi, 33)
_KEY_STEPS = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}


@dataclass(frozen=True)
class PlotPair:
    """A pair of dates, the perpendicular baselines of the dates in metres (None: not known), and its use.

    ``use`` is "used", "rule" (left out by a rule) or "hand" (left out by hand).
    """

    name: str
    first: date
    second: date
    first_position: float | None
    second_position: float | None
    use: str

    def __post_init__(self) -> None:
        if self.use not in USES:
            raise ValueError(f"The pair {self.name} is “{self.use}”, which is none of {USES}.")


class NetworkPlot(PlotWidget):
    """Pairs over time and perpendicular baseline; over time alone, as arcs, where no baselines are known.

    ``chosen`` tells the name of the pair that was clicked or reached with the arrow keys, ``toggled`` that of a pair
    which was double-clicked, or chosen when the space key was pressed. Neither changes the pairs: set_pairs() does.
    """

    chosen = pyqtSignal(str)
    toggled = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pairs: dict[str, PlotPair] = {}
        self._positions: dict[date, float] = {}
        self._is_arcs = False
        self._selected: str | None = None
        self._lines: tuple[QRectF, NDArray[np.float64], dict[str, QPolygonF]] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Network of pairs"))
        self.clicked.connect(self._on_clicked)
        self.set_pairs([])

    def set_pairs(self, pairs: Sequence[PlotPair]) -> None:
        """Show these pairs, whose names differ; the selected one stays selected if it is among them."""
        self._pairs = {pair.name: pair for pair in sorted(pairs, key=lambda pair: (pair.first, pair.second))}
        self._lines = None
        if self._selected not in self._pairs:
            self._selected = None
        if not self._pairs:
            self.set_legend()
            self.set_note("")
            self.set_message(tr("There are no pairs to show yet."))
            self._describe()
            return
        self._positions = _positions(self._pairs.values())
        days = [day.toordinal() for pair in self._pairs.values() for day in (pair.first, pair.second)]
        self._is_arcs = len(self._positions) < len(set(days))
        room = max(1.0, 0.03 * (max(days) - min(days)))
        x = Axis("", min(days) - room, max(days) + room, is_date=True)
        if self._is_arcs:
            self.set_note(self._why_arcs())
            self.set_axes(x, Axis("", -1.12, 1.12, has_marks=False))
        else:
            self.set_note("")
            ends = padded(np.array(list(self._positions.values())), 10.0)
            self.set_axes(x, Axis(tr("Perpendicular baseline (m)"), *ends, short_title=tr("Baseline (m)")))
        self._explain()
        self._describe()

    def set_selected(self, name: str | None) -> None:
        """Mark a pair, or none; a name that isn't among the pairs marks none."""
        self._selected = name if name in self._pairs else None
        self._describe()
        self.update()

    def selected(self) -> str | None:
        """The name of the marked pair."""
        return self._selected

    def colour_of(self, use: str) -> QColor:
        """The colour of pairs of that use, in this theme."""
        if use == "rule":
            return self.text_colour(0.5)
        dark, light = ("#5aa9e6", "#1f6fb2") if use == "used" else ("#ff8552", "#d1430f")
        return QColor(dark if self.is_dark() else light)

    # Texts

    def _why_arcs(self) -> str:
        """The sentence about a vertical axis that means nothing."""
        if self._positions:
            return tr("Some baselines are not known: used pairs above, left out below.")
        return tr("Baselines are not known: used pairs above, left out below.")

    def _counts(self, texts: dict[str, str] | None = None) -> list[tuple[str, str]]:
        """(use, text with the number of pairs) of the uses that occur; used always."""
        if texts is None:
            texts = {"used": tr("used: {}"), "rule": tr("left out by a rule: {}"), "hand": tr("left out by hand: {}")}
        counts = Counter(pair.use for pair in self._pairs.values())
        return [(use, texts[use].format(number(counts[use], 0))) for use in USES if use == "used" or counts[use]]

    def _explain(self) -> None:
        """The legend; in a narrow window in short words."""
        short = {"used": tr("used {}"), "rule": tr("rule {}"), "hand": tr("hand {}")}
        for texts in (self._counts(), self._counts(short)):
            self.set_legend(*(LegendEntry(text, self.colour_of(use), _STYLES[use]) for use, text in texts))
            if len(self._legend_lines()) == 1:
                break

    def _describe(self) -> None:
        """Tell a screen reader what is shown and marked."""
        texts = [text for _, text in self._counts()] if self._pairs else []
        if self._selected is not None:
            texts.append(tr("chosen: {}").format(self._facts(self._pairs[self._selected])))
        self.setAccessibleDescription("; ".join(texts))

    def _facts(self, pair: PlotPair) -> str:
        """Dates, days and metres of a pair."""
        days = number((pair.second - pair.first).days, 0)
        between = f"{date_text(pair.first)} – {date_text(pair.second)}"
        first, second = (self._positions.get(day) for day in (pair.first, pair.second))
        if first is None or second is None:
            return tr("{}, {} days").format(between, days)
        return tr("{}, {} days, {} m").format(between, days, number(round(second - first), 0))

    def hint(self, item: Any) -> str:
        pair = self._pairs[item]
        uses = {
            "used": tr("Used. Double-click to leave it out."),
            "rule": tr("Left out by a rule."),
            "hand": tr("Left out by hand. Double-click to use it again."),
        }
        return f"{self._facts(pair)}\n{uses[pair.use]}"

    # Geometry

    def _point(self, day: date) -> QPointF:
        """Where a date lies."""
        return QPointF(self.x(day.toordinal()), self.y(0.0 if self._is_arcs else self._positions[day]))

    def _laid_out(self) -> tuple[NDArray[np.float64], dict[str, QPolygonF]]:
        """Every pair's line in pixels: as an array (pair, point, xy) and by name; kept until the size changes."""
        area = self.plot_area()
        if self._lines is None or self._lines[0] != area:
            points = self._arcs() if self._is_arcs else self._edges()
            lines = {name: QPolygonF([QPointF(*xy) for xy in line]) for name, line in zip(self._pairs, points.tolist())}
            self._lines = (QRectF(area), points, lines)
        return self._lines[1], self._lines[2]

    def _edges(self) -> NDArray[np.float64]:
        places = {day: (point.x(), point.y()) for day in self._positions for point in [self._point(day)]}
        return np.array([[places[pair.first], places[pair.second]] for pair in self._pairs.values()])

    def _arcs(self) -> NDArray[np.float64]:
        """Half ellipses, the higher the more days; used pairs above the line of dates, the others below."""
        pairs = self._pairs.values()
        ends = np.array([[self.x(day.toordinal()) for day in (pair.first, pair.second)] for pair in pairs])
        middle, half = ends.mean(axis=1, keepdims=True), np.diff(ends, axis=1) / 2
        way = np.array([[1.0 if pair.use == "used" else -1.0] for pair in pairs])
        heights = way * np.sqrt(half / half.max()) * (self.y(0) - self.y(1))
        return np.stack([middle - half * np.cos(_ARC), self.y(0) - heights * np.sin(_ARC)], axis=-1)

    def hit(self, position: QPointF) -> Any:
        if not self._pairs or not self.plot_area().adjusted(-_NEAR, -_NEAR, _NEAR, _NEAR).contains(position):
            return None
        points, _ = self._laid_out()
        start, along = points[:, :-1], np.diff(points, axis=1)
        away = np.array([position.x(), position.y()]) - start
        length = np.maximum((along**2).sum(axis=-1), 1e-9)
        share = np.clip((away * along).sum(axis=-1) / length, 0, 1)
        distance = np.hypot(*np.moveaxis(away - share[..., None] * along, -1, 0)).min(axis=1)
        nearest = int(distance.argmin())
        return list(self._pairs)[nearest] if distance[nearest] <= _NEAR else None

    # Painting

    def draw(self, painter: QPainter) -> None:
        _, lines = self._laid_out()
        many = len(lines) > 150
        for use in _BEHIND_FIRST:
            colour = self.colour_of(use)
            colour.setAlphaF(0.55 if many and use != "hand" else 0.85)
            painter.setPen(QPen(colour, 2.0 if use == "hand" else 1.0 if many else 1.5, _STYLES[use]))
            for name, line in lines.items():
                if self._pairs[name].use == use:
                    painter.drawPolyline(line)
        for marked in (self.hovered_item, self._selected):
            if marked in lines:
                self._draw_marked(painter, lines[marked], self._pairs[marked], is_selected=marked == self._selected)
        self._draw_dates(painter, many)
        if self._selected is not None:
            self._draw_labels(painter, self._pairs[self._selected])

    def _draw_marked(self, painter: QPainter, line: QPolygonF, pair: PlotPair, is_selected: bool) -> None:
        """One pair thicker than the others, on a rim of the background."""
        painter.setPen(QPen(self.text_colour(0.0), 8.0 if is_selected else 5.0))
        painter.drawPolyline(line)
        painter.setPen(QPen(self.colour_of(pair.use), 4.0 if is_selected else 2.5, _STYLES[pair.use]))
        painter.drawPolyline(line)

    def _draw_dates(self, painter: QPainter, many: bool) -> None:
        """A dot for each date; those of the selected pair larger."""
        marked = self._pairs.get(self._selected or "")
        for day in {day: None for pair in self._pairs.values() for day in (pair.first, pair.second)}:
            is_marked = marked is not None and day in (marked.first, marked.second)
            radius = 5.0 if is_marked else 2.5 if many else 3.5
            painter.setPen(QPen(self.text_colour(0.0), 1))
            painter.setBrush(self.text_colour(1.0 if is_marked else 0.8))
            painter.drawEllipse(self._point(day), radius, radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _draw_labels(self, painter: QPainter, pair: PlotPair) -> None:
        """The dates of the selected pair."""
        back = self.text_colour(0.0)
        back.setAlpha(225)
        for day, label in zip((pair.first, pair.second), self._labels(pair)):
            painter.setPen(QPen(self.text_colour(0.35), 1))
            painter.setBrush(back)
            painter.drawRoundedRect(label, 3, 3)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(self.text_colour())
            painter.drawText(label, int(Qt.AlignmentFlag.AlignCenter), date_text(day))

    def _labels(self, pair: PlotPair) -> tuple[QRectF, QRectF]:
        """Where both dates of a pair are written: beside their dots, upon neither dot nor each other."""
        metrics, area = self.fontMetrics(), self.plot_area()
        size = QSizeF(metrics.horizontalAdvance(date_text(pair.first)) + 8.0, metrics.height() + 2.0)
        points = [self._point(day) for day in (pair.first, pair.second)]
        dots = [QRectF(point.x() - 5, point.y() - 5, 10, 10) for point in points]
        places = product(*(_places_beside(point, size, way, area) for point, way in zip(points, (-1, 1))))
        # Where there is no free place, a dot is covered rather than a date.
        return min(
            places, key=lambda both: (_shared(*both), sum(_shared(label, dot) for label in both for dot in dots))
        )

    # Mouse, keys, focus, theme

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        name = self.hit(position_of(event)) if event.button() == Qt.MouseButton.LeftButton else None
        if name is not None:
            self.toggled.emit(name)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self.setCursor(Qt.CursorShape.ArrowCursor if self.hovered_item is None else Qt.CursorShape.PointingHandCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        names = list(self._pairs)
        if names and event.key() in _KEY_STEPS:
            step = _KEY_STEPS[event.key()]
            if self._selected is None:
                self._choose(names[0 if step > 0 else -1])
            else:
                self._choose(names[min(max(names.index(self._selected) + step, 0), len(names) - 1)])
        elif names and event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._choose(names[0 if event.key() == Qt.Key.Key_Home else -1])
        elif self._selected is not None and event.key() == Qt.Key.Key_Space:
            self.toggled.emit(self._selected)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._pairs:
            self._explain()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LocaleChange and self._pairs:
            self._explain()
            self._describe()

    def theme_changed(self) -> None:
        if self._pairs:
            self._explain()

    def _on_clicked(self, name: str | None) -> None:
        if name is not None:
            self._choose(name)

    def _choose(self, name: str) -> None:
        self.set_selected(name)
        self.chosen.emit(name)


def _positions(pairs: Iterable[PlotPair]) -> dict[date, float]:
    """The position of each date of which it is known."""
    ends = [end for pair in pairs for end in ((pair.first, pair.first_position), (pair.second, pair.second_position))]
    return {day: position for day, position in ends if position is not None}


def _places_beside(point: QPointF, size: QSizeF, way: int, area: QRectF) -> list[QRectF]:
    """Rectangles of that size near a point, within the area, best first: on its left for way -1, else on its right."""
    sideways = way * (size.width() / 2 + 9)
    upward = size.height() / 2 + 7
    beside = ((sideways, 0), (0, -upward), (0, upward), (-sideways, 0))
    aslant = tuple((across, down) for across in (sideways, -sideways) for down in (-upward, upward))
    places = []
    for across, down in (*beside, *aslant):
        corner = QPointF(point.x() + across - size.width() / 2, point.y() + down - size.height() / 2)
        left = min(max(corner.x(), area.left() + 1), area.right() - size.width() - 1)
        top = min(max(corner.y(), area.top() + 1), area.bottom() - size.height() - 1)
        places.append(QRectF(QPointF(left, top), size))
    return places


def _shared(one: QRectF, other: QRectF) -> float:
    """How much two rectangles cover of each other, in square pixels."""
    both = one.intersected(other)
    return float(both.width() * both.height())
