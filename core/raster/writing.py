"""Atomic writing of GeoTIFFs, block by block."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal

from ..errors import InputError, OutputError
from ..files import NewFile, told_as_unwritable
from ..gdal_errors import gdal_raises
from ..types import Array, PathLike
from .crs import spatial_reference
from .grid import Grid

BLOCK = 256


@dataclass(frozen=True)
class BandDescription:
    """What a written band holds: a name, the unit of its numbers, and tags for whoever reads it later."""

    name: str
    unit: str = ""
    tags: tuple[tuple[str, str], ...] = ()


_MOST_PIXELS = 10**11

_DATA_TYPES = {
    "float32": gdal.GDT_Float32,
    "uint8": gdal.GDT_Byte,
    "uint16": gdal.GDT_UInt16,
    "int32": gdal.GDT_Int32,
}


def _compression(dtype: str) -> tuple[str, ...]:
    return "COMPRESS=DEFLATE", "ZLEVEL=1", f"PREDICTOR={3 if dtype == 'float32' else 2}"


class RasterWriter:
    """Writes a tiled GeoTIFF block by block; the file appears under its name only when complete.

    ``compress`` is worth its time except for noisy floats (rates, slopes), which hardly shrink.
    Use as a context manager: an error or a cancellation inside it removes the temporary file. ``nodata`` is
    NaN for float32 and the given value for integers. Raises OutputError when the file can't be written.
    """

    @gdal_raises()
    def __init__(
        self,
        path: PathLike,
        grid: Grid,
        bands: Sequence[BandDescription],
        dtype: str = "float32",
        nodata: float | None = float("nan"),
        compress: bool = True,
    ) -> None:
        self.path = Path(path)
        self.grid = grid
        if self.path.suffix.lower() not in (".tif", ".tiff"):
            raise OutputError(
                "{path}: results are written as GeoTIFF. Choose a file name that ends in .tif.", path=self.path
            )
        if grid.width * grid.height > _MOST_PIXELS:
            raise InputError(
                "{path} would have {width} × {height} pixels, more than ADA Mapper can work on. Clip the raster "
                "that it is made of to the area of interest first.",
                path=self.path,
                width=grid.width,
                height=grid.height,
            )
        self._file = NewFile(self.path)
        self._file.check_replaceable()
        with told_as_unwritable(self.path, RuntimeError):
            self._dataset = gdal.GetDriverByName("GTiff").Create(
                str(self._file.temporary),
                grid.width,
                grid.height,
                len(bands),
                _DATA_TYPES[dtype],
                [
                    "TILED=YES",
                    f"BLOCKXSIZE={BLOCK}",
                    f"BLOCKYSIZE={BLOCK}",
                    "BIGTIFF=IF_SAFER",
                    "INTERLEAVE=BAND",
                    *(_compression(dtype) if compress else ()),
                ],
            )
        self._dataset.SetGeoTransform(grid.transform)
        if grid.crs:
            self._dataset.SetProjection(spatial_reference(grid.crs).ExportToWkt())
        for index, description in enumerate(bands, 1):
            band = self._dataset.GetRasterBand(index)
            band.SetDescription(description.name)
            band.SetUnitType(description.unit)
            band.SetMetadata(dict(description.tags))
            if nodata is not None:
                band.SetNoDataValue(nodata)

    @gdal_raises()
    def write(self, values: NDArray[Any], row: int = 0, column: int = 0, band: int = 1) -> None:
        """Write a 2-D block with its top left pixel at (row, column)."""
        with told_as_unwritable(self.path, RuntimeError):
            self._dataset.GetRasterBand(band).WriteArray(np.ascontiguousarray(values), column, row)

    @gdal_raises()
    def close(self) -> None:
        """Finish the file and give it its name."""
        try:
            with told_as_unwritable(self.path, (RuntimeError, OSError)):
                self._dataset.FlushCache()
                self._release()
                self._file.keep()
        finally:
            self.discard()

    @gdal_raises()
    def discard(self) -> None:
        """Remove what was written so far."""
        with contextlib.suppress(RuntimeError):
            self._release()
        self._file.discard()

    def _release(self) -> None:
        """Close the dataset; unlike the end of its last reference, which prints an error, this raises it."""
        dataset, self._dataset = self._dataset, None
        if dataset is not None:
            # Before GDAL 3.8 a dataset can't be closed but by what its last reference calls.
            dataset.Close() if hasattr(dataset, "Close") else gdal.Dataset.__swig_destroy__(dataset)

    def __enter__(self) -> RasterWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def write_array(path: PathLike, grid: Grid, values: Array, description: BandDescription) -> None:
    """Write a whole float32 array as a one-band GeoTIFF."""
    with RasterWriter(path, grid, [description]) as writer:
        writer.write(values)
