"""Networks that other programs made (ONNX) → the same network with an ADA Mapper card, so that detection runs it.

A file made for the QGIS plugin Deepness tells in its metadata how pixels are standardised, its pixel and tile size,
classes and threshold. What the network gives (probabilities or logits, one band or one a class) is found by trying.
Needs the packages onnx and onnxruntime; nothing here needs PyTorch.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..channels import CHANNEL_UNITS, MINMAX_CHANNELS, Channel, ChannelKind, Scaling, is_number, minmax_channel
from ..errors import InputError
from ..files import write_file
from ..json_texts import read_json
from ..progress import QUIET, Progress
from ..texts import Message
from ..types import Array, PathLike
from .card import CLASSES, FOREIGN, ModelCard, has_card, read_card
from .contents import require_harmless
from .files import load_model, save_model
from .foreign_network import ANSWERS, ForeignNetwork
from .onnx_runtime import OnnxRuntimeBackend

DEFAULT_TILE = 256
_LIMITS = {
    ChannelKind.PHASE_RATE: 1e3,
    ChannelKind.LOS_RATE: 1e4,
    ChannelKind.DEM: 1e4,
    ChannelKind.SLOPE: 90.0,
    ChannelKind.STANDARD_ERROR: 1e4,
}
"""Beyond what any pixel holds, in the usual units; 1 for the other kinds."""


@dataclass(frozen=True)
class ChannelRequest:
    """What one input of the network shows: ``low`` to ``high`` is scaled to 0…1 and cut off there.

    Without them the layer's own numbers are used as Deepness uses a raster's (divided by 255). A wrapped phase rate
    has no limits; its cycle is 2π rad/yr. ``unit`` and ``sign`` are the usual ones where they are empty.
    """

    kind: ChannelKind
    low: float | None = None
    high: float | None = None
    unit: str = ""
    sign: str = ""

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise InputError(
                "The channel {label} needs both a low and a high limit, or neither.", label=self.kind.label
            )
        if self.kind is ChannelKind.PHASE_RATE_WRAPPED and self.low is not None:
            raise InputError(
                "The channel {label} has no limits: the network sees its sine and cosine.", label=self.kind.label
            )


@dataclass(frozen=True)
class ImportOptions:
    """What the user knows of the network; None is taken from the file's metadata, else from defaults.

    ``pixel_size`` in metres; ``tile_size`` in pixels; ``min_area`` in m²; ``area_class`` the index of the class that
    means an area; ``answer`` one of ANSWERS.
    """

    channels: tuple[ChannelRequest, ...]
    pixel_size: float | None = None
    tile_size: int | None = None
    threshold: float | None = None
    min_area: float | None = None
    area_class: int | None = None
    answer: str = "auto"
    name: str = ""

    def __post_init__(self) -> None:
        if self.answer not in ANSWERS:
            raise InputError(
                "The answer “{answer}” is unknown; known are {answers}.", answer=self.answer, answers=", ".join(ANSWERS)
            )


@dataclass(frozen=True)
class Deepness:
    """What a model's metadata tells Deepness; None where a key is absent. ``is_given``: any of them is there."""

    is_given: bool = False
    pixel_size: float | None = None
    tile_size: int | None = None
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)
    threshold: float | None = None
    small_segment: float | None = None
    class_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> Deepness:
        """Read the metadata; InputError, naming the key, for a value of the wrong type, and for a model that
        doesn't segment."""
        model_type = str(_json(metadata, "model_type") or "Segmentor")
        if model_type.lower() != "segmentor":
            raise InputError(
                "its model_type is {model_type}; only a Segmentor gives a class for every pixel", model_type=model_type
            )
        names = _json(metadata, "class_names")
        resolution = _number(metadata, "resolution")
        tile = _number(metadata, "tiles_size") or _number(metadata, "tile_size")
        keys = ("model_type", "resolution", "standardization_mean", "standardization_std", "class_names")
        return cls(
            is_given=any(key in metadata for key in keys),
            pixel_size=None if resolution is None else resolution / 100,
            tile_size=None if tile is None else int(tile),
            mean=_numbers(metadata, "standardization_mean") or (0.0,),
            deviation=_numbers(metadata, "standardization_std") or (1.0,),
            threshold=_number(metadata, "seg_thresh"),
            small_segment=_number(metadata, "seg_small_segment"),
            class_names=tuple(str(name) for name in names.values()) if isinstance(names, dict) else (),
        )


