"""Model files (ONNX): reading, writing with a card, and how weights are stored in them. The door to the package onnx.

Weights are found by their names. Nothing here needs PyTorch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..files import write_file
from ..packages import missing_package
from ..progress import QUIET, Progress
from ..texts import Message
from ..types import PathLike
from .card import CARD_KEY, FOREIGN, ModelCard, read_card
from .contents import require_harmless, require_in_one_piece

_FULL = ".float32"


def onnx_package() -> Any:
    """The package onnx; DependencyError, with the way to get it, where it is missing."""
    try:
        import onnx
    except ImportError as error:
        raise missing_package("onnx", Message("Reading and writing the inside of model files"), error) from None
    return onnx


def load_model(path: PathLike) -> Any:
    """The ONNX ModelProto of a file, with what it keeps in files beside it; InputError, naming the file, when it is
    none, or not a harmless one (``contents.require_harmless``)."""
    onnx = onnx_package()
    name = os.fspath(path)
    require_in_one_piece(name, require_harmless(name))
    try:
        model = onnx.load(name, format="protobuf")
    except Exception as error:  # protobuf's DecodeError has no stable home
        raise InputError("{name} can't be read as an ONNX model ({error}).", name=name, error=error) from None
    if not model.graph.node or not model.graph.output:
        raise InputError("{name} can't be read as an ONNX model (it holds no network).", name=name)
    return model


def save_model(model: Any, card: ModelCard, path: PathLike, progress: Progress = QUIET) -> None:
    """Write a model with its card, which replaces all other metadata; the file appears only when complete.

    InputError for a model that ONNX doesn't allow, OutputError when it can't be written.
    """
    onnx = onnx_package()
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, card.metadata())
    try:
        onnx.checker.check_model(model)
        content = model.SerializeToString()
    except Exception as error:  # as above
        raise InputError(
            "The model “{name}” is not as ONNX wants it ({error}), so it isn't written.", name=card.name, error=error
        ) from None
    progress.check()
    write_file(path, content)


def write_card(path: PathLike, card: ModelCard) -> None:
    """Replace the card of a model file."""
    save_model(load_model(path), card, path)


def convert_storage(source: PathLike, output: PathLike, half: bool, progress: Progress = QUIET) -> ModelCard:
    """Copy a model with its card, its weights stored as float16 or as float32; the card.

    From float16 to float32 and back nothing changes; weights that were float32 keep 11 of their 24 bits as float16.
    InputError for a quantised model, whose weights can't be had back.
    """
    card = read_card(source)
    refuse_quantised(source, card)
    progress.report(0.0)
    model = load_model(source)
    progress.report(0.4)
    store_as_full(model)
    if half:
        progress.report(0.6)
        store_as_half(model)
    progress.report(0.8)
    save_model(model, card, output, progress)
    return card


def export_weights(source: PathLike, output: PathLike, progress: Progress = QUIET) -> ModelCard:
    """Write a model's weights as float32 to a .safetensors file, under the names of the network's state_dict, with
    the card in its metadata; the card. Needs the package safetensors.

    InputError for a model that is quantised or not one of ADA Mapper's networks: its weights have no such names.
    """
    card = read_card(source)
    refuse_quantised(source, card)
    if card.architecture == FOREIGN:
        raise InputError(
            "{path} was imported from another program: ADA Mapper doesn't know its network, so that "
            "weights alone would be of no use. Export it as ONNX.",
            path=os.fspath(source),
        )
    try:
        from safetensors.numpy import save
    except ImportError as error:
        raise missing_package("safetensors", Message("Writing weights"), error) from None
    progress.report(0.0)
    model = load_model(source)
    progress.report(0.4)
    content = save(weights_of(model), {CARD_KEY: card.to_json()})
    progress.report(0.8)
    write_file(output, content)
    return card


def refuse_quantised(source: PathLike, card: ModelCard) -> None:
    """InputError for a quantised model, naming the one that it was made from."""
    if card.quantised_from:
        raise InputError(
            "{path} is quantised: its weights are rounded to 8 bits, and only ONNX Runtime can run it. "
            "To train, convert or export it, take the model that it was made from ({quantised_from}).",
            path=os.fspath(source),
            quantised_from=card.quantised_from,
        )


def weights_of(model: Any) -> dict[str, NDArray[np.float32]]:
    """All initialisers as float32, by name."""
    to_array = onnx_package().numpy_helper.to_array
    return {tensor.name: to_array(tensor).astype(np.float32) for tensor in model.graph.initializer}


def store_as_half(model: Any) -> None:
    """Turn every convolution's weights into a float16 initialiser and a cast, in place.

    Normalisation statistics and biases stay float32: they are few, and variances leave float16's range.
    """
    onnx = onnx_package()
    casts = []
    full_names = {}
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.ndim < 2 or values.dtype != np.float32:
            continue
        full_names[tensor.name] = tensor.name + _FULL
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), tensor.name))
        casts.append(onnx.helper.make_node("Cast", [tensor.name], [full_names[tensor.name]], to=onnx.TensorProto.FLOAT))
    rename_inputs(model, full_names)
    # Older exporters list weights among the inputs, too, and there they would still be float32.
    inputs = [value for value in model.graph.input if value.name not in full_names]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def store_as_full(model: Any) -> None:
    """Undo ``store_as_half`` in place: initialisers of float32, without casts."""
    onnx = onnx_package()
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    casts = [node for node in model.graph.node if node.op_type == "Cast" and node.output[0] == node.input[0] + _FULL]
    for node in casts:
        tensor = tensors[node.input[0]]
        values = onnx.numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
        model.graph.node.remove(node)
    rename_inputs(model, {node.output[0]: node.input[0] for node in casts})


def rename_inputs(model: Any, names: Mapping[str, str]) -> None:
    """Let every node that reads one of the names read the other."""
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = names.get(name, name)
