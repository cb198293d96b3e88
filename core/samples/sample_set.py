"""Sample sets: folders of labelled tiles made of a user's own scenes, and how a training goes through them.

A set is a folder: ``samples.json`` tells everything that a program needs, ``tiles/NAME_layers.tif`` and
``tiles/NAME_label.tif`` hold the tiles, and ``index.gpkg`` shows people in QGIS where they lie. Needs no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal

from ..channels import ChannelKind
from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..models import IGNORED, LabelledTile
from ..raster import open_raster
from ..satellite import to_los_rate
from ..types import Array, PathLike
from .facts import ROLES, SET_FILE, TileRecord, read_facts

INDEX_FILE, TILE_FOLDER = "index.gpkg", "tiles"
BACKGROUND, AREA = 0, 1


@dataclass(frozen=True)
class SampleTile:
    """A tile: ``layers`` by kind, float32 (h, w), NaN for no data; ``label`` uint8 (h, w): 0, 1, 255 = ignored."""

    name: str
    layers: Mapping[str, Array]
    label: NDArray[np.uint8]
    pixel_size: float


@dataclass(frozen=True)
class StoredTiles(Sequence[SampleTile]):
    """The tiles of one role, read from their files when asked for; small to pickle, so workers can hold it."""

    folder: Path
    records: tuple[TileRecord, ...]
    kinds: tuple[ChannelKind, ...]
    pixel_sizes: Mapping[str, float]
    tile_size: int

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> SampleTile: ...
    @overload
    def __getitem__(self, index: slice) -> StoredTiles: ...
    def __getitem__(self, index: int | slice) -> SampleTile | StoredTiles:
        if isinstance(index, slice):
            return replace(self, records=self.records[index])
        record = self.records[index]
        path = self.folder / TILE_FOLDER
        layers = self._read(path / f"{record.name}_layers.tif", len(self.kinds)).astype(np.float32, copy=False)
        path_of_label = path / f"{record.name}_label.tif"
        label = self._read(path_of_label, 1)[0]
        if not _is_label(label):
            raise InputError(
                "{path} holds other values than 0, 1 and 255: it was changed. Make the sample set again.",
                path=path_of_label,
            )
        label = label.astype(np.uint8, copy=False)
        by_kind = {kind.value: values for kind, values in zip(self.kinds, layers)}
        return SampleTile(record.name, by_kind, label, self.pixel_sizes[record.scene])

    @gdal_raises()
    def _read(self, path: Path, count: int) -> NDArray[Any]:
        """The bands of a tile's file, shape (bands, h, w); InputError for other bands than the set has."""
        dataset = open_raster(path)
        found = (dataset.RasterCount, dataset.RasterYSize, dataset.RasterXSize)
        is_complex = any(
            gdal.DataTypeIsComplex(dataset.GetRasterBand(band + 1).DataType) for band in range(dataset.RasterCount)
        )
        if found != (count, self.tile_size, self.tile_size) or is_complex:
            raise InputError(
                "{path} doesn't fit {set_file}: it must have {count} bands of {size} × {size} real numbers. Make the "
                "sample set again.",
                path=path,
                set_file=SET_FILE,
                count=count,
                size=self.tile_size,
            )
        try:
            values: NDArray[Any] = dataset.ReadAsArray()
        except RuntimeError as error:
            raise InputError(
                "{path} can't be read ({error}). Make the sample set again.", path=path, error=error
            ) from None
        return values.reshape(count, self.tile_size, self.tile_size)

    @property
    def holds_area(self) -> NDArray[np.bool_]:
        """Which tiles have at least one pixel of an area."""
        return np.array([record.area_pixels > 0 for record in self.records], bool)


def _is_label(label: NDArray[Any]) -> bool:
    if label.dtype != np.uint8:
        return bool(np.isin(label, (BACKGROUND, AREA, IGNORED)).all())
    counts = np.bincount(label.ravel(), minlength=IGNORED + 1)
    return int(counts[[BACKGROUND, AREA, IGNORED]].sum()) == label.size


class SampleSet:
    """A sample set that was made by ``create_samples``. InputError for a folder that isn't one or isn't complete."""

    def __init__(self, folder: PathLike) -> None:
        self.folder = Path(folder)
        facts = read_facts(self.folder)
        self.facts, self.statistics = facts.all, facts.all["statistics"]
        self.layers, self.records = facts.layers, facts.records
        self.pixel_size, self.tile_size = facts.pixel_size, facts.tile_size
        self.pixel_sizes = facts.pixel_sizes
        self._check_files()

    def _check_files(self) -> None:
        present = {path.name for path in (self.folder / TILE_FOLDER).glob("*.tif")}
        for record in self.records:
            for ending in ("layers", "label"):
                name = f"{record.name}_{ending}.tif"
                if name not in present:
                    raise InputError(
                        "{folder} lacks {tile_folder}/{name}. Copy the whole folder again, or make it again.",
                        folder=self.folder,
                        tile_folder=TILE_FOLDER,
                        name=name,
                    )

    @property
    def scenes(self) -> tuple[str, ...]:
        """The names of the scenes in the set."""
        return tuple(self.pixel_sizes)

    def tiles(self, role: str) -> StoredTiles:
        """The tiles of "training", "validation" or "test", in the order of the set."""
        if role not in ROLES:
            raise InputError("Tiles have no role “{role}”; known are {roles}.", role=role, roles=", ".join(ROLES))
        chosen = tuple(record for record in self.records if record.role == role)
        return StoredTiles(self.folder, chosen, self.layers, self.pixel_sizes, self.tile_size)


