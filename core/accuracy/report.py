"""The accuracy of found areas as an HTML report and as a table (CSV) of all figures."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

import numpy as np

from ..files import write_text
from ..reports import COLOURS, Frame, bullet_list, legend, number, svg, svg_line, table, write_page
from ..types import PathLike
from .area_map import area_map
from .assessment import Assessment, Judgement
from .calibration import Reliability, ThresholdCurve
from .figures import FIGURES, ground_size, shown
from .scores import PixelScores, wilson_interval

CSV_HEAD = ("section", "detector", "class", "figure", "value", "low", "high", "unit")
_STYLE = "p.note { color: #555; font-size: 14px; } td { vertical-align: top; } td:nth-child(2) { white-space: normal; }"


def write_accuracy_report(
    path: PathLike,
    assessment: Assessment,
    settings: Mapping[str, str] | None = None,
    title: str = "Accuracy of active deformation areas",
) -> None:
    """Write everything of an assessment as one HTML file; ``settings`` are shown as they are, name and value.

    The file appears under its name only when complete. Raises OutputError when it can't be written.
    """
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(_summary(assessment))}</p>",
        "<h2>Figures</h2>",
        _figures(assessment),
        f'<p class="note">{escape(_rules(assessment))}</p>',
        "<h2>Map</h2>",
        area_map(assessment, assessment.found.areas),
        *_strata(assessment),
        *_probability(assessment),
        "<h2>Notes</h2>",
        bullet_list(assessment.notes),
    ]
    if settings:
        body += ["<h2>Inputs and settings</h2>", table(("Setting", "Value"), list(settings.items()))]
    write_page(path, title, body, _STYLE)


def _summary(assessment: Assessment) -> str:
    scores, grid = assessment.found.scores, assessment.grid
    objects = scores.objects
    ground = (
        f"{ground_size(scores.mapped_km2)} of mapped ground" if math.isfinite(scores.mapped_km2) else "unknown ground"
    )
    return (
        f"{objects.matched_true} of {objects.true_count} true areas were found, and {objects.matched_found} of "
        f"{objects.found_count} found areas are true, on {ground} ({grid.width} × {grid.height} pixels of "
        f"{grid.pixel_size:.4g} m)."
    )


def _figures(assessment: Assessment) -> str:
    head = ["Figure", "Unit", *(judgement.scores.name.capitalize() for judgement in assessment.judgements)]
    rows = [
        [kind.label, kind.unit, *(shown(judgement.scores.figures[key], key) for judgement in assessment.judgements)]
        for key, kind in FIGURES.items()
    ]
    for name, pick in _COUNTS:
        rows.append([name, "", *(f"{pick(judgement)}" for judgement in assessment.judgements)])
    return table(head, rows, range(2, len(head)))


_COUNTS = (
    ("Pixels: true positive", lambda judgement: judgement.scores.confusion.true_positive),
    ("Pixels: false positive", lambda judgement: judgement.scores.confusion.false_positive),
    ("Pixels: false negative", lambda judgement: judgement.scores.confusion.false_negative),
    ("True areas: found / all", lambda j: f"{j.scores.objects.matched_true} / {j.scores.objects.true_count}"),
    ("Found areas: true / all", lambda j: f"{j.scores.objects.matched_found} / {j.scores.objects.found_count}"),
)


def _rules(assessment: Assessment) -> str:
    options = assessment.options
    classical = (
        " The classical detector (ADAfinder's rule at 4 standard deviations) was judged on the same ground."
        if assessment.classical is not None
        else " The classical detector is missing here: it needs a LOS rate."
    )
    return (
        "In brackets: 95 % confidence intervals. IoU, precision, recall and F1 compare pixels, all in one confusion "
        f"matrix. A found and a true area match when their intersection over union is at least {options.min_iou:g}. "
        "A true area is found when any found area matches it; a found area is true when it matches any true one. "
        "Found areas that match none but touch ignored ground don't count, nor do areas "
        "mostly outside the mapped ground. "
        "Intervals: Wilson for area recall and precision, otherwise a block bootstrap over "
        f"{assessment.found.scores.regions} regions of {options.region_metres / 1000:g} km (seed {options.seed})."
        + classical
    )


def _strata(assessment: Assessment) -> list[str]:
    """One table for each property."""
    parts: list[str] = []
    titles = list(dict.fromkeys(stratum.classes.title for stratum in assessment.found.strata))
    for title in titles:
        parts += [f"<h2>By {escape(title[0].lower() + title[1:] if title[:2] != 'LO' else title)}</h2>"]
        parts.append(_strata_table(assessment, title))
    return parts


def _strata_table(assessment: Assessment, title: str) -> str:
    names = [judgement.scores.name for judgement in assessment.judgements]
    head = ["Class", "True areas"]
    for name in names:
        head += [f"Recall, {name} (%)", f"Areas, {name}", f"Precision, {name} (%)"]
    classes = {
        name: {s.label: s.objects for s in judgement.strata if s.classes.title == title}
        for name, judgement in zip(names, assessment.judgements)
    }
    labels = list(dict.fromkeys(label for by_label in classes.values() for label in by_label))
    rows = []
    for label in labels:
        own = [classes[name].get(label) for name in names]
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
    return table(head, rows, range(1, len(head)))


def _share(part: int, whole: int) -> str:
    """A share in percent with Wilson's interval."""
    if not whole:
        return "–"
    low, high = wilson_interval(part, whole)
    return f"{100 * part / whole:.0f} ({100 * low:.0f}–{100 * high:.0f})"


