"""The relief of one map sheet: its hillshade and its contour lines, on the sheet's own grid in metres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr

from ..raster import BandDescription, BandReader, Grid, spatial_reference, write_array
from ..types import Array, PathLike
from ..vectors import quiet_gdal, vector_memory

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


def prepare_relief(
    dem: PathLike, crs: str, bounds: tuple[float, float, float, float], scale: float, folder: Path, name: str
) -> Relief | None:
    """Hillshade and contour lines of ``bounds`` (x_min, y_min, x_max, y_max in metres of ``crs``) in ``folder``.

    ``scale`` is the denominator of the map's scale. None where the DEM (m) has no data there. Raises InputError for a
    DEM that can't be read or placed.
    """
    grid = _grid(crs, bounds, _PIXEL / 1000 * scale)
    own = Grid.of(dem).pixel_size
    with BandReader(dem, grid, "bilinear" if own < grid.pixel_size else "cubicspline") as reader:
        heights = reader.read()
    known = np.isfinite(heights)
    if not known.any():
        return None
    elevation = folder / f"{name}_elevation.tif"
    write_array(elevation, grid, heights, BandDescription("elevation", "m"))
    hillshade = folder / f"{name}_hillshade.tif"
    grey = _hillshade(elevation, hillshade)
    interval = contour_interval(heights, grid.transform[1], scale)
    tolerance = _TOLERANCE / 1000 * scale
    contours = _contours(elevation, interval, tolerance, folder / f"{name}_contours.gpkg") if interval else None
    elevation.unlink()
    return Relief(hillshade, contours, interval, grey if known.all() else None)


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


def _hillshade(elevation: Path, path: Path) -> int:
    """Write grey values, light enough to print on, 0 where there is no data; returns their mean."""
    dataset = gdal.DEMProcessing(
        str(path), str(elevation), "hillshade", zFactor=1.0, multiDirectional=True, computeEdges=True
    )
    band = dataset.GetRasterBand(1)
    shades = band.ReadAsArray()
    light = 255 - _SHADE * (255 - shades.astype(np.float32))
    band.WriteArray(np.where(shades == 0, 0, np.round(light)).astype(np.uint8))
    dataset.FlushCache()
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


def hillshade(heights: Array, grid: Grid) -> Array:
    """Light greys (190–255) of terrain lit from the north-west, 45° high."""
    filled = np.where(np.isfinite(heights), heights, np.nanmedian(heights) if np.isfinite(heights).any() else 0)
    if min(filled.shape) < 2:
        return np.full(filled.shape, 255, np.float32)
    east, north = grid.metres_per_pixel(np.array([grid.height // 2]))
    to_south, to_east = np.gradient(filled, float(north[0]), float(east[0]))
    light = (1 + (to_east + to_south) / math.sqrt(2)) / np.sqrt(2 * (1 + to_east**2 + to_south**2))
    return np.asarray(190 + 65 * np.clip(light, 0, 1), np.float32)
