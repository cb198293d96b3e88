"""Displacement of an area date by date: known motions come back, with sign, groups and spread."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from osgeo import ogr

from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.evidence import area_time_series, network_of
from ada_mapper.core.interferograms import PairLimits, Stack
from ada_mapper.core.progress import Progress
from ada_mapper.core.stacking import StackOutputs, stack_to_files
from stacks import FIRST, WAVELENGTH, make_stack, network_days, read_raster, write_raster

UTM = "EPSG:32632"
SIDE, PIXEL = 50, 30.0
INSIDE = np.s_[20:30, 20:30]
RADIANS = 4 * np.pi / WAVELENGTH / 1000
"""Radians a millimetre away from the satellite."""


def box(first_row: int, last_row: int, first_column: int, last_column: int) -> bytes:
    """Whole pixels as WKB."""
    x = [500_000.0 + PIXEL * column for column in (first_column, last_column)]
    y = [5_000_000.0 - PIXEL * row for row in (last_row, first_row)]
    ring = f"{x[0]} {y[0]}, {x[1]} {y[0]}, {x[1]} {y[1]}, {x[0]} {y[1]}, {x[0]} {y[0]}"
    return bytes(ogr.CreateGeometryFromWkt(f"POLYGON (({ring}))").ExportToWkb())


AREA = box(20, 30, 20, 30)
WIDE = PairLimits(max_temporal_baseline=1000)


def phases(days: list[tuple[int, int]], toward: NDArray[np.floating], seed: int = 1) -> list[NDArray[np.floating]]:
    """Phases of pairs of an area that has moved ``toward[i]`` mm by day 12 i, each pair with a level of its own."""
    generator = np.random.default_rng(seed)
    result = []
    for first, second in days:
        values = np.full((SIDE, SIDE), generator.normal(0, 5))
        values[INSIDE] += -RADIANS * (toward[second // 12] - toward[first // 12])
        result.append(values)
    return result


def stack_of(folder: Path, toward: NDArray[np.floating], days: list[tuple[int, int]] | None = None) -> Stack:
    """The stack of such an area."""
    pairs = network_days(len(toward)) if days is None else days
    return make_stack(folder, phases(pairs, toward), pairs, pixel=PIXEL)


def test_a_constant_rate_is_a_line_with_the_sign_of_the_los_rate(tmp_path: Path) -> None:
    """-40 mm/yr comes back as a line of that slope, and as the LOS rate that stacking gives for the same pixels."""
    toward = -40 * 12 / 365.25 * np.arange(10)
    stack = stack_of(tmp_path / "pairs", toward)
    series = area_time_series(stack, AREA, UTM)
    assert series.dates == stack.dates
    assert series.displacement == pytest.approx(toward, abs=1e-3)
    assert series.spread == pytest.approx(0, abs=1e-3)
    assert series.rate == pytest.approx(-40, abs=1e-3)
    assert not series.component.any()
    assert (series.pairs, series.pairs_found) == (len(stack.interferograms),) * 2
    assert series.pixels == 100
    stack_to_files(stack, StackOutputs(tmp_path / "phase.tif", tmp_path / "los.tif"))
    los = read_raster(tmp_path / "los.tif")
    assert los[INSIDE].mean() - los[:10].mean() == pytest.approx(series.rate, abs=0.1)


def test_any_motion_comes_back(tmp_path: Path) -> None:
    """A step and a return are found date by date, not only a rate."""
    toward = np.array([0.0, 0.0, -8.0, -8.0, -3.0, 4.0, 4.0])
    assert area_time_series(stack_of(tmp_path, toward), AREA, UTM).displacement == pytest.approx(toward, abs=1e-3)


def test_groups_are_told_and_placed_without_motion_between(tmp_path: Path) -> None:
    """Two groups of dates keep their own motion; nothing moves in the gap, as the least norm has it."""
    toward = np.array([0.0, -1.0, -2.0, -30.0, -33.0, -36.0])
    days = [(0, 12), (12, 24), (0, 24), (36, 48), (48, 60)]
    series = area_time_series(stack_of(tmp_path, toward, days), AREA, UTM)
    assert series.component.tolist() == [0, 0, 0, 1, 1, 1]
    assert series.displacement == pytest.approx([0, -1, -2, -2, -5, -8], abs=1e-3)


def test_the_spread_is_that_of_the_stable_ground(tmp_path: Path) -> None:
    """Delays that vary over kilometres give every date but the first a spread of their size."""
    tilts = 6 * np.random.default_rng(3).normal(size=(12, 2))  # mm over the whole scene, by date
    pairs, toward = network_days(12), -2.0 * np.arange(12)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    with_delay = []
    for values, (first, second) in zip(phases(pairs, toward), pairs):
        south, east = tilts[second // 12] - tilts[first // 12]
        with_delay.append(values + RADIANS * (south * rows + east * columns))
    series = area_time_series(make_stack(tmp_path, with_delay, pairs, pixel=PIXEL), AREA, UTM)
    middle_of_ring = (10 / np.sqrt(np.pi) + np.mean(series.ring) / PIXEL) / SIDE
    expected = np.linalg.norm(tilts - tilts[0], axis=1) * middle_of_ring
    assert series.spread == pytest.approx(expected, rel=0.5)
    assert series.displacement == pytest.approx(toward, abs=0.5)  # a tilt has no effect in the middle of the ring


def test_the_spread_of_a_group_begins_at_its_first_date(tmp_path: Path) -> None:
    """How groups lie to each other is not measured, so the ground of the one tells nothing of the other."""
    days = [(0, 12), (12, 24), (0, 24), (36, 48), (48, 60), (36, 60)]
    tilts = np.array([0.0, 4.0, 30.0, 0.0, 4.0, 30.0])
    values = [
        phase + RADIANS * (tilts[second // 12] - tilts[first // 12]) * (np.arange(SIDE) / SIDE - 0.5)
        for phase, (first, second) in zip(phases(days, np.zeros(6)), days)
    ]
    spread = area_time_series(make_stack(tmp_path, values, days, pixel=PIXEL), AREA, UTM).spread
    assert spread[2] > 1
    assert spread[3:] == pytest.approx(spread[:3], abs=1e-3)


def test_a_wrong_pair_shows_as_misfit(tmp_path: Path) -> None:
    """One pair unwrapped wrongly by a cycle: its network can't close, and the spread says so."""
    pairs = network_days(8, reach=3)
    values = phases(pairs, np.zeros(8))
    values[5][INSIDE] += 2 * np.pi
    series = area_time_series(make_stack(tmp_path, values, pairs, pixel=PIXEL), AREA, UTM)
    assert series.spread[1:].min() > 1


