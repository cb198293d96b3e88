"""Weights alone, from .safetensors files and PyTorch's state dicts, to a model file with its card.

Only tensors are read: a file that holds Python objects, which could run code when loaded, is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..channels import MINMAX_CHANNELS
from ..errors import InputError
from ..packages import missing_package
from ..progress import QUIET, Progress
from ..texts import Message
from ..types import PathLike
from .card import CARD_KEY, ModelCard
from .export import export_onnx
from .importing import DEFAULT_TILE, ChannelRequest, ImportOptions, channel_of, tell_contradictions, tell_other_network
from .metadata import require_file
from .networks import NETWORKS, Network, build_network

_NESTED = ("state_dict", "model_state_dict", "model", "network")
_PREFIXES = ("module.", "network.", "model.")


def import_weights(
    source: PathLike, architecture: str, options: ImportOptions, output: PathLike, progress: Progress = QUIET
) -> ModelCard:
    """Write the model file of a network's weights; its card, made from what the user knows of them.

    A .safetensors file that ADA Mapper exported has its card with it, and the options are not used. Raises InputError,
    in one or two sentences, for a file that can't be read safely, and for weights of another network.
    """
    progress.report(0.0)
    tensors, card = read_weights(source)
    progress.report(0.3)
    if card is None:
        card = card_of_weights(source, architecture, options, progress)
    else:
        progress.info(
            "The weights have the card of “{name}” with them: it is used, and the settings are not.", name=card.name
        )
        tell_other_network(architecture, card, progress)
        tell_contradictions(card, options, progress)
    network = _network(source, tensors, card)
    progress.report(0.5)
    export_onnx(network, card, output, progress=progress)
    progress.report(1.0)
    return card


def card_of_weights(
    source: PathLike, architecture: str, options: ImportOptions, progress: Progress = QUIET
) -> ModelCard:
    """A card for weights that come without one, from what the user knows of them.

    Channels without limits are scaled as in the paper, which is told to ``progress``. InputError where the pixel size
    is missing, or the limits of a channel in an unusual unit.
    """
    if architecture not in NETWORKS:
        raise InputError(
            "There is no network called {architecture!r}. Choose one of: {networks}.",
            architecture=architecture,
            networks=", ".join(NETWORKS),
        )
    if options.pixel_size is None:
        raise InputError(
            "{path} doesn't say its pixel size: give the size that it was trained on.", path=os.fspath(source)
        )
    threshold = options.threshold or 0.5
    return ModelCard(
        name=options.name or Path(source).stem,
        version="imported",
        description=f"Weights imported from {Path(source).name}; not judged by ADA Mapper.",
        channels=tuple(channel_of(_with_limits(request, progress), False, 0.0)[0] for request in options.channels),
        pixel_size=options.pixel_size,
        tile_size=options.tile_size or DEFAULT_TILE,
        stride=NETWORKS[architecture].stride,
        threshold=threshold,
        low_threshold=threshold,
        min_area=5000.0 if options.min_area is None else options.min_area,
        architecture=architecture,
        training={"imported": {"file": Path(source).name}},
        licence="unknown",
    )


def _with_limits(request: ChannelRequest, progress: Progress) -> ChannelRequest:
    usual = MINMAX_CHANNELS.get(request.kind)
    if request.low is not None or usual is None:
        return request
    if request.unit not in ("", usual.unit):
        raise InputError(
            "Give the limits in {unit} between which the {label} is scaled.",
            unit=request.unit,
            label=request.kind.label,
        )
    low, high = usual.scaling.low, usual.scaling.high
    progress.info(
        "The {label} is taken to be scaled from {low:g} to {high:g} {unit}.",
        label=request.kind.label,
        low=low,
        high=high,
        unit=usual.unit,
    )
    return replace(request, low=low, high=high)


def read_weights(path: PathLike) -> tuple[dict[str, Tensor], ModelCard | None]:
    """Tensors by name, without the prefixes that wrappers add, and the card where the file has one."""
    name = os.fspath(path)
    require_file(name)
    if Path(name).suffix.lower() == ".safetensors":
        tensors, metadata = _from_safetensors(name)
        text = metadata.get(CARD_KEY)
        try:
            return _without_prefix(tensors), ModelCard.from_json(text) if text else None
        except InputError as error:
            raise InputError("{name}: {error}", name=name, error=error) from None
    return _without_prefix(_from_torch(name)), None


def _from_safetensors(name: str) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise missing_package("safetensors", Message("Reading weights"), error) from None
    try:
        with safe_open(name, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError("{name} is no safetensors file, or it is damaged ({error}).", name=name, error=error) from None


def _from_torch(name: str) -> dict[str, Tensor]:
    require_safe_loading(name)
    try:
        content: Any = torch.load(name, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's errors, zip's errors and others
        refused = type(error).__name__ == "UnpicklingError"
        reason = (
            Message("it holds Python objects, which could run code, or it is damaged")
            if refused
            else Message("it is damaged")
        )
        raise InputError(
            "{name} is refused because {reason}. Save only the weights (torch.save(network.state_dict(), …)), or a "
            ".safetensors file.",
            name=name,
            reason=reason,
        ) from None
    for key in _NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise InputError("{name} holds no weights of a network. Save network.state_dict().", name=name)
    return {str(key): value for key, value in content.items()}


def _without_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for prefix in _PREFIXES:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name[len(prefix) :]: tensor for name, tensor in tensors.items()}
    return dict(tensors)


def _network(source: PathLike, tensors: Mapping[str, Tensor], card: ModelCard) -> Network:
    """The card's network with these weights; InputError where they don't fit."""
    bands = len(card.band_names)
    network = build_network(card.architecture, bands, len(card.classes))
    expected = network.state_dict()
    counters = {name for name in expected if name.endswith("num_batches_tracked")}
    missing = sorted(set(expected) - set(tensors) - counters)
    unknown = sorted(set(tensors) - set(expected))
    start = Message(
        "{path}: these are not the weights of a {architecture} network",
        path=os.fspath(source),
        architecture=card.architecture,
    )
    if missing or unknown:
        examples = (
            Message("there is no {missing}", missing=missing[0])
            if missing
            else Message("it has no {unknown}", unknown=unknown[0])
        )
        raise InputError(
            "{start} ({missing_count} are missing, {unknown_count} too many; {examples}).",
            start=start,
            missing_count=len(missing),
            unknown_count=len(unknown),
            examples=examples,
        )
    first = next(name for name, tensor in expected.items() if tensor.ndim == 4)
    if tensors[first].ndim == 4 and tensors[first].shape[1] != bands:
        raise InputError(
            "{path} is for {shape} input bands, but the channels given make {bands}: "
            "give the channels that it was trained on.",
            path=os.fspath(source),
            shape=tensors[first].shape[1],
            bands=bands,
        )
    wrong = [name for name, tensor in expected.items() if name in tensors and tensors[name].shape != tensor.shape]
    if wrong:
        shapes = Message(
            "{wrong} is {shape} and not {expected_shape}",
            wrong=wrong[0],
            shape=tuple(tensors[wrong[0]].shape),
            expected_shape=tuple(expected[wrong[0]].shape),
        )
        raise InputError(
            "{start} with {count} classes ({shapes}).",
            start=start,
            count=len(card.classes),
            shapes=shapes,
        )
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)
    except (RuntimeError, TypeError) as error:  # tensors of a kind that no network here has
        raise InputError("{start} ({error}).", start=start, error=error) from None
    if not all(bool(torch.isfinite(tensor).all()) for tensor in network.state_dict().values()):
        raise InputError(
            "{path} holds weights that are no numbers: its training failed, or it is damaged.", path=os.fspath(source)
        )
    return network.train(False)


def require_safe_loading(path: PathLike) -> None:
    """InputError where PyTorch can't keep a file of weights from running code."""
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 6):
        # CVE-2025-32434: before 2.6 weights_only didn't keep code from running.
        raise InputError(
            "{path} can't be read safely with PyTorch {version}: update PyTorch to 2.6 or later.",
            path=path,
            version=torch.__version__,
        )
