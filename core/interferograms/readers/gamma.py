"""GAMMA: raw files whose grid is in a parameter file, and the geometry of a pair from GAMMA's parameter files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from osgeo import osr

from ...errors import InputError
from ...gdal_errors import gdal_raises
from ...raster import Band, Grid
from ...satellite import LEFT, RIGHT
from ..model import Acquisition
from .dates import Pair
from .files import Folder, nearest
from .metadata import BASELINE, HEADING, INCIDENCE, Metadata, finite_number, number_of, numbers_of, parameters_of
from .product import ProductReader
from .raw import RawFile

_DEM = re.compile(r"dem[._]?(seg[._])?par$", re.IGNORECASE)
_PERPENDICULAR = re.compile(r"[._](bperp\.par|bperp|base_perp)$")
_BASELINE = re.compile(r"[._]base(line)?\.par$|\.base(line)?$")
_IMAGE = re.compile(r"[._](slc|mli|rslc|rmli)\.par$")
_OTHER_HEADERS = (".rsc", ".xml", ".vrt", ".hdr")
_BYTES = 4
_LARGEST_SIDE = 1_000_000


class GammaReader(ProductReader):
    """``20061106-20061211_utm.unw`` and ``.cc``: float32 on the grid of a ``*_dem.par``, big-endian where it can be."""

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
        known = gamma_acquisition(path, dates, folder)
        return replace(known, notes=(*known.notes, *_raw_file(path, folder).note()))


def _raw_file(path: Path, folder: Folder) -> RawFile:
    return RawFile(path, _grid_of(path, folder), "MSB", "its *_dem.par")


def _raw_band(path: Path, folder: Folder) -> Band:
    file = _raw_file(path, folder)
    file.check()
    return file.band()


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
    return grid_of_parameters(nearest(fitting or candidates, path) or candidates[0])


def _pixels(path: Path) -> int:
    parameters = parameters_of(path)
    return int(number_of(parameters, "width") or 0) * int(number_of(parameters, "nlines") or 0)


def grid_of_parameters(path: Path) -> Grid:
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
    if not 1 <= width <= _LARGEST_SIDE or not 1 <= lines <= _LARGEST_SIDE or not dx > 0 > dy:
        raise InputError(
            "{path} describes a grid of {width:g} × {lines:g} pixels of {dx:g} × {dy:g}, which can't be. Take it from "
            "GAMMA again.",
            path=path,
            width=width,
            lines=lines,
            dx=dx,
            dy=dy,
        )
    if projection == "EQA" and not (abs(y) <= 90 and abs(y + dy * lines) <= 91 and abs(x) <= 540):
        raise InputError(
            "{path} has the corner {x:g}, {y:g}, which isn't a longitude and a latitude.", path=path, x=x, y=y
        )
    transform = (x - dx / 2, dx, 0.0, y - dy / 2, 0.0, dy)
    return Grid(_crs_of(path, projection), transform, int(width), int(lines), str(path))


@gdal_raises()
def _crs_of(path: Path, projection: str) -> str:
    parameters = parameters_of(path)
    if projection == "EQA":
        return "EPSG:4326"
    zone = number_of(parameters, "projection_zone")
    if projection == "UTM" and zone is not None and zone in range(1, 61):
        south = (number_of(parameters, "false_northing") or 0) > 0
        reference = osr.SpatialReference()
        reference.ImportFromEPSG((32700 if south else 32600) + int(zone))
        return str(reference.ExportToWkt())
    raise InputError(
        "{path} has the map projection {projection}; only EQA and UTM (zones 1 to 60) are read. Convert the "
        "interferograms to GeoTIFF with GAMMA's data2geotiff.",
        path=path,
        projection=f"{projection} {zone:g}" if projection == "UTM" and zone else projection or "unknown",
    )


def gamma_acquisition(path: Path, dates: Pair, folder: Folder) -> Acquisition:
    """Baseline, wavelength, heading and incidence from the GAMMA parameter files of a folder."""
    told = Metadata()
    file = _image_of(dates[0], path, folder) or _image_of(dates[1], path, folder)
    image = told.parameters(file)
    return Acquisition(
        perpendicular_baseline=_baseline(path, dates, folder, told),
        wavelength=told.wavelength(file, image, "radar_frequency"),
        heading=told.number(HEADING, file, image, "heading"),
        incidence=told.number(INCIDENCE, file, image, "incidence_angle"),
        look_side=_look_side(image),
        notes=told.notes,
    )


def _look_side(image: Mapping[str, str]) -> str | None:
    """By the azimuth of the beam from the direction of flight: 90° to the right, -90° to the left."""
    azimuth = number_of(image, "azimuth_angle")
    return None if not azimuth else RIGHT if azimuth > 0 else LEFT


def _image_of(day: date, path: Path, folder: Folder) -> Path | None:
    return nearest(folder.of_dates(_IMAGE).get(day, ()), path)


def _baseline(path: Path, dates: Pair, folder: Folder, told: Metadata) -> float | None:
    for pair, sign in ((dates, 1.0), (dates[::-1], -1.0)):
        table = nearest(folder.of_pairs(_PERPENDICULAR).get(pair, ()), path)
        value = told.checked(BASELINE, table, perpendicular_of_table(told.text(table))) if table else None
        if value is None:
            base = nearest(folder.of_pairs(_BASELINE).get(pair, ()), path)
            image = _image_of(pair[0], path, folder)
            if base and image:
                value = perpendicular_of_orbits(told.parameters(base), told.parameters(image))
                value = told.checked(BASELINE, base, value)
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
    try:
        cosine = (orbit**2 + distance**2 - earth**2) / (2 * orbit * distance)
    except (OverflowError, ZeroDivisionError):
        return None
    if not -1 <= cosine <= 1:
        return None
    cross = -vector[1] if _look_side(image) == LEFT else vector[1]
    return cross * cosine - vector[2] * math.sqrt(1 - cosine**2)


def _centre_range(image: Mapping[str, str]) -> float | None:
    centre = number_of(image, "center_range_slc")
    if centre is not None:
        return centre
    near, samples, spacing = (
        number_of(image, key) for key in ("near_range_slc", "range_samples", "range_pixel_spacing")
    )
    return None if near is None or samples is None or spacing is None else near + samples / 2 * spacing
