"""From a trained network to one ONNX file with its card, and back.

A file carries the weights under the names of the network's ``state_dict`` and batch normalisation unfolded
(runtimes fold it when they load the file), so that PyTorch can take them up again without any pickle.
"""

from __future__ import annotations

import copy
import io
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..progress import QUIET, Progress
from ..types import PathLike
from .card import FOREIGN, ModelCard, read_card
from .files import (
    load_model,
    onnx_package,
    refuse_quantised,
    rename_inputs,
    save_model,
    store_as_half,
    weights_of,
    write_card,
)
from .networks import Network, build_network

__all__ = ["export_onnx", "load_network", "write_card"]

OPSET = 17
IR_VERSION = 10
INPUT = "input"
OUTPUT = "probability"


class _Probability(nn.Module):
    """The network with a softmax behind it: what an ONNX file computes.

    For two classes it is written as a sigmoid of the difference, which ONNX Runtime does five times faster.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        logits = self.network(x)
        if self.network.classes != 2:
            return torch.softmax(logits, dim=1)
        probability = torch.sigmoid(logits[:, 1:] - logits[:, :1])
        return torch.cat((1 - probability, probability), dim=1)


def export_onnx(
    network: Network, card: ModelCard, path: PathLike, half_storage: bool = False, progress: Progress = QUIET
) -> None:
    """Write a network and its card as one ONNX file, which appears only when complete.

    Input ``input`` float32 (n, C, h, w), output ``probability`` (n, classes, h, w); n, h and w are free, h and w
    multiples of the card's stride. ``half_storage`` keeps the weights as float16 with a cast behind each, which
    halves the file; runtimes undo the casts at load, so it costs no time. Raises InputError when the card is
    for another network, OutputError when the file can't be written.
    """
    if (card.architecture, len(card.band_names)) != (network.architecture, network.channels):
        raise InputError(
            "The card is for {architecture} with {count} input bands, the network is "
            "{architecture_of_network} with {channels}.",
            architecture=card.architecture,
            count=len(card.band_names),
            architecture_of_network=network.architecture,
            channels=network.channels,
        )
    model = _traced(network)
    progress.check()
    model.ir_version = IR_VERSION
    if half_storage:
        store_as_half(model)
    save_model(model, card, path, progress)


def load_network(path: PathLike) -> Network:
    """The network of a model file as a PyTorch module in evaluation mode, with exactly the file's weights.

    Raises InputError when the file holds no card or weights of another network, is quantised (fine-tuning needs
    the model that it was made from), or was imported from another program.
    """
    card = read_card(path)
    refuse_quantised(path, card)
    if card.architecture == FOREIGN:
        raise InputError(
            "{path} was imported from another program: PyTorch can neither run nor train it here. Use ONNX Runtime.",
            path=path,
        )
    weights = {name: torch.from_numpy(values) for name, values in weights_of(load_model(path)).items()}
    network = build_network(card.architecture, len(card.band_names), len(card.classes))
    expected = {name for name in network.state_dict() if not name.endswith("num_batches_tracked")}
    if set(weights) != expected:
        raise InputError(
            "{path}: its weights are not those of a {architecture} network "
            "({count} are missing). PyTorch can't run it; use ONNX Runtime.",
            path=path,
            architecture=card.architecture,
            count=len(expected - set(weights)),
        )
    other = [name for name in sorted(expected) if network.state_dict()[name].shape != weights[name].shape]
    if other:
        raise InputError(
            "{path}: its weights don't fit a {architecture} network of this version (layer {other} has "
            "another shape). PyTorch can't run it; use ONNX Runtime.",
            path=path,
            architecture=card.architecture,
            other=other[0],
        )
    network.load_state_dict(weights, strict=False)
    return network.train(False)


def _traced(network: Network) -> Any:
    """The ONNX graph of a network, its initialisers named as in the network's state_dict."""
    onnx = onnx_package()
    free = {0: "n", 2: "height", 3: "width"}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # the tracing exporter is the one that keeps names, and the one that takes ceil_mode with free sizes
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Probability(_with_distinct_weights(network)).train(False),
            (torch.zeros(1, network.channels, 2 * network.stride, 2 * network.stride),),
            buffer,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: free, OUTPUT: free},
        )
    model = onnx.load_from_string(buffer.getvalue())
    names = {tensor.name: tensor.name.removeprefix("network.") for tensor in model.graph.initializer}
    rename_inputs(model, names)
    weights = network.state_dict()
    for tensor in model.graph.initializer:
        name = names[tensor.name]
        values = weights[name].detach().to("cpu", torch.float32).contiguous().numpy()
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))
    return model


def _with_distinct_weights(network: Network) -> Network:
    """A copy in which no two tensors are equal: the exporter would store equal ones once, under one name."""
    copied = copy.deepcopy(network)
    with torch.no_grad():
        for index, tensor in enumerate(copied.state_dict().values()):
            tensor.fill_(index)
    return copied
