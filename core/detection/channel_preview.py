"""What a network would see of a part of a scene, small enough to look at while the layers are being chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..channels import Channel, ChannelKind, open_layer
from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..models import ModelCard
from ..progress import QUIET, Progress
from ..raster import Grid, Transformation, Window, limited_cache, same_crs, spatial_reference, unit_of
from ..types import Array, PathLike
from .composite import Composite

SIDE = 256
"""The largest side of a preview in pixels."""
MAX_STEP = 8
"""At most every so many-th pixel is taken; of a larger extent only the middle is shown."""
_ROWS = 512


class OutsideError(InputError):
    """The extent shows another place than the scene; with the layers nothing is wrong."""


@dataclass(frozen=True)
class LayerFacts:
    """What a file tells as a layer of one kind, and what becomes of it for a model.

    ``unit`` and ``sign`` as read or, where ``unit_is_assumed`` and ``sign_is_assumed``, as taken for want of any.
    ``factor``: what its numbers are multiplied by to be in the channel's unit and sign; 1 for none, NaN where
    ``problem`` tells in a sentence why it can't be used. ``pixel_size`` in metres, NaN where the CRS is unknown;
    ``crs`` is its name, "" where unknown. ``told``: further sentences. The sentences begin with the file's name.
    """

    unit: str = ""
    sign: str = ""
    unit_is_assumed: bool = False
    sign_is_assumed: bool = False
    factor: float = math.nan
    pixel_size: float = math.nan
    crs: str = ""
    told: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class PreviewBand:
    """One band of the network's input: scaled values (h, w), NaN where there is no data; the network sees ``fill``
    there. ``is_given`` is False for a channel without a layer. ``sign``: what positive means, as the channel has it.
    ``limits``: what the picture's ends stand for.
    """

    name: str
    kind: ChannelKind
    sign: str
    values: Array
    fill: float
    is_given: bool
    limits: tuple[float, float]
    is_diverging: bool

    @property
    def span(self) -> tuple[float, float] | None:
        """Smallest and largest value; None where there is no data at all."""
        finite = self.values[np.isfinite(self.values)]
        return (float(finite.min()), float(finite.max())) if finite.size else None


@dataclass(frozen=True)
class Preview:
    """The bands over one part of the scene, and what was told while the layers were put on one grid.

    ``grid`` is that of the scene, which the layer ``base`` defines; ``window`` the part of it that is shown, of which
    every ``step``-th pixel in both directions was taken. ``is_cut``: more of the scene was asked for than is shown.
    """

    bands: tuple[PreviewBand, ...]
    base: ChannelKind
    grid: Grid
    pixel_size: float
    window: Window
    step: int
    is_cut: bool
    messages: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def crs(self) -> str:
        """The name of the scene's CRS, "" where it is unknown."""
        return _crs_name(self.grid)


@gdal_raises()
def inspect_layer(kind: ChannelKind, path: PathLike, channel: Channel | None) -> LayerFacts:
    """What a file tells as a layer of that kind; ``channel`` is the one that it is for, None for a model without.

    Reads a sample of the file. Never raises InputError: what is wrong is the ``problem`` of the answer.
    """
    told: list[str] = []
    progress = Progress(on_info=lambda text: None, on_warning=told.append)
    try:
        layer = open_layer(kind, path, progress)
        try:
            factor, problem = (layer.factor(channel) if channel else 1.0), ""
        except InputError as error:
            factor, problem = math.nan, error.message
        try:
            pixel_size = layer.grid.pixel_size
        except InputError as error:
            pixel_size, problem = math.nan, problem or error.message
    except InputError as error:
        return LayerFacts(problem=error.message)
    return LayerFacts(
        layer.unit,
        layer.sign,
        unit_of(layer.tags["unit"]) is None and kind not in (ChannelKind.COHERENCE, ChannelKind.CLOSURE),
        kind.is_rate and layer.tags.get("SIGN", "").strip().lower() not in ("away", "toward"),
        factor,
        pixel_size,
        _crs_name(layer.grid),
        tuple(told),
        problem,
    )


