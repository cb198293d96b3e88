"""The standard error of stacked rates is true: with correlated air, filters, weights, rejected pairs, few pairs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from small_disk import longest_file

from ada_mapper.core.errors import CancelledError, OutputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Grid, Window
from ada_mapper.core.simulation.atmosphere import power_law_field
from ada_mapper.core.stacking import (
    AtmosphereFilter,
    Corrections,
    NoiseLevels,
    StackingOptions,
    StackOutputs,
    network_rates,
    noise_of_network,
    stack_to_files,
)
from ada_mapper.core.stacking.noise import NoiseTerms
from ada_mapper.core.stacking.rate import coherence_weight
from ada_mapper.core.stacking.standard_error import NEAR_FREEDOM, PAIR_METRES, between, noise_store
from stacks import WAVELENGTH, incidence_of, make_stack, network_days, read_raster, years_of

MM = 1000 * WAVELENGTH / (4 * math.pi)


def errors_of(
    folder: Path, phases: np.ndarray, days: list[tuple[int, int]], options: StackingOptions, **more: object
) -> tuple[np.ndarray, np.ndarray]:
    """The LOS rate of noise, which is its error, and its standard error."""
    coherence = more.pop("coherence", None)
    stack = make_stack(folder / "in", phases.astype(np.float32), days, coherence)  # type: ignore[arg-type]
    outputs = StackOutputs(folder / "p.tif", folder / "l.tif", folder / "e.tif")
    stack_to_files(stack, outputs, options=options, **more)  # type: ignore[arg-type]
    return read_raster(folder / "l.tif"), read_raster(folder / "e.tif")


def assert_true(wrong: np.ndarray, claimed: np.ndarray) -> None:
    """Claimed and true errors agree to a tenth, and 95 % of the true ones lie where 95 % should."""
    ratio = math.sqrt(np.nanmean(np.square(claimed, dtype=float)) / np.nanmean(np.square(wrong, dtype=float)))
    assert 0.9 < ratio < 1.1
    assert 0.93 < np.mean(np.abs(wrong) < 1.96 * claimed) < 0.97


@pytest.mark.parametrize("estimator", ["eq1", "network"])
@pytest.mark.parametrize("lost", [0.0, 0.3])
@pytest.mark.parametrize("window", [None, 500.0, 2000.0])
def test_errors_are_true_where_air_is_correlated(
    tmp_path: Path, estimator: str, lost: float, window: float | None
) -> None:
    """Before the filter of the atmosphere and after it; it gains most for equation 1 where pairs are lost."""
    days, size = network_days(16, 3), 160
    generator = np.random.default_rng(5)
    air = np.array([power_law_field(generator, size, 100.0, outer_scale=3000.0) for _ in range(16)])
    phases = np.tensordot(incidence_of(days), air, 1) + generator.normal(0, 0.3, (len(days), size, size))
    phases[generator.random(phases.shape) < lost] = np.nan
    corrections = Corrections(atmosphere=None if window is None else AtmosphereFilter(60, window))
    assert_true(*errors_of(tmp_path, phases, days, StackingOptions(estimator=estimator), corrections=corrections))


@pytest.mark.parametrize("estimator", ["eq1", "network"])
def test_errors_are_true_with_weights_and_rejected_pairs(tmp_path: Path, estimator: str) -> None:
    days, shape = network_days(24, 3), (50, 60)
    generator = np.random.default_rng(6)
    coherence = generator.uniform(0.3, 0.9, (len(days), *shape)).astype(np.float32)
    phases = np.tensordot(incidence_of(days), generator.normal(0, 0.4, (24, *shape)), 1)
    phases += generator.normal(0, 0.4, phases.shape) / np.sqrt(coherence_weight(coherence))
    phases[generator.random(phases.shape) < 0.02] += 12 * np.pi
    options = StackingOptions(estimator=estimator, coherence_weights=True, outlier_sigma=5.0)
    assert_true(*errors_of(tmp_path, phases, days, options, coherence=coherence))


@pytest.mark.parametrize("estimator", ["eq1", "network"])
def test_surroundings_steady_the_error_of_short_stacks(tmp_path: Path, estimator: str) -> None:
    days, shape = network_days(6, 2), (60, 70)
    incidence = incidence_of(days)
    generator = np.random.default_rng(7)
    phases = np.tensordot(incidence, generator.normal(0, 1, (6, *shape)), 1) + generator.normal(
        0, 0.5, (len(days), *shape)
    )
    wrong, claimed = errors_of(tmp_path, phases, days, StackingOptions(estimator=estimator))
    assert_true(wrong, claimed)
    noise = noise_of_network(phases, years_of(days), incidence) if estimator == "network" else None
    alone = network_rates(phases, years_of(days), incidence, noise)
    assert claimed.std() < 0.5 * MM * alone.standard_error.std()
    assert np.mean(np.abs(alone.rate) < 1.96 * alone.standard_error) < 0.9


def test_noise_that_changes_over_the_scene_is_followed(tmp_path: Path) -> None:
    days, shape = network_days(16, 3), (60, 100)
    generator = np.random.default_rng(8)
    size = np.where(np.arange(100) < 50, 0.2, 1.5)
    phases = generator.normal(0, 1, (len(days), *shape)) * size
    wrong, claimed = errors_of(tmp_path, phases, days, StackingOptions(estimator="eq1"))
    for columns in (slice(0, 40), slice(60, 100)):
        assert_true(wrong[:, columns], claimed[:, columns])


def terms_of(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Noise of pixels as a pass gives it, some of them without a rate, some without redundancy."""
    terms = generator.uniform(0.5, 3, (9, *shape))
    terms[1], terms[4] = generator.integers(0, 6, shape), generator.integers(0, 9, shape)
    terms[0][terms[1] == 0] = 0
    terms[:, generator.random(shape) < 0.2] = np.nan
    return terms.astype(np.float32)