def test_other_moving_ground_and_gaps_are_left_out_of_the_ring(tmp_path: Path) -> None:
    """A neighbour that moves, and pixels and pairs without data, don't change the answer."""
    toward = -3.0 * np.arange(8)
    pairs = network_days(8)
    values = phases(pairs, toward)
    for index, (phase, (first, second)) in enumerate(zip(values, pairs)):
        phase[10:18, 5:45] += RADIANS * (second - first)
        phase[20:24, 20:30] = np.nan
        if index == 3:
            phase[INSIDE] = np.nan
    stack = make_stack(tmp_path, values, pairs, pixel=PIXEL)
    series = area_time_series(stack, AREA, UTM, others=[box(10, 18, 5, 45)])
    assert series.displacement == pytest.approx(toward, abs=1e-3)
    assert series.pairs == len(pairs) - 1
    assert series.pixels == 60


def test_only_the_window_is_read_and_large_areas_are_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With few cells and pixels allowed the answer stays the same."""
    toward = -3.0 * np.arange(6)
    stack = stack_of(tmp_path, toward)
    monkeypatch.setattr("ada_mapper.core.evidence.time_series._MOST_CELLS", 400)
    monkeypatch.setattr("ada_mapper.core.evidence.time_series._MOST_PIXELS", 30)
    series = area_time_series(stack, AREA, UTM)
    assert series.pixels <= 30
    assert series.displacement == pytest.approx(toward, abs=1e-3)


def test_areas_smaller_than_a_pixel_and_in_degrees(tmp_path: Path) -> None:
    """Outlines may be in another CRS and cover no pixel's centre."""
    toward = -3.0 * np.arange(6)
    small = ogr.CreateGeometryFromWkb(box(25, 26, 25, 26)).Centroid().Buffer(2)
    from ada_mapper.core.vectors.outlines import in_crs

    degrees = in_crs([small], UTM, "EPSG:4326")[0]
    series = area_time_series(stack_of(tmp_path, toward), bytes(degrees.ExportToWkb()), "EPSG:4326")
    assert series.pixels == 1
    assert series.displacement[-1] == pytest.approx(toward[-1], abs=1e-3)


def test_the_network_of_a_folder(tmp_path: Path) -> None:
    """Pairs outside the limits and those left out by hand are not in it; leaving out all is an error."""
    toward, days = -3.0 * np.arange(5), [(0, 12), (12, 24), (0, 24), (24, 72)]
    for values, (first, second) in zip(phases(days, np.append(toward, [0, 0])), days):
        names = [f"{FIRST + timedelta(days=day):%Y%m%d}" for day in (first, second)]
        write_raster(tmp_path / f"{'_'.join(names)}.unw.tif", values, PIXEL)
    assert len(network_of(tmp_path, "geotiff").interferograms) == 3
    stack = network_of(tmp_path, "geotiff", excluded=["20200101_20200125"])
    assert [pair.name for pair in stack.interferograms] == ["20200101_20200113", "20200113_20200125"]
    with pytest.raises(InputError, match="left out by hand"):
        network_of(
            tmp_path, "geotiff", excluded=[pair.name for pair in network_of(tmp_path, "geotiff", WIDE).interferograms]
        )


def test_faults_are_sentences(tmp_path: Path) -> None:
    """Outside, without data, without CRS, cancelled."""
    toward = -3.0 * np.arange(4)
    pairs = network_days(4)
    stack = stack_of(tmp_path / "good", toward)
    with pytest.raises(InputError, match="outside"):
        area_time_series(stack, box(500, 510, 500, 510), UTM)
    with pytest.raises(InputError, match="coordinate reference system"):
        area_time_series(stack, AREA, "")
    values = phases(pairs, toward)
    for phase in values:
        phase[INSIDE] = np.nan
    with pytest.raises(InputError, match="no phases in this area"):
        area_time_series(make_stack(tmp_path / "hole", values, pairs, pixel=PIXEL), AREA, UTM)
    alone = [np.where(np.isfinite(phase), np.nan, phase) for phase in values]
    for phase in alone:
        phase[INSIDE] = 1.0
    with pytest.raises(InputError, match="ground around"):
        area_time_series(make_stack(tmp_path / "alone", alone, pairs, pixel=PIXEL), AREA, UTM)
    with pytest.raises(CancelledError):
        area_time_series(stack, AREA, UTM, progress=replace(Progress(), is_cancelled=lambda: True))
