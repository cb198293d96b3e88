"""Tiny ONNX models whose answers can be computed by hand, and cards and rasters for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ada_mapper.core.channels import Channel, ChannelKind, minmax_channel
from ada_mapper.core.models import ModelCard
from ada_mapper.core.raster import BandDescription, Grid, write_array
from ada_mapper.core.types import Array

UTM = "EPSG:32614"
RATE = minmax_channel(ChannelKind.LOS_RATE, -100.0, 100.0)
"""Scaled to [0, 1], so that a scaled rate can pass for a probability; no data becomes 0.5."""


def grid(width: int, height: int, size: float = 30.0, crs: str = UTM, x: float = 4e5, y: float = 2.2e6) -> Grid:
    """A grid with its top left corner at (x, y)."""
    return Grid(crs, (x, size, 0.0, y, 0.0, -size), width, height)


def card_of(*channels: Channel, **options: object) -> ModelCard:
    """A card with tiles of 64 pixels."""
    values = {"name": "toy", "version": "1.0", "description": "made by a test", "tile_size": 64, **options}
    return ModelCard(channels=channels or (RATE,), **values)


def write_model(path: Path, card: ModelCard | None, kernel: Array | None = None, inputs: int | None = None) -> Path:
    """A network whose probability is its first band, or that band (0 outside) convolved with a kernel (k, k)."""
    bands = inputs or (len(card.band_names) if card else 1)
    size = 1 if kernel is None else len(kernel)
    weights = np.zeros((1, bands, size, size), np.float32)
    weights[0, 0] = 1.0 if kernel is None else kernel
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "weights"], ["one"], pads=[size // 2] * 4),
            helper.make_node("Sub", ["unit", "one"], ["zero"]),
            helper.make_node("Concat", ["zero", "one"], ["probability"], axis=1),
        ],
        "toy",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", bands, "h", "w"])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n", 2, "h", "w"])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.float32([1]), "unit")],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
    if card is not None:
        helper.set_model_props(model, card.metadata())
    onnx.save(model, path)
    return path


def write_strided_model(path: Path, card: ModelCard) -> Path:
    """A network of one band whose answer depends on where its stride of 4 lies: 4×4 means, then a 3×3 mean of them
    at a quarter of the resolution, each spread over its 4×4 pixels."""
    average = np.full((1, 1, 4, 4), 1 / 16, np.float32)
    around = np.full((1, 1, 3, 3), 1 / 9, np.float32)
    nodes = [
        helper.make_node("Conv", ["input", "average"], ["quarter"], strides=[4, 4]),
        helper.make_node("Conv", ["quarter", "around"], ["smooth"], pads=[1] * 4),
        helper.make_node("ConvTranspose", ["smooth", "spread"], ["one"], strides=[4, 4]),
        helper.make_node("Sub", ["unit", "one"], ["zero"]),
        helper.make_node("Concat", ["zero", "one"], ["probability"], axis=1),
    ]
    weights = {"average": average, "around": around, "spread": np.ones_like(average), "unit": np.float32([1])}
    graph = helper.make_graph(
        nodes,
        "strided",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n", 2, "h", "w"])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, card.metadata())
    onnx.save(model, path)
    return path


def write_layer(
    path: Path, values: Array, on: Grid | None = None, name: str = "los_rate", unit: str = "mm/yr", sign: str = "toward"
) -> Path:
    """A layer as the stack tool writes it; no unit or sign where the text is empty."""
    tags = (("SIGN", sign),) if sign else ()
    on = on or grid(values.shape[1], values.shape[0])
    write_array(path, on, np.asarray(values, np.float32), BandDescription(name, unit, tags))
    return path


@dataclass
class ArrayScene:
    """A scene in memory (bands, h, w) for the tile runner; remembers how many rows it was asked for at a time.

    ``corner``: (column, row) of its first pixel on the lattice of its pixels.
    """

    bands: Array
    counts: list[int] = field(default_factory=list)
    coarseness: float = 1.0
    corner: tuple[int, int] = (0, 0)

    @property
    def grid(self) -> Grid:
        """30 m pixels."""
        column, row = self.corner
        return grid(self.bands.shape[2], self.bands.shape[1], x=30.0 * column, y=-30.0 * row)

    def rows(self) -> ArrayScene:
        """Itself: the rows from the top."""
        self.counts = []
        return self

    def read_filled(self, out: Array, fills: Sequence[float]) -> Array:
        """The next rows, of which there must be that many; valid is where the first band is known."""
        first = sum(self.counts)
        self.counts.append(out.shape[1])
        rows = self.bands[:, first : first + out.shape[1]]
        out[...] = np.where(np.isnan(rows), np.array(fills, np.float32)[:, np.newaxis, np.newaxis], rows)
        return ~np.isnan(rows[0])


class FunctionBackend:
    """A backend that applies a function to the first band: (n, h, w) → (n, h, w)."""

    def __init__(self, function: object = None, parallel: int = 1, batch_size: int = 1) -> None:
        self.function = function or (lambda band: band)
        self.name, self.parallel, self.batch_size = "function", parallel, batch_size
        self.shapes: list[tuple[int, ...]] = []

    def predict(self, batch: Array) -> Array:
        """Probabilities; a NaN in the input is an error of the tile runner."""
        assert not np.isnan(batch).any()
        assert batch.dtype == np.float32
        self.shapes.append(batch.shape)
        return np.array(self.function(batch[:, 0]), np.float32)


def write_answering(path: Path, card: ModelCard, answer: float, **options: Any) -> Path:
    """A network of one band that answers the same everywhere: ``answer`` for areas, 1 − ``answer`` for background.

    ``axis`` joins the two along another axis, ``kind`` is the type of the output, ``sides`` and ``count`` of the input.
    """
    sides, kind = options.get("sides", ["h", "w"]), options.get("kind", TensorProto.FLOAT)
    nodes = [
        helper.make_node("Mul", ["input", "nothing"], ["zeros"]),
        helper.make_node("Add", ["zeros", "answer"], ["one"]),
        helper.make_node("Sub", ["unit", "one"], ["zero"]),
        helper.make_node("Concat", ["zero", "one"], ["both"], axis=options.get("axis", 1)),
        helper.make_node("Cast", ["both"], ["probability"], to=kind),
    ]
    numbers = {"nothing": 0.0, "answer": answer, "unit": 1.0}
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [options.get("count", "n"), 1, *sides])],
        [helper.make_tensor_value_info("probability", kind, ["n", options.get("classes", 2), "h2", "w2"])],
        [numpy_helper.from_array(np.float32([number]), name) for name, number in numbers.items()],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, card.metadata())
    onnx.save(model, path)
    return path