def _probability(assessment: Assessment) -> list[str]:
    """Reliability and the choice of the threshold."""
    parts = ["<h2>Do the probabilities mean what they say?</h2>"]
    reliability, curve = assessment.reliability, assessment.curve
    if reliability is None or curve is None:
        return [*parts, '<p class="none">No probability raster was given.</p>']
    parts.append(
        f"<p>Brier score {number(reliability.brier, 3)}, expected calibration error "
        f"{number(reliability.calibration_error, 3)} (both 0 at best), over {sum(reliability.pixels)} pixels.</p>"
    )
    parts.append(reliability_chart(reliability))
    parts.append("<h2>Choice of the threshold</h2>")
    parts.append(f"<p>{escape(_threshold_text(curve, assessment.threshold))}</p>")
    parts.append(threshold_chart(curve, assessment.threshold))
    return parts


def _threshold_text(curve: ThresholdCurve, chosen: float | None) -> str:
    best = curve.best
    if not math.isfinite(best):
        return "No pixel is true here, so no threshold can be told from another."
    text = f"Pixel by pixel, IoU is highest at a probability of {best:g} ({_percent(curve.at(best))})"
    if chosen is not None:
        text += f"; the areas here need a pixel of {chosen:g} ({_percent(curve.at(chosen))})"
    return text + ". Areas also follow a lower threshold and a smallest size, so their own figures above may differ."


def _percent(scores: PixelScores) -> str:
    shares = (("IoU", scores.iou), ("precision", scores.precision), ("recall", scores.recall))
    return ", ".join(f"{name} {100 * share:.1f} %" if math.isfinite(share) else f"{name} –" for name, share in shares)


def reliability_chart(reliability: Reliability) -> str:
    """Observed share against predicted probability, and below how many pixels each bin holds (logarithmic)."""
    frame = Frame(900, 360, (0, 1), (0, 1), left=200, right=200)
    parts = frame.axes("Predicted probability (mean of the bin)", "Share of pixels that are true")
    parts.append(frame.curve((0, 1), (0, 1), "#888", dashed=True))
    mean, observed = reliability.mean_probability, reliability.observed
    parts.append(frame.curve(mean, observed, COLOURS[0]))
    for x, y, pixels in zip(mean, observed, reliability.pixels):
        parts.append(frame.mark(x, y, COLOURS[0], f"predicted {x:.3f}, observed {y:.3f}, {pixels} pixels"))
    parts += legend([(COLOURS[0], "observed"), ("#888", "perfect")], 720, 30, 160, 1)
    counts = Frame(900, 170, (0, 1), (0, math.ceil(math.log10(max(*reliability.pixels, 10)))), left=200, right=200)
    bars = counts.axes("Predicted probability (bin)", "Pixels (log₁₀)")
    for index, pixels in enumerate(reliability.pixels):
        if pixels:
            left, right, top = counts.x(index / 10), counts.x((index + 1) / 10), counts.y(math.log10(pixels))
            bars.append(
                f'<rect x="{left + 1:.1f}" y="{top:.1f}" width="{right - left - 2:.1f}" '
                f'height="{counts.y(0) - top:.1f}" fill="{COLOURS[4]}"><title>{pixels} pixels</title></rect>'
            )
    return svg(900, 360, parts, "Reliability diagram") + svg(900, 170, bars, "Pixels by probability")


def threshold_chart(curve: ThresholdCurve, chosen: float | None) -> str:
    """IoU and F1 against the threshold, the chosen and the best one marked."""
    frame = Frame(900, 360, (0, 1), (0, 100))
    parts = frame.axes("Threshold of probability", "Pixel score (%)")
    for index, name in enumerate(("iou", "f1")):
        values = [100 * getattr(score, name) for score in curve.scores]
        parts.append(frame.curve(curve.thresholds, values, COLOURS[index]))
    entries = [(COLOURS[0], "IoU"), (COLOURS[1], "F1")]
    marks = [("best", curve.best, COLOURS[2])]
    if chosen is not None:
        marks.append(("chosen", chosen, COLOURS[5]))
    for name, threshold, colour in marks:
        if math.isfinite(threshold):
            x = frame.x(threshold)
            parts.append(svg_line(x, frame.y(0), x, frame.y(100), colour, 1.5))
            parts.append(frame.mark(threshold, 100 * curve.at(threshold).iou, colour, f"{name}: {threshold:g}"))
            entries.append((colour, f"{name}: {threshold:g}"))
    parts += legend(entries, frame.x(0) + 10, frame.y(100) + 6, 110, 4)
    return svg(900, 360, parts, "Scores by threshold")


def write_accuracy_csv(path: PathLike, assessment: Assessment) -> None:
    """Write all figures, one a row under CSV_HEAD, shares as shares of 1; OutputError when it can't be written."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for row in _rows(assessment):
        writer.writerow([_cell(cell) for cell in row])
    write_text(path, text.getvalue())


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
