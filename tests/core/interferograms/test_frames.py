"""Files of a pair side by side, doubled pairs and distant ground: what is read where, against known fields."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.interferograms import Stack, find_stack, select_pairs
from ada_mapper.core.raster import BandReader, Grid, Mosaic, reader_of_any, spatial_reference
from interferogram_products import write_text, write_tif
from stacks import YEAR, consecutive, rate_of

PIXEL = 80.0
ZONE = Grid("EPSG:32645", (500_000.0, PIXEL, 0.0, 4_000_000.0, 0.0, -PIXEL), 1, 1)

Field = Callable[[np.ndarray, np.ndarray], np.ndarray]


def at(column: int, row: int, width: int, height: int, zone: Grid = ZONE) -> Grid:
    """A grid by its pixels on the endless one of the zone."""
    x, dx, _, y, _, dy = zone.transform
    return Grid(zone.crs, (x + column * dx, dx, 0.0, y + row * dy, 0.0, dy), width, height)


def plane(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Phase in rad after 12 days by coordinates in metres, in steps that float32 holds exactly."""
    columns, rows = (x - 500_000) / PIXEL, (4_000_000 - y) / PIXEL
    return np.round(1024 * (0.25 + columns / 256 - rows / 512)) / 1024


def centres(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    x, dx, _, y, _, dy = grid.transform
    columns, rows = np.meshgrid(np.arange(grid.width), np.arange(grid.height))
    return x + (columns + 0.5) * dx, y + (rows + 0.5) * dy


def write_frame(
    folder: Path,
    grid: Grid,
    pairs: Sequence[tuple[date, date]],
    code: str = "AAAA",
    time: str = "135156",
    field: Field = plane,
    constants: Sequence[float] | None = None,
    coherence: float = 0.8,
) -> None:
    """HyP3 products of one frame: a rate, and a constant of each pair."""
    values = field(*centres(grid))
    for k, (first, second) in enumerate(pairs):
        name = f"S1AA_{first:%Y%m%d}T{time}_{second:%Y%m%d}T{time}_VVP012_INT80_G_ueF_{code}"
        phase = values * ((second - first).days / 12) + (constants[k] if constants is not None else 0.0)
        phase[values == 0] = 0
        write_tif(folder / name / f"{name}_unw_phase.tif", phase.astype(np.float32), grid, 0)
        write_tif(folder / name / f"{name}_corr.tif", np.full(values.shape, coherence, np.float32), grid, 0)
        write_text(folder / name / f"{name}.txt", f"Baseline: {30 + k}\nHeading: -168.1\n")


def truth_on(grid: Grid) -> np.ndarray:
    """The rate of the plane in rad/yr."""
    return plane(*centres(grid)) / (12 / YEAR)


def read(stack: Stack, i: int, coherence: bool = False) -> np.ndarray:
    pair = stack.interferograms[i]
    with reader_of_any(pair.coherence if coherence else pair.phase, stack.grid) as reader:
        return reader.read()


def noted(stack: Stack, *words: str) -> bool:
    return any(all(word in note for word in words) for note in stack.notes)


CONSTANTS = np.random.default_rng(3).integers(-1000, 1000, (4, 5)) / 64
"""Of each frame and pair, in rad."""


@pytest.mark.parametrize(
    "grids",
    [
        [at(0, 0, 80, 100), at(0, 80, 80, 90)],
        [at(0, 0, 80, 60), at(70, 0, 60, 60), at(0, 50, 80, 40), at(70, 50, 60, 40)],
        [at(0, 0, 60, 50), at(12, 40, 60, 50), at(24, 80, 60, 50)],
        [at(0, 0, 90, 60), at(0, 60, 90, 40)],
        [at(0, 0, 90, 60), at(90, 0, 40, 60)],
    ],
    ids=["two", "two by two", "chain", "touching rows", "touching columns"],
)
def test_frames_with_constants_of_their_own_give_the_rate_of_the_ground(tmp_path, grids):
    for k, grid in enumerate(grids):
        constants = CONSTANTS[k] if k else None
        write_frame(tmp_path, grid, consecutive(5), f"{k:04}", f"1351{10 + 25 * k % 50:02}", constants=constants)
    stack = find_stack(tmp_path)
    assert [pair.files for pair in stack.interferograms] == [len(grids)] * 5
    covered = np.zeros((stack.grid.height, stack.grid.width), bool)
    for grid in grids:
        column, row = stack.grid.offset_of(grid)
        covered[row : row + grid.height, column : column + grid.width] = True
    np.testing.assert_allclose(rate_of(stack, tmp_path), np.where(covered, truth_on(stack.grid), np.nan), atol=1e-6)
    assert noted(stack, "5 of 5 pairs consist of several files side by side")
    others = CONSTANTS[1 : len(grids)]
    told = f"from {min(others.min(), 0):+.2f} to {max(others.max(), 0):+.2f} rad: 20200101_20200113 "
    assert noted(stack, "constant of its own", told)


def test_overlaps_are_averaged_and_so_is_the_coherence(tmp_path):
    write_frame(tmp_path, at(0, 0, 30, 30), consecutive(1), "AAAA", coherence=0.5)
    noise = np.zeros((30, 30))
    noise[10:20, :15], noise[10:20, 15:] = 0.5, -0.5
    write_frame(
        tmp_path, at(0, 10, 30, 30), consecutive(1), "BBBB", field=lambda x, y: plane(x, y) + noise, coherence=1.0
    )
    stack = find_stack(tmp_path)
    truth = plane(*centres(stack.grid))
    truth[20:30, :15] += 0.25
    truth[20:30, 15:] -= 0.25
    np.testing.assert_allclose(read(stack, 0), truth, atol=1e-6)
    coherence = np.repeat([0.5, 0.75, 1.0], [10, 20, 10])[:, None] * np.ones(30)
    np.testing.assert_allclose(read(stack, 0, coherence=True), coherence, atol=1e-6)
    assert select_pairs(stack).mean_coherence == pytest.approx({"20200101_20200113": 0.75})


def test_unwrapping_errors_in_the_overlap_do_not_move_a_frame_and_are_told(tmp_path):
    write_frame(tmp_path, at(0, 0, 60, 60), consecutive(2), "AAAA")
    torn = np.zeros((60, 60))
    torn[:20, :20] = 2 * np.pi
    write_frame(
        tmp_path, at(0, 40, 60, 60), consecutive(2), "BBBB", field=lambda x, y: plane(x, y) + torn, constants=(3, -5)
    )
    stack = find_stack(tmp_path)
    np.testing.assert_allclose(read(stack, 1)[60:], plane(*centres(stack.grid))[60:], atol=1e-5)
    assert noted(stack, "more than a constant", "AAAA_unw_phase.tif and", "BBBB_unw_phase.tif")


def test_patches_of_several_cycles_do_not_move_a_frame(tmp_path):
    """No half of the overlap agrees: 40 % are right, the rest is one and two cycles off."""
    torn = np.zeros((60, 60))
    torn[8:14], torn[14:20] = 2 * np.pi, 4 * np.pi
    write_frame(tmp_path, at(0, 0, 60, 60), consecutive(1), "AAAA")
    write_frame(
        tmp_path, at(0, 40, 60, 60), consecutive(1), "BBBB", field=lambda x, y: plane(x, y) + torn, constants=(-3,)
    )
    stack = find_stack(tmp_path)
    np.testing.assert_allclose(read(stack, 0)[60:], plane(*centres(stack.grid))[60:], atol=1e-5)


def test_files_that_differ_by_a_ramp_are_told(tmp_path):
    write_frame(tmp_path, at(0, 0, 60, 60), consecutive(1), "AAAA")
    ramp = np.linspace(-20, 20, 60)[None] * np.ones((60, 1))
    write_frame(tmp_path, at(0, 40, 60, 60), consecutive(1), "BBBB", field=lambda x, y: plane(x, y) + ramp)
    stack = find_stack(tmp_path)
    assert noted(stack, "more than a constant")
    difference = read(stack, 0)[60:] - plane(*centres(stack.grid))[60:]
    np.testing.assert_allclose(difference, ramp[:40], atol=0.05)


def test_a_frame_in_another_zone_is_resampled_to_the_larger_one(tmp_path):
    """Two zones meet at 90° E: the second frame is written by the projection of each of its pixels."""
    from osgeo import osr

    west = Grid("EPSG:32645", (700_000.0, PIXEL, 0.0, 4_000_000.0, 0.0, -PIXEL), 1, 1)
    large = at(0, 0, 900, 100, west)
    east = Grid("EPSG:32646", (216_000.0, PIXEL, 0.0, 4_006_400.0, 0.0, -PIXEL), 400, 160)

    def smooth(x, y):
        return 2 + 1e-5 * (x - 700_000) + 3e-5 * (y - 4_000_000)

    def from_east(x, y):
        turn = osr.CoordinateTransformation(spatial_reference(east.crs), spatial_reference(west.crs))
        points = np.array(turn.TransformPoints(np.column_stack([x.ravel(), y.ravel()])))
        return smooth(points[:, 0].reshape(x.shape), points[:, 1].reshape(x.shape))

    write_frame(tmp_path, large, consecutive(3), "AAAA", field=smooth)
    write_frame(tmp_path, east, consecutive(3), "BBBB", field=from_east, constants=(1.5, -2.5, 4.0))
    stack = find_stack(tmp_path)
    assert stack.grid.offset_of(large) is not None
    assert noted(stack, "Resampled", "BBBB_unw_phase.tif")
    rate = rate_of(stack, tmp_path)
    truth = smooth(*centres(stack.grid)) / (12 / YEAR)
    known = np.isfinite(rate)
    assert known.sum() > 900 * 100 + 200 * 40
    # At the edges of the warped frame a value stands half a pixel off, of a slope of 0.08 rad/yr a pixel.
    np.testing.assert_allclose(rate[known], truth[known], atol=0.04)


def test_ground_of_a_frame_that_misses_a_date_has_no_data_there(tmp_path):
    write_frame(tmp_path, at(0, 0, 30, 30), consecutive(4), "AAAA")
    write_frame(tmp_path, at(0, 20, 30, 30), [consecutive(4)[i] for i in (0, 1, 3)], "BBBB", constants=(1, 2, 3))
    stack = find_stack(tmp_path)
    assert [pair.files for pair in stack.interferograms] == [2, 2, 1, 2]
    assert np.isnan(read(stack, 2)[30:]).all() and np.isfinite(read(stack, 2)[:30]).all()
    np.testing.assert_allclose(rate_of(stack, tmp_path), truth_on(stack.grid), atol=1e-6)
    assert noted(stack, "Fewer files than the other pairs have 20200125_20200206", "reference on ground that all")


def test_of_frames_that_do_not_touch_the_largest_is_mapped_and_the_others_are_named(tmp_path):
    write_frame(tmp_path, at(0, 0, 30, 30), consecutive(3), "AAAA")
    write_frame(tmp_path, at(0, 31, 30, 40), consecutive(3), "BBBB")
    write_frame(tmp_path, at(0, 71, 30, 10), consecutive(3), "CCCC")
    stack = find_stack(tmp_path)
    assert stack.grid.same_as(at(0, 31, 30, 50))
    assert noted(stack, "Left out", "AAAA_unw_phase.tif", "folder of only these files")
    np.testing.assert_allclose(rate_of(stack, tmp_path), truth_on(stack.grid), atol=1e-6)


def test_frames_whose_overlap_has_no_phases_are_not_guessed_together(tmp_path):
    """The rectangles overlap, the phases in them don't: nothing tells the constant between the two."""

    def upper(x, y):
        return np.where(np.arange(30)[:, None] < 18, plane(x, y), 0)

    write_frame(tmp_path, at(0, 0, 30, 30), consecutive(3), "AAAA", field=upper)
    write_frame(tmp_path, at(0, 20, 30, 40), consecutive(3), "BBBB", constants=(1, 2, 3))
    stack = find_stack(tmp_path)
    assert stack.grid.same_as(at(0, 20, 30, 40))
    assert [pair.files for pair in stack.interferograms] == [1, 1, 1]
    assert noted(stack, "Left out", "AAAA_unw_phase.tif")


def test_a_frame_that_nothing_ties_in_one_pair_is_left_out_of_that_pair(tmp_path):
    write_frame(tmp_path, at(0, 0, 30, 40), consecutive(3), "AAAA")
    write_frame(tmp_path, at(0, 30, 30, 30), consecutive(3)[:2], "BBBB", constants=(1, 2))

    def lower(x, y):
        return np.where(np.arange(30)[:, None] > 12, plane(x, y), 0)

    write_frame(tmp_path, at(0, 30, 30, 30), consecutive(3)[2:], "BBBB", constants=(3,), field=lower)
    stack = find_stack(tmp_path)
    assert [pair.files for pair in stack.interferograms] == [2, 2, 1]
    assert noted(stack, "too few pixels", "20200125T135156_20200206T135156", "no data in these pairs")
    np.testing.assert_allclose(rate_of(stack, tmp_path), truth_on(stack.grid), atol=1e-6)


def test_frames_cut_to_one_extent_are_told_by_their_phases(tmp_path):
    """All files have one extent, but each holds the phases of its own frame only."""
    whole = at(0, 0, 40, 60)

    def rows(first, last):
        inside = (np.arange(60) >= first) & (np.arange(60) < last)
        return lambda x, y: np.where(inside[:, None], plane(x, y), 0)

    write_frame(tmp_path, whole, consecutive(3), "AAAA", field=rows(0, 40))
    write_frame(tmp_path, whole, consecutive(3), "BBBB", field=rows(30, 60))
    stack = find_stack(tmp_path)
    assert [pair.files for pair in stack.interferograms] == [2, 2, 2]
    np.testing.assert_allclose(rate_of(stack, tmp_path), truth_on(whole), atol=1e-6)


@pytest.mark.parametrize("newest", ["AAAA", "BBBB"])
def test_of_a_pair_processed_twice_the_newest_is_used(tmp_path, newest):
    for code, constant in (("AAAA", 1.0), ("BBBB", 2.0)):
        folder = tmp_path / code
        write_frame(folder, at(0, 0, 30, 30), consecutive(2), code, constants=(constant, constant))
        for path in folder.rglob("*.tif"):
            os.utime(path, (1_600_000_000 + (code == newest),) * 2)
    stack = find_stack(tmp_path)
    assert [pair.files for pair in stack.interferograms] == [1, 1]
    constant = 1.0 if newest == "AAAA" else 2.0
    np.testing.assert_allclose(read(stack, 0), plane(*centres(stack.grid)) + constant, atol=1e-6)
    assert noted(stack, "The pair 20200101_20200113 is there twice", f"{newest}_unw_phase.tif is used", "newer")


def test_the_time_of_processing_in_a_tiff_says_which_is_newer(tmp_path):
    pair = "20180106_20180130"
    for k, stamp in enumerate(("2023:05:01 10:00:00", "2021:05:01 10:00:00")):
        values = np.full((30, 30), 1.0 + k, np.float32)
        path = write_tif(
            tmp_path / str(k) / f"{pair}.unw.tif", values, at(0, 0, 30, 30), tags={"TIFFTAG_DATETIME": stamp}
        )
        os.utime(path, (1_600_000_000 + k,) * 2)
    assert (read(find_stack(tmp_path), 0) == 1).all()


def test_a_file_within_another_one_adds_nothing(tmp_path):
    write_frame(tmp_path / "whole", at(0, 0, 60, 60), consecutive(2), "AAAA")
    write_frame(tmp_path / "cut", at(10, 10, 20, 20), consecutive(2), "BBBB", constants=(1, 1))
    for path in (tmp_path / "whole").rglob("*.tif"):
        os.utime(path, (1_600_000_000,) * 2)
    stack = find_stack(tmp_path)
    assert stack.grid.same_as(at(0, 0, 60, 60))
    np.testing.assert_allclose(rate_of(stack, tmp_path), truth_on(stack.grid), atol=1e-6)
    assert noted(stack, "AAAA_unw_phase.tif is used, as it covers more ground")


def test_a_large_overlap_is_sampled_within_bounds(tmp_path, monkeypatch):
    from ada_mapper.core.interferograms import overlap

    read_pixels = []

    class Counted(BandReader):
        def read(self, window=None, out=None):
            read_pixels.append(window.width * window.height)
            return super().read(window, out)

    write_frame(tmp_path, at(0, 0, 700, 900), consecutive(1), "AAAA")
    write_frame(tmp_path, at(0, 100, 700, 900), consecutive(1), "BBBB", constants=(7.25,))
    monkeypatch.setattr(overlap, "BandReader", Counted)
    stack = find_stack(tmp_path)
    assert 0 < sum(read_pixels) <= 2 * 16 * 64 * 64
    monkeypatch.undo()
    np.testing.assert_allclose(read(stack, 0), plane(*centres(stack.grid)), atol=1e-6)
    assert isinstance(stack.interferograms[0].phase, Mosaic)


def test_what_an_overlap_shows_is_remembered_until_a_file_changes(tmp_path, monkeypatch):
    from ada_mapper.core.interferograms import overlap

    opened = []
    real = overlap.BandReader

    def counted(*arguments):
        opened.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(overlap, "BandReader", counted)
    for k, constant in enumerate((3.0, 5.0)):
        write_frame(tmp_path, at(0, 0, 30, 30), consecutive(2), "AAAA")
        write_frame(tmp_path, at(0, 20, 30, 30), consecutive(2), "BBBB", constants=(constant, constant))
        for path in tmp_path.rglob("*.tif"):
            os.utime(path, (1_600_000_000 + k,) * 2)
        for _ in range(2):
            np.testing.assert_allclose(read(find_stack(tmp_path), 0)[30:], plane(*centres(at(0, 30, 30, 20))))
    assert len(opened) == 2 * 2 * 2


def test_pairs_of_a_table_may_have_several_files(tmp_path):
    lines = ["file,date1,date2"]
    for k, grid in enumerate((at(0, 0, 30, 30), at(20, 0, 30, 30))):
        for first, second in consecutive(2):
            name = f"{'ab'[k]}_{first:%j}.tif"
            phase = (plane(*centres(grid)) + 5 * k).astype(np.float32)
            write_tif(tmp_path / name, phase, grid, -99)
            lines.append(f"{name},{first},{second}")
    write_text(tmp_path / "pairs.csv", "\n".join(lines))
    stack = find_stack(None, pairs_file=tmp_path / "pairs.csv")
    assert [pair.files for pair in stack.interferograms] == [2, 2]
    np.testing.assert_allclose(rate_of(stack, tmp_path), truth_on(stack.grid), atol=1e-6)
