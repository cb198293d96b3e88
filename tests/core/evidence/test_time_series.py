"""Displacement of an area date by date: known motions come back, with sign, groups and spread."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from osgeo import gdal, ogr

import interferogram_products
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.evidence import area_time_series, network_of
from ada_mapper.core.interferograms import PairLimits, Stack
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import reader_of_any
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


def test_a_tilt_of_the_delay_leaves_the_middle_of_the_ring_alone(tmp_path: Path) -> None:
    """Delays that vary evenly over kilometres hardly change the series, and its errors say so."""
    tilts = 6 * np.random.default_rng(3).normal(size=(12, 2))  # mm over the whole scene, by date
    pairs, toward = network_days(12), -2.0 * np.arange(12)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    with_delay = []
    for values, (first, second) in zip(phases(pairs, toward), pairs):
        south, east = tilts[second // 12] - tilts[first // 12]
        with_delay.append(values + RADIANS * (south * rows + east * columns))
    series = area_time_series(make_stack(tmp_path, with_delay, pairs, pixel=PIXEL), AREA, UTM)
    assert series.displacement == pytest.approx(toward, abs=0.5)
    assert series.spread.max() < 0.5


def noisy(
    days: list[tuple[int, int]], toward: NDArray[np.floating], air: float, pair_noise: float, seed: int
) -> list[NDArray[np.floating]]:
    """Phases whose area has a noise of each date and one of each pair besides its motion, mm."""
    generator = np.random.default_rng(seed)
    values = phases(days, toward + air * generator.normal(size=len(toward)))
    for phase, noise in zip(values, pair_noise * generator.normal(size=len(days))):
        phase[INSIDE] += RADIANS * noise
    return values


def test_the_errors_follow_from_dates_and_pairs(tmp_path: Path) -> None:
    """Rate and error of the area are those of the dense formulas of the model of noise."""
    pairs = network_days(20, reach=3)
    stack = make_stack(tmp_path, noisy(pairs, -2.0 * np.arange(20), 3.0, 1.0, seed=5), pairs, pixel=PIXEL)
    series = area_time_series(stack, AREA, UTM)
    read = np.array([read_raster(pair.phase.path) for pair in stack.interferograms], np.float64)
    motion = -(read[:, 25, 25] - read[:, 2, 2]) / RADIANS
    spans = np.array([pair.years for pair in stack.interferograms])
    incidence = np.array([[float(day == pair.second_date) - float(day == pair.first_date) for day in stack.dates]
                          for pair in stack.interferograms])  # fmt: skip
    line = spans / (spans @ spans)
    closing = np.eye(len(spans)) - incidence @ np.linalg.pinv(incidence)
    pair_variance = np.sum((closing @ motion) ** 2) / np.trace(closing)
    residual = np.eye(len(spans)) - np.outer(spans, line)
    of_dates = residual @ incidence @ incidence.T @ residual.T
    rest = np.sum((residual @ motion) ** 2) - pair_variance * np.trace(residual @ residual.T)
    covariance = rest / np.trace(of_dates) * incidence @ incidence.T + pair_variance * np.eye(len(spans))
    best = np.linalg.solve(covariance, spans)
    best /= best @ spans
    assert series.rate == pytest.approx(best @ motion, abs=0.1)
    assert series.rate_error == pytest.approx(np.sqrt(best @ covariance @ best), rel=0.02)
    # 3 mm a date against the first date, which has them, too.
    assert series.spread[0] == 0
    assert series.spread[1:] == pytest.approx(np.sqrt(2) * 3, rel=0.4)


def test_a_wrong_pair_is_left_out_and_named(tmp_path: Path) -> None:
    """Two of 59 pairs with a cycle too much pull the series away where all are kept."""
    pairs, toward = network_days(31), -34.5 / 30 * np.arange(31)
    assert len(pairs) == 59
    values = noisy(pairs, toward, 0.5, 0.3, seed=7)
    for index in (20, 41):
        values[index][INSIDE] += 2 * np.pi
    stack = make_stack(tmp_path, values, pairs, pixel=PIXEL)
    wrong = sorted(f"{FIRST + timedelta(days=one):%Y%m%d}_{FIRST + timedelta(days=other):%Y%m%d}"
                   for one, other in (pairs[20], pairs[41]))  # fmt: skip
    series = area_time_series(stack, AREA, UTM)
    assert sorted(series.rejected) == wrong
    assert (series.pairs, series.pairs_found) == (57, 59)
    assert series.displacement[-1] == pytest.approx(-34.5, abs=3)
    kept = area_time_series(stack, AREA, UTM, outlier_sigma=None)
    assert not kept.rejected
    assert kept.displacement[-1] < -38
    assert kept.rate_error > 2 * series.rate_error


def test_without_a_loop_there_is_no_error(tmp_path: Path) -> None:
    """A chain of pairs: the series is there, its errors are not."""
    toward = -3.0 * np.arange(6)
    series = area_time_series(stack_of(tmp_path, toward, network_days(6, reach=1)), AREA, UTM)
    assert series.displacement == pytest.approx(toward, abs=1e-3)
    assert np.isnan(series.spread).all()
    assert np.isnan(series.rate_error)


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


def test_a_network_may_leave_out_what_is_outside_of_components(tmp_path: Path) -> None:
    expected = interferogram_products.hyp3(tmp_path).pairs
    for is_masked in (False, True):
        stack = network_of(tmp_path, "hyp3", WIDE, within_components_only=is_masked)
        for pair in stack.interferograms:
            wanted = expected[pair.name]
            outside = is_masked and wanted.components is not None and np.isnan(wanted.components)
            with reader_of_any(pair.phase, stack.grid) as reader:
                np.testing.assert_array_equal(reader.read(), np.where(outside, np.nan, wanted.phase))


@pytest.mark.parametrize(("told", "metres"), [("0.2424525", 0.2424525), ("55", WAVELENGTH), ("long", WAVELENGTH)])
def test_the_wavelength_of_the_rate_counts_before_the_products(tmp_path: Path, told: str, metres: float) -> None:
    """A wavelength that can't be one is not used."""
    write_raster(tmp_path / "20200101_20200113.unw.tif", phases([(0, 12)], np.zeros(2))[0], PIXEL)
    rate = write_raster(tmp_path / "rate.tif", np.zeros((SIDE, SIDE)), PIXEL)
    dataset = gdal.Open(rate, gdal.GA_Update)
    dataset.GetRasterBand(1).SetMetadataItem("WAVELENGTH_METRES", told)
    dataset = None
    assert network_of(tmp_path, "geotiff", rate=rate).wavelength == metres


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