def _json(metadata: Mapping[str, str], key: str) -> Any:
    """A value, which is JSON text, or plain text in older files; None where it is absent."""
    try:
        return read_json(metadata[key]) if key in metadata else None
    except ValueError:
        return metadata[key]


def _number(metadata: Mapping[str, str], key: str) -> float | None:
    numbers = _numbers(metadata, key)
    return numbers[0] if numbers else None


def _numbers(metadata: Mapping[str, str], key: str) -> tuple[float, ...]:
    value = _json(metadata, key)
    values = value if isinstance(value, list) else [] if value is None else [value]
    try:
        numbers = tuple(float(number) for number in values)
    except (TypeError, ValueError, OverflowError):
        numbers = (math.nan,)
    if not all(is_number(number) for number in numbers):
        shown = repr(metadata[key])[:100]
        raise InputError("its metadata {key} is {metadata} instead of numbers", key=key, metadata=shown)
    return numbers


def import_model(source: PathLike, output: PathLike, options: ImportOptions, progress: Progress = QUIET) -> ModelCard:
    """Write a network with an ADA Mapper card that says what was asked for and found; the card.

    The output gives for the same layers what the network itself gives. A file that has a card already is checked and
    copied as it is. What is assumed is told to ``progress`` and kept in the card. Raises InputError, in one sentence,
    for a file that is no such network, and for channels that don't fit it.
    """
    progress.report(0.0)
    if has_card(source):
        return _copy(source, output, options, progress)
    model = load_model(source)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    try:
        facts = Deepness.of(metadata)
        card, scales, shifts = _described(source, facts, options)
        network = ForeignNetwork(model, len(card.band_names), card.tile_size, progress)
        if network.tile != options.tile_size and options.tile_size:
            raise InputError(
                "its tiles have {tile} pixels a side and can't have {tile_size}",
                tile=network.tile,
                tile_size=options.tile_size,
            )
        card = replace(card, tile_size=network.tile, stride=network.tile)
        progress.report(0.1)
        assumed = network.give_probabilities(scales, shifts, options.answer, options.area_class)
    except InputError as error:
        raise InputError("{path}: {error}.", path=os.fspath(source), error=error) from None
    progress.report(0.9)
    for sentence in assumed:
        progress.info("{sentence}.", sentence=sentence)
    origin = {"file": Path(source).name, "assumed": list(assumed), "metadata": metadata}
    card = replace(card, training={"imported": origin})
    save_model(model, card, output, progress)
    progress.report(1.0)
    return card


def _copy(source: PathLike, output: PathLike, options: ImportOptions, progress: Progress) -> ModelCard:
    card = read_card(source)
    backend = OnnxRuntimeBackend(source, card, 1, progress)
    progress.report(0.3)
    backend.predict(np.zeros((1, len(card.band_names), card.tile_size, card.tile_size), np.float32))
    progress.report(0.6)
    progress.info(
        "The model “{name}” has an ADA Mapper card: it is taken as it is, and the settings are unused.", name=card.name
    )
    tell_contradictions(card, options, progress)
    if require_harmless(source):
        save_model(load_model(source), card, output, progress)
    else:
        write_file(output, Path(source).read_bytes())
    return card


def tell_contradictions(card: ModelCard, options: ImportOptions, progress: Progress) -> None:
    """Warn of each setting that the user gave and the card says otherwise."""
    given = {
        Message("pixel size"): (options.pixel_size, card.pixel_size),
        Message("tile size"): (options.tile_size, card.tile_size),
        Message("threshold"): (options.threshold, card.threshold),
        Message("smallest area"): (options.min_area, card.min_area),
    }
    for what, (wanted, own) in given.items():
        if wanted is not None and not math.isclose(wanted, own, rel_tol=1e-6):
            progress.warning(
                "The {what} given ({wanted:g}) is not used: the card of the model “{name}” says {own:g}.",
                what=what,
                wanted=wanted,
                name=card.name,
                own=own,
            )


