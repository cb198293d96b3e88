"""Plots of one area: rate and elevation downslope, and its displacement date by date."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qgis.PyQt.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QPainter, QPen, QPolygonF
from qgis.PyQt.QtWidgets import QVBoxLayout, QWidget

from ..theme import faint, text_colour
from .plot import Axis, LegendEntry, PlotWidget

if TYPE_CHECKING:
    from ...core.evidence import Profile, TimeSeries
from ...core.types import Double
from ...processing.texts import date_text, number, tr
from .numbers import padded

RATE = QColor("#2a7fbf")
GROUND = QColor("#9a7b4f")
LINE = QColor("#d1495b")
_NEAR = 12.0


class _LowPlot(PlotWidget):
    """A plot in the colours of QGIS's themes, with marks on its vertical axis even where it is low."""

    def text_colour(self, strength: float = 1.0) -> QColor:
        """The text colour of labels, as the theme's style sheet or palette make it; weaker ones let more through."""
        return faint(text_colour(self), strength)

    def _ticks(self, axis: Axis, length: float, room: float) -> list[tuple[float, str]]:
        """Four steps at least, unless their texts would touch."""
        if axis.is_date or axis is self._axis(0):
            return super()._ticks(axis, length, room)
        return super()._ticks(axis, length, min(room, max(length / 4, 1.2 * self.fontMetrics().height())))


class Track(_LowPlot):
    """One quantity along a profile; samples answer the mouse by their index, of which ``describe`` tells."""

    def __init__(self, colour: QColor, is_ground: bool, describe: Callable[[int], str], parent: QWidget) -> None:
        super().__init__(parent)
        self.colour, self._is_ground, self._describe = colour, is_ground, describe
        self._distance, self._values = np.zeros(0), np.zeros(0)
        self._inside: list[tuple[float, float]] = []
        self._cursor: int | None = None

    def sizeHint(self) -> QSize:
        return QSize(360, 130)

    def minimumSizeHint(self) -> QSize:
        return QSize(220, 110)

    def show_values(self, distance: Double, values: Double, inside: NDArray[np.bool_]) -> None:
        """Draw values (n,) over distances in metres, gaps where they are NaN; ``inside`` tints the area."""
        self._distance, self._values, self._cursor = distance, values, None
        self._inside = [(distance[first], distance[last - 1]) for first, last in runs(inside)]
        self.update()

    def set_cursor(self, index: int | None) -> None:
        """Mark one sample, or none."""
        self._cursor = index
        self.update()

    def draw(self, painter: QPainter) -> None:
        area = self.plot_area()
        tint = self.text_colour(0.1)
        for low, high in self._inside:
            painter.fillRect(QRectF(self.x(low), area.top(), self.x(high) - self.x(low), area.height()), tint)
        if not self._is_ground:
            painter.setPen(QPen(self.text_colour(0.45), 1))
            painter.drawLine(QLineF(area.left(), self.y(0), area.right(), self.y(0)))
        for first, last in runs(np.isfinite(self._values)):
            self._draw_run(painter, first, last)
        if self._cursor is not None and self._cursor < len(self._distance):
            place = self.x(self._distance[self._cursor])
            painter.setPen(QPen(self.text_colour(0.6), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(place, area.top(), place, area.bottom()))
            if math.isfinite(self._values[self._cursor]):
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self.colour)
                painter.drawEllipse(QPointF(place, self.y(self._values[self._cursor])), 4, 4)

    def _draw_run(self, painter: QPainter, first: int, last: int) -> None:
        """A stretch of samples without gap; the ground is filled down to the axis."""
        pairs = zip(self._distance[first:last].tolist(), self._values[first:last].tolist())
        points = [QPointF(self.x(distance), self.y(value)) for distance, value in pairs]
        if self._is_ground:
            fill = QColor(self.colour)
            fill.setAlpha(70)
            bottom = self.plot_area().bottom()
            corners = [QPointF(points[0].x(), bottom), *points, QPointF(points[-1].x(), bottom)]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawPolygon(QPolygonF(corners))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.colour, 2))
        painter.drawPolyline(QPolygonF(points if len(points) > 1 else points * 2))

    def _lay_out(self) -> QRectF:
        """Margins that are the same in all tracks, so that they lie below each other."""
        area = super()._lay_out()
        metrics = self.fontMetrics()
        area.setLeft(max(area.left(), metrics.horizontalAdvance("-0,000.0") + metrics.height() + 12.0))
        area.setRight(self.width() - metrics.horizontalAdvance("00000") / 2 - 2)
        return area

    def hint(self, item: Any) -> str:
        return self._describe(item)

    def hit(self, position: QPointF) -> Any:
        if not len(self._distance) or not self.plot_area().contains(position):
            return None
        return int(np.argmin(np.abs(self._distance - self.x_value(position.x()))))