@gdal_raises()
def preview(
    layers: Mapping[ChannelKind, PathLike],
    card: ModelCard,
    extent: tuple[float, float, float, float] | None = None,
    extent_crs: str = "",
    side: int = SIDE,
    progress: Progress = QUIET,
) -> Preview:
    """The scaled channels over an extent, exactly as the network would see these pixels.

    ``extent`` (x_min, y_min, x_max, y_max) in ``extent_crs`` ("": that of the scene); None: the whole scene. At most
    ``side`` pixels a side are given: of a larger extent every 2nd to 8th pixel, and beyond that only its middle.
    Memory stays bounded by a few rows of that. Raises InputError as Composite does, OutsideError where the extent lies
    beside the scene, CancelledError when cancelled.
    """
    messages: list[str] = []
    warnings: list[str] = []
    listening = Progress(progress.on_fraction, messages.append, warnings.append, progress.is_cancelled)
    listening.check()
    with limited_cache(), Composite(layers, card, listening) as composite:
        asked = _window(composite.grid, extent, extent_crs)
        step = min(MAX_STEP, max(1, math.ceil(max(asked.width, asked.height) / side)))
        window = _middle(asked, side * step)
        values = _every(composite, window, step, listening)
        bands, first = [], 0
        for channel in card.channels:
            for name in channel.band_names:
                is_given = channel.kind.layer in composite.layers
                bands.append(_band(name, channel, values[first], is_given))
                first += 1
        base = composite.base
    return Preview(
        tuple(bands), base, composite.grid, composite.pixel_size, window, step, window != asked,
        tuple(messages), tuple(warnings),
    )  # fmt: skip


def _window(grid: Grid, extent: tuple[float, float, float, float] | None, crs: str) -> Window:
    """The pixels of the grid that an extent touches."""
    if extent is None:
        return Window(0, 0, grid.width, grid.height)
    bounds = extent
    if crs and grid.crs and not same_crs(crs, grid.crs):
        try:
            bounds = Transformation(crs, grid.crs).bounds(extent)
        except InputError:
            bounds = (math.inf,) * 4
    if all(map(math.isfinite, bounds)):
        x, dx, _, y, _, dy = grid.transform
        left, right = (min(max((bound - x) / dx, 0), grid.width) for bound in (bounds[0], bounds[2]))
        top, bottom = (min(max((bound - y) / dy, 0), grid.height) for bound in (bounds[3], bounds[1]))
        if right > left and bottom > top:
            column, row = math.floor(left), math.floor(top)
            return Window(column, row, math.ceil(right) - column, math.ceil(bottom) - row)
    raise OutsideError("The map shows another place than the layers. Zoom to one of them to see what the network sees.")


def _middle(window: Window, side: int) -> Window:
    """The middle of a window, at most ``side`` pixels a side."""
    width, height = min(window.width, side), min(window.height, side)
    return Window(
        window.column + (window.width - width) // 2, window.row + (window.height - height) // 2, width, height
    )


def _every(composite: Composite, window: Window, step: int, progress: Progress) -> Array:
    """The bands at every ``step``-th pixel of a window, read a few rows at a time."""
    rows = _ROWS // step * step
    parts = []
    for row in range(0, window.height, rows):
        progress.report(row / window.height)
        part = Window(window.column, window.row + row, window.width, min(rows, window.height - row))
        parts.append(composite.read(part)[:, ::step, ::step])
    progress.report(1.0)
    return np.concatenate(parts, axis=1)


def _band(name: str, channel: Channel, values: Array, is_given: bool) -> PreviewBand:
    scaling = channel.scaling
    is_diverging = True
    if scaling.method == "minmax":
        zero = -(scaling.low or 0.0) / ((scaling.high or 0.0) - (scaling.low or 0.0))
        limits = (0.0, 1.0)
        # Zero is what a plain or a still pixel has: worth its own colour where values lie on both sides.
        is_diverging = 0.25 < zero < 0.75
    elif scaling.method == "asinh":
        finite = np.abs(values[np.isfinite(values)])
        reach = float(np.percentile(finite, 99.5)) if finite.size else 1.0
        lowest = 0.0 if channel.kind is ChannelKind.STANDARD_ERROR else -max(reach, 1e-3)
        limits = (lowest, max(reach, 1e-3))
    else:
        limits = (-1.0, 1.0)
    if channel.kind in (ChannelKind.DEM, ChannelKind.STANDARD_ERROR):
        is_diverging = False
    return PreviewBand(name, channel.kind, channel.sign, values, channel.fill, is_given, limits, is_diverging)


@gdal_raises()
def _crs_name(grid: Grid) -> str:
    return str(spatial_reference(grid.crs).GetName()) if grid.crs else ""
