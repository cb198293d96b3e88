"""Aspect and sensitivity from true north in grids whose columns point elsewhere.

The terrain is made from longitude and latitude, so that it falls to the true north, or to the true east, at every pixel
whatever the grid. What must come out is known without any angle of the grid.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr

from ada_mapper.core.areas import AreaRules, extract_areas
from ada_mapper.core.evidence import area_profile
from ada_mapper.core.raster import Band
from ada_mapper.core.satellite import Viewing
from ada_mapper.core.terrain import los_sensitivity_to_file, slope_to_file

SIDE, PIXEL = 90, 100.0
STEEPNESS = 0.3
# EPSG code, longitude, latitude; how far the columns point from true north there, in degrees.
PLACES = {
    "UTM, edge": (32633, 17.98, 60.0, 2.6),
    "UTM, beyond its zone": (32633, 24.0, 70.0, 8.5),
    "Greenland": (3413, -30.0, 72.0, 15.0),
    "Svalbard in NSIDC's grid": (3413, 16.0, 78.5, 61.0),
    "Arctic": (3995, 100.0, 70.0, 100.0),
    "near the pole": (3995, 160.0, 89.5, 160.0),
    "Antarctica": (3031, -60.0, -70.0, 60.0),
    "Antarctica, other side": (3031, 170.0, -80.0, 170.0),
    "Europe, equal area": (3035, 30.0, 62.0, 16.4),
    "degrees": (4326, 10.0, 46.0, 0.0),
}


def reference(code: int) -> osr.SpatialReference:
    found = osr.SpatialReference()
    found.ImportFromEPSG(code)
    found.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return found


def terrain(path: Path, place: str, falls: str, south_up: bool = False) -> Path:
    """A DEM of 90 × 90 pixels around a place whose ground falls to the true north or east."""
    code, longitude, latitude, _ = PLACES[place]
    x, y, _ = osr.CoordinateTransformation(reference(4326), reference(code)).TransformPoint(longitude, latitude)
    pixel = PIXEL / 100_000 if code == 4326 else PIXEL
    left, top = x - SIDE / 2 * pixel, y + SIDE / 2 * pixel
    columns, rows = np.meshgrid(left + (np.arange(SIDE) + 0.5) * pixel, top - (np.arange(SIDE) + 0.5) * pixel)
    back = osr.CoordinateTransformation(reference(code), reference(4326))
    points = np.array(back.TransformPoints(np.stack([columns.ravel(), rows.ravel()], axis=1).tolist()))
    longitudes, latitudes = points[:, 0].reshape(SIDE, SIDE), points[:, 1].reshape(SIDE, SIDE)
    degree = 111_000 * (np.cos(np.radians(latitude)) if falls == "east" else 1.0)
    moved = (longitudes - longitude + 180) % 360 - 180 if falls == "east" else latitudes - latitude
    heights = 4000 - STEEPNESS * degree * moved
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), SIDE, SIDE, 1, gdal.GDT_Float32)
    dataset.SetProjection(reference(code).ExportToWkt())
    if south_up:
        dataset.SetGeoTransform((left, pixel, 0, top - SIDE * pixel, 0, pixel))
        heights = heights[::-1]
    else:
        dataset.SetGeoTransform((left, pixel, 0, top, 0, -pixel))
    dataset.GetRasterBand(1).WriteArray(heights.astype(np.float32))
    dataset = None
    return path


def read(path: Path) -> np.ndarray:
    return gdal.Open(str(path)).ReadAsArray()[5:-5, 5:-5]


def apart(angles: np.ndarray | float, other: float) -> float:
    """The largest difference of directions in degrees."""
    return float(np.abs((np.asarray(angles, np.float64) - other + 180) % 360 - 180).max())


@pytest.mark.parametrize("south_up", [False, True])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("falls", "direction"), [("north", 0.0), ("east", 90.0)])
def test_the_aspect_of_a_raster_is_measured_from_true_north(tmp_path, place, falls, direction, south_up):
    dem = terrain(tmp_path / "dem.tif", place, falls, south_up)
    slope_to_file(dem, tmp_path / "slope.tif", tmp_path / "aspect.tif")
    # Steps of float32 heights over pixels of 100 m; where a parallel bends within a pixel, its chord counts.
    assert apart(read(tmp_path / "aspect.tif"), direction) < 0.3


@pytest.mark.parametrize("place", PLACES)
def test_the_columns_point_elsewhere_in_these_grids(tmp_path, place):
    """Without true north the aspect would be off by the convergence, so the test above can fail."""
    dem = terrain(tmp_path / "dem.tif", place, "north")
    gdal.DEMProcessing(str(tmp_path / "theirs.tif"), str(dem), "aspect", computeEdges=True)
    middle = read(tmp_path / "theirs.tif")[40, 40]
    assert apart(middle, 0.0) == pytest.approx(PLACES[place][3], abs=0.6)


@pytest.mark.parametrize("place", PLACES)
def test_the_aspect_of_an_area_is_measured_from_true_north(tmp_path, place):
    dem = terrain(tmp_path / "dem.tif", place, "east")
    probability = tmp_path / "probability.tif"
    source = gdal.Open(str(dem))
    target = gdal.GetDriverByName("GTiff").CreateCopy(str(probability), source)
    target.GetRasterBand(1).WriteArray(np.pad(np.ones((30, 30), np.float32), 30))
    source = target = None
    rules = AreaRules(threshold=0.5, low_threshold=0.5, min_area=0.0)
    (area,) = extract_areas(Band(str(probability)), rules, dem=dem)
    assert apart(area.attributes["aspect"], 90.0) < 0.3
    # The profile runs down the slope by the DEM, and by the aspect alone in the same direction.
    crs = reference(PLACES[place][0]).ExportToWkt()
    for given in ({"dem": dem}, {"los_rate": None, "dem": dem, "aspect": area.attributes["aspect"]}):
        profile = area_profile(area.geometry, crs, **given)
        assert apart(profile.azimuth, 90.0) < 0.5


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("side", ["right", "left"])
def test_the_sensitivity_is_that_of_the_true_directions(tmp_path, place, side):
    """Down a slope to the east, motion is (cos s, 0, -sin s), and the satellite stands where its heading says."""
    dem = terrain(tmp_path / "dem.tif", place, "east")
    los_sensitivity_to_file(dem, tmp_path / "share.tif", Viewing(348, 38, side))
    slope_to_file(dem, tmp_path / "slope.tif")
    slope = np.radians(read(tmp_path / "slope.tif"))
    azimuth = np.radians(348 - 90 if side == "right" else 348 + 90)
    incidence = np.radians(38)
    expected = np.cos(slope) * np.sin(incidence) * np.sin(azimuth) - np.sin(slope) * np.cos(incidence)
    np.testing.assert_allclose(read(tmp_path / "share.tif"), expected, atol=0.006)
