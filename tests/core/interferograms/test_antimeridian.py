"""Stacks about 180° of longitude: one piece of ground, whichever way its longitudes are counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.interferograms import Stack, find_stack
from ada_mapper.core.raster import Grid, spatial_reference
from interferogram_products import write_tif
from stacks import YEAR, consecutive, rate_of

STEP = 1 / 1024
PAIRS = consecutive(4)


def at(longitude: float, columns: int, rows: int = 40, top: float = -16.0) -> Grid:
    return Grid("EPSG:4326", (longitude, STEP, 0.0, top, 0.0, -STEP), columns, rows)


def field(grid: Grid) -> np.ndarray:
    """Phase in rad after 12 days, smooth across 180°, by degrees east of 180 and by latitude, in exact steps."""
    x, dx, _, y, _, dy = grid.transform
    east = np.round((x + (np.arange(grid.width) + 0.5) * dx) / STEP * 2) / 2 % (360 / STEP) - 180 / STEP
    north = np.round((y + (np.arange(grid.height) + 0.5) * dy) / STEP * 2) / 2
    return 2 + east[None] / 256 + (north[:, None] + 16 / STEP) / 512


def write(folder: Path, number: int, grid: Grid, constant: float = 0.0) -> None:
    first, second = PAIRS[number]
    name = f"{first:%Y%m%d}_{second:%Y%m%d}.unw.tif"
    write_tif(folder / name, (field(grid) + constant).astype(np.float32), grid, -99)


def check(stack: Stack, folder: Path, share: float = 1.0) -> None:
    rate = rate_of(stack, folder)
    known = np.isfinite(rate)
    assert known.mean() >= share
    np.testing.assert_allclose(rate[known], (field(stack.grid) / (12 / YEAR))[known], atol=1e-6)
    assert abs(sum(stack.grid.bounds[::2])) / 2 <= 181


def test_files_of_which_some_reach_further_over_180_degrees(tmp_path):
    for k in range(4):
        write(tmp_path, k, at(180 - 25 * STEP, 46 + 10 * (k % 2)) if k != 3 else at(-180 - 25 * STEP, 56))
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 4
    assert (stack.grid.width, stack.grid.height) == (56, 40)
    check(stack, tmp_path)


def test_longitudes_of_0_to_360_and_of_180_to_180(tmp_path):
    for k in range(4):
        write(tmp_path, k, at(-180 + 10 * STEP + 360 * (k % 2), 50))
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 4 and stack.grid.width == 50
    assert stack.notes[0].startswith("No metadata")
    check(stack, tmp_path)


@pytest.mark.parametrize("constants", [(0, 0, 0, 0), (3, -4, 6, -1)])
def test_files_split_at_180_degrees(tmp_path, constants):
    for k, constant in enumerate(constants):
        write(tmp_path / "west", k, at(180 - 60 * STEP, 60))
        write(tmp_path / "east", k, at(-180, 30), constant)
    stack = find_stack(tmp_path)
    assert [pair.files for pair in stack.interferograms] == [2, 2, 2, 2]
    assert stack.grid.width == 90
    check(stack, tmp_path)


def test_frames_that_overlap_over_180_degrees(tmp_path):
    for k in range(4):
        write(tmp_path / "west", k, at(180 - 60 * STEP, 80))
        write(tmp_path / "east", k, at(-180 - 10 * STEP, 60, 50), 2.5 * k)
    stack = find_stack(tmp_path)
    assert [pair.files for pair in stack.interferograms] == [2, 2, 2, 2]
    assert (stack.grid.width, stack.grid.height) == (110, 50)
    check(stack, tmp_path, 0.9)


def test_frames_of_zones_60_and_1(tmp_path):
    """The last zone and the first one meet at 180°."""
    from osgeo import osr

    west = Grid("EPSG:32760", (780_000.0, 100.0, 0.0, 8_230_000.0, 0.0, -100.0), 460, 100)
    east = Grid("EPSG:32701", (180_000.0, 100.0, 0.0, 8_228_000.0, 0.0, -100.0), 300, 60)

    def smooth(grid: Grid) -> np.ndarray:
        x, dx, _, y, _, dy = grid.transform
        columns, rows = np.meshgrid(x + (np.arange(grid.width) + 0.5) * dx, y + (np.arange(grid.height) + 0.5) * dy)
        turn = osr.CoordinateTransformation(spatial_reference(grid.crs), spatial_reference("EPSG:4326"))
        lonlat = np.array(turn.TransformPoints(np.column_stack([columns.ravel(), rows.ravel()])))
        return (2 + 3 * (lonlat[:, 0] % 360 - 180) + 2 * (lonlat[:, 1] + 16)).reshape(columns.shape)

    for k, (first, second) in enumerate(PAIRS):
        for name, grid, constant in (("west", west, 0), ("east", east, 2.5 * k)):
            path = tmp_path / name / f"{first:%Y%m%d}_{second:%Y%m%d}.unw.tif"
            write_tif(path, (smooth(grid) + constant).astype(np.float32), grid, -99)
    stack = find_stack(tmp_path)
    assert [pair.files for pair in stack.interferograms] == [2, 2, 2, 2]
    rate, truth = rate_of(stack, tmp_path), smooth(stack.grid) / (12 / YEAR)
    known = np.isfinite(rate)
    assert known.sum() > 460 * 100 + 200 * 60
    # Half a pixel of slope, at the edges of what is warped.
    np.testing.assert_allclose(rate[known], truth[known], atol=0.06)


def test_another_lattice_beyond_180_degrees_is_resampled(tmp_path):
    for k in range(3):
        write(tmp_path, k, at(180 - 40 * STEP, 80))
    first, second = PAIRS[3]
    coarse = Grid("EPSG:4326", (-180 - 50 * STEP, 2 * STEP, 0.0, -16 + 10 * STEP, 0.0, -2 * STEP), 50, 30)
    plane = 2 + (np.arange(50)[None] * 2 + 1 - 50) / 256 - (np.arange(30)[:, None] * 2 + 1 - 10) / 512
    write_tif(tmp_path / f"{first:%Y%m%d}_{second:%Y%m%d}.unw.tif", plane.astype(np.float32), coarse, -99)
    stack = find_stack(tmp_path)
    assert stack.grid.same_as(replace(at(180 - 40 * STEP, 80), crs=stack.grid.crs))
    check(stack, tmp_path)
