"""Text that fits: its width in millimetres, wrapped, cut. Qt knows where each script may break."""

from __future__ import annotations

from collections.abc import Iterator

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QFont, QFontMetricsF, QTextLayout, QTextOption

SMALLEST = 6.5
"""The smallest type that is set (points)."""

_LINE_HEIGHT = 1.3
_MM_PER_POINT = 25.4 / 72
# Pixels of the type that is measured: large, so that widths hold at any size on paper.
_MEASURE = 200


def text_width(text: str, font: QFont, size: float) -> float:
    """Millimetres that a line of text takes at a size in points."""
    return float(QFontMetricsF(_measured(font)).horizontalAdvance(text)) / _per_millimetre(size)


def wrapped(text: str, font: QFont, size: float, width: float) -> list[str]:
    """The text in lines that are no wider than ``width``; words longer than a line are broken, too."""
    return [line for part in text.split("\n") for line in _lines(part, font, width * _per_millimetre(size))]


def fitted(text: str, font: QFont, size: float, width: float, height: float) -> tuple[str, float]:
    """The text with line breaks and the size, ``size`` at most, at which it fits; cut with … where nothing helps."""
    chosen = size
    while True:
        room = max(1, int(height / (chosen * _MM_PER_POINT * _LINE_HEIGHT) + 0.15))
        lines = wrapped(text, font, chosen, width)
        if len(lines) <= room or chosen <= SMALLEST:
            break
        chosen = max(SMALLEST, chosen - 0.25)
    if len(lines) > room:
        lines = [*lines[: room - 1], cut(lines[room - 1] + "…", font, chosen, width)]
    return "\n".join(lines), chosen


def cut(text: str, font: QFont, size: float, width: float) -> str:
    """One line cut to the width, with … where something is missing."""
    metrics = QFontMetricsF(_measured(font))
    short = str(metrics.elidedText(text, Qt.TextElideMode.ElideRight, width * _per_millimetre(size)))
    return text if short == text else short.rstrip("… ") + "…"


def _lines(text: str, font: QFont, width: float) -> Iterator[str]:
    """A paragraph in lines no wider than ``width`` pixels, at least one."""
    layout = QTextLayout(text, _measured(font))
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    # Qt counts in units of UTF-16, of which rare characters take two.
    units = text.encode("utf-16-le")
    layout.beginLayout()
    line = layout.createLine()
    while line.isValid():
        line.setLineWidth(width)
        start = 2 * line.textStart()
        yield units[start : start + 2 * line.textLength()].decode("utf-16-le").rstrip()
        line = layout.createLine()
    layout.endLayout()


def _measured(font: QFont) -> QFont:
    large = QFont(font)
    large.setPixelSize(_MEASURE)
    return large


def _per_millimetre(size: float) -> float:
    """Measured pixels for a millimetre of type of that size in points."""
    return _MEASURE / (size * _MM_PER_POINT)
