"""The report of a stack: one HTML file, readable without anything else, with the network of pairs as a drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from ..interferograms import baseline_positions
from ..reports import bullet_list, number, round_step, svg, svg_line, svg_text, table, write_page
from ..types import PathLike
from .stacking import RateStatistics, StackingResult

if TYPE_CHECKING:
    from ..interferograms import Interferogram, PairSelection


_WIDTH, _HEIGHT = 900.0, 420.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 70.0, 20.0, 20.0, 50.0
_USED, _DROPPED, _DATE = "#1f6fb2", "#c9c9c9", "#222222"


class _Pair(NamedTuple):
    """A pair and why it was left out ("" where it was used)."""

    interferogram: Interferogram
    reason: str


def write_report(
    path: PathLike,
    selection: PairSelection,
    result: StackingResult,
    settings: Mapping[str, str] | None = None,
    title: str = "Stack of interferograms",
) -> None:
    """Write pairs used and left out with the reason, network, settings, statistics and notes as one HTML file.

    ``settings`` are shown as they are, name and value. The file appears under its name only when complete. Raises
    OutputError when it can't be written.
    """
    pairs = _pairs(selection, result)
    notes = list(dict.fromkeys((*selection.stack.notes, *selection.notes, *result.notes)))
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{_summary(pairs, result)}</p>",
        "<h2>Rates</h2>",
        _statistics_table(result),
        _histogram(result.los_rate or result.phase_rate),
        "<h2>Network of pairs</h2>",
        network_svg(pairs),
        _components(selection),
        "<h2>Notes</h2>",
        bullet_list(notes),
    ]
    if settings:
        body += ["<h2>Settings</h2>", table(("Setting", "Value"), [(name, value) for name, value in settings.items()])]
    body += ["<h2>Pairs</h2>", _pairs_table(pairs, selection.mean_coherence)]
    write_page(path, title, body)


def _pairs(selection: PairSelection, result: StackingResult) -> list[_Pair]:
    """All pairs in the order of their dates."""
    dropped_later = dict(result.dropped)
    pairs = [_Pair(item, dropped_later.get(item.name, "")) for item in selection.stack.interferograms]
    pairs += [_Pair(item, reason) for item, reason in selection.dropped]
    return sorted(pairs, key=lambda pair: (pair.interferogram.first_date, pair.interferogram.second_date))


def _summary(pairs: Sequence[_Pair], result: StackingResult) -> str:
    used = [pair.interferogram for pair in pairs if not pair.reason]
    if not used:
        return f"None of {len(pairs)} pairs was used."
    first = min(item.first_date for item in used)
    last = max(item.second_date for item in used)
    dates = {day for item in used for day in (item.first_date, item.second_date)}
    return (
        f"{len(used)} of {len(pairs)} pairs were stacked: {len(dates)} dates from {first} to {last} "
        f"({(last - first).days} days), radar wavelength {result.wavelength * 1000:.4g} mm."
    )


def _statistics_table(result: StackingResult) -> str:
    head = ("Rate", "Unit", "Valid pixels", "Minimum", "2 %", "Median", "98 %", "Maximum", "Mean")
    rows = []
    for name, rate in (("Phase rate", result.phase_rate), ("LOS rate", result.los_rate)):
        if rate is not None:
            share = 100 * rate.pixels / max(result.pixels, 1)
            values = (rate.minimum, *rate.percentiles, rate.maximum, rate.mean)
            rows.append((name, rate.unit, f"{rate.pixels} ({share:.1f} %)", *(number(value) for value in values)))
    return table(head, rows, numbers=range(2, 9))


def _pairs_table(pairs: Sequence[_Pair], coherence: Mapping[str, float]) -> str:
    head = ("First date", "Second date", "Days", "Perpendicular baseline (m)", "Mean coherence", "Used")
    rows = [
        (
            str(item.first_date),
            str(item.second_date),
            str(item.days),
            number(item.perpendicular_baseline),
            number(coherence.get(item.name), 2),
            reason or "yes",
        )
        for item, reason in pairs
    ]
    return table(head, rows, range(2, 5), ["dropped" if pair.reason else "" for pair in pairs])


def _components(selection: PairSelection) -> str:
    if len(selection.components) < 2:
        return ""
    parts = "; ".join(f"{min(part)} to {max(part)} ({len(part)} dates)" for part in selection.components)
    return f"<p>The network of the used pairs falls into {len(selection.components)} parts: {escape(parts)}.</p>"


class _Axes(NamedTuple):
    """From days and metres to the drawing's units."""

    first: date
    days: float
    low: float
    high: float

    def x(self, day: date) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (day - self.first).days / self.days

    def y(self, value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (self.high - value) / (self.high - self.low)


def network_svg(pairs: Sequence[_Pair]) -> str:
    """The pairs as lines between their dates, time to the right, perpendicular position upwards.

    Without baselines the dates lie on one line and the pairs are arcs, the higher the longer they last.
    """
    items = [pair.interferogram for pair in pairs]
    dates = sorted({day for item in items for day in (item.first_date, item.second_date)})
    if not dates:
        return '<p class="none">There are no pairs.</p>'
    positions = baseline_positions(items)
    days = max((dates[-1] - dates[0]).days, 1)
    if positions is None:
        axes = _Axes(dates[0], days, -0.1, 1.1)
    else:
        low, high = min(positions.values()), max(positions.values())
        margin = 0.08 * (high - low) or 1.0
        axes = _Axes(dates[0], days, low - margin, high + margin)
    parts = [_time_axis(axes, dates[-1])]
    if positions is not None:
        parts.append(_baseline_axis(axes))
    # Pairs that were used are drawn last, above the others.
    for pair in sorted(pairs, key=lambda pair: not pair.reason):
        parts.append(_pair_line(pair, axes, positions, days))
    for day in dates:
        height = 0.0 if positions is None else positions.get(day)
        if height is not None:
            title = f"<title>{day}</title>"
            circle = f'<circle cx="{axes.x(day):.1f}" cy="{axes.y(height):.1f}" r="4" fill="{_DATE}">{title}</circle>'
            parts.append(circle)
    parts.append(_legend(any(pair.reason for pair in pairs)))
    return svg(_WIDTH, _HEIGHT, parts)


def _pair_line(pair: _Pair, axes: _Axes, positions: dict[date, float] | None, days: float) -> str:
    item = pair.interferogram
    colour, width = (_DROPPED, 1) if pair.reason else (_USED, 1.6)
    title = escape(f"{item.name}, {item.days} d" + (f": {pair.reason}" if pair.reason else ""))
    start, end = axes.x(item.first_date), axes.x(item.second_date)
    if positions is None:
        base, top = axes.y(0), axes.y(2 * item.days / days)
        shape = f'd="M {start:.1f} {base:.1f} Q {(start + end) / 2:.1f} {top:.1f} {end:.1f} {base:.1f}"'
    elif item.first_date in positions and item.second_date in positions:
        first, second = axes.y(positions[item.first_date]), axes.y(positions[item.second_date])
        shape = f'd="M {start:.1f} {first:.1f} L {end:.1f} {second:.1f}"'
    else:
        return ""
    return f'<path {shape} fill="none" stroke="{colour}" stroke-width="{width}"><title>{title}</title></path>'


def _time_axis(axes: _Axes, last: date) -> str:
    bottom = _HEIGHT - _BOTTOM
    parts = []
    count = min(6, max(int(axes.days), 1))
    for index in range(count + 1):
        day = axes.first + timedelta(days=round(axes.days * index / count))
        parts.append(svg_line(axes.x(day), _TOP, axes.x(day), bottom))
        anchor = "end" if index == count else "middle"
        parts.append(svg_text(axes.x(day), bottom + 18, str(day), anchor))
    parts.append(svg_line(_LEFT, bottom, _WIDTH - _RIGHT, bottom, "#888"))
    parts.append(svg_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, "Date of acquisition"))
    return "\n".join(parts)