def test_error_is_that_of_the_pixel_and_of_its_weighted_surroundings(tmp_path: Path) -> None:
    """Pixels as wide as the narrow window, so that each is a cell, compared pair by pair of pixels."""
    size = 14
    grid = Grid("EPSG:32632", (5e5, PAIR_METRES, 0, 5e6, 0, -PAIR_METRES), size, size)
    terms = terms_of(np.random.default_rng(1), (size, size))
    with noise_store(tmp_path / "e.tif", grid) as store:
        store.add(Window(0, 0, size, size), terms)
        surroundings = store.surroundings()
        ((window, kept),) = store.windows()
    np.testing.assert_array_equal(kept.closure, terms[0])
    found = surroundings.standard_error(kept, window, None)
    closure, redundancy, scatter, share, freedom, date_gain, pair_gain, _, _ = terms.astype(float)
    rows, columns = np.indices((size, size))

    def pooled(total: np.ndarray, weight: np.ndarray, row: int, column: int, cells: float) -> float:
        near = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * cells**2))
        reach = int(3 * cells + 0.5)
        near[(np.abs(rows - row) > reach) | (np.abs(columns - column) > reach)] = 0
        return np.nansum(near * total) / np.nansum(near * weight)

    pair = np.array([[pooled(closure, redundancy, r, c, 1) for c in range(size)] for r in range(size)])
    dates = freedom * (scatter - pair * share)
    for row, column in np.argwhere(np.isfinite(closure)):
        own = (closure + NEAR_FREEDOM * pair)[row, column] / (redundancy[row, column] + NEAR_FREEDOM)
        near = max(pooled(dates, freedom, row, column, 10), 0)
        date = freedom[row, column] * (scatter[row, column] - share[row, column] * own) + NEAR_FREEDOM * near
        date = max(date / (freedom[row, column] + NEAR_FREEDOM), 0)
        expected = math.sqrt(date * date_gain[row, column] + own * pair_gain[row, column])
        assert found[row, column] == pytest.approx(expected, rel=1e-5)
    assert np.isnan(found[np.isnan(closure)]).all()


