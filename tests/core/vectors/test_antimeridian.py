"""Outlines across 180°: their area, inner point, pixels and meetings are those of the same outline elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import ogr

from ada_mapper.core.accuracy.ground import grid_around
from ada_mapper.core.raster import EQUAL_AREA_CRS, Grid, Window
from ada_mapper.core.vectors import Burner, GroundMeasures, Outlines


def _box(west: float, east: float, south: float = -17.0, north: float = -16.9) -> ogr.Geometry:
    ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
    return ogr.CreateGeometryFromWkt(f"POLYGON (({ring}))")


def _outlines(*boxes: ogr.Geometry) -> Outlines:
    return Outlines(tuple(bytes(box.ExportToWkb()) for box in boxes), "EPSG:4326")


def _in_utm(box: ogr.Geometry, zone: str) -> Outlines:
    (there,) = _outlines(box).geometries(zone)
    return Outlines((bytes(there.ExportToWkb()),), zone)


@pytest.mark.parametrize("shift", [0, -360])
def test_area_and_inner_point(shift: int) -> None:
    elsewhere = GroundMeasures("EPSG:4326").area(_box(99.95, 100.05))
    across = _box(179.95 + shift, 180.05 + shift)
    ground = GroundMeasures("EPSG:4326")
    assert ground.area(across) == pytest.approx(elsewhere, rel=1e-9)
    longitude, latitude = ground.inner_point(across)
    assert abs(abs(longitude) - 180) < 1e-9 and latitude == pytest.approx(-16.95)


@pytest.mark.parametrize("zone", ["EPSG:32701", "EPSG:32760"])
def test_area_of_outlines_in_utm(zone: str) -> None:
    outlines = _in_utm(_box(179.95, 180.05), zone)
    (geometry,) = outlines.geometries(zone)
    expected = GroundMeasures("EPSG:4326").area(_box(99.95, 100.05))
    assert GroundMeasures(zone).area(geometry) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("outlines", [_outlines(_box(179.95, 180.05)), _outlines(_box(-180.05, -179.95)),
                                      _in_utm(_box(179.95, 180.05), "EPSG:32701")])  # fmt: skip
def test_two_halves_in_degrees_and_in_equal_area(outlines: Outlines) -> None:
    (degrees,) = outlines.geometries("EPSG:4326")
    assert degrees.GetEnvelope()[:2] == (-180, 180) and degrees.GetGeometryCount() == 2
    assert degrees.GetArea() == pytest.approx(0.01, rel=1e-3)
    (equal,) = outlines.geometries(EQUAL_AREA_CRS)
    for beside in (_box(-179.99, -179.98, -16.96, -16.95), _box(179.98, 179.99, -16.96, -16.95)):
        assert equal.Contains(_outlines(beside).geometries(EQUAL_AREA_CRS)[0])
    assert not equal.Intersects(_outlines(_box(10, 11)).geometries(EQUAL_AREA_CRS)[0])


@pytest.mark.parametrize("west", [179.9, -180.1])
@pytest.mark.parametrize("outlines", [_outlines(_box(179.95, 180.05)), _outlines(_box(-180.05, -179.95)),
                                      _outlines(_box(179.95, 180), _box(-180, -179.95)),
                                      _in_utm(_box(179.95, 180.05), "EPSG:32760")])  # fmt: skip
def test_pixels_of_a_grid_in_degrees(west: float, outlines: Outlines) -> None:
    grid = Grid("EPSG:4326", (west, 0.01, 0, -16.85, 0, -0.01), 20, 20)
    expected = np.zeros((20, 20), bool)
    expected[5:15, 5:15] = True
    np.testing.assert_array_equal(Burner(outlines, grid).mask(Window(0, 0, 20, 20)), expected)


def test_a_district_around_the_earth_stays_whole() -> None:
    (whole,) = _outlines(_box(-179, 179, -60, 70)).geometries("EPSG:4326")
    assert whole.GetArea() == pytest.approx(358 * 130)


def test_the_grid_around_outlines_on_both_sides_is_small() -> None:
    grid = grid_around([_outlines(_box(179.95, 180.05)), _outlines(_box(-179.9, -179.85))])
    assert grid is not None and grid.width * grid.pixel_size < 25_000
