"""The accuracy of found areas as an HTML report and as a table (CSV) of all figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..reports import (
    COLOURS,
    Drawing,
    PlotFrame,
    Words,
    legend,
    significant,
    svg,
    svg_line,
    words,
    write_csv,
    write_page,
)
from ..texts import Message, Translate
from ..types import PathLike
from .area_map import area_map
from .assessment import Assessment, Judgement
from .calibration import Reliability, ThresholdCurve
from .figures import DOWNHILL, FIGURES, figure_text, ground_size
from .scores import PixelScores, wilson_interval

CSV_HEAD = ("section", "detector", "class", "figure", "value", "low", "high", "unit")


def write_accuracy_report(
    path: PathLike,
    assessment: Assessment,
    settings: Mapping[str, str] | None = None,
    translate: Translate = str,
) -> None:
    """Write everything of an assessment as one HTML file; ``settings`` are shown as they are, name and value.

    The file appears under its name only when complete. Raises OutputError when it can't be written.
    """
    tr = words(translate)
    options = assessment.options
    write_page(
        path,
        "accuracy/report.html",
        translate,
        summary=_summary(assessment, tr),
        detectors=[_capitalised(tr(judgement.scores.name)) for judgement in assessment.judgements],
        figures=_figures(assessment),
        rules={
            "min_iou": f"{options.min_iou:g}",
            "regions": assessment.found.scores.regions,
            "kilometres": f"{options.region_metres / 1000:g}",
            "seed": options.seed,
        },
        has_classical=assessment.classical is not None,
        has_downhill=any(judgement.scores.name == DOWNHILL for judgement in assessment.judgements),
        map=area_map(assessment, assessment.found.areas, tr),
        strata=_strata(assessment, tr),
        **_probability(assessment, tr),
        notes=assessment.notes,
        settings=settings,
    )


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _summary(assessment: Assessment, tr: Words) -> dict[str, Any]:
    scores, grid = assessment.found.scores, assessment.grid
    objects = scores.objects
    ground = tr("unknown ground")
    if math.isfinite(scores.mapped_km2):
        ground = tr("{size} of mapped ground", size=ground_size(scores.mapped_km2))
    return {
        "matched_true": objects.matched_true,
        "true": objects.true_count,
        "matched_found": objects.matched_found,
        "found": objects.found_count,
        "ground": ground,
        "columns": grid.width,
        "rows": grid.height,
        "pixel": f"{grid.pixel_size:.4g}",
    }


def _figures(assessment: Assessment) -> list[list[str]]:
    rows = [
        [
            kind.label,
            kind.unit,
            *(figure_text(judgement.scores.figures[key], key) for judgement in assessment.judgements),
        ]
        for key, kind in FIGURES.items()
    ]
    for name, pick in _COUNTS:
        rows.append([name, "", *(f"{pick(judgement)}" for judgement in assessment.judgements)])
    return rows


_COUNTS = (
    (Message("Pixels: true positive"), lambda judgement: judgement.scores.confusion.true_positive),
    (Message("Pixels: false positive"), lambda judgement: judgement.scores.confusion.false_positive),
    (Message("Pixels: false negative"), lambda judgement: judgement.scores.confusion.false_negative),
    (Message("True areas: found / all"), lambda j: f"{j.scores.objects.matched_true} / {j.scores.objects.true_count}"),
    (
        Message("Found areas: true / all"),
        lambda j: f"{j.scores.objects.matched_found} / {j.scores.objects.found_count}",
    ),
)


def _strata(assessment: Assessment, tr: Words) -> list[dict[str, Any]]:
    """One table for each property."""
    names = [judgement.scores.name for judgement in assessment.judgements]
    head = [tr("Class"), tr("True areas")]
    for name in map(tr, names):
        head += [tr("Recall, {name} (%)", name=name), tr("Areas, {name}", name=name)]
        head += [tr("Precision, {name} (%)", name=name)]
    tables = []
    for title in dict.fromkeys(stratum.classes.title for stratum in assessment.found.strata):
        told = tr(title)
        rows = _strata_rows(assessment, title)
        tables.append({"property": told[:1].lower() + told[1:], "head": head, "rows": rows})
    return tables


def _strata_rows(assessment: Assessment, title: str) -> list[list[str]]:
    classes = [
        {stratum.label: stratum.objects for stratum in judgement.strata if stratum.classes.title == title}
        for judgement in assessment.judgements
    ]
    rows = []
    for label in dict.fromkeys(label for by_label in classes for label in by_label):
        own = [by_label.get(label) for by_label in classes]
        row = [label, str(next((objects.true_count for objects in own if objects is not None), 0))]
        for objects in own:
            row += (
                ["–", "0", "–"]
                if objects is None
                else [
                    _share(objects.matched_true, objects.true_count),
                    str(objects.found_count),
                    _share(objects.matched_found, objects.found_count),
                ]
            )
        rows.append(row)
    return rows


def _share(part: int, whole: int) -> str:
    """A share in percent with Wilson's interval."""
    if not whole:
        return "–"
    low, high = wilson_interval(part, whole)
    return f"{100 * part / whole:.0f} ({100 * low:.0f}–{100 * high:.0f})"


