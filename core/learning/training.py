"""Training a network on tiles made on the fly, within a budget of minutes or steps; the door for `make train`."""

from __future__ import annotations

import argparse
import json
import logging
import math
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..channels import Channel, ChannelKind, Scaling
from ..errors import AdaMapperError, InputError, OutputError
from ..model_card import ModelCard
from ..progress import Progress
from ..raster import Grid, PathLike
from ..simulation.tiles import TileGenerator
from .evaluation import (
    best_threshold,
    calibrate,
    choose_thresholds,
    judge,
    judge_classical,
    probability_histogram,
    scores_at,
)
from .export import export_onnx
from .losses import LOSSES
from .networks import Network, build_network
from .samples import BatchSource, LabelledTile, TileSource

_QUIET = Progress()
WARM_UP = 0.05
VALIDATION_SEED = 1_000_003
JUDGED_TILES = 240
CHANNEL_SETS: Mapping[str, tuple[ChannelKind, ...]] = {
    "all channels": (),
    "without terrain": (ChannelKind.DEM, ChannelKind.SLOPE),
    "without LOS rate": (ChannelKind.LOS_RATE,),
    "phase rate only": (ChannelKind.LOS_RATE, ChannelKind.DEM, ChannelKind.SLOPE),
}
"""What the bundled model is judged by: the channels that are missing."""


@dataclass(frozen=True)
class TrainingOptions:
    """How long and how to train.

    Either ``minutes`` (of training, evaluations included) or ``steps`` bounds the run; the learning rate rises
    over the first 5 % of it and then falls as a cosine to zero. With ``steps`` a run is reproducible to the bit.
    ``half`` computes in bfloat16 where that is safe. ``workers`` are processes that make tiles (0: none, as it
    must be inside QGIS); ``threads`` compute.
    """

    minutes: float | None = None
    steps: int | None = None
    batch_size: int = 16
    views: int = 1
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    loss: str = "dice_cross_entropy"
    seed: int = 1
    half: bool = True
    workers: int = 0
    threads: int = 1
    evaluate_every: float = 0.05

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise InputError("Training needs a budget: give either minutes or steps.")
        if self.loss not in LOSSES:
            raise InputError(f"There is no loss called {self.loss!r}. Choose one of: {', '.join(LOSSES)}.")
        if min(self.batch_size, self.views, self.threads) < 1 or self.workers < 0:
            raise InputError("Batch size, views and threads are at least 1, workers at least 0.")
        if self.steps is not None and (self.steps < 1 or self.steps % self.views):
            raise InputError("The steps must be a multiple of the views of a tile.")

    def spent(self, step: int, seconds: float) -> float:
        """The share of the budget that is used up, in [0, 1]."""
        share = seconds / (60 * self.minutes) if self.minutes is not None else step / max(self.steps or 0, 1)
        return min(share, 1.0)

    def rate(self, spent: float) -> float:
        """The learning rate at a share of the budget."""
        if spent < WARM_UP:
            return self.learning_rate * max(spent, 0.1 * WARM_UP) / WARM_UP
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (spent - WARM_UP) / (1 - WARM_UP)))


@dataclass
class TrainingState:
    """Where a run stands: what a checkpoint holds, besides the weights."""

    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


def train(
    card: ModelCard,
    tiles: TileSource,
    validation: Sequence[LabelledTile],
    options: TrainingOptions,
    checkpoint: PathLike | None = None,
    progress: Progress = _QUIET,
) -> tuple[Network, TrainingState]:
    """Train the card's network; continue from ``checkpoint`` when that file exists, and save it as the run goes.

    Raises InputError for a checkpoint of another network, CancelledError when the user stops (the last
    checkpoint stays, and the same call continues from it).
    """
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    network = build_network(card.architecture, len(card.band_names), len(card.classes))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), options.learning_rate, weight_decay=options.weight_decay)
    state = TrainingState()
    if checkpoint is not None and Path(checkpoint).exists():
        state = _load_checkpoint(checkpoint, network, optimiser)
        progress.info(f"Continuing from {checkpoint} at step {state.step}.")
    clock = time.monotonic() - state.seconds
    evaluated = options.spent(state.step, state.seconds)
    losses: list[float] = []
    for bands, labels in _batches(card, tiles, options, state.step):
        spent = options.spent(state.step, state.seconds)
        if spent >= 1 and state.step % options.views == 0:
            break
        progress.report(spent)
        losses.append(_step(network, optimiser, bands, labels, options, options.rate(spent)))
        state.step += 1
        state.seconds = time.monotonic() - clock
        spent = options.spent(state.step, state.seconds)
        if state.step % options.views == 0 and (spent - evaluated >= options.evaluate_every or spent >= 1):
            evaluated = spent
            _record(network, card, validation, options, state, losses, progress)
            losses.clear()
            state.seconds = time.monotonic() - clock
            if checkpoint is not None:
                _save_checkpoint(checkpoint, network, optimiser, state)
    return network.train(False), state


