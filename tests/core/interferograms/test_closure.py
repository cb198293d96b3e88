"""Closure of triplets: made stacks whose errors are known, and the definition in plain loops."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import PairLimits, find_stack, pair_facts, select_pairs
from ada_mapper.core.interferograms.closure import (
    closure_offsets,
    integer_closures,
    open_share,
    pair_closures,
)
from ada_mapper.core.interferograms.samples import _phase_windows, _spread
from ada_mapper.core.interferograms.triplets import triplets_of
from ada_mapper.core.raster import Grid
from shared_data import shared_data
from stacks import make_stack, network_days

CYCLE = 2 * math.pi


@dataclass(frozen=True)
class Days:
    """A pair by the days of its dates."""

    first: int
    second: int
    perpendicular_baseline: float | None = None

    @property
    def first_date(self) -> date:
        return date(2020, 1, 1) + timedelta(self.first)

    @property
    def second_date(self) -> date:
        return date(2020, 1, 1) + timedelta(self.second)


def network(days: list[tuple[int, int]]) -> list[Days]:
    return [Days(*pair) for pair in days]


def consistent_phases(days: list[tuple[int, int]], shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Phases (pairs, *shape) of motion and air of each date, which close, and a constant of its own for each pair."""
    rng = np.random.default_rng(seed)
    of_dates = {day: rng.normal(0, 3, shape) for day in sorted({day for pair in days for day in pair})}
    constants = rng.uniform(-30, 30, len(days))
    return np.array([of_dates[j] - of_dates[i] + c for (i, j), c in zip(days, constants)], np.float32)


