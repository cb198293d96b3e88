"""Coordinate reference systems as texts: what they mean, whether two are the same, from one to another, the UTM zone
of a place, true north in a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from osgeo import ogr, osr

from ..errors import InputError
from ..gdal_errors import gdal_raises, quiet_gdal
from ..texts import Message
from ..types import Double, PathLike

EQUAL_AREA_CRS = "EPSG:6933"
DEGREES = "EPSG:4326"

Bounds = tuple[float, float, float, float]

# Smaller pixels than these are no metres or feet: anywhere, and where the coordinates could be degrees.
_PIXEL, _PIXEL_AT_DEGREES = 0.01, 0.1


@gdal_raises()
def spatial_reference(crs: str, name: PathLike = "") -> osr.SpatialReference:
    """The CRS as an OSR object with x/longitude first.

    InputError, naming the file or layer ``name``, where there is none or PROJ doesn't know it.
    """
    name = name or Message("The layer")
    if not crs:
        raise InputError("{name} has no coordinate reference system. Assign it first.", name=name)
    reference = osr.SpatialReference()
    try:
        with quiet_gdal():
            reference.SetFromUserInput(crs)
    except RuntimeError:
        raise InputError(
            "{name} has a coordinate reference system that isn't known here ({crs}). Set the right one.",
            name=name,
            crs=_short(crs),
        ) from None
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


@gdal_raises()
def placed_reference(crs: str, name: PathLike = "") -> osr.SpatialReference:
    """spatial_reference() of a CRS whose coordinates say where on Earth they lie: a projection, or degrees.

    InputError for local and undefined ones, for heights alone, and for geocentric and turned ones.
    """
    reference = spatial_reference(crs, name)
    if not _is_placed(reference):
        raise InputError(
            "{name} has the coordinate reference system “{crs}”, which doesn't say where on Earth it lies. Set the "
            "right one.",
            name=name or Message("The layer"),
            crs=crs_name(crs),
        )
    return reference


def _is_placed(reference: osr.SpatialReference) -> bool:
    if not (reference.IsProjected() or reference.IsGeographic()) or reference.IsDerivedGeographic():
        return False
    return not reference.GetName().startswith("Undefined ")


@lru_cache(maxsize=256)
@gdal_raises()
def crs_name(crs: str) -> str:
    """What people call a CRS: its name with the authority's code where it has one."""
    try:
        reference = spatial_reference(crs)
    except InputError:
        return _short(crs)
    name, code = reference.GetName(), reference.GetAuthorityCode(None)
    return f"{name} ({reference.GetAuthorityName(None)}:{code})" if code else str(name)


def _short(crs: str) -> str:
    return crs if len(crs) <= 60 else f"{crs[:59]}…"


@lru_cache(maxsize=256)
@gdal_raises()
def quarter_turn(crs: str) -> float | None:
    """90 where a CRS counts longitude and latitude in degrees; 0 for a projection; None where that can't be told."""
    try:
        reference = placed_reference(crs)
    except InputError:
        return None
    return math.pi / 2 / float(reference.GetAngularUnits()) if reference.IsGeographic() else 0.0


def check_coordinates(crs: str, bounds: Bounds, name: PathLike = "", pixel: tuple[float, float] | None = None) -> None:
    """InputError where coordinates (x_min, y_min, x_max, y_max) and pixels can't be of the CRS that is declared.

    Degrees end at the poles; pixels of less than a hundredth of a projection's unit are degrees.
    """
    quarter = quarter_turn(crs) if crs else None
    if quarter is None:
        return
    x_min, y_min, x_max, y_max = bounds
    turn = 4 * (quarter or 90)
    beyond = 0.01 if pixel is None else pixel[1]
    looks_like_degrees = max(-y_min, y_max) <= turn / 4 + beyond and max(-x_min, x_max) <= 1.5 * turn
    name = name or Message("The layer")
    if quarter and not looks_like_degrees:
        raise InputError(
            "{name} declares a CRS in degrees, {crs}, but its coordinates are {x:.0f}, {y:.0f}: probably metres. Set "
            "the right CRS.",
            name=name,
            crs=crs_name(crs),
            x=x_min,
            y=y_max,
        )
    smallest = _PIXEL_AT_DEGREES if looks_like_degrees else _PIXEL
    if not quarter and pixel is not None and max(pixel) < smallest:
        raise InputError(
            "{name} declares a projected CRS, {crs}, but its pixels are only {size:g} wide: probably degrees. Set the "
            "right CRS.",
            name=name,
            crs=crs_name(crs),
            size=pixel[0],
        )


@gdal_raises()
def check_geometry(geometry: ogr.Geometry, crs: str, name: PathLike = "") -> None:
    """InputError where coordinates of a geometry are no numbers, or can't be of the CRS that is declared."""
    if geometry.IsEmpty():
        return
    x_min, x_max, y_min, y_max = geometry.GetEnvelope()
    # Neither the envelope nor the area alone shows all points that are NaN or infinite.
    size = geometry.Length() if geometry.GetDimension() == 1 else geometry.GetArea()
    if not all(map(math.isfinite, (x_min, x_max, y_min, y_max, size))):
        raise InputError(
            "{name} holds a shape with coordinates that are no numbers (NaN or infinite). Delete it, or draw it again.",
            name=name or Message("The layer"),
        )
    check_coordinates(crs, (x_min, y_min, x_max, y_max), name)


