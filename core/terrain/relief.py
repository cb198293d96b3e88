"""The relief of one map sheet: its hillshade and its contour lines, on the sheet's own grid in metres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr

from ..gdal_errors import gdal_raises, quiet_gdal
from ..raster import (
    HEIGHTS,
    Band,
    BandDescription,
    BandReader,
    Grid,
    RasterWriter,
    checked_band,
    spatial_reference,
    write_array,
)
from ..types import Array, PathLike
from ..vectors import vector_memory

ELEVATION = "elevation"
"""The field of the contour lines that holds their elevation (m)."""
INDEX_EVERY = 5
"""Every fifth contour line is an index contour."""

# Millimetres on paper: the pixel of the hillshade, and the least distance between contour lines on steep ground.
_PIXEL = 0.3
_LEAST_DISTANCE = 0.9
_MOST_LINES = 60
_TOLERANCE = 0.04
# How dark the darkest slope is printed: lines and letters must read on it.
_SHADE = 0.6
# The grey of level ground, and what stands for unknown heights while GDAL works.
_LEVEL = 181
_UNKNOWN = -32768.0
_INTERVALS = (2, 5, 10, 20, 25, 50, 100, 200, 250, 500)


@dataclass(frozen=True)
class Relief:
    """The files of a sheet; ``contours`` is None and ``interval`` (m) 0 where the ground is level.

    ``grey``: the mean of the hillshade (0 to 255); None where it has gaps.
    """

    hillshade: Path
    contours: Path | None
    interval: float
    grey: int | None = None


@gdal_raises()
def prepare_relief(
    dem: Band | PathLike, crs: str, bounds: tuple[float, float, float, float], scale: float, folder: Path, name: str
) -> Relief | None:
    """Hillshade and contour lines of ``bounds`` (x_min, y_min, x_max, y_max in metres of ``crs``) in ``folder``.

    ``scale`` is the denominator of the map's scale. None where the DEM (m) has no data there. Raises InputError for a
    DEM that can't be read or placed.
    """
    grid = _grid(crs, bounds, _PIXEL / 1000 * scale)
    band = checked_band(dem, HEIGHTS, may_be_empty=True)
    with BandReader(band) as reader:
        own = reader.grid.pixel_size
    resampling = "bilinear" if own < grid.pixel_size else "cubicspline"
    with BandReader(band, grid, resampling) as reader:
        heights = reader.read()
    known = np.isfinite(heights)
    if not known.any():
        return None
    elevation = folder / f"{name}_elevation.tif"
    write_array(elevation, grid, heights, BandDescription("elevation", "m"))
    shades = folder / f"{name}_hillshade.tif"
    grey = _write_hillshade(shades, heights, grid)
    interval = contour_interval(heights, grid.transform[1], scale)
    tolerance = _TOLERANCE / 1000 * scale
    contours = _contours(elevation, interval, tolerance, folder / f"{name}_contours.gpkg") if interval else None
    elevation.unlink()
    return Relief(shades, contours, interval, grey if known.all() else None)


def contour_interval(heights: NDArray[np.float32], pixel_size: float, scale: float) -> float:
    """The interval (m) at which the lines of steep ground do not run together on paper; 0 for level ground.

    ``heights`` in metres, NaN where unknown, ``pixel_size`` in metres.
    """
    known = heights[np.isfinite(heights)]
    relief = float(known.max() - known.min()) if known.size else 0.0
    down, across = np.gradient(heights.astype(np.float64), pixel_size) if min(heights.shape) > 1 else (0.0, 0.0)
    slopes = np.hypot(down, across)
    slopes = slopes[np.isfinite(slopes)]
    steep = float(np.percentile(slopes, 90)) if slopes.size else 0.0
    least = max(steep * _LEAST_DISTANCE / 1000 * scale, relief / _MOST_LINES)
    interval = next((value for value in _INTERVALS if value >= least), _INTERVALS[-1])
    return float(interval) if relief >= interval else 0.0


def _grid(crs: str, bounds: tuple[float, float, float, float], pixel_size: float) -> Grid:
    x_min, y_min, x_max, y_max = bounds
    width = math.ceil((x_max - x_min) / pixel_size)
    height = math.ceil((y_max - y_min) / pixel_size)
    return Grid(crs, (x_min, pixel_size, 0.0, y_max, 0.0, -pixel_size), width, height)


def _write_hillshade(path: Path, heights: NDArray[np.float32], grid: Grid) -> int:
    """Write grey values, light enough to print on, 0 where there is no data; returns their mean."""
    shades = hillshade(heights, (grid.transform[1], grid.transform[1]), is_multidirectional=True)
    light = 255 - _SHADE * (255 - shades.astype(np.float32))
    with RasterWriter(path, grid, [BandDescription("hillshade")], "uint8", nodata=0) as writer:
        writer.write(np.where(shades == 0, 0, np.round(light)).astype(np.uint8))
    return round(float(light[shades != 0].mean())) if shades.any() else 255


def _contours(elevation: Path, interval: float, tolerance: float, path: Path) -> Path | None:
    """Contour lines as a GeoPackage, less than ``tolerance`` metres off; None where there are none."""
    dataset = gdal.Open(str(elevation))
    reference = spatial_reference(dataset.GetProjection())
    memory = vector_memory()
    raw = memory.CreateLayer("raw", reference, ogr.wkbLineString)
    lines = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = lines.CreateLayer("contours", reference, ogr.wkbLineString)
    raw.CreateField(ogr.FieldDefn("id", ogr.OFTInteger))
    for target in (raw, layer):
        target.CreateField(ogr.FieldDefn(ELEVATION, ogr.OFTReal))
    with quiet_gdal():
        gdal.ContourGenerateEx(
            dataset.GetRasterBand(1), raw, options=[f"LEVEL_INTERVAL={interval:g}", "ID_FIELD=0", "ELEV_FIELD=1"]
        )
    count = raw.GetFeatureCount()
    layer.StartTransaction()
    for line in raw:
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetField(ELEVATION, line.GetField(ELEVATION))
        feature.SetGeometry(line.GetGeometryRef().Simplify(tolerance))
        layer.CreateFeature(feature)
    layer.CommitTransaction()
    del layer, lines, raw, memory, dataset
    return path if count else None


@gdal_raises()
def hillshade(
    heights: Array, pixel: tuple[float, float], exaggeration: float = 1.0, is_multidirectional: bool = False
) -> NDArray[np.uint8]:
    """Greys (1–255) of terrain lit from the north-west, or from four sides, 45° high; 0 where the height isn't known.

    ``heights`` (h, w) in metres, NaN where unknown; ``pixel``: its metres from west to east and from north to south.
    """
    known = np.isfinite(heights)
    if min(heights.shape) < 2:
        return np.asarray(np.where(known, _LEVEL, 0), np.uint8)
    height, width = heights.shape
    memory = gdal.GetDriverByName("MEM").Create("", width, height, 1, gdal.GDT_Float32)
    memory.SetGeoTransform((0.0, pixel[0], 0.0, 0.0, 0.0, -pixel[1]))
    band = memory.GetRasterBand(1)
    band.SetNoDataValue(_UNKNOWN)
    band.WriteArray(np.where(known, heights, _UNKNOWN).astype(np.float32))
    with quiet_gdal():
        shaded = gdal.DEMProcessing(
            "", memory, "hillshade", format="MEM", computeEdges=True, zFactor=exaggeration, altitude=45,
            multiDirectional=is_multidirectional,
        )  # fmt: skip
    return np.asarray(shaded.ReadAsArray(), np.uint8)


def light_hillshade(heights: Array, grid: Grid) -> NDArray[np.uint8]:
    """Light greys (190–255) for the maps of reports, that of level ground where the height (m) isn't known."""
    east, north = grid.metres_per_pixel(np.array([grid.height // 2]))
    shades = hillshade(heights, (float(east[0]), float(north[0]))).astype(np.float32)
    light = 190 + 65 * (np.where(shades == 0, _LEVEL, shades) - 1) / 254
    return np.asarray(np.round(light), np.uint8)