class ProfilePlot(QWidget):
    """LOS rate above elevation, along the line downslope through an area.

    ``sample_hovered`` tells the sample's index below the mouse, or None.
    """

    sample_hovered = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rate = Track(RATE, False, self._describe, self)
        self.ground = Track(GROUND, True, self._describe, self)
        self._profile: Profile | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for track in (self.rate, self.ground):
            layout.addWidget(track)
            track.hovered.connect(self._on_hovered)

    def show_profile(self, profile: Profile) -> None:
        """Draw a profile; a quantity without any value is told to be missing."""
        self._profile = profile
        has_ground = bool(np.isfinite(profile.elevation).any())
        along = tr("Distance downslope (m)") if profile.is_downslope else tr("Distance along the longest axis (m)")
        away = tr("LOS rate (mm/yr, + away from satellite)")
        toward = tr("LOS rate (mm/yr, + toward satellite)")
        rate_title = away if profile.sign == "away" else toward
        for track, values, least, title, missing in (
            (self.rate, profile.los_rate, 4.0, rate_title, tr("There is no LOS rate here.")),
            (self.ground, profile.elevation, 10.0, tr("Elevation (m)"), tr("There is no elevation here.")),
        ):
            if not np.isfinite(values).any():
                track.set_legend()
                track.set_message(missing)
                continue
            is_lowest = track is self.ground or not has_ground
            x = Axis(along if is_lowest else "", 0.0, max(float(profile.distance[-1]), 1.0), has_marks=is_lowest)
            # Titles stand above, where a narrow window has room for them.
            track.set_axes(x, Axis("", *padded(values, least, with_zero=track is self.rate)))
            track.set_legend(LegendEntry(title, track.colour))
            track.show_values(profile.distance, values, profile.inside)
        self.ground.setVisible(has_ground or not np.isfinite(profile.los_rate).any())
        if has_ground:
            self.ground.set_legend(
                LegendEntry(tr("Elevation (m)"), GROUND), LegendEntry(tr("inside the area"), self._tint(), is_box=True)
            )

    def set_message(self, text: str) -> None:
        """Show a sentence instead of a profile."""
        self._profile = None
        self.rate.set_legend()
        self.rate.set_message(text)
        self.ground.setVisible(False)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self._profile is not None:
            self.show_profile(self._profile)
        super().changeEvent(event)

    def _tint(self) -> QColor:
        return self.rate.text_colour(0.25)

    def _on_hovered(self, index: int | None) -> None:
        for track in (self.rate, self.ground):
            track.set_cursor(index)
        self.sample_hovered.emit(index)

    def _describe(self, index: int) -> str:
        profile = self._profile
        if profile is None:
            return ""
        parts = [tr("{} m").format(number(profile.distance[index], 0))]
        if math.isfinite(profile.los_rate[index]):
            parts.append(tr("{} mm/yr").format(number(profile.los_rate[index], 1)))
        if math.isfinite(profile.elevation[index]):
            parts.append(tr("elevation {} m").format(number(profile.elevation[index], 0)))
        return "\n".join(parts)


