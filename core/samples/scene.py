"""One scene of a sample set: its layers on one grid in training units, and its labels burned tile by tile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from osgeo import ogr

from ..channels import RESAMPLING_TOLERANCE, ChannelKind, Layer, SceneLayers, minmax_channel, require_resampling
from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import Progress
from ..raster import Grid, Window, same_crs
from ..texts import Message
from ..types import Array, PathLike
from ..vectors import Burner, to_crs

_RATES = (ChannelKind.PHASE_RATE, ChannelKind.LOS_RATE)
# Pixel sizes that differ by less are taken for the same when a scene is resampled, so that blocks fall on each other.
_SAME_PIXELS = 0.02


@dataclass(frozen=True)
class Polygons:
    """Polygons as WKB in ``crs`` (WKT), and the name of the layer that they come from."""

    geometries: tuple[bytes, ...]
    crs: str
    source: str = ""


@dataclass(frozen=True)
class SceneInputs:
    """What one scene's samples are made of.

    ``areas``: the labels. ``ignored``: ground that is neither area nor background. ``surveyed``: where the labels are
    complete; elsewhere only the areas themselves are labelled. None: everywhere.
    """

    name: str
    layers: Mapping[ChannelKind, PathLike]
    areas: Polygons
    ignored: tuple[Polygons, ...] = ()
    surveyed: Polygons | None = None


class SampleLayers(SceneLayers):
    """The layers of a scene on one grid of about ``pixel_size`` metres, in the units that tiles have.

    ``like`` are grids of earlier scenes, whose pixels are taken where they differ by less than 2 % in the same CRS.
    Raises InputError as SceneLayers does, and without any rate.
    """

    def __init__(
        self, files: Mapping[ChannelKind, PathLike], pixel_size: float, like: Sequence[Grid], progress: Progress
    ) -> None:
        self.kinds = tuple(kind for kind in ChannelKind if kind in files)
        if not any(kind in files for kind in _RATES):
            raise InputError("Samples need a phase rate or a LOS rate: without a rate no motion can be seen.")

        def grid_for(base: Layer, own_size: float) -> Grid:
            if 1 / RESAMPLING_TOLERANCE <= own_size / pixel_size <= RESAMPLING_TOLERANCE:
                return base.grid
            require_resampling(base.kind.label, own_size, pixel_size)
            progress.info(
                "The {label} has pixels of {own_size:.4g} m: all layers are resampled to {pixel_size:.4g} m.",
                label=base.kind.label,
                own_size=own_size,
                pixel_size=pixel_size,
            )
            return _aligned(base.grid.resampled(pixel_size), like)

        super().__init__(files, [minmax_channel(kind, 0.0, 1.0) for kind in self.kinds], progress, grid_for)
        for channel in self.channels:
            layer = self.layers[channel.kind]
            units = f"{layer.unit}, positive {layer.sign}" if layer.sign else layer.unit
            wanted = f"{channel.unit}, positive {channel.sign}" if channel.sign else channel.unit
            if units != wanted:
                progress.info(
                    "The {label} is converted from {units} to {wanted}.",
                    label=channel.kind.label,
                    units=units,
                    wanted=wanted,
                )

    def read_all(self, window: Window) -> Array:
        """The layers in a window, float32 (layers, h, w), NaN for no data and outside the scene."""
        return np.stack([self.read(kind, window) for kind in self.kinds])

    def measured(self, window: Window) -> NDArray[np.bool_]:
        """Where any rate has data."""
        return _any_finite(np.stack([self.read(kind, window) for kind in _RATES if kind in self]))

    def measured_in(self, values: Array) -> NDArray[np.bool_]:
        """Where any rate has data in what ``read_all`` gave."""
        return _any_finite(values[[self.kinds.index(kind) for kind in _RATES if kind in self]])


def _any_finite(rates: Array) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = np.isfinite(rates).any(axis=0)
    return result


def _aligned(grid: Grid, like: Sequence[Grid]) -> Grid:
    """The grid with the pixel size of an earlier one in the same CRS, where that is nearly its own."""
    x, dx, _, y, _, dy = grid.transform
    for other in like:
        ratios = other.transform[1] / dx, other.transform[5] / dy
        if same_crs(grid.crs, other.crs) and all(abs(ratio - 1) < _SAME_PIXELS for ratio in ratios):
            transform = (x, other.transform[1], 0.0, y, 0.0, other.transform[5])
            return Grid(grid.crs, transform, round(grid.width / ratios[0]), round(grid.height / ratios[1]))
    return grid


class SceneLabels:
    """The labels of a scene as masks of a window: numbered areas, ignored ground and surveyed ground.

    ``ignores_elsewhere``: there is ignored ground, and none of it lies on the scene.
    """

    @gdal_raises()
    def __init__(self, inputs: SceneInputs, areas: Sequence[tuple[int, bytes]], grid: Grid) -> None:
        self.grid = grid
        numbers, outlines = zip(*areas) if areas else ((), ())
        self._areas = Burner([ogr.CreateGeometryFromWkb(outline) for outline in outlines], grid, numbers)
        ignored = [
            polygon
            for polygons in inputs.ignored
            for polygon in _on_grid(polygons, grid, Message("The layer of ignored ground"))
        ]
        self._ignored = Burner(ignored, grid)
        self._surveyed = None
        if inputs.surveyed is not None:
            self._surveyed = Burner(_on_grid(inputs.surveyed, grid, Message("The mapped extent")), grid)
            if not self._surveyed.meets_grid:
                raise InputError(
                    "No part of the mapped extent ({source}) lies on the scene, so no ground could be background. "
                    "Check that both show the same place and that their coordinate reference systems are right.",
                    source=inputs.surveyed.source or Message("The mapped extent"),
                )
        has_ignored = any(polygons.geometries for polygons in inputs.ignored)
        self.ignores_elsewhere = has_ignored and not self._ignored.meets_grid

    def areas(self, window: Window) -> NDArray[np.int32]:
        """The number of the area at each pixel, 0 where there is none; of several the last one's."""
        return self._areas.numbers(window)

    def ignored(self, window: Window) -> NDArray[np.bool_]:
        """Ground that is neither area nor background by the user's word."""
        return self._ignored.mask(window)

    def surveyed(self, window: Window) -> NDArray[np.bool_]:
        """Ground where the labels are complete."""
        if self._surveyed is None:
            return np.ones((window.height, window.width), bool)
        return self._surveyed.mask(window)


def _on_grid(polygons: Polygons, grid: Grid, what: str) -> list[ogr.Geometry]:
    geometries = to_crs(polygons.geometries, polygons.crs, grid, polygons.source or what)
    return [geometry for geometry in geometries if geometry is not None]
