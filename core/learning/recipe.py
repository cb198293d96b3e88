"""What a user wants trained: the tiles that it learns from, the card that it starts with."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..channels import MINMAX_CHANNELS, Channel, ChannelKind, Scaling
from ..errors import InputError
from ..models import NETWORKS, LabelledTile, ModelCard, TileSource, build_network, read_card
from ..progress import QUIET, Progress
from ..raster import Grid
from ..samples import SET_FILE, RepeatedTiles, SampleSet, StoredTiles, stored_unit
from ..simulation import LANDSLIDES_PER_KM2, TileGenerator
from ..texts import joined
from ..types import PathLike
from .bundled import bundled_card
from .mixtures import CompletedSource, CompletedTiles, Concatenated, mixed_by_weight
from .training import TrainingOptions
from .worlds import TEST_SEED, TRAINING_DENSITY, VALIDATION_SEED, TerrainSplit

_RADIANS_A_TURN = 6.283185307179586
LEARNING_RATES = {"compact": 2e-3, "resnet50_unet": 5e-4, "vgg16_unet": 3e-4}
TUNING_RATE_SHARE = 0.1
_USUAL_TILE = 256
SIMULATED_SHARE = 0.5
"""Of the tiles, where there are samples."""
_CLASSICAL_KINDS = (ChannelKind.PHASE_RATE, ChannelKind.LOS_RATE, ChannelKind.SLOPE, ChannelKind.LOS_SENSITIVITY)


def usual_options(architecture: str, is_tuning: bool, **given: Any) -> TrainingOptions:
    """The options that suit a network, or fine-tuning it, but for those that are given; a budget must be."""
    learning_rate = LEARNING_RATES.get(architecture, min(LEARNING_RATES.values()))
    usual: dict[str, Any] = {
        "learning_rate": learning_rate * (TUNING_RATE_SHARE if is_tuning else 1.0),
        "batch_size": 16,
        "patience": 6,
        "average": 0.999,
        "frozen_statistics": is_tuning,
    }
    return TrainingOptions(**{**usual, **given})


def as_many(count: int, tile_size: int) -> int:
    """How many tiles hold as much ground as ``count`` usual ones: of smaller tiles more, at most four times."""
    return round(count * min(max((_USUAL_TILE / tile_size) ** 2, 1), 4))


@dataclass(frozen=True)
class Recipe:
    """A training as a user asks for it.

    ``samples``: folders of sample sets. ``simulated_share`` of the tiles are simulated, over the DEMs in
    ``dem_folder`` and generated terrain; all of them where there are no samples. ``kinds``: the channels of a new
    network; empty for all that the samples hold. ``start``: a model file to fine-tune, whose network and channels
    are then kept. ``simulated_tiles``: how many simulated tiles validate, and how many test; as much ground where tiles
    are small. InputError for what can't be trained.
    """

    output: PathLike
    options: TrainingOptions
    samples: tuple[str, ...] = ()
    simulated_share: float = 1.0
    dem_folder: str | None = None
    architecture: str = "compact"
    kinds: tuple[ChannelKind, ...] = ()
    start: str | None = None
    name: str = ""
    licence: str = ""
    simulated_tiles: int = 48

    def __post_init__(self) -> None:
        if not 0 <= self.simulated_share <= 1:
            raise InputError("The share of simulated tiles lies between 0 and 100 %.")
        if not self.samples and self.simulated_share < 1:
            raise InputError("Without sample sets all tiles are simulated: set their share to 100 %, or give samples.")
        if self.start and not self.samples:
            raise InputError("Fine-tuning needs labels of your own: give at least one sample set.")
        if self.samples and self.simulated_share == 1:
            raise InputError("With 100 % simulated tiles the sample sets would not be used. Choose a lower share.")
        if self.architecture not in NETWORKS:
            build_network(self.architecture, 1)  # says which there are
        if self.start and Path(self.start).resolve() == Path(self.output).resolve():
            raise InputError("The trained model would replace the one it starts from. Choose another file.")
        if self.simulated_tiles < 1:
            raise InputError("At least one simulated tile must validate.")

    @property
    def checkpoint(self) -> Path:
        """Where the unfinished training is kept."""
        return Path(self.output).with_suffix(".checkpoint.pt")

    def identity(self) -> dict[str, str]:
        """The settings that a continued training must share, besides those of its options."""
        budget = f"{self.options.minutes:g} min" if self.options.minutes is not None else f"{self.options.steps} steps"
        return {
            "budget": budget,
            "patience": str(self.options.patience),
            "samples": ", ".join(_marked(Path(folder) / SET_FILE, folder) for folder in self.samples) or "none",
            "simulated share": f"{100 * self.simulated_share:g} %",
            "DEMs": str(self.dem_folder or "none"),
            "start": _marked(Path(self.start), self.start) if self.start else "fresh weights",
        }


def _marked(path: Path, name: PathLike) -> str:
    """The name with a mark of the file's content, so that a file changed under its name is told from what it was."""
    try:
        return f"{name} ({hashlib.sha256(path.read_bytes()).hexdigest()[:8]})"
    except OSError:
        return str(name)


