"""GAMMA: raw files whose grid is in a parameter file, and the geometry of a pair from GAMMA's parameter files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from html import escape
from pathlib import Path

from osgeo import osr

from ...errors import InputError
from ...gdal_errors import gdal_raises
from ...raster import Band, Grid
from ...satellite import SPEED_OF_LIGHT
from ..model import Acquisition
from .bands import check_size
from .dates import Pair
from .files import Folder, nearest
from .metadata import finite_number, number_of, numbers_of, parameters_of, text_of
from .product import ProductReader

_DEM = re.compile(r"dem[._]?(seg[._])?par$", re.IGNORECASE)
_PERPENDICULAR = re.compile(r"[._](bperp\.par|bperp|base_perp)$")
_BASELINE = re.compile(r"[._]base(line)?\.par$|\.base(line)?$")
_IMAGE = re.compile(r"[._](slc|mli|rslc|rmli)\.par$")
_OTHER_HEADERS = (".rsc", ".xml", ".vrt", ".hdr")
_BYTES = 4


class GammaReader(ProductReader):
    """``20061106-20061211_utm.unw`` and ``.cc``: big-endian float32 on the grid of a ``*_dem.par``."""

    title = "GAMMA"
    looks_for = "*.unw with a *_dem.par"
    interferogram_name = re.compile(r"\.unw$")
    coherence_name = re.compile(r"\.(cc|cor|coh)$")

    def is_interferogram(self, path: Path) -> bool:
        """True where no other processor's header stands beside."""
        return super().is_interferogram(path) and not any(
            path.with_name(path.name + suffix).exists() for suffix in _OTHER_HEADERS
        )

    def phase(self, path: Path, folder: Folder) -> Band:
        """InputError without a ``*_dem.par`` of the file's size."""
        return _raw_band(path, folder)

    def coherence(self, path: Path, folder: Folder) -> Band:
        """InputError without a ``*_dem.par`` of the file's size."""
        return _raw_band(path, folder)

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """From ``*_bperp.par`` or ``*_base.par``, and ``*_slc.par`` or ``*_mli.par``."""
        return gamma_acquisition(path, dates, folder)


def _raw_band(path: Path, folder: Folder) -> Band:
    """A big-endian float32 file as the text of a VRT that says where its numbers lie."""
    grid = _grid_of(path, folder)
    check_size(path, grid.width * grid.height * _BYTES, "its *_dem.par")
    transform = ", ".join(repr(value) for value in grid.transform)
    xml = (
        f'<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">'
        f"<SRS>{escape(grid.crs)}</SRS><GeoTransform>{transform}</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1" subClass="VRTRawRasterBand">'
        f'<SourceFilename relativeToVRT="0">{escape(str(path.absolute()))}</SourceFilename>'
        f"<ImageOffset>0</ImageOffset><PixelOffset>{_BYTES}</PixelOffset>"
        f"<LineOffset>{_BYTES * grid.width}</LineOffset><ByteOrder>MSB</ByteOrder></VRTRasterBand></VRTDataset>"
    )
    return Band(xml, nodata=(0.0,), name=str(path))


def _grid_of(path: Path, folder: Folder) -> Grid:
    """The grid of the nearest DEM parameter file that fits the size of a raw file."""
    candidates = sorted(folder.matching(_DEM), key=lambda item: item.parent != path.parent)
    if not candidates:
        raise InputError(
            "{path} is a raw GAMMA file and no *_dem.par that gives its size and coordinates was found. Put the "
            "*_dem.par of the geocoded DEM beside it.",
            path=path,
        )
    size = path.stat().st_size
    fitting = [item for item in candidates if _pixels(item) * _BYTES == size]
    return _grid_of_parameters(nearest(fitting or candidates, path) or candidates[0])


def _pixels(path: Path) -> int:
    parameters = parameters_of(path)
    return int(number_of(parameters, "width") or 0) * int(number_of(parameters, "nlines") or 0)


def _grid_of_parameters(path: Path) -> Grid:
    """The grid of a DEM parameter file, whose corner is the centre of the upper left pixel."""
    parameters = parameters_of(path)
    projection = parameters.get("dem_projection", "")
    axes = ("lon", "lat") if projection == "EQA" else ("east", "north")
    needed = ["width", "nlines", *(f"{key}_{axis}" for key in ("corner", "post") for axis in axes)]
    values = [number_of(parameters, key) for key in needed]
    if None in values:
        missing = ", ".join(key for key, value in zip(needed, values) if value is None)
        raise InputError(
            "{path} is not a complete GAMMA DEM parameter file: {missing} is missing.", path=path, missing=missing
        )
    width, lines, x, y, dx, dy = (float(value) for value in values if value is not None)
    transform = (x - dx / 2, dx, 0.0, y - dy / 2, 0.0, dy)
    return Grid(_crs_of(path, projection), transform, int(width), int(lines))