@gdal_raises()
def same_crs(first: str, second: str) -> bool:
    """True when two CRS texts mean the same, whatever their form; unknown equals only unknown."""
    if first == second:
        return True
    if not first or not second:
        return False
    return bool(spatial_reference(first).IsSame(spatial_reference(second)))


class Transformation:
    """From one CRS to another, x or longitude first in both.

    ``name`` is the file or layer whose coordinates are transformed, for messages. InputError where one of the two CRS
    has no place on Earth or no way leads from one to the other. Holds PROJ objects: one thread at a time.
    """

    @gdal_raises()
    def __init__(self, source: str, target: str, name: PathLike = "") -> None:
        self._source, self._target, self._name = source, target, name
        self._steps = placed_reference(source, name), placed_reference(target)
        try:
            with quiet_gdal():
                self._way = osr.CoordinateTransformation(*self._steps)
        except RuntimeError:
            raise self._error() from None

    def _error(self) -> InputError:
        return InputError(
            "{name} can't be transformed from {source} to {target}. Check that its coordinates and its coordinate "
            "reference system are right.",
            name=self._name or Message("The layer"),
            source=crs_name(self._source),
            target=crs_name(self._target),
        )

    @gdal_raises()
    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point in the target's CRS. InputError where it has no place there."""
        try:
            with quiet_gdal():
                there = self._way.TransformPoint(float(x), float(y))
        except RuntimeError:
            there = (math.inf, math.inf)
        if not (math.isfinite(there[0]) and math.isfinite(there[1])):
            raise self._error()
        return there[0], there[1]

    @gdal_raises()
    def points(self, points: Double | Sequence[tuple[float, float]]) -> Double:
        """Points (n, 2) in the target's CRS, infinite where they have no place there."""
        given = np.asarray(points, np.float64).reshape(-1, 2).tolist()
        try:
            with quiet_gdal():
                there = self._way.TransformPoints(given)
        except RuntimeError:
            there = [self._point_or_infinite(point) for point in given]
        found = np.array([point[:2] for point in there], np.float64).reshape(-1, 2)
        found[~np.isfinite(found).all(axis=1)] = np.inf
        return found

    def finite_points(self, points: Double | Sequence[tuple[float, float]]) -> Double:
        """points(); InputError where one has no place in the target's CRS."""
        there = self.points(points)
        if not np.isfinite(there).all():
            raise self._error()
        return there

    def _point_or_infinite(self, point: list[float]) -> tuple[float, float]:
        try:
            return self.point(*point)
        except InputError:
            return math.inf, math.inf

    @gdal_raises()
    def bounds(self, bounds: Bounds, points: int = 21) -> Bounds:
        """The box in the target's CRS that holds a box (x_min, y_min, x_max, y_max). InputError where none does.

        Its sides are followed with so many points each. A box of degrees across 180° ends left of where it begins.
        """
        try:
            with quiet_gdal():
                there = self._way.TransformBounds(*map(float, bounds), points)
        except RuntimeError:
            raise self._error() from None
        if not all(map(math.isfinite, there)):
            raise self._error()
        x_min, y_min, x_max, y_max = there
        return x_min, y_min, x_max, y_max

    @gdal_raises()
    def apply(self, geometry: ogr.Geometry) -> None:
        """Transform a geometry in place. InputError where a part of it has no place there."""
        check_geometry(geometry, self._source, self._name)
        if geometry.IsEmpty():
            return
        try:
            with quiet_gdal():
                geometry.Transform(self._way)
        except RuntimeError:
            raise self._error() from None
        if not all(map(math.isfinite, geometry.GetEnvelope())):
            raise self._error()


def utm_zone(longitude: float, latitude: float) -> str:
    """The code of the WGS 84 UTM zone of a place, "EPSG:32648" for example, with Norway's and Svalbard's exceptions.

    Beyond 84° N and 80° S the polar stereographic CRS that stand beside UTM. Longitudes may lie beyond ±180°.
    """
    if latitude > 84:
        return "EPSG:32661"
    if latitude < -80:
        return "EPSG:32761"
    if not -180 <= longitude <= 180:
        longitude = (longitude + 180) % 360 - 180
    zone = int((longitude + 180) // 6) % 60 + 1
    if 56 <= latitude < 64 and 3 <= longitude < 12:
        zone = 32
    elif latitude >= 72 and 0 <= longitude < 42:
        zone = 31 if longitude < 9 else 33 if longitude < 21 else 35 if longitude < 33 else 37
    return f"EPSG:{(32700 if latitude < 0 else 32600) + zone}"


@gdal_raises()
def north_in_grid(crs: str, longitude: float, latitude: float) -> float:
    """Degrees from the columns of a grid in that CRS to true north, clockwise, at a place in degrees (WGS 84)."""
    step = 0.01 if latitude < 89 else -0.01
    here, there = Transformation(DEGREES, crs).points([(longitude, latitude), (longitude, latitude + step)])
    if not np.isfinite([here, there]).all():
        raise InputError(
            "{crs} has no place for longitude {longitude:.3f}°, latitude {latitude:.3f}°. Choose coordinates that are "
            "made for this place.",
            crs=crs_name(crs),
            longitude=longitude,
            latitude=latitude,
        )
    return math.degrees(math.atan2((there[0] - here[0]) / step, (there[1] - here[1]) / step))
