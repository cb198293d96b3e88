"""Weights alone, from .safetensors files and PyTorch's state dicts, to a model file with its card.

Only tensors are read: a file that holds Python objects, which could run code when loaded, is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..backends import missing_package
from ..errors import InputError
from ..model_card import CARD_KEY, ModelCard
from ..progress import Progress
from ..raster import PathLike
from .export import export_onnx
from .networks import Network, build_network

SUFFIXES = (".safetensors", ".pt", ".pth")
_NESTED = ("state_dict", "model_state_dict", "model", "network")
_PREFIXES = ("module.", "network.", "model.")
_QUIET = Progress()


def import_weights(
    source: PathLike, card: ModelCard | None, output: PathLike, progress: Progress = _QUIET
) -> ModelCard:
    """Write the model file of a network's weights, for the network and channels of the card; the card.

    A .safetensors file that ADA Mapper exported has its card with it, and ``card`` is not used. Raises InputError, in
    one or two sentences, for a file that can't be read safely, and for weights of another network.
    """
    tensors, own = read_weights(source)
    if own is not None:
        progress.info(f"The weights have the card of “{own.name}” with them: it is used, and the settings are not.")
    card = own or card
    if card is None:
        raise InputError(f"{os.fspath(source)} has no card: choose its network and channels.")
    export_onnx(_network(source, tensors, card), card, output)
    return card


def read_weights(path: PathLike) -> tuple[dict[str, Tensor], ModelCard | None]:
    """Tensors by name, without the prefixes that wrappers add, and the card where the file has one."""
    name = os.fspath(path)
    if not Path(name).is_file():
        raise InputError(f"The file {name} doesn't exist.")
    if Path(name).suffix.lower() == ".safetensors":
        tensors, metadata = _from_safetensors(name)
        text = metadata.get(CARD_KEY)
        try:
            return _without_prefix(tensors), ModelCard.from_json(text) if text else None
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    return _without_prefix(_from_torch(name)), None


def _from_safetensors(name: str) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise missing_package("safetensors", "Reading weights", error) from None
    try:
        with safe_open(name, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{name} is no safetensors file, or it is damaged ({error}).") from None


def _from_torch(name: str) -> dict[str, Tensor]:
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 6):
        # CVE-2025-32434: before 2.6 weights_only didn't keep code from running.
        raise InputError(
            f"{name} can't be read safely with PyTorch {torch.__version__}: update it to 2.6 or later, or save the "
            "weights as .safetensors."
        )
    try:
        content: Any = torch.load(name, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's errors, zip's errors and others
        refused = type(error).__name__ == "UnpicklingError"
        reason = "it holds Python objects, which could run code, or it is damaged" if refused else "it is damaged"
        raise InputError(
            f"{name} is refused because {reason}. Save only the weights (torch.save(network.state_dict(), …)), or a "
            ".safetensors file."
        ) from None
    for key in _NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise InputError(f"{name} holds no weights of a network. Save network.state_dict().")
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
    start = f"{os.fspath(source)}: these are not the weights of a {card.architecture} network"
    if missing or unknown:
        examples = f"there is no {missing[0]}" if missing else f"it has no {unknown[0]}"
        raise InputError(f"{start} ({len(missing)} are missing, {len(unknown)} too many; {examples}).")
    first = next(name for name, tensor in expected.items() if tensor.ndim == 4)
    if tensors[first].ndim == 4 and tensors[first].shape[1] != bands:
        raise InputError(
            f"{os.fspath(source)} is for {tensors[first].shape[1]} input bands, but the channels given make {bands}: "
            "give the channels that it was trained on."
        )
    wrong = [name for name, tensor in expected.items() if name in tensors and tensors[name].shape != tensor.shape]
    if wrong:
        shapes = f"{wrong[0]} is {tuple(tensors[wrong[0]].shape)} and not {tuple(expected[wrong[0]].shape)}"
        raise InputError(f"{start} with {len(card.classes)} classes ({shapes}).")
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)
    return network.train(False)