class SeriesPlot(_LowPlot):
    """Displacement of an area date by date with its spread, and the line of its rate; dates answer by their index."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._series: TimeSeries | None = None
        self._days = np.zeros(0)

    def sizeHint(self) -> QSize:
        return QSize(360, 220)

    def show_series(self, series: TimeSeries) -> None:
        """Draw a time series."""
        self._series = series
        self._days = np.array([day.toordinal() for day in series.dates], np.float64)
        spread = np.nan_to_num(series.spread)
        shown = np.concatenate([series.displacement - spread, series.displacement + spread])
        room = max(1.0, 0.03 * (self._days[-1] - self._days[0]))
        x = Axis("", self._days[0] - room, self._days[-1] + room, is_date=True)
        self.set_axes(x, Axis("", *padded(shown, 4.0, with_zero=True)))
        rate = number(series.rate, 1)
        if math.isfinite(series.rate_error):
            line = tr("{} ± {} mm/yr").format(rate, number(series.rate_error, 1))
        else:
            line = tr("{} mm/yr").format(rate)
        self.set_legend(
            LegendEntry(tr("Toward the satellite (mm)"), RATE),
            LegendEntry(line, LINE, Qt.PenStyle.DashLine),
        )

    def set_message(self, text: str) -> None:
        self._series = None
        self.set_legend()
        super().set_message(text)

    def draw(self, painter: QPainter) -> None:
        series = self._series
        if series is None:
            return
        area = self.plot_area()
        painter.setPen(QPen(self.text_colour(0.45), 1))
        painter.drawLine(QLineF(area.left(), self.y(0), area.right(), self.y(0)))
        for group in range(int(series.component.max()) + 1):
            members = np.flatnonzero(series.component == group)
            self._draw_rate(painter, members, series)
            self._draw_group(painter, members, series)

    def _draw_rate(self, painter: QPainter, members: NDArray[np.intp], series: TimeSeries) -> None:
        """The line of the rate through the middle of a group of dates."""
        from ...core.satellite import DAYS_PER_YEAR

        days, moved = self._days[members], series.displacement[members]
        ends = np.array([days[0], days[-1]])
        heights = moved.mean() + series.rate * (ends - days.mean()) / DAYS_PER_YEAR
        painter.setPen(QPen(LINE, 1.5, Qt.PenStyle.DashLine))
        painter.drawLine(QLineF(self.x(ends[0]), self.y(heights[0]), self.x(ends[1]), self.y(heights[1])))

    def _draw_group(self, painter: QPainter, members: NDArray[np.intp], series: TimeSeries) -> None:
        """Dates that pairs connect: spread, line and points."""
        faint = QColor(RATE)
        faint.setAlpha(130)
        painter.setPen(QPen(faint, 1.2))
        for index in members[np.isfinite(series.spread[members])]:
            place, spread = self.x(self._days[index]), series.spread[index]
            low, high = (self.y(series.displacement[index] + sign * spread) for sign in (-1, 1))
            painter.drawLine(QLineF(place, low, place, high))
            for end in (low, high):
                painter.drawLine(QLineF(place - 2.5, end, place + 2.5, end))
        points = [QPointF(self.x(self._days[index]), self.y(series.displacement[index])) for index in members]
        painter.drawPolyline(QPolygonF(points if len(points) > 1 else points * 2))
        painter.setPen(Qt.PenStyle.NoPen)
        for index, point in zip(members, points):
            painter.setBrush(RATE)
            radius = 5.0 if index == self.hovered_item else 3.0
            painter.drawEllipse(point, radius, radius)

    def hit(self, position: QPointF) -> Any:
        if self._series is None:
            return None
        across = np.array([self.x(day) for day in self._days]) - position.x()
        down = np.array([self.y(value) for value in self._series.displacement]) - position.y()
        distance = np.hypot(across, down)
        nearest = int(distance.argmin())
        return nearest if distance[nearest] <= _NEAR else None

    def hint(self, item: Any) -> str:
        if self._series is None:
            return ""
        moved = number(self._series.displacement[item], 1)
        day = date_text(self._series.dates[item])
        if math.isnan(self._series.spread[item]):
            return tr("{}: {} mm").format(day, moved)
        return tr("{}: {} ± {} mm").format(day, moved, number(self._series.spread[item], 1))


def runs(mask: NDArray[np.bool_]) -> Sequence[tuple[int, int]]:
    """(first, one after the last) of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))
