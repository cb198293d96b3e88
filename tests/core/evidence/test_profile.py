"""The profile through an area: direction, distances, values and gaps against planes and boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr

from ada_mapper.core.errors import InputError
from ada_mapper.core.evidence import area_profile
from ada_mapper.core.raster import BandReader, sample
from stacks import write_raster

UTM = "EPSG:32632"
SIZE, PIXEL = 60, 20.0
LEFT, TOP = 500_000.0, 5_000_000.0


def box(x_min: float, y_min: float, x_max: float, y_max: float) -> bytes:
    """A rectangle as WKB."""
    ring = f"{x_min} {y_min}, {x_max} {y_min}, {x_max} {y_max}, {x_min} {y_max}, {x_min} {y_min}"
    return bytes(ogr.CreateGeometryFromWkt(f"POLYGON (({ring}))").ExportToWkb())


def pixel_box(first_row: int, last_row: int, first_column: int, last_column: int, pixel: float = PIXEL) -> bytes:
    """The rectangle of whole pixels."""
    return box(LEFT + first_column * pixel, TOP - last_row * pixel, LEFT + last_column * pixel, TOP - first_row * pixel)


def plane(folder: Path, east: float, south: float, unit: str = "") -> str:
    """A DEM that rises by so many metres a metre to the east and to the south."""
    rows, columns = np.mgrid[:SIZE, :SIZE] * PIXEL
    return write_raster(folder / "dem.tif", 1000 + east * columns + south * rows, PIXEL, unit=unit)


def tagged(path: str, **tags: str) -> str:
    """The raster with band tags."""
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.GetRasterBand(1).SetMetadata(tags)
    dataset = None
    return path


def test_a_plane_and_a_box_of_rate(tmp_path: Path) -> None:
    """The line follows the fall; heights drop by the slope; the rate is the box's inside and 0 outside."""
    dem = plane(tmp_path, 0.0, -0.5)  # falls to the south
    rates = np.zeros((SIZE, SIZE))
    rates[20:40, 25:35] = -30.0
    rate = write_raster(tmp_path / "rate.tif", rates, PIXEL, unit="mm/yr", nodata=-9999)
    profile = area_profile(pixel_box(20, 40, 25, 35), UTM, rate, dem)
    assert profile.is_downslope
    assert profile.azimuth == pytest.approx(180, abs=0.5)
    assert profile.distance[0] == 0
    assert profile.distance[-1] == pytest.approx(400 * 1.5, rel=1e-3)
    assert np.diff(profile.elevation) / np.diff(profile.distance) == pytest.approx(-0.5, abs=1e-3)
    length = np.count_nonzero(profile.inside) * profile.distance[1]
    assert length == pytest.approx(400, abs=2 * profile.distance[1])
    middle = profile.inside & np.roll(profile.inside, 3) & np.roll(profile.inside, -3)
    assert profile.los_rate[middle] == pytest.approx(-30)
    assert profile.los_rate[[0, -1]] == pytest.approx(0)
    assert profile.sign == "toward"
    assert profile.ends[0][1] > profile.ends[1][1]


def test_ground_distance_in_degrees(tmp_path: Path) -> None:
    """In degrees at 60° north, east-west distances are half as long as degrees suggest; the direction is true."""
    pixel = 0.0005
    rows, columns = np.mgrid[:80, :80]
    metres_east = columns * pixel * 111_412 * 0.5009
    metres_south = rows * pixel * 111_412
    dem = write_raster(tmp_path / "dem.tif", 500 - 0.3 * (metres_east + metres_south), pixel, 4326, top=60.02)
    profile = area_profile(box(10.01, 59.99, 10.03, 60.01), "EPSG:4326", dem=dem)
    assert profile.azimuth == pytest.approx(135, abs=1)
    drop = profile.elevation[0] - profile.elevation[-1]
    assert drop / profile.distance[-1] == pytest.approx(0.3 * np.sqrt(2), rel=0.01)
    assert np.isnan(profile.los_rate).all()


