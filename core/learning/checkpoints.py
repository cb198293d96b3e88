"""What a training run is made of, and how it is kept on disk to go on after a stop."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..files import whole_file
from ..models import Network, require_safe_loading
from ..texts import Message, joined
from ..types import PathLike
from .second_head import SecondHead

Weights = Mapping[str, Tensor]


@dataclass
class TrainingState:
    """Where a run stands, besides its weights.

    ``evaluated`` is the share of the budget at the last evaluation, ``losses`` those of the steps since then.
    ``history`` has a line an evaluation: step, samples, minutes, loss, learning_rate, iou (at 0.5), best_iou and
    best_threshold, NaN where the validation tiles hold no area; and the score, where areas choose.
    """

    step: int = 0
    seconds: float = 0.0
    evaluated: float = 0.0
    losses: list[float] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def best(self) -> int | None:
        """The evaluation with the highest score (else best_iou), the first of equals; None before there is any."""
        scores = np.array([line.get("score", line["best_iou"]) for line in self.history])
        return int(np.nanargmax(scores)) if np.isfinite(scores).any() else None

    @property
    def since_best(self) -> int:
        """How many evaluations have passed without a better one; 0 while none can be compared."""
        return 0 if self.best is None else len(self.history) - 1 - self.best


@dataclass
class TrainingRun:
    """A run: the network, its optimiser, the moving average of its weights and its best weights so far, if kept.

    ``second``: the second last layer, where the training has one.
    """

    network: Network
    optimiser: torch.optim.Optimizer
    second: SecondHead | None = None
    average: Network | None = None
    best: Weights | None = None
    state: TrainingState = field(default_factory=TrainingState)

    @property
    def judged(self) -> Network:
        """The network that evaluations look at."""
        return self.network if self.average is None else self.average

    def keep_best(self) -> None:
        """Remember the judged weights."""
        self.best = {name: tensor.detach().cpu().clone() for name, tensor in self.judged.state_dict().items()}

    def start_average(self) -> None:
        """Begin the moving average with the present weights."""
        self.average = copy.deepcopy(self.network).train(False)

    def update_average(self, decay: float) -> None:
        """Let the average follow the network; a young average follows faster, so that it forgets the start."""
        if self.average is None:
            return
        step = self.state.step
        weight = 1 - min(decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for mine, new in zip(self.average.state_dict().values(), self.network.state_dict().values()):
                if mine.is_floating_point():
                    mine.lerp_(new, weight)
                else:
                    mine.copy_(new)


def save_checkpoint(path: PathLike, run: TrainingRun, identity: Mapping[str, str]) -> None:
    """Write a run; the file appears only when complete. OutputError when it can't be written."""
    content = {
        "architecture": run.network.architecture,
        "identity": dict(identity),
        "network": run.network.state_dict(),
        "optimiser": run.optimiser.state_dict(),
        "average": None if run.average is None else run.average.state_dict(),
        "best": None if run.best is None else dict(run.best),
        "second": None if run.second is None else run.second.state_dict(),
        "state": asdict(run.state),
        "random": torch.get_rng_state(),
    }
    with whole_file(path, failures=(OSError, RuntimeError)) as file:
        torch.save(content, file)


def load_checkpoint(path: PathLike, run: TrainingRun, identity: Mapping[str, str]) -> None:
    """Bring a run to where the file's run stood.

    InputError when the file is damaged, of another network, or of a run with another ``identity`` (its settings
    by name), naming what differs.
    """
    anew = Message("Delete {path} to start anew.", path=path)
    require_safe_loading(path)
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        architecture, before = content["architecture"], content["identity"]
    except Exception as error:  # torch raises many kinds for damaged and foreign files
        raise InputError(
            "The training can't go on from {path}: it is damaged ({error}). {anew}", path=path, error=error, anew=anew
        ) from None
    if architecture != run.network.architecture:
        raise InputError(
            "The training can't go on from {path}: it is of the network {architecture}, not {wanted}. {anew}",
            path=path,
            architecture=architecture,
            wanted=run.network.architecture,
            anew=anew,
        )
    changed = [
        Message(
            "{name} was {before}, now {now}",
            name=name,
            before=before.get(name, Message("not set")),
            now=identity.get(name, Message("not set")),
        )
        for name in {**before, **identity}
        if before.get(name) != identity.get(name)
    ]
    if changed:
        raise InputError(
            "The unfinished training in {path} had other settings ({changed}). Set them as they were to go on. {anew}",
            path=path,
            changed=joined(changed, "; "),
            anew=anew,
        )
    try:
        run.network.load_state_dict(content["network"])
        run.optimiser.load_state_dict(content["optimiser"])
        if run.average is not None:
            run.average.load_state_dict(content["average"])
        if run.second is not None:
            run.second.load_state_dict(content["second"])
        run.best = content["best"]
        run.state = TrainingState(**content["state"])
        torch.set_rng_state(content["random"])
    except Exception as error:  # as above
        raise InputError(
            "The training can't go on from {path}: it is damaged or of another network ({error}). {anew}",
            path=path,
            error=error,
            anew=anew,
        ) from None
