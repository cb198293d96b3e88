"""Coordinate reference systems as texts: what they mean, whether two are the same, the UTM zone of a place,
true north in a grid."""

from __future__ import annotations

import math

from osgeo import osr

from ..gdal_errors import gdal_raises

EQUAL_AREA_CRS = "EPSG:6933"


@gdal_raises()
def spatial_reference(crs: str) -> osr.SpatialReference:
    """The CRS as an OSR object with x/longitude first."""
    reference = osr.SpatialReference()
    reference.SetFromUserInput(crs)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


@gdal_raises()
def same_crs(first: str, second: str) -> bool:
    """True when two CRS texts mean the same, whatever their form; unknown equals only unknown."""
    if first == second:
        return True
    if not first or not second:
        return False
    return bool(spatial_reference(first).IsSame(spatial_reference(second)))


def utm_zone(longitude: float, latitude: float) -> str:
    """The code of the WGS 84 UTM zone of a place, "EPSG:32648" for example, with Norway's and Svalbard's exceptions.

    Beyond 84° N and 80° S the polar stereographic CRS that stand beside UTM.
    """
    if latitude > 84:
        return "EPSG:32661"
    if latitude < -80:
        return "EPSG:32761"
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
    to_grid = osr.CoordinateTransformation(spatial_reference("EPSG:4326"), spatial_reference(crs))
    here, there = to_grid.TransformPoints([(longitude, latitude), (longitude, latitude + step)])
    return math.degrees(math.atan2((there[0] - here[0]) / step, (there[1] - here[1]) / step))
