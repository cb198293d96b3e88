"""The angle between a grid's columns and true north, against the formulas of textbooks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ada_mapper.core.raster import Grid, Transformation, TrueNorth, Window, utm_zone

PIXEL = 100.0


def grid_around(crs: str, longitude: float, latitude: float, side: int = 401) -> Grid:
    x, y = Transformation("EPSG:4326", crs).point(longitude, latitude)
    half = side / 2 * PIXEL
    return Grid(crs, (x - half, PIXEL, 0.0, y + half, 0.0, -PIXEL), side, side)


def angle_at(crs: str, longitude: float, latitude: float) -> float:
    grid = grid_around(crs, longitude, latitude)
    return TrueNorth(grid).angle(Window(0, 0, grid.width, grid.height))


@pytest.mark.parametrize(("longitude", "latitude"), [(11.9, 60.0), (6.1, 47.0), (11.9, -40.0), (9.0, 30.0)])
def test_a_utm_zone(longitude, latitude):
    """tan γ = tan Δλ sin φ, with Δλ from the central meridian 9° E."""
    gamma = math.atan(math.tan(math.radians(longitude - 9)) * math.sin(math.radians(latitude)))
    assert angle_at(utm_zone(longitude, latitude), longitude, latitude) == pytest.approx(-math.degrees(gamma), abs=2e-3)


@pytest.mark.parametrize("longitude", [-170.0, -45.0, -30.0, 16.0, 100.0, 130.0])
def test_polar_stereographic_of_the_north(longitude):
    """Meridians are straight lines to the pole: γ is the longitude from the central meridian, -45° and 0°."""
    for crs, central in (("EPSG:3413", -45.0), ("EPSG:3995", 0.0)):
        expected = (central - longitude + 180) % 360 - 180
        difference = angle_at(crs, longitude, 72.0) - expected
        assert (difference + 180) % 360 - 180 == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize("longitude", [-150.0, -60.0, 0.0, 77.0, 170.0])
def test_polar_stereographic_of_the_south(longitude):
    """North leads away from the pole, which lies in the middle with 0° above it."""
    assert angle_at("EPSG:3031", longitude, -75.0) == pytest.approx(longitude, abs=2e-3)


def test_degrees_are_left_as_they_are():
    grid = Grid("EPSG:4326", (10.0, 0.01, 0.0, 46.0, 0.0, -0.01), 20, 10)
    right, up = np.random.default_rng(1).normal(size=(2, 10, 20)).astype(np.float32)
    east, north = TrueNorth(grid).over(Window(0, 0, 20, 10)).turned(right, up)
    assert east is right and north is up


def directions(grid: Grid, window: Window) -> np.ndarray:
    """Azimuth of the columns at each pixel, by turning a gradient that leads up the columns."""
    up = np.ones((window.height, window.width), np.float32)
    east, north = TrueNorth(grid).over(window).turned(np.zeros_like(up), up)
    return np.degrees(np.arctan2(east, north))


@pytest.mark.parametrize(("crs", "latitude"), [("EPSG:3995", 75.0), ("EPSG:3995", 89.0), ("EPSG:32633", 60.0)])
def test_between_the_places_where_it_is_computed_it_is_interpolated(crs, latitude):
    """Over 40 km, at every twentieth pixel, against the formula at that pixel's own longitude and latitude."""
    grid = grid_around(crs, 17.0, latitude)
    found = directions(grid, Window(0, 0, grid.width, grid.height))[::20, ::20]
    x, _, _, y, _, _ = grid.transform
    columns, rows = np.meshgrid(np.arange(0, 401, 20) + 0.5, np.arange(0, 401, 20) + 0.5)
    places = Transformation(crs, "EPSG:4326").points(
        np.stack([x + columns * PIXEL, y - rows * PIXEL], -1).reshape(-1, 2)
    )
    longitude, phi = np.radians(places.T).reshape(2, *columns.shape)
    # The columns lie γ right of true north.
    gamma = longitude if crs == "EPSG:3995" else np.arctan(np.tan(longitude - np.radians(15)) * np.sin(phi))
    difference = (found - np.degrees(gamma) + 180) % 360 - 180
    np.testing.assert_allclose(difference, 0, atol=0.01)


def test_a_pixel_has_one_direction_in_whatever_window_it_is():
    grid = grid_around("EPSG:3413", 16.0, 78.5)
    whole = directions(grid, Window(0, 0, grid.width, grid.height))
    for window in (Window(0, 137, 401, 50), Window(201, 199, 3, 1), Window(150, 0, 64, 401)):
        part = whole[window.row : window.row + window.height, window.column : window.column + window.width]
        np.testing.assert_array_equal(directions(grid, window), part)


def test_the_pole_itself_spoils_nothing_around_it():
    """The grid has the pole in its middle: 200 pixels away the directions are right again."""
    grid = Grid("EPSG:3995", (-30_000.0, PIXEL, 0.0, 30_000.0, 0.0, -PIXEL), 600, 600)
    found = directions(grid, Window(0, 0, 600, 600))
    assert np.isfinite(found).all()
    offset = (np.arange(600) - 299.5) * PIXEL
    x, y = np.meshgrid(offset, -offset)
    far = np.hypot(x, y) > 200 * PIXEL
    # A place at longitude λ lies in direction (sin λ, -cos λ) from the pole.
    difference = (found - np.degrees(np.arctan2(x, -y)) + 180) % 360 - 180
    assert np.abs(difference[far]).max() < 0.05


def test_places_outside_the_projection_are_no_directions_but_stop_nothing():
    """An azimuthal view of half of the Earth shows nothing in the corners."""
    crs = "+proj=ortho +lat_0=45 +lon_0=10 +datum=WGS84 +units=m"
    grid = Grid(crs, (-7e6, 1e5, 0.0, 7e6, 0.0, -1e5), 140, 140)
    found = directions(grid, Window(0, 0, 140, 140))
    assert np.isfinite(found).all() and abs(found[70, 70]) < 1
