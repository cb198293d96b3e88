"""Stacks of real interferograms against an independent equation 1, and against another program's rates."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from ada_mapper.core.interferograms import Interferogram, Stack, connected_dates, find_stack
from ada_mapper.core.stacking import Corrections, Reference, StackingOptions, StackOutputs, stack_to_files
from shared_data import shared_data
from stacks import read_raster

EQUATION_1 = StackingOptions(estimator="eq1")


def independent_rate(stack: Stack) -> np.ndarray:
    """Equation 1 by masked arrays, from the files read with bare GDAL calls."""
    phases = np.array([_stored(pair.phase.path, pair.phase.index) for pair in stack.interferograms])
    phases = np.ma.masked_equal(phases.astype(np.float64), 0)
    days = np.array([(pair.second_date - pair.first_date).days for pair in stack.interferograms])
    years = np.ma.masked_array(np.broadcast_to(days[:, None, None] / 365.25, phases.shape), phases.mask)
    return np.ma.filled((years * phases).sum(axis=0) / (years**2).sum(axis=0), np.nan)


def _stored(path: str, index: int) -> np.ndarray:
    dataset = gdal.Open(path)
    return dataset.GetRasterBand(index).ReadAsArray()


@pytest.fixture
def mexico_city() -> Stack:
    return find_stack(shared_data("stacks/mexico_city_s1"))


def test_mexico_city_equals_an_independent_equation_1(mexico_city: Stack, tmp_path: Path) -> None:
    assert len(mexico_city.interferograms) == 30
    stack_to_files(mexico_city, StackOutputs(tmp_path / "p.tif"), options=EQUATION_1)
    found = read_raster(tmp_path / "p.tif").astype(np.float64)
    expected = independent_rate(mexico_city)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    # float32 files hold 24 bits: half a unit of the last place comes on top of the 1e-6.
    assert np.nanmax(abs(found - expected) - abs(expected) * 2.0**-24) < 1e-6


@pytest.mark.parametrize(("sign", "direction"), [("toward", -1), ("away", 1)])
def test_mexico_city_subsides(mexico_city: Stack, tmp_path: Path, sign: str, direction: int) -> None:
    outputs = StackOutputs(tmp_path / "p.tif", tmp_path / "r.tif")
    options = StackingOptions(sign=sign)
    stack_to_files(mexico_city, outputs, Corrections(Reference("auto")), options)
    low, high = np.nanpercentile(direction * read_raster(tmp_path / "r.tif"), (2, 98))
    # The city sinks by decimetres a year; nothing rises like that.
    assert high > 150 and high > -2 * low


def between(stack: Stack, dates: Collection[date]) -> tuple[Interferogram, ...]:
    """The pairs of which both dates are among some."""
    return tuple(pair for pair in stack.interferograms if pair.first_date in dates and pair.second_date in dates)


def loops(pairs: tuple[Interferogram, ...]) -> int:
    """How many pairs check others; 0 where the dates are not all connected."""
    groups = connected_dates(pairs)
    return len(pairs) - len(groups[0]) + 1 if len(groups) == 1 else 0


def halves(stack: Stack) -> list[tuple[tuple[Interferogram, ...], tuple[Interferogram, ...]]]:
    """The pairs of each two halves of the dates that share none and that three loops or more check."""
    found = []
    for chosen in combinations(stack.dates, len(stack.dates) // 2):
        one, other = between(stack, chosen), between(stack, set(stack.dates) - set(chosen))
        if min(loops(one), loops(other)) >= 3:
            found.append((one, other))
    return found


@pytest.mark.parametrize("estimator", ["eq1", "network"])
def test_two_halves_of_mexico_city_differ_as_their_errors_say(
    mexico_city: Stack, tmp_path: Path, estimator: str
) -> None:
    """Rates of dates that share nothing but the ground, against each scene's median; the middle of many halvings.

    Each halving is one draw of six or seven dates' air over the whole scene, so that a single one says little.
    """
    spreads = []
    for parts in halves(mexico_city)[::3]:
        rates, errors = [], []
        for pairs in parts:
            outputs = StackOutputs(tmp_path / "p.tif", tmp_path / "r.tif", tmp_path / "e.tif")
            own = replace(mexico_city, interferograms=pairs)
            options = StackingOptions(estimator=estimator, outlier_sigma=None)
            stack_to_files(own, outputs, Corrections(Reference("median")), options)
            rates.append(read_raster(tmp_path / "r.tif").astype(np.float64))
            errors.append(read_raster(tmp_path / "e.tif").astype(np.float64))
        apart = rates[0] - rates[1]
        deviation = (apart - np.nanmedian(apart)) / np.hypot(*errors)
        assert np.isfinite(deviation).sum() > 4000
        spreads.append(np.nanstd(deviation))
    assert len(spreads) >= 15
    assert 0.8 < np.median(spreads) < 1.25


def test_mexico_city_is_too_small_for_a_ramp(mexico_city: Stack, tmp_path: Path) -> None:
    outputs = StackOutputs(tmp_path / "p.tif")
    corrections = Corrections(Reference("auto"), ramp="plane")
    result = stack_to_files(mexico_city, outputs, corrections, EQUATION_1)
    assert any("No ramp was removed" in note for note in result.notes)
    found, expected = read_raster(tmp_path / "p.tif"), independent_rate(mexico_city)
    valid = np.isfinite(expected)
    # The reference moves the whole rate, and nothing bends it.
    assert (found - expected)[valid].std() < 0.05 * expected[valid].std()


def test_sydney_products_give_bit_equal_stacks(tmp_path: Path) -> None:
    folder = shared_data("stacks/sydney_envisat")
    rates = {}
    for product in ("geotiff", "gamma", "roipac"):
        stack = find_stack(folder, product)
        assert len(stack.interferograms) == 17
        # The products tell slightly different wavelengths, so only what comes before equation 2 is the same.
        outputs = StackOutputs(tmp_path / f"{product}_rate.tif", count=tmp_path / f"{product}_count.tif")
        stack_to_files(stack, outputs, options=EQUATION_1)
        rates[product] = [read_raster(path).tobytes() for path in (outputs.phase_rate, outputs.count)]
    assert rates["geotiff"] == rates["gamma"] == rates["roipac"]