def test_windows_do_not_show_in_the_error(tmp_path: Path) -> None:
    grid = Grid("EPSG:32632", (5e5, 30, 0, 5e6, 0, -30), 90, 70)
    terms = terms_of(np.random.default_rng(1), (70, 90))
    found = []
    for height, width in ((70, 90), (7, 90), (33, 17), (70, 1)):
        error = np.full((70, 90), np.inf)
        with noise_store(tmp_path / "e.tif", grid) as store:
            for row in range(0, 70, height):
                for column in range(0, 90, width):
                    window = Window(column, row, min(width, 90 - column), min(height, 70 - row))
                    store.add(window, terms[:, row : row + height, column : column + width])
            surroundings = store.surroundings()
            for window, kept in store.windows():
                place = (
                    slice(window.row, window.row + window.height),
                    slice(window.column, window.column + window.width),
                )
                error[place] = surroundings.standard_error(kept, window, None)
        found.append(error)
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-6)


def test_no_error_is_claimed_far_from_any_redundancy(tmp_path: Path) -> None:
    """Left of the middle every pair, right of it a chain: near the border the left tells the noise of pairs."""
    days, shape = network_days(8, 2), (30, 100)
    phases = np.random.default_rng(3).normal(0, 1, (len(days), *shape))
    chain = [second - first == 12 for first, second in days]
    phases[~np.array(chain), :, 50:] = np.nan
    wrong, claimed = errors_of(tmp_path, phases, days, StackingOptions(estimator="eq1"))
    assert np.isfinite(wrong).all()
    assert np.isfinite(claimed[:, :52]).all() and np.isnan(claimed[:, 75:]).all()


def test_values_between_cells_stay_known_beside_unknown_ones() -> None:
    values = np.array([[1.0, 3.0, np.nan, np.nan], [1.0, 3.0, np.nan, np.nan]])
    found = between(values, 2, Window(0, 0, 8, 4))
    np.testing.assert_allclose(found[0], [1, 1.5, 2.5, 3, 3, np.nan, np.nan, np.nan])


def test_the_file_of_noise_is_gone_however_the_pass_ends(tmp_path: Path) -> None:
    days, shape = network_days(6, 2), (64, 128)
    phases = np.random.default_rng(3).normal(0, 1, (len(days), *shape)).astype(np.float32)
    stack = make_stack(tmp_path / "in", phases, days)
    folder = tmp_path / "out"
    folder.mkdir()
    outputs = StackOutputs(folder / "p.tif", standard_error=folder / "e.tif")
    cancelled = Progress(is_cancelled=lambda: True)
    with pytest.raises(CancelledError):
        stack_to_files(stack, outputs, progress=cancelled)
    assert list(folder.iterdir()) == []
    # Room for each result, and not for the noise of all pixels.
    with longest_file(12 * shape[0] * shape[1]), pytest.raises(OutputError, match=r"e\.tif"):
        stack_to_files(stack, outputs)
    assert list(folder.iterdir()) == []
    stack_to_files(stack, outputs)
    assert sorted(path.name for path in folder.iterdir()) == ["e.tif", "p.tif"]


@pytest.mark.parametrize(
    ("dates", "memory", "least", "most"), [(31, 0.3, 1.2, 1.35), (31, 0.7, 1.7, 2.2), (92, 0.3, 1.05, 1.2)]
)
def test_air_that_lasts_makes_the_error_larger_than_claimed(
    dates: int, memory: float, least: float, most: float
) -> None:
    """The guide gives these factors: dates must be independent for the error to be true."""
    days = network_days(dates, 3)
    generator = np.random.default_rng(0)
    air = generator.normal(0, 1, (dates, 3000))
    for index in range(1, dates):
        air[index] = memory * air[index - 1] + math.sqrt(1 - memory**2) * air[index]
    phases = incidence_of(days) @ air + generator.normal(0, 0.3, (len(days), 3000))
    for noise in (None, NoiseLevels(1, 0.3)):
        found = network_rates(phases, years_of(days), incidence_of(days), noise)
        assert least < found.rate.std() / math.sqrt(np.mean(found.standard_error**2)) < most


def test_terms_of_noise_without_redundancy_claim_nothing() -> None:
    nothing = NoiseTerms(*(np.array([value]) for value in (0.0, 0, 2, 1, 3, 1, 1, 0, 0)))
    assert np.isnan(nothing.pair_variance).all() and np.isnan(nothing.standard_error()).all()
    assert nothing.levels() is None
