"""Files that hold several variables or bands (netCDF, HDF5): which one is meant, and where its pixels lie."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from osgeo import gdal

from ...errors import InputError
from ...gdal_errors import gdal_raises
from ...raster import Band, open_raster, spatial_reference
from ...texts import Message
from ...types import Double
from .bands import LONGITUDE_LATITUDE, band_of, in_degrees

_PREFIXED = re.compile(r'^(NETCDF|HDF5):(?:"([^"]+)"|(.+)):([^:"]+)$', re.IGNORECASE)
_SUBDATASET = re.compile(r'^\w+:"?.*?"?:([^":]+)$')
_NAMES_LISTED = 12
_DRIVERS = {"NETCDF": "netCDF", "HDF5": "HDF5"}
_IN_ARCHIVE = "/vsizip/"
_ARCHIVE = re.compile(r"^/vsizip/(/.+?\.zip)(/.+)$", re.IGNORECASE)
_AXES = (("xCoordinates", "yCoordinates"), ("x", "y"), ("longitude", "latitude"), ("lon", "lat"))
_PROJECTIONS = ("projection", "spatial_ref", "crs", "transverse_mercator", "polar_stereographic")
_EVEN = 0.1


@dataclass(frozen=True)
class Source:
    """A file, and of a file with several variables or bands the one that is meant."""

    path: Path
    variable: str = ""
    driver: str = ""

    @property
    def label(self) -> str:
        """The name for messages."""
        return f"{self.path}:{self.variable}" if self.variable else str(self.path)


@gdal_raises()
def source_of(text: str, folder: Path) -> Source:
    """What ``file``, ``file:variable``, ``NETCDF:"file":variable`` or ``HDF5:"file"://variable`` names.

    Files are relative to ``folder``. InputError when there is no such file.
    """
    prefixed = _PREFIXED.match(text)
    if prefixed:
        path = _existing(prefixed[2] or prefixed[3], folder)
        return Source(path, _plain(prefixed[4]), _DRIVERS[prefixed[1].upper()])
    if _find(text, folder) is None and ":" in text:
        file, _, variable = text.rpartition(":")
        path_of_file = _find(file, folder) if file and variable.strip("/") else None
        if path_of_file is not None:
            return Source(path_of_file, _plain(variable))
    return Source(_existing(text, folder))


def _existing(text: str, folder: Path) -> Path:
    path = _find(text, folder)
    if path is None:
        raise InputError("{file} doesn't exist. File names are relative to the folder of the CSV.", file=folder / text)
    if path.is_dir():
        raise InputError("{file} is a folder. Name the file of the interferogram in it.", file=path)
    return path


def _find(text: str, folder: Path) -> Path | None:
    if text.startswith(_IN_ARCHIVE):
        archive = _ARCHIVE.match(text)
        # Path would make one slash of two, so the archive stands in braces.
        name = f"{_IN_ARCHIVE}{{{archive[1]}}}{archive[2]}" if archive else text
        return Path(name) if gdal.VSIStatL(name) is not None else None
    # A table from Windows has its names with backslashes.
    for name in (text, text.replace("\\", "/")):
        path = Path(os.path.normpath(folder / name))
        try:
            if path.exists():
                return path
        except (OSError, ValueError):
            continue
    return None


def _plain(variable: str) -> str:
    return variable.strip().lstrip("/")


@gdal_raises()
def band_of_source(source: Source) -> Band:
    """The one band of a source; zeros are no data as in ``band_of``.

    InputError that lists what there is to choose from where the source doesn't say which variable or band it is.
    """
    dataset = _container(source)
    variables = _variables(dataset)
    if not variables and dataset.RasterCount and (not source.variable or source.variable.isdigit()):
        return band_of(source.path, _band_index(source, dataset), name=source.label)
    if not variables and not dataset.RasterCount:
        raise InputError("{path} holds no raster. Check that it is complete.", path=source.path)
    if not source.variable:
        raise InputError(
            "{path} holds several variables. Name one of them behind the file in a CSV of pairs, as {example}; there "
            "are {listed}.",
            path=source.path,
            example=f"{source.path.name}:{min(variables, key=_unlikely)}",
            listed=_listed(variables),
        )
    variable, name = _resolved(source, dataset, variables)
    band = band_of(name, name=source.label)
    opened = open_raster(name, source.label)
    if opened.RasterCount != 1:
        raise InputError(
            "{label} has {count} layers where an interferogram has one. Export the one that you need as a GeoTIFF.",
            label=source.label,
            count=opened.RasterCount,
        )
    return placed(band, source.path, variable)


def _container(source: Source) -> gdal.Dataset:
    if not source.driver:
        return open_raster(source.path)
    # GDAL's HDF5 driver leaves files that end in .nc to the one of netCDF, which has the same variables.
    with contextlib.suppress(RuntimeError):
        return gdal.OpenEx(str(source.path), gdal.OF_RASTER, allowed_drivers=[source.driver])
    return open_raster(source.path)


def _variables(dataset: gdal.Dataset) -> dict[str, str]:
    """GDAL's names of the variables by their own."""
    found = {}
    for name, _ in dataset.GetSubDatasets():
        match = _SUBDATASET.match(name)
        found[_plain(match[1]) if match else name] = name
    return found


