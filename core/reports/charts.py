"""Charts as inline SVG for HTML reports: axes, curves, marks, legends, histograms, grouped bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .drawing import Drawing, element, svg, svg_line, svg_text
from .ticks import round_ticks

Mark = tuple[float, str]
"""A place on an axis and what is written there."""

# Told apart with colour-vision deficiency too (Okabe and Ito 2008).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c")
_LEVELS = ("#555555", "#d55e00")
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 20.0, 16.0, 52.0


@dataclass(frozen=True)
class PlotFrame:
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

    def axes(
        self, x_title: str, y_title: str, x_marks: Sequence[Mark] | None = None, y_marks: Sequence[Mark] | None = None
    ) -> list[str]:
        """Grid lines with what is written at them, and what they are; round numbers where no marks are given.

        Without marks, ``()``, the upright axis has no line.
        """
        floor, ceiling = self.y(self.y_range[0]), self.y(self.y_range[1])
        start, end = self.x(self.x_range[0]), self.x(self.x_range[1])
        parts = []
        y_marks = _round_marks(self.y_range, 5) if y_marks is None else y_marks
        for value, text in y_marks:
            parts.append(svg_line(start, self.y(value), end, self.y(value)))
            parts.append(svg_text(start - 8, self.y(value) + 4, text, "end"))
        for value, text in _round_marks(self.x_range, 10) if x_marks is None else x_marks:
            parts.append(svg_line(self.x(value), floor, self.x(value), ceiling))
            parts.append(svg_text(self.x(value), floor + 17, text))
        parts.append(svg_line(start, floor, end, floor, "#888"))
        if y_marks:
            parts.append(svg_line(start, floor, start, ceiling, "#888"))
        parts.append(svg_text((start + end) / 2, self.height - 10, x_title))
        middle = (floor + ceiling) / 2
        side = start - 46
        parts.append(svg_text(side, middle, y_title, transform=f"rotate(-90 {side:.1f} {middle:.1f})"))
        return parts

    def curve(self, xs: Sequence[float], ys: Sequence[float], colour: str, dashed: bool = False) -> str:
        """A line through the points whose numbers are known."""
        points = [f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, ys) if math.isfinite(x) and math.isfinite(y)]
        dash = {"stroke_dasharray": "5 4"} if dashed else {}
        return element("polyline", points=" ".join(points), fill="none", stroke=colour, stroke_width="2", **dash)

    def mark(self, x: float, y: float, colour: str, title: str, radius: float = 5) -> str:
        """A dot that says its title when pointed at; nothing where a number is unknown."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return ""
        return element("circle", title, cx=self.x(x), cy=self.y(y), r=f"{radius:g}", fill=colour, stroke="#fff")

    def column(self, left: float, right: float, value: float, colour: str, title: str = "") -> str:
        """A bar from the floor to ``value``, between two numbers of the axis to the right with a gap beside it."""
        start, floor, top = self.x(left), self.y(self.y_range[0]), self.y(value)
        width = max(self.x(right) - start - 1, 0.5)
        return element("rect", title, x=start + 0.5, y=top, width=width, height=floor - top, fill=colour)


def _round_marks(ends: tuple[float, float], most: int) -> list[Mark]:
    return [(value, f"{value:g}") for value in round_ticks(*ends, most)[0]]


def histogram(bars: Sequence[tuple[float, float, int]], colour: str, x_title: str) -> Drawing:
    """How often values occur: (low, high, count) from left to right, of which one at least counts something."""
    ends = bars[0][0], bars[-1][1]
    if ends[0] == ends[1]:
        ends = ends[0] - 0.5, ends[1] + 0.5
    plot = PlotFrame(900, 170, ends, (0, max(count for _, _, count in bars)), bottom=46)
    parts = plot.axes(x_title, "", y_marks=())
    parts += [plot.column(*bar, colour) for bar in bars]
    return svg(plot.width, plot.height, parts, x_title)


def legend(entries: Sequence[tuple[str, str]], x: float, y: float, width: float = 150, columns: int = 99) -> list[str]:
    """Coloured squares with their meaning (colour, text), in rows of ``columns`` from the left."""
    parts = []
    for index, (colour, meaning) in enumerate(entries):
        left, top = x + width * (index % columns), y + 18 * (index // columns)
        parts.append(element("rect", x=left, y=top, width=12, height=12, fill=colour))
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
) -> Drawing:
    """Groups of bars side by side, one bar of each series in each group; ``groups`` may hold “\\n” to break a line.

    Unknown bars are a dash on the floor. ``levels`` are horizontal lines, name and height. Values are in the unit of
    ``y_title``, from 0 to ``top``.
    """
    rows = 1 + max((label.count("\n") for label in groups), default=0)
    levels = [(name, level) for name, level in levels if math.isfinite(level)]
    columns = min(len(series) + len(levels), 2)
    head = 14.0 + 18 * math.ceil((len(series) + len(levels)) / max(columns, 1))
    plot = PlotFrame(900, 340 + head + 14 * rows, (0, len(groups)), (0, top), top=head, bottom=28 + 14 * rows)
    parts = plot.axes("", y_title, x_marks=())
    entries = [(COLOURS[index % len(COLOURS)], name) for index, (name, _) in enumerate(series)]
    entries += [(_LEVELS[index % len(_LEVELS)], name) for index, (name, _) in enumerate(levels)]
    parts += legend(entries, plot.left, 2, 800 / max(columns, 1), columns)
    step = 0.84 / max(len(series), 1)
    for place, label in enumerate(groups):
        for row, line in enumerate(label.split("\n")):
            parts.append(svg_text(plot.x(place + 0.5), plot.y(0) + 17 + 14 * row, line))
        for index, (name, bars) in enumerate(series):
            left, right = place + 0.08 + step * index, place + 0.08 + step * (index + 1)
            parts.append(_bar(plot, bars[place], left, right, COLOURS[index % len(COLOURS)], f"{name}, {label}"))
    for index, (_, level) in enumerate(levels):
        parts.append(plot.curve((0, len(groups)), (level, level), _LEVELS[index % len(_LEVELS)], dashed=True))
    return svg(plot.width, plot.height, parts, y_title)


def _bar(plot: PlotFrame, bar: Bar, left: float, right: float, colour: str, name: str) -> str:
    middle, width = plot.x((left + right) / 2), plot.x(right) - plot.x(left)
    if not math.isfinite(bar.value):
        return svg_text(middle, plot.y(0) - 8, "–")
    top = plot.y(bar.value)
    title = f"{name}: {bar.value:.1f} {bar.note}".replace("\n", " ").strip()
    shape = plot.column(left, right, bar.value, colour, title)
    if math.isfinite(bar.low) and math.isfinite(bar.high):
        shape += svg_line(middle, plot.y(bar.low), middle, plot.y(bar.high), "#222", 1.2)
        for end in (bar.low, bar.high):
            shape += svg_line(middle - 3, plot.y(end), middle + 3, plot.y(end), "#222", 1.2)
        top = min(top, plot.y(bar.high))
    if width >= 22:
        shape += svg_text(middle, top - 4, f"{bar.value:.0f}", font_size="10")
    return shape
