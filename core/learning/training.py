"""Training a network on tiles made on the fly, within a budget of minutes or steps."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import CancelledError, InputError, OutputError
from ..models import LabelledTile, ModelCard, Network, TileSource, build_network
from ..progress import QUIET, Progress
from ..texts import Message
from ..types import PathLike
from .batches import batches
from .checkpoints import TrainingRun, TrainingState, load_checkpoint, save_checkpoint
from .devices import DEVICES, choose_device, computes_in_half, device_label, own_settings
from .evaluation import (
    best_threshold,
    judged_tiles,
    pixel_and_area_score,
    probability_histogram,
    scores_at,
)
from .inputs import BatchSource
from .losses import LOSSES
from .second_head import SECOND_LOSSES, SECOND_WEIGHT, SecondHead

WARM_UP = 0.05
_CHECKPOINT_SECONDS = 300.0
_FIRST_ESTIMATE_SECONDS = 20.0
_ROUNDING = 1e-9
_MOST_AT_ONCE = 1024


@dataclass(frozen=True)
class TrainingOptions:
    """How long and how to train.

    Either ``minutes`` (of training, evaluations included) or ``steps`` bounds the run; the learning rate rises
    over the first 5 % of it and then falls as a cosine to zero. With ``steps`` a run on a CPU is reproducible to
    the bit. ``patience``: stop after so many evaluations (one each ``evaluate_every`` of the budget) without a
    better validation IoU, and return the best weights; None: use the whole budget and return the last weights.
    ``choose_by_areas``: not the IoU but its mean with the F1 of whole areas is what must get better.
    ``average``: the decay a step of a moving average of the weights, which is then what is evaluated and returned;
    0 for none. ``frozen_statistics`` leaves the statistics of batch normalisation as they are, for fine-tuning.
    ``second_head``: "distance" or "edge", what a second last layer learns beside, which isn't returned; "" for none.
    ``half`` computes in bfloat16 where the device does. ``workers`` are processes that make tiles (0: a thread, as
    it must be inside QGIS); ``threads`` compute.
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
    patience: int | None = None
    choose_by_areas: bool = False
    average: float = 0.0
    frozen_statistics: bool = False
    device: str = "auto"
    second_head: str = ""

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise InputError("Training needs a budget: give either minutes or steps.")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise InputError("The training budget must be above 0 minutes.")
        if self.seed < 0:
            raise InputError("The seed {seed} is negative; choose a whole number from 0 on.", seed=self.seed)
        if self.loss not in LOSSES:
            raise InputError(
                "There is no loss called {loss!r}. Choose one of: {losses}.", loss=self.loss, losses=", ".join(LOSSES)
            )
        if self.second_head not in ("", *SECOND_LOSSES):
            raise InputError(
                "There is no second head called {head!r}. Choose one of: {heads}.",
                head=self.second_head,
                heads=", ".join(SECOND_LOSSES),
            )
        if self.device not in DEVICES:
            raise InputError(
                "There is no device called {device!r}. Choose one of: {devices}.",
                device=self.device,
                devices=", ".join(DEVICES),
            )
        if min(self.batch_size, self.views, self.threads) < 1 or self.workers < 0:
            raise InputError("Batch size, views and threads are at least 1, workers at least 0.")
        if self.steps is not None and (self.steps < 1 or self.steps % self.views):
            raise InputError("The steps must be a multiple of the views of a tile.")
        if max(self.batch_size, self.views, self.threads, self.workers) > _MOST_AT_ONCE:
            raise InputError("Batch size, views, threads and workers are at most {most}.", most=_MOST_AT_ONCE)
        if not 0 <= self.weight_decay < math.inf:
            raise InputError("The weight decay ({decay:g}) must be a number from 0 on.", decay=self.weight_decay)
        if not 0 < self.learning_rate < math.inf or not 0 <= self.average < 1 or not 0 < self.evaluate_every <= 1:
            raise InputError("The learning rate is above 0, the average from 0 to below 1, evaluate_every in (0, 1].")
        if self.patience is not None and self.patience < 1:
            raise InputError("The patience is at least one evaluation.")

    def spent(self, step: int, seconds: float) -> float:
        """The share of the budget that is used up, in [0, 1]."""
        share = seconds / (60 * self.minutes) if self.minutes is not None else step / max(self.steps or 0, 1)
        return min(share, 1.0)

    def rate(self, spent: float) -> float:
        """The learning rate at a share of the budget."""
        if spent < WARM_UP:
            return self.learning_rate * max(spent, 0.1 * WARM_UP) / WARM_UP
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (spent - WARM_UP) / (1 - WARM_UP)))

    def identity(self) -> dict[str, str]:
        """What a run may not change on its way, by name."""
        names = ("batch_size", "views", "learning_rate", "weight_decay", "loss", "seed", "average", "frozen_statistics")
        identity = {name.replace("_", " "): str(getattr(self, name)) for name in names}
        # Versions that knew of none wrote checkpoints without this entry.
        return identity | ({"second head": self.second_head} if self.second_head else {})


