"""UTM zones and true north in them, by the zones' own meridians and by the textbook; CRSs that can't be right."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import ogr

from ada_mapper.core.errors import InputError
from ada_mapper.core.raster import Transformation, north_in_grid, spatial_reference, utm_zone


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ((104, 34), 32648),
        ((11.4, 47.3), 32632),
        ((-70, -33), 32719),
        ((5.3, 60.4), 32632),  # Bergen
        ((2.9, 60.4), 32631),
        ((15.6, 78.2), 32633),  # Longyearbyen
        ((20.9, 78.2), 32633),
        ((21.1, 78.2), 32635),
        ((180, 10), 32601),
        ((0, 85), 32661),
        ((0, -85), 32761),
    ],
)
def test_utm_zones_with_their_exceptions(place: tuple[float, float], code: int) -> None:
    assert utm_zone(*place) == f"EPSG:{code}"


@given(st.floats(-180, 179.999), st.floats(-80, 55.9))
def test_the_central_meridian_is_at_most_three_degrees_away(longitude: float, latitude: float) -> None:
    zone = spatial_reference(utm_zone(longitude, latitude))
    assert abs(zone.GetProjParm("central_meridian") - longitude) <= 3 + 1e-9
    assert (zone.GetProjParm("false_northing") > 0) is (latitude < 0)


@pytest.mark.parametrize(("longitude", "latitude"), [(11.9, 60.0), (6.1, 47.0), (11.9, -40.0), (9.0, 30.0)])
def test_true_north_in_a_utm_zone_is_that_of_the_textbook(longitude: float, latitude: float) -> None:
    # tan γ = tan Δλ sin φ, with Δλ from the central meridian 9° E; grid north lies γ right of true north.
    angle = math.tan(math.radians(longitude - 9)) * math.sin(math.radians(latitude))
    expected = -math.degrees(math.atan(angle))
    assert north_in_grid(utm_zone(longitude, latitude), longitude, latitude) == pytest.approx(expected, abs=2e-3)


def test_degrees_have_their_north_along_the_columns() -> None:
    assert north_in_grid("EPSG:4326", 11, 47) == pytest.approx(0, abs=1e-9)


LOCAL = 'LOCAL_CS["mine grid",UNIT["metre",1]]'
UNDEFINED = (
    'GEOGCS["Undefined geographic SRS",DATUM["unknown",SPHEROID["unknown",6378137,298.257223563]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]'
)


def _polygon(x: float, y: float, side: float) -> ogr.Geometry:
    ring = f"{x} {y}, {x + side} {y}, {x + side} {y + side}, {x} {y + side}, {x} {y}"
    return ogr.CreateGeometryFromWkt(f"POLYGON (({ring}))")


@pytest.mark.parametrize("crs", [LOCAL, UNDEFINED, "EPSG:5703", "EPSG:4978"])
def test_a_crs_without_a_place_on_earth_is_refused_both_ways(crs: str) -> None:
    sentence = r"lidar\.tif has the coordinate reference system .*, which doesn't say where on Earth it lies\. Set the"
    with pytest.raises(InputError, match=sentence):
        Transformation(crs, "EPSG:4326", "lidar.tif")
    with pytest.raises(InputError, match="doesn't say where on Earth"):
        Transformation("EPSG:4326", crs)


@pytest.mark.parametrize("crs", ["EPSG:999999", "nonsense", 'PROJCS["x",GEOGCS['])
def test_a_crs_that_is_not_known_is_told(crs: str) -> None:
    with pytest.raises(InputError, match=r"^dem\.tif has a coordinate reference system that isn't known here \("):
        spatial_reference(crs, "dem.tif")
    with pytest.raises(InputError, match=r"^dem\.tif has no coordinate reference system"):
        spatial_reference("", "dem.tif")


def test_no_way_leads_from_the_moon() -> None:
    moon = 'GEOGCS["Moon",DATUM["Moon",SPHEROID["Moon",1737400,0]],PRIMEM["Reference",0],UNIT["degree",0.01745329252]]'
    with pytest.raises(InputError, match=r"crater\.shp can't be transformed from Moon to WGS 84 \(EPSG:4326\)\. Check"):
        Transformation(moon, "EPSG:4326", "crater.shp")


def test_compound_and_three_dimensional_crs_are_placed_by_their_plane() -> None:
    plain = Transformation("EPSG:32645", "EPSG:4326").point(500000.0, 3100000.0)
    for crs in ("EPSG:32645+5773", "EPSG:32645+3855"):
        assert Transformation(crs, "EPSG:4326").point(500000.0, 3100000.0) == pytest.approx(plain, abs=1e-9)
    assert Transformation("EPSG:4979", "EPSG:4326").point(85.0, 28.0) == (85.0, 28.0)


def test_the_order_of_the_axes_is_x_first_whatever_the_authority_says() -> None:
    east = 'GEOGCRS["WGS 84",DATUM["World Geodetic System 1984",ELLIPSOID["WGS 84",6378137,298.257223563]],CS[ellipsoidal,2],AXIS["latitude",north,ORDER[1]],AXIS["longitude",east,ORDER[2]],ANGLEUNIT["degree",0.0174532925199433]]'  # noqa: E501
    there = Transformation(east, "EPSG:32645").point(87.0, 28.0)
    assert there == pytest.approx((500000.0, 3097166.0), abs=50)  # on the zone's meridian


@pytest.mark.parametrize(
    "geometry", [_polygon(500000, 3100000, 100), _polygon(85, 91, 1), _polygon(700, 10, 1), _polygon(85, -120, 1)]
)
def test_metres_that_are_declared_as_degrees_are_told(geometry: ogr.Geometry) -> None:
    sentence = (
        r"slides\.shp declares a CRS in degrees, WGS 84 \(EPSG:4326\), but its coordinates are .*: probably metres"
    )
    with pytest.raises(InputError, match=sentence):
        Transformation("EPSG:4326", "EPSG:32645", "slides.shp").apply(geometry)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_coordinates_that_are_no_numbers_are_told(number: float, index: int) -> None:
    points = [(85.0, 28.0), (85.1, 28.0), (85.1, 28.1), (85.0, 28.0)]
    points[index] = (number, 28.0)
    points[3] = points[0]
    polygon = struct.pack("<BIII", 1, 3, 1, 4) + b"".join(struct.pack("<dd", *point) for point in points)
    line = struct.pack("<BII", 1, 2, 4) + b"".join(struct.pack("<dd", *point) for point in points)
    point = struct.pack("<BIdd", 1, 1, 85.0, number)
    for wkb in (polygon, line, point):
        with pytest.raises(InputError, match=r"known\.gpkg holds a shape with coordinates that are no numbers"):
            Transformation("EPSG:4326", "EPSG:32645", "known.gpkg").apply(ogr.CreateGeometryFromWkb(wkb))


def test_a_shape_outside_a_projection_names_both_crs() -> None:
    with pytest.raises(
        InputError, match=r"far\.gpkg can't be transformed from WGS 84 \(EPSG:4326\) to WGS 84 / UTM zone 45N"
    ):
        Transformation("EPSG:4326", "EPSG:32645", "far.gpkg").apply(_polygon(-4, -1, 2))


def test_points_without_a_place_are_infinite_and_do_not_spoil_the_others() -> None:
    way = Transformation("EPSG:4326", "EPSG:32645")
    found = way.points([(87.0, 28.0), (math.nan, 1.0), (87.0, 91.0), (87.0, 28.0)])
    assert np.isfinite(found).all(axis=1).tolist() == [True, False, False, True]
    assert found[0].tolist() == found[3].tolist() == list(way.point(87.0, 28.0))
    assert way.points([]).shape == (0, 2)
    with pytest.raises(InputError, match="can't be transformed"):
        way.point(87.0, 91.0)


@pytest.mark.parametrize(("longitude", "zone"), [(181, 1), (-181, 60), (365, 31), (544, 1)])
def test_zones_beyond_180_degrees(longitude: float, zone: int) -> None:
    assert utm_zone(longitude, 10) == f"EPSG:{32600 + zone}"
    if zone == 31:
        assert utm_zone(longitude, 60) == "EPSG:32632"