def _probability(assessment: Assessment, tr: Words) -> dict[str, Any]:
    """Reliability and the choice of the threshold; ``probability`` is empty where no raster was given."""
    reliability, curve = assessment.reliability, assessment.curve
    if reliability is None or curve is None:
        return {"probability": {}}
    return {
        "probability": {
            "brier": significant(reliability.brier, 3),
            "calibration_error": significant(reliability.calibration_error, 3),
            "pixels": sum(reliability.pixels),
        },
        "reliability": reliability_chart(reliability, tr),
        "threshold": _threshold_text(curve, assessment.threshold),
        "thresholds": threshold_chart(curve, assessment.threshold, tr),
    }


def _threshold_text(curve: ThresholdCurve, chosen: float | None) -> str:
    best = curve.best
    if not math.isfinite(best):
        return Message("No pixel is true here, so no threshold can be told from another.")
    text = Message(
        "Pixel by pixel, IoU is highest at a probability of {best:g} ({scores})",
        best=best,
        scores=_percent(curve.at(best)),
    )
    if chosen is not None:
        text = Message(
            "{text}; the areas here need a pixel of {chosen:g} ({scores})",
            text=text,
            chosen=chosen,
            scores=_percent(curve.at(chosen)),
        )
    return Message(
        "{text}. Areas also follow a lower threshold and a smallest size, so their own figures above may differ.",
        text=text,
    )


def _percent(scores: PixelScores) -> Message:
    iou, precision, recall = (
        f"{100 * share:.1f} %" if math.isfinite(share) else "–"
        for share in (scores.iou, scores.precision, scores.recall)
    )
    return Message("IoU {iou}, precision {precision}, recall {recall}", iou=iou, precision=precision, recall=recall)


def reliability_chart(reliability: Reliability, tr: Words) -> Drawing:
    """Observed share against predicted probability, and below how many pixels each bin holds (logarithmic)."""
    plot = PlotFrame(900, 360, (0, 1), (0, 1), left=200, right=200)
    parts = plot.axes(tr("Predicted probability (mean of the bin)"), tr("Share of pixels that are true"))
    parts.append(plot.curve((0, 1), (0, 1), "#888", dashed=True))
    mean, observed = reliability.mean_probability, reliability.observed
    parts.append(plot.curve(mean, observed, COLOURS[0]))
    for x, y, pixels in zip(mean, observed, reliability.pixels):
        title = tr("predicted {mean:.3f}, observed {share:.3f}, {count} pixels", mean=x, share=y, count=pixels)
        parts.append(plot.mark(x, y, COLOURS[0], title))
    parts += legend([(COLOURS[0], tr("observed")), ("#888", tr("perfect"))], 720, 30, 160, 1)
    highest = math.ceil(math.log10(max(*reliability.pixels, 10)))
    counts = PlotFrame(900, 170, (0, 1), (0, highest), left=200, right=200)
    bars = counts.axes(tr("Predicted probability (bin)"), tr("Pixels (log₁₀)"))
    for index, pixels in enumerate(reliability.pixels):
        if pixels:
            title = tr("{count} pixels", count=pixels)
            bars.append(counts.column(index / 10, (index + 1) / 10, math.log10(pixels), COLOURS[4], title))
    charts = (svg(900, 360, parts, tr("Reliability diagram")), svg(900, 170, bars, tr("Pixels by probability")))
    return Drawing("".join(charts))