def train(
    card: ModelCard,
    tiles: TileSource,
    validation: Sequence[LabelledTile],
    options: TrainingOptions,
    checkpoint: PathLike | None = None,
    progress: Progress = QUIET,
    *,
    start: Network | None = None,
    identity: Mapping[str, str] | None = None,
) -> tuple[Network, TrainingState]:
    """Train the card's network; returns it on the CPU, in evaluation mode, and how the run went.

    Continues from ``checkpoint`` when that file exists, and saves it as the run goes and when it is cancelled;
    whoever calls deletes it. ``start`` gives the first weights, fresh ones otherwise, and isn't changed.
    ``identity`` names more settings that a continued run must share. Raises InputError for a checkpoint of another
    network or run and for a training that diverges, CancelledError when the user stops (the same call goes on).
    """
    same = {"channels": ", ".join(card.band_names), **options.identity(), **(identity or {})}
    with own_settings(options.seed, options.threads):
        device = choose_device(options.device)
        half = options.half and computes_in_half(device)
        run = _new_run(card, options, device, start)
        if checkpoint is not None and Path(checkpoint).exists():
            load_checkpoint(checkpoint, run, same)
            progress.info("Continuing from {checkpoint} at step {step}.", checkpoint=checkpoint, step=run.state.step)
        progress.info(
            "Training on {device_label}, {precision}.",
            device_label=device_label(device),
            precision="bfloat16" if half else "float32",
        )
        try:
            _loop(run, card, tiles, validation, options, half, checkpoint, same, progress)
        except CancelledError:
            if checkpoint is not None and run.state.step:
                save_checkpoint(checkpoint, run, same)
                progress.info(
                    "The training so far is kept in {checkpoint}; the same settings go on from there.",
                    checkpoint=checkpoint,
                )
            raise
        network = run.judged.cpu()
        if options.patience is not None and run.best is not None:
            network.load_state_dict(run.best)
    return network.train(False), run.state


def _new_run(card: ModelCard, options: TrainingOptions, device: torch.device, start: Network | None) -> TrainingRun:
    if start is None:
        network = build_network(card.architecture, len(card.band_names), len(card.classes))
    else:
        network = copy.deepcopy(start)
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.requires_grad_(True)
    second = SecondHead(network).to(device) if options.second_head else None
    parameters = [*network.parameters(), *(second.parameters() if second is not None else ())]
    optimiser = torch.optim.AdamW(parameters, options.learning_rate, weight_decay=options.weight_decay)
    run = TrainingRun(network, optimiser, second)
    if options.average:
        run.start_average()
    return run


def _loop(
    run: TrainingRun,
    card: ModelCard,
    tiles: TileSource,
    validation: Sequence[LabelledTile],
    options: TrainingOptions,
    half: bool,
    checkpoint: PathLike | None,
    identity: Mapping[str, str],
    progress: Progress,
) -> None:
    """Steps and evaluations until the budget or the patience is spent."""
    state = run.state
    now = saved = time.monotonic()
    clock = _Clock(options, state, now)
    source = BatchSource(tiles, card, options.seed, options.batch_size, options.views)
    with contextlib.closing(batches(source, state.step, options.workers, progress)) as stream:
        for bands, labels in stream:
            whole_group = state.step % options.views == 0
            spent = options.spent(state.step, state.seconds)
            due = spent - state.evaluated >= options.evaluate_every - _ROUNDING or spent >= 1
            if whole_group and state.losses and due:
                _evaluate(run, card, validation, options, clock, progress)
                saved = -math.inf
            if checkpoint is not None and time.monotonic() - saved > _CHECKPOINT_SECONDS:
                _save(checkpoint, run, identity, progress)
                saved = time.monotonic()
            spent = options.spent(state.step, state.seconds)
            if whole_group and (spent >= 1 or _out_of_patience(state, options, progress)):
                break
            progress.report(spent)
            state.losses.append(_step(run, bands, labels, options, options.rate(spent), half))
            state.step += 1
            run.update_average(options.average)
            clock.tick(progress)


