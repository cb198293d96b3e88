"""Tiles that were made ahead and lie on disk as a network sees them, so that many trainings learn from the same ones.

A bank is a folder: ``bank.json`` tells what it holds, ``bands.npy`` the scaled channels (float16, NaN for no data),
``labels.npy`` the labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..channels import Channel, ChannelKind
from ..errors import InputError
from ..files import told_as_unwritable, write_text
from ..json_texts import read_json
from ..models import ModelCard, TileSource, tile_layer
from ..progress import QUIET, Progress
from ..types import PathLike
from .inputs import ScaledTile

FACTS, BANDS, LABELS = "bank.json", "bands.npy", "labels.npy"
_KEPT_EACH = 32
_ORDER, _CROP = 0, 1


def fill_bank(
    folder: PathLike, source: TileSource, card: ModelCard, count: int, origin: str, progress: Progress = QUIET
) -> None:
    """Make the first ``count`` tiles of a source for the channels of ``card``; goes on where it was stopped.

    ``origin`` says in words what the tiles are: InputError where the folder holds others. Layers that a tile lacks hold
    no data. The channels must have one band each.
    """
    target = Path(folder)
    facts: dict[str, Any] = {"origin": origin, "count": count, "channels": _told(card.channels), "made": 0}
    if (target / FACTS).exists():
        known = _facts(target)
        if any(known.get(name) != facts[name] for name in ("origin", "count", "channels")):
            raise InputError("{folder} holds other tiles. Delete it, or choose another folder.", folder=folder)
        facts = known
    bands: NDArray[Any] | None = None
    labels: NDArray[Any] | None = None
    for index in range(facts["made"], count):
        progress.report(index / count)
        tile = source(index)
        facts["pixel_size"] = tile.pixel_size
        if bands is None or labels is None:
            shape = (count, len(card.channels), *tile.label.shape)
            bands = _array(target / BANDS, np.float16, shape)
            labels = _array(target / LABELS, np.uint8, (count, *tile.label.shape))
        for number, channel in enumerate(card.channels):
            bands[index, number] = np.nan
            if channel.kind.layer.value in tile.layers:
                (bands[index, number],) = channel.bands(tile_layer(tile, channel), tile.pixel_size)
        labels[index] = tile.label
        if (index + 1) % _KEPT_EACH == 0 or index + 1 == count:
            for array in (bands, labels):
                array.flush()  # type: ignore[attr-defined]
            write_text(target / FACTS, json.dumps({**facts, "made": index + 1}, ensure_ascii=False))
    progress.report(1.0)


def _told(channels: Sequence[Channel]) -> list[dict[str, Any]]:
    """What the bands depend on; whether a channel may be missing, and how it is filled then, is free."""
    free = ("optional", "fill")
    return [{name: value for name, value in own.to_json().items() if name not in free} for own in channels]


def _facts(folder: Path) -> dict[str, Any]:
    try:
        facts = read_json((folder / FACTS).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError("{folder} is no bank of tiles ({error}).", folder=folder, error=error) from None
    return dict(facts)


def _array(path: Path, dtype: type, shape: tuple[int, ...]) -> NDArray[Any]:
    """A file of zeros, or the one that is there, to be written to."""
    with told_as_unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            kept: NDArray[Any] = np.load(path, mmap_mode="r+")
            if kept.shape == shape:
                return kept
        new: NDArray[Any] = np.lib.format.open_memmap(path, "w+", dtype, shape)  # type: ignore[no-untyped-call]
    return new


@dataclass(frozen=True)
class InputBank:
    """The tiles of a bank again and again, shuffled anew in each epoch; index i always gives the same tile.

    ``kinds``: the channels to give, all where empty. ``crop``: only a square of so many pixels, at random; its channels
    were scaled in the whole tile, so that a local mean is that of a map. InputError for a folder that isn't a bank, or
    one that isn't full.
    """

    folder: PathLike
    kinds: tuple[ChannelKind, ...] = ()
    crop: int | None = None
    seed: int = 1

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What ``bank.json`` tells."""
        facts = _facts(Path(self.folder))
        if facts["made"] < facts["count"]:
            raise InputError("{folder} isn't full: fill it first.", folder=self.folder)
        return facts

    def __call__(self, index: int) -> ScaledTile:
        """Tile number ``index`` ≥ 0 of the endless sequence."""
        count = int(self.facts["count"])
        epoch, place = divmod(index, count)
        number = int(np.random.default_rng((self.seed, _ORDER, epoch)).permutation(count)[place])
        # Opened anew each time: an open file would be copied whole to a worker process.
        label = np.load(Path(self.folder) / LABELS, mmap_mode="r")[number]
        bands = np.load(Path(self.folder) / BANDS, mmap_mode="r")[number]
        if self.crop is not None:
            random = np.random.default_rng((self.seed, _CROP, index))
            row, column = (int(random.integers(0, side - self.crop + 1)) for side in label.shape)
            window = np.s_[..., row : row + self.crop, column : column + self.crop]
            label, bands = label[window], bands[window]
        names = [str(channel["kind"]) for channel in self.facts["channels"]]
        wanted = [kind.value for kind in self.kinds] or names
        absent = [name for name in wanted if name not in names]
        if absent:
            raise InputError("{folder} holds no {kind}.", folder=self.folder, kind=ChannelKind(absent[0]).label)
        layers = {name: bands[names.index(name)].astype(np.float32) for name in wanted}
        return ScaledTile(layers, np.array(label), float(self.facts["pixel_size"]))
