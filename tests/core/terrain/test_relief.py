"""Grey relief and contour lines of an elevation model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from osgeo import ogr

from ada_mapper.core.raster import BandDescription, Grid, write_array
from ada_mapper.core.terrain import hillshade, light_hillshade, prepare_relief
from ada_mapper.core.terrain.relief import contour_interval


def test_contour_lines_of_a_plane_lie_where_they_should(tmp_path):
    columns = np.arange(120, dtype=np.float32)
    heights = np.broadcast_to(1000 + 3 * columns, (100, 120)).astype(np.float32)  # 3 m a pixel of 10 m
    grid = Grid("EPSG:32632", (500_000.0, 10.0, 0.0, 5_001_000.0, 0.0, -10.0), 120, 100)
    write_array(tmp_path / "dem.tif", grid, heights, BandDescription("dem", "m"))
    relief = prepare_relief(
        tmp_path / "dem.tif", "EPSG:32632", (500_100, 5_000_100, 501_000, 5_000_900), 10_000, tmp_path, "sheet"
    )
    assert relief is not None and relief.interval == 5 and relief.grey is not None
    source = ogr.Open(str(relief.contours))
    lines = [(line["elevation"], line.GetGeometryRef().GetEnvelope()) for line in source.GetLayer()]
    for elevation, (left, right, _, _) in lines:
        assert (left, right) == pytest.approx((500_005 + (elevation - 1000) / 0.3,) * 2, abs=1.5)
    assert len(lines) > 40


def test_level_ground_has_no_contour_lines_and_ground_without_data_no_relief(tmp_path):
    assert contour_interval(np.full((9, 9), 5, np.float32), 10, 5000) == 0
    grid = Grid("EPSG:32632", (500_000.0, 10.0, 0.0, 5_001_000.0, 0.0, -10.0), 50, 50)
    write_array(tmp_path / "dem.tif", grid, np.full((50, 50), np.nan, np.float32), BandDescription("dem", "m"))
    ground = (500_100.0, 5_000_600.0, 500_300.0, 5_000_800.0)
    assert prepare_relief(tmp_path / "dem.tif", "EPSG:32632", ground, 5000, tmp_path, "sheet") is None


@pytest.mark.parametrize("pixel", [(10.0, 10.0), (20.0, 35.0)])
@pytest.mark.parametrize("rise", [(0.0, 0.0), (0.4, 0.0), (0.0, -0.3), (-0.5, 0.5)])
@pytest.mark.parametrize("exaggeration", [1.0, 1.3])
def test_planes_are_as_light_as_their_angle_to_the_light_says(pixel, rise, exaggeration):
    """Light from the north-west, 45° high; pixels need not be square."""
    rows, columns = np.mgrid[:12, :15]
    heights = 500 + rise[0] * pixel[0] * columns - rise[1] * pixel[1] * rows
    normal = np.array([-exaggeration * rise[0], -exaggeration * rise[1], 1.0])
    light = np.array([-0.5, 0.5, math.sqrt(0.5)])
    expected = 1 + 254 * max(0.0, float(normal @ light) / float(np.linalg.norm(normal)))
    # GDAL knows too little of the ground around the four corners.
    assert hillshade(heights, pixel, exaggeration)[1:-1] == pytest.approx(expected, abs=1)


def test_unknown_heights_are_told_and_leave_their_neighbours():
    heights = np.tile(np.arange(20.0), (15, 1))
    heights[4:7, 5:9] = np.nan
    for is_multidirectional in (False, True):
        shades = hillshade(heights, (5.0, 5.0), is_multidirectional=is_multidirectional)
        assert np.array_equal(shades == 0, np.isnan(heights))
    assert not hillshade(np.full((4, 4), np.nan), (5.0, 5.0)).any()
    assert hillshade(np.zeros((1, 6)), (5.0, 5.0)).tolist() == [[181] * 6]


def test_reports_have_light_greys_and_those_of_level_ground_where_nothing_is_known():
    heights = np.random.default_rng(0).normal(0, 500, (30, 30))
    heights[:5] = np.nan
    for crs, size in (("EPSG:32632", 30.0), ("EPSG:4326", 1 / 3600)):
        grid = Grid(crs, (10.0, size, 0.0, 45.0, 0.0, -size), 30, 30)
        shades = light_hillshade(heights, grid)
        assert shades.min() >= 190 and (shades[:5] == 236).all() and len(np.unique(shades)) > 20


def test_the_same_slope_is_as_light_in_degrees_as_in_metres():
    """At 60° north a degree of longitude is half as long as one of latitude."""
    rows, columns = np.mgrid[:40, :40]
    degrees = Grid("EPSG:4326", (10.0, 2 / 3600, 0.0, 60.01, 0.0, -1 / 3600), 40, 40)
    metres = Grid("EPSG:32632", (500_000.0, 31.0, 0.0, 6_650_000.0, 0.0, -31.0), 40, 40)
    for heights in (12.0 * columns, 12.0 * rows):
        shades = [light_hillshade(heights, grid).astype(float) for grid in (degrees, metres)]
        assert shades[0][1:-1] == pytest.approx(shades[1][1:-1], abs=1)
