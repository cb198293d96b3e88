"""Tests of the local mean on a coarse lattice of cells."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.raster import Cells, RunningLatticeRelief, above_lattice_mean, above_local_mean
from ada_mapper.core.types import Array

NAN = np.nan


def _rough(height: int, width: int, gaps: float = 0.0, seed: int = 1) -> Array:
    random = np.random.default_rng(seed)
    values = random.normal(0, 10, (height, width)).astype(np.float32)
    values[random.random(values.shape) < gaps] = NAN
    return values


def _dense(values: Array, cells: Cells, origin: tuple[int, int]) -> Array:
    """The definition, pixel by pixel in plain loops."""
    height, width = values.shape

    def mean(cell_row: int, cell_column: int) -> float:
        first_row = (cell_row - cells.reach) * cells.side - origin[1]
        first_column = (cell_column - cells.reach) * cells.side - origin[0]
        span = (2 * cells.reach + 1) * cells.side
        box = values[
            max(first_row, 0) : max(first_row + span, 0), max(first_column, 0) : max(first_column + span, 0)
        ].astype(float)
        known = box[np.isfinite(box)]
        return float(known.mean()) if known.size else 0.0

    result = np.full((height, width), NAN)
    for row, column in itertools.product(range(height), range(width)):
        y = (row + origin[1] + 0.5) / cells.side - 0.5
        x = (column + origin[0] + 0.5) / cells.side - 0.5
        up, left = int(np.floor(y)), int(np.floor(x))
        down, right = y - up, x - left
        local = sum(
            mean(up + i, left + j) * abs(1 - i - down) * abs(1 - j - right)
            for i, j in itertools.product((0, 1), (0, 1))
        )
        result[row, column] = values[row, column] - local
    return result


@pytest.mark.parametrize("gaps", (0.0, 0.3, 0.9))
@pytest.mark.parametrize(
    ("cells", "origin"), ((Cells(4, 2), (0, 0)), (Cells(5, 1), (13, -7)), (Cells(1, 3), (2, 5)), (Cells(20, 2), (7, 3)))
)
def test_equals_the_definition(cells: Cells, origin: tuple[int, int], gaps: float) -> None:
    values = _rough(19, 26, gaps)
    np.testing.assert_allclose(
        above_lattice_mean(values, cells, origin), _dense(values, cells, origin), atol=2e-5, equal_nan=True
    )


def test_an_offset_and_a_ramp_vanish() -> None:
    """With gaps or at edges a ramp's mean is that of the pixels that are there; an offset vanishes everywhere."""
    rows, columns = np.mgrid[:90, :80]
    ramp = (0.25 * rows - 0.5 * columns + 700).astype(np.float32)
    cells = Cells(6, 3)
    inner = slice(cells.halo, -cells.halo)
    assert np.abs(above_lattice_mean(ramp, cells, (4, 9))[inner, inner]).max() < 1e-4
    rough = _rough(90, 80, 0.2)
    moved = above_lattice_mean(rough + np.float32(256), cells)
    np.testing.assert_allclose(moved, above_lattice_mean(rough, cells), atol=1e-3, equal_nan=True)


@given(st.integers(1, 9), st.integers(1, 3), st.integers(-50, 50), st.integers(-50, 50), st.integers(0, 30))
def test_a_window_with_its_halo_gives_what_the_whole_gives(
    side: int, reach: int, column: int, row: int, first: int
) -> None:
    cells, values = Cells(side, reach), _rough(110, 100, 0.1)
    whole = above_lattice_mean(values, cells, (column, row))
    inner = slice(first + cells.halo, first + cells.halo + 5)
    cut = slice(first, first + 2 * cells.halo + 5)
    window = above_lattice_mean(values[cut, cut], cells, (column + first, row + first))
    expected = whole[inner, inner]
    found = window[cells.halo : cells.halo + expected.shape[0], cells.halo : cells.halo + expected.shape[1]]
    np.testing.assert_allclose(found, expected, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("chunk", (1, 7, 64))
def test_rows_in_any_chunks_give_the_same(chunk: int) -> None:
    values, cells, origin = _rough(83, 40, 0.2), Cells(5, 2), (3, 11)
    running, found, row = RunningLatticeRelief(cells, 40, origin), np.empty_like(values), 0
    for first in range(0, 83, chunk):
        running.push(values[first : first + chunk])
        done = found[row : row + running.ready // 2]
        running.give(done)
        row += len(done)
    running.finish()
    assert running.ready == 83 - row
    running.give(found[row:])
    np.testing.assert_allclose(found, above_lattice_mean(values, cells, origin), atol=1e-5, equal_nan=True)


def test_rows_are_ready_when_the_halo_below_them_is_there() -> None:
    cells = Cells(5, 2)
    for row in range(12):
        running = RunningLatticeRelief(cells, 8, (0, row))
        for pushed in range(1, 60):
            running.push(np.zeros((1, 8), np.float32))
            assert pushed >= running.ready >= pushed - cells.halo


def test_smooth_fields_lose_nearly_what_the_box_takes() -> None:
    """Of a wave of 10 and 200 pixels the box of 41 leaves 1.35; that of whole cells, 45 wide, 0.3 more."""
    rows, columns = np.mgrid[:160, :160]
    wave = (10 * np.sin(2 * np.pi * (rows + columns) / 200)).astype(np.float32)
    box, lattice = above_local_mean(wave, 20), above_lattice_mean(wave, Cells.of_radius(20, 4))
    inner = slice(40, -40)
    assert np.abs(box[inner, inner]).max() == pytest.approx(1.35, abs=0.1)
    assert np.abs(box - lattice)[inner, inner].max() < 0.35


@pytest.mark.parametrize(
    ("radius", "reach", "expected"), ((100, 4, Cells(22, 4)), (50, 4, Cells(11, 4)), (3, 4, Cells(1, 3)))
)
def test_cells_span_the_radius(radius: int, reach: int, expected: Cells) -> None:
    assert Cells.of_radius(radius, reach) == expected


def test_single_pixels_are_the_box() -> None:
    values = _rough(30, 30, 0.3)
    lattice = above_lattice_mean(values, Cells(1, 3), (5, 8))
    np.testing.assert_allclose(lattice, above_local_mean(values, 3), atol=1e-5, equal_nan=True)