def _resolved(source: Source, dataset: gdal.Dataset, variables: dict[str, str]) -> tuple[str, str]:
    """The full name of the variable that is meant, and GDAL's name of it."""
    if not variables:
        name = f'{dataset.GetDriver().ShortName.upper().replace("IMAGE", "")}:"{source.path}":'
        name += ("//" if name.startswith("HDF5") else "") + source.variable
        try:
            open_raster(name)
        except InputError:
            raise InputError("{path} has no variable {variable}.", path=source.path, variable=source.variable) from None
        return source.variable, name
    fitting = [source.variable] if source.variable in variables else []
    fitting = fitting or [name for name in variables if name.endswith(f"/{source.variable}")]
    if len(fitting) > 1:
        raise InputError(
            "{path} has several variables {variable}: {listed}. Name one in full.",
            path=source.path,
            variable=source.variable,
            listed=_listed(fitting),
        )
    if not fitting:
        raise InputError(
            "{path} has no variable {variable}. It has {listed}.",
            path=source.path,
            variable=source.variable,
            listed=_listed(variables),
        )
    return fitting[0], variables[fitting[0]]


def _unlikely(name: str) -> int:
    words = name.rpartition("/")[2].lower()
    return 0 if "unw" in words else 1 if "phase" in words else 2


def _listed(variables: Sequence[str] | dict[str, str]) -> str:
    names = sorted(variables, key=_unlikely)
    shown = ", ".join(names[:_NAMES_LISTED])
    more = len(names) - _NAMES_LISTED
    return Message("{shown} and {count} more", shown=shown, count=more) if more > 0 else shown


def _band_index(source: Source, dataset: gdal.Dataset) -> int:
    """The band that is meant: the only one besides a band of transparency, or the one whose number is told."""
    count = dataset.RasterCount
    if source.variable:
        if not 1 <= int(source.variable) <= count:
            raise InputError(
                "{path} has no band {band}, only {count}.", path=source.path, band=source.variable, count=count
            )
        return int(source.variable)
    if count == 2 and dataset.GetRasterBand(2).GetColorInterpretation() == gdal.GCI_AlphaBand:
        return 1
    if count > 1:
        raise InputError(
            "{path} has {count} bands. Name one of them behind the file in a CSV of pairs, as {name}:{count}.",
            path=source.path,
            name=source.path.name,
            count=count,
        )
    return 1


@gdal_raises()
def placed(band: Band, path: Path, variable: str) -> Band:
    """The band with CRS and corners from the coordinates beside its variable, where GDAL finds none.

    For HDF5 and for netCDF whose variables name no grid mapping. Unchanged where there are no such coordinates.
    """
    dataset = open_raster(band.path, band.label)
    transform = dataset.GetGeoTransform(can_return_null=True)
    if dataset.GetProjection() and transform is not None:
        return band
    if transform is not None and "degrees_east" in dataset.GetMetadata().values():
        return in_degrees(band)
    try:
        root = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    except RuntimeError:
        return band
    found = _coordinates(root, variable, dataset)
    if found is None:
        return band
    x, y, crs = found
    if _is_turned(dataset):
        y = y[::-1]
    described = gdal.Translate(
        "",
        dataset,
        options=gdal.TranslateOptions(format="VRT", bandList=[band.index], outputSRS=dataset.GetProjection() or crs),
    )
    dx, dy = _step(x, band.label), _step(y, band.label)
    described.SetGeoTransform((float(x[0]) - dx / 2, dx, 0.0, float(y[0]) - dy / 2, 0.0, dy))
    return replace(band, path=described.GetMetadata("xml:VRT")[0], index=1, name=band.label)