def _save(checkpoint: PathLike, run: TrainingRun, identity: Mapping[str, str], progress: Progress) -> None:
    """Save the run; a full disk is told and doesn't end the training."""
    try:
        save_checkpoint(checkpoint, run, identity)
    except OutputError as error:
        progress.warning("{error} The training goes on, but could not be continued from here.", error=error)


def _out_of_patience(state: TrainingState, options: TrainingOptions, progress: Progress) -> bool:
    if options.patience is None or state.since_best < options.patience or state.best is None:
        return False
    best = state.history[state.best]
    progress.info(
        "Stopped early: the validation IoU has not risen for {since_best} evaluations. The weights of step "
        "{step:.0f} are kept (IoU {best_iou:.3f}).",
        since_best=state.since_best,
        step=best["step"],
        best_iou=best["best_iou"],
    )
    return True


class _Clock:
    """Counts the seconds of a run over its interruptions and estimates what is left."""

    def __init__(self, options: TrainingOptions, state: TrainingState, now: float) -> None:
        self.options, self.state = options, state
        self.zero = now - state.seconds
        self.first_step, self.first_seconds = state.step, state.seconds
        self.told = False

    def tick(self, progress: Progress) -> None:
        """Bring the state's seconds up to now; tell once, early, how long it will take."""
        self.state.seconds = time.monotonic() - self.zero
        if not self.told and self.state.seconds - self.first_seconds > _FIRST_ESTIMATE_SECONDS:
            self.told = True
            progress.info("About {duration} left.", duration=self.left())

    def left(self) -> str:
        """The remaining time; early stopping may end the run before."""
        if self.options.minutes is not None:
            seconds = 60 * self.options.minutes - self.state.seconds
        else:
            done = max(self.state.step - self.first_step, 1)
            todo = (self.options.steps or 0) - self.state.step
            seconds = (self.state.seconds - self.first_seconds) / done * todo
        return _duration(max(seconds, 0.0))


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _step(
    run: TrainingRun, bands: Tensor, labels: Tensor, options: TrainingOptions, learning_rate: float, half: bool
) -> float:
    network = run.network.train()
    if options.frozen_statistics:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train(False)
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate
    device = next(network.parameters()).device
    inputs = bands.to(device).contiguous(memory_format=torch.channels_last)
    labels = labels.to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
        features = network.features(inputs)
        logits = network.answer(network.head, features)
        beside = None if run.second is None else run.second(network, features)
    loss = LOSSES[options.loss](logits, labels)
    if beside is not None:
        loss = loss + SECOND_WEIGHT * SECOND_LOSSES[options.second_head](beside, labels)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise InputError(
            "The training diverged at step {step}: the loss is no number any more. Choose a lower "
            "learning rate and start anew.",
            step=run.state.step,
        )
    run.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([tensor for group in run.optimiser.param_groups for tensor in group["params"]], 5.0)
    run.optimiser.step()
    return value


def _evaluate(
    run: TrainingRun,
    card: ModelCard,
    validation: Sequence[LabelledTile],
    options: TrainingOptions,
    clock: _Clock,
    progress: Progress,
) -> None:
    """Score the validation tiles, add a line to the history, keep the weights if they are the best, tell it."""
    state = run.state
    histogram = np.zeros((2, 1000), np.int64)
    for tile in validation:
        progress.check()
        histogram += probability_histogram(run.judged, card, [tile])
    threshold = best_threshold(histogram)
    half, best = scores_at(histogram, 0.5), scores_at(histogram, threshold)
    clock.tick(progress)
    spent = options.spent(state.step, state.seconds)
    line = {
        "step": float(state.step),
        "samples": float(state.step * options.batch_size),
        "minutes": state.seconds / 60,
        "learning_rate": options.rate(spent),
        "loss": float(np.mean(state.losses)),
        "iou": half.iou,
        "best_iou": best.iou,
        "best_threshold": threshold,
    }
    if options.choose_by_areas:
        line["score"] = pixel_and_area_score(card, judged_tiles(run.judged, card, validation, (), progress), progress)
    state.history.append(line)
    state.losses.clear()
    state.evaluated = spent
    if options.patience is not None and state.best is not None and state.since_best == 0:
        run.keep_best()
    progress.info(
        "{minutes:.1f} min, {samples:.0f} samples: loss {loss:.4f}, validation IoU {iou:.3f} (P {precision:.3f}, "
        "R {recall:.3f}), best {best:.3f} at {threshold:.2f}{left}",
        minutes=line["minutes"],
        samples=line["samples"],
        loss=line["loss"],
        iou=half.iou,
        precision=half.precision,
        recall=half.recall,
        best=best.iou,
        threshold=threshold,
        left=Message("; about {duration} left", duration=clock.left()) if spent < 1 else "",
    )
