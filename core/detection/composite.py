"""The layers of one scene as the channels of one model: one grid, one unit and sign each, scaled as the card says."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ..channels import (
    RESAMPLING_TOLERANCE,
    Channel,
    ChannelKind,
    Layer,
    SceneLayers,
    intersection,
    require_resampling,
)
from ..models import ModelCard
from ..progress import QUIET, Progress
from ..raster import (
    BandDescription,
    Grid,
    RasterWriter,
    Window,
    lattice_origin,
    limited_cache,
    resampled_on_lattice,
    row_blocks,
)
from ..types import Array, PathLike


class Composite:
    """The channels of a model over one scene, read window by window.

    The grid is that of the phase rate, else of the LOS rate, else of the first layer; resampled when its pixels
    differ from the model's by more than 20 %. Layers on other grids are resampled onto it. What was done and
    assumed is told to ``progress``. Raises InputError for layers that are missing, unreadable, empty, elsewhere,
    or of a unit that can't be converted. Holds open files: use as a context manager, from one thread at a time.
    """

    def __init__(self, layers: Mapping[ChannelKind, PathLike], card: ModelCard, progress: Progress = QUIET) -> None:
        self.card = card
        self._progress = progress
        card.require_layers([kind.layer for kind in layers])
        self._tell_unused([kind.layer for kind in layers])
        self._scene = SceneLayers(layers, card.channels, progress, self._choose_grid)
        self.layers, self.base = self._scene.layers, self._scene.base.kind
        self.grid, self.pixel_size = self._scene.grid, self._scene.pixel_size
        self.coarseness = max(1.0, self._scene.base.grid.pixel_size / self.pixel_size)

    def _tell_unused(self, given: Collection[ChannelKind]) -> None:
        for kind in given:
            if kind not in self.card.layers:
                self._progress.info(
                    "The model “{name}” doesn't use the {label}: it is left out.", name=self.card.name, label=kind.label
                )
        for channel in self.card.channels:
            if channel.kind.layer not in given:
                self._progress.info(
                    "The model “{name}” can use the {label} too, but none is given: it works without.",
                    name=self.card.name,
                    label=channel.kind.label,
                )

    def _choose_grid(self, base: Layer, pixel_size: float) -> Grid:
        wanted = self.card.pixel_size
        ratio = pixel_size / wanted
        if 1 / RESAMPLING_TOLERANCE <= ratio <= RESAMPLING_TOLERANCE:
            return base.grid
        require_resampling(base.kind.label, pixel_size, wanted)
        self._progress.info(
            "The {label} has pixels of {pixel_size:.4g} m and the model was trained at {wanted:.4g} m: all "
            "layers are resampled to {wanted:.4g} m.",
            label=base.kind.label,
            pixel_size=pixel_size,
            wanted=wanted,
        )
        if ratio > 2:
            self._progress.warning(
                "The {label} is {ratio:.1f} times coarser than what the model was trained on: expect it "
                "to miss small areas. Areas below {min_area:.2g} km² are not advised.",
                label=base.kind.label,
                ratio=ratio,
                min_area=self.card.min_area * ratio**2 / 1000000.0,
            )
        return resampled_on_lattice(base.grid, wanted)

    def read(self, window: Window) -> Array:
        """The scaled bands of a window, shape (bands, height, width), in the card's order.

        NaN where a layer has no data, isn't given, or the window reaches outside the scene. Each pixel's value is
        the same in whatever window it is read.
        """
        result = np.full((len(self.card.band_names), window.height, window.width), np.nan, np.float32)
        inside = intersection(window, self.grid)
        if inside is None:
            return result
        top, left = inside.row - window.row, inside.column - window.column
        first = 0
        for channel in self.card.channels:
            last = first + len(channel.band_names)
            if channel.kind in self._scene:
                result[first:last, top : top + inside.height, left : left + inside.width] = self._bands(channel, inside)
            first = last
        return result

    def _bands(self, channel: Channel, inside: Window) -> Array:
        """The channel's bands in a window inside the grid, read with the halo that its local mean takes."""
        halo = channel.scaling.halo(self.pixel_size)
        outer = Window(inside.column - halo, inside.row - halo, inside.width + 2 * halo, inside.height + 2 * halo)
        outer = intersection(outer, self.grid) or inside
        values = self._scene.read(channel.kind, outer)
        top, left = inside.row - outer.row, inside.column - outer.column
        column, row = lattice_origin(self.grid)
        bands = channel.bands(values, self.pixel_size, (column + outer.column, row + outer.row))
        return bands[:, top : top + inside.height, left : left + inside.width]

    def rows(self) -> CompositeRows:
        """All rows from top to bottom, as ``read`` gives them, but each layer is read and filtered only once."""
        return CompositeRows(self.card.channels, self._scene)

    def valid(self, bands: Array) -> NDArray[np.bool_]:
        """Where any given rate has data (any layer, for a model without rates): (bands, h, w) → (h, w)."""
        rates = [channel.kind.is_rate and channel.kind in self._scene for channel in self.card.channels]
        given = rates if any(rates) else [channel.kind in self._scene for channel in self.card.channels]
        result = np.zeros(bands.shape[1:], bool)
        first = 0
        for channel, counts in zip(self.card.channels, given):
            if counts:
                result |= ~np.isnan(bands[first])
            first += len(channel.band_names)
        return result

    def write(self, output: PathLike, progress: Progress | None = None) -> None:
        """Write all bands as a GeoTIFF whose bands tell the channel, its physical unit, its scaling and its fill."""
        progress = progress or self._progress
        descriptions = [
            BandDescription(
                name,
                "1",
                (
                    ("CHANNEL_UNIT", channel.unit),
                    ("SIGN", channel.sign),
                    ("SCALING", json.dumps(channel.scaling.to_json())),
                    ("FILL", repr(channel.fill)),
                    ("MODEL", f"{self.card.name} {self.card.version}"),
                ),
            )
            for channel in self.card.channels
            for name in channel.band_names
        ]
        source = self.rows()
        with limited_cache(), RasterWriter(output, self.grid, descriptions, compress=False) as writer:
            for row, rows in row_blocks(self.grid.height, 256):
                progress.report(row / self.grid.height)
                for index, band in enumerate(source.read(rows), 1):
                    writer.write(band, row, band=index)
        progress.report(1.0)

    def close(self) -> None:
        """Close the files."""
        self._scene.close()

    def __enter__(self) -> Composite:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CompositeRows:
    """Gives the scaled bands of consecutive rows; from one thread at a time."""

    def __init__(self, channels: tuple[Channel, ...], scene: SceneLayers) -> None:
        self._bands = sum(len(channel.band_names) for channel in channels)
        self._width = scene.grid.width
        self._sources = [
            (channel, _ChannelRows(channel, scene) if channel.kind in scene else None) for channel in channels
        ]

    def read(self, count: int) -> Array:
        """The next ``count`` rows, shape (bands, count, width); NaN for no data. There must be that many."""
        result = np.empty((self._bands, count, self._width), np.float32)
        self.read_into(result)
        return result

    def read_into(self, out: Array) -> None:
        """The same, written into an array of that shape."""
        first = 0
        for channel, source in self._sources:
            last = first + len(channel.band_names)
            out[first:last] = np.nan if source is None else channel.expand(source.read(out.shape[1]))
            first = last


