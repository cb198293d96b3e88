"""The report of a training: curves of loss and accuracy, figures beside the classical detector, data, settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..models import ModelCard
from ..reports import COLOURS, Frame, bullet_list, legend, number, round_step, svg, table, write_page
from ..types import PathLike

_WIDTH, _HEIGHT = 900.0, 300.0
_SCORES = (
    ("iou", "IoU", 100.0),
    ("precision", "Precision", 100.0),
    ("recall", "Recall", 100.0),
    ("object_recall", "Areas found", 100.0),
    ("object_precision", "Found areas right", 100.0),
    ("false_alarms_per_100_km2", "False alarms per 100 km²", 1.0),
    ("true_areas", "True areas", 1.0),
)


def write_training_report(
    path: PathLike, card: ModelCard, notes: Sequence[str] = (), settings: Mapping[str, str] | None = None
) -> None:
    """Write the training of a card that ``train_model`` made as one HTML file; OutputError when it can't be written.

    ``notes`` are what the user should look at; ``settings`` are shown as they are, name and value.
    """
    facts = card.training
    body = [
        f"<h1>Training of {escape(card.name)}</h1>",
        f"<p>{escape(_summary(card))}</p>",
        "<h2>Accuracy</h2>",
        _scores_tables(facts.get("judged", {})),
        f"<p>{escape(_classical(facts.get('classical', {})))}</p>",
        *_fine_tuning(facts.get("fine_tuning")),
        "<h2>Curves</h2>",
        *curves(facts.get("history", [])),
        "<h2>Notes</h2>",
        bullet_list(notes),
        "<h2>Data</h2>",
        _data(facts),
        "<h2>Model</h2>",
        table(("What", "Value"), _model_rows(card)),
        "<h2>Settings</h2>",
        table(("Setting", "Value"), list({**(settings or {}), **_options(facts)}.items())),
    ]
    write_page(path, f"Training of {card.name}", body)


def _summary(card: ModelCard) -> str:
    facts = card.training
    return (
        f"A {card.architecture} network on {', '.join(card.band_names)} learned from {facts.get('samples', 0)} tiles "
        f"in {facts.get('steps', 0)} steps and {facts.get('minutes', 0):g} minutes. {facts.get('data', '')}"
    )


def _scores_tables(judged: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    parts = []
    head = ("Judged", *(title + (" (%)" if factor == 100 else "") for _, title, factor in _SCORES))
    for name, contestants in judged.items():
        rows = [
            (who, *(number(factor * values.get(key, math.nan), 3) for key, _, factor in _SCORES))
            for who, values in contestants.items()
        ]
        parts += [f"<h3>On {escape(name)}</h3>", table(head, rows, range(1, len(head)))]
    return "\n".join(parts) or '<p class="none">Nothing was judged.</p>'


def _classical(choice: Mapping[str, Any]) -> str:
    if not choice:
        return ""
    layer = str(choice["layer"]).replace("_", " ").replace("los", "LOS")
    slope = "with" if choice["slope_rule"] else "without"
    return (
        f"The classical detector looks at the {layer} beyond {choice['sigma']:g} robust standard deviations, {slope} "
        "the slope rule: what did best on the validation tiles. A found and a true area match from an intersection "
        "over union of 0.3 on."
    )


def _fine_tuning(facts: Mapping[str, Any] | None) -> list[str]:
    if not facts:
        return []
    rows = [
        (
            f"{100 * line['share']:.0f} %",
            number(100 * line["own_iou"], 3),
            number(100 * line["simulated_iou"], 3),
            number(line["threshold"]),
            "chosen" if line["share"] == facts["chosen_share"] else "",
        )
        for line in facts["candidates"]
    ]
    start = facts["start"]
    kept = "The starting weights were kept." if facts["chosen_share"] == 0 else ""
    settled = "Thresholds and calibration are those of the model it started from."
    if facts["recalibrated"]:
        settled = "Thresholds and calibration are chosen anew."
    elif facts["chosen_share"]:
        settled = "Thresholds are those of the model it started from; it was calibrated anew on simulated tiles."
    return [
        "<h2>Fine-tuning</h2>",
        f"<p>Started from {escape(start['name'])}, version {escape(start['version'])}. Of the mixtures of starting and "
        "tuned weights, the one that does best on the own validation tiles was taken, among those that lose little on "
        f"the simulated ones. {kept} {settled}</p>",
        table(
            ("Tuned share", "IoU on own validation tiles (%)", "IoU on simulated ones (%)", "At threshold", ""),
            rows,
            range(1, 4),
        ),
    ]


def curves(history: Sequence[Mapping[str, float | None]]) -> list[str]:
    """Loss and validation IoU against steps, as two drawings."""
    if not history:
        return ['<p class="none">There was no evaluation.</p>']
    columns = {
        key: [math.nan if line[key] is None else float(line[key] or 0.0) for line in history]
        for key in ("step", "loss", "iou", "best_iou")
    }
    drawings = [_chart(columns["step"], [("mean training loss", columns["loss"])], "Loss", None)]
    if any(math.isfinite(value) for value in columns["best_iou"]):
        series = [
            ("at the threshold that suits best", columns["best_iou"]),
            ("at a probability of 0.5", columns["iou"]),
        ]
        drawings.append(_chart(columns["step"], series, "IoU on validation tiles", 1.0))
    return drawings


def _chart(
    steps: Sequence[float], series: Sequence[tuple[str, Sequence[float]]], title: str, most: float | None
) -> str:
    highest = max(value for _, values in series for value in values if math.isfinite(value))
    if most is None:
        unit = round_step(max(highest, 1e-6), 4)
        most = unit * math.ceil(highest / unit) or 1.0
    frame = Frame(_WIDTH, _HEIGHT, (0.0, max(steps)), (0.0, most), top=34)
    parts = frame.axes("Steps", title)
    for colour, (name, values) in zip(COLOURS, series):
        parts.append(frame.curve(steps, values, colour))
        parts += [frame.mark(x, y, colour, f"{name}, step {x:.0f}: {y:.3f}", 3) for x, y in zip(steps, values)]
    entries = [(colour, name) for colour, (name, _) in zip(COLOURS, series)]
    parts += legend(entries, frame.left, 8, 260)
    return svg(_WIDTH, _HEIGHT, parts, title)


def _data(facts: Mapping[str, Any]) -> str:
    rows = [
        (
            f"sample set {samples['folder']}",
            ", ".join(samples["scenes"]),
            *(str(samples["tiles"][role]) for role in ("training", "validation", "test")),
        )
        for samples in facts.get("sample_sets", [])
    ]
    terrain = facts.get("terrain")
    if terrain:
        parts = [", ".join(terrain[role]) for role in ("training", "validation", "test")]
        share = f"{100 * facts.get('simulated_share', 1):g} % of the tiles"
        rows.append(("simulated, terrain", share, *parts))
    return table(("Source", "Of", "Training", "Validation", "Test"), rows)


def _model_rows(card: ModelCard) -> list[tuple[str, str]]:
    return [
        ("Name", f"{card.name}, version {card.version}"),
        ("Licence", card.licence or "not stated"),
        ("Network", card.architecture),
        ("Pixel size", f"{card.pixel_size:g} m"),
        ("Tiles", f"{card.tile_size} pixels"),
        ("Thresholds", f"{card.threshold:g}, lower {card.low_threshold:g}"),
        ("Smallest area", f"{card.min_area:g} m²"),
        *(
            (channel.kind.label, f"{channel.unit}, {'may be missing' if channel.optional else 'needed'}")
            for channel in card.channels
        ),
    ]


def _options(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name.replace("_", " "): str(value) for name, value in facts.get("options", {}).items() if value is not None}
