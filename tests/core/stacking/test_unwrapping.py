"""Errors of unwrapping are corrected by closure, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ada_mapper.core.progress import Progress
from ada_mapper.core.stacking import Corrections, Reference, StackingOptions, StackOutputs, stack_to_files
from ada_mapper.core.stacking.outliers import OutlierSearch
from ada_mapper.core.stacking.unwrapping import CycleCorrection, least_cycles
from stacks import make_stack, network_days, read_raster, years_of
from unwrapping_errors import NoisyNetwork, triplets_of_days


def correction(days: list[tuple[int, int]], offsets: NDArray[np.floating] | None = None) -> CycleCorrection:
    search = OutlierSearch(years_of(days), NoisyNetwork(days).incidence, triplets_of_days(days), 3.5)
    return CycleCorrection(search, offsets)


def found_cycles(days: list[tuple[int, int]], phases: NDArray[np.float64]) -> NDArray[np.int64]:
    found = np.zeros(phases.shape, np.int64)
    pairs, pixels, cycles = correction(days).cycles(phases)
    found[pairs, pixels] = cycles
    return found


@pytest.mark.parametrize(
    ("dates", "reach", "pair_noise", "errors"),
    [(12, 3, 0.3, 1), (12, 3, 0.3, 4), (12, 3, 0.5, 8), (31, 3, 0.3, 8), (31, 3, 1.0, 8), (31, 2, 0.3, 4)],
)
def test_one_and_two_cycles_on_one_to_eight_pairs_are_found(
    dates: int, reach: int, pair_noise: float, errors: int
) -> None:
    days = network_days(dates, reach)
    phases, cycles, _ = NoisyNetwork(days).simulated(200, 1.0, pair_noise, errors, seed=3)
    found = found_cycles(days, phases)
    assert (found == cycles)[cycles != 0].mean() >= 0.95
    assert (found != 0)[cycles == 0].mean() <= 0.003


def test_the_cheapest_cycles_are_those_of_a_search_of_all(seed: int = 0) -> None:
    days = network_days(5, 3)
    triplets = triplets_of_days(days)
    generator = np.random.default_rng(seed)
    for _ in range(20):
        wrong = np.zeros(len(days), int)
        wrong[generator.choice(len(days), 2, replace=False)] = generator.choice([-1, 1], 2)
        target = wrong[triplets[:, 0]] + wrong[triplets[:, 1]] - wrong[triplets[:, 2]]
        distance = wrong + generator.normal(0, 0.05, len(days))
        found = least_cycles(triplets, target[:, None].astype(float), np.zeros((len(triplets), 1)), distance[:, None])
        grid = np.array(np.meshgrid(*[[-1, 0, 1]] * len(days))).reshape(len(days), -1)
        missing = np.abs(target[:, None] - grid[triplets[:, 0]] - grid[triplets[:, 1]] + grid[triplets[:, 2]])
        toward = np.where(grid != 0, np.abs(distance[:, None] - grid) - np.abs(distance[:, None]), 0)
        cost = (np.abs(grid) + 0.8 * toward).sum(axis=0) + 1.05 * missing.sum(axis=0)
        assert cost[(grid == found).all(axis=0)].min() <= cost.min() + 1e-6


def test_motion_that_is_not_steady_is_left_alone() -> None:
    days = network_days(20, 3)
    motion = 25.0 * (np.arange(20) > 9)
    phases, _, _ = NoisyNetwork(days).simulated(100, 0.7, 0.3, motion=motion)
    assert not found_cycles(days, phases).any()
    phases[[5, 30], :50] += 2 * np.pi
    found = found_cycles(days, phases)
    assert (found[[5, 30], :50] == 1).mean() > 0.98
    assert np.count_nonzero(found) <= 102


def test_missing_phases_are_never_corrected_and_others_are_nevertheless() -> None:
    days = network_days(20, 3)
    phases, cycles, _ = NoisyNetwork(days).simulated(200, 1.0, 0.3, 2, lost=0.15)
    found = found_cycles(days, phases)
    assert not found[np.isnan(phases)].any()
    assert (found == cycles)[cycles != 0].mean() > 0.9
    assert (found != 0)[cycles == 0].mean() < 0.001


def test_offsets_of_triplets_are_no_errors() -> None:
    days = network_days(12, 3)
    phases, _, _ = NoisyNetwork(days).simulated(50, 0.5, 0.2)
    constants = np.zeros(len(days))
    constants[[2, 9, 17, 21]] = 2 * np.pi * np.array([1, -3, 2, 1])
    triplets = triplets_of_days(days)
    offsets = (constants[triplets[:, 0]] + constants[triplets[:, 1]] - constants[triplets[:, 2]]) / (2 * np.pi)
    phases += constants[:, None]
    assert correction(days).cycles(phases)[0].size
    assert not correction(days, offsets).cycles(phases)[0].size


def test_a_network_without_triplets_has_nothing_to_correct() -> None:
    days = network_days(12, 1)
    phases, _, _ = NoisyNetwork(days).simulated(50, 0.5, 0.2, 3)
    assert not correction(days).cycles(phases)[0].size


def test_a_stack_is_corrected_before_its_rate_is_taken_and_says_so(tmp_path: Path) -> None:
    days = network_days(12, 3)
    shape = (20, 24)
    phases, _, _ = NoisyNetwork(days).simulated(shape[0] * shape[1], 0.0, 0.2, rate=8.0)
    phases = phases.reshape(len(days), *shape)
    clean = make_stack(tmp_path / "clean", phases, days)
    wrong = phases.copy()
    # A fifth of the scene, on seven of thirty pairs: rejection alone would lose them.
    for pair, cycles in ((2, 1), (7, -1), (11, 2), (15, 1), (20, -2), (24, 1), (28, 1)):
        wrong[pair, 4:12, 6:18] += 2 * np.pi * cycles
    stack = make_stack(tmp_path / "wrong", wrong, days)
    said: list[str] = []
    results = {}
    for name, item, options in (
        ("clean", clean, StackingOptions()),
        ("corrected", stack, StackingOptions(unwrapping_correction=True, outlier_sigma=3.5)),
        ("raw", stack, StackingOptions()),
    ):
        written = StackOutputs(tmp_path / f"{name}.tif", count=tmp_path / f"{name}_count.tif")
        progress = Progress(on_info=said.append)
        corrections = Corrections(Reference("median"))
        results[name] = stack_to_files(item, written, corrections, options, progress=progress)
    right = read_raster(tmp_path / "clean.tif")
    np.testing.assert_allclose(read_raster(tmp_path / "corrected.tif"), right, atol=0.2)
    assert abs(read_raster(tmp_path / "raw.tif") - right).max() > 5
    assert (read_raster(tmp_path / "corrected_count.tif") == len(days)).all()
    share = 100 * 7 * 96 / (len(days) * 480)
    told = " ".join(str(text) for text in results["corrected"].notes)
    assert f"{share:.3g} % of the phases were corrected by whole cycles; the most, 96 pixels, of pair" in told
    assert any("corrected by whole cycles" in str(text) for text in said)
