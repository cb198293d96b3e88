"""UTM zones and true north in them, by the zones' own meridians and by the textbook."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.raster import north_in_grid, spatial_reference, utm_zone


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
