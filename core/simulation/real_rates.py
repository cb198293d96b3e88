"""Real rates that simulated landslides are added to: read in one unit and sign, and what of them is excluded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr, osr

from ..channels import MINMAX_CHANNELS, UNREAL, ChannelKind, Layer, open_layer
from ..errors import InputError
from ..progress import Progress
from ..raster import Band, BandReader, Grid, spatial_reference
from ..satellite import SENTINEL1_WAVELENGTH, to_los_rate
from ..types import Array, PathLike
from ..vectors import vector_memory

LARGEST = 4096
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


def read_rates(
    phase_rate: PathLike, los_rate: PathLike | None, progress: Progress, pixel_size: float | None = None
) -> RealRates:
    """Read the rates on the phase rate's own pixels, of a large raster the middle.

    ``pixel_size``: metres of the pixels wanted; rates are resampled where theirs differ by more than a fifth. Units
    and signs are converted, assumptions told. Raises InputError for a raster without CRS or data, of a wrong unit, or
    rates that don't overlap.
    """
    phase = open_layer(ChannelKind.PHASE_RATE, phase_rate, progress)
    try:
        own_size = phase.grid.pixel_size
    except InputError as error:
        raise InputError(f"{phase_rate}: {error}") from None
    grid = phase.grid
    if pixel_size is not None and not 1 / 1.2 <= own_size / pixel_size <= 1.2:
        grid = grid.resampled(pixel_size)
    grid = _middle(grid, phase_rate, progress)
    values = _read(phase, grid)
    if not np.isfinite(values).any():
        raise InputError(f"{phase_rate} holds no phase rate at all. Choose another file.")
    scaled = phase.is_of_other_wavelength or phase.unit != "rad/yr" or phase.wavelength is None
    wavelength = SENTINEL1_WAVELENGTH if scaled or phase.wavelength is None else phase.wavelength
    if los_rate is None:
        los = to_los_rate(values, wavelength)
    else:
        los = _read(open_layer(ChannelKind.LOS_RATE, los_rate, progress), grid)
        if not np.isfinite(los).any():
            raise InputError(f"{los_rate}: the LOS rate holds no data where the phase rate ({phase_rate}) is.")
    with BandReader(Band(phase.path, phase.index)) as reader:
        tags = reader.tags
    return RealRates(grid, values, los, wavelength, tags)


def _middle(grid: Grid, path: PathLike, progress: Progress) -> Grid:
    width, height = min(grid.width, LARGEST), min(grid.height, LARGEST)
    if (width, height) == (grid.width, grid.height):
        return grid
    progress.warning(
        f"{path} has {grid.width} × {grid.height} pixels: only its middle of {width} × {height} pixels is used. Clip "
        "it for another part."
    )
    column, row = (grid.width - width) // 2, (grid.height - height) // 2
    x, dx, _, y, _, dy = grid.transform
    return Grid(grid.crs, (x + column * dx, dx, 0.0, y + row * dy, 0.0, dy), width, height)


def _read(layer: Layer, grid: Grid) -> Array:
    """The layer's values in rad/yr away or mm/yr toward."""
    band = Band(layer.path, layer.index, layer.factor(MINMAX_CHANNELS[layer.kind]), layer.nodata)
    with BandReader(band, grid) as reader:
        values = reader.read()
    values[np.abs(values) > UNREAL] = np.nan
    return values


def read_on(path: PathLike, grid: Grid, kind: ChannelKind, progress: Progress) -> Array:
    """A layer that is no rate on a grid, in its usual unit."""
    return _read(open_layer(kind, path, progress), grid)


def pixels_of(wkt: str, crs: str, grid: Grid) -> NDArray[np.bool_]:
    """The pixels of a grid that a geometry touches; InputError for a geometry that can't be read or transformed."""
    try:
        geometry = ogr.CreateGeometryFromWkt(wkt)
        geometry.Transform(osr.CoordinateTransformation(spatial_reference(crs), spatial_reference(grid.crs)))
    except (RuntimeError, AttributeError) as error:
        raise InputError(f"The areas to exclude can't be used ({error}). Check the layer and its CRS.") from None
    mask = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, 1, gdal.GDT_Byte)
    mask.SetGeoTransform(grid.transform)
    vectors = vector_memory()
    layer = vectors.CreateLayer("", None, ogr.wkbUnknown)
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(geometry)
    layer.CreateFeature(feature)
    gdal.RasterizeLayer(mask, [1], layer, burn_values=[1], options=["ALL_TOUCHED=TRUE"])
    touched: NDArray[np.bool_] = mask.ReadAsArray() > 0
    return touched
