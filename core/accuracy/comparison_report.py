"""A comparison of channel combinations as an HTML report with tables and bars, and as a table (CSV)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..channels import COMBINATIONS, ChannelKind
from ..reports import Bar, Drawing, Words, grouped_bars, words, write_csv, write_page
from ..texts import Message, Translate, joined
from ..types import PathLike
from .comparison import EVERYTHING, Comparison, ComparisonRow
from .figures import FIGURES, figure_text, ground_size

_SHOWN = ("iou", "precision", "recall", "f1")
_AREAS = ("object_recall", "object_precision", "false_alarms")


def combination_label(combination: str) -> str:
    """“phase rate + DEM” for phase_rate+dem."""
    if combination not in COMBINATIONS:
        return combination
    return joined([kind.label for kind in COMBINATIONS[combination]], " + ")


def write_comparison_report(
    path: PathLike,
    comparison: Comparison,
    settings: Mapping[str, str] | None = None,
    translate: Translate = str,
) -> None:
    """Write tables and the figure of a comparison as one HTML file; OutputError when it can't be written."""
    tr = words(translate)
    write_page(
        path,
        "accuracy/comparison_report.html",
        translate,
        summary=_summary(comparison),
        figure=comparison_figure(comparison, translate),
        pixel_heads=_heads(_SHOWN, tr),
        area_heads=_heads(_AREAS, tr),
        models=[
            {"name": model, "description": description, **_model_tables(comparison.of(model))}
            for model, description in comparison.models.items()
        ],
        classical=_classical(comparison.classical),
        drawn=comparison.drawn,
        seed=comparison.seed,
        own_ground=comparison.own_ground,
        tuned_apart=comparison.tuned_apart,
        settings=settings,
    )


def _summary(comparison: Comparison) -> str:
    rows = [row for row in (*comparison.rows, *comparison.classical) if row.scores is not None]
    served = [row for row in rows if row in comparison.rows]
    if not rows:
        return Message("{count} test tiles; no network could be judged.", count=comparison.tiles)
    widest = max((row.scores for row in rows if row.scores is not None), key=lambda scores: scores.mapped_km2)
    text = Message(
        "{tiles} test tiles with {areas} true areas on {ground}.",
        tiles=comparison.tiles,
        areas=widest.objects.true_count,
        ground=ground_size(widest.mapped_km2),
    )
    known = [row for row in served if math.isfinite(_iou(row))]
    if not known:
        return text
    best = max(known, key=_iou)
    return Message(
        "{text} The highest IoU, {iou:.1f} %, has {combination} ({model}).",
        text=text,
        iou=100 * _iou(best),
        combination=combination_label(best.combination),
        model=best.model,
    )


def _iou(row: ComparisonRow) -> float:
    return math.nan if row.scores is None else row.scores.figures["iou"].value


def comparison_figure(comparison: Comparison, translate: Translate = str) -> Drawing:
    """Bars of IoU by combination, one of each network, as in Fig. 5 of the paper; the classical detector as lines.

    A drawing (SVG) that can stand alone.
    """
    tr = words(translate)
    names = [*COMBINATIONS]
    if any(row.combination == EVERYTHING for row in comparison.rows):
        names.append(EVERYTHING)
    series = []
    for model in comparison.models:
        rows = {row.combination: row for row in comparison.of(model)}
        series.append((model, [_bar(rows.get(name)) for name in names]))
    levels = [(tr(row.model), 100 * _iou(row)) for row in comparison.classical]
    return grouped_bars([_axis_label(name, tr) for name in names], series, tr("IoU (%)"), levels)


def _axis_label(combination: str, tr: Words) -> str:
    """The channels below each other."""
    if combination == EVERYTHING:
        return tr("everything\nthe model\ntakes")
    return "\n".join(tr(_SHORT.get(kind, kind.label)) for kind in COMBINATIONS[combination])


_SHORT = {ChannelKind.PHASE_RATE: Message("phase rate"), ChannelKind.LOS_RATE: Message("LOS rate")}


def _bar(row: ComparisonRow | None) -> Bar:
    if row is None or row.scores is None:
        return Bar(math.nan)
    figure = row.scores.figures["iou"]
    return Bar(100 * figure.value, 100 * figure.low, 100 * figure.high, f"({figure_text(figure, 'iou')} %)")


def _model_tables(rows: Sequence[ComparisonRow]) -> dict[str, list[Any]]:
    """The pixel scores as in the paper's tables, the scores of areas, and what couldn't be served."""
    pixels, areas, reasons = [], [], []
    for row in rows:
        label = combination_label(row.combination)
        pixels.append([label, *_cells(row, _SHOWN)])
        areas.append([label, *_cells(row, _AREAS), "–" if row.scores is None else f"{100 * row.coverage:.0f}"])
        if row.scores is None:
            reasons.append(Message("{channels}: the model {reason}.", channels=label, reason=row.reason))
    return {"pixels": pixels, "areas": areas, "reasons": reasons}


def _heads(keys: Sequence[str], tr: Words) -> list[str]:
    return [f"{tr(FIGURES[key].label)} ({tr(FIGURES[key].unit)})" for key in keys]


def _cells(row: ComparisonRow, keys: Sequence[str]) -> list[str]:
    return ["–" if row.scores is None else figure_text(row.scores.figures[key], key) for key in keys]


def _classical(rows: Sequence[ComparisonRow]) -> dict[str, list[Any]]:
    """Nothing where the tiles hold no rate for the classical detector."""
    if not rows:
        return {}
    labels = [Message("{detector}: {setting}", detector=row.model, setting=row.combination) for row in rows]
    return {
        "pixels": [[label, *_cells(row, _SHOWN)] for label, row in zip(labels, rows)],
        "areas": [[label, *_cells(row, _AREAS)] for label, row in zip(labels, rows)],
    }


def write_comparison_csv(path: PathLike, comparison: Comparison) -> None:
    """Write one row for each network and combination, shares as shares of 1; OutputError when it can't be written."""
    figures = [f"{key}{end}" for key in FIGURES for end in ("", "_low", "_high")]
    counts = ["true_positive", "false_positive", "false_negative", "true_negative"]
    objects = ["true_count", "matched_true", "found_count", "matched_found"]
    rows: list[list[object]] = [
        ["model", "combination", *figures, *counts, *objects, "mapped_km2", "coverage", "reason"]
    ]
    for row in (*comparison.rows, *comparison.classical):
        scores = row.scores
        if scores is None:
            empty = [""] * (len(figures) + len(counts) + len(objects) + 2)
            rows.append([row.model, row.combination, *empty, row.reason])
            continue
        values = [f"{value:.6g}" if math.isfinite(value) else "" for key in FIGURES for value in scores.figures[key]]
        pixels = [getattr(scores.confusion, name) for name in counts]
        areas = [getattr(scores.objects, name) for name in objects]
        ground = [f"{scores.mapped_km2:.6g}", f"{row.coverage:.4g}"]
        rows.append([row.model, row.combination, *values, *pixels, *areas, *ground, ""])
    write_csv(path, rows)