@dataclass(frozen=True)
class Augmentation:
    """What a tile's rates may be changed by without its labels changing.

    ``offset``: largest constant (rad/yr), as another reference point gives. ``ramp``: standard deviation of a slope
    in x and in y (rad/yr per 10 km). ``gain``: limits of a factor. ``holes``: share of tiles that get some without
    rates. The LOS rate changes by the same motion as the phase rate. Tiles aren't turned or flipped north–south:
    that would show an impossible look direction.
    """

    offset: float = 5.0
    ramp: float = 0.3
    gain: tuple[float, float] = (0.8, 1.25)
    holes: float = 0.3

    def apply(self, tile: LabelledTile, random: np.random.Generator) -> SampleTile:
        """The changed tile; the given one stays as it is."""
        shape = tile.label.shape
        gain = np.float32(math.exp(random.uniform(*np.log(self.gain))))
        plane = self._plane(shape, tile.pixel_size, random)
        hole = _holes(shape, random) if random.random() < self.holes else np.zeros(shape, bool)
        layers = dict(tile.layers)
        for kind, added in ((ChannelKind.PHASE_RATE, plane), (ChannelKind.LOS_RATE, to_los_rate(plane))):
            if kind.value in layers:
                layers[kind.value] = np.where(hole, np.float32(np.nan), layers[kind.value] * gain + added)
        return SampleTile(getattr(tile, "name", ""), layers, tile.label, tile.pixel_size)

    def _plane(self, shape: tuple[int, ...], pixel_size: float, random: np.random.Generator) -> Array:
        """Offset and ramp (rad/yr), float32 (h, w)."""
        slopes = random.normal(0, self.ramp, 2) * pixel_size / 10_000
        rows, columns = (np.arange(size) - (size - 1) / 2 for size in shape)
        offset = random.uniform(-self.offset, self.offset)
        plane: Array = (offset + slopes[0] * rows[:, None] + slopes[1] * columns).astype(np.float32)
        return plane


def _holes(shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.bool_]:
    """One to six ellipses with half-axes of 1 to 12 % of the tile's side."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    hole = np.zeros(shape, bool)
    for _ in range(random.integers(1, 7)):
        row, column = random.uniform(0, shape[0]), random.uniform(0, shape[1])
        tall, wide = random.uniform(0.01, 0.12, 2) * shape
        hole |= ((rows - row) / tall) ** 2 + ((columns - column) / wide) ** 2 < 1
    return hole


@dataclass(frozen=True)
class RepeatedTiles:
    """Finitely many tiles as an endless TileSource: shuffled anew in each epoch, changed anew at each use.

    Each epoch goes once through all tiles with areas and through at most ``background_ratio`` times as many
    without, another choice each time, so that few areas aren't drowned in background. Index i always gives the same
    tile. ``augmentation`` None leaves the tiles as they are. InputError when there are no tiles.
    """

    tiles: Sequence[LabelledTile]
    seed: int
    augmentation: Augmentation | None = Augmentation()
    background_ratio: float = 1.0

    def __post_init__(self) -> None:
        if not len(self.tiles):
            raise InputError(
                "The sample set has no training tiles. Create samples with a larger share of training blocks."
            )
        if self.background_ratio < 0:
            raise InputError("The ratio of background tiles can't be negative.")

    @cached_property
    def _groups(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The indices of the tiles with and without areas."""
        if isinstance(self.tiles, StoredTiles):
            holds_area = self.tiles.holds_area
        else:
            holds_area = np.array([bool((tile.label == AREA).any()) for tile in self.tiles])
        return np.flatnonzero(holds_area), np.flatnonzero(~holds_area)

    @cached_property
    def epoch_length(self) -> int:
        """The number of tiles in an epoch."""
        with_areas, without = map(len, self._groups)
        return with_areas + min(without, math.ceil(self.background_ratio * with_areas)) if with_areas else without

    def __call__(self, index: int) -> SampleTile | LabelledTile:
        """Tile number ``index`` ≥ 0 of the endless sequence."""
        epoch, position = divmod(index, self.epoch_length)
        tile = self.tiles[int(self.order(epoch)[position])]
        if self.augmentation is None:
            return tile
        return self.augmentation.apply(tile, np.random.default_rng((self.seed, 1, index)))

    def order(self, epoch: int) -> NDArray[np.intp]:
        """The indices of the tiles of an epoch."""
        random = np.random.default_rng((self.seed, 0, epoch))
        with_areas, without = self._groups
        background = random.permutation(without)[: self.epoch_length - len(with_areas)]
        return random.permutation(np.concatenate([with_areas, background]))