class OwnTiles:
    """The tiles of one or more sample sets, which must have tiles of the same size."""

    def __init__(self, folders: Sequence[PathLike]) -> None:
        self.sets = [SampleSet(folder) for folder in folders]
        first = self.sets[0]
        for other in self.sets[1:]:
            if (other.tile_size, other.pixel_size) != (first.tile_size, first.pixel_size):
                raise InputError(
                    "{folder} has tiles of {tile_size} pixels of {pixel_size:g} m, {other_folder} "
                    "of {other_tile_size} of {other_pixel_size:g} m. Create both with the same sizes.",
                    folder=other.folder,
                    tile_size=other.tile_size,
                    pixel_size=other.pixel_size,
                    other_folder=first.folder,
                    other_tile_size=first.tile_size,
                    other_pixel_size=first.pixel_size,
                )
        self.tile_size, self.pixel_size = first.tile_size, first.pixel_size

    @cached_property
    def kinds(self) -> tuple[ChannelKind, ...]:
        """The layers that any of the sets has."""
        held = {kind for samples in self.sets for kind in samples.layers}
        return tuple(kind for kind in ChannelKind if kind in held)

    def require_areas(self) -> None:
        """InputError where nothing could be learned from the training tiles."""
        if not any(samples.tiles("training").holds_area.any() for samples in self.sets):
            raise InputError(
                "No training tile of {folders} holds a labelled area, so no network can learn from them what one is. "
                "Create samples with a larger share of training blocks, or label more areas.",
                folders=joined([str(samples.folder) for samples in self.sets]),
            )

    def source(self, kinds: tuple[ChannelKind, ...], seed: int) -> TileSource:
        """The training tiles again and again, each set as often as it has tiles with areas."""
        repeated = [RepeatedTiles(samples.tiles("training"), seed + number) for number, samples in enumerate(self.sets)]
        return CompletedSource(mixed_by_weight(repeated, [source.epoch_length for source in repeated]), kinds)

    def tiles(self, role: str, kinds: tuple[ChannelKind, ...], most: int | None = None) -> Sequence[LabelledTile]:
        """The tiles of a role, with what the classical detector looks at too; at most ``most`` of each set.

        Then those with areas come first: what few labels there are must not be thinned out.
        """
        parts = tuple(labelled_first(samples.tiles(role), most) for samples in self.sets)
        return CompletedTiles(Concatenated(parts), (*kinds, *_CLASSICAL_KINDS))

    def facts(self) -> list[dict[str, object]]:
        """What a card tells of the sets."""
        roles = ("training", "validation", "test")
        return [
            {
                "folder": samples.folder.name,
                "scenes": list(samples.scenes),
                "tiles": {role: len(samples.tiles(role)) for role in roles},
            }
            for samples in self.sets
        ]