def brute_force(days: list[tuple[int, int]], phases: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(share of open triplets (pixels,), open and suspect shares (pairs,)) by the definition, one number at a time."""
    number = {pair: k for k, pair in enumerate(days)}
    dates = sorted({day for pair in days for day in pair})
    triplets = [t for t in combinations(dates, 3) if all(pair in number for pair in combinations(t, 2))]
    pixels = phases.shape[1]
    opened: list[dict[tuple[int, ...], bool]] = [{} for _ in range(pixels)]
    for i, j, k in triplets:
        members = number[i, j], number[j, k], number[i, k]
        sums = [float(phases[members[0], p] + phases[members[1], p] - phases[members[2], p]) for p in range(pixels)]
        known = [value for value in sums if math.isfinite(value)]
        for p, value in enumerate(sums):
            if math.isfinite(value):
                opened[p][members] = round((value - median(known)) / CYCLE) != 0
    share = np.array([np.mean(list(here.values())) if here else np.nan for here in opened])
    seen, is_open, suspect = (np.zeros(len(days)) for _ in range(3))
    for here in opened:
        score = {
            pair: sum(1 if is_bad else -1 for members, is_bad in here.items() if pair in members)
            for members in here
            for pair in members
        }
        for pair in score:
            mine = [members for members, is_bad in here.items() if is_bad and pair in members]
            seen[pair] += 1
            is_open[pair] += bool(mine)
            suspect[pair] += any(score[pair] == max(score[member] for member in members) for members in mine)
    with np.errstate(invalid="ignore"):
        return share, is_open / seen, suspect / seen


def test_motion_air_and_constants_of_pairs_close() -> None:
    days = network_days(7, 3)
    phases = consistent_phases(days, (400,))
    triplets = triplets_of(network(days))
    offsets = closure_offsets(phases, triplets)
    assert np.abs(offsets).max() > 1
    assert not integer_closures(phases, triplets, offsets).any()
    found = pair_closures(phases, triplets)
    assert not found.is_open.any() and not found.suspect.any()


@pytest.mark.parametrize("cycles", [1, -1, 2])
@pytest.mark.parametrize("wrong", [0, 7, 10])
def test_a_block_that_is_a_cycle_off_in_one_pair_opens_exactly_its_triplets(cycles: int, wrong: int) -> None:
    days = network_days(8, 3)
    phases = consistent_phases(days, (20, 25))
    phases[wrong, 2:7, 5:15] += CYCLE * cycles
    triplets = triplets_of(network(days))
    flat = phases.reshape(len(days), -1)
    integers = integer_closures(phases, triplets, closure_offsets(flat, triplets))
    block = np.zeros((20, 25), bool)
    block[2:7, 5:15] = True
    for members, integer in zip(triplets, integers):
        sign = {0: 1, 1: 1, 2: -1}[members.tolist().index(wrong)] if wrong in members else 0
        np.testing.assert_array_equal(integer, sign * cycles * block)
    found = pair_closures(flat, triplets)
    beside = {int(pair) for members in triplets if wrong in members for pair in members}
    np.testing.assert_allclose(found.is_open, [0.1 if pair in beside else 0 for pair in range(len(days))])
    # All other pairs have triplets that close.
    np.testing.assert_allclose(found.suspect, [0.1 if pair == wrong else 0 for pair in range(len(days))])
    share = open_share(phases, triplets, closure_offsets(flat, triplets))
    expected = sum(wrong in members for members in triplets) / len(triplets)
    np.testing.assert_allclose(share, np.where(block, expected, 0), rtol=1e-6)


def test_a_triplet_that_stands_alone_makes_all_its_pairs_suspect() -> None:
    days = [(0, 12), (0, 24), (12, 24)]
    phases = consistent_phases(days, (100,))
    phases[1, :30] += CYCLE
    found = pair_closures(phases, triplets_of(network(days)))
    np.testing.assert_allclose(found.is_open, 0.3)
    np.testing.assert_allclose(found.suspect, 0.3)


def test_pixels_without_the_three_phases_tell_nothing() -> None:
    days = [(0, 12), (0, 24), (12, 24), (24, 36)]
    phases = consistent_phases(days, (100,))
    phases[0, :50] = np.nan
    phases[1, 40:60] += CYCLE
    triplets = triplets_of(network(days))
    found = pair_closures(phases, triplets)
    np.testing.assert_allclose(found.is_open[:3], 10 / 50)
    assert np.isnan(found.is_open[3]) and np.isnan(found.suspect[3])
    share = open_share(phases, triplets, closure_offsets(phases, triplets))
    assert np.isnan(share[:50]).all()
    np.testing.assert_array_equal(share[50:], [1] * 10 + [0] * 40)
    assert np.isnan(open_share(phases[[0, 3]], triplets_of(network(days[::3])))).all()


def test_phases_of_one_reference_need_no_offsets() -> None:
    days = network_days(5, 2)
    phases = consistent_phases(days, (60,))
    phases -= phases[:, [0]]
    # More than half of the ground is off from the reference: the median would blame the others.
    phases[2, 20:] += CYCLE
    triplets = triplets_of(network(days))
    share = open_share(phases, triplets)
    assert not share[:20].any() and (share[20:] == share[20]).all() and share[20] > 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(3, 6), st.integers(1, 9))
def test_shares_are_those_of_the_definition_in_plain_loops(seed: int, dates: int, pixels: int) -> None:
    rng = np.random.default_rng(seed)
    every = network_days(dates, dates)
    days = [pair for pair in every if rng.random() < 0.8] or every
    phases = consistent_phases(days, (pixels,), seed) + CYCLE * rng.integers(-1, 2, (len(days), pixels))
    phases[rng.random(phases.shape) < 0.15] = np.nan
    phases = phases.astype(np.float32)
    triplets = triplets_of(network(days))
    offsets = closure_offsets(phases, triplets)
    # The median of an even number of pixels may lie half a cycle off: rounding decides there, and differs by the way.
    lower, upper = (integer_closures(phases, triplets, offsets + step) for step in (-0.01, 0.01))
    assume(np.array_equal(lower, upper, equal_nan=True))
    expected = brute_force(days, phases.astype(np.float64))
    found = pair_closures(phases, triplets)
    np.testing.assert_allclose(open_share(phases, triplets, offsets), expected[0], rtol=1e-6)
    np.testing.assert_allclose(found.is_open, expected[1])
    np.testing.assert_allclose(found.suspect, expected[2])


def test_facts_of_pairs_tell_closure_and_limits_drop_the_pair_that_is_wrong(tmp_path: Path) -> None:
    days = network_days(7, 3)
    phases = consistent_phases(days, (30, 40)) + 100
    phases[4, :10, :12] += CYCLE
    stack = make_stack(tmp_path, list(phases), days)
    wrong = stack.interferograms[4].name
    facts = {pair.name: pair for pair in pair_facts(stack)}
    assert facts[wrong].closure == facts[wrong].suspect == pytest.approx(0.1)
    assert {pair.suspect for pair in facts.values() if pair.name != wrong} == {0.0}
    assert sum(pair.closure > 0 for pair in facts.values()) > 5

    told = select_pairs(stack)
    assert not told.dropped and told.suspect[wrong] == pytest.approx(0.1)
    assert any(f"{wrong} (10 %)" in note for note in told.notes)
    assert not select_pairs(stack, PairLimits(max_closure=0.1 + 1e-6)).dropped
    selection = select_pairs(stack, PairLimits(max_closure=0.05))
    assert [(pair.name, reason) for pair, reason in selection.dropped] == [
        (
            wrong,
            "In 10.0 % of its pixels triplets with other pairs don't close, most likely by errors of its unwrapping; "
            "that is above 5 %.",
        )
    ]
    assert not any("unwrapping" in note for note in selection.notes)


def test_only_what_a_limit_asks_for_is_read(tmp_path: Path) -> None:
    days = network_days(4, 2)
    stack = make_stack(tmp_path, list(consistent_phases(days, (6, 5)) + 100), days, [np.full((6, 5), 0.5)] * len(days))
    for limits, coherence, closure in (
        (PairLimits(), False, False),
        (PairLimits(min_coherence=0.2), True, False),
        (PairLimits(max_closure=0.2), False, True),
    ):
        selection = select_pairs(stack, limits, only_needed=True)
        assert not selection.dropped
        assert (bool(selection.mean_coherence), bool(selection.closure)) == (coherence, closure)
    selection = select_pairs(stack)
    assert len(selection.mean_coherence) == len(selection.closure) == len(days)


def test_pairs_without_a_triplet_have_no_closure_and_meet_any_limit(tmp_path: Path) -> None:
    days = [(0, 12), (12, 24), (24, 36)]
    stack = make_stack(tmp_path, list(consistent_phases(days, (6, 5)) + 100), days)
    assert [(pair.closure, pair.suspect) for pair in pair_facts(stack)] == [(None, None)] * 3
    selection = select_pairs(stack, PairLimits(max_closure=0))
    assert not selection.dropped and any("3 pairs that are in no triplet" in note for note in selection.notes)


def test_when_no_pair_closes_the_nearest_limit_is_told_and_keeps_it(tmp_path: Path) -> None:
    days = [(0, 12), (0, 24), (12, 24)]
    phases = consistent_phases(days, (10, 10)) + 100
    phases[0, :3, :5] += CYCLE
    stack = make_stack(tmp_path, list(phases), days)
    with pytest.raises(InputError, match=r"needs limits that allow 15 % of pixels that don't close\."):
        select_pairs(stack, PairLimits(max_closure=0.1))
    assert not select_pairs(stack, PairLimits(max_closure=0.15 + 1e-9)).dropped


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_limit_that_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="between 0 and 100 %"):
        PairLimits(max_closure=share)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(3, 600), st.integers(1, 6000))
def test_samples_lie_in_the_scene_and_are_few_enough(width: int, height: int, pairs: int, triplets: int) -> None:
    windows = list(_phase_windows(Grid("", (0, 1, 0, 0, 0, -1), width, height), pairs, triplets))
    pixels = sum(window.width * window.height for window in windows)
    assert 0 < pixels * pairs <= 2**23 and pixels * triplets <= 2**24
    for window in (*windows, *_spread(width, height, 256)):
        assert window.column >= 0 and window.column + window.width <= width and window.width > 0
        assert window.row >= 0 and window.row + window.height <= height and window.height > 0


def test_mexico_city_closes_nearly_everywhere() -> None:
    stack = find_stack(shared_data("stacks/mexico_city_s1"))
    facts = pair_facts(stack)
    days = [((pair.first_date - date(2018, 1, 1)).days, (pair.second_date - date(2018, 1, 1)).days) for pair in facts]
    assert len(triplets_of(facts)) == len(triplets_of(network(days))) == 24
    assert sum(pair.closure is None for pair in facts) == 2
    shares = [pair.closure for pair in facts if pair.closure is not None]
    assert 0 < max(shares) < 0.002
