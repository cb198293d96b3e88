"""Bands side by side read as one: where each reaches, what they add up to where they overlap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ada_mapper.core.raster import Band, Grid, Mosaic, MosaicPart, MosaicReader, Window
from interferogram_products import write_tif

GRID = Grid("EPSG:32647", (500_000.0, 40.0, 0.0, 3_500_000.0, 0.0, -40.0), 7, 4)


@pytest.fixture
def mosaic(tmp_path):
    """Columns 0..3 of ones, columns 2..5 of threes that are brought to fours; one pixel of each has no value."""
    left, right = np.ones((4, 4), np.float32), np.full((4, 4), 3, np.float32)
    left[0, 2] = right[1, 1] = -9
    x, dx, _, y, _, dy = GRID.transform
    files = [
        write_tif(tmp_path / "left.tif", left, replace(GRID, width=4), -9),
        write_tif(tmp_path / "right.tif", right, replace(GRID, width=4, transform=(x + 80, dx, 0, y, 0, dy)), -9),
    ]
    parts = (
        MosaicPart(Band(str(files[0])), Window(0, 0, 4, 4)),
        MosaicPart(Band(str(files[1])), Window(2, 0, 4, 4), 1.0),
    )
    return Mosaic(parts, GRID)


def expected() -> np.ndarray:
    row = [1, 1, 2.5, 2.5, 4, 4, np.nan]
    values = np.array([row] * 4, np.float32)
    values[0, 2], values[1, 3] = 4, 1
    return values


def test_overlaps_are_means_of_what_has_a_value(mosaic):
    with MosaicReader(mosaic) as reader:
        np.testing.assert_array_equal(reader.read(), expected())


@pytest.mark.parametrize("window", [Window(0, 0, 2, 4), Window(1, 1, 4, 2), Window(4, 0, 3, 3), Window(-2, -1, 12, 9)])
def test_windows_are_parts_of_the_whole(mosaic, window):
    whole = np.full((14, 17), np.nan, np.float32)
    whole[5:9, 5:12] = expected()
    rows = slice(5 + window.row, 5 + window.row + window.height)
    columns = slice(5 + window.column, 5 + window.column + window.width)
    out = np.zeros((window.height, window.width), np.float32)
    with MosaicReader(mosaic) as reader:
        assert reader.read(window, out) is out
    np.testing.assert_array_equal(out, whole[rows, columns])


def test_bands_that_a_window_does_not_reach_stay_closed(mosaic):
    opened = []

    def open_band(band):
        opened.append(band.path)
        raise AssertionError("opened")

    reader = MosaicReader(mosaic, open_band=open_band)
    assert np.isnan(reader.read(Window(6, 0, 1, 4))).all()
    with pytest.raises(AssertionError):
        reader.read(Window(4, 0, 3, 4))
    assert opened == [mosaic.parts[1].band.path]


def test_another_grid_of_the_same_pixels_only_moves_the_window(mosaic):
    x, dx, _, y, _, dy = GRID.transform
    grid = replace(GRID, width=3, height=2, transform=(x + 3 * dx, dx, 0, y + dy, 0, dy))
    with MosaicReader(mosaic, grid) as reader:
        np.testing.assert_array_equal(reader.read(), expected()[1:3, 3:6])
