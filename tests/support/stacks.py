"""Small stacks of interferograms on disk, made by code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, osr

from ada_mapper.core.interferograms import Interferogram, Stack
from ada_mapper.core.raster import Band, Grid
from ada_mapper.core.stacking import StackOutputs, stack_to_files

WAVELENGTH = 0.055465763
FIRST = date(2020, 1, 1)
YEAR = 365.25


def write_raster(
    path: Path,
    values: NDArray[np.floating],
    pixel: float = 100.0,
    crs: int | None = 32632,
    nodata: float | None = None,
    unit: str = "",
    options: Sequence[str] = (),
    top: float | None = None,
) -> str:
    """Write a float32 GeoTIFF with square pixels in metres (or degrees, by the CRS)."""
    height, width = values.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), width, height, 1, gdal.GDT_Float32, list(options))
    if crs is not None:
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(crs)
        dataset.SetProjection(reference.ExportToWkt())
    geographic = crs == 4326
    north = top if top is not None else (46.0 if geographic else 5_000_000.0)
    dataset.SetGeoTransform((10.0 if geographic else 500_000.0, pixel, 0, north, 0, -pixel))
    band = dataset.GetRasterBand(1)
    if nodata is not None:
        band.SetNoDataValue(nodata)
    if unit:
        band.SetUnitType(unit)
    band.WriteArray(values.astype(np.float32))
    dataset = None
    return str(path)


def read_raster(path: str | Path) -> NDArray[np.float32]:
    """The first band as it is stored."""
    return gdal.Open(str(path)).ReadAsArray()


def network_days(dates: int, reach: int = 2, interval: int = 12) -> list[tuple[int, int]]:
    """(first, second) day of the pairs of each date with the next ``reach`` dates."""
    return [(i * interval, j * interval) for i in range(dates) for j in range(i + 1, min(i + reach + 1, dates))]


def make_stack(
    folder: Path,
    phases: Sequence[NDArray[np.floating]],
    days: Sequence[tuple[int, int]],
    coherence: Sequence[NDArray[np.floating]] | None = None,
    pixel: float = 100.0,
    nodata: tuple[float, ...] = (0.0,),
    options: Sequence[str] = (),
    declared: float | None = None,
    crs: int | None = 32632,
) -> Stack:
    """Write phases (and coherence) of pairs given by (first, second) day, and describe them as a stack."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for index, (values, (first, second)) in enumerate(zip(phases, days)):
        path = write_raster(folder / f"phase{index}.tif", values, pixel, crs, declared, options=options)
        coherent = None
        if coherence is not None:
            coherent = Band(write_raster(folder / f"coherence{index}.tif", coherence[index], pixel, crs))
        dates = FIRST + timedelta(days=first), FIRST + timedelta(days=second)
        pairs.append(Interferogram(Band(path, nodata=nodata), *dates, "geotiff", coherence=coherent))
    pairs.sort(key=lambda pair: (pair.first_date, pair.second_date))
    return Stack(tuple(pairs), Grid.of(pairs[0].phase.path), WAVELENGTH)


def incidence_of(days: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """−1 at the earlier and +1 at the later date of each pair, (pairs, dates)."""
    dates = sorted({day for pair in days for day in pair})
    matrix = np.zeros((len(days), len(dates)))
    for row, (first, second) in zip(matrix, days):
        row[dates.index(first)], row[dates.index(second)] = -1, 1
    return matrix


def years_of(days: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """Time spans in years of 365.25 days."""
    return np.array([(second - first) / 365.25 for first, second in days])


def equation_1(phases: Sequence[NDArray[np.floating]], days: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """An independent Eq. 1: a loop over pixels with sums over their finite phases, NaN without any."""
    cube = np.asarray(phases, np.float64)
    spans = years_of(days)
    rate = np.full(cube.shape[1:], np.nan)
    for index in np.ndindex(*rate.shape):
        valid = [j for j in range(len(cube)) if np.isfinite(cube[(j, *index)])]
        if valid:
            top = sum(spans[j] * cube[(j, *index)] for j in valid)
            rate[index] = top / sum(spans[j] ** 2 for j in valid)
    return rate


def consecutive(count: int) -> list[tuple[date, date]]:
    """Pairs of 12 days, each from the second date of the one before."""
    dates = [FIRST + timedelta(days=12 * i) for i in range(count + 1)]
    return list(zip(dates[:-1], dates[1:]))


def rate_of(stack: Stack, folder: Path) -> np.ndarray:
    """The stacked phase rate without reference and filters."""
    stack_to_files(stack, StackOutputs(folder / "rate.tif"))
    return read_raster(folder / "rate.tif")
