"""What a model needs and promises: the card that every model file (ONNX) carries in its metadata."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..areas import AreaCalibration
from ..channels import Channel, ChannelKind, is_number, known_fields
from ..errors import InputError
from ..json_texts import read_json
from ..texts import Message, joined
from ..types import PathLike
from .metadata import read_metadata

CARD_KEY = "ada_mapper_card"
CARD_FORMAT = 1
FOREIGN = "imported"
"""The architecture of a model that another program made: only ONNX Runtime can run it."""
QUANTISED = "quantised"
"""The entry of ``training`` that tells how a model was quantised, and under "from" of which file."""
CLASSES = ("background", "active deformation area")
LARGEST_TILE = 8192
"""Pixels a side: what a computer's memory bears."""

_DEEPNESS_OVERLAP = 12


@dataclass(frozen=True)
class ModelCard:
    """A model's inputs, its output rules and where it comes from.

    ``channels`` in the order of the network's input; ``pixel_size`` in metres; ``tile_size`` in pixels, a multiple
    of ``stride``, of which every input side must be one. ``threshold``, ``low_threshold`` (probabilities) and
    ``min_area`` (m²) are the rules under which its areas were judged. ``area_calibration``: the chance that such an
    area is right, where that was measured. ``training`` is free JSON: data, seed, samples, budget, accuracy. Raises
    InputError for values that contradict each other.
    """

    name: str
    version: str
    description: str
    channels: tuple[Channel, ...]
    pixel_size: float = 30.0
    tile_size: int = 256
    classes: tuple[str, ...] = CLASSES
    threshold: float = 0.5
    low_threshold: float = 0.3
    min_area: float = 5000.0
    architecture: str = "compact"
    stride: int = 32
    training: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    area_calibration: AreaCalibration | None = None

    def __post_init__(self) -> None:
        kinds = [channel.kind for channel in self.channels]
        problems = {
            Message("it has no name"): not self.name,
            Message("it has no channels"): not kinds,
            Message("a channel appears twice"): len(set(kinds)) < len(kinds),
            Message("the pixel size must be above 0"): not 0 < self.pixel_size < math.inf,
            Message("the tile size and the stride must be integers"): not all(
                isinstance(size, int) for size in (self.tile_size, self.stride)
            ),
            Message("a tile has at most {pixels} pixels a side", pixels=LARGEST_TILE): self.tile_size > LARGEST_TILE,
            Message("the tile size must be a multiple of the stride"): self.stride < 1
            or self.tile_size < self.stride
            or bool(self.tile_size % self.stride),
            Message("there must be two classes"): len(self.classes) != 2,
            Message("the thresholds must satisfy 0 < low ≤ high < 1"): not 0 < self.low_threshold <= self.threshold < 1,
            Message("the minimum area can't be negative"): not 0 <= self.min_area < math.inf,
        }
        wrong = [problem for problem, holds in problems.items() if holds]
        if wrong:
            raise InputError("The model card “{name}” contradicts itself: {wrong}.", name=self.name, wrong=wrong[0])

    @property
    def band_names(self) -> tuple[str, ...]:
        """The names of the network's input bands, in order."""
        return tuple(name for channel in self.channels for name in channel.band_names)

    @property
    def fills(self) -> tuple[float, ...]:
        """What each input band holds, after scaling, where there is no data."""
        return tuple(channel.fill for channel in self.channels for _ in channel.band_names)

    @property
    def quantised_from(self) -> str:
        """The name of the file that the model was quantised from; empty for a model of full precision."""
        facts = self.training.get(QUANTISED)
        return str(facts.get("from") or Message("an unnamed file")) if isinstance(facts, Mapping) else ""

    @property
    def layers(self) -> tuple[ChannelKind, ...]:
        """The layers that the channels are computed from, each once, in order."""
        return tuple(dict.fromkeys(channel.kind.layer for channel in self.channels))

    def require_layers(self, given: Collection[ChannelKind]) -> None:
        """InputError when a channel that may not be missing has no layer, naming it and all that the model needs."""
        needed = [channel for channel in self.channels if not channel.optional]
        missing = [channel for channel in needed if channel.kind.layer not in given]
        wanted = dict.fromkeys(channel.kind.layer.label for channel in needed)
        if missing:
            raise InputError(
                "The model “{name}” needs {listed}, but the {label} is missing. Give that layer, or choose a model "
                "that works without it.",
                name=self.name,
                listed=listed(list(wanted)),
                label=missing[0].kind.layer.label,
            )
        rates = [channel for channel in self.channels if channel.kind.is_rate]
        if rates and not any(channel.kind.layer in given for channel in rates):
            labels = list(dict.fromkeys(channel.kind.layer.label for channel in rates))
            raise InputError(
                "The model “{name}” needs {listed}, but none is given: without a rate no motion can be seen.",
                name=self.name,
                listed=listed(labels, is_choice=True),
            )

    def to_json(self) -> str:
        """The card as JSON text."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["channels"] = [channel.to_json() for channel in self.channels]
        # Versions that know of no calibration read the other cards.
        del values["area_calibration"]
        if self.area_calibration is not None:
            values["area_calibration"] = vars(self.area_calibration)
        return json.dumps({"format": CARD_FORMAT, **values}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """The card written by ``to_json``; InputError when the text isn't one or is of a newer format."""
        try:
            values = read_json(text)
        except ValueError as error:
            raise InputError("The model card isn't valid JSON ({error}).", error=error) from None
        if not isinstance(values, dict):
            raise InputError("The model card isn't a JSON object.")
        version = values.pop("format", None)
        if not isinstance(version, int):
            raise InputError("The model card doesn't say which format it has.")
        if version > CARD_FORMAT:
            raise InputError(
                "The model card has format {version}, and this version of ADA Mapper reads up to {card_format}: "
                "update the plugin.",
                version=version,
                card_format=CARD_FORMAT,
            )
        known = known_fields(values, cls, Message("the model card"))
        for key, value in known.items():
            what, holds = _TYPES[key]
            if not holds(value):
                raise InputError(
                    "The model card's {key} must be {what}, not {value}.", key=key, what=what, value=repr(value)[:100]
                )
        known["channels"] = tuple(Channel.from_json(channel) for channel in known["channels"])
        if "area_calibration" in known:
            numbers = known_fields(known["area_calibration"], AreaCalibration, Message("a calibration of areas"))
            known["area_calibration"] = AreaCalibration(**numbers)
        return cls(**{**known, "classes": tuple(known.get("classes", CLASSES))})

    def deepness_metadata(self) -> dict[str, str]:
        """The metadata that the QGIS plugin Deepness reads, each value JSON text.

        Deepness divides pixels by 255 and then standardises; with these numbers it hands the network the values of
        a composite (written by "Build composite") unchanged.
        """
        bands = len(self.band_names)
        values = {
            "model_type": "Segmentor",
            "class_names": {str(index): name for index, name in enumerate(self.classes)},
            "resolution": self.pixel_size * 100,
            "tile_size": self.tile_size,
            "tiles_size": self.tile_size,
            "tiles_overlap": _DEEPNESS_OVERLAP,
            "standardization_mean": [0.0] * bands,
            "standardization_std": [1 / 255] * bands,
            "seg_thresh": self.threshold,
            "seg_small_segment": round(math.sqrt(self.min_area) / self.pixel_size),
        }
        return {key: json.dumps(value) for key, value in values.items()}

    def metadata(self) -> dict[str, str]:
        """All entries for the model file's metadata: the card, and what Deepness reads."""
        return {CARD_KEY: self.to_json(), **self.deepness_metadata()}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_TEXT, _NUMBER, _INTEGER = (
    (Message("a text"), _is_text),
    (Message("a number"), is_number),
    (Message("an integer"), _is_integer),
)
_TYPES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("name", "version", "description", "architecture", "licence"), _TEXT),
    **dict.fromkeys(("pixel_size", "threshold", "low_threshold", "min_area"), _NUMBER),
    **dict.fromkeys(("tile_size", "stride"), _INTEGER),
    "channels": (Message("a list"), lambda value: isinstance(value, list)),
    "classes": (
        Message("a list of texts"),
        lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
    ),
    **dict.fromkeys(("training", "area_calibration"), (Message("an object"), lambda value: isinstance(value, dict))),
}
"""What each value of a card is in JSON."""