def labelled_first(tiles: StoredTiles, most: int | None) -> StoredTiles:
    """``most`` tiles, or all where there are fewer: those with areas before any other, both evenly spread."""
    if most is None or len(tiles) <= most:
        return tiles
    with_areas = _evenly(np.flatnonzero(tiles.holds_area), most)
    others = _evenly(np.flatnonzero(~tiles.holds_area), most - len(with_areas))
    return replace(tiles, records=tuple(tiles.records[number] for number in sorted([*with_areas, *others])))


def _evenly(numbers: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """``count`` of the numbers, evenly spread over them, or all where there are fewer."""
    return numbers if len(numbers) <= count else numbers[np.arange(count) * len(numbers) // count]


@dataclass(frozen=True)
class SimulatedTiles:
    """Simulated tiles of one size for training, validation and test, from seeds and terrain of their own."""

    seed: int
    tile_size: int
    pixel_size: float
    terrain: TerrainSplit

    def source(self) -> TileSource:
        """Training tiles, with more landslides than nature has: most of a natural tile teaches nothing."""
        return self._generator(self.seed, self.terrain.training, TRAINING_DENSITY * LANDSLIDES_PER_KM2)

    def tiles(self, role: str, count: int, progress: Progress = QUIET) -> list[LabelledTile]:
        """Tiles of the role "validation" or "test": ``count``, or of smaller ones as much ground, up to four times.

        CancelledError when the user stops.
        """
        offset, paths = {
            "validation": (VALIDATION_SEED, self.terrain.validation),
            "test": (TEST_SEED, self.terrain.test),
        }[role]
        generator = self._generator(self.seed + offset, paths, LANDSLIDES_PER_KM2)
        made: list[LabelledTile] = []
        for index in range(as_many(count, self.tile_size)):
            progress.check()
            made.append(generator(index))
        return made

    def _generator(self, seed: int, paths: Sequence[str], density: float) -> TileGenerator:
        return TileGenerator(seed, self.tile_size, self.pixel_size, dem_paths=tuple(paths), landslides_per_km2=density)


def split_dems(folder: PathLike | None) -> TerrainSplit:
    """The GeoTIFFs of a folder: of four regions one validates and one tests; fewer than three are all trained on.

    Files that overlap or touch are one region, so that no ground is trained on and judged. Where a part gets none, its
    terrain is generated. InputError for a folder without GeoTIFFs.
    """
    if not folder:
        return TerrainSplit()
    try:
        paths = sorted(str(path) for path in Path(folder).iterdir() if path.suffix.lower() in (".tif", ".tiff"))
    except OSError as error:
        raise InputError(
            "The folder of elevation models {folder} can't be read ({error}). Choose another.",
            folder=folder,
            error=error,
        ) from None
    if not paths:
        raise InputError("The folder {folder} holds no GeoTIFF. Choose a folder of elevation models.", folder=folder)
    regions = _regions(paths)
    if len(regions) < 3:
        return TerrainSplit(training=tuple(paths))
    parts: list[list[str]] = [[], [], []]
    for number, region in enumerate(regions):
        parts[number % 4 if number % 4 < 3 else 0] += region
    return TerrainSplit(*(tuple(part) for part in parts))


def _regions(paths: Sequence[str]) -> list[list[str]]:
    """Files that overlap or touch, together; by the circles around them, which takes some neighbours too many."""
    circles: dict[str, tuple[float, float, float]] = {}
    for path in paths:
        try:
            grid = Grid.of(path)
            longitude, latitude = grid.centre_lonlat
            circles[path] = (longitude, latitude, grid.pixel_size * math.hypot(grid.width, grid.height) / 2)
        except InputError:  # unreadable or without CRS: told where it is used
            continue
    regions: list[list[str]] = []
    for path in paths:
        near = [region for region in regions if any(_meet(circles.get(path), circles.get(other)) for other in region)]
        regions = [region for region in regions if region not in near]
        regions.append([*(other for region in near for other in region), path])
    return regions


def _meet(one: tuple[float, float, float] | None, other: tuple[float, float, float] | None) -> bool:
    """Whether two circles (longitude, latitude, radius in metres) touch."""
    if one is None or other is None:
        return False
    first, second = (np.radians(circle[:2]) for circle in (one, other))
    cosine = math.sin(first[1]) * math.sin(second[1])
    cosine += math.cos(first[1]) * math.cos(second[1]) * math.cos(first[0] - second[0])
    return 6_371_000 * math.acos(min(1.0, cosine)) <= one[2] + other[2]


def new_channel(kind: ChannelKind) -> Channel:
    """A kind's channel as a new network gets it: scaled as in the bundled model; it may be missing at use."""
    known = {channel.kind: channel for channel in bundled_card().channels}
    if kind in known:
        return known[kind]
    if kind is ChannelKind.PHASE_RATE_WRAPPED:
        return Channel(kind, "rad/yr", "away", Scaling("wrap", cycle=_RADIANS_A_TURN), optional=True)
    return replace(MINMAX_CHANNELS[kind], optional=True)


def starting_card(recipe: Recipe, own: OwnTiles | None) -> ModelCard:
    """The card before anything is trained; InputError where samples and channels or sizes don't go together."""
    if recipe.start:
        card = read_card(recipe.start)
        if recipe.kinds and set(recipe.kinds) != {channel.kind for channel in card.channels}:
            raise InputError(
                "A fine-tuned model has the channels of the one it starts from ({band_names}). "
                "Choose no channels, or train a new network.",
                band_names=", ".join(card.band_names),
            )
        card = replace(card, name=recipe.name or f"{card.name}, fine-tuned", licence=recipe.licence or card.licence)
    else:
        card = _new_card(recipe, own)
    _require_units(card)
    if own is not None:
        card.require_layers(own.kinds)
        own.require_areas()
        if abs(own.pixel_size - card.pixel_size) > 0.01 * card.pixel_size:
            raise InputError(
                "The samples have pixels of {pixel_size:g} m, the model sees {other_pixel_size:g} m. Create "
                "samples of {other_pixel_size:g} m.",
                pixel_size=own.pixel_size,
                other_pixel_size=card.pixel_size,
            )
        if own.tile_size % card.stride:
            raise InputError(
                "The network {architecture} takes tiles whose side is a multiple of {stride} pixels, not "
                "{tile_size}. Create samples with such tiles.",
                architecture=card.architecture,
                stride=card.stride,
                tile_size=own.tile_size,
            )
    return card


def _require_units(card: ModelCard) -> None:
    """InputError for a channel in another unit or sign than all tiles have, before any tile is made."""
    for channel in card.channels:
        kind = channel.kind.layer
        if stored_unit(kind) != (channel.unit, channel.sign):
            raise InputError(
                "The model “{name}” wants the {label} in {unit}, and tiles hold it in {stored}. Train a new network, "
                "or start from another model.",
                name=card.name,
                label=kind.label,
                unit=f"{channel.unit or '1'} {channel.sign}".rstrip(),
                stored=" ".join(stored_unit(kind)).strip() or "1",
            )


def _new_card(recipe: Recipe, own: OwnTiles | None) -> ModelCard:
    model = bundled_card()
    kinds = recipe.kinds or (own.kinds if own else tuple(channel.kind for channel in model.channels))
    channels = [new_channel(kind) for kind in ChannelKind if kind in kinds]
    rates = [channel for channel in channels if channel.kind.is_rate]
    if not rates:
        raise InputError("A network needs a rate to see motion: choose the phase rate or the LOS rate.")
    if len(rates) == 1:
        channels = [replace(channel, optional=False) if channel in rates else channel for channel in channels]
    stride = NETWORKS[recipe.architecture].stride
    return replace(
        model,
        name=recipe.name or Path(recipe.output).stem,
        version="1",
        description=f"Active deformation areas by a {recipe.architecture} network trained by a user of ADA Mapper.",
        channels=tuple(channels),
        pixel_size=own.pixel_size if own else model.pixel_size,
        tile_size=own.tile_size if own and own.tile_size % stride == 0 else model.tile_size,
        architecture=recipe.architecture,
        stride=stride,
        licence=recipe.licence,
    )
