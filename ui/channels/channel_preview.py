"""The bands of a network's input as small pictures, each with its name, its ramp and its range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qgis.PyQt.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from qgis.PyQt.QtGui import QBrush, QColor, QHelpEvent, QImage, QLinearGradient, QPainter, QPaintEvent, QTextOption
from qgis.PyQt.QtWidgets import QSizePolicy, QToolTip, QWidget

from ...processing.styles import DIVERGING
from ...processing.texts import number, tr
from ..theme import faint, text_colour

if TYPE_CHECKING:
    from ...core.detection import PreviewBand


GREY = ("#101010", "#f5f5f5")
_GAP, _RAMP = 10, 8


def channel_title(name: str) -> str:
    """The translated name of a band, or of a kind of channel; for an unknown one the name itself."""
    titles = {
        "phase_rate": tr("Phase rate"),
        "phase_rate_wrapped": tr("Wrapped phase rate"),
        "phase_rate_wrapped_sine": tr("Phase rate, sine"),
        "phase_rate_wrapped_cosine": tr("Phase rate, cosine"),
        "los_rate": tr("LOS rate"),
        "dem": tr("DEM"),
        "slope": tr("Slope"),
        "coherence": tr("Coherence"),
        "los_sensitivity": tr("LOS sensitivity"),
        "standard_error": tr("Standard error"),
        "closure": tr("Closure"),
    }
    return titles.get(name, name)


class ChannelPreview(QWidget):
    """Paints the bands of a preview side by side, as large as they fit; or a sentence where there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(260, 180)
        self._bands: tuple[PreviewBand, ...] = ()
        self._images: list[QImage] = []
        self._sentence = ""
        self._is_stale = False

    def sizeHint(self) -> QSize:
        return QSize(560, 420)

    def show_bands(self, bands: Sequence[PreviewBand]) -> None:
        """Show these bands."""
        self._bands, self._sentence, self._is_stale = tuple(bands), "", False
        self._images = [picture(band) for band in bands]
        self.setAccessibleDescription(", ".join(channel_title(band.name) for band in bands))
        self.update()

    def show_sentence(self, text: str) -> None:
        """Show a sentence instead of pictures."""
        self._bands, self._images, self._sentence = (), [], text
        self.setAccessibleDescription(text)
        self.update()

    def set_stale(self) -> None:
        """Show the pictures paler until the next ones come."""
        self._is_stale = True
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self._bands:
            painter.setPen(self._muted())
            room = QRectF(self.rect()).adjusted(24, 0, -24, 0)
            painter.drawText(room, self._sentence, QTextOption(Qt.AlignmentFlag.AlignCenter))
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for band, image, cell in zip(self._bands, self._images, self._cells()):
            self._paint(painter, band, image, cell)

    def _muted(self) -> QColor:
        """The colour of text that explains."""
        return faint(text_colour(self), 0.7)

    def _paint(self, painter: QPainter, band: PreviewBand, image: QImage, cell: QRectF) -> None:
        line = self._line()
        foreground = text_colour(self)
        painter.setOpacity(1.0)
        painter.setPen(foreground)
        title = self._elided(channel_title(band.name), cell.width())
        painter.drawText(QRectF(cell.x(), cell.y(), cell.width(), line), title, _one_line(Qt.AlignmentFlag.AlignLeft))
        frame = self._frame(cell)
        painter.fillRect(frame, QBrush(faint(foreground, 0.35), Qt.BrushStyle.BDiagPattern))
        painter.setOpacity(0.5 if self._is_stale else 1.0)
        painter.drawImage(frame, image)
        painter.setOpacity(1.0)
        painter.setPen(faint(foreground, 0.3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(frame)
        below = QRectF(cell.x(), frame.bottom() + 2, cell.width(), line)
        painter.setPen(self._muted())
        if band.span is None:
            text = self._elided(_nothing(band), below.width())
            painter.drawText(below, text, _one_line(Qt.AlignmentFlag.AlignLeft))
        else:
            self._paint_ramp(painter, band, below)

    def _elided(self, text: str, width: float) -> str:
        return str(self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, math.floor(width)))

    def _paint_ramp(self, painter: QPainter, band: PreviewBand, below: QRectF) -> None:
        """The ramp between the two values that its ends stand for."""
        low, high = (scaled(limit) for limit in band.limits)
        metrics = self.fontMetrics()
        left, right = metrics.horizontalAdvance(low) + 5, metrics.horizontalAdvance(high) + 5
        painter.drawText(below, low, _one_line(Qt.AlignmentFlag.AlignLeft))
        painter.drawText(below, high, _one_line(Qt.AlignmentFlag.AlignRight))
        ramp = QRectF(
            below.x() + left, below.center().y() - _RAMP / 2, max(below.width() - left - right, 0.0), float(_RAMP)
        )
        gradient = QLinearGradient(ramp.topLeft(), ramp.topRight())
        colours = ramp_of(band)
        for index, colour in enumerate(colours):
            gradient.setColorAt(index / (len(colours) - 1), QColor(colour))
        painter.fillRect(ramp, gradient)

    def _line(self) -> float:
        return float(self.fontMetrics().height())

    def _frame(self, cell: QRectF) -> QRectF:
        """Where the picture lies in its cell, in the picture's own proportions."""
        height, width = self._bands[0].values.shape
        line = self._line()
        room = cell.adjusted(0, line + 2, 0, -line - 4)
        scale = min(room.width() / width, room.height() / height)
        return QRectF(room.x(), room.y(), width * scale, height * scale)

    def _cells(self) -> list[QRectF]:
        """One cell a band, in as many columns as make the pictures largest."""
        count = len(self._bands)
        height, width = self._bands[0].values.shape
        extra = 2 * self._line() + 6

        def scale(columns: int) -> float:
            rows = math.ceil(count / columns)
            room = (self.width() - _GAP * (columns - 1)) / columns, (self.height() - _GAP * (rows - 1)) / rows - extra
            return float(min(room[0] / width, room[1] / height))

        columns = max(range(1, count + 1), key=scale)
        size = max(scale(columns), 1e-3)
        # A narrow picture still needs room for its name and its ramp.
        cell_width = max(size * width, min(110.0, (self.width() - _GAP * (columns - 1)) / columns))
        cell_height = size * height + extra
        return [
            QRectF(
                (index % columns) * (cell_width + _GAP), (index // columns) * (cell_height + _GAP), cell_width,
                cell_height,
            )
            for index in range(count)
        ]  # fmt: skip

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.text_at(QPointF(event.pos()))
            if text:
                QToolTip.showText(event.globalPos(), text, self)
            else:
                QToolTip.hideText()
            return True
        return bool(super().event(event))

    def text_at(self, position: QPointF) -> str:
        """What is told of the band at a position, with the value of the pixel there; "" beside the bands."""
        for band, cell in zip(self._bands, self._cells() if self._bands else ()):
            if not cell.contains(position):
                continue
            frame = self._frame(cell)
            lines = [channel_title(band.name), described(band)]
            if frame.contains(position):
                height, width = band.values.shape
                row = min(int((position.y() - frame.y()) / frame.height() * height), height - 1)
                column = min(int((position.x() - frame.x()) / frame.width() * width), width - 1)
                lines.append(_told(float(band.values[row, column]), band.fill))
            return "\n".join(lines)
        return ""


def _one_line(alignment: Qt.AlignmentFlag) -> QTextOption:
    option = QTextOption(alignment | Qt.AlignmentFlag.AlignVCenter)
    option.setWrapMode(QTextOption.WrapMode.NoWrap)
    return option


def scaled(value: float) -> str:
    """A scaled value with the user's decimal mark."""
    return number(value, 2 if abs(value) < 9.995 else 0)


def described(band: PreviewBand) -> str:
    """The range of a band's values, in a phrase."""
    if band.span is None:
        return _nothing(band)
    text = tr("scaled values from {} to {}; hatched: no data, seen as {}")
    return text.format(scaled(band.span[0]), scaled(band.span[1]), scaled(band.fill))


def _nothing(band: PreviewBand) -> str:
    text = tr("no data here ({})") if band.is_given else tr("not given ({})")
    return text.format(scaled(band.fill))


def _told(value: float, fill: float) -> str:
    if math.isnan(value):
        return tr("here: no data, seen as {}").format(scaled(fill))
    return tr("here: {}").format(scaled(value))


def ramp_of(band: PreviewBand) -> tuple[str, ...]:
    """The colours from the lowest to the highest value: grey, or red for away from the satellite, blue for toward."""
    if not band.is_diverging:
        return GREY
    return DIVERGING[::-1] if band.sign == "away" else DIVERGING


def picture(band: PreviewBand) -> QImage:
    """The band as an image of the size of its values, transparent where there is no data."""
    colours = np.array([QColor(colour).getRgb()[:3] for colour in ramp_of(band)], np.float32)
    low, high = band.limits
    place = np.clip((band.values - low) / (high - low), 0, 1)
    known = np.isfinite(place)
    place = np.where(known, place, 0)
    stops = np.linspace(0, 1, len(colours))
    pixels: NDArray[np.uint8] = np.zeros((*place.shape, 4), np.uint8)
    for index in range(3):
        pixels[..., index] = np.interp(place, stops, colours[:, index]).round()
    pixels[..., 3] = np.where(known, 255, 0)
    height, width = place.shape
    # The copy owns its pixels; the array's would be gone with it.
    return QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
