"""Pictures that a package shows below its sites without a network: a hillshade, and an image of any map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal

from ..areas import Area, outlines_of
from ..errors import InputError
from ..gdal_errors import gdal_raises, quiet_gdal
from ..progress import QUIET, Progress
from ..raster import HEIGHTS, BandReader, Grid, checked_band, spatial_reference
from ..terrain import hillshade
from ..types import PathLike
from ..vectors import boxes_of
from .sites import Site

MOST_PIXELS = 4096
"""Pixels of the longer side: about 17 million of them are some MB on the phone."""
_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class BaseMapFrame:
    """The ground that base maps show: (x_min, y_min, x_max, y_max) in a CRS, and the metres of one of its units."""

    crs: str
    bounds: tuple[float, float, float, float]
    metres: tuple[float, float]

    def grid(self, pixel_size: float, most_pixels: int = MOST_PIXELS) -> Grid:
        """The frame in square pixels of that many metres, or larger where they would be too many."""
        x_min, y_min, x_max, y_max = self.bounds
        width, height = (x_max - x_min) * self.metres[0], (y_max - y_min) * self.metres[1]
        size = max(pixel_size, width / most_pixels, height / most_pixels)
        dx, dy = size / self.metres[0], size / self.metres[1]
        columns, rows = (max(1, math.ceil(side / size - 1e-6)) for side in (width, height))
        return Grid(self.crs, (x_min, dx, 0.0, y_max, 0.0, -dy), columns, rows)


@gdal_raises()
def frame_around(sites: Sequence[Site], crs: str, areas: Sequence[Area], areas_crs: str, margin: float) -> BaseMapFrame:
    """The frame that holds the sites, the areas that they stand for, and ``margin`` metres around."""
    wanted = {site.attributes.get("area_id") for site in sites}
    shown = [area for area in areas if area.attributes.get("id") in wanted]
    boxes = [geometry.GetEnvelope() for geometry in outlines_of(shown, areas_crs).geometries(crs)]
    boxes += [(site.x, site.x, site.y, site.y) for site in sites]
    x_min, x_max, y_min, y_max = (reach(side) for reach, side in zip((min, max, min, max), zip(*boxes)))
    reference = spatial_reference(crs)
    if reference.IsGeographic():
        metres = (_METRES_PER_DEGREE * max(0.01, math.cos(math.radians((y_min + y_max) / 2))), _METRES_PER_DEGREE)
    else:
        metres = (reference.GetLinearUnits(),) * 2
    aside, above = margin / metres[0], margin / metres[1]
    return BaseMapFrame(crs, (x_min - aside, y_min - above, x_max + aside, y_max + above), metres)


@gdal_raises()
def shows_any(frame: BaseMapFrame, areas: Sequence[Area], areas_crs: str) -> bool:
    """Whether one of the areas lies in the frame."""
    x_min, y_min, x_max, y_max = frame.bounds
    left, right, bottom, top = boxes_of(outlines_of(areas, areas_crs).geometries(frame.crs)).T
    return bool(((left <= x_max) & (right >= x_min) & (bottom <= y_max) & (top >= y_min)).any())


@gdal_raises()
def write_hillshade(
    path: Path, dem: PathLike, frame: BaseMapFrame, most_pixels: int = MOST_PIXELS, progress: Progress = QUIET
) -> None:
    """Write a grey hillshade of the frame, lit from the north-west, as a compressed GeoTIFF with overviews.

    What is assumed of the DEM is told. Raises InputError where it shows another place or can't hold heights.
    """
    grid = frame.grid(Grid.of(dem).pixel_size, most_pixels)
    with quiet_gdal():
        with BandReader(checked_band(dem, HEIGHTS, progress), grid) as reader:
            heights = reader.read()
        if not np.isfinite(heights).any():
            raise InputError(
                "{dem} does not show the ground around the sites, so it can't be their base map. Choose another DEM.",
                dem=dem,
            )
        pixel = grid.transform[1] * frame.metres[0], -grid.transform[5] * frame.metres[1]
        shades = hillshade(heights, pixel, exaggeration=1.3)
        memory = _in_memory(grid, shades[np.newaxis])
        memory.GetRasterBand(1).SetNoDataValue(0)
        _save(path, memory, ["COMPRESS=DEFLATE", "PREDICTOR=2"])


@gdal_raises()
def write_image(path: Path, frame: Grid, colours: NDArray[np.uint8]) -> None:
    """Write a picture (h, w, 3) of red, green and blue on a grid as a GeoTIFF of JPEG tiles with overviews."""
    memory = _in_memory(frame, np.moveaxis(colours, -1, 0))
    for index in range(memory.RasterCount):
        memory.GetRasterBand(index + 1).SetColorInterpretation(gdal.GCI_RedBand + index)
    with quiet_gdal():
        _save(path, memory, ["COMPRESS=JPEG", "JPEG_QUALITY=82", "PHOTOMETRIC=YCBCR"])


def _in_memory(grid: Grid, bands: NDArray[np.uint8]) -> Any:
    """A data set of bands (b, h, w) on a grid."""
    memory = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, len(bands), gdal.GDT_Byte)
    memory.SetGeoTransform(grid.transform)
    memory.SetProjection(spatial_reference(grid.crs).ExportToWkt())
    memory.WriteArray(np.ascontiguousarray(bands))
    return memory


def _save(path: Path, memory: Any, options: list[str]) -> None:
    dataset = gdal.GetDriverByName("GTiff").CreateCopy(str(path), memory, options=["TILED=YES", *options])
    longest = max(dataset.RasterXSize, dataset.RasterYSize)
    levels: list[int] = []
    while longest > 512 * 2 ** len(levels):
        levels.append(2 ** (len(levels) + 1))
    if levels:
        dataset.BuildOverviews("AVERAGE", levels)
    dataset = None
    Path(f"{path}.aux.xml").unlink(missing_ok=True)
