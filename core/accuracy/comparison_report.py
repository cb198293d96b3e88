"""A comparison of channel combinations as an HTML report with tables and bars, and as a table (CSV)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from html import escape

from ..channels import COMBINATIONS, ChannelKind
from ..files import write_text
from ..reports import Bar, bullet_list, grouped_bars, table, write_page
from ..types import PathLike
from .comparison import EVERYTHING, Comparison, ComparisonRow
from .figures import FIGURES, ground_size, shown

_STYLE = (
    "p.note { color: #555; font-size: 14px; } td.number { white-space: nowrap; } "
    "td:first-child { white-space: normal; }"
)
_SHOWN = ("iou", "precision", "recall", "f1")
_AREAS = ("object_recall", "object_precision", "false_alarms")


def combination_label(combination: str) -> str:
    """“phase rate + DEM” for phase_rate+dem."""
    if combination not in COMBINATIONS:
        return combination
    return " + ".join(kind.label for kind in COMBINATIONS[combination])


def write_comparison_report(
    path: PathLike,
    comparison: Comparison,
    settings: Mapping[str, str] | None = None,
    title: str = "Comparison of channels and networks",
) -> None:
    """Write tables and the figure of a comparison as one HTML file; OutputError when it can't be written."""
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(_summary(comparison))}</p>",
        "<h2>IoU by channel combination</h2>",
        _figure(comparison),
    ]
    for model, description in comparison.models.items():
        body += [f"<h2>{escape(model)}</h2>", f'<p class="note">{escape(description)}</p>']
        body += _model_tables(comparison.of(model))
    body += ["<h2>Classical detector</h2>", *_classical(comparison.classical)]
    body += ["<h2>How it was judged</h2>", f'<p class="note">{escape(_rules(comparison))}</p>']
    if settings:
        body += ["<h2>Inputs and settings</h2>", table(("Setting", "Value"), list(settings.items()))]
    write_page(path, title, body, _STYLE)


def _summary(comparison: Comparison) -> str:
    rows = [row for row in (*comparison.rows, *comparison.classical) if row.scores is not None]
    served = [row for row in rows if row in comparison.rows and row.scores is not None]
    if not rows or rows[0].scores is None:
        return f"{comparison.tiles} test tiles; no network could be judged."
    widest = max((row.scores for row in rows if row.scores is not None), key=lambda scores: scores.mapped_km2)
    text = f"{comparison.tiles} test tiles with {widest.objects.true_count} true areas on "
    text += f"{ground_size(widest.mapped_km2)}."
    known = [row for row in served if row.scores is not None and math.isfinite(row.scores.figures["iou"].value)]
    if known:
        best = max(known, key=_iou)
        text += f" The highest IoU, {100 * _iou(best):.1f} %, has {combination_label(best.combination)} ({best.model})."
    return text


def _iou(row: ComparisonRow) -> float:
    return math.nan if row.scores is None else row.scores.figures["iou"].value


def _figure(comparison: Comparison) -> str:
    """Bars of IoU by combination, one of each network, as in Fig. 5 of the paper; the classical detector as lines."""
    names = [*COMBINATIONS]
    if any(row.combination == EVERYTHING for row in comparison.rows):
        names.append(EVERYTHING)
    series = []
    for model in comparison.models:
        rows = {row.combination: row for row in comparison.of(model)}
        series.append((model, [_bar(rows.get(name)) for name in names]))
    levels = [(row.model, 100 * _iou(row)) for row in comparison.classical]
    return grouped_bars([_axis_label(name) for name in names], series, "IoU (%)", levels)


def _axis_label(combination: str) -> str:
    """The channels below each other."""
    if combination == EVERYTHING:
        return "everything\nthe model\ntakes"
    return "\n".join(_SHORT.get(kind, kind.label) for kind in COMBINATIONS[combination])


_SHORT = {ChannelKind.PHASE_RATE: "phase rate", ChannelKind.LOS_RATE: "LOS rate"}


def _bar(row: ComparisonRow | None) -> Bar:
    if row is None or row.scores is None:
        return Bar(math.nan)
    figure = row.scores.figures["iou"]
    return Bar(100 * figure.value, 100 * figure.low, 100 * figure.high, f"({shown(figure, 'iou')} %)")


