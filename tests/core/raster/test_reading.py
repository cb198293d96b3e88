"""Grids, reading and writing of rasters."""

from __future__ import annotations

import gc
import math
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr
from small_disk import longest_file

from ada_mapper.core.errors import InputError, OutputError
from ada_mapper.core.raster import (
    EQUAL_AREA_CRS,
    Band,
    BandDescription,
    BandReader,
    Grid,
    RasterWriter,
    Window,
    limited_cache,
    row_blocks,
    spatial_reference,
    write_array,
)

UTM = Grid("EPSG:32643", (500000.0, 30.0, 0.0, 3900000.0, 0.0, -30.0), 40, 25)
DEGREES = Grid("EPSG:4326", (73.0, 0.001, 0.0, 35.0, 0.0, -0.001), 40, 25)
RATE = BandDescription("phase_rate", "rad/yr", (("SIGN", "away"),))


def some_values(grid: Grid = UTM) -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(grid.height, grid.width)).astype(np.float32)
    values[3:5, 7] = np.nan
    return values


@pytest.mark.parametrize("latitude", [0.0, 35.0, 60.0, -45.0])
def test_degrees_become_metres_on_the_ellipsoid(latitude):
    grid = Grid("EPSG:4326", (10.0, 0.01, 0.0, latitude + 0.005, 0.0, -0.01), 1, 1)
    dx, dy = grid.metres_per_pixel()
    to_plane = osr.CoordinateTransformation(spatial_reference("EPSG:4326"), spatial_reference(EQUAL_AREA_CRS))
    west, east = 10.0, 10.01
    south, north = latitude - 0.005, latitude + 0.005
    (x0, y0, _), (x1, y1, _) = to_plane.TransformPoint(west, south), to_plane.TransformPoint(east, north)
    assert dx[0] * dy[0] == pytest.approx((x1 - x0) * (y1 - y0), rel=1e-6)
    assert dy[0] == pytest.approx(1111.95, rel=0.01)


def test_projected_pixels_keep_their_nominal_size_and_web_mercator_gets_its_true_one():
    assert UTM.metres_per_pixel()[0] == pytest.approx(np.full(25, 30.0))
    mercator = Grid("EPSG:3857", (1e6, 30.0, 0.0, 8399738.0, 0.0, -30.0), 10, 10)  # 60° north
    dx, dy = mercator.metres_per_pixel()
    assert dx == pytest.approx(np.full(10, 15.0), rel=0.01)
    assert dy == pytest.approx(np.full(10, 15.0), rel=0.01)


def test_feet_are_not_metres():
    feet = Grid("EPSG:2263", (980000.0, 100.0, 0.0, 200000.0, 0.0, -100.0), 5, 5)
    assert feet.metres_per_pixel()[0] == pytest.approx(np.full(5, 30.48), rel=1e-5)


def test_a_grid_equals_itself_in_another_spelling_of_the_crs():
    other = Grid(spatial_reference("EPSG:32643").ExportToWkt(), UTM.transform, 40, 25)
    assert UTM.same_as(other)
    shifted = Grid("EPSG:32643", (500015.0, 30.0, 0.0, 3900000.0, 0.0, -30.0), 40, 25)
    assert not UTM.same_as(shifted)
    assert not UTM.same_as(Grid("EPSG:32644", UTM.transform, 40, 25))


def test_a_resampled_grid_covers_the_same_ground():
    coarse = UTM.resampled(70.0)
    assert coarse.pixel_size == pytest.approx(70.0)
    assert coarse.bounds[2] >= UTM.bounds[2] and coarse.bounds[1] <= UTM.bounds[1]
    assert coarse.bounds[2] < UTM.bounds[2] + 70 and coarse.bounds[1] > UTM.bounds[1] - 70


@pytest.mark.parametrize("transform", [(0, 0, 0, 0, 0, 0), (0, 1, 0.1, 0, 0, -1), (0, 1, 0, 0, 0, 1)])
def test_rotated_and_south_up_grids_are_refused(transform):
    with pytest.raises(InputError, match="Warp"):
        Grid("EPSG:32643", tuple(map(float, transform)), 3, 3)


