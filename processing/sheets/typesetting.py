"""Text that fits: its width in millimetres, wrapped, cut, in any script."""

from __future__ import annotations

from qgis.PyQt.QtGui import QFont, QFontMetricsF

SMALLEST = 6.5
"""The smallest type that is set (points)."""

LINE_HEIGHT = 1.3

_MM_PER_POINT = 25.4 / 72

_MEASURE = 200

_NEVER_FIRST = "，。、；：）！？ ,.;:)"


def text_width(text: str, font: QFont, size: float) -> float:
    """Millimetres that a line of text takes at a size in points."""
    large = QFont(font)
    large.setPixelSize(_MEASURE)
    return float(QFontMetricsF(large).horizontalAdvance(text) / _MEASURE * size * _MM_PER_POINT)


def wrapped(text: str, font: QFont, size: float, width: float) -> list[str]:
    """The text in lines that are no wider than ``width``; Chinese and Japanese break between any two characters."""
    lines = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _pieces(paragraph):
            if line and text_width((line + piece).rstrip(), font, size) > width:
                lines.append(line.rstrip())
                line = ""
            while text_width(piece.rstrip(), font, size) > width and len(piece) > 1:
                kept = _longest(piece, font, size, width)
                lines.append(piece[:kept])
                piece = piece[kept:]
            line += piece
        lines.append(line.rstrip())
    return lines


def fitted(text: str, font: QFont, size: float, width: float, height: float) -> tuple[str, float]:
    """The text with line breaks and the size, ``size`` at most, at which it fits; cut with … where nothing helps."""
    chosen = size
    while True:
        room = max(1, int(height / (chosen * _MM_PER_POINT * LINE_HEIGHT) + 0.15))
        lines = wrapped(text, font, chosen, width)
        if len(lines) <= room or chosen <= SMALLEST:
            break
        chosen = max(SMALLEST, chosen - 0.25)
    if len(lines) > room:
        lines = [*lines[: room - 1], cut(lines[room - 1] + "…", font, chosen, width)]
    return "\n".join(lines), chosen


def cut(text: str, font: QFont, size: float, width: float) -> str:
    """One line cut to the width, with … where something is missing."""
    if text_width(text, font, size) <= width:
        return text
    text = text.rstrip("…")
    room = width - text_width("…", font, size)
    return text[: _longest(text, font, size, room)].rstrip() + "…"


def _longest(text: str, font: QFont, size: float, width: float) -> int:
    """How many characters of the text fit, one at least."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle], font, size) <= width:
            low = middle
        else:
            high = middle - 1
    return low


def _pieces(text: str) -> list[str]:
    """Words with the space behind them; characters that may stand at a line's end alone."""
    pieces: list[str] = []
    for character in text:
        after_break = not pieces or pieces[-1].endswith(" ") or _is_ideographic(pieces[-1][-1])
        may_start = character not in _NEVER_FIRST
        if not pieces or (may_start and (after_break or _is_ideographic(character))):
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces


def _is_ideographic(character: str) -> bool:
    return "⺀" <= character <= "鿿" or "豈" <= character <= "﫿" or "＀" <= character <= "￯"
