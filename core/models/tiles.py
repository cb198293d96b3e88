"""Labelled tiles: what networks are trained with and judged on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, overload

import numpy as np
from numpy.typing import NDArray

from ..channels import Channel, ChannelKind, minmax_channel
from ..errors import InputError
from ..types import Array, Mask
from .card import ModelCard

Labels = NDArray[np.uint8]

IGNORED = 255
"""The label of a pixel that is neither an area nor background: it counts nowhere."""


class LabelledTile(Protocol):
    """What a tile must have: layers (h, w) by kind in the usual units and signs, and labels 0, 1, 255 = ignored."""

    @property
    def layers(self) -> Mapping[str, Array]: ...
    @property
    def label(self) -> Labels: ...
    @property
    def pixel_size(self) -> float: ...


class TileSource(Protocol):
    """Gives the tile of an index, the same one each time; can be pickled."""

    def __call__(self, index: int) -> LabelledTile: ...


class FirstTiles(Sequence[LabelledTile]):
    """The first ``count`` tiles of a source, each made when asked for."""

    def __init__(self, source: TileSource, count: int) -> None:
        self._source, self._count = source, count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> LabelledTile: ...
    @overload
    def __getitem__(self, index: slice) -> list[LabelledTile]: ...
    def __getitem__(self, index: int | slice) -> LabelledTile | list[LabelledTile]:
        places = range(self._count)[index]
        return [self._source(place) for place in places] if isinstance(places, range) else self._source(places)


def tile_layer(tile: LabelledTile, channel: Channel) -> Array:
    """The layer of a tile (h, w) that a channel needs; InputError when the tile has none in the channel's unit."""
    kind = channel.kind.layer
    usual = minmax_channel(kind, 0.0, 1.0)
    if kind.value not in tile.layers or (usual.unit, usual.sign) != (channel.unit, channel.sign):
        unit = f"{channel.unit or 'plain numbers'} {channel.sign}".rstrip()
        raise InputError(
            "The tiles hold no {label} in {unit}. Change that channel in the model card.", label=kind.label, unit=unit
        )
    return tile.layers[kind.value]


def network_input(tile: LabelledTile, card: ModelCard, missing: Collection[ChannelKind] = ()) -> tuple[Array, Mask]:
    """A tile as a network gets it at prediction: float32 (bands, h, w) without NaN, sides multiples of the stride.

    Channels in ``missing`` are filled wholly, and optional ones of which the tile has no layer, gaps of the others as
    the card says; what the stride asks for beyond the tile repeats its edge. Also where (h, w) any rate was given.
    """
    height, width = tile.label.shape
    bands = []
    measured = np.zeros((height, width), bool)
    for channel in card.channels:
        shape = (len(channel.band_names), height, width)
        if channel.kind in missing or (channel.optional and channel.kind.layer.value not in tile.layers):
            bands.append(np.full(shape, channel.fill, np.float32))
            continue
        values = tile_layer(tile, channel)
        valid = np.isfinite(values)
        if channel.kind.is_rate:
            measured |= valid
        scaled = channel.bands(values, tile.pixel_size)
        bands.append(np.where(valid, scaled, np.float32(channel.fill)))
    beyond = ((0, 0), (0, -height % card.stride), (0, -width % card.stride))
    return np.pad(np.concatenate(bands), beyond, mode="edge"), measured


def measured_pixels(tile: LabelledTile) -> Mask:
    """Where (h, w) a tile has any rate at all."""
    rates = [values for kind, values in tile.layers.items() if ChannelKind(kind).is_rate]
    result = np.zeros(tile.label.shape, bool)
    for values in rates:
        result |= np.isfinite(values)
    return result