def test_an_unknown_crs_has_no_metres():
    with pytest.raises(InputError, match="coordinate reference system"):
        Grid("", UTM.transform, 3, 3).metres_per_pixel()


def test_what_is_written_is_read(tmp_path):
    values = some_values()
    write_array(tmp_path / "rate.tif", UTM, values, RATE)
    with BandReader(tmp_path / "rate.tif") as reader:
        np.testing.assert_array_equal(reader.read(), values)
        assert reader.grid.same_as(UTM)
        assert reader.tags["unit"] == "rad/yr"
        assert reader.tags["description"] == "phase_rate"
        assert reader.tags["SIGN"] == "away"
    assert [path.name for path in tmp_path.iterdir()] == ["rate.tif"]


def test_windows_outside_the_grid_are_no_data(tmp_path):
    values = some_values()
    write_array(tmp_path / "rate.tif", UTM, values, RATE)
    with BandReader(tmp_path / "rate.tif") as reader:
        block = reader.read(Window(-2, 20, 10, 10))
        assert np.isnan(block[:, :2]).all() and np.isnan(block[5:]).all()
        np.testing.assert_array_equal(block[:5, 2:], values[20:, :8])
        assert np.isnan(reader.read(Window(100, 100, 3, 3))).all()


@pytest.mark.parametrize("window", [Window(0, 0, 40, 25), Window(3, 20, 10, 10), Window(100, 0, 5, 5)])
def test_a_given_array_is_filled(tmp_path, window):
    write_array(tmp_path / "rate.tif", UTM, some_values(), RATE)
    stack = np.full((2, window.height, window.width), 77, np.float32)
    with BandReader(tmp_path / "rate.tif") as reader:
        assert reader.read(window, out=stack[1]) is not None
        np.testing.assert_array_equal(stack[1], reader.read(window))
    assert (stack[0] == 77).all()


def test_a_sample_is_spread_over_the_band(tmp_path):
    rows = np.arange(300, dtype=np.float32)[:, None] * np.ones((1, 200), np.float32)
    write_array(tmp_path / "rows.tif", Grid("EPSG:32643", UTM.transform, 200, 300), rows, RATE)
    with BandReader(tmp_path / "rows.tif") as reader:
        sample = reader.sample(30)
        assert sample.shape == (30, 30)
        np.testing.assert_allclose(np.diff(sample[:, 0]), 10)
        np.testing.assert_array_equal(reader.sample(1000), rows)


def test_every_kind_of_nodata_becomes_nan(tmp_path):
    path = str(tmp_path / "stored.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(path, 3, 1, 1, gdal.GDT_Float32)
    dataset.SetGeoTransform(UTM.transform)
    dataset.GetRasterBand(1).SetNoDataValue(-9999)
    dataset.GetRasterBand(1).WriteArray(np.array([[0.0, -9999.0, 2.0]], np.float32))
    dataset = None
    with BandReader(Band(path, scale=-1.0, nodata=(0.0,))) as reader:
        np.testing.assert_array_equal(reader.read(), [[np.nan, np.nan, -2.0]])


def stored_file(path, values, gdal_type, nodata=None, scale=None, offset=None) -> str:
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[1], values.shape[0], 1, gdal_type)
    dataset.SetGeoTransform(UTM.transform)
    dataset.SetProjection(spatial_reference(UTM.crs).ExportToWkt())
    band = dataset.GetRasterBand(1)
    band.WriteArray(values)
    if nodata is not None:
        band.SetNoDataValue(nodata)
    if scale is not None:
        band.SetScale(scale)
    if offset is not None:
        band.SetOffset(offset)
    return str(path)


def half_a_pixel_on(grid: Grid) -> Grid:
    x, dx, _, y, _, dy = grid.transform
    return Grid(grid.crs, (x + dx / 2, dx, 0.0, y, 0.0, dy), grid.width - 1, grid.height)


