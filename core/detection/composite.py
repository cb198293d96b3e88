"""The layers of one scene as the channels of one model: one grid, one unit and sign each, scaled as the card says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ..channels import (
    RESAMPLING_TOLERANCE,
    Channel,
    ChannelKind,
    Layer,
    constant_ratio,
    grids_overlap,
    has_data,
    intersection,
    open_layer,
    without_unreal,
)
from ..errors import InputError
from ..models import ModelCard
from ..progress import Progress
from ..raster import (
    Band,
    BandDescription,
    BandReader,
    Grid,
    RasterWriter,
    RunningRelief,
    Window,
    limited_cache,
    read_sample,
    resampled_on_lattice,
    row_blocks,
    same_crs,
    spatial_reference,
)
from ..satellite import SENTINEL1_WAVELENGTH
from ..types import Array, PathLike


class Composite:
    """The channels of a model over one scene, read window by window.

    The grid is that of the phase rate, else of the LOS rate, else of the first layer; resampled when its pixels
    differ from the model's by more than 20 %. Layers on other grids are resampled onto it. What was done and
    assumed is told to ``progress``. Raises InputError for layers that are missing, unreadable, empty, elsewhere,
    or of a unit that can't be converted. Holds open files: use as a context manager, from one thread at a time.
    """

    def __init__(
        self, layers: Mapping[ChannelKind, PathLike], card: ModelCard, progress: Progress | None = None
    ) -> None:
        self.card = card
        self._progress = progress or Progress()
        self._readers: dict[ChannelKind, BandReader] = {}
        card.require_layers([kind.layer for kind in layers])
        given = {kind.layer: path for kind, path in layers.items()}
        self._tell_unused(given)
        self.layers = {kind: open_layer(kind, given[kind], self._progress) for kind in card.layers if kind in given}
        base = next(
            self.layers[kind]
            for kind in (ChannelKind.PHASE_RATE, ChannelKind.LOS_RATE, *self.layers)
            if kind in self.layers
        )
        self.base = base.kind
        self.grid, self.pixel_size = self._choose_grid(base)
        self.coarseness = max(1.0, base.grid.pixel_size / self.pixel_size)
        try:
            self._open_readers(base)
            self._check_contents(base)
        except BaseException:
            self.close()
            raise

    def _tell_unused(self, given: Mapping[ChannelKind, PathLike]) -> None:
        for kind in given:
            if kind not in self.card.layers:
                self._progress.info(f"The model “{self.card.name}” doesn't use the {kind.label}: it is left out.")
        for channel in self.card.channels:
            if channel.kind.layer not in given:
                self._progress.info(
                    f"The model “{self.card.name}” can use the {channel.kind.label} too, but none is given: it works "
                    "without."
                )

    def _choose_grid(self, base: Layer) -> tuple[Grid, float]:
        try:
            pixel_size = base.grid.pixel_size
        except InputError as error:
            raise InputError(f"{base.path}: {error}") from None
        wanted = self.card.pixel_size
        ratio = pixel_size / wanted
        if 1 / RESAMPLING_TOLERANCE <= ratio <= RESAMPLING_TOLERANCE:
            return base.grid, pixel_size
        self._progress.info(
            f"The {base.kind.label} has pixels of {pixel_size:.4g} m and the model was trained at {wanted:.4g} m: all "
            f"layers are resampled to {wanted:.4g} m."
        )
        if ratio > 2:
            self._progress.warning(
                f"The {base.kind.label} is {ratio:.1f} times coarser than what the model was trained on: expect it "
                f"to miss small areas. Areas below {self.card.min_area * ratio**2 / 1e6:.2g} km² are not advised."
            )
        grid = resampled_on_lattice(base.grid, wanted)
        return grid, grid.pixel_size

    def _open_readers(self, base: Layer) -> None:
        for channel in self.card.channels:
            layer = self.layers.get(channel.kind.layer)
            if layer is None:
                continue
            if not grids_overlap(self.grid, layer.grid):
                raise InputError(
                    f"{layer.path}: the {layer.kind.label} doesn't overlap the {base.kind.label} ({base.path}). "
                    "Check that both show the same place and that their coordinate reference systems are right."
                )
            band = Band(layer.path, layer.index, layer.factor(channel), layer.nodata)
            self._tell_wavelength(layer, channel)
            reader = BandReader(band, self.grid)
            self._readers[channel.kind] = reader
            if reader.is_resampled and layer is not base and channel.kind is channel.kind.layer:
                self._tell_resampled(layer)

    def _tell_wavelength(self, layer: Layer, channel: Channel) -> None:
        sentinel = f"{SENTINEL1_WAVELENGTH * 100:.4g} cm"
        if layer.unit == "rad/yr" and layer.wavelength is None:
            self._progress.info(
                f"{layer.path}: no wavelength is given for its {layer.unit}; that of Sentinel-1 ({sentinel}) is "
                "assumed."
            )
        elif layer.is_of_other_wavelength and layer.wavelength and channel.unit == "rad/yr":
            self._progress.info(
                f"{layer.path}: its wavelength is {layer.wavelength * 100:.4g} cm; its {layer.unit} are multiplied by "
                f"{layer.wavelength / SENTINEL1_WAVELENGTH:.4g}, so that the model sees the same motion as at "
                f"Sentinel-1's {sentinel}."
            )

    def _tell_resampled(self, layer: Layer) -> None:
        reason = "lies on other pixels"
        if not same_crs(layer.grid.crs, self.grid.crs):
            names = [spatial_reference(grid.crs).GetName() for grid in (layer.grid, self.grid)]
            reason = f"is in {names[0]} and the scene in {names[1]}"
        self._progress.info(
            f"The {layer.kind.label} {reason}: it is resampled from {layer.grid.pixel_size:.4g} m to the scene's "
            f"{self.pixel_size:.4g} m pixels."
        )

    def _check_contents(self, base: Layer) -> None:
        """InputError for a layer without any data on the grid; tells of a LOS rate that repeats the phase rate."""
        samples = {}
        for kind, reader in self._readers.items():
            samples[kind] = read_sample(reader)
            if not np.isfinite(samples[kind]).any() and not has_data(reader):
                layer = self.layers[kind.layer]
                where = "" if layer is base else f" where the {base.kind.label} is"
                raise InputError(
                    f"{layer.path}: the {layer.kind.label} holds no data at all{where}. Choose another file."
                )
        phase, los = samples.get(ChannelKind.PHASE_RATE), samples.get(ChannelKind.LOS_RATE)
        if phase is not None and los is not None:
            factor = constant_ratio(phase, los)
            if factor is not None:
                self._progress.info(
                    f"The LOS rate is only the phase rate times {factor:.4g}: it adds nothing that the model doesn't "
                    "already see. A LOS rate that was filtered and masked by coherence would."
                )

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
            if channel.kind in self._readers:
                result[first:last, top : top + inside.height, left : left + inside.width] = self._bands(channel, inside)
            first = last
        return result

    def _bands(self, channel: Channel, inside: Window) -> Array:
        """The channel's bands in a window inside the grid, read with the halo that its local mean takes."""
        halo = channel.scaling.halo(self.pixel_size)
        outer = Window(inside.column - halo, inside.row - halo, inside.width + 2 * halo, inside.height + 2 * halo)
        outer = intersection(outer, self.grid) or inside
        values = without_unreal(self._readers[channel.kind].read(outer))
        top, left = inside.row - outer.row, inside.column - outer.column
        bands = channel.bands(values, self.pixel_size)
        return bands[:, top : top + inside.height, left : left + inside.width]

    def rows(self) -> CompositeRows:
        """All rows from top to bottom, as ``read`` gives them, but each layer is read and filtered only once."""
        return CompositeRows(self.grid, self.card.channels, self._readers, self.pixel_size)

    def valid(self, bands: Array) -> NDArray[np.bool_]:
        """Where any given rate has data (any layer, for a model without rates): (bands, h, w) → (h, w)."""
        rates = [channel.kind.is_rate and channel.kind in self._readers for channel in self.card.channels]
        given = rates if any(rates) else [channel.kind in self._readers for channel in self.card.channels]
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
        for reader in self._readers.values():
            reader.close()
        self._readers = {}

    def __enter__(self) -> Composite:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CompositeRows:
    """Gives the scaled bands of consecutive rows; from one thread at a time."""

    def __init__(
        self,
        grid: Grid,
        channels: tuple[Channel, ...],
        readers: Mapping[ChannelKind, BandReader],
        pixel_size: float,
    ) -> None:
        self._bands = sum(len(channel.band_names) for channel in channels)
        self._width = grid.width
        self._sources = [
            (channel, _ChannelRows(channel, readers[channel.kind], pixel_size) if channel.kind in readers else None)
            for channel in channels
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

    def __init__(self, channel: Channel, reader: BandReader, pixel_size: float) -> None:
        self._scaling, self._reader = channel.scaling, reader
        self._halo = channel.scaling.halo(pixel_size)
        self._relief = RunningRelief(self._halo, reader.grid.width) if self._halo else None
        self._ready: Array = np.empty((0, reader.grid.width), np.float32)
        self._given = self._read = 0

    def read(self, count: int) -> Array:
        """The next rows, scaled."""
        height = self._reader.grid.height
        self._given += count
        wanted = min(self._given + self._halo, height)
        if wanted > self._read:
            window = Window(0, self._read, self._reader.grid.width, wanted - self._read)
            self._read = wanted
            self._take(without_unreal(self._reader.read(window)), wanted == height)
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
