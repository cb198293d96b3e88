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

from ..channels import Channel, ChannelKind, Scaling
from ..errors import AdaMapperError, InputError
from ..model_card import ModelCard
from ..progress import Progress
from ..raster import Grid, PathLike
from ..simulation.tiles import TileGenerator
from .evaluation import calibrate, choose_thresholds, judge, judge_classical
from .export import export_onnx
from .training import TrainingOptions, train

_QUIET = Progress()
VALIDATION_SEED = 1_000_003
JUDGED_TILES = 240
CHANNEL_SETS: Mapping[str, tuple[ChannelKind, ...]] = {
    "all channels": (),
    "without terrain": (ChannelKind.DEM, ChannelKind.SLOPE),
    "without LOS rate": (ChannelKind.LOS_RATE,),
    "phase rate only": (ChannelKind.LOS_RATE, ChannelKind.DEM, ChannelKind.SLOPE),
}
"""What the bundled model is judged by: the channels that are missing."""


def bundled_card(training: Mapping[str, Any] | None = None) -> ModelCard:
    """The card of the model that the plugin ships, before its thresholds are chosen.

    Rates lose their local mean, so that neither the reference point nor a ramp matters. A missing slope and a
    missing LOS sensitivity are filled with values that no ground has, so that they aren't taken for a plain.
    """
    kind = ChannelKind
    slope = Scaling("minmax", low=0.0, high=60.0)
    sensitivity = Scaling("minmax", low=-1.0, high=1.0)
    channels = (
        Channel(kind.PHASE_RATE, "rad/yr", "away", Scaling("asinh", scale=2.0, local_radius=3000.0), optional=True),
        Channel(kind.LOS_RATE, "mm/yr", "toward", Scaling("asinh", scale=10.0, local_radius=3000.0), optional=True),
        Channel(kind.DEM, "m", "", Scaling("asinh", scale=150.0, local_radius=1500.0), optional=True),
        Channel(kind.SLOPE, "degree", "", slope, optional=True, fill=-0.5),
        Channel(kind.LOS_SENSITIVITY, "1", "", sensitivity, optional=True, fill=-0.5),
    )
    return ModelCard(
        name="ADA Mapper compact",
        version="0.2",
        description=(
            "Active deformation areas of slow landslides from a phase rate, a LOS rate or both, with or without DEM, "
            "slope and LOS sensitivity. Trained on simulated rates over real and generated terrain; not validated on "
            "field data."
        ),
        channels=channels,
        min_area=10_000.0,
        training=training or {},
        licence="GPL-2.0-or-later",
    )


def split_terrain(folder: PathLike, held_out: Sequence[str]) -> tuple[list[str], list[str]]:
    """The DEM files of a folder with pixels of at most 50 m, for training and held out.

    A file is held out when its name starts with one of ``held_out``. InputError when either part is empty.
    """
    parts: tuple[list[str], list[str]] = ([], [])
    for path in sorted(Path(folder).glob("*.tif")):
        try:
            fine = Grid.of(path).pixel_size <= 50
        except InputError:  # no CRS: its pixels have no size
            continue
        if fine:
            parts[path.name.startswith(tuple(held_out))].append(str(path))
    if not parts[0] or not parts[1]:
        raise InputError(
            f"{folder} needs at least two DEMs (.tif, pixels up to 50 m): some to train on, and some held out "
            f"whose names start with {', '.join(held_out)}."
        )
    return parts


def train_bundled(
    terrain: tuple[Sequence[str], Sequence[str]],
    options: TrainingOptions,
    output: PathLike,
    checkpoint: PathLike | None = None,
    progress: Progress = _QUIET,
) -> ModelCard:
    """Train, calibrate, judge on tiles that were used for neither, and write the bundled model; its card."""
    card = bundled_card()
    train_tiles = TileGenerator(options.seed, dem_paths=terrain[0])
    judge_tiles = TileGenerator(options.seed + VALIDATION_SEED, dem_paths=terrain[1])
    calibration = [judge_tiles(index) for index in range(JUDGED_TILES)]
    network, state = train(card, train_tiles, calibration[:64], options, checkpoint, progress)
    slope = calibrate(network, card, calibration, list(CHANNEL_SETS.values()))
    threshold, low, _ = choose_thresholds(network, card, calibration)
    card = replace(card, threshold=threshold, low_threshold=low)
    test = [judge_tiles(index) for index in range(JUDGED_TILES, 2 * JUDGED_TILES)]
    scores = {name: judge(network, card, test, dropped) for name, dropped in CHANNEL_SETS.items()}
    scores["classical detector"] = judge_classical(card, test)
    for name, values in scores.items():
        progress.info(f"{name}: {json.dumps(values)}")
    facts = {
        "data": "simulated tiles only; not validated on field data",
        "terrain": [Path(path).stem for path in terrain[0]] + ["generated"],
        "held_out_terrain": [Path(path).stem for path in terrain[1]] + ["generated from another seed"],
        "seed": options.seed,
        "judged_seed": options.seed + VALIDATION_SEED,
        "samples": state.step * options.batch_size,
        "minutes": round(state.seconds / 60, 1),
        "options": asdict(options),
        "calibration": [round(value, 4) for value in slope],
        "judged_tiles": JUDGED_TILES,
        "judged": scores,
        "history": [{key: round(value, 4) for key, value in line.items()} for line in state.history],
    }
    card = replace(card, training=facts)
    export_onnx(network, card, output, half_storage=True)
    progress.info(f"Written: {output}")
    return card


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, calibrate, judge and export the bundled model."""
    parser = argparse.ArgumentParser(description="Train the bundled model on simulated tiles.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--output", type=Path, required=True, help="the model file to write (.onnx)")
    parser.add_argument("--dems", type=Path, help="a folder of DEMs; without it all terrain is generated")
    parser.add_argument("--held-out", nargs="+", default=[], help="beginnings of the names of DEMs to judge on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--checkpoint", type=Path, help="where the run is kept, to go on after a stop")
    choice = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = TrainingOptions(minutes=choice.minutes, seed=choice.seed, workers=choice.workers, threads=choice.threads)
    if choice.dems and not choice.held_out:
        parser.error("--dems needs --held-out: name the DEMs that the model is judged on and never trained on")
    try:
        terrain = split_terrain(choice.dems, choice.held_out) if choice.dems else ([], [])
        train_bundled(terrain, options, choice.output, choice.checkpoint)
    except AdaMapperError as error:
        logging.getLogger("ada_mapper").error(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
