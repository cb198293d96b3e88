"""The report of a training: curves of loss and accuracy, figures beside the classical detector, data, settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..models import ModelCard
from ..reports import COLOURS, Drawing, PlotFrame, Words, legend, round_step, significant, svg, words, write_page
from ..texts import Message, Translate
from ..types import PathLike

_WIDTH, _HEIGHT = 900.0, 300.0
_SCORES = (
    ("iou", Message("IoU (%)"), 100.0),
    ("precision", Message("Precision (%)"), 100.0),
    ("recall", Message("Recall (%)"), 100.0),
    ("object_recall", Message("Areas found (%)"), 100.0),
    ("object_precision", Message("Found areas right (%)"), 100.0),
    ("false_alarms_per_100_km2", Message("False alarms per 100 km²"), 1.0),
    ("true_areas", Message("True areas"), 1.0),
)


def write_training_report(
    path: PathLike,
    card: ModelCard,
    notes: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    translate: Translate = str,
) -> None:
    """Write the training of a card that ``train_model`` made as one HTML file; OutputError when it can't be written.

    ``notes`` are what the user should look at; ``settings`` are shown as they are, name and value.
    """
    facts = card.training
    tr = words(translate)
    tuning = facts.get("fine_tuning") or {}
    write_page(
        path,
        "learning/training_report.html",
        translate,
        name=card.name,
        summary={
            "network": card.architecture,
            "channels": ", ".join(card.band_names),
            "tiles": facts.get("samples", 0),
            "steps": facts.get("steps", 0),
            "minutes": facts.get("minutes", 0),
        },
        data_told=facts.get("data", ""),
        judged=_judged(facts.get("judged", {}), tr),
        classical=_classical(facts.get("classical", {})),
        tuning=tuning,
        mixtures=_mixtures(tuning),
        curves=curves(facts.get("history", []), tr),
        notes=notes,
        data=_data(facts, tr),
        model=_model_rows(card, tr),
        settings={**(settings or {}), **_options(facts)},
    )


def _judged(judged: Mapping[str, Mapping[str, Mapping[str, float]]], tr: Words) -> list[dict[str, Any]]:
    """A table of the figures for each ground."""
    head = [tr("Judged"), *(tr(title) for _, title, _ in _SCORES)]
    return [
        {
            "ground": name,
            "head": head,
            "rows": [
                (who, *(significant(factor * values.get(key, math.nan), 3) for key, _, factor in _SCORES))
                for who, values in contestants.items()
            ],
        }
        for name, contestants in judged.items()
    ]


def _classical(choice: Mapping[str, Any]) -> dict[str, Any]:
    if not choice:
        return {}
    return {"min_sensitivity": None, **choice, "layer": str(choice["layer"]).replace("_", " ").replace("los", "LOS")}


def _mixtures(tuning: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """What each mixture of starting and tuned weights scored."""
    return [
        (
            f"{100 * line['share']:.0f} %",
            significant(100 * line["own_iou"], 3),
            significant(100 * line["simulated_iou"], 3),
            significant(line["threshold"]),
            Message("chosen") if line["share"] == tuning["chosen_share"] else "",
        )
        for line in tuning.get("candidates", ())
    ]


def curves(history: Sequence[Mapping[str, float | None]], tr: Words) -> list[Drawing]:
    """Loss and validation IoU against steps, as two drawings; none without an evaluation."""
    if not history:
        return []
    columns = {
        key: [math.nan if line[key] is None else float(line[key] or 0.0) for line in history]
        for key in ("step", "loss", "iou", "best_iou")
    }
    drawings = [_chart(columns["step"], [(tr("mean training loss"), columns["loss"])], tr("Loss"), None, tr)]
    if any(math.isfinite(value) for value in columns["best_iou"]):
        series = [
            (tr("at the threshold that suits best"), columns["best_iou"]),
            (tr("at a probability of 0.5"), columns["iou"]),
        ]
        drawings.append(_chart(columns["step"], series, tr("IoU on validation tiles"), 1.0, tr))
    return drawings


def _chart(
    steps: Sequence[float], series: Sequence[tuple[str, Sequence[float]]], title: str, most: float | None, tr: Words
) -> Drawing:
    highest = max(value for _, values in series for value in values if math.isfinite(value))
    if most is None:
        unit = round_step(max(highest, 1e-6), 4)
        most = unit * math.ceil(highest / unit) or 1.0
    plot = PlotFrame(_WIDTH, _HEIGHT, (0.0, max(steps)), (0.0, most), top=34)
    parts = plot.axes(tr("Steps"), title)
    for colour, (name, values) in zip(COLOURS, series):
        parts.append(plot.curve(steps, values, colour))
        for step, value in zip(steps, values):
            told = tr("{curve}, step {step:.0f}: {value:.3f}", curve=name, step=step, value=value)
            parts.append(plot.mark(step, value, colour, told, 3))
    entries = [(colour, name) for colour, (name, _) in zip(COLOURS, series)]
    parts += legend(entries, plot.left, 8, 260)
    return svg(_WIDTH, _HEIGHT, parts, title)


def _data(facts: Mapping[str, Any], tr: Words) -> list[tuple[str, ...]]:
    rows = [
        (
            tr("sample set {folder}", folder=samples["folder"]),
            ", ".join(samples["scenes"]),
            *(str(samples["tiles"][role]) for role in ("training", "validation", "test")),
        )
        for samples in facts.get("sample_sets", [])
    ]
    terrain = facts.get("terrain")
    if terrain:
        parts = [", ".join(terrain[role]) for role in ("training", "validation", "test")]
        share = tr("{share:g} % of the tiles", share=100 * facts.get("simulated_share", 1))
        rows.append((tr("simulated, terrain"), share, *parts))
    return rows


def _model_rows(card: ModelCard, tr: Words) -> list[tuple[str, str]]:
    return [
        (tr("Name"), tr("{name}, version {version}", name=card.name, version=card.version)),
        (tr("Licence"), card.licence or tr("not stated")),
        (tr("Network"), card.architecture),
        (tr("Pixel size"), f"{card.pixel_size:g} m"),
        (tr("Tiles"), tr("{count} pixels", count=card.tile_size)),
        (tr("Thresholds"), tr("{upper:g}, lower {lower:g}", upper=card.threshold, lower=card.low_threshold)),
        (tr("Smallest area"), f"{card.min_area:g} m²"),
        *(
            (tr(channel.kind.label), f"{channel.unit}, {tr('may be missing') if channel.optional else tr('needed')}")
            for channel in card.channels
        ),
    ]


def _options(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name.replace("_", " "): str(value) for name, value in facts.get("options", {}).items() if value is not None}
