"""Which pairs are used, which not and why, and how the used ones hang together."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.interferograms import (
    Interferogram,
    PairLimits,
    Stack,
    baseline_positions,
    connected_dates,
    pair_facts,
    reasons_against,
    select_pairs,
)
from ada_mapper.core.interferograms.samples import _inside, sampled
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Band, Grid
from interferogram_products import METRES, coherences, valid, write_tif

START = date(2018, 1, 6)


def pair(first: int, second: int, baseline: float | None = 0.0, coherence: Band | None = None) -> Interferogram:
    """A pair by the days of its dates after the start."""
    return Interferogram(
        Band("none.tif"), START + timedelta(first), START + timedelta(second), "geotiff", baseline, coherence
    )


def stack_of(*pairs: Interferogram) -> Stack:
    return Stack(tuple(sorted(pairs, key=lambda item: (item.first_date, item.second_date))), METRES, 0.0555)


def names(pairs) -> list[str]:
    return [item.name for item in pairs]


def test_defaults_are_40_days_and_120_metres_and_include_their_limits():
    stack = stack_of(pair(0, 40, 120.0), pair(0, 41), pair(0, 12, -120.1), pair(12, 24, -119.9), pair(24, 36, None))
    selection = select_pairs(stack)
    assert names(selection.stack.interferograms) == ["20180106_20180215", "20180118_20180130", "20180130_20180211"]
    reasons = {item.name: reason for item, reason in selection.dropped}
    assert reasons == {
        "20180106_20180118": "Its perpendicular baseline of 120.1 m is above 120.",
        "20180106_20180216": "Its temporal baseline of 41 days is above 40.",
    }
    assert selection.stack.grid == stack.grid


def test_dates_limit_both_ends():
    stack = stack_of(pair(0, 12), pair(12, 24), pair(24, 36))
    limits = PairLimits(first_date=START + timedelta(12), last_date=START + timedelta(24))
    selection = select_pairs(stack, limits)
    assert names(selection.stack.interferograms) == ["20180118_20180130"]
    assert [reason for _, reason in selection.dropped] == ["It starts before 2018-01-18.", "It ends after 2018-01-30."]


@pytest.fixture
def bands(tmp_path):
    grid = Grid(METRES.crs, METRES.transform, 6, 5)
    return [
        Band(str(write_tif(tmp_path / f"{i}.tif", values, grid)), nodata=(0.0,))
        for i, values in enumerate((coherences(0) * 0.3, coherences(1), np.zeros((5, 6), np.float32)))
    ]


def test_coherence_is_the_mean_of_the_valid_pixels(bands):
    stack = stack_of(pair(0, 12, 0, bands[0]), pair(12, 24, 0, bands[1]), pair(24, 36, 0, bands[2]), pair(36, 48))
    low, high = float(np.nanmean(valid(coherences(0) * 0.3))), float(np.nanmean(valid(coherences(1))))
    selection = select_pairs(stack)
    assert selection.mean_coherence == {
        "20180106_20180118": pytest.approx(low),
        "20180118_20180130": pytest.approx(high),
    }
    assert not selection.dropped
    selection = select_pairs(stack, PairLimits(min_coherence=(low + high) / 2))
    assert names(item for item, _ in selection.dropped) == ["20180106_20180118"]
    assert selection.dropped[0][1].startswith(f"Its mean coherence of {low:.2f} is below")
    assert any("not applied to 2 pairs" in note for note in selection.notes)


def test_a_pair_at_the_limit_of_coherence_is_used(tmp_path):
    band = Band(str(write_tif(tmp_path / "half.tif", np.full((5, 6), 0.5, np.float32))))
    stack = stack_of(pair(0, 12, 0, band))
    assert len(select_pairs(stack, PairLimits(min_coherence=0.5)).stack.interferograms) == 1


def test_large_rasters_are_sampled_unless_the_mean_decides(tmp_path):
    values = np.full((1200, 1300), 0.5, np.float32)
    values[:, :650] = 0.7
    band = Band(str(write_tif(tmp_path / "large.tif", values, Grid(METRES.crs, METRES.transform, 1300, 1200))))
    for exact in (False, True):
        stack = stack_of(pair(0, 12, 0, band))
        means = sampled(stack, stack.interferograms, exact, Progress()).mean_coherence
        assert means == {"20180106_20180118": pytest.approx(0.6, abs=1e-6)}


@pytest.mark.parametrize("block", [1, 16, 100, 256, 512, 5000])
def test_samples_lie_in_few_stored_blocks(block: int) -> None:
    for size in (1000, 1025, 4000, 20_011):
        for count in (132, 256):
            for first in range(0, size - count, 97):
                start = _inside(first, count, block, size)
                assert 0 <= start <= size - count and abs(start - first) < max(count, min(block, size))
                touched = (start + count - 1) // block - start // block + 1
                assert touched <= (-(-count // block) if start < size - count else -(-count // block) + 1)


def test_when_nothing_is_left_the_nearest_limits_are_told(bands):
    far = stack_of(pair(0, 300), pair(0, 48, 140.4), pair(0, 60), pair(12, 24, -900.0))
    with pytest.raises(
        InputError, match=r"None of the interferograms \(4\) .*20180106_20180307, .* a temporal baseline of 60 days\."
    ):
        select_pairs(far)
    both = stack_of(pair(0, 48, 140.4), pair(0, 100, 500.0))
    with pytest.raises(InputError, match=r"temporal baseline of 48 days and a perpendicular baseline of 141 m"):
        select_pairs(both)
    with pytest.raises(InputError, match=r"a mean coherence of 0\.\d\d\."):
        select_pairs(stack_of(pair(0, 12, 0, bands[0]), pair(0, 300)), PairLimits(min_coherence=0.99))
    with pytest.raises(InputError, match=r"a first date of 2018-01-06"):
        select_pairs(stack_of(pair(0, 12)), PairLimits(first_date=date(2019, 1, 1)))


def test_the_told_limits_keep_the_told_pair(bands):
    with pytest.raises(InputError) as error:
        select_pairs(stack_of(pair(0, 12, 0, bands[0])), PairLimits(min_coherence=0.99))
    limit = float(str(error.value).rstrip(".").split()[-1])
    assert (
        len(select_pairs(stack_of(pair(0, 12, 0, bands[0])), PairLimits(min_coherence=limit)).stack.interferograms) == 1
    )


def test_a_split_network_is_reported():
    selection = select_pairs(stack_of(pair(0, 12), pair(12, 24), pair(36, 48)))
    assert [len(dates) for dates in selection.components] == [3, 2]
    assert any("2 groups" in note and "2018-02-11 to 2018-02-23" in note for note in selection.notes)
    assert not select_pairs(stack_of(pair(0, 12), pair(12, 24), pair(0, 24))).notes


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5)), min_size=1, max_size=15))
def test_components_are_those_of_graph_theory(edges):
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = [pair(first, first + step) for first, step in edges]
    components = connected_dates(pairs)
    days = sorted({day for item in pairs for day in (item.first_date, item.second_date)})
    rows = [days.index(item.first_date) for item in pairs]
    columns = [days.index(item.second_date) for item in pairs]
    count, labels = connected_components(coo_matrix((np.ones(len(rows)), (rows, columns)), (len(days),) * 2), False)
    expected = {tuple(day for day, label in zip(days, labels) if label == i) for i in range(count)}
    assert set(components) == expected
    assert [dates[0] for dates in components] == sorted(dates[0] for dates in components)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_temporal_baseline": 0}, "temporal"),
        ({"max_perpendicular_baseline": -1}, "perpendicular"),
        ({"max_perpendicular_baseline": float("nan")}, "perpendicular"),
        ({"min_coherence": 1.5}, "between 0 and 1"),
        ({"first_date": START, "last_date": START}, "must be before"),
    ],
)
def test_limits_that_make_no_sense(limits, message):
    with pytest.raises(InputError, match=message):
        PairLimits(**limits)


def test_reading_coherence_can_be_cancelled(bands):
    with pytest.raises(CancelledError):
        select_pairs(stack_of(pair(0, 12, 0, bands[0])), progress=Progress(is_cancelled=lambda: True))


def test_the_used_pairs_are_told():
    told: list[str] = []
    select_pairs(stack_of(pair(0, 12), pair(0, 300)), progress=Progress(on_info=told.append))
    assert "1 of 2 interferograms are used." in told


def test_pairs_left_out_by_hand_are_dropped_and_unknown_names_are_told():
    stack = stack_of(pair(0, 12), pair(12, 24), pair(0, 300))
    told: list[str] = []
    limits = PairLimits(excluded=frozenset({"20180106_20180118", "20180106_20181102", "19990101_19990102"}))
    selection = select_pairs(stack, limits, Progress(on_warning=told.append))
    assert names(selection.stack.interferograms) == ["20180118_20180130"]
    assert {item.name: reason for item, reason in selection.dropped} == {
        "20180106_20180118": "It was left out by hand.",
        "20180106_20181102": "It was left out by hand. Its temporal baseline of 300 days is above 40.",
    }
    assert told == ["Not among the interferograms, so not left out by hand: 19990101_19990102."]
    assert selection.notes == tuple(told)


def test_nothing_is_left_by_hand():
    stack = stack_of(pair(0, 12), pair(12, 24), pair(0, 300))
    by_hand = frozenset({"20180106_20180118", "20180118_20180130"})
    with pytest.raises(InputError, match=r"None of the .*\(3\) .*; 2 of them .* by hand\. .*20181102, .* of 300 days"):
        select_pairs(stack, PairLimits(excluded=by_hand))
    with pytest.raises(InputError, match="All 3 interferograms were left out by hand"):
        select_pairs(stack, PairLimits(excluded=by_hand | {"20180106_20181102"}))


def test_the_facts_of_pairs_are_judged_as_the_pairs_are(bands):
    stack = stack_of(pair(0, 12, 5.0, bands[0]), pair(12, 24, None, bands[1]), pair(24, 36, 300.0), pair(0, 60, 1.0))
    facts = pair_facts(stack)
    assert [(item.name, item.days, item.perpendicular_baseline) for item in facts] == [
        (item.name, item.days, item.perpendicular_baseline) for item in stack.interferograms
    ]
    for limits in (
        PairLimits(),
        PairLimits(100, 500, min_coherence=0.4),
        PairLimits(10_000, 299, excluded=frozenset({facts[0].name})),
        PairLimits(first_date=START + timedelta(12)),
    ):
        selection = select_pairs(stack, limits)
        reasons = reasons_against(facts, limits)
        assert [name for name, reason in reasons.items() if not reason] == names(selection.stack.interferograms)
        assert {name: reason for name, reason in reasons.items() if reason} == {
            item.name: reason for item, reason in selection.dropped
        }


def test_each_part_of_a_network_starts_at_position_0():
    pairs = [pair(0, 12, 10.0), pair(12, 24, -30.0), pair(0, 24, -20.0), pair(48, 60, 7.0), pair(60, 72, None)]
    expected = {0: 0, 12: 10, 24: -20, 48: 0, 60: 7}
    positions = baseline_positions(pairs)
    assert positions == {START + timedelta(day): pytest.approx(value, abs=1e-9) for day, value in expected.items()}
    assert baseline_positions([pair(0, 12, None)]) is None
