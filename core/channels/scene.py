"""The layers of one scene on one grid, each in the unit and sign of the channel that it is for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Callable, TypeVar

import numpy as np

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import BandReader, Grid, Window, read_sample, row_blocks, same_crs, spatial_reference
from ..satellite import SENTINEL1_WAVELENGTH
from ..texts import Message
from ..types import Array, PathLike
from .channel import MINMAX_CHANNELS, Channel
from .kinds import ChannelKind
from .layers import Layer, open_layer

RESAMPLING_TOLERANCE = 1.2
_FINEST = 50.0
"""Pixels are made at most so many times finer than those of the data."""
_Scene = TypeVar("_Scene", bound="SceneLayers")
_BASES = (ChannelKind.PHASE_RATE, ChannelKind.LOS_RATE)


def require_resampling(label: str, own_size: float, wanted: float) -> None:
    """InputError for pixels (m) far finer than those of the data: nothing more would be seen, and each file would have
    thousands of times as many of them."""
    if own_size > _FINEST * wanted:
        raise InputError(
            "The {label} has pixels of {own_size:.4g} m, and pixels of {wanted:.4g} m are asked for: so much "
            "finer ones show nothing more. Choose at least {least:.2g} m, or data of finer pixels.",
            label=label,
            own_size=own_size,
            wanted=wanted,
            least=own_size / _FINEST,
        )


class SceneLayers:
    """The layers of one scene on one grid; each is opened once, and what is assumed of it is told once.

    ``files`` by kind; ``channels``: in which unit and sign each is wanted, several may be of one layer, and those
    without a file are left out. The grid is that of the base (the phase rate, else the LOS rate, else the first
    layer), or what ``grid_for`` makes of it, which is given the base and the size of its pixels in metres. Raises
    InputError for layers that are unreadable, empty, elsewhere, or of a unit that can't be converted. Holds open
    files: use as a context manager, from one thread at a time.
    """

    @gdal_raises()
    def __init__(
        self,
        files: Mapping[ChannelKind, PathLike],
        channels: Iterable[Channel],
        progress: Progress = QUIET,
        grid_for: Callable[[Layer, float], Grid] = lambda base, pixel_size: base.grid,
    ) -> None:
        given = {kind.layer: path for kind, path in files.items()}
        self.channels = tuple(channel for channel in channels if channel.kind.layer in given)
        kinds = dict.fromkeys(channel.kind.layer for channel in self.channels)
        self.layers = {kind: open_layer(kind, given[kind], progress) for kind in kinds}
        self.base = self.layers[next(kind for kind in (*_BASES, *kinds) if kind in kinds)]
        self.grid = grid_for(self.base, self.base.grid.pixel_size)
        self.pixel_size = self.grid.pixel_size
        self._readers: dict[ChannelKind, BandReader] = {}
        self._files = contextlib.ExitStack()
        try:
            for channel in self.channels:
                self._open(channel, progress)
            self._check_contents(progress)
        except BaseException:
            self.close()
            raise

    def __contains__(self, kind: ChannelKind) -> bool:
        """True for the kinds of channels that can be read."""
        return kind in self._readers

    def read(self, kind: ChannelKind, window: Window | None = None, out: Array | None = None) -> Array:
        """The values of a channel before scaling (h, w), in its unit and sign; NaN for no data and outside.

        ``out``: a float32 array of that shape that is filled and returned instead of a new one.
        """
        return self._readers[kind].read(window, out)

    def _open(self, channel: Channel, progress: Progress) -> None:
        layer = self.layers[channel.kind.layer]
        if not self.grid.overlaps(layer.grid):
            raise InputError(
                "{path}: the {label} doesn't overlap the {other_label} ({other_path}). "
                "Check that both show the same place and that their coordinate reference systems are right.",
                path=layer.path,
                label=layer.kind.label,
                other_label=self.base.kind.label,
                other_path=self.base.path,
            )
        band = layer.band(channel)
        is_first = all(kind.layer is not layer.kind for kind in self._readers)
        if is_first:
            _tell_wavelength(layer, channel, progress)
        self._readers[channel.kind] = self._files.enter_context(BandReader(band, self.grid))
        if is_first and layer.grid.offset_of(self.base.grid) is None:
            self._tell_resampled(layer, progress)

    def _tell_resampled(self, layer: Layer, progress: Progress) -> None:
        reason = Message("lies on other pixels")
        if not same_crs(layer.grid.crs, self.grid.crs):
            names = [spatial_reference(grid.crs).GetName() for grid in (layer.grid, self.grid)]
            reason = Message("is in {crs} and the scene in {crs_of_scene}", crs=names[0], crs_of_scene=names[1])
        progress.info(
            "The {label} {reason}: it is resampled from {pixel_size:.4g} m to the scene's {scene_pixel_size:.4g} m "
            "pixels.",
            label=layer.kind.label,
            reason=reason,
            pixel_size=layer.grid.pixel_size,
            scene_pixel_size=self.pixel_size,
        )

    def _check_contents(self, progress: Progress) -> None:
        """InputError for a layer without any data on the grid; tells of a LOS rate that repeats the phase rate.

        Optional evidence without data is left out instead: stacking makes it whatever the network of pairs can tell.
        """
        samples = {}
        dispensable = {channel.kind for channel in self.channels if channel.optional and channel.kind.is_evidence}
        for kind, reader in list(self._readers.items()):
            samples[kind] = read_sample(reader)
            if not np.isfinite(samples[kind]).any() and not _has_data(reader):
                layer = self.layers[kind.layer]
                if kind in dispensable and layer is not self.base:
                    progress.info(
                        "{path}: the {label} holds no data at all, so it is left out.",
                        path=layer.path,
                        label=kind.label,
                    )
                    del self._readers[kind]
                    continue
                where = "" if layer is self.base else Message(" where the {label} is", label=self.base.kind.label)
                raise InputError(
                    "{path}: the {label} holds no data at all{where}. Choose another file.",
                    path=layer.path,
                    label=layer.kind.label,
                    where=where,
                )
        phase, los = samples.get(ChannelKind.PHASE_RATE), samples.get(ChannelKind.LOS_RATE)
        if phase is not None and los is not None:
            factor = _constant_ratio(phase, los)
            if factor is not None:
                progress.info(
                    "The LOS rate is only the phase rate times {factor:.4g}: it adds nothing that the model doesn't "
                    "already see. A LOS rate that was filtered and masked by coherence would.",
                    factor=factor,
                )

    def close(self) -> None:
        """Close the files."""
        self._readers = {}
        self._files.close()

    def __enter__(self: _Scene) -> _Scene:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_layer(kind: ChannelKind, path: PathLike, grid: Grid, progress: Progress = QUIET) -> Array:
    """One layer on a grid (h, w) in its usual unit and sign, NaN for no data; what is assumed of it is told."""
    layer = open_layer(kind, path, progress)
    with BandReader(layer.band(MINMAX_CHANNELS[kind]), grid) as reader:
        return reader.read()


def _tell_wavelength(layer: Layer, channel: Channel, progress: Progress) -> None:
    sentinel = f"{SENTINEL1_WAVELENGTH * 100:.4g} cm"
    if layer.unit == "rad/yr" and layer.wavelength is None:
        progress.info(
            "{path}: no wavelength is given for its {unit}; that of Sentinel-1 ({sentinel1}) is assumed.",
            path=layer.path,
            unit=layer.unit,
            sentinel1=sentinel,
        )
    elif layer.is_of_other_wavelength and layer.wavelength and channel.unit == "rad/yr":
        progress.info(
            "{path}: its wavelength is {wavelength:.4g} cm; its {unit} are multiplied by {factor:.4g}, so that the "
            "model sees the same motion as at Sentinel-1's {sentinel1}.",
            path=layer.path,
            wavelength=layer.wavelength * 100,
            unit=layer.unit,
            factor=layer.wavelength / SENTINEL1_WAVELENGTH,
            sentinel1=sentinel,
        )


def _has_data(reader: BandReader) -> bool:
    """True when any pixel is finite; stops at the first block that has one."""
    for row, rows in row_blocks(reader.grid.height, 256):
        if np.isfinite(reader.read(Window(0, row, reader.grid.width, rows))).any():
            return True
    return False


def _constant_ratio(first: Array, second: Array) -> float | None:
    """k where second = k · first to within 0.1 % of its spread, at no less than 100 pixels; else None."""
    both = np.isfinite(first) & np.isfinite(second)
    x, y = first[both].astype(float), second[both].astype(float)
    size = float(np.abs(y).max()) if len(y) else 0.0
    if len(x) < 100 or size == 0 or not x.any():
        return None
    factor = float(x @ y / (x @ x))
    return factor if np.abs(y - factor * x).max() <= 1e-3 * size else None


def intersection(window: Window, grid: Grid) -> Window | None:
    """The part of the window inside the grid, None when there is none."""
    column, row = max(window.column, 0), max(window.row, 0)
    width = min(window.column + window.width, grid.width) - column
    height = min(window.row + window.height, grid.height) - row
    return Window(column, row, width, height) if width > 0 and height > 0 else None
