"""Grids that can't lie where their CRS says, and how large pixels are on the ground, by the ellipsoid's formulas."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr

from ada_mapper.core.errors import InputError
from ada_mapper.core.gdal_errors import gdal_raises
from ada_mapper.core.raster import BandReader, Grid

_LOCAL = 'LOCAL_CS["mine grid",UNIT["metre",1]]'


@gdal_raises()
def _write(path: Path, crs: str, transform: tuple[float, ...], width: int = 40, height: int = 30) -> str:
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), width, height, 1, gdal.GDT_Float32)
    if crs:
        reference = osr.SpatialReference()
        reference.SetFromUserInput(crs)
        dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform(transform)
    return str(path)


@pytest.mark.parametrize(
    "transform",
    [(500000, 30, 0, 3100000, 0, -30), (0, 30, 0, 3100000, 0, -30), (85, 0.001, 0, 3100000, 0, -0.001),
     (700000, 1e-3, 0, 28, 0, -1e-3), (0, 1, 0, 1000, 0, -1), (500000, 30, 0, 3100000, 0, 30)],
)  # fmt: skip
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4979", "EPSG:4269", "EPSG:4326+5773"])
def test_metres_that_are_declared_as_degrees(tmp_path: Path, crs: str, transform: tuple[float, ...]) -> None:
    path = _write(tmp_path / "dem.tif", crs, transform)
    sentence = (
        r"^.*dem\.tif declares a CRS in degrees, .*, but its coordinates are .*: probably metres\. Set the right CRS"
    )
    for read in (Grid.of, BandReader):
        with pytest.raises(InputError, match=sentence):
            read(path)


@pytest.mark.parametrize(
    "transform",
    [(85.3, 0.000277, 0, 28.1, 0, -0.000277), (85.3, 0.00833, 0, 28.1, 0, -0.00833), (-71.0, 0.05, 0, -33, 0, -0.05),
     (85.3, 0.000277, 0, 28.1, 0, 0.000277), (500000, 0.000277, 0, 3100000, 0, -0.000277)],
)  # fmt: skip
@pytest.mark.parametrize("crs", ["EPSG:32645", "EPSG:3857", "EPSG:2263", "EPSG:32645+5773"])
def test_degrees_that_are_declared_as_metres(tmp_path: Path, crs: str, transform: tuple[float, ...]) -> None:
    path = _write(tmp_path / "dem.tif", crs, transform)
    with pytest.raises(
        InputError, match=r"dem\.tif declares a projected CRS, .*, but its pixels are only .*: probably degrees"
    ):
        Grid.of(path)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", (-180.5, 1.0, 0, 90.5, 0, -1.0)),  # cells around whole degrees, as global models have them
        ("EPSG:4326", (179.9, 0.01, 0, 10, 0, -0.01)),
        ("EPSG:4326", (359.9, 0.01, 0, 10, 0, -0.01)),
        ("EPSG:32645", (300000, 0.05, 0, 3100000, 0, -0.05)),  # a drone's
        ("EPSG:32645", (0, 0.5, 0, 80, 0, -0.5)),
        ("EPSG:4807", (5, 0.001, 0, 52, 0, -0.001)),  # grads from Paris
        ("", (85.3, 0.000277, 0, 28.1, 0, -0.000277)),
        (_LOCAL, (10, 1.0, 0, 2000, 0, -1.0)),
    ],
)
def test_what_can_be_right_is_read(tmp_path: Path, crs: str, transform: tuple[float, ...]) -> None:
    assert Grid.of(_write(tmp_path / "dem.tif", crs, transform)).transform == transform


@pytest.mark.parametrize(
    "transform", [(0, 1, 0, 0, 0, 1), (5, 1, 0.3, 9, 0.3, -1), (5, 0, 30, 9, -30, 0), (math.nan, 1, 0, 9, 0, -1)]
)
def test_rotated_and_bare_rasters_are_refused(tmp_path: Path, transform: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match=r"dem\.tif is rotated or not georeferenced\. Warp it"):
        Grid.of(_write(tmp_path / "dem.tif", "EPSG:32645", transform))


@pytest.mark.parametrize(
    ("crs", "sentence"),
    [(_LOCAL, r"dem\.tif has the coordinate reference system “mine grid”, which doesn't say where on Earth"),
     ("", r"dem\.tif has no coordinate reference system, so its pixels have no size in metres")],
)  # fmt: skip
def test_pixels_without_a_place_have_no_size(tmp_path: Path, crs: str, sentence: str) -> None:
    grid = Grid.of(_write(tmp_path / "dem.tif", crs, (500, 30, 0, 3000, 0, -30)))
    for ask in (lambda: grid.pixel_size, lambda: grid.is_geographic, lambda: grid.centre_lonlat):
        with pytest.raises(InputError, match=sentence):
            ask()


def test_a_raster_far_outside_its_projection_is_told(tmp_path: Path) -> None:
    grid = Grid.of(_write(tmp_path / "dem.tif", "EPSG:32645", (5e7, 30, 0, 9e7, 0, -30)))
    with pytest.raises(
        InputError, match=r"dem\.tif can't be transformed from WGS 84 / UTM zone 45N \(EPSG:32645\) to WGS 84"
    ):
        grid.metres_per_pixel()


def _radii(latitude: float) -> tuple[float, float]:
    """Of curvature, along the meridian and across it, on WGS 84."""
    flattening = 1 / 298.257223563
    e2 = flattening * (2 - flattening)
    w = math.sqrt(1 - e2 * math.sin(math.radians(latitude)) ** 2)
    return 6378137 * (1 - e2) / w**3, 6378137 / w


@pytest.mark.parametrize("latitude", [0.5, 45.0, 60.0])
def test_pixels_of_web_mercator_have_their_true_size(latitude: float) -> None:
    y = 6378137 * math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2))
    size = 100.0
    grid = Grid("EPSG:3857", (1e6, size, 0, y + size / 2, 0, -size), 1, 1)
    east, north = (float(values[0]) for values in grid.metres_per_pixel())
    meridian, across = _radii(latitude)
    shrunk = size * math.cos(math.radians(latitude)) / 6378137
    expected = shrunk * across, shrunk * meridian
    assert (east, north) == pytest.approx(expected, rel=0.01 if latitude < 10 else 1e-4)


def test_pixels_in_feet_have_metres() -> None:
    grid = Grid("EPSG:2263", (980000.0, 100.0, 0, 200000.0, 0, -100.0), 50, 50)
    assert grid.pixel_size == pytest.approx(100 * 1200 / 3937, rel=1e-9)
    compound = Grid("EPSG:2263+6360", grid.transform, 50, 50)
    assert compound.pixel_size == pytest.approx(grid.pixel_size, rel=1e-9)


def test_pixels_at_180_degrees_are_no_larger_than_beside() -> None:
    for zone, x in (("EPSG:32701", 166000.0), ("EPSG:3832", 3339585.0)):
        at, beside = (Grid(zone, (x + shift, 90.0, 0, 100000.0, 0, -90.0), 400, 20) for shift in (0.0, 40000.0))
        np.testing.assert_allclose(at.metres_per_pixel(), beside.metres_per_pixel(), rtol=2e-3)
