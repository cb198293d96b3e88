"""The layers of one scene as the channels of one model: one grid, one unit and sign each, scaled as the card says."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
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
    RunningLatticeRelief,
    RunningRelief,
    Window,
    lattice_origin,
    limited_cache,
    resampled_on_lattice,
    row_blocks,
)
from ..types import Array, PathLike

_ROWS_AT_ONCE = 64


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
        self._width = scene.grid.width
        self._sources = [_ChannelRows(channel, scene) if channel.kind in scene else None for channel in channels]
        counts = [len(channel.band_names) for channel in channels]
        self._bands = [slice(stop - count, stop) for count, stop in zip(counts, accumulate(counts))]
        rates = [channel.kind.is_rate and channel.kind in scene for channel in channels]
        self._judged = rates if any(rates) else [channel.kind in scene for channel in channels]

    def read(self, count: int) -> Array:
        """The next ``count`` rows, shape (bands, count, width); NaN for no data. There must be that many."""
        result = np.empty((self._bands[-1].stop, count, self._width), np.float32)
        for source, bands in zip(self._sources, self._bands):
            if source is None:
                result[bands] = np.nan
                continue
            for first in range(0, count, _ROWS_AT_ONCE):
                source.read_into(result[bands, first : first + _ROWS_AT_ONCE])
        return result

    def read_filled(self, out: Array, fills: Sequence[float]) -> NDArray[np.bool_]:
        """Write the next rows into ``out`` (bands, rows, width), each band's gaps filled with its value of ``fills``.

        Gives where (rows, width) any given rate has data (any layer, for a model without rates).
        """
        valid = np.empty(out.shape[1:], bool)
        for first in range(0, out.shape[1], _ROWS_AT_ONCE):
            rows = slice(first, first + _ROWS_AT_ONCE)
            self._read_few_filled(out[:, rows], fills, valid[rows])
        return valid

    def _read_few_filled(self, out: Array, fills: Sequence[float], valid: NDArray[np.bool_]) -> None:
        """The same of rows that the processor's cache holds, so that what follows reading costs little."""
        unknown = None
        for source, bands, is_judged in zip(self._sources, self._bands, self._judged):
            if source is None:
                for band in range(bands.start, bands.stop):
                    out[band] = fills[band]
                continue
            source.read_into(out[bands])
            for band in range(bands.start, bands.stop):
                gaps = np.isnan(out[band])
                if gaps.any():
                    np.copyto(out[band], np.float32(fills[band]), where=gaps)
            if is_judged:
                unknown = gaps if unknown is None else np.logical_and(unknown, gaps, out=unknown)
        np.logical_not(False if unknown is None else unknown, out=valid)


class _ChannelRows:
    """The scaled rows of one channel; reads as far ahead as its local mean needs."""

    def __init__(self, channel: Channel, scene: SceneLayers) -> None:
        self._channel, self._scene = channel, scene
        width = scene.grid.width
        self._relief = channel.scaling.running_relief(scene.pixel_size, width, lattice_origin(scene.grid))
        self._read = 0
        # Rows wait in these in turn; memory that was used before costs less than new memory.
        waiting = channel.scaling.halo(scene.pixel_size) + 2 * _ROWS_AT_ONCE
        self._buffers = [np.empty((0, width), np.float32)] * (waiting // _ROWS_AT_ONCE + 2 if self._relief else 0)
        self._turn = 0

    def read_into(self, out: Array) -> None:
        """Write the bands of the next rows, at most _ROWS_AT_ONCE, into ``out`` (bands, rows, width)."""
        is_direct = len(out) == 1
        values = out[0] if is_direct else np.empty(out.shape[1:], np.float32)
        if self._relief is None:
            self._read_values(values)
        else:
            while self._relief.ready < len(values):
                self._read_ahead(self._relief)
            self._relief.give(values)
        self._channel.scaling.squeeze(values)
        if not is_direct:
            out[:] = self._channel.expand(values)

    def _read_ahead(self, relief: RunningRelief | RunningLatticeRelief) -> None:
        rows = min(_ROWS_AT_ONCE, self._scene.grid.height - self._read)
        if not len(self._buffers[self._turn]):
            self._buffers[self._turn] = np.empty((_ROWS_AT_ONCE, self._scene.grid.width), np.float32)
        relief.push(self._read_values(self._buffers[self._turn][:rows]))
        self._turn = (self._turn + 1) % len(self._buffers)
        if self._read == self._scene.grid.height:
            relief.finish()

    def _read_values(self, out: Array) -> Array:
        window = Window(0, self._read, self._scene.grid.width, len(out))
        self._read += len(out)
        return self._scene.read(self._channel.kind, window, out)
