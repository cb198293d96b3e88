"""ARIA Sentinel-1 geocoded unwrapped interferograms (S1-GUNW), one netCDF a pair."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from osgeo import gdal

from ...errors import InputError
from ...gdal_errors import gdal_raises
from ...raster import Band
from ...satellite import RIGHT, SENTINEL1_WAVELENGTH
from ..model import Acquisition
from .bands import band_of, in_degrees
from .containers import mean_of
from .dates import Pair
from .files import Folder
from .metadata import BASELINE, INCIDENCE, WAVELENGTH, Metadata
from .product import ProductReader

_DATA = "/science/grids/data/"
_NAME = re.compile(r"^S1-GUNW-[AD]-R-(\d{3})-\w+-\d{8}_\d{8}-(\d{2})(\d{2})(\d{2})-")
_GEOMETRY = "/science/grids/imagingGeometry/"


class AriaReader(ProductReader):
    """``S1-GUNW-*.nc``; named, and so signed, later date first."""

    title = "ARIA S1-GUNW"
    looks_for = "S1-GUNW-*.nc"
    interferogram_name = re.compile(r"^S1-GUNW-.*-\d{8}_\d{8}-.*\.nc$")
    coherence_name = interferogram_name

    @gdal_raises()
    def phase(self, path: Path, folder: Folder) -> Band:
        """``unwrappedPhase``."""
        return _layer(path, "unwrappedPhase")

    @gdal_raises()
    def find_coherence(self, path: Path, dates: Pair, folder: Folder) -> Path | None:
        """The same file."""
        return path

    @gdal_raises()
    def coherence(self, path: Path, folder: Folder) -> Band:
        """``coherence``."""
        return _layer(path, "coherence")

    @gdal_raises()
    def find_components(self, path: Path, dates: Pair, folder: Folder) -> Path | None:
        """The same file."""
        return path

    @gdal_raises()
    def components(self, path: Path, folder: Folder) -> Band:
        """``connectedComponents``, -1 outside the scene."""
        return replace(_layer(path, "connectedComponents"), nodata=(0.0, -1.0))

    @gdal_raises()
    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Wavelength, and the means of the cubes of baseline and incidence."""
        told = Metadata()
        wavelength = told.checked(WAVELENGTH, path, mean_of(path, "/science/radarMetaData/wavelength"))
        name = _NAME.match(path.name)
        return Acquisition(
            perpendicular_baseline=told.checked(BASELINE, path, mean_of(path, f"{_GEOMETRY}perpendicularBaseline")),
            wavelength=wavelength or SENTINEL1_WAVELENGTH,
            incidence=told.checked(INCIDENCE, path, mean_of(path, f"{_GEOMETRY}incidenceAngle")),
            ascending=path.name.startswith("S1-GUNW-A-"),
            track=int(name[1]) if name else None,
            seconds=3600 * int(name[2]) + 60 * int(name[3]) + float(name[4]) if name else None,
            look_side=RIGHT,
            notes=told.notes,
        )


def _layer(path: Path, name: str) -> Band:
    if gdal.GetDriverByName("netCDF") is None:
        raise InputError(
            "{path} is a netCDF file, which this GDAL can't read. Install GDAL's netCDF driver.", path=path
        )
    return in_degrees(band_of(f'NETCDF:"{path}":{_DATA}{name}', name=str(path)))