@pytest.mark.parametrize(("kind", "declared"), [("float32", -9999), ("int16", -9999), ("float32", math.nan)])
def test_every_kind_of_nodata_is_left_out_of_resampling(tmp_path, kind, declared):
    values = np.full((20, 30), 7, kind)
    values[:6] = declared
    values[14:, :10] = 0
    values[14:, 10:20] = -32768
    gdal_type = {"float32": gdal.GDT_Float32, "int16": gdal.GDT_Int16}[kind]
    path = stored_file(tmp_path / "stored.tif", values, gdal_type, nodata=declared)
    grid = half_a_pixel_on(Grid(UTM.crs, UTM.transform, 30, 20))
    with BandReader(Band(path, nodata=(0.0, -32768.0)), grid) as reader:
        assert reader.is_resampled
        resampled = reader.read()
    assert np.isnan(resampled[:6]).all() and np.isnan(resampled[14:, :19]).all()
    np.testing.assert_array_equal(resampled[6:14], 7)
    np.testing.assert_array_equal(resampled[14:, 20:], 7)


@pytest.mark.parametrize("resampled", [False, True])
def test_declared_scale_and_offset_are_applied_once_to_data_only(tmp_path, resampled):
    values = np.full((20, 30), 1000, np.int16)
    values[:6] = -32768
    path = stored_file(tmp_path / "dem.tif", values, gdal.GDT_Int16, nodata=-32768, scale=0.1, offset=50.0)
    own = Grid(UTM.crs, UTM.transform, 30, 20)
    with BandReader(Band(path, scale=2.0), half_a_pixel_on(own) if resampled else own) as reader:
        assert reader.is_resampled == resampled
        read = reader.read()
        assert reader.physical(-32768.0) == pytest.approx(2 * (50 - 3276.8))
        assert np.nanmax(reader.sample(5)) == pytest.approx(300)
    assert np.isnan(read[:6]).all()
    np.testing.assert_allclose(read[6:], 300, rtol=1e-6)


def test_a_scale_of_zero_was_never_set(tmp_path):
    path = stored_file(tmp_path / "zero.tif", np.full((2, 3), 5, np.int16), gdal.GDT_Int16, scale=0.0)
    with BandReader(path) as reader:
        np.testing.assert_array_equal(reader.read(), np.full((2, 3), 5))


def test_resampling_matches_the_ground_across_crs(tmp_path):
    rows = np.mgrid[:200, :200][0].astype(np.float32)
    x_min, y_max = 499000.0, 3901000.0
    source = Grid("EPSG:32643", (x_min, 30.0, 0.0, y_max, 0.0, -30.0), 200, 200)
    northing = y_max - (rows + 0.5) * 30
    write_array(tmp_path / "northing.tif", source, (northing - 3.9e6).astype(np.float32), RATE)
    target = Grid("EPSG:4326", (75.005, 0.0003, 0.0, 35.225, 0.0, -0.0003), 50, 50)
    to_utm = osr.CoordinateTransformation(spatial_reference("EPSG:4326"), spatial_reference("EPSG:32643"))
    with BandReader(tmp_path / "northing.tif", target) as reader:
        values = reader.read()
    _, north, _ = to_utm.TransformPoint(75.005 + 25.5 * 0.0003, 35.225 - 10.5 * 0.0003)
    assert values[10, 25] == pytest.approx(north - 3.9e6, abs=5.0)


def test_resampling_without_crs_says_which_file(tmp_path):
    write_array(tmp_path / "rate.tif", Grid("", UTM.transform, 40, 25), some_values(), RATE)
    with pytest.raises(InputError, match=r"rate\.tif.*coordinate reference system"):
        BandReader(tmp_path / "rate.tif", DEGREES)


