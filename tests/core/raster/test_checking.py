"""Undeclared nodata: found, told, and left alone where a file declares its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import HEIGHTS, LOS_RATE, Band, BandReader, Grid, checked_band, read_sample
from stacks import write_raster


def read(path: str, is_rate: bool = False) -> tuple[np.ndarray, list[str]]:
    said: list[str] = []
    band = checked_band(path, LOS_RATE if is_rate else HEIGHTS, Progress(on_info=said.append))
    with BandReader(band) as reader:
        return reader.read(), [message for message in said if "no unit in the file" not in message]


def heights() -> np.ndarray:
    return np.random.default_rng(0).uniform(100, 900, (40, 50))


@pytest.mark.parametrize("marker", [-9999.0, -32768.0, -99999.0, float(np.finfo(np.float32).min)])
def test_markers_become_nan_and_are_told(tmp_path: Path, marker: float) -> None:
    values = heights()
    values[:10] = marker
    found, said = read(write_raster(tmp_path / "dem.tif", values))
    assert np.isnan(found[:10]).all() and np.isfinite(found[10:]).all()
    assert len(said) == 1 and "dem.tif" in said[0] and "25.0%" in said[0]


@pytest.mark.parametrize("marker", [-9999.0, -32768.0, -99999.0, float(np.finfo(np.float32).min)])
def test_markers_spoil_no_neighbours_on_another_grid(tmp_path: Path, marker: float) -> None:
    values = np.full((40, 50), 5.0)
    values[:10] = marker
    band = checked_band(write_raster(tmp_path / "dem.tif", values, 30), HEIGHTS)
    with BandReader(band) as reader:
        x, dx, _, y, _, dy = reader.grid.transform
        moved = Grid(reader.grid.crs, (x + 10, dx, 0.0, y - 10, 0.0, dy), 49, 39)
    with BandReader(band, moved) as reader:
        found = reader.read()
    assert np.isnan(found[:9]).all()
    np.testing.assert_array_equal(found[10:], 5)


def test_a_marker_that_the_sample_misses_is_no_data_too(tmp_path: Path) -> None:
    values = np.full((200, 2000), 5.0)
    values[150:160, 190:250] = -32768
    found, _ = read(write_raster(tmp_path / "dem.tif", values))
    assert np.isnan(found).sum() == 600


def test_markers_beside_a_declared_one_are_no_data_too(tmp_path: Path) -> None:
    values = heights()
    values[0, :2] = -9999, -32768
    found, said = read(write_raster(tmp_path / "dem.tif", values, nodata=-9999))
    assert np.isnan(found[0, :2]).all() and np.isfinite(found).sum() == values.size - 2
    assert len(said) == 1 and "exactly -32768" in said[0]


def test_given_nodata_is_kept(tmp_path: Path) -> None:
    values = heights()
    values[3] = 7
    band = checked_band(Band(write_raster(tmp_path / "dem.tif", values), nodata=(7.0,)), HEIGHTS)
    with BandReader(band) as reader:
        assert np.isnan(reader.read()).sum() == 50
    assert checked_band(band, HEIGHTS) is band


@pytest.mark.parametrize(("is_rate", "zeros", "missing"), [(True, 500, True), (True, 1, False), (False, 500, False)])
def test_only_frequent_zeros_of_a_rate_are_no_data(tmp_path: Path, is_rate: bool, zeros: int, missing: bool) -> None:
    values = heights()
    values.flat[:zeros] = 0
    found, said = read(write_raster(tmp_path / "rate.tif", values), is_rate)
    assert np.isnan(found).sum() == (zeros if missing else 0)
    assert bool(said) == missing


def test_markers_are_stored_values_whatever_the_scale(tmp_path: Path) -> None:
    values = np.round(heights())
    values[:10] = -32768
    path = write_raster(tmp_path / "dem.tif", values)
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.GetRasterBand(1).SetScale(0.1)
    dataset.GetRasterBand(1).SetOffset(3.0)
    dataset = None
    found, said = read(path)
    assert np.isnan(found[:10]).all() and len(said) == 1
    np.testing.assert_allclose(found[10:], values[10:] / 10 + 3, rtol=1e-6)


def test_a_sample_stays_small(tmp_path: Path) -> None:
    with BandReader(write_raster(tmp_path / "large.tif", np.ones((2000, 1500)))) as reader:
        sample = read_sample(reader)
    assert sample.shape == (36 * 128 * 128,) and (sample == 1).all()
