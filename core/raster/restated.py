"""Rasters that are to be read otherwise than their files say: with open options, another CRS, other values for no data.

Written as a virtual raster (VRT) over the file, or as a copy where ranges of values are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from osgeo import gdal

from ..gdal_errors import gdal_raises
from ..types import Double, Mask, PathLike
from .crs import spatial_reference
from .grid import row_blocks
from .opening import open_raster
from .reading import check_measure

_ROWS = 256


@dataclass(frozen=True)
class ValueRange:
    """Values from ``low`` to ``high``, NaN where there is no such limit; the limits belong to it or don't."""

    low: float
    high: float
    has_low: bool = True
    has_high: bool = True

    def holds(self, values: Double) -> Mask:
        """True where a value lies in the range."""
        above = values >= self.low if self.has_low else values > self.low
        below = values <= self.high if self.has_high else values < self.high
        known = ~np.isnan(values)
        return (known if math.isnan(self.low) else above) & (known if math.isnan(self.high) else below)


@dataclass(frozen=True)
class Restatement:
    """What counts in place of what a file says.

    ``open_options`` as GDAL takes them (NAME=value); ``crs``: "" keeps the file's; ``as_data``: bands whose declared
    value for no data is data; ``left_out``: by band, what is no data, too, as physical values.
    """

    open_options: tuple[str, ...] = ()
    crs: str = ""
    as_data: frozenset[int] = frozenset()
    left_out: Mapping[int, tuple[ValueRange, ...]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True where the file is read as it is."""
        return not (self.open_options or self.crs or self.as_data or self.left_out)


@gdal_raises()
def write_restated(source: PathLike, folder: Path, name: str, restated: Restatement) -> Path:
    """Write a raster into a folder that gives ``source`` as it is restated; returns its file.

    InputError where the source can't be opened, the CRS isn't known or values are left out of what is no measure.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, copy_path = folder / f"{name}.vrt", folder / f"{name}.tif"
    crs = spatial_reference(restated.crs, name).ExportToWkt() if restated.crs else None
    dataset = virtual = copy = None
    try:
        dataset = open_raster(source, open_options=restated.open_options)
        for index in restated.left_out:
            check_measure(dataset.GetRasterBand(index), name)
        virtual = gdal.Translate(str(path), dataset, format="VRT", outputSRS=crs)
        for index in restated.as_data:
            virtual.GetRasterBand(index).DeleteNoDataValue()
        virtual.FlushCache()
        if not restated.left_out:
            return path
        options = ["TILED=YES", "COMPRESS=DEFLATE", "ZLEVEL=1", "BIGTIFF=IF_SAFER"]
        kind = gdal.GDT_Float32
        copy = gdal.Translate(str(copy_path), virtual, format="GTiff", outputType=kind, creationOptions=options)
        for index, ranges in restated.left_out.items():
            _leave_out(copy.GetRasterBand(index), ranges)
        copy.FlushCache()
        return copy_path
    finally:
        # A virtual raster goes before what lies under it, or GDAL frees that twice.
        copy = None
        virtual = None
        dataset = None


def _leave_out(band: gdal.Band, ranges: tuple[ValueRange, ...]) -> None:
    declared = band.GetNoDataValue()
    scale, shift = band.GetScale() or 1.0, band.GetOffset() or 0.0
    if declared is None:
        band.SetNoDataValue(math.nan)
    for row, rows in row_blocks(band.YSize, _ROWS):
        stored = band.ReadAsArray(0, row, band.XSize, rows)
        physical = stored.astype(np.float64) * scale + shift
        lost = np.any([one.holds(physical) for one in ranges], axis=0)
        if lost.any():
            stored[lost] = math.nan if declared is None else declared
            band.WriteArray(stored, 0, row)
