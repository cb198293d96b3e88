"""The combinations of layers that a model can be given, why not where it can't, and what it has scored with each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..channels import COMBINATIONS, ChannelKind, is_number
from ..errors import InputError
from ..texts import Message
from .card import ModelCard, listed

_CLASSICAL = "classical detector"
_EVERYTHING = (*COMBINATIONS["phase_rate+los_rate+dem+slope"], ChannelKind.LOS_SENSITIVITY)


@dataclass(frozen=True)
class Scores:
    """What was measured on test tiles, as shares; NaN where it wasn't.

    ``iou``: intersection over union of the pixels. ``object_recall``: share of the true areas that were found.
    ``object_precision``: share of the found areas that are true.
    """

    iou: float = math.nan
    object_recall: float = math.nan
    object_precision: float = math.nan

    @property
    def is_known(self) -> bool:
        """True when anything was measured."""
        return not all(map(math.isnan, (self.iou, self.object_recall, self.object_precision)))


@dataclass(frozen=True)
class Preset:
    """A combination of layers. ``problem`` tells why the model can't serve it; "" where it can.

    ``unused``: its layers that the model doesn't use; ``lacking``: layers that the model must have besides.
    """

    name: str
    kinds: tuple[ChannelKind, ...]
    problem: str
    unused: tuple[ChannelKind, ...]
    lacking: tuple[ChannelKind, ...]
    scores: Scores


@dataclass(frozen=True)
class Presets:
    """All combinations for one model, the classical detector's scores on the same tiles, and what these tiles are.

    ``data`` is the card's sentence about the data, "" where it has none. ``tiles`` is 0 where the card doesn't tell.
    """

    all: tuple[Preset, ...]
    classical: Scores
    data: str
    tiles: int
    terrain: tuple[str, ...]

    def of(self, name: str) -> Preset | None:
        """The combination of that name."""
        return next((preset for preset in self.all if preset.name == name), None)


def combination_name(kinds: tuple[ChannelKind, ...]) -> str:
    """The name of a combination: its layers in the usual order, joined by plus signs."""
    return "+".join(kind.value for kind in ChannelKind if kind in kinds)


def presets_of(card: ModelCard) -> Presets:
    """The paper's seven combinations, all of them with the LOS sensitivity, and all that the model uses."""
    judged, classical = _judged(card)
    combinations = {**COMBINATIONS, combination_name(_EVERYTHING): _EVERYTHING}
    combinations.setdefault(combination_name(card.layers), card.layers)
    needed = tuple(dict.fromkeys(channel.kind.layer for channel in card.channels if not channel.optional))
    training = card.training
    terrain = training.get("terrain")
    tested = terrain.get("test") if isinstance(terrain, Mapping) else None
    tiles = training.get("judged_tiles")
    return Presets(
        tuple(
            Preset(
                name,
                kinds,
                unusable_reason(card, kinds),
                tuple(kind for kind in kinds if kind not in card.layers),
                tuple(kind for kind in needed if kind not in kinds),
                judged.get(name, Scores()),
            )
            for name, kinds in combinations.items()
        ),
        classical,
        str(training.get("data") or ""),
        tiles if isinstance(tiles, int) else 0,
        tuple(map(str, tested)) if isinstance(tested, (list, tuple)) else (),
    )


def unusable_reason(card: ModelCard, kinds: tuple[ChannelKind, ...]) -> str:
    """Why a model can't work with just these layers, in a sentence; "" where it can."""
    unused = [kind.label for kind in kinds if kind not in card.layers]
    if unused:
        return Message("The model “{name}” doesn't use {unused}.", name=card.name, unused=listed(unused))
    try:
        card.require_layers(kinds)
    except InputError as error:
        return error.message
    return ""


def _judged(card: ModelCard) -> tuple[dict[str, Scores], Scores]:
    """The card's scores by combination, and those of the classical detector.

    A model from Train a model is judged with all its layers, on one or two sets of tiles; its own come first.
    """
    told = card.training.get("judged")
    if not isinstance(told, Mapping):
        return {}, Scores()
    nested = [value for value in told.values() if isinstance(value, Mapping) and "model" in value]
    if nested:
        return {combination_name(card.layers): _scores(nested[0]["model"])}, _scores(nested[0].get(_CLASSICAL))
    full = "+".join(channel.kind.value for channel in card.channels)
    named = {combination_name(card.layers) if name == full else name: _scores(value) for name, value in told.items()}
    return named, named.pop(_CLASSICAL, Scores())


def _scores(values: Any) -> Scores:
    if not isinstance(values, Mapping):
        return Scores()
    known = {name: values[name] for name in Scores.__dataclass_fields__ if name in values}
    return Scores(**{name: float(value) for name, value in known.items() if is_number(value)})