def listed(names: Sequence[str], is_choice: bool = False) -> Message:
    """“the a, the b and the c”, or “the a, the b or the c” of which one is wanted."""
    named = [Message("the {name}", name=name) for name in names]
    if len(named) == 1:
        return named[0]
    if is_choice:
        return Message("{first} or {last}", first=joined(named[:-1]), last=named[-1])
    return Message("{first} and {last}", first=joined(named[:-1]), last=named[-1])


def read_card(path: PathLike) -> ModelCard:
    """The card in a model file. Reads only the file's outermost structure, so it takes no ONNX package.

    Raises InputError, naming the file, when it doesn't exist, isn't a complete ONNX model, carries no card, or
    carries one that this version can't use.
    """
    name, metadata = os.fspath(path), read_metadata(path)
    if CARD_KEY not in metadata:
        raise InputError(
            "{name} is an ONNX model that was not made for ADA Mapper: it has no model card, which tells what its "
            "channels are and how they are scaled. Choose a model trained or exported by ADA Mapper, or give it a card "
            "with Import a model.",
            name=name,
        )
    try:
        return ModelCard.from_json(metadata[CARD_KEY])
    except InputError as error:
        raise InputError("{name}: {error}", name=name, error=error) from None


def has_card(path: PathLike) -> bool:
    """True when a model file carries a card. InputError when it doesn't exist or isn't a complete ONNX model."""
    return CARD_KEY in read_metadata(path)
