"""Longitudes on both sides of 180°, and rasters whose rows run north: each pixel by a formula of its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr

from ada_mapper.core.gdal_errors import gdal_raises
from ada_mapper.core.raster import BandReader, Grid, Window, sample
from ada_mapper.core.types import Array, Double

_SIZE = 0.01


def _formula(longitude: Double, latitude: Double) -> Double:
    return 1000 * np.sin(np.radians(longitude)) + 10 * latitude


def _pixels(grid: Grid) -> tuple[Double, Double]:
    x, dx, _, y, _, dy = grid.transform
    return np.meshgrid(x + (np.arange(grid.width) + 0.5) * dx, y + (np.arange(grid.height) + 0.5) * dy)


@gdal_raises()
def _write(path: Path, values: Array, transform: tuple[float, ...], crs: str = "EPSG:4326") -> str:
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[1], values.shape[0], 1, gdal.GDT_Float32)
    reference = osr.SpatialReference()
    reference.SetFromUserInput(crs)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform(transform)
    dataset.GetRasterBand(1).WriteArray(values.astype(np.float32))
    dataset.GetRasterBand(1).SetNoDataValue(-9999)
    return str(path)


def _raster(path: Path, west: float, width: int, pixel: float = _SIZE) -> str:
    grid = Grid("EPSG:4326", (west, pixel, 0, -16.0, 0, -_SIZE), width, 50)
    return _write(path, _formula(*_pixels(grid)), grid.transform)


def _stated(grid: Grid, west: float, east: float) -> Array:
    """What a raster from ``west`` to ``east`` degrees gives on a grid."""
    longitude, latitude = _pixels(grid)
    turned = (longitude - west) % 360 + west
    return np.where(turned < east, _formula(longitude, latitude), np.nan).astype(np.float32)


@pytest.mark.parametrize(
    ("west", "width"),
    [(179, 200), (-181, 200), (179.5, 100), (-180.5, 100), (-180, 36000), (0, 36000), (-180, 100), (179, 100)],
)
@pytest.mark.parametrize(("left", "columns"), [(179.2, 160), (-180.8, 160), (179.2, 60), (-179.9, 60), (180.1, 60)])
def test_longitudes_are_compared_modulo_360(tmp_path: Path, west: float, width: int, left: float, columns: int) -> None:
    grid = Grid("EPSG:4326", (left, _SIZE, 0, -16.1, 0, -_SIZE), columns, 30)
    with BandReader(_raster(tmp_path / "r.tif", west, width), grid) as reader:
        assert not reader.is_resampled
        values = reader.read()
        part = reader.read(Window(3, 2, 20, 10))
    expected = _stated(grid, west, west + width * _SIZE)
    np.testing.assert_allclose(values, expected, atol=1e-3)
    np.testing.assert_array_equal(part, values[2:12, 3:23])


@pytest.mark.parametrize(("west", "width"), [(179, 200), (-181, 200), (-180, 36000), (0, 36000)])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32701", "EPSG:32760"])
def test_resampled_at_180_degrees(tmp_path: Path, west: float, width: int, crs: str) -> None:
    path = _raster(tmp_path / "r.tif", west, width)
    wanted = {
        "EPSG:4326": Grid(crs, (179.7034, 0.004, 0, -16.1, 0, -0.004), 150, 60),
        "EPSG:32701": Grid(crs, (150000.0, 700.0, 0, 8215000.0, 0, -700.0), 80, 40),
        "EPSG:32760": Grid(crs, (790000.0, 700.0, 0, 8210000.0, 0, -700.0), 80, 40),
    }[crs]
    with BandReader(path, wanted) as reader:
        values = reader.read()
    x, y = _pixels(wanted)
    if crs != "EPSG:4326":
        reference, degrees = osr.SpatialReference(), osr.SpatialReference()
        reference.SetFromUserInput(crs)
        degrees.ImportFromEPSG(4326)
        for one in (reference, degrees):
            one.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        points = osr.CoordinateTransformation(reference, degrees).TransformPoints(
            np.stack([x.ravel(), y.ravel()], axis=1).tolist()
        )
        x, y = (np.array(points)[:, i].reshape(x.shape) for i in range(2))
    # Half a pixel at most, at the edges of a file that is torn at 180°, as at the edges of any.
    np.testing.assert_allclose(values, _formula(x, y), atol=0.05 if width == 200 or west == 0 else 0.09)


def test_a_tile_beyond_180_degrees_reaches_a_utm_zone(tmp_path: Path) -> None:
    wanted = Grid("EPSG:32702", (440000.0, 700.0, 0, 8210000.0, 0, -700.0), 40, 40)
    longitude, _ = wanted.centre_lonlat
    west = round(longitude + 360) - 1
    with BandReader(_raster(tmp_path / "r.tif", west, 200), wanted) as reader:
        middle = reader.read()[20, 20]
    x, y = wanted.transform[0] + 20.5 * 700, wanted.transform[3] - 20.5 * 700
    there = Grid("EPSG:32702", (x - 1, 2.0, 0, y + 1, 0, -2.0), 1, 1).centre_lonlat
    assert middle == pytest.approx(_formula(np.array(there[0]), np.array(there[1])), abs=0.05)


def test_points_are_sampled_modulo_360(tmp_path: Path) -> None:
    points = np.array([[179.503, -16.2], [-179.503, -16.3], [180.4, -16.31], [-180.4, -16.22]])
    with BandReader(_raster(tmp_path / "r.tif", 179, 200)) as reader:
        values = sample(reader, points)
    np.testing.assert_allclose(values, _formula(points[:, 0], points[:, 1]), atol=0.01)


def test_grids_that_meet_modulo_360() -> None:
    def grid(west: float, width: int, crs: str = "EPSG:4326") -> Grid:
        return Grid(crs, (west, _SIZE, 0, -16.0, 0, -_SIZE), width, 50)

    assert grid(179, 200).overlaps(grid(-179.5, 20)) and grid(-179.5, 20).overlaps(grid(179, 200))
    assert grid(0, 36000).overlaps(grid(-10, 20)) and grid(-180, 36000).overlaps(grid(359, 20))
    assert not grid(179, 200).overlaps(grid(-178.5, 20)) and not grid(10, 200).overlaps(grid(190, 200))
    utm = Grid("EPSG:32701", (150000.0, 700.0, 0, 8215000.0, 0, -700.0), 80, 40)
    assert utm.overlaps(grid(179, 200)) and grid(179, 200).overlaps(utm) and grid(-181, 200).overlaps(utm)
    assert grid(180.5, 100).same_as(grid(-179.5, 100)) and not grid(0, 100).same_as(grid(180, 100))


@pytest.mark.parametrize("crs", ["EPSG:32645", "EPSG:4326"])
@pytest.mark.parametrize(("south_up", "west_left"), [(True, False), (False, True), (True, True)])
def test_rasters_stored_the_other_way_round(tmp_path: Path, crs: str, south_up: bool, west_left: bool) -> None:
    size = 30.0 if crs == "EPSG:32645" else 0.001
    x, y = (300000.0, 3100000.0) if crs == "EPSG:32645" else (85.0, 28.0)
    values = np.random.default_rng(0).normal(size=(40, 60)).astype(np.float32)
    values[5, 7] = -9999
    plain = _write(tmp_path / "plain.tif", values, (x, size, 0, y, 0, -size), crs)
    stored, transform = values, [x, size, 0, y, 0, -size]
    if south_up:
        stored, transform[3:] = stored[::-1], [y - 40 * size, 0, size]
    if west_left:
        stored, transform[:2] = stored[:, ::-1], [x + 60 * size, -size]
    turned = _write(tmp_path / "turned.tif", stored, tuple(transform), crs)
    assert Grid.of(turned).same_as(Grid.of(plain))
    shifted = Grid(Grid.of(plain).crs, (x + 4 * size, size, 0, y + 3 * size, 0, -size), 50, 30)
    other = Grid(Grid.of(plain).crs, (x + 4.5 * size, 1.5 * size, 0, y - 3 * size, 0, -1.5 * size), 20, 15)
    for grid in (None, shifted, other):
        with BandReader(plain, grid) as expected, BandReader(turned, grid) as reader:
            np.testing.assert_allclose(reader.read(), expected.read(), rtol=1e-6)
            window = Window(-3, 2, 12, 9)
            np.testing.assert_allclose(reader.read(window), expected.read(window), rtol=1e-6)
            out = np.empty((6, 9), np.float32)
            np.testing.assert_allclose(
                reader.read(Window(2, 3, 9, 6), out), expected.read(Window(2, 3, 9, 6)), rtol=1e-6
            )
    with BandReader(plain) as expected, BandReader(turned) as reader:
        np.testing.assert_array_equal(reader.sample(100), expected.sample(100))