def threshold_chart(curve: ThresholdCurve, chosen: float | None, tr: Words) -> Drawing:
    """IoU and F1 against the threshold, the chosen and the best one marked."""
    plot = PlotFrame(900, 360, (0, 1), (0, 100))
    parts = plot.axes(tr("Threshold of probability"), tr("Pixel score (%)"))
    for index, name in enumerate(("iou", "f1")):
        values = [100 * getattr(score, name) for score in curve.scores]
        parts.append(plot.curve(curve.thresholds, values, COLOURS[index]))
    entries = [(COLOURS[0], "IoU"), (COLOURS[1], "F1")]
    marks = [(tr("best"), curve.best, COLOURS[2])]
    if chosen is not None:
        marks.append((tr("chosen"), chosen, COLOURS[5]))
    for name, threshold, colour in marks:
        if math.isfinite(threshold):
            x = plot.x(threshold)
            parts.append(svg_line(x, plot.y(0), x, plot.y(100), colour, 1.5))
            parts.append(plot.mark(threshold, 100 * curve.at(threshold).iou, colour, f"{name}: {threshold:g}"))
            entries.append((colour, f"{name}: {threshold:g}"))
    parts += legend(entries, plot.x(0) + 10, plot.y(100) + 6, 110, 4)
    return svg(900, 360, parts, tr("Scores by threshold"))


def write_accuracy_csv(path: PathLike, assessment: Assessment) -> None:
    """Write all figures, one a row under CSV_HEAD, shares as shares of 1; OutputError when it can't be written."""
    write_csv(path, [CSV_HEAD, *([_cell(cell) for cell in row] for row in _rows(assessment))])


def _cell(value: object) -> object:
    """Plain numbers; nothing where a number is unknown."""
    if not isinstance(value, (float, np.floating)):
        return value
    return f"{value:.6g}" if math.isfinite(value) else ""


def _rows(assessment: Assessment) -> Iterator[Sequence[object]]:
    for judgement in assessment.judgements:
        yield from _detector_rows(judgement)
    reliability, curve = assessment.reliability, assessment.curve
    if reliability is None or curve is None:
        return
    yield "reliability", "probability", "all", "brier", reliability.brier, "", "", "1"
    yield "reliability", "probability", "all", "calibration_error", reliability.calibration_error, "", "", "1"
    for index, pixels in enumerate(reliability.pixels):
        label = f"{index / 10:.1f}–{(index + 1) / 10:.1f}"
        yield "reliability", "probability", label, "pixels", pixels, "", "", "pixels"
        yield "reliability", "probability", label, "predicted", reliability.mean_probability[index], "", "", "1"
        yield "reliability", "probability", label, "observed", reliability.observed[index], "", "", "1"
    if assessment.threshold is not None:
        yield "threshold", "probability", "all", "chosen", assessment.threshold, "", "", "1"
    yield "threshold", "probability", "all", "best", curve.best, "", "", "1"
    for threshold, scores in zip(curve.thresholds, curve.scores):
        for name in ("iou", "precision", "recall", "f1"):
            yield "threshold", "probability", f"{threshold:.2f}", name, getattr(scores, name), "", "", "1"


def _detector_rows(judgement: Judgement) -> Iterator[Sequence[object]]:
    scores = judgement.scores
    for key, figure in scores.figures.items():
        unit = "1" if FIGURES[key].unit == "%" else FIGURES[key].unit
        yield "figures", scores.name, "all", key, figure.value, figure.low, figure.high, unit
    for name, value in vars(scores.confusion).items():
        yield "figures", scores.name, "all", name, value, "", "", "pixels"
    for name, value in vars(scores.objects).items():
        yield "figures", scores.name, "all", name, value, "", "", "areas"
    yield "figures", scores.name, "all", "mapped_km2", scores.mapped_km2, "", "", "km²"
    yield "figures", scores.name, "all", "regions", scores.regions, "", "", "regions"
    for stratum in judgement.strata:
        section, objects = f"by {stratum.classes.key}", stratum.objects
        yield section, scores.name, stratum.label, "true_count", objects.true_count, "", "", "areas"
        yield section, scores.name, stratum.label, "found_count", objects.found_count, "", "", "areas"
        for name, part, whole in (
            ("object_recall", objects.matched_true, objects.true_count),
            ("object_precision", objects.matched_found, objects.found_count),
        ):
            ends = wilson_interval(part, whole) if whole else (math.nan, math.nan)
            yield section, scores.name, stratum.label, name, part / whole if whole else math.nan, *ends, "1"
