"""From tiles to what a network learns from: scaled channels, dropped channels, augmentation, batches.

Every sample is a pure function of (seed, index), so that a resumed training sees what an uninterrupted one does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from ..channels import ChannelKind
from ..models import IGNORED, LabelledTile, Labels, ModelCard, TileSource, network_input
from ..types import Array


@dataclass(frozen=True)
class ScaledTile:
    """A tile whose layers are channels, scaled before, by kind: float32 (h, w), NaN for no data."""

    layers: Mapping[str, Array]
    label: Labels
    pixel_size: float

    def to_input(self, card: ModelCard, missing: Collection[ChannelKind]) -> tuple[Array, Labels]:
        """As the function of that name gives it for other tiles."""
        bands = np.empty((len(card.channels), *self.label.shape), np.float32)
        measured = np.zeros(self.label.shape, bool)
        for band, channel in zip(bands, card.channels):
            band[:] = channel.fill
            if channel.kind not in missing:
                values = self.layers[channel.kind.value]
                valid = np.isfinite(values)
                np.copyto(band, values, where=valid)
                if channel.kind.is_rate:
                    measured |= valid
        return bands, np.where(measured, self.label, IGNORED).astype(np.uint8)


def to_input(tile: LabelledTile, card: ModelCard, missing: Collection[ChannelKind] = ()) -> tuple[Array, Labels]:
    """A tile as a network gets it: float32 (bands, h, w) without NaN, and labels uint8 (h, w).

    Channels are scaled as at prediction and filled where they have no data; those in ``missing`` are filled
    wholly. Pixels without any rate are masked at prediction, so here they are ignored. InputError when the card
    wants a layer or a unit that the tile doesn't have.
    """
    if isinstance(tile, ScaledTile):
        return tile.to_input(card, missing)
    bands, measured = network_input(tile, card, missing)
    height, width = tile.label.shape
    return bands[:, :height, :width], np.where(measured, tile.label, IGNORED).astype(np.uint8)


def draw_missing(card: ModelCard, random: np.random.Generator) -> frozenset[ChannelKind]:
    """The channels that a sample goes without, drawn from the optional ones; one rate always stays.

    Where all rates are optional: all of them 60 %, else one alone, the LOS rate half as often as another. Of the rest
    none 20 %, else each stays at 75 %. Evidence (standard error, coherence, closure) goes by itself: none 40 %, else
    each stays at 75 %, so that the model holds without any of it.
    """
    optional = [channel.kind for channel in card.channels if channel.optional]
    rates = [channel.kind for channel in card.channels if channel.kind.is_rate]
    missing: set[ChannelKind] = set()
    if random.random() < 0.4:
        weights = np.array([0.5 if kind is ChannelKind.LOS_RATE else 1.0 for kind in rates])
        kept = rates[int(random.choice(len(rates), p=weights / weights.sum()))]
        missing |= {kind for kind in rates if kind is not kept and kind in optional}
    none = random.random() < 0.2
    for kind in optional:
        gone = random.random() < 0.25 or none
        if gone and not kind.is_rate and not kind.is_evidence:
            missing.add(kind)
    no_evidence = random.random() < 0.4
    for kind in optional:
        if kind.is_evidence and (random.random() < 0.25 or no_evidence):
            missing.add(kind)
    return frozenset(missing)


@dataclass(frozen=True)
class BatchSource(Dataset[Any]):
    """Batches of an unlimited training set: tiles, channels dropped at random, flips.

    Item i is a group of ``views`` batches made from the tiles i·batch_size … (i+1)·batch_size − 1: each batch
    with its own dropped channels and flips, because a tile costs more than a compact network's step. Only
    east–west flips are made: they turn an ascending view into a descending one, where a turned or north–south
    flipped tile would show an impossible look direction.
    """

    tiles: TileSource
    card: ModelCard
    seed: int
    batch_size: int
    views: int = 1

    def __getitem__(self, group: int) -> list[tuple[Array, Labels]]:
        """``views`` batches of float32 (batch_size, bands, h, w) and uint8 (batch_size, h, w)."""
        first = group * self.batch_size
        tiles = [self.tiles(index) for index in range(first, first + self.batch_size)]
        random = np.random.default_rng((self.seed, group))
        return [self._batch(tiles, random) for _ in range(self.views)]

    def _batch(self, tiles: Sequence[LabelledTile], random: np.random.Generator) -> tuple[Array, Labels]:
        samples = []
        for tile in tiles:
            bands, labels = to_input(tile, self.card, draw_missing(self.card, random))
            step = -1 if random.random() < 0.5 else 1
            samples.append((bands[..., ::step], labels[..., ::step]))
        return np.stack([bands for bands, _ in samples]), np.stack([labels for _, labels in samples])