class _ChannelRows:
    """The scaled rows of one channel; reads as far ahead as its local mean reaches."""

    def __init__(self, channel: Channel, scene: SceneLayers) -> None:
        self._kind, self._scaling, self._scene = channel.kind, channel.scaling, scene
        self._halo = channel.scaling.halo(scene.pixel_size)
        origin = lattice_origin(scene.grid)
        self._relief = channel.scaling.running_relief(scene.pixel_size, scene.grid.width, origin)
        self._ready: Array = np.empty((0, scene.grid.width), np.float32)
        self._given = self._read = 0

    def read(self, count: int) -> Array:
        """The next rows, scaled."""
        height = self._scene.grid.height
        self._given += count
        wanted = min(self._given + self._halo, height)
        if wanted > self._read:
            window = Window(0, self._read, self._scene.grid.width, wanted - self._read)
            self._read = wanted
            self._take(self._scene.read(self._kind, window), wanted == height)
        rows, self._ready = self._ready[:count], self._ready[count:]
        return rows

    def _take(self, rows: Array, are_last: bool) -> None:
        parts = [self._ready] if len(self._ready) else []
        if self._relief is None:
            parts.append(self._scaling.squeeze(rows))
        else:
            parts.append(self._scaling.squeeze(self._relief.push(rows)))
            if are_last:
                parts.append(self._scaling.squeeze(self._relief.finish()))
        self._ready = parts[0] if len(parts) == 1 else np.concatenate(parts)
