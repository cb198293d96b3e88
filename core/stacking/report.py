"""The report of a stack: pairs used and left out, their network as a drawing, statistics of the rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from ..interferograms import baseline_positions
from ..reports import (
    Drawing,
    PlotFrame,
    Words,
    date_ticks,
    element,
    histogram,
    legend,
    significant,
    svg,
    words,
    write_page,
)  # fmt: skip
from ..texts import Message, Translate
from ..types import PathLike
from .results import RateStatistics, StackingResult

if TYPE_CHECKING:
    from ..interferograms import Interferogram, PairSelection


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
    translate: Translate = str,
) -> None:
    """Write pairs used and left out with the reason, network, settings, statistics and notes as one HTML file.

    ``settings`` are shown as they are, name and value. The file appears under its name only when complete. Raises
    OutputError when it can't be written.
    """
    pairs = _pairs(selection, result)
    tr = words(translate)
    write_page(
        path,
        "stacking/report.html",
        translate,
        used=_used(pairs, result),
        rates=_statistics(result),
        histogram=_histogram(result.los_rate or result.phase_rate, tr),
        fading=_fading(result),
        network=network_drawing(pairs, tr),
        parts=[_part(part, tr) for part in selection.components],
        notes=list(dict.fromkeys((*selection.stack.notes, *selection.notes, *result.notes))),
        settings=settings,
        closure=_closure(pairs, selection),
        pairs=[_row(pair, selection) for pair in pairs],
        classes=["dropped" if pair.reason else "" for pair in pairs],
    )


def _pairs(selection: PairSelection, result: StackingResult) -> list[_Pair]:
    """All pairs in the order of their dates."""
    dropped_later = dict(result.dropped)
    pairs = [_Pair(item, dropped_later.get(item.name, "")) for item in selection.stack.interferograms]
    pairs += [_Pair(item, reason) for item, reason in selection.dropped]
    return sorted(pairs, key=lambda pair: (pair.interferogram.first_date, pair.interferogram.second_date))


def _used(pairs: Sequence[_Pair], result: StackingResult) -> dict[str, Any]:
    """The numbers of the first sentence; none where no pair was used."""
    used = [pair.interferogram for pair in pairs if not pair.reason]
    if not used:
        return {}
    first = min(item.first_date for item in used)
    last = max(item.second_date for item in used)
    return {
        "used": len(used),
        "all": len(pairs),
        "dates": len({day for item in used for day in (item.first_date, item.second_date)}),
        "first": first,
        "last": last,
        "days": (last - first).days,
        "wavelength": significant(result.wavelength * 1000),
    }


def _statistics(result: StackingResult) -> list[tuple[str, ...]]:
    rows = []
    for name, rate in ((Message("Phase rate"), result.phase_rate), (Message("LOS rate"), result.los_rate)):
        if rate is not None:
            share = 100 * rate.pixels / max(result.pixels, 1)
            values = (rate.minimum, *rate.percentiles, rate.maximum, rate.mean)
            rows.append((name, rate.unit, f"{rate.pixels} ({share:.1f} %)", *(significant(value) for value in values)))
    return rows


def _fading(result: StackingResult) -> dict[str, Any]:
    """The rates of short less long pairs by coherence, and the days of these; none where nothing was compared."""
    fading = result.fading
    if fading is None or not fading.classes:
        return {}
    rows = [
        (
            Message("{low:g} to {high:g}", low=one.low, high=min(one.high, 1.0)),
            one.pixels,
            significant(one.rate, 2),
            significant(one.error, 2),
        )
        for one in fading.classes
    ]
    return {"rows": rows, "days": {"short": fading.short_days, "long": fading.long_days}}


def _row(pair: _Pair, selection: PairSelection) -> tuple[Any, ...]:
    """What the table tells of a pair."""
    item = pair.interferogram
    mean = significant(selection.mean_coherence.get(item.name), 2)
    shares = (_percent(shares.get(item.name)) for shares in (selection.closure, selection.suspect))
    baseline = significant(item.perpendicular_baseline)
    return item.first_date, item.second_date, item.days, baseline, mean, *shares, pair.reason or Message("yes")


def _closure(pairs: Sequence[_Pair], selection: PairSelection) -> dict[str, Any]:
    """The numbers of the sentence on closure; none where no pair is in a triplet."""
    names = [pair.interferogram.name for pair in pairs if pair.interferogram.name in selection.suspect]
    if not names:
        return {}
    worst = max(names, key=selection.suspect.__getitem__)
    return {
        "count": len(names),
        "all": len(pairs),
        "mean": _percent(fmean(selection.closure[name] for name in names)),
        "worst": worst,
        "share": _percent(selection.suspect[worst]),
    }


def _percent(share: float | None) -> str:
    return significant(None if share is None else 100 * share, 2)


def _part(dates: Sequence[date], tr: Words) -> str:
    return tr("{first} to {last} ({count} dates)", first=min(dates), last=max(dates), count=len(dates))


def network_drawing(pairs: Sequence[_Pair], tr: Words) -> Drawing | None:
    """The pairs as lines between their dates, time to the right, perpendicular position upwards; None without pairs.

    Without baselines the dates lie on one line and the pairs are arcs, the higher the longer they last.
    """
    items = [pair.interferogram for pair in pairs]
    dates = sorted({day for item in items for day in (item.first_date, item.second_date)})
    if not dates:
        return None
    positions = baseline_positions(items)
    days = max((dates[-1] - dates[0]).days, 1)
    plot = PlotFrame(900, 420, (0, days), _heights(positions), right=36)
    marks = [((day - dates[0]).days, text) for day, text in date_ticks(dates[0], dates[-1], 7)]
    if positions is None:
        parts = plot.axes(tr("Date of acquisition"), "", marks, ())
    else:
        parts = plot.axes(tr("Date of acquisition"), tr("Perpendicular position (m)"), marks)
    # Pairs that were used are drawn last, above the others.
    for pair in sorted(pairs, key=lambda pair: not pair.reason):
        parts.append(_pair_line(pair, plot, dates[0], positions, tr))
    for day in dates:
        height = 0.0 if positions is None else positions.get(day)
        if height is not None:
            place = {"cx": plot.x((day - dates[0]).days), "cy": plot.y(height)}
            parts.append(element("circle", str(day), **place, r="4", fill=_DATE))
    entries = [(_USED, tr("pair used"))]
    if any(pair.reason for pair in pairs):
        entries.append((_DROPPED, tr("pair left out")))
    parts += legend(entries, plot.left + 12, plot.top + 2, 130)
    return svg(plot.width, plot.height, parts, tr("Network of pairs"))


def _heights(positions: Mapping[date, float] | None) -> tuple[float, float]:
    """The ends of the axis upwards: of arcs, or of positions with a margin."""
    if positions is None:
        return -0.1, 1.1
    low, high = min(positions.values()), max(positions.values())
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def _pair_line(pair: _Pair, plot: PlotFrame, begin: date, positions: Mapping[date, float] | None, tr: Words) -> str:
    item = pair.interferogram
    colour, width = (_DROPPED, "1") if pair.reason else (_USED, "1.6")
    start, end = ((day - begin).days for day in (item.first_date, item.second_date))
    if positions is None:
        base, top = plot.y(0), plot.y(2 * item.days / plot.x_range[1])
        turn = plot.x((start + end) / 2)
        shape = f"M {plot.x(start):.1f} {base:.1f} Q {turn:.1f} {top:.1f} {plot.x(end):.1f} {base:.1f}"
    elif item.first_date in positions and item.second_date in positions:
        first, second = plot.y(positions[item.first_date]), plot.y(positions[item.second_date])
        shape = f"M {plot.x(start):.1f} {first:.1f} L {plot.x(end):.1f} {second:.1f}"
    else:
        return ""
    title = f"{item.name}, {item.days} d" + (f": {tr(pair.reason)}" if pair.reason else "")
    return element("path", title, d=shape, fill="none", stroke=colour, stroke_width=width)


def _histogram(rate: RateStatistics, tr: Words) -> Drawing | str:
    """Bars of a rate's distribution between its 2nd and 98th percentile."""
    bars = rate.histogram
    if not any(count for _, _, count in bars):
        return ""
    name = tr("Phase rate") if rate.unit == "rad/yr" else tr("LOS rate")
    title = tr("{rate} ({unit}), 2 % to 98 % of the pixels", rate=name, unit=rate.unit)
    return histogram(bars, _USED, title)
