"""The model that comes with the plugin: its channels, its terrain, its training; the door for `make train`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..accuracy import Reliability
from ..channels import COMBINATIONS, Channel, ChannelKind, Scaling
from ..errors import AdaMapperError, InputError
from ..models import ModelCard, Network, export_onnx, load_network, read_card
from ..progress import QUIET, Progress
from ..raster import Grid
from ..simulation import LANDSLIDES_PER_KM2, Tile, TileGenerator
from ..types import PathLike
from .evaluation import (
    best_classical,
    calibrate,
    choose_thresholds,
    judge,
    judge_classical,
    judged_tiles,
    reliability_of,
)
from .mixtures import MixedTiles
from .quantisation import quantise, simulated_inputs
from .training import TrainingOptions, train

VALIDATION_SEED, TEST_SEED = 1_000_003, 2_000_003
JUDGED_TILES = 240
TRAINING_DENSITY = 3.0
"""How many times more landslides training tiles hold than the others: most of a natural tile teaches nothing."""

TURBULENT_SHARE, TURBULENT_AIR = 0.15, 2.0
"""The share of training tiles with so many times the usual atmosphere, for regions and seasons of worse air."""
_TURBULENT_SEED = 3_000_003


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


@dataclass(frozen=True)
class TerrainSplit:
    """DEM files of regions to train on, to validate on (thresholds, calibration) and to test on."""

    training: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    def to_json(self) -> dict[str, list[str]]:
        """The names of the files; generated terrain, from another seed for each part, always comes with them."""
        return {part: [*(Path(path).stem for path in paths), "generated"] for part, paths in asdict(self).items()}


def split_terrain(folder: PathLike, validation: Sequence[str], test: Sequence[str]) -> TerrainSplit:
    """The DEM files of a folder with pixels of at most 50 m, those whose names start as given held out.

    InputError when a part is empty or a file belongs to two.
    """
    parts: dict[str, list[str]] = {"training": [], "validation": [], "test": []}
    for path in sorted(Path(folder).glob("*.tif")):
        try:
            fine = Grid.of(path).pixel_size <= 50
        except InputError:  # no CRS: its pixels have no size
            continue
        roles = [
            role for role, names in (("validation", validation), ("test", test)) if path.name.startswith(tuple(names))
        ]
        if len(roles) > 1:
            raise InputError("{name} is named for validation and for the test. Name each DEM once.", name=path.name)
        if fine:
            parts[roles[0] if roles else "training"].append(str(path))
    empty = [role for role, paths in parts.items() if not paths]
    if empty:
        raise InputError(
            "{folder} holds no DEM for the {empty} (.tif, pixels up to 50 m). It needs at least three: one to "
            "train on, one whose name starts with {validation}, one with {test}.",
            folder=folder,
            empty=empty[0],
            validation=" or ".join(validation),
            test=" or ".join(test),
        )
    return TerrainSplit(**{role: tuple(paths) for role, paths in parts.items()})


def train_bundled(
    terrain: TerrainSplit,
    options: TrainingOptions,
    output: PathLike,
    checkpoint: PathLike | None = None,
    progress: Progress = QUIET,
    start: PathLike | None = None,
) -> ModelCard:
    """Train, calibrate and choose thresholds on validation tiles, judge on test tiles, write the model; its card.

    ``start`` is a model of the same network whose weights are trained further.
    """
    card = bundled_card()
    training_tiles = _training_tiles(options.seed, terrain.training)
    validation = held_out_tiles(options.seed + VALIDATION_SEED, terrain.validation)
    network, state = train(
        card,
        training_tiles,
        validation[:64],
        options,
        checkpoint,
        progress,
        start=load_network(start) if start else None,
    )
    card, facts = finish(network, card, validation, held_out_tiles(options.seed + TEST_SEED, terrain.test), progress)
    facts = {
        "data": "simulated tiles only; not validated on field data",
        "terrain": terrain.to_json(),
        "seeds": {
            "training": options.seed,
            "validation": options.seed + VALIDATION_SEED,
            "test": options.seed + TEST_SEED,
        },
        "samples": state.step * options.batch_size,
        "minutes": round(state.seconds / 60, 1),
        "options": asdict(options),
        "training_density": TRAINING_DENSITY,
        "turbulent_tiles": {"share": TURBULENT_SHARE, "atmosphere": TURBULENT_AIR},
        "start": _origin(start) if start else "fresh weights",
        **facts,
        "history": [{key: round(value, 4) for key, value in line.items()} for line in state.history],
    }
    card = replace(card, training=facts)
    export_onnx(network, card, output, half_storage=True)
    quick = Path(output).with_name(f"{Path(output).stem}_int8.onnx")
    quantise(output, simulated_inputs(card), quick, progress=progress)
    progress.info("Written: {output} and {quick}", output=output, quick=quick)
    return card


def _origin(path: PathLike) -> dict[str, Any]:
    """What a card tells of the model that the training started from."""
    card = read_card(path)
    told = {name: card.training.get(name) for name in ("seeds", "samples", "minutes", "start")}
    return {"name": card.name, "version": card.version, **told}


def _training_tiles(seed: int, dem_paths: Sequence[str]) -> MixedTiles:
    density = TRAINING_DENSITY * LANDSLIDES_PER_KM2
    usual = TileGenerator(seed, dem_paths=dem_paths, landslides_per_km2=density)
    turbulent = TileGenerator(
        seed + _TURBULENT_SEED, dem_paths=dem_paths, landslides_per_km2=density, atmosphere=TURBULENT_AIR
    )
    return MixedTiles(TURBULENT_SHARE, turbulent, usual)


def held_out_tiles(seed: int, dem_paths: Sequence[str]) -> list[Tile]:
    """The tiles that a model is calibrated or judged on."""
    generator = TileGenerator(seed, dem_paths=dem_paths)
    return [generator(index) for index in range(JUDGED_TILES)]


def finish(
    network: Network, card: ModelCard, validation: Sequence[Tile], test: Sequence[Tile], progress: Progress = QUIET
) -> tuple[ModelCard, dict[str, Any]]:
    """Calibrate a trained network (in place), choose its thresholds, and judge it beside the classical detector.

    Returns the card with its thresholds, and what goes into its ``training``.
    """
    sets = missing_channels(card)
    slope = calibrate(network, card, validation, list(sets.values()))
    known = judged_tiles(network, card, validation)
    threshold, low_threshold = choose_thresholds(card, known)
    card = replace(card, threshold=threshold, low_threshold=low_threshold)
    classical = best_classical(validation, known)
    judged: dict[str, dict[str, float]] = {}
    reliability: Reliability | None = None
    for name, missing in sets.items():
        answers = judged_tiles(network, card, test, missing)
        judged[name] = judge(card, answers)
        progress.info("{name}: {written}", name=name, written=json.dumps(judged[name]))
        if not missing:
            reliability = reliability_of(answers)
            judged["classical detector"] = judge_classical(classical, card, test, answers)
            progress.info("classical detector: {written}", written=json.dumps(judged["classical detector"]))
    facts = {
        "calibration": [round(value, 4) for value in slope],
        "judged_tiles": JUDGED_TILES,
        "judged": judged,
        "reliability": reliability and _bins(reliability),
        "classical": {**classical.facts, "chosen_on": "validation tiles"},
    }
    return card, facts


def _bins(reliability: Reliability) -> dict[str, list[float | None]]:
    """The bins for JSON, which knows no NaN."""
    columns = {"mean_probability": reliability.mean_probability, "observed": reliability.observed}
    return {name: [round(value, 4) if value == value else None for value in values] for name, values in columns.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, calibrate, judge and export the bundled model."""
    parser = argparse.ArgumentParser(description="Train the bundled model on simulated tiles.")
    parser.add_argument("--minutes", type=float, default=85.0)
    parser.add_argument("--output", type=Path, required=True, help="the model file to write (.onnx)")
    parser.add_argument("--dems", type=Path, help="a folder of DEMs; without it all terrain is generated")
    parser.add_argument("--validation", nargs="+", default=[], help="beginnings of names of DEMs for thresholds")
    parser.add_argument("--test", nargs="+", default=[], help="beginnings of names of DEMs to judge on")
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
        minutes=choice.minutes,
        seed=choice.seed,
        workers=choice.workers,
        threads=choice.threads,
        learning_rate=choice.learning_rate,
        views=choice.views,
        average=0.999,
    )
    if choice.dems and not (choice.validation and choice.test):
        parser.error("--dems needs --validation and --test: name the DEMs that the model is never trained on")
    try:
        terrain = split_terrain(choice.dems, choice.validation, choice.test) if choice.dems else TerrainSplit()
        train_bundled(terrain, options, choice.output, choice.checkpoint, start=choice.start)
    except AdaMapperError as error:
        logging.getLogger("ada_mapper").error(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
