"""The two estimators from files to files: equation 1 to the bit, the network's rates as on arrays."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.errors import InputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.stacking import (
    AtmosphereFilter,
    Corrections,
    NoiseLevels,
    StackingOptions,
    StackOutputs,
    network_rates,
    noise_of_network,
    stack_phases,
    stack_to_files,
)
from ada_mapper.core.stacking.rate import coherence_weight
from stacks import WAVELENGTH, incidence_of, make_stack, network_days, read_raster, years_of

DAYS = network_days(14, 3)
YEARS, INCIDENCE = years_of(DAYS), incidence_of(DAYS)
MM = 1000 * WAVELENGTH / (4 * math.pi)
NETWORK = StackingOptions(estimator="network")


def noisy(shape: tuple[int, int] = (40, 60), lost: float = 0.15, seed: int = 0) -> np.ndarray:
    """Steady motion, noise of dates (0.8 rad) and of pairs (0.3 rad); some pairs are missing here and there."""
    generator = np.random.default_rng(seed)
    rate = np.linspace(-10, 10, shape[1]) * np.ones(shape)
    phases = YEARS[:, None, None] * rate + 1e-9
    phases += np.tensordot(INCIDENCE, generator.normal(0, 0.8, (INCIDENCE.shape[1], *shape)), 1)
    phases += generator.normal(0, 0.3, phases.shape)
    phases[:, : shape[0] // 2][generator.random((len(DAYS), shape[0] // 2, shape[1])) < lost] = np.nan
    return phases.astype(np.float32)


def outputs(folder: Path) -> StackOutputs:
    return StackOutputs(*(folder / f"{name}.tif" for name in ("phase", "los", "error", "count")))


@pytest.mark.parametrize("weighted", [False, True])
def test_equation_1_is_exact_to_the_bit(tmp_path: Path, weighted: bool) -> None:
    phases = noisy()
    coherence = np.random.default_rng(3).uniform(0.2, 0.9, phases.shape).astype(np.float32)
    stack = make_stack(tmp_path / "in", phases, DAYS, coherence)
    options = StackingOptions(estimator="eq1", coherence_weights=weighted)
    stack_to_files(stack, outputs(tmp_path), options=options)
    expected = stack_phases(phases, YEARS, coherence_weight(coherence) if weighted else None, with_error=False)
    np.testing.assert_array_equal(read_raster(tmp_path / "phase.tif"), expected.rate.astype(np.float32))
    np.testing.assert_array_equal(read_raster(tmp_path / "los.tif"), (-MM * expected.rate).astype(np.float32))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_network_rate_is_that_of_the_noise_it_tells(tmp_path: Path, weighted: bool) -> None:
    phases = noisy()
    coherence = np.random.default_rng(3).uniform(0.4, 0.7, phases.shape).astype(np.float32)
    weights = coherence_weight(coherence) if weighted else None
    stack = make_stack(tmp_path / "in", phases, DAYS, coherence)
    options = StackingOptions(estimator="network", coherence_weights=weighted)
    result = stack_to_files(stack, outputs(tmp_path), options=options)
    noise = noise_of_network(phases, YEARS, INCIDENCE, weights)
    assert noise is not None
    if not weighted:
        assert noise.date == pytest.approx(0.8, rel=0.05) and noise.pair == pytest.approx(0.3, rel=0.05)
    told = f"noise of {noise.date:.2f} rad at each date (air) and of {noise.pair:.2f} rad in each pair"
    assert any(told in note for note in result.notes)
    found = read_raster(tmp_path / "phase.tif")
    expected = network_rates(phases, YEARS, INCIDENCE, noise, weights)
    # The few windows that tell the noise are all of so small a scene.
    np.testing.assert_allclose(found, expected.rate, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(read_raster(tmp_path / "count.tif"), expected.count)
    np.testing.assert_allclose(read_raster(tmp_path / "los.tif"), -MM * found, rtol=1e-6)


def test_the_network_rate_is_nearer_to_the_truth(tmp_path: Path) -> None:
    phases = noisy()
    stack = make_stack(tmp_path / "in", phases, DAYS)
    truth = np.linspace(-10, 10, phases.shape[2])
    errors = []
    for estimator in ("eq1", "network"):
        stack_to_files(stack, outputs(tmp_path), options=StackingOptions(estimator=estimator))
        errors.append((read_raster(tmp_path / "phase.tif") - truth).std())
    assert errors[1] < 0.85 * errors[0]


def test_rejected_pairs_are_left_out_of_the_network_rate(tmp_path: Path) -> None:
    phases = noisy(lost=0)
    wrong = phases.copy()
    wrong[7, 10:20, 10:20] += 6 * np.pi
    options = StackingOptions(estimator="network", outlier_sigma=4.0)
    stack_to_files(make_stack(tmp_path / "in", wrong, DAYS), outputs(tmp_path), options=options)
    found, count = read_raster(tmp_path / "phase.tif"), read_raster(tmp_path / "count.tif")
    assert (count[10:20, 10:20] < len(DAYS)).all()
    truth = np.linspace(-10, 10, phases.shape[2])
    inside = (found - truth)[10:20, 10:20].std()
    assert inside < 1.3 * (found - truth)[24:].std()


def test_filtered_and_unfiltered_network_rates_have_the_same_pairs(tmp_path: Path) -> None:
    phases = noisy()
    corrections = Corrections(atmosphere=AtmosphereFilter(40, 500))
    stack_to_files(make_stack(tmp_path / "in", phases, DAYS), outputs(tmp_path), corrections, NETWORK)
    phase, los = read_raster(tmp_path / "phase.tif"), read_raster(tmp_path / "los.tif")
    np.testing.assert_array_equal(np.isnan(phase), np.isnan(los))
    truth = np.linspace(-10, 10, phases.shape[2])
    assert (los / -MM - truth).std() < 1.02 * (phase - truth).std()
    assert np.abs(los / -MM - phase).max() > 1e-3


def test_pixels_with_too_few_pairs_have_no_network_rate(tmp_path: Path) -> None:
    phases = noisy(lost=0)
    phases[4:, 3, 5] = np.nan
    phases[:, 6, 6] = np.nan
    options = StackingOptions(estimator="network", min_pairs=5)
    stack_to_files(make_stack(tmp_path / "in", phases, DAYS), outputs(tmp_path), options=options)
    for name in ("phase", "los", "error"):
        missing = np.argwhere(np.isnan(read_raster(tmp_path / f"{name}.tif")))
        assert missing.tolist() == [[3, 5], [6, 6]]
    assert read_raster(tmp_path / "count.tif")[3, 5] == 4


def test_phases_without_noise_are_told_to_hold_none(tmp_path: Path) -> None:
    said: list[str] = []
    stack = make_stack(tmp_path / "in", (YEARS[:, None, None] * np.full((20, 30), 3.0)).astype(np.float32), DAYS)
    stack_to_files(stack, outputs(tmp_path), options=NETWORK, progress=Progress(on_info=said.append))
    assert any("hold no noise" in note for note in said) and not any("than its dates need" in note for note in said)
    np.testing.assert_allclose(read_raster(tmp_path / "phase.tif"), 3, rtol=1e-5)


def test_the_network_rate_does_not_depend_on_how_files_are_stored(tmp_path: Path) -> None:
    found = []
    ways = {"striped": (), "tiled": ("TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=16"), "whole": ("BLOCKYSIZE=100",)}
    for name, way in ways.items():
        stack = make_stack(tmp_path / name, noisy((100, 130)), DAYS, options=way)
        stack_to_files(stack, outputs(tmp_path / name), Corrections(atmosphere=AtmosphereFilter()), NETWORK)
        found.append([read_raster(tmp_path / name / f"{kind}.tif") for kind in ("phase", "los", "error")])
    for other in found[1:]:
        for one, expected in zip(other, found[0]):
            np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-5)


def test_a_tree_of_pairs_is_told_to_have_no_error(tmp_path: Path) -> None:
    days = network_days(6, 1)
    phases = np.random.default_rng(0).normal(0, 1, (len(days), 8, 9)).astype(np.float32)
    said: list[str] = []
    stack = make_stack(tmp_path / "in", phases, days)
    result = stack_to_files(stack, outputs(tmp_path), options=NETWORK, progress=Progress(on_info=said.append))
    assert any("taken to be equal" in note for note in said)
    assert any("no standard error" in note for note in result.notes)
    expected = network_rates(phases, years_of(days), incidence_of(days), NoiseLevels(1, 1))
    np.testing.assert_allclose(read_raster(tmp_path / "phase.tif"), expected.rate, rtol=1e-5)
    assert np.isnan(read_raster(tmp_path / "error.tif")).all()


def test_one_estimator_or_the_other() -> None:
    with pytest.raises(InputError, match="network, eq1"):
        StackingOptions(estimator="best")


@pytest.mark.parametrize("estimator", ["eq1", "network"])
def test_annual_motion_stays_out_of_the_rates(tmp_path: Path, estimator: str) -> None:
    days = network_days(46, 2)
    incidence = incidence_of(days)
    season = incidence @ np.cos(2 * np.pi * 12 * np.arange(46) / 365.25)
    phases = ((4 * years_of(days) + 1.5 * season)[:, None, None] + np.zeros((6, 8))).astype(np.float32)
    stack = make_stack(tmp_path / "in", phases, days)
    found = []
    for seasonal in (False, True):
        options = StackingOptions(estimator=estimator, seasonal=seasonal)
        result = stack_to_files(stack, outputs(tmp_path), options=options)
        found.append(read_raster(tmp_path / "phase.tif"))
        assert any("every year" in note for note in result.notes) == seasonal
    assert np.abs(found[0] - 4).max() > 0.1
    np.testing.assert_allclose(found[1], 4, atol=1e-4)


def test_short_stacks_are_computed_without_annual_terms(tmp_path: Path) -> None:
    phases = noisy(lost=0)
    stack = make_stack(tmp_path / "in", phases, DAYS)
    said: list[str] = []
    stack_to_files(stack, outputs(tmp_path), options=StackingOptions(), progress=Progress(on_warning=said.append))
    expected = read_raster(tmp_path / "phase.tif")
    assert not said
    options = StackingOptions(seasonal=True)
    stack_to_files(stack, outputs(tmp_path), options=options, progress=Progress(on_warning=said.append))
    assert len(said) == 1 and "1.25 years" in said[0]
    np.testing.assert_array_equal(read_raster(tmp_path / "phase.tif"), expected)


def test_the_noise_is_looked_for_where_there_are_data(tmp_path: Path) -> None:
    """Tiles of which all but one are empty."""
    shape = (160, 160)
    phases = noisy(shape, lost=0)
    filled = np.zeros(shape, bool)
    filled[16:32, 112:128] = True
    phases[:, ~filled] = np.nan
    options = ["TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16"]
    stack = make_stack(tmp_path / "in", phases, DAYS, options=options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ada_mapper.core.stacking.reading._CUBE_BYTES", 16 * 16 * 4 * len(DAYS))
        patch.setattr("ada_mapper.core.stacking.noise_sample._MOST_WINDOWS", 400)
        result = stack_to_files(stack, outputs(tmp_path), options=NETWORK)
    assert any("Network estimator: noise of 0.7" in note or "noise of 0.8" in note for note in result.notes)