@gdal_raises()
def _crs_of(path: Path, projection: str) -> str:
    parameters = parameters_of(path)
    if projection == "EQA":
        return "EPSG:4326"
    zone = number_of(parameters, "projection_zone")
    if projection == "UTM" and zone:
        south = (number_of(parameters, "false_northing") or 0) > 0
        reference = osr.SpatialReference()
        reference.ImportFromEPSG((32700 if south else 32600) + int(zone))
        return str(reference.ExportToWkt())
    raise InputError(
        "{path} has the map projection {projection}; only EQA and UTM are read. Convert the "
        "interferograms to GeoTIFF with GAMMA's data2geotiff.",
        path=path,
        projection=projection or "unknown",
    )


def gamma_acquisition(path: Path, dates: Pair, folder: Folder) -> Acquisition:
    """Baseline, wavelength, heading and incidence from the GAMMA parameter files of a folder."""
    image = parameters_of(_image_of(dates[0], path, folder) or _image_of(dates[1], path, folder))
    frequency = number_of(image, "radar_frequency")
    return Acquisition(
        perpendicular_baseline=_baseline(path, dates, folder),
        wavelength=SPEED_OF_LIGHT / frequency if frequency else None,
        heading=number_of(image, "heading"),
        incidence=number_of(image, "incidence_angle"),
    )


def _image_of(day: date, path: Path, folder: Folder) -> Path | None:
    return nearest(folder.of_dates(_IMAGE).get(day, ()), path)


def _baseline(path: Path, dates: Pair, folder: Folder) -> float | None:
    for pair, sign in ((dates, 1.0), (dates[::-1], -1.0)):
        table = nearest(folder.of_pairs(_PERPENDICULAR).get(pair, ()), path)
        value = perpendicular_of_table(text_of(table)) if table else None
        if value is None:
            base = nearest(folder.of_pairs(_BASELINE).get(pair, ()), path)
            image = _image_of(pair[0], path, folder)
            value = perpendicular_of_orbits(parameters_of(base), parameters_of(image)) if base and image else None
        if value is not None:
            return sign * value
    return None


def perpendicular_of_table(text: str) -> float | None:
    """Column 8 of the table of GAMMA's base_perp at the line and range nearest the scene's centre, in metres."""
    rows = []
    for line in text.splitlines():
        words = line.split()
        if len(words) == 9:
            numbers = [value for value in map(finite_number, words) if value is not None]
            if len(numbers) == 9:
                rows.append(numbers)
    if not rows:
        return None
    middle = [(min(row[i] for row in rows) + max(row[i] for row in rows)) / 2 for i in (0, 1)]
    spans = [max(row[i] for row in rows) - min(row[i] for row in rows) or 1.0 for i in (0, 1)]
    centre = min(rows, key=lambda row: sum(((row[i] - middle[i]) / spans[i]) ** 2 for i in (0, 1)))
    return centre[7]


def perpendicular_of_orbits(base: Mapping[str, str], image: Mapping[str, str]) -> float | None:
    """The perpendicular baseline at the scene's centre from the baseline's track, cross-track and normal parts.

    With look angle θ from the triangle of orbit radius, earth radius and slant range, B⊥ = C cos θ − N sin θ for a
    radar that looks to the right (C changes sign for one that looks to the left).
    """
    vector = numbers_of(base, "precision_baseline(tcn)")
    if not any(vector):
        vector = numbers_of(base, "initial_baseline(tcn)")
    orbit = number_of(image, "sar_to_earth_center")
    earth = number_of(image, "earth_radius_below_sensor")
    distance = _centre_range(image)
    if len(vector) < 3 or orbit is None or earth is None or distance is None:
        return None
    cosine = (orbit**2 + distance**2 - earth**2) / (2 * orbit * distance)
    if not -1 <= cosine <= 1:
        return None
    cross = vector[1] if (number_of(image, "azimuth_angle") or 90.0) > 0 else -vector[1]
    return cross * cosine - vector[2] * math.sqrt(1 - cosine**2)


def _centre_range(image: Mapping[str, str]) -> float | None:
    centre = number_of(image, "center_range_slc")
    if centre is not None:
        return centre
    near, samples, spacing = (
        number_of(image, key) for key in ("near_range_slc", "range_samples", "range_pixel_spacing")
    )
    return None if near is None or samples is None or spacing is None else near + samples / 2 * spacing