def _baseline_axis(axes: _Axes) -> str:
    step = round_step(axes.high - axes.low, 6)
    parts = [svg_line(_LEFT, _TOP, _LEFT, _HEIGHT - _BOTTOM, "#888")]
    value = math.ceil(axes.low / step) * step
    while value <= axes.high:
        parts.append(svg_line(_LEFT, axes.y(value), _WIDTH - _RIGHT, axes.y(value)))
        parts.append(svg_text(_LEFT - 8, axes.y(value) + 4, f"{value:g}", "end"))
        value += step
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    turned = f' transform="rotate(-90 18 {middle:.1f})"'
    parts.append(svg_text(18, middle, "Perpendicular position (m)", extra=turned))
    return "\n".join(parts)


def _legend(has_dropped: bool) -> str:
    entries: list[tuple[str, str]] = [(_USED, "pair used")]
    if has_dropped:
        entries.append((_DROPPED, "pair left out"))
    parts = []
    for index, (colour, text) in enumerate(entries):
        x = _LEFT + 12 + 130 * index
        parts.append(svg_line(x, _TOP + 10, x + 24, _TOP + 10, colour, 2))
        parts.append(svg_text(x + 30, _TOP + 14, text, "start"))
    return "\n".join(parts)


def _histogram(rate: RateStatistics) -> str:
    """Bars of a rate's distribution between its 2nd and 98th percentile."""
    bars: Any = rate.histogram
    if not bars or not any(count for _, _, count in bars):
        return ""
    height, bottom = 160.0, 120.0
    low, high, most = bars[0][0], bars[-1][1], max(count for _, _, count in bars)
    scale = (_WIDTH - _LEFT - _RIGHT) / ((high - low) or 1.0)
    parts = []
    for left, right, count in bars:
        tall = 105.0 * count / most
        parts.append(
            f'<rect x="{_LEFT + (left - low) * scale:.1f}" y="{bottom - tall:.1f}" '
            f'width="{max((right - left) * scale - 1, 0.5):.1f}" height="{tall:.1f}" fill="{_USED}"/>'
        )
    parts.append(svg_line(_LEFT, bottom, _WIDTH - _RIGHT, bottom, "#888"))
    for index in range(5):
        value = low + (high - low) * index / 4
        parts.append(svg_text(_LEFT + (value - low) * scale, bottom + 16, f"{value:.3g}"))
    name = "Phase rate" if rate.unit == "rad/yr" else "LOS rate"
    parts.append(
        svg_text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 34, f"{name} ({rate.unit}), 2 % to 98 % of the pixels")
    )
    return svg(_WIDTH, height, parts)