def _model_tables(rows: Sequence[ComparisonRow]) -> list[str]:
    """The pixel scores as in the paper's tables, the scores of areas, and what couldn't be served."""
    pixel_rows, area_rows, reasons = [], [], []
    for row in rows:
        label = combination_label(row.combination)
        pixel_rows.append([label, *_cells(row, _SHOWN)])
        area_rows.append([label, *_cells(row, _AREAS), "–" if row.scores is None else f"{100 * row.coverage:.0f}"])
        if row.scores is None:
            reasons.append(f"{label}: the model {row.reason}.")
    parts = [
        table(["Channels", *_heads(_SHOWN)], pixel_rows, range(1, 5)),
        "<p></p>",
        table(["Channels", *_heads(_AREAS), "Ground with a rate (%)"], area_rows, range(1, 5)),
    ]
    return [*parts, bullet_list(reasons)] if reasons else parts


def _heads(keys: Sequence[str]) -> list[str]:
    return [f"{FIGURES[key].label} ({FIGURES[key].unit})" for key in keys]


def _cells(row: ComparisonRow, keys: Sequence[str]) -> list[str]:
    return ["–" if row.scores is None else shown(row.scores.figures[key], key) for key in keys]


def _classical(rows: Sequence[ComparisonRow]) -> list[str]:
    if not rows:
        return ['<p class="none">The tiles hold no rate that the classical detector could use.</p>']
    keys = (*_SHOWN, *_AREAS)
    body = [[f"{row.model}: {row.combination}", *_cells(row, keys)] for row in rows]
    return [
        table(["Detector", *_heads(_SHOWN)], [line[:5] for line in body], range(1, 5)),
        "<p></p>",
        table(["Detector", *_heads(_AREAS)], [[line[0], *line[5:]] for line in body], range(1, 4)),
    ]


def _rules(comparison: Comparison) -> str:
    ground = (
        "Each combination was judged where it has a rate itself."
        if comparison.own_ground
        else "All rows were judged on the same pixels, those with any rate: where a combination has no rate, its areas "
        "are missed."
    )
    tuned = "on other tiles" if comparison.tuned_apart else "on these very tiles, which favours it"
    return (
        f"In brackets: 95 % confidence intervals, Wilson's for areas, otherwise a bootstrap over {comparison.drawn} "
        f"(seed {comparison.seed}). IoU, precision, recall and F1 compare pixels of areas, found by the thresholds and "
        "the smallest size in each model's card, in one confusion matrix. A found and a true area match from an "
        f"intersection over union of 0.3 on. {ground} The tuned classical detector has the setting of the highest IoU "
        f"{tuned}. The layout follows Tables 5 and 6 and Fig. 5 of Wu et al. (2024), Remote Sens. 16, "
        "1090; all numbers are of the tiles judged here."
    )


def write_comparison_csv(path: PathLike, comparison: Comparison) -> None:
    """Write one row for each network and combination, shares as shares of 1; OutputError when it can't be written."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = [f"{key}{end}" for key in FIGURES for end in ("", "_low", "_high")]
    counts = ["true_positive", "false_positive", "false_negative", "true_negative"]
    objects = ["true_count", "matched_true", "found_count", "matched_found"]
    writer.writerow(["model", "combination", *figures, *counts, *objects, "mapped_km2", "coverage", "reason"])
    for row in (*comparison.rows, *comparison.classical):
        scores = row.scores
        if scores is None:
            empty = [""] * (len(figures) + len(counts) + len(objects) + 2)
            writer.writerow([row.model, row.combination, *empty, row.reason])
            continue
        values = [f"{value:.6g}" if math.isfinite(value) else "" for key in FIGURES for value in scores.figures[key]]
        pixels = [getattr(scores.confusion, name) for name in counts]
        areas = [getattr(scores.objects, name) for name in objects]
        ground = [f"{scores.mapped_km2:.6g}", f"{row.coverage:.4g}"]
        writer.writerow([row.model, row.combination, *values, *pixels, *areas, *ground, ""])
    write_text(path, text.getvalue())