def tell_other_network(architecture: str, card: ModelCard, progress: Progress) -> None:
    """Warn where weights are said to be of another network than their card says."""
    if architecture != card.architecture:
        progress.warning(
            "The network given ({wanted}) is not used: the card of “{name}” says that the weights are of the network "
            "{own}.",
            wanted=architecture,
            name=card.name,
            own=card.architecture,
        )


def _described(source: PathLike, facts: Deepness, options: ImportOptions) -> tuple[ModelCard, Array, Array]:
    """The card, and what each band of a composite is multiplied by and what is added before the network sees it."""
    pixel_size = options.pixel_size or facts.pixel_size
    if pixel_size is None:
        raise InputError("it doesn't say its pixel size: give the size of the pixels that it was trained on")
    if not options.channels:
        raise InputError("no channels are given: name the layers that it was trained on, in its order")
    bands = sum(2 if request.kind is ChannelKind.PHASE_RATE_WRAPPED else 1 for request in options.channels)
    mean, deviation = (_per_band(values, bands) for values in (facts.mean, facts.deviation))
    if not (deviation > 0).all():
        raise InputError("its metadata standardization_std must be above 0")
    channels: list[Channel] = []
    units: list[float] = []
    for request in options.channels:
        channel, unit = channel_of(request, facts.is_given, float(mean[len(units)]))
        channels.append(channel)
        units += [unit] * len(channel.band_names)
    threshold = options.threshold or facts.threshold or 0.5
    segment = None if facts.small_segment is None else (facts.small_segment * pixel_size) ** 2
    card = ModelCard(
        name=options.name or Path(source).stem,
        version="imported",
        description=f"Imported from {Path(source).name}; not made or judged by ADA Mapper.",
        channels=tuple(channels),
        pixel_size=pixel_size,
        tile_size=options.tile_size or facts.tile_size or DEFAULT_TILE,
        stride=options.tile_size or facts.tile_size or DEFAULT_TILE,
        classes=facts.class_names if len(facts.class_names) == 2 else CLASSES,
        threshold=threshold,
        low_threshold=threshold,
        min_area=next(area for area in (options.min_area, segment, 5000.0) if area is not None),
        architecture=FOREIGN,
        licence="unknown",
    )
    return card, (np.array(units) / deviation).astype(np.float32), (-mean / deviation).astype(np.float32)


def _per_band(values: tuple[float, ...], bands: int) -> NDArray[np.float64]:
    if len(values) not in (1, bands):
        raise InputError(
            "its metadata standardise {count} bands, but the channels given make {bands}: give exactly the "
            "channels that it was trained on",
            count=len(values),
            bands=bands,
        )
    return np.broadcast_to(np.array(values, np.float64), bands)


def channel_of(request: ChannelRequest, for_deepness: bool, mean: float) -> tuple[Channel, float]:
    """The channel, and what its scaled 1 is for Deepness' standardisation (pixel value / 255)."""
    kind = request.kind
    if kind is ChannelKind.PHASE_RATE_WRAPPED:
        scaling = Scaling("wrap", cycle=2 * math.pi)
        return Channel(kind, request.unit or CHANNEL_UNITS[kind][0], request.sign or "away", scaling), 1.0
    usual = MINMAX_CHANNELS[kind]
    unit, sign = request.unit or usual.unit, request.sign or usual.sign
    if request.low is not None and request.high is not None:
        scaled = minmax_channel(kind, request.low, request.high)
        fill = min(max(mean, 0.0), 1.0) if mean else scaled.fill
        return Channel(kind, unit, sign, scaled.scaling, fill=fill), 1.0
    if not for_deepness:
        raise InputError(
            "it doesn't say how the {label} is scaled: give the values that become 0 and 1", label=kind.label
        )
    limit = _LIMITS.get(kind, 1.0)
    return Channel(kind, unit, sign, Scaling("clip", scale=limit), fill=mean * 255 / limit), limit / 255