def test_rasters_of_other_grids_units_and_signs(tmp_path: Path) -> None:
    """The DEM may be in feet and the rate in m/yr on degrees; the sign of the rate is told, not turned."""
    dem = plane(tmp_path, -0.5, 0.0, unit="ft")
    rate = np.full((400, 400), 0.02)
    path = write_raster(tmp_path / "rate.tif", rate, 0.0002, 4326, unit="m/yr", top=45.2, nodata=-1)
    tagged(path, SIGN="away")
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.SetGeoTransform((8.99, 0.0002, 0, 45.16, 0, -0.0002))
    dataset = None
    profile = area_profile(pixel_box(20, 40, 20, 40), UTM, path, dem)
    assert profile.azimuth == pytest.approx(90, abs=0.5)
    assert profile.los_rate == pytest.approx(20)
    assert profile.sign == "away"
    assert np.diff(profile.elevation) / np.diff(profile.distance) == pytest.approx(-0.5 * 0.3048, rel=0.01)


def test_gaps_stay_gaps(tmp_path: Path) -> None:
    """Samples in pixels without data are NaN, all others keep their value, up to the edge of the gap."""
    dem = plane(tmp_path, 0.0, -0.5)
    rates = np.full((SIZE, SIZE), 7.0)
    rates[28:32] = -9999
    rate = write_raster(tmp_path / "rate.tif", rates, PIXEL, unit="mm/yr", nodata=-9999)
    profile = area_profile(pixel_box(20, 40, 25, 35), UTM, rate, dem)
    missing = np.isnan(profile.los_rate)
    assert np.count_nonzero(missing) * profile.distance[1] == pytest.approx(80, abs=2 * profile.distance[1])
    assert profile.los_rate[~missing] == pytest.approx(7)


def test_without_dem_the_attribute_tells_the_direction(tmp_path: Path) -> None:
    rate = write_raster(tmp_path / "rate.tif", np.ones((SIZE, SIZE)), PIXEL, unit="mm/yr", nodata=-9999)
    profile = area_profile(pixel_box(20, 40, 25, 35), UTM, rate, aspect=90.0)
    assert profile.is_downslope
    assert profile.azimuth == pytest.approx(90, abs=0.5)
    assert np.isnan(profile.elevation).all()


def test_level_ground_takes_the_longest_axis(tmp_path: Path) -> None:
    dem = plane(tmp_path, 0.0, 0.0)
    profile = area_profile(pixel_box(20, 24, 10, 40), UTM, dem=dem)
    assert not profile.is_downslope
    assert profile.azimuth % 180 == pytest.approx(90, abs=1)


def test_areas_of_two_parts_and_outside_the_rasters(tmp_path: Path) -> None:
    """A multipart area is crossed from its first to its last rim; beyond the rasters there is no data."""
    dem = plane(tmp_path, 0.0, -0.5)
    parts = ogr.Geometry(ogr.wkbMultiPolygon)
    for first in (5, 45):
        parts.AddGeometry(ogr.CreateGeometryFromWkb(pixel_box(first, first + 10, 25, 35)))
    profile = area_profile(bytes(parts.ExportToWkb()), UTM, dem=dem)
    assert profile.distance[-1] == pytest.approx(1000 * 1.5, rel=1e-3)
    steps = np.diff(profile.inside.astype(int))
    assert (np.count_nonzero(steps == 1), np.count_nonzero(steps == -1)) == (2, 2)
    far = area_profile(box(700_000, 4_900_000, 701_000, 4_901_000), UTM, dem=dem, aspect=0.0)
    assert np.isnan(far.elevation).all()


def test_little_is_read_of_large_rasters(tmp_path: Path) -> None:
    """A long diagonal through a fine raster is read in pieces and gives the values of the whole."""
    side = 3000
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    path = write_raster(tmp_path / "large.tif", rows + columns, 1.0)
    windows = []
    with BandReader(path) as reader:
        read = reader.read
        reader.read = lambda window: windows.append(window) or read(window)  # type: ignore[method-assign]
        steps = np.linspace(10, 2900, 500)
        values = sample(reader, np.stack([LEFT + steps, TOP - steps], axis=1))
    assert values == pytest.approx(2 * (steps - 0.5), rel=1e-5)
    assert max(window.width * window.height for window in windows) <= 2**20


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="elevation model"):
        area_profile(pixel_box(20, 40, 25, 35), UTM)
    with pytest.raises(InputError, match="coordinate reference system"):
        area_profile(pixel_box(20, 40, 25, 35), "", dem=plane(tmp_path, 0.0, -0.5))


def test_a_phase_rate_is_no_los_rate(tmp_path: Path) -> None:
    rate = write_raster(tmp_path / "rate.tif", np.ones((SIZE, SIZE)), PIXEL, unit="rad/yr")
    with pytest.raises(InputError, match="rad/yr"):
        area_profile(pixel_box(20, 40, 25, 35), UTM, rate)
