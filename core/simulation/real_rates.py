"""Real rates that simulated landslides are added to: read in one unit and sign, and what of them is excluded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from osgeo import ogr

from ..channels import MINMAX_CHANNELS, RESAMPLING_TOLERANCE, ChannelKind, Layer, SceneLayers
from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import Progress
from ..raster import Grid
from ..satellite import SENTINEL1_WAVELENGTH, to_los_rate
from ..types import Array, PathLike
from ..vectors import burn, transformed

LARGEST_SIDE = 4096
"""Pixels a side of what is read at most."""


@dataclass(frozen=True)
class RealRates:
    """Rates on one grid, (h, w), NaN for no data.

    ``phase_rate`` in rad/yr (positive away) of ``wavelength`` (metres); ``los_rate`` in mm/yr (positive toward), made
    of the phase rate by equation 2 where no LOS rate was given. ``tags`` are those of the phase rate's band.
    """

    grid: Grid
    phase_rate: Array
    los_rate: Array
    wavelength: float
    tags: Mapping[str, str]


@gdal_raises()
def read_rates(
    phase_rate: PathLike, los_rate: PathLike | None, progress: Progress, pixel_size: float | None = None
) -> RealRates:
    """Read the rates on the phase rate's own pixels, of a large raster the middle.

    ``pixel_size``: metres of the pixels wanted; rates are resampled where theirs differ by more than a fifth. Units
    and signs are converted, assumptions told. Raises InputError for a raster without CRS or data, of a wrong unit, or
    rates that don't overlap.
    """

    def grid_for(phase: Layer, own_size: float) -> Grid:
        wanted = pixel_size or own_size
        fits = 1 / RESAMPLING_TOLERANCE <= own_size / wanted <= RESAMPLING_TOLERANCE
        return _middle(phase.grid if fits else phase.grid.resampled(wanted), phase_rate, progress)

    files = {ChannelKind.PHASE_RATE: phase_rate, ChannelKind.LOS_RATE: los_rate}
    given = {kind: path for kind, path in files.items() if path is not None}
    with SceneLayers(given, [MINMAX_CHANNELS[kind] for kind in files], progress, grid_for) as scene:
        phase, grid = scene.base, scene.grid
        values = scene.read(ChannelKind.PHASE_RATE)
        los = scene.read(ChannelKind.LOS_RATE) if los_rate is not None else None
    scaled = phase.is_of_other_wavelength or phase.unit != "rad/yr" or phase.wavelength is None
    wavelength = SENTINEL1_WAVELENGTH if scaled or phase.wavelength is None else phase.wavelength
    if los is None:
        los = to_los_rate(values, wavelength)
    return RealRates(grid, values, los, wavelength, phase.tags)


def _middle(grid: Grid, path: PathLike, progress: Progress) -> Grid:
    width, height = min(grid.width, LARGEST_SIDE), min(grid.height, LARGEST_SIDE)
    if (width, height) == (grid.width, grid.height):
        return grid
    progress.warning(
        "{path} has {width} × {height} pixels: only its middle of {used_width} × {used_height} pixels is used. Clip "
        "it for another part.",
        path=path,
        width=grid.width,
        height=grid.height,
        used_width=width,
        used_height=height,
    )
    column, row = (grid.width - width) // 2, (grid.height - height) // 2
    x, dx, _, y, _, dy = grid.transform
    return Grid(grid.crs, (x + column * dx, dx, 0.0, y + row * dy, 0.0, dy), width, height)


@gdal_raises()
def pixels_of(wkt: str, crs: str, grid: Grid) -> NDArray[np.bool_]:
    """The pixels of a grid that a geometry touches; InputError for a geometry that can't be read or transformed."""
    try:
        geometry = ogr.CreateGeometryFromWkt(wkt)
        geometry.FlattenTo2D()
        geometries = transformed([geometry], crs, grid)
    except (RuntimeError, AttributeError) as error:
        raise InputError(
            "The areas to exclude can't be used ({error}). Check the layer and its CRS.", error=error
        ) from None
    return burn(geometries, grid, all_touched=True)
