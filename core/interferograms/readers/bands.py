"""How the bands of products are opened: CRS that a product implies, scale by data type, files that were cut short."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from osgeo import gdal

from ...errors import InputError
from ...gdal_errors import gdal_raises
from ...raster import Band, BandReader, Grid, Window, open_raster, placed_reference, spatial_reference

LONGITUDE_LATITUDE = "EPSG:4326"
# What GDAL calls declared in netCDF variables that declare nothing.
_NETCDF_DEFAULT = 9.969209968386869e36
_RAW_DRIVERS = ("ENVI", "ROI_PAC", "ISCE")


def band_of(path: Path | str, index: int = 1, nodata: tuple[float, ...] = (0.0,), name: str = "") -> Band:
    """A band whose exact zeros are no data, as in every product that doesn't declare it."""
    return Band(str(path), index, nodata=nodata, name=name)


@gdal_raises()
def declared_nodata_only(band: Band) -> Band:
    """The band with only its declared nodata value where it has one, so that its zeros are data."""
    dataset = open_raster(band.path, band.label)
    declared = dataset.GetRasterBand(band.index).GetNoDataValue()
    return band if declared in (None, _NETCDF_DEFAULT) else replace(band, nodata=())


@contextlib.contextmanager
def told_as_unreadable(path: Path) -> Iterator[None]:
    """InputError, naming ``path``, for what GDAL can't make of a file in the block."""
    try:
        yield
    except (RuntimeError, OSError):
        raise InputError(
            "{path} can't be read. Check that it is complete and that you may read it, or copy it again.", path=path
        ) from None


@gdal_raises()
def is_byte(band: Band) -> bool:
    """Whether a band is stored in whole numbers of one byte, without a scale of its own."""
    with BandReader(band, guarded=False) as reader:
        return reader.is_byte and not reader.has_scale


@gdal_raises()
def in_degrees(band: Band) -> Band:
    """The band with the CRS of longitude and latitude where its file has none, and with longitudes within ±180°.

    For products that are in degrees by definition but don't always say so. InputError when the coordinates can't be
    degrees.
    """
    dataset = open_raster(band.path, band.label)
    if dataset.RasterCount < band.index:
        raise InputError(
            "{label} has no band {index}: it is empty or cut short. Copy or download it again.",
            label=band.label,
            index=band.index,
        )
    transform = list(dataset.GetGeoTransform())
    centre = transform[0] + transform[1] * dataset.RasterXSize / 2
    turns = math.floor((centre + 180) / 360) if math.isfinite(centre) else 0
    if dataset.GetProjection() and (not turns or not spatial_reference(dataset.GetProjection()).IsGeographic()):
        return band
    if not (abs(transform[3]) <= 90.01 and abs(centre) <= 540):
        raise InputError(
            "{label} has no coordinate reference system, and its coordinates aren't longitude and latitude. "
            "Assign its CRS first (Raster > Projections > Assign projection).",
            label=band.label,
        )
    transform[0] -= 360 * turns
    options = gdal.TranslateOptions(
        format="VRT",
        outputSRS=dataset.GetProjection() or LONGITUDE_LATITUDE,
        bandList=[band.index],
    )
    described = gdal.Translate("", dataset, options=options)
    described.SetGeoTransform(transform)
    xml = described.GetMetadata("xml:VRT")[0]
    return replace(band, path=xml, index=1, name=band.label)


@gdal_raises()
def check_geocoded(path: Path, advice: str) -> None:
    """InputError when a raster of a product in degrees lies in radar geometry: pixels of size 1, or of none."""
    dataset = open_raster(path)
    transform = dataset.GetGeoTransform(can_return_null=True)
    if transform is None or (abs(transform[1]) == 1 and abs(transform[5]) == 1):
        raise InputError(
            "{path} is in radar geometry (range and azimuth), not on a map. {advice}", path=path, advice=advice
        )


@gdal_raises()
def check_size(path: Path, expected: int, described_by: str) -> None:
    """InputError when a raw file hasn't the size that its header gives it; GDAL would read zeros at its end."""
    size = path.stat().st_size
    if size != expected:
        raise InputError(
            "{path} has {size} bytes where {described_by} describes {expected}: it is cut short, in radar "
            "geometry (range and azimuth), or on another grid. Copy or geocode it again.",
            path=path,
            size=size,
            described_by=described_by,
            expected=expected,
        )


@gdal_raises()
def checked_grid(band: Band) -> Grid:
    """The grid of a band whose last pixel can be read; InputError otherwise, or without a CRS."""
    dataset = open_raster(band.path, band.label)
    if dataset.GetDriver().ShortName in _RAW_DRIVERS:
        pixel = sum(
            gdal.GetDataTypeSize(dataset.GetRasterBand(i + 1).DataType) // 8 for i in range(dataset.RasterCount)
        )
        size = Path(band.path).stat().st_size
        expected = pixel * dataset.RasterXSize * dataset.RasterYSize
        if size < expected:
            raise InputError(
                "{label} has {size} bytes where its header describes {expected}: it is cut short. Copy it again.",
                label=band.label,
                size=size,
                expected=expected,
            )
    with BandReader(band) as reader:
        grid = reader.grid
        if not grid.crs:
            raise InputError(
                "{label} has no coordinate reference system. Assign it first (Raster > Projections > Assign "
                "projection).",
                label=band.label,
            )
        placed_reference(grid.crs, band.label)
        reader.read(Window(grid.width - 1, grid.height - 1, 1, 1))
    return grid


@gdal_raises()
def centre_value(band: Band) -> float | None:
    """The mean of the valid pixels of a band's middle row; None without one."""
    try:
        with BandReader(band) as reader:
            row = reader.read(Window(0, reader.grid.height // 2, reader.grid.width, 1))
    except InputError:
        return None
    valid = row[np.isfinite(row)]
    return float(valid.mean()) if valid.size else None