def test_a_failed_run_leaves_no_file(tmp_path):
    with pytest.raises(ZeroDivisionError), RasterWriter(tmp_path / "rate.tif", UTM, [RATE]) as writer:
        writer.write(some_values())
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_keeps_the_older_file(tmp_path):
    write_array(tmp_path / "rate.tif", UTM, some_values(), RATE)
    before = (tmp_path / "rate.tif").read_bytes()
    with pytest.raises(ZeroDivisionError), RasterWriter(tmp_path / "rate.tif", UTM, [RATE]):
        raise ZeroDivisionError
    assert (tmp_path / "rate.tif").read_bytes() == before


def test_statistics_of_an_older_file_do_not_survive(tmp_path):
    path = tmp_path / "rate.tif"
    for shift in (0, 100):
        write_array(path, UTM, some_values() + np.float32(shift), RATE)
        dataset = gdal.Open(str(path))
        dataset.GetRasterBand(1).ComputeStatistics(False)
        dataset = None
    with BandReader(path) as reader:
        assert float(reader.tags["STATISTICS_MEAN"]) == pytest.approx(100, abs=1)


def test_a_folder_that_does_not_exist_is_said(tmp_path):
    with pytest.raises(OutputError, match="may write"):
        RasterWriter(tmp_path / "missing" / "rate.tif", UTM, [RATE])
    with pytest.raises(OutputError, match="GeoTIFF"):
        RasterWriter(tmp_path / "rate.img", UTM, [RATE])


def test_a_file_that_cannot_be_replaced_is_said_before_the_work(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    write_array(tmp_path / "rate.tif", UTM, some_values(), RATE)
    monkeypatch.setattr(Path, "rename", refuse)  # what Windows does to a file that is open in QGIS
    with pytest.raises(OutputError, match=r"rate\.tif.*or it is open in QGIS"):
        RasterWriter(tmp_path / "rate.tif", UTM, [RATE])
    (tmp_path / "folder.tif").mkdir()
    with pytest.raises(OutputError, match=r"folder\.tif is a folder"):
        RasterWriter(tmp_path / "folder.tif", UTM, [RATE])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.tif", "rate.tif"]


def test_of_several_runs_the_last_one_gives_the_cache_back():
    before = gdal.GetCacheMax()
    first, second = limited_cache(), limited_cache(64)
    first.__enter__()
    assert gdal.GetCacheMax() == min(before, 128 * 2**20)
    second.__enter__()
    first.__exit__(None, None, None)
    assert gdal.GetCacheMax() == min(before, 64 * 2**20)
    second.__exit__(None, None, None)
    assert gdal.GetCacheMax() == before


def test_older_bindings_without_options_of_a_thread_are_enough(tmp_path, monkeypatch):
    write_array(tmp_path / "rate.tif", UTM, some_values(), RATE)
    monkeypatch.delattr(gdal, "GetThreadLocalConfigOption", raising=False)
    monkeypatch.delattr(gdal, "SetThreadLocalConfigOption", raising=False)
    with BandReader(tmp_path / "rate.tif") as reader:
        assert reader.read().shape == (25, 40)


def test_a_truncated_file_is_said(tmp_path):
    path = tmp_path / "rate.tif"
    big = Grid("EPSG:32643", UTM.transform, 600, 600)
    write_array(path, big, np.random.default_rng(0).normal(size=(600, 600)).astype(np.float32), RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(InputError, match=r"rate\.tif"), BandReader(path) as reader:
        reader.read()


def test_row_blocks_cover_every_row_once():
    assert list(row_blocks(10, 4)) == [(0, 4), (4, 4), (8, 2)]
    assert math.fsum(rows for _, rows in row_blocks(1000, 256)) == 1000


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("size", [8, 400, 9_000, 17_000])
def test_on_a_full_disk_nothing_is_printed_and_no_file_left(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], size: int
) -> None:
    values = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    grid = Grid("EPSG:32645", (500000.0, 30.0, 0.0, 4000000.0, 0.0, -30.0), 64, 64)
    with pytest.raises(OutputError, match=r"rate\.tif can't be"), longest_file(size):
        write_array(tmp_path / "rate.tif", grid, values, BandDescription("rate", "mm/yr"))
    gc.collect()
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr().err == ""
