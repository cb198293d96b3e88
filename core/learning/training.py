"""Training a network on tiles made on the fly, within a budget of minutes or steps."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..errors import InputError, OutputError
from ..model_card import ModelCard
from ..progress import Progress
from ..raster import PathLike
from .evaluation import (
    best_threshold,
    probability_histogram,
    scores_at,
)
from .losses import LOSSES
from .networks import Network, build_network
from .samples import BatchSource, LabelledTile, TileSource

_QUIET = Progress()
WARM_UP = 0.05


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
