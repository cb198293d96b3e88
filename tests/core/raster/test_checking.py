"""Undeclared nodata: found, told, and left alone where a file declares its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr

from ada_mapper.core.errors import InputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import (
    COHERENCE,
    HEIGHTS,
    INCIDENCE,
    LOS_RATE,
    LOS_SENSITIVITY,
    PHASE,
    PHASE_RATE,
    PROBABILITY,
    SLOPE,
    Band,
    BandKind,
    BandReader,
    Grid,
    checked_band,
    read_sample,
    spatial_reference,
)
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


@pytest.mark.parametrize("kind", [HEIGHTS, LOS_RATE, PHASE], ids=lambda kind: kind.unit)
def test_a_number_that_could_be_measured_is_no_data_only_where_it_is_frequent(tmp_path: Path, kind: BandKind) -> None:
    values = np.linspace(-20, 20, 2000).reshape(40, 50)
    values[0, :2] = -999
    rare = checked_band(write_raster(tmp_path / "rare.tif", values), kind)
    with BandReader(rare) as reader:
        np.testing.assert_array_equal(reader.read(), values.astype(np.float32))
    values[0] = -999
    frequent = checked_band(write_raster(tmp_path / "frequent.tif", values), kind)
    with BandReader(frequent) as reader:
        found = reader.read()
    assert np.isnan(found[0]).all()
    np.testing.assert_array_equal(found[1:], values[1:].astype(np.float32))


@pytest.mark.parametrize(("size", "is_told"), [(0.03, True), (3.0, False)])
def test_phases_as_small_as_displacements_in_metres_are_told(tmp_path: Path, size: float, is_told: bool) -> None:
    values = np.random.default_rng(0).uniform(-size, size, (40, 50))
    said: list[str] = []
    checked_band(write_raster(tmp_path / "pair.tif", values), PHASE, Progress(on_warning=said.append))
    assert [line for line in said if "pair.tif: the unwrapped phase hardly exceeds" in line and "in m." in line] == (
        said if is_told else []
    )
    assert bool(said) == is_told


def of_bands(path: Path, kind: int, *options: str, count: int = 3) -> str:
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 50, 40, count, kind, options)
    dataset.SetGeoTransform((500000, 30, 0, 4000000, 0, -30))
    dataset.SetProjection(spatial_reference("EPSG:32645").ExportToWkt())
    for number in range(1, count + 1):
        dataset.GetRasterBand(number).WriteArray(np.arange(2000).reshape(40, 50) % 200 + number)
    return str(path)


def test_a_picture_is_no_measure(tmp_path: Path) -> None:
    path = of_bands(tmp_path / "drawn.tif", gdal.GDT_Byte, "PHOTOMETRIC=RGB", "ALPHA=YES", count=4)
    with pytest.raises(InputError, match=r"drawn\.tif is a picture in red, green and blue, not a DEM\."):
        checked_band(path, HEIGHTS)


def test_the_first_of_several_bands_is_told_unless_one_was_chosen(tmp_path: Path) -> None:
    path = of_bands(tmp_path / "many.tif", gdal.GDT_Float32)
    for band, told in ((Band(path), 1), (Band(path, 2), 0), (Band(of_bands(tmp_path / "one.tif", 6, count=1)), 0)):
        said: list[str] = []
        checked_band(band, HEIGHTS, Progress(on_warning=said.append))
        assert len([line for line in said if "many.tif has 3 bands; the first is read as DEM" in line]) == told


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


@pytest.mark.parametrize(
    ("kind", "value"),
    [(HEIGHTS, 300.0), (LOS_RATE, 20.0), (PHASE_RATE, 2.0), (PHASE, 2.0), (SLOPE, 20.0), (INCIDENCE, 35.0),
     (LOS_SENSITIVITY, 0.5), (COHERENCE, 0.5), (PROBABILITY, 0.5)],
    ids=lambda value: str(getattr(value, "label", "")) or None,
)  # fmt: skip
@pytest.mark.parametrize("marker", [-9999.0, 9999.0, -32768.0, 32767.0, -99999.0, 1e20, -1e20, -3.4e38, 1.7e38, 1e36])
def test_no_band_holds_a_marker(tmp_path: Path, kind: BandKind, value: float, marker: float) -> None:
    values = np.random.default_rng(0).uniform(0.9 * value, value, (200, 2000))
    values[:10] = marker
    values[150:160, 190:250] = marker
    said: list[str] = []
    band = checked_band(write_raster(tmp_path / "band.tif", values), kind, Progress(on_info=said.append))
    with BandReader(band) as reader:
        found = reader.read()
    assert np.isnan(found).sum() == 10 * 2000 + 600
    np.testing.assert_allclose(found[10:150], values[10:150], rtol=1e-6)
    assert sum("is exactly" in message and f"{np.float32(marker):g}" in message for message in said) == 1


def test_a_number_that_cannot_be_and_is_repeated_stands_for_no_data(tmp_path: Path) -> None:
    values = np.full((40, 50), 20.0)
    values[:3] = -1
    said: list[str] = []
    band = checked_band(write_raster(tmp_path / "slope.tif", values), SLOPE, Progress(on_info=said.append))
    with BandReader(band) as reader:
        assert np.isnan(reader.read()).sum() == 150
    assert any("7.5% of the slope is exactly -1" in message for message in said)


@pytest.mark.parametrize(
    ("kind", "numbers", "words"),
    [
        (HEIGHTS, (100, 25000), r"band\.tif can't be used as DEM: its numbers reach from .* m\. Check its byte order"),
        (LOS_RATE, (-1e28, 1e28), r"can't be used as LOS rate: its numbers reach from -.*e\+2. to .*e\+2. mm/yr"),
        (PHASE_RATE, (0, 1e7), r"can't be used as phase rate"),
        (SLOPE, (0, 300), r"can't be used as slope: its numbers reach from .* degree"),
        (SLOPE, (89.6, 90), r"can't be used as slope: .* Was it made of a DEM with degrees for metres"),
        (COHERENCE, (0, 40), r"can't be used as coherence: its numbers reach from 0[.]0\d+ to 39"),
        (COHERENCE, (0, 4000), r"can't be used as coherence"),
        (PROBABILITY, (-0.5, 0.5), r"can't be used as probability: .* Choose the result of Detect"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused(tmp_path: Path, kind: BandKind, numbers: tuple[float, float], words: str):
    values = np.random.default_rng(0).uniform(*numbers, (40, 50))
    with pytest.raises(InputError, match=words):
        checked_band(write_raster(tmp_path / "band.tif", values), kind)


def test_a_number_that_cannot_be_is_refused_where_the_sample_misses_it(tmp_path: Path) -> None:
    values = np.full((200, 2000), 20.0)
    values[150:160, 190:250] = np.random.default_rng(0).uniform(1e5, 1e6, (10, 60))
    band = checked_band(write_raster(tmp_path / "dem.tif", values), HEIGHTS)
    with BandReader(band) as reader, pytest.raises(InputError, match=r"dem\.tif can't be used as DEM"):
        reader.read()


@pytest.mark.parametrize(
    ("kind", "unit", "stored", "physical"),
    [
        (LOS_RATE, "m/yr", -0.05, -50.0),
        (LOS_RATE, "cm/yr", -5.0, -50.0),
        (LOS_RATE, "mm/day", -0.1, -36.525),
        (HEIGHTS, "ft", 1000.0, 304.8),
        (SLOPE, "rad", 0.5, 28.6478898),
        (INCIDENCE, "", 0.6, 34.3774677),
        (COHERENCE, "%", 30.0, 0.3),
        (PHASE, "cycles", 2.0, 4 * np.pi),
        (PHASE, "degrees", 90.0, np.pi / 2),
    ],
)
def test_units_become_that_of_the_kind(
    tmp_path: Path, kind: BandKind, unit: str, stored: float, physical: float
) -> None:
    values = np.linspace(0.5, 1, 2000).reshape(40, 50) * stored
    band = checked_band(write_raster(tmp_path / "band.tif", values, unit=unit), kind)
    with BandReader(band) as reader:
        np.testing.assert_allclose(reader.read(), np.linspace(0.5, 1, 2000).reshape(40, 50) * physical, rtol=1e-6)


@pytest.mark.parametrize(("top", "full"), [(1.0, 1.0), (97.0, 100.0), (200.0, 255.0), (255.0, 255.0)])
def test_shares_are_recognised_by_their_largest_number(tmp_path: Path, top: float, full: float) -> None:
    values = np.random.default_rng(0).uniform(0.1, 1, (40, 50)) * top
    values[0, 0] = top
    said: list[str] = []
    band = checked_band(write_raster(tmp_path / "cc.tif", values), COHERENCE, Progress(on_info=said.append))
    with BandReader(band) as reader:
        np.testing.assert_allclose(reader.read(), values / full, rtol=1e-6)
    assert [f"taken as 0 to {full:.0f} and divided" in message for message in said] == [True] * (full > 1)


def test_one_number_too_large_beside_parts_of_one_is_no_data(tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(0.1, 1, (40, 50))
    values[:4] = 255
    with BandReader(checked_band(write_raster(tmp_path / "cc.tif", values), COHERENCE)) as reader:
        found = reader.read()
    assert np.isnan(found[:4]).all() and np.array_equal(found[4:], values[4:].astype(np.float32))


def test_a_band_without_any_data_is_said(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "dem.tif", np.full((40, 50), -9999.0), nodata=-9999)
    with pytest.raises(InputError, match=r"dem\.tif holds no data at all: every pixel of the DEM is no data"):
        checked_band(path, HEIGHTS)
    assert checked_band(path, HEIGHTS, may_be_empty=True).kind is HEIGHTS


def test_a_few_valid_pixels_between_the_samples_are_data(tmp_path: Path) -> None:
    values = np.full((200, 2000), np.nan)
    values[155, 200] = 5
    assert checked_band(write_raster(tmp_path / "dem.tif", values), HEIGHTS).kind is HEIGHTS


@pytest.mark.parametrize("marker", [-9999.0, -3.4e38, 1e20])
@pytest.mark.parametrize("crs", [32632, 32633], ids=["same CRS", "another CRS"])
def test_a_marker_that_the_sample_misses_spoils_no_neighbours_on_another_grid(
    tmp_path: Path, marker: float, crs: int
) -> None:
    values = np.full((200, 2000), 5.0)
    values[150:160, 190:250] = marker
    path = write_raster(tmp_path / "dem.tif", values, 30)
    other = Grid.of(write_raster(tmp_path / "other.tif", np.zeros((9, 9)), 25, crs=crs))
    own = Grid.of(path)
    x, y = own.transform[0] + 30 * 180, own.transform[3] - 30 * 140
    if crs != 32632:
        to_other = osr.CoordinateTransformation(spatial_reference(own.crs), spatial_reference(other.crs))
        x, y, _ = to_other.TransformPoint(x, y)
    grid = Grid(other.crs, (x, 25.0, 0.0, y, 0.0, -25.0), 100, 40)
    with BandReader(checked_band(path, HEIGHTS), grid) as reader:
        assert reader.is_resampled
        found = reader.read()
    missing = np.isnan(found).sum() * 25 * 25 / (30 * 30)
    assert missing == pytest.approx(600, rel=0.05)
    assert set(np.unique(found[np.isfinite(found)])) == {5}


def test_overviews_that_were_made_with_a_marker_are_not_read(tmp_path: Path) -> None:
    values = np.full((512, 512), 1000, np.float32)
    values[:, 253:] = -9999
    path = write_raster(tmp_path / "dem.tif", values)
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.BuildOverviews("AVERAGE", [2, 4, 8])
    dataset = None
    own = Grid.of(path)
    coarse = own.resampled(8 * own.pixel_size)
    with BandReader(checked_band(path, HEIGHTS), coarse) as reader:
        found = reader.read()
    assert set(found[np.isfinite(found)].tolist()) == {1000}
    assert np.isfinite(found).mean() == pytest.approx(0.5, abs=0.05)


def test_more_numbers_that_cannot_be_than_layers_can_leave_out_are_told(tmp_path: Path) -> None:
    values = np.ones((60, 60), np.float32)
    values[10] = np.linspace(1e31, 1e37, 60)
    path = write_raster(tmp_path / "band.tif", values)
    own = Grid.of(path)
    grid = own.resampled(1.1 * own.pixel_size)
    words = r"band\.tif holds many different numbers that can't be"
    with BandReader(path, grid) as reader, pytest.raises(InputError, match=words):
        reader.read()
