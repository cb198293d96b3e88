"""The model that comes with the plugin: its channels, its terrain, its training; the door for `make train`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..accuracy import ClassicalSetting, Reliability
from ..channels import COMBINATIONS, Channel, ChannelKind, Scaling
from ..errors import AdaMapperError
from ..models import LabelledTile, ModelCard, Network, export_onnx, load_network, read_card
from ..progress import QUIET, Progress
from ..types import PathLike
from .area_calibration import calibration_error, fit_area_calibration, found_areas
from .evaluation import (
    best_classical,
    calibrate,
    choose_thresholds,
    judge,
    judge_classical,
    judged_tiles,
    reliability_of,
)
from .quantisation import quantise, typical_inputs
from .training import TrainingOptions, train
from .warm_start import with_channels_of
from .worlds import JUDGED_TILES, TerrainSplit, Worlds, split_terrain

_EVALUATIONS = 20
"""As many as a training has: none is stopped early, and the weights that scored best are kept."""
_DATA = (
    "simulated tiles only: trained on our simulators, chosen and judged on a second one that it never learned from; "
    "not validated on field data"
)
_DATA_REAL_NOISE = (
    "trained on simulated landslides, a quarter of them in real noise; chosen and judged on landslides of a second "
    "simulator that it never learned from, in simulated and in real noise of other places; not validated on field data"
)


def missing_channels(card: ModelCard) -> dict[str, frozenset[ChannelKind]]:
    """What the model is judged by: all its channels, those without evidence, and the paper's seven combinations.

    Each by its name, with what is missing.
    """
    kinds = frozenset(channel.kind for channel in card.channels)
    full = tuple(channel.kind for channel in card.channels)
    bare = tuple(kind for kind in full if not kind.is_evidence)
    given = {"+".join(kind.value for kind in named): named for named in (full, bare)}
    given.update(COMBINATIONS)
    return {name: kinds - frozenset(combination) for name, combination in given.items()}


def bundled_card(training: Mapping[str, Any] | None = None) -> ModelCard:
    """The card of the model that the plugin ships, before its thresholds are chosen.

    Rates lose their local mean, so that neither the reference point nor a ramp matters. Faster motion than 3 m/yr is
    seen as 3 m/yr, a larger standard error than 100 mm/yr as 100 mm/yr. What is missing is filled with values that no
    ground has, so that it isn't taken for a plain or for noise-free rates.
    """
    kind = ChannelKind
    slope = Scaling("minmax", low=0.0, high=60.0)
    sensitivity = Scaling("minmax", low=-1.0, high=1.0)
    phase_rate = Scaling("asinh", scale=2.0, local_radius=3000.0, local_cells=4, limit=680.0)
    los_rate = Scaling("asinh", scale=10.0, local_radius=3000.0, local_cells=4, limit=3000.0)
    standard_error = Scaling("asinh", scale=1.0, limit=100.0)
    share = Scaling("minmax", low=0.0, high=1.0)
    channels = (
        Channel(kind.PHASE_RATE, "rad/yr", "away", phase_rate, optional=True),
        Channel(kind.LOS_RATE, "mm/yr", "toward", los_rate, optional=True),
        Channel(kind.DEM, "m", "", Scaling("asinh", scale=150.0, local_radius=1500.0, local_cells=4), optional=True),
        Channel(kind.SLOPE, "degree", "", slope, optional=True, fill=-0.5),
        Channel(kind.LOS_SENSITIVITY, "1", "", sensitivity, optional=True, fill=-0.5),
        Channel(kind.STANDARD_ERROR, "mm/yr", "", standard_error, optional=True, fill=-1.0),
        Channel(kind.COHERENCE, "1", "", share, optional=True, fill=-0.5),
        Channel(kind.CLOSURE, "1", "", share, optional=True, fill=-0.5),
    )
    return ModelCard(
        name="ADA Mapper compact",
        version="0.4",
        description=(
            "Active deformation areas of slow landslides from a phase rate, a LOS rate or both, with or without DEM, "
            "slope, LOS sensitivity, standard error, coherence and closure. Trained on simulated rates over real and "
            "generated terrain; not validated on field data."
        ),
        channels=channels,
        min_area=10_000.0,
        training=training or {},
        licence="GPL-2.0-or-later",
    )


def train_bundled(
    worlds: Worlds,
    options: TrainingOptions,
    output: PathLike,
    checkpoint: PathLike | None = None,
    progress: Progress = QUIET,
    start: PathLike | None = None,
) -> ModelCard:
    """Train, choose the weights, calibrate, judge on tiles of their own, write the model; its card.

    ``start`` is a model of the same network whose weights are trained further; it may lack channels.
    """
    card = bundled_card()
    first = None if start is None else with_channels_of(load_network(start), read_card(start), card)
    network, state = train(card, worlds.training(), worlds.choosing(), options, checkpoint, progress, start=first)
    card, facts = finish(network, card, worlds, progress)
    facts = {
        "data": _DATA if worlds.noise_fields is None else _DATA_REAL_NOISE,
        **worlds.facts(),
        "samples": state.step * options.batch_size,
        "minutes": round(state.seconds / 60, 1),
        "options": asdict(options),
        "start": _origin(start) if start else "fresh weights",
        **facts,
        "history": [{key: round(value, 4) for key, value in line.items()} for line in state.history],
    }
    card = replace(card, training=facts)
    export_onnx(network, card, output, half_storage=True)
    quick = Path(output).with_name(f"{Path(output).stem}_int8.onnx")
    quantise(output, typical_inputs(worlds.training(), card), quick, progress=progress)
    progress.info("Written: {output} and {quick}", output=output, quick=quick)
    return card


def _origin(path: PathLike) -> dict[str, Any]:
    """What a card tells of the model that the training started from."""
    card = read_card(path)
    told = {name: card.training.get(name) for name in ("seeds", "samples", "minutes", "start")}
    return {"name": card.name, "version": card.version, **told}


def finish(
    network: Network, card: ModelCard, worlds: Worlds, progress: Progress = QUIET
) -> tuple[ModelCard, dict[str, Any]]:
    """Calibrate a trained network (in place), choose its thresholds, and judge it beside the classical detector.

    Returns the card with its thresholds, and what goes into its ``training``: "judged" is of the first of the sets
    that ``worlds`` judges on, "judged_elsewhere" of the others, by their names.
    """
    sets = missing_channels(card)
    calibrating = worlds.calibrating()
    slope = calibrate(network, card, calibrating, list(sets.values()))
    known = judged_tiles(network, card, calibrating)
    threshold, low_threshold = choose_thresholds(card, known)
    card = replace(card, threshold=threshold, low_threshold=low_threshold)
    card = replace(card, area_calibration=fit_area_calibration(found_areas(card, known)))
    classical = best_classical(calibrating, known)
    judged: dict[str, dict[str, dict[str, float]]] = {}
    facts: dict[str, Any] = {}
    for name, tiles in worlds.test():
        # The paper's combinations are judged on the headline's tiles alone.
        combinations = sets if not judged else dict(list(sets.items())[:2])
        judged[name], reliability = _judged(network, card, tiles, combinations, classical, progress)
        facts.setdefault("reliability", reliability)
    headline, *others = judged
    return card, {
        "calibration": [round(value, 4) for value in slope],
        "judged_tiles": JUDGED_TILES,
        "judged_on": headline,
        "judged": judged[headline],
        "judged_elsewhere": {name: judged[name] for name in others},
        "classical": {**classical.facts, "chosen_on": "validation tiles"},
        **facts,
    }


def _judged(
    network: Network,
    card: ModelCard,
    tiles: Sequence[LabelledTile],
    combinations: Mapping[str, frozenset[ChannelKind]],
    classical: ClassicalSetting,
    progress: Progress,
) -> tuple[dict[str, dict[str, float]], dict[str, list[float | None]] | None]:
    """Scores by combination and of the classical detector; how true the probabilities are with all channels."""
    judged: dict[str, dict[str, float]] = {}
    reliability: Reliability | None = None
    for name, missing in combinations.items():
        answers = judged_tiles(network, card, tiles, missing)
        judged[name] = judge(card, answers)
        progress.info("{name}: {written}", name=name, written=json.dumps(judged[name]))
        if not missing:
            reliability = reliability_of(answers)
            judged["classical detector"] = judge_classical(classical, card, tiles, answers)
            error = calibration_error(card.area_calibration, found_areas(card, answers))
            judged[name]["area_calibration_error"] = round(error, 4)
            progress.info("classical detector: {written}", written=json.dumps(judged["classical detector"]))
    return judged, None if reliability is None else _bins(reliability)


def _bins(reliability: Reliability) -> dict[str, list[float | None]]:
    """The bins for JSON, which knows no NaN."""
    columns = {"mean_probability": reliability.mean_probability, "observed": reliability.observed}
    return {name: [round(value, 4) if value == value else None for value in values] for name, values in columns.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, calibrate, judge and export the bundled model."""
    parser = argparse.ArgumentParser(description="Train the bundled model on simulated tiles.")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, default=85.0)
    budget.add_argument("--steps", type=int, help="batches instead of minutes: the same on a slow or busy machine")
    parser.add_argument("--output", type=Path, required=True, help="the model file to write (.onnx)")
    parser.add_argument("--dems", type=Path, help="a folder of DEMs; without it all terrain is generated")
    parser.add_argument("--validation", nargs="+", default=[], help="beginnings of names of DEMs for thresholds")
    parser.add_argument("--test", nargs="+", default=[], help="beginnings of names of DEMs to judge on")
    parser.add_argument("--noise", type=Path, help="a folder of real noise fields (tools/noise_fields.py)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=TrainingOptions(steps=1).learning_rate)
    parser.add_argument("--views", type=int, default=1, help="batches made of each drawn set of tiles")
    parser.add_argument("--start", type=Path, help="a model whose weights are trained further; take another seed")
    parser.add_argument("--checkpoint", type=Path, help="where the run is kept, to go on after a stop")
    choice = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = TrainingOptions(
        minutes=None if choice.steps else choice.minutes,
        steps=choice.steps,
        seed=choice.seed,
        workers=choice.workers,
        threads=choice.threads,
        learning_rate=choice.learning_rate,
        views=choice.views,
        average=0.999,
        patience=_EVALUATIONS,
        choose_by_areas=True,
    )
    if choice.dems and not (choice.validation and choice.test):
        parser.error("--dems needs --validation and --test: name the DEMs that the model is never trained on")
    try:
        terrain = split_terrain(choice.dems, choice.validation, choice.test) if choice.dems else TerrainSplit()
        train_bundled(
            Worlds(choice.seed, terrain, choice.noise), options, choice.output, choice.checkpoint, start=choice.start
        )
    except AdaMapperError as error:
        logging.getLogger("ada_mapper").error(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
