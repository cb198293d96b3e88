"""Sources of tiles put together: several sample sets, a user's own tiles and simulated ones."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np

from ..channels import ChannelKind
from ..errors import InputError
from ..models import LabelledTile, TileSource
from ..samples import SampleTile
from ..types import Array

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class MixedTiles:
    """Tiles of two sources, spread evenly: ``share`` of them from ``first``, the others from ``second``.

    Each source is gone through in its own order without gaps, so the same index is always the same tile.
    """

    share: float
    first: TileSource
    second: TileSource

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise InputError("A share of tiles lies between 0 and 1, not {share:g}.", share=self.share)

    def __call__(self, index: int) -> LabelledTile:
        before, after = (math.floor(number * self.share) for number in (index, index + 1))
        return self.first(before) if after > before else self.second(index - before)


def mixed_by_weight(sources: Sequence[TileSource], weights: Sequence[float]) -> TileSource:
    """One source of several; each gives a share of the tiles in proportion to its weight."""
    mixed, total = sources[0], weights[0]
    for source, weight in zip(sources[1:], weights[1:]):
        total += weight
        mixed = MixedTiles(weight / total, source, mixed)
    return mixed


@dataclass(frozen=True)
class CompletedTiles(Sequence[LabelledTile]):
    """Tiles of which each has all layers of ``kinds``: those it lacks hold no data anywhere."""

    tiles: Sequence[LabelledTile]
    kinds: tuple[ChannelKind, ...]

    def __len__(self) -> int:
        return len(self.tiles)

    @overload
    def __getitem__(self, index: int) -> LabelledTile: ...
    @overload
    def __getitem__(self, index: slice) -> CompletedTiles: ...
    def __getitem__(self, index: int | slice) -> LabelledTile | CompletedTiles:
        if isinstance(index, slice):
            return CompletedTiles(self.tiles[index], self.kinds)
        return completed(self.tiles[index], self.kinds)


@dataclass(frozen=True)
class CompletedSource:
    """The same for an endless source."""

    source: TileSource
    kinds: tuple[ChannelKind, ...]

    def __call__(self, index: int) -> LabelledTile:
        return completed(self.source(index), self.kinds)


def completed(tile: LabelledTile, kinds: Collection[ChannelKind]) -> LabelledTile:
    """The tile with a layer for each of the kinds."""
    absent = [kind.layer.value for kind in kinds if kind.layer.value not in tile.layers]
    if not absent:
        return tile
    nothing: Array = np.full(tile.label.shape, np.nan, np.float32)
    layers = {**tile.layers, **dict.fromkeys(absent, nothing)}
    return SampleTile(getattr(tile, "name", ""), layers, tile.label, tile.pixel_size)


@dataclass(frozen=True)
class Concatenated(Sequence[LabelledTile]):
    """Several sequences of tiles one after the other, none of them read before it is asked for."""

    parts: tuple[Sequence[LabelledTile], ...]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @overload
    def __getitem__(self, index: int) -> LabelledTile: ...
    @overload
    def __getitem__(self, index: slice) -> list[LabelledTile]: ...
    def __getitem__(self, index: int | slice) -> LabelledTile | list[LabelledTile]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        for part in self.parts:
            if index < len(part):
                return part[index]
            index -= len(part)
        raise IndexError(index)


def spread(tiles: Sequence[_Item], count: int) -> Sequence[_Item]:
    """At most ``count`` of the tiles (or whatever it is), evenly spread over the sequence."""
    return tiles if len(tiles) <= count else tiles[:: math.ceil(len(tiles) / count)]