def _batches(
    card: ModelCard, tiles: TileSource, options: TrainingOptions, step: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches from ``step`` (a multiple of views) on, made ahead of time by the workers."""
    source = BatchSource(tiles, card, options.seed, options.batch_size, options.views)
    loader: DataLoader[Any] = DataLoader(
        source,
        batch_size=None,
        sampler=range(step // options.views, 2**31),
        num_workers=options.workers,
        prefetch_factor=2 if options.workers else None,
        generator=torch.Generator(),
    )
    for group in loader:
        yield from group


def _step(
    network: Network,
    optimiser: torch.optim.Optimizer,
    bands: Tensor,
    labels: Tensor,
    options: TrainingOptions,
    learning_rate: float,
) -> float:
    network.train()
    for group in optimiser.param_groups:
        group["lr"] = learning_rate
    inputs = bands.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.half):
        logits = network(inputs)
    loss = LOSSES[options.loss](logits, labels)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach())


def _record(
    network: Network,
    card: ModelCard,
    validation: Sequence[LabelledTile],
    options: TrainingOptions,
    state: TrainingState,
    losses: Sequence[float],
    progress: Progress,
) -> None:
    """Evaluate, add a line to the history and tell it."""
    histogram = probability_histogram(network, card, validation)
    threshold = best_threshold(histogram)
    half, best = scores_at(histogram, 0.5), scores_at(histogram, threshold)
    line = {
        "step": float(state.step),
        "samples": float(state.step * options.batch_size),
        "minutes": state.seconds / 60,
        "loss": float(np.mean(losses)),
        "iou": half.iou,
        "best_iou": best.iou,
        "best_threshold": threshold,
    }
    state.history.append(line)
    progress.info(
        f"{line['minutes']:.1f} min, {line['samples']:.0f} samples: loss {line['loss']:.4f}, validation IoU "
        f"{half.iou:.3f} (P {half.precision:.3f}, R {half.recall:.3f}), best {best.iou:.3f} at {threshold:.2f}"
    )


def _save_checkpoint(path: PathLike, network: Network, optimiser: torch.optim.Optimizer, state: TrainingState) -> None:
    target = Path(path)
    temporary = target.with_name(f".{target.stem}-{uuid.uuid4().hex[:8]}.pt")
    content = {
        "architecture": network.architecture,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "state": asdict(state),
    }
    try:
        torch.save(content, temporary)
        temporary.replace(target)
    except (OSError, RuntimeError) as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"The checkpoint {path} can't be written ({error}).") from None


def _load_checkpoint(path: PathLike, network: Network, optimiser: torch.optim.Optimizer) -> TrainingState:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(content["network"])
        optimiser.load_state_dict(content["optimiser"])
        return TrainingState(**content["state"])
    except Exception as error:  # torch raises many kinds for damaged and foreign files
        raise InputError(
            f"The training can't go on from {path}: it is damaged or of another network ({error}). Delete it to "
            "start anew."
        ) from None


def bundled_card(training: Mapping[str, Any] | None = None) -> ModelCard:
    """The card of the model that the plugin ships, before its thresholds are chosen.

    Rates lose their local mean, so that neither the reference point nor a ramp matters. A missing slope is
    filled with a value that no ground has, so that it isn't taken for a plain.
    """
    kind = ChannelKind
    channels = (
        Channel(kind.PHASE_RATE, "rad/yr", "away", Scaling("asinh", scale=2.0, local_radius=3000.0)),
        Channel(kind.LOS_RATE, "mm/yr", "toward", Scaling("asinh", scale=10.0, local_radius=3000.0), optional=True),
        Channel(kind.DEM, "m", "", Scaling("asinh", scale=150.0, local_radius=1500.0), optional=True),
        Channel(kind.SLOPE, "degree", "", Scaling("minmax", low=0.0, high=60.0), optional=True, fill=-0.5),
    )
    return ModelCard(
        name="ADA Mapper compact, first simulated model",
        version="0.1",
        description=(
            "Active deformation areas of slow landslides from a phase rate, with or without LOS rate, DEM and "
            "slope. Trained on simulated rates over real and generated terrain; not validated on field data."
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
