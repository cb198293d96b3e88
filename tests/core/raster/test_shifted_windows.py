"""Reading a band on a grid of the same pixels but another extent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from ada_mapper.core.errors import InputError
from ada_mapper.core.raster import Band, BandDescription, BandReader, Grid, Window, open_raster, write_array
from examples import examples

OWN = Grid("EPSG:32643", (500_000.0, 30.0, 0.0, 3_900_000.0, 0.0, -30.0), 9, 7)
VALUES = np.arange(63, dtype=np.float32).reshape(7, 9) + 1


def moved(columns: float, rows: float, width: int, height: int) -> Grid:
    x, dx, _, y, _, dy = OWN.transform
    return Grid(OWN.crs, (x + columns * dx, dx, 0.0, y + rows * dy, 0.0, dy), width, height)


@pytest.fixture
def path(tmp_path):
    write_array(tmp_path / "own.tif", OWN, VALUES, BandDescription("phase"))
    return tmp_path / "own.tif"


@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(st.integers(-12, 12), st.integers(-12, 12), st.integers(1, 14), st.integers(1, 14)),
    st.tuples(st.integers(-5, 15), st.integers(-5, 15), st.integers(1, 10), st.integers(1, 10)),
)
def test_windows_hold_the_stored_values_and_nan_elsewhere(path, extent, window):
    grid = moved(*extent)
    plane = np.full((80, 80), np.nan, np.float32)
    plane[30:37, 30:39] = VALUES
    inside = np.full_like(plane, np.nan)
    row, column = 30 + extent[1], 30 + extent[0]
    region = slice(row, row + grid.height), slice(column, column + grid.width)
    inside[region] = plane[region]
    column, row = column + window[0], row + window[1]
    with BandReader(path, grid) as reader:
        assert not reader.is_resampled
        np.testing.assert_array_equal(
            reader.read(Window(*window)), inside[row : row + window[3], column : column + window[2]]
        )
        np.testing.assert_array_equal(reader.read(), inside[region])


def test_offsets_of_grids():
    assert OWN.offset_of(OWN) == (0, 0)
    assert OWN.offset_of(moved(3, -2, 4, 5)) == (3, -2)
    assert OWN.offset_of(moved(3.004, -2, 4, 5)) == (3, -2)
    assert OWN.offset_of(moved(3.5, -2, 4, 5)) is None
    assert OWN.offset_of(replace(OWN, crs="EPSG:32644")) is None
    assert OWN.offset_of(replace(OWN, transform=(500_000.0, 30.1, 0.0, 3_900_000.0, 0.0, -30.0))) is None


def test_pixels_that_do_not_coincide_are_resampled(path):
    with BandReader(path, moved(0.5, 0, 8, 7)) as reader:
        assert reader.is_resampled
        np.testing.assert_allclose(reader.read(), VALUES[:, :-1] + 0.5, rtol=1e-6)


def test_messages_call_a_band_by_its_name():
    band = Band("<VRTDataset>broken", name="20061106-20061211_utm.unw")
    assert (band.label, Band("a.tif").label) == ("20061106-20061211_utm.unw", "a.tif")
    with pytest.raises(InputError, match=r"^20061106-20061211_utm\.unw can't be read"):
        open_raster(band.path, band.label)
