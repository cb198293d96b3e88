"""Slope and aspect: planes, gdaldem, degrees, holes, units, faults."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal

from ada_mapper.core.errors import CancelledError, InputError, OutputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandReader
from ada_mapper.core.terrain import slope_to_file
from ada_mapper.core.terrain.slope import aspect_degrees, gradient, slope_degrees
from examples import examples
from stacks import read_raster, write_raster


def plane(shape: tuple[int, int], east: float, south: float, dx: float = 30, dy: float = 30) -> np.ndarray:
    rows, columns = np.indices(shape)
    return (1000 + east * dx * columns + south * dy * rows).astype(np.float32)


def slope_and_aspect(elevation: np.ndarray, dx: float, dy: float) -> tuple[np.ndarray, np.ndarray]:
    """Degrees of a whole DEM, as the tool computes them block by block."""
    east, south = gradient(np.pad(np.asarray(elevation, np.float32), 1, constant_values=np.nan), dx, dy)
    return slope_degrees(east, south), aspect_degrees(east, south)


@given(east=st.floats(-2, 2), south=st.floats(-2, 2), dx=st.floats(5, 90), dy=st.floats(5, 90), holes=st.floats(0, 0.5))
@examples(40)
def test_a_plane_keeps_its_slope_at_edges_and_beside_holes(
    east: float, south: float, dx: float, dy: float, holes: float
) -> None:
    elevation = plane((12, 15), east, south, dx, dy)
    generator = np.random.default_rng(0)
    elevation[generator.random(elevation.shape) < holes * 0.4] = np.nan
    slope, _ = slope_and_aspect(elevation, dx, dy)
    expected = math.degrees(math.atan(math.hypot(east, south)))
    np.testing.assert_array_equal(np.isnan(slope), np.isnan(elevation))
    np.testing.assert_allclose(slope[~np.isnan(slope)], expected, atol=0.02)


@pytest.mark.parametrize(
    ("east", "south", "direction"),
    [(0, 1, 0), (-1, 0, 90), (0, -1, 180), (1, 0, 270), (-1, 1, 45), (-1, -1, 135), (1, -1, 225), (1, 1, 315)],
)
def test_aspect_is_the_downslope_direction_clockwise_from_north(east: float, south: float, direction: float) -> None:
    _, aspect = slope_and_aspect(plane((6, 6), 0.3 * east, 0.3 * south), 30, 30)
    np.testing.assert_allclose(aspect, direction, atol=0.05)


def test_level_ground_has_slope_zero_and_no_aspect() -> None:
    slope, aspect = slope_and_aspect(np.full((4, 4), 7, np.float32), 30, 30)
    assert (slope == 0).all() and np.isnan(aspect).all()


def test_a_lonely_pixel_has_no_slope_and_one_in_a_line_has_the_slope_along_it() -> None:
    elevation = np.full((5, 5), np.nan, np.float32)
    elevation[0, 0] = 5
    elevation[3, 1:4] = [0, 10, 20]
    slope, _ = slope_and_aspect(elevation, 10, 10)
    assert np.isnan(slope[0, 0])
    np.testing.assert_allclose(slope[3, 1:4], 45, atol=1e-3)


def rough(shape: tuple[int, int], seed: int = 1) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return (1500 + 3000 * gaussian_filter(np.random.default_rng(seed).normal(size=shape), 4)).astype(np.float32)


def test_interior_equals_gdaldem(tmp_path: Path) -> None:
    elevation = rough((300, 400))
    elevation[100:120, 50:90] = -9999
    dem = write_raster(tmp_path / "dem.tif", elevation, 30.0, nodata=-9999.0)
    slope_to_file(dem, tmp_path / "slope.tif", tmp_path / "aspect.tif")
    for name in ("slope", "aspect"):
        theirs = gdal.DEMProcessing(str(tmp_path / f"{name}_gdal.tif"), dem, name)
        theirs = None
        theirs = read_raster(tmp_path / f"{name}_gdal.tif")
        ours = read_raster(tmp_path / f"{name}.tif")
        both = theirs != -9999
        assert both.mean() > 0.9
        if name == "aspect":
            # GDAL counts from the grid's north, which lies γ right of true north: tan γ = tan Δλ sin φ.
            east, radius = 30.0 * (np.arange(400) + 0.5), 6_389_000 * np.cos(np.radians(45.15))
            theirs = theirs + np.degrees(np.arctan(np.tan(east / radius) * np.sin(np.radians(45.15))))[None, :]
        difference = abs(ours[both] - theirs[both]) % 360
        difference = np.minimum(difference, 360 - difference)
        # Directions of nearly level ground depend on the last digit.
        assert np.quantile(difference, 0.999) < 0.01
        holes = elevation == -9999
        assert np.isnan(ours[holes]).all()
    assert np.isfinite(read_raster(tmp_path / "slope.tif")[~holes]).all()


def test_blocks_join_without_seams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elevation = rough((61, 40))
    dem = write_raster(tmp_path / "dem.tif", elevation, 30.0)
    monkeypatch.setattr("ada_mapper.core.terrain.slope._BLOCK_PIXELS", 40 * 7)
    monkeypatch.setattr("ada_mapper.core.terrain.slope._CHUNK_PIXELS", 40 * 3)
    slope_to_file(dem, tmp_path / "slope.tif")
    whole, _ = slope_and_aspect(elevation, 30, 30)
    np.testing.assert_allclose(read_raster(tmp_path / "slope.tif"), whole, atol=1e-4)


@pytest.mark.parametrize("latitude", [0.5, 46.0, 78.0])
def test_degrees_are_turned_into_metres_row_by_row(tmp_path: Path, latitude: float) -> None:
    """A hill made in metres on the sphere of the latitude has the slope that it was made with."""
    step = 1 / 3600
    rows, columns = np.indices((120, 120))
    latitudes = latitude - (rows + 0.5) * step
    east = np.radians(columns * step) * 6378137.0 * np.cos(np.radians(latitudes))
    elevation = (0.5 * east).astype(np.float32)
    dem = write_raster(tmp_path / "dem.tif", elevation, step, 4326, top=latitude)
    slope_to_file(dem, tmp_path / "slope.tif")
    slope = read_raster(tmp_path / "slope.tif")
    np.testing.assert_allclose(slope[:, :3], math.degrees(math.atan(0.5)), atol=0.2)


def test_feet_are_converted_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    feet = plane((20, 20), 0.5, 0) / np.float32(0.3048)
    dem = write_raster(tmp_path / "dem.tif", feet, 30.0, unit="ft")
    slope_to_file(dem, tmp_path / "slope.tif", progress=Progress(on_info=said.append))
    np.testing.assert_allclose(read_raster(tmp_path / "slope.tif"), math.degrees(math.atan(0.5)), atol=0.01)
    assert any("ft" in message and "0.3048" in message for message in said)


@pytest.mark.parametrize(("unit", "metres"), [("Metres", 1.0), ("mm", 0.001), ("US survey foot", 1200 / 3937)])
def test_heights_in_other_units_are_known(tmp_path: Path, unit: str, metres: float) -> None:
    dem = write_raster(tmp_path / "dem.tif", plane((5, 5), 0.2 / metres, 0), 30, unit=unit)
    slope_to_file(dem, tmp_path / "slope.tif")
    np.testing.assert_allclose(read_raster(tmp_path / "slope.tif"), math.degrees(math.atan(0.2)), rtol=1e-4)


def test_an_unknown_unit_is_taken_as_metres_and_told(tmp_path: Path) -> None:
    dem = write_raster(tmp_path / "dem.tif", plane((5, 5), 0.2, 0), 30, unit="furlong")
    said: list[str] = []
    slope_to_file(dem, tmp_path / "slope.tif", progress=Progress(on_warning=said.append))
    assert len(said) == 1 and "furlong" in said[0] and "m is assumed" in said[0]
    np.testing.assert_allclose(read_raster(tmp_path / "slope.tif"), math.degrees(math.atan(0.2)), rtol=1e-4)


def test_a_raster_of_no_heights_is_refused(tmp_path: Path) -> None:
    dem = write_raster(tmp_path / "dem.tif", plane((5, 5), 0, 0), unit="rad/yr")
    with pytest.raises(InputError, match=r"dem\.tif can't be used as DEM: its unit is “rad/yr”"):
        slope_to_file(dem, tmp_path / "slope.tif")


@pytest.mark.parametrize("marker", [-32768.0, -9999.0, -99999.0])
def test_undeclared_nodata_has_no_slope_and_is_told(tmp_path: Path, marker: float) -> None:
    heights = 1000 + plane((20, 30), 0.2, 0)
    heights[5:9, 7:11] = marker
    dem = write_raster(tmp_path / "dem.tif", heights, 30, unit="m", nodata=None)
    said: list[str] = []
    slope_to_file(dem, tmp_path / "slope.tif", progress=Progress(on_info=said.append))
    slope = read_raster(tmp_path / "slope.tif")
    assert np.isnan(slope[5:9, 7:11]).all()
    assert np.nanmax(slope) == pytest.approx(math.degrees(math.atan(0.2)), rel=1e-3)
    assert any("doesn't declare as no data" in message and f"{marker:g}" in message for message in said)


def test_declared_scale_counts(tmp_path: Path) -> None:
    heights = np.round(10 * (1000 + plane((20, 30), math.tan(math.radians(20)), 0)))
    dem = write_raster(tmp_path / "dem.tif", heights, 30, unit="m", nodata=None)
    dataset = gdal.Open(dem, gdal.GA_Update)
    dataset.GetRasterBand(1).SetScale(0.1)
    dataset = None
    slope_to_file(dem, tmp_path / "slope.tif")
    np.testing.assert_allclose(read_raster(tmp_path / "slope.tif"), 20, atol=0.2)


def test_readers_are_closed_when_a_run_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, closed = [], []
    enter, close = BandReader.__init__, BandReader.close
    monkeypatch.setattr(
        BandReader, "__init__", lambda self, *rest, **more: (opened.append(self), enter(self, *rest, **more))[1]
    )
    monkeypatch.setattr(BandReader, "close", lambda self: (closed.append(self), close(self))[1])
    monkeypatch.setattr("ada_mapper.core.terrain.slope._BLOCK_PIXELS", 100)
    dem = write_raster(tmp_path / "dem.tif", plane((50, 50), 0.1, 0))
    done: list[float] = []
    with pytest.raises(CancelledError):
        slope_to_file(
            dem, tmp_path / "s.tif", progress=Progress(on_fraction=done.append, is_cancelled=lambda: len(done) > 3)
        )
    assert len(opened) > 2 and set(map(id, opened)) == set(map(id, closed))


def test_a_dem_without_crs_is_refused(tmp_path: Path) -> None:
    dem = write_raster(tmp_path / "dem.tif", plane((5, 5), 0, 0), crs=None)
    with pytest.raises(InputError, match=r"dem\.tif.*coordinate reference system"):
        slope_to_file(dem, tmp_path / "slope.tif")


def test_results_are_described(tmp_path: Path) -> None:
    dem = write_raster(tmp_path / "dem.tif", plane((5, 5), 0.1, 0))
    slope_to_file(dem, tmp_path / "slope.tif", tmp_path / "aspect.tif")
    for name in ("slope", "aspect"):
        dataset = gdal.Open(str(tmp_path / f"{name}.tif"))
        band = dataset.GetRasterBand(1)
        assert (band.GetDescription(), band.GetUnitType()) == (name, "degree")
        assert math.isnan(band.GetNoDataValue())


def test_cancelling_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ada_mapper.core.terrain.slope._BLOCK_PIXELS", 100)
    dem = write_raster(tmp_path / "dem.tif", plane((50, 50), 0.1, 0))
    done: list[float] = []
    progress = Progress(on_fraction=done.append, is_cancelled=lambda: len(done) > 3)
    with pytest.raises(CancelledError):
        slope_to_file(dem, tmp_path / "slope.tif", progress=progress)
    assert [path.name for path in tmp_path.iterdir()] == ["dem.tif"]


def test_a_folder_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    dem = write_raster(tmp_path / "dem.tif", plane((5, 5), 0.1, 0))
    with pytest.raises(OutputError, match="can't be written"):
        slope_to_file(dem, Path(dem) / "slope.tif")


def test_a_truncated_dem_names_its_file(tmp_path: Path) -> None:
    dem = Path(write_raster(tmp_path / "dem.tif", rough((200, 200))))
    dem.write_bytes(dem.read_bytes()[:90_000])
    with pytest.raises(InputError, match=r"dem\.tif"):
        slope_to_file(dem, tmp_path / "slope.tif")
    assert [path.name for path in tmp_path.iterdir()] == ["dem.tif"]
