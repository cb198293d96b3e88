"""The raster of closure: known errors, an independent recomputation, and nothing else changed by it."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.progress import Progress
from ada_mapper.core.stacking import Corrections, Reference, StackingOptions, StackOutputs, stack_to_files
from shared_data import shared_data
from stacks import make_stack, network_days, read_raster

CYCLE = 2 * math.pi
DAYS = network_days(7, 3)
SHAPE = (60, 70)


def phases_of(days: list[tuple[int, int]], seed: int = 0, constant: float = 40.0) -> list[np.ndarray]:
    """Phases of motion and air of each date, which close, with a constant of its own for each pair."""
    rng = np.random.default_rng(seed)
    of_dates = {day: rng.normal(0, 2, SHAPE) for day in sorted({day for pair in days for day in pair})}
    return [of_dates[j] - of_dates[i] + rng.uniform(-constant, constant) + 100 for i, j in days]


def independent_share(phases: list[np.ndarray], days: list[tuple[int, int]], reference: tuple[slice, slice] | None):
    """Open and complete triplets counted over all threes of dates, from arrays with NaN."""
    number = {pair: k for k, pair in enumerate(days)}
    opened, complete = np.zeros(SHAPE), np.zeros(SHAPE)
    for i, j, k in combinations(sorted({day for pair in days for day in pair}), 3):
        if all(pair in number for pair in ((i, j), (j, k), (i, k))):
            a, b, c = (phases[number[pair]] for pair in ((i, j), (j, k), (i, k)))
            cycles = (a + b - c) / CYCLE
            if reference is None:
                cycles -= np.nanmedian(cycles)
            else:
                cycles -= sum(np.nanmean(x[reference]) * sign for x, sign in ((a, 1), (b, 1), (c, -1))) / CYCLE
            complete += np.isfinite(cycles)
            opened += np.nan_to_num(np.abs(cycles)) > 0.5
    with np.errstate(invalid="ignore"):
        return opened / complete


@pytest.mark.parametrize("mode", ["none", "area"])
def test_the_raster_is_the_share_of_open_triplets(tmp_path: Path, mode: str) -> None:
    phases = phases_of(DAYS)
    phases[4][10:20, 10:30] += CYCLE
    phases[7][15:40, 20:25] -= 2 * CYCLE
    phases[2][:, :5] = np.nan
    for values in phases:
        values[50:, 60:] = np.nan
    stack = make_stack(tmp_path, [np.nan_to_num(values) for values in phases], DAYS)
    reference = Reference()
    if mode == "area":
        # Pixels 40..44 of rows 45..49.
        west, north = 500_000 + 40 * 100, 5_000_000 - 45 * 100
        ring = f"{west} {north}, {west + 500} {north}, {west + 500} {north - 500}, {west} {north - 500}, {west} {north}"
        reference = Reference("area", f"POLYGON (({ring}))", "EPSG:32632")
    outputs = StackOutputs(tmp_path / "p.tif", closure=tmp_path / "c.tif")
    stack_to_files(stack, outputs, Corrections(reference))
    inside = (slice(45, 50), slice(40, 45)) if mode == "area" else None
    expected = independent_share(phases, DAYS, inside)
    found = read_raster(tmp_path / "c.tif")
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.isnan(found[50:, 60:]).all() and np.isfinite(found[:50]).all()
    assert (found > 0).sum() == 200 + 125 - 25 and found[0, 0] == 0


def test_ground_that_is_off_from_the_reference_is_open_and_without_one_the_smaller_part(tmp_path: Path) -> None:
    phases = phases_of(DAYS)
    phases[3][:, 20:] += CYCLE
    stack = make_stack(tmp_path, phases, DAYS)
    area = Reference("area", "POLYGON ((500000 5000000, 501000 5000000, 501000 4999000, 500000 5000000))", "EPSG:32632")
    shares = {}
    for name, reference in (("reference", area), ("median", Reference())):
        path = tmp_path / f"{name}.tif"
        stack_to_files(stack, StackOutputs(tmp_path / f"p{name}.tif", closure=path), Corrections(reference))
        shares[name] = read_raster(path)
    assert not shares["reference"][:, :20].any() and shares["reference"][:, 20:].all()
    assert shares["median"][:, :20].all() and not shares["median"][:, 20:].any()


def test_a_ramp_of_each_pair_is_no_error_of_unwrapping(tmp_path: Path) -> None:
    phases = phases_of(DAYS, constant=0)
    columns = np.arange(SHAPE[1])
    for number, values in enumerate(phases):
        values += 0.5 * (number % 3) * columns
    stack = make_stack(tmp_path, phases, DAYS, pixel=300)
    with_ramps, without = tmp_path / "with.tif", tmp_path / "without.tif"
    stack_to_files(stack, StackOutputs(tmp_path / "p.tif", closure=with_ramps))
    stack_to_files(stack, StackOutputs(tmp_path / "q.tif", closure=without), Corrections(ramp="plane"))
    assert read_raster(with_ramps).mean() > 0.2 and read_raster(without).mean() < 0.001


def test_the_rates_are_the_same_with_and_without_it(tmp_path: Path) -> None:
    phases = phases_of(DAYS)
    phases[5][:20] += CYCLE
    stack = make_stack(tmp_path, phases, DAYS)
    options = StackingOptions(outlier_sigma=3.5)
    stack_to_files(stack, StackOutputs(tmp_path / "p.tif"), options=options)
    stack_to_files(stack, StackOutputs(tmp_path / "q.tif", closure=tmp_path / "c.tif"), options=options)
    np.testing.assert_array_equal(read_raster(tmp_path / "p.tif"), read_raster(tmp_path / "q.tif"))
    # What rejection leaves out counts, as it is what doesn't close.
    assert (read_raster(tmp_path / "c.tif")[:20] > 0).all()


def test_a_network_without_triplets_says_that_it_is_empty(tmp_path: Path) -> None:
    told: list[str] = []
    stack = make_stack(tmp_path, phases_of([(0, 12), (12, 24)]), [(0, 12), (12, 24)])
    outputs = StackOutputs(tmp_path / "p.tif", closure=tmp_path / "c.tif")
    result = stack_to_files(stack, outputs, progress=Progress(on_info=told.append))
    assert np.isnan(read_raster(tmp_path / "c.tif")).all()
    assert "No three pairs connect three dates, so the closure is empty." in told and told[-1] in result.notes


def test_mexico_city_closes_but_for_single_pixels(tmp_path: Path) -> None:
    stack = find_stack(shared_data("stacks/mexico_city_s1"))
    stack_to_files(stack, StackOutputs(tmp_path / "p.tif", closure=tmp_path / "c.tif"))
    share = read_raster(tmp_path / "c.tif")
    assert np.isfinite(share).mean() > 0.95 and 0 < (share > 0).sum() < 60
