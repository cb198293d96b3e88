"""Charts as inline SVG for HTML reports: curves, reliability diagrams, grouped bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .drawing import svg, svg_line, svg_text
from .ticks import round_step

# Told apart with colour-vision deficiency too (Okabe and Ito 2008).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c")
_LEVELS = ("#555555", "#d55e00")
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 20.0, 16.0, 52.0


@dataclass(frozen=True)
class Frame:
    """The plot area of a chart: from numbers to the drawing's units."""

    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    left: float = _LEFT
    right: float = _RIGHT
    top: float = _TOP
    bottom: float = _BOTTOM

    def x(self, value: float) -> float:
        """Where a number lies from left to right."""
        low, high = self.x_range
        return self.left + (self.width - self.left - self.right) * (value - low) / (high - low)

    def y(self, value: float) -> float:
        """Where a number lies from top to bottom."""
        low, high = self.y_range
        return self.top + (self.height - self.top - self.bottom) * (high - value) / (high - low)

    def axes(self, x_title: str, y_title: str, x_ticks: bool = True) -> list[str]:
        """Grid lines with numbers, and what they are."""
        floor, ceiling = self.y(self.y_range[0]), self.y(self.y_range[1])
        start, end = self.x(self.x_range[0]), self.x(self.x_range[1])
        parts = []
        for value in _ticks(*self.y_range, 5):
            parts.append(svg_line(start, self.y(value), end, self.y(value)))
            parts.append(svg_text(start - 8, self.y(value) + 4, f"{value:g}", "end"))
        for value in _ticks(*self.x_range, 10) if x_ticks else ():
            parts.append(svg_line(self.x(value), floor, self.x(value), ceiling))
            parts.append(svg_text(self.x(value), floor + 17, f"{value:g}"))
        parts.append(svg_line(start, floor, end, floor, "#888"))
        parts.append(svg_line(start, floor, start, ceiling, "#888"))
        parts.append(svg_text((start + end) / 2, self.height - 10, x_title))
        middle = (floor + ceiling) / 2
        side = start - 46
        turned = f' transform="rotate(-90 {side:.1f} {middle:.1f})"'
        parts.append(svg_text(side, middle, y_title, extra=turned))
        return parts

    def curve(self, xs: Sequence[float], ys: Sequence[float], colour: str, dashed: bool = False) -> str:
        """A line through the points whose numbers are known."""
        points = [f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, ys) if math.isfinite(x) and math.isfinite(y)]
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        return f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'

    def mark(self, x: float, y: float, colour: str, title: str, radius: float = 5) -> str:
        """A dot that says its title when pointed at; nothing where a number is unknown."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return ""
        return (
            f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius:g}" fill="{colour}" stroke="#fff">'
            f"<title>{escape(title)}</title></circle>"
        )


def _ticks(low: float, high: float, most: int) -> list[float]:
    step = round_step(high - low, most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def legend(entries: Sequence[tuple[str, str]], x: float, y: float, width: float = 150, columns: int = 99) -> list[str]:
    """Coloured squares with their meaning (colour, text), in rows of ``columns`` from the left."""
    parts = []
    for index, (colour, meaning) in enumerate(entries):
        left, top = x + width * (index % columns), y + 18 * (index // columns)
        parts.append(f'<rect x="{left:.1f}" y="{top:.1f}" width="12" height="12" fill="{colour}"/>')
        parts.append(svg_text(left + 18, top + 10.5, meaning, "start"))
    return parts


@dataclass(frozen=True)
class Bar:
    """One bar: its height and the ends of its interval, NaN where unknown; ``note`` is shown when pointed at."""

    value: float
    low: float = math.nan
    high: float = math.nan
    note: str = ""


def grouped_bars(
    groups: Sequence[str],
    series: Sequence[tuple[str, Sequence[Bar]]],
    y_title: str,
    levels: Sequence[tuple[str, float]] = (),
    top: float = 100.0,
) -> str:
    """Groups of bars side by side, one bar of each series in each group; ``groups`` may hold “\\n” to break a line.

    Unknown bars are a dash on the floor. ``levels`` are horizontal lines, name and height. Values are in the unit of
    ``y_title``, from 0 to ``top``.
    """
    rows = 1 + max((label.count("\n") for label in groups), default=0)
    levels = [(name, level) for name, level in levels if math.isfinite(level)]
    columns = min(len(series) + len(levels), 2)
    head = 14.0 + 18 * math.ceil((len(series) + len(levels)) / max(columns, 1))
    frame = Frame(900, 340 + head + 14 * rows, (0, len(groups)), (0, top), top=head, bottom=28 + 14 * rows)
    parts = frame.axes("", y_title, x_ticks=False)
    entries = [(COLOURS[index % len(COLOURS)], name) for index, (name, _) in enumerate(series)]
    entries += [(_LEVELS[index % len(_LEVELS)], name) for index, (name, _) in enumerate(levels)]
    parts += legend(entries, frame.left, 2, 800 / max(columns, 1), columns)
    step = 0.84 / max(len(series), 1)
    for place, label in enumerate(groups):
        for row, line in enumerate(label.split("\n")):
            parts.append(svg_text(frame.x(place + 0.5), frame.y(0) + 17 + 14 * row, line))
        for index, (name, bars) in enumerate(series):
            left, right = frame.x(place + 0.08 + step * index), frame.x(place + 0.08 + step * (index + 1))
            parts.append(_bar(frame, bars[place], left, right, COLOURS[index % len(COLOURS)], f"{name}, {label}"))
    for index, (_, level) in enumerate(levels):
        parts.append(frame.curve((0, len(groups)), (level, level), _LEVELS[index % len(_LEVELS)], dashed=True))
    return svg(frame.width, frame.height, parts, y_title)


def _bar(frame: Frame, bar: Bar, left: float, right: float, colour: str, name: str) -> str:
    middle = (left + right) / 2
    if not math.isfinite(bar.value):
        return svg_text(middle, frame.y(0) - 8, "–")
    floor, ceiling = frame.y(0), frame.y(bar.value)
    title = escape(f"{name}: {bar.value:.1f} {bar.note}".replace("\n", " ").strip())
    shape = (
        f'<rect x="{left + 0.5:.1f}" y="{ceiling:.1f}" width="{right - left - 1:.1f}" height="{floor - ceiling:.1f}" '
        f'fill="{colour}"><title>{title}</title></rect>'
    )
    if math.isfinite(bar.low) and math.isfinite(bar.high):
        shape += svg_line(middle, frame.y(bar.low), middle, frame.y(bar.high), "#222", 1.2)
        for end in (bar.low, bar.high):
            shape += svg_line(middle - 3, frame.y(end), middle + 3, frame.y(end), "#222", 1.2)
        ceiling = min(ceiling, frame.y(bar.high))
    if right - left >= 22:
        shape += svg_text(middle, ceiling - 4, f"{bar.value:.0f}", extra=' font-size="10"')
    return shape
