"""The atmospheric filter: what is fast in time and smooth in space goes, steady motion stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.errors import InputError
from ada_mapper.core.raster import Window, cell_means
from ada_mapper.core.stacking import (
    AtmosphereFilter,
    Corrections,
    Reference,
    StackingOptions,
    StackOutputs,
    atmosphere_filter,
    stack_to_files,
)
from ada_mapper.core.stacking.atmosphere_filter import Atmosphere, network, temporal_high_pass
from ada_mapper.core.stacking.network_solver import date_phases
from stacks import FIRST, WAVELENGTH, make_stack, network_days, read_raster, years_of

DAYS = network_days(12, 3)
SHAPE = (96, 128)
MM = 1000 * WAVELENGTH / (4 * np.pi)

EQUATION_1 = StackingOptions(estimator="eq1")


def smooth_delays(dates: int, sigma: float = 12.0, size: float = 3.0) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    generator = np.random.default_rng(3)
    delays = np.array([gaussian_filter(generator.normal(size=SHAPE), sigma) for _ in range(dates)])
    return size * delays / delays.std()


def motion() -> np.ndarray:
    rows, columns = np.indices(SHAPE)
    return -25 * np.exp(-((rows - 40) ** 2 + (columns - 60) ** 2) / (2 * 8**2))


def pairs_of(series: np.ndarray, days: list[tuple[int, int]]) -> np.ndarray:
    """Phases of pairs from the phases of dates every 12 days."""
    return np.array([series[second // 12] - series[first // 12] for first, second in days])


def run(
    folder: Path, phases: np.ndarray, corrections: Corrections, days: list[tuple[int, int]] = DAYS
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    stack = make_stack(folder / "in", phases, days)
    result = stack_to_files(stack, StackOutputs(folder / "p.tif", folder / "r.tif"), corrections, EQUATION_1)
    return read_raster(folder / "p.tif"), read_raster(folder / "r.tif"), result.notes


def test_steady_motion_passes_unchanged(tmp_path: Path) -> None:
    phases = years_of(DAYS)[:, None, None] * motion()
    phase_rate, los_rate, _ = run(tmp_path, phases, Corrections(atmosphere=AtmosphereFilter(40, 1000)))
    np.testing.assert_allclose(phase_rate, motion(), atol=1e-4)
    np.testing.assert_allclose(los_rate, -MM * motion(), atol=1e-3)


def test_delays_are_weaker_in_the_los_rate_and_stay_in_the_phase_rate(tmp_path: Path) -> None:
    """A chain of pairs, whose stack hangs on the delays of its first and last date alone."""
    days = network_days(12, 1)
    phases = years_of(days)[:, None, None] * motion() + pairs_of(smooth_delays(12), days)
    corrections = Corrections(Reference("median"), atmosphere=AtmosphereFilter(60, 500))
    phase_rate, los_rate, notes = run(tmp_path, phases, corrections, days)
    unfiltered, _, _ = run(tmp_path / "raw", phases, Corrections(Reference("median")), days)
    np.testing.assert_allclose(phase_rate, unfiltered, atol=1e-5)
    before = (phase_rate - motion()).std()
    after = (los_rate / -MM - motion()).std()
    assert after < 0.75 * before
    assert any("Atmospheric filter: 12 dates" in note for note in notes)


def test_the_filter_lowers_the_standard_error_as_the_error(tmp_path: Path) -> None:
    """A chain with one redundant pair, whose rate hangs on its ends: there the filter takes most."""
    days = [*network_days(12, 1), (0, 24)]
    phases = pairs_of(smooth_delays(12), days) + np.random.default_rng(1).normal(0, 0.05, (len(days), *SHAPE))
    stack = make_stack(tmp_path / "in", phases, days)
    wrong, claimed = [], []
    for atmosphere in (None, AtmosphereFilter(60, 500)):
        outputs = StackOutputs(tmp_path / "p.tif", tmp_path / "l.tif", tmp_path / "e.tif")
        stack_to_files(stack, outputs, Corrections(atmosphere=atmosphere), EQUATION_1)
        wrong.append(np.sqrt(np.mean(read_raster(tmp_path / "l.tif") ** 2)))
        claimed.append(np.sqrt(np.mean(read_raster(tmp_path / "e.tif") ** 2)))
    assert wrong[1] < 0.75 * wrong[0]
    assert claimed[1] / claimed[0] == pytest.approx(wrong[1] / wrong[0], rel=0.2)


def test_missing_pixels_neither_spread_nor_become_zero(tmp_path: Path) -> None:
    phases = years_of(DAYS)[:, None, None] * motion() + 2
    phases[:, 20:30, 30:50] = np.nan
    phases[::4, 60:80, 10:90] = np.nan
    corrections = Corrections(Reference("median"), atmosphere=AtmosphereFilter(40, 800))
    phase_rate, los_rate, _ = run(tmp_path, phases, corrections)
    holes = np.isnan(phases).all(axis=0)
    np.testing.assert_array_equal(np.isnan(los_rate), holes)
    # Pairs that lack different pixels have slightly different medians.
    np.testing.assert_allclose(los_rate[~holes], -MM * phase_rate[~holes], atol=1.0)


def test_too_few_dates_are_said_and_not_filtered(tmp_path: Path) -> None:
    days = network_days(4, 2)
    phases = np.random.default_rng(0).normal(0, 1, (len(days), *SHAPE))
    phase_rate, los_rate, notes = run(tmp_path, phases, Corrections(atmosphere=AtmosphereFilter()), days)
    assert any("skipped" in note and "has 4" in note for note in notes)
    np.testing.assert_allclose(los_rate, -MM * phase_rate, rtol=1e-5)


def test_high_pass_turns_lines_into_zero_and_keeps_single_dates() -> None:
    days = np.array([0.0, 12, 24, 60, 72, 84, 120, 180, 192, 240])
    components = np.zeros(len(days), int)
    matrix = temporal_high_pass(days, components, 40.0)
    np.testing.assert_allclose(matrix @ (3 + 0.2 * days), 0, atol=1e-9)
    spike = np.zeros(len(days))
    spike[5] = 1
    assert (matrix @ spike)[5] > 0.5


def test_components_are_filtered_by_themselves() -> None:
    days = np.arange(12) * 12.0
    components = np.repeat([0, 1], [4, 8])
    matrix = temporal_high_pass(days, components, 60.0)
    assert not matrix[:4].any() and not matrix[4:, :4].any() and matrix[4:, 4:].any()


def test_dates_follow_from_pairs_by_least_squares(tmp_path: Path) -> None:
    stack = make_stack(tmp_path, np.ones((len(DAYS), 2, 2)), DAYS)
    dates, incidence, components = network(stack)
    assert dates == [FIRST + timedelta(days=12 * index) for index in range(12)] and not components.any()
    generator = np.random.default_rng(1)
    truth = generator.normal(size=(12, 40))
    truth -= truth.mean(axis=0)
    phases = incidence @ truth
    np.testing.assert_allclose(date_phases(phases, incidence), truth, atol=1e-9)


def test_cells_are_means_of_the_valid_pixels() -> None:
    values = np.arange(35, dtype=float).reshape(5, 7)
    values[0, 0] = np.nan
    values[4, 6] = np.nan
    found = cell_means(values, 4)
    assert found.shape == (2, 2)
    assert found[0, 0] == pytest.approx(np.nanmean(values[:4, :4]))
    assert found[1, 1] == pytest.approx(np.nanmean(values[4:, 4:]))


def test_delays_between_cells_are_interpolated() -> None:
    rows, columns = np.indices((6, 8))
    cell = 4
    maps = np.stack([np.zeros((6, 8)), (2.0 * columns + 3.0 * rows)]).astype(np.float32)
    atmosphere = Atmosphere(maps, cell, np.array([[-1.0, 1.0]]))
    for window in (Window(4, 8, 16, 8), Window(8, 4, 16, 8)):
        found = atmosphere.taken_from(np.zeros((1, 4, 14)), window, (slice(2, 6), slice(1, 15)))
        pixel_rows, pixel_columns = np.indices((4, 14))
        x = (pixel_columns + 1 + window.column + 0.5) / cell - 0.5
        y = (pixel_rows + 2 + window.row + 0.5) / cell - 0.5
        np.testing.assert_allclose(found[0], -(2 * x + 3 * y), atol=1e-5)


def test_memory_bounds_the_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atmosphere_filter, "_MAP_BYTES", 4 * 12 * 200)
    phases = years_of(DAYS)[:, None, None] * motion()
    _, los_rate, notes = run(tmp_path, phases, Corrections(atmosphere=AtmosphereFilter(40, 300)))
    np.testing.assert_allclose(los_rate, -MM * motion(), atol=1e-3)
    assert any("smoother than asked" in note for note in notes)


def test_windows_check_themselves() -> None:
    with pytest.raises(InputError):
        AtmosphereFilter(0, 1000)