def _is_turned(dataset: gdal.Dataset) -> bool:
    """True where GDAL gives the rows in the other order: of netCDF variables whose coordinates it doesn't find."""
    is_netcdf = dataset.GetDriver().ShortName == "netCDF" and dataset.GetGeoTransform(can_return_null=True) is None
    return is_netcdf and gdal.GetConfigOption("GDAL_NETCDF_BOTTOMUP", "YES").upper() not in ("NO", "FALSE", "OFF", "0")


def _coordinates(root: gdal.Group, variable: str, dataset: gdal.Dataset) -> tuple[Double, Double, str] | None:
    """The centres of columns and rows, and the CRS, from the groups around a variable, the inmost first."""
    groups = variable.split("/")[:-1]
    for depth in range(len(groups), -1, -1):
        group = f"/{'/'.join(groups[:depth])}".rstrip("/")
        for names in _AXES:
            axes = [read_array(root, f"{group}/{name}") for name in names]
            x, y = axes
            if x is None or y is None or (x.size, y.size) != (dataset.RasterXSize, dataset.RasterYSize):
                continue
            crs = _crs(root, group) or (LONGITUDE_LATITUDE if names[0].startswith("lon") else "")
            return x, y, crs
    return None


def _crs(root: gdal.Group, group: str) -> str:
    """The CRS of a group's ``projection``: its WKT or its EPSG code as attribute, else the code as value."""
    for name in _PROJECTIONS:
        try:
            array = root.OpenMDArrayFromFullname(f"{group}/{name}")
        except RuntimeError:
            continue
        attributes = {item.GetName(): item.Read() for item in array.GetAttributes()}
        value = read_array(root, f"{group}/{name}")
        codes = [attributes.get("epsg_code"), None if value is None or value.size != 1 else value.flat[0]]
        for text in (attributes.get("spatial_ref"), attributes.get("crs_wkt"), *map(_epsg, codes)):
            if text:
                try:
                    return str(spatial_reference(str(text)).ExportToWkt())
                except (RuntimeError, InputError):
                    continue
    return ""


def _epsg(code: object) -> str:
    number = re.search(r"(\d{4,6})(\.0)?$", str(code).strip())
    return f"EPSG:{number[1]}" if number else ""


def read_array(root: gdal.Group, name: str) -> Double | None:
    """The numbers of a variable as float64 with NaN for no data; None without it, or where it has no numbers."""
    try:
        array = root.OpenMDArrayFromFullname(name)
        if array.GetDataType().GetClass() != gdal.GEDTC_NUMERIC:
            return None
        values = np.atleast_1d(np.asarray(array.ReadAsArray(), np.float64))
        nodata = array.GetNoDataValueAsDouble()
    except (RuntimeError, AttributeError, TypeError, ValueError):
        return None
    return values if nodata is None else np.where(values == nodata, np.nan, values)


@gdal_raises()
def mean_of(path: Path, variable: str) -> float | None:
    """The mean of the valid numbers of a variable; None without the variable or such numbers."""
    try:
        root = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
    except RuntimeError:
        return None
    values = read_array(root, variable)
    valid = values[np.isfinite(values)] if values is not None else ()
    return float(np.mean(valid)) if len(valid) else None


@gdal_raises()
def text_in(path: Path, variable: str) -> str:
    """The text that a variable holds; "" without one."""
    try:
        root = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
        value = root.OpenMDArrayFromFullname(variable).Read()
    except (RuntimeError, AttributeError):
        return ""
    value = value[0] if isinstance(value, list) and value else value
    return value.strip() if isinstance(value, str) else ""


def _step(centres: Double, label: str) -> float:
    if centres.size < 2:
        raise InputError("{label} has a side of one pixel, whose size nothing tells.", label=label)
    step = float((centres[-1] - centres[0]) / (centres.size - 1))
    # Not from one to the next: coordinates in single precision are rounded to a good part of a step.
    distances = np.abs(centres - np.linspace(centres[0], centres[-1], centres.size))
    if not (step and distances.max() <= _EVEN * abs(step)):
        raise InputError(
            "{label} has coordinates that aren't evenly spaced. Warp it to a regular grid first "
            "(Raster > Projections > Warp).",
            label=label,
        )
    return step
