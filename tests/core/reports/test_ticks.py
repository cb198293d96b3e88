"""Round marks of axes: within the axis, never more than asked for, told apart by their texts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ada_mapper.core.reports import date_ticks, round_down, round_step, round_ticks, round_up


@pytest.mark.parametrize(
    ("span", "steps", "step"), [(210, 6, 50), (1, 5, 0.2), (0.004, 5, 0.001), (1e6, 4, 500_000), (10, 10, 1)]
)
def test_known_steps(span: float, steps: int, step: float) -> None:
    assert round_step(span, steps) == pytest.approx(step)


def test_known_marks() -> None:
    assert round_ticks(-80, 130, 6) == ([-50, 0, 50, 100], 0)
    values, decimals = round_ticks(0, 0.004, 5)
    assert values == pytest.approx([0, 0.001, 0.002, 0.003, 0.004])
    assert decimals == 3


@given(st.floats(-1e6, 1e6), st.floats(1e-4, 1e6), st.integers(1, 20))
def test_marks_lie_within_and_are_told_apart(low: float, span: float, most: int) -> None:
    values, decimals = round_ticks(low, low + span, most)
    assert len(values) <= most + 1
    assert all(low - 1e-6 * span <= value <= low + (1 + 1e-6) * span for value in values)
    assert len({f"{value:.{decimals}f}" for value in values}) == len(values)


def texts(first: date, last: date, most: int) -> list[str]:
    return [text for _, text in date_ticks(first, last, most)]


def test_dates_are_round_and_as_short_as_they_can_be() -> None:
    assert texts(date(2018, 1, 6), date(2018, 7, 17), 3) == ["2018-03", "2018-05", "2018-07"]
    assert texts(date(2014, 1, 6), date(2024, 7, 17), 5) == ["2016", "2018", "2020", "2022", "2024"]
    assert texts(date(2018, 6, 1), date(2018, 6, 3), 4) == ["2018-06-01", "2018-06-02", "2018-06-03"]
    assert texts(date(2018, 6, 2), date(2018, 6, 2), 4) == ["2018-06-02"]


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.integers(0, 20_000), st.integers(1, 12))
def test_dates_lie_within_and_are_told_apart(first: date, days: int, most: int) -> None:
    last = first + timedelta(days)
    ticks = date_ticks(first, last, most)
    assert 1 <= len(ticks) <= most
    assert all(first <= day <= last and day.isoformat().startswith(text) for day, text in ticks)
    assert len({text for _, text in ticks}) == len(ticks)


FACTORS = ((1, 2, 5), (1, 2, 2.5, 5), (1, 1.5, 2, 3, 4, 5, 6, 8))


@given(st.floats(1e-9, 1e9), st.sampled_from(FACTORS))
@example(999_999_999.999_999_9, (1, 2, 5))
def test_the_nearest_round_numbers_below_and_above(value: float, factors: tuple[float, ...]) -> None:
    known = [factor * 10.0**power for power in range(-11, 12) for factor in factors]
    assert round_up(value, factors) == pytest.approx(min(number for number in known if number >= value * (1 - 1e-8)))
    assert round_down(value, factors) == pytest.approx(max(number for number in known if number <= value))


def test_round_numbers_and_their_neighbours_in_the_last_digits() -> None:
    assert (round_up(7), round_down(7), round_up(100), round_down(100)) == (10, 5, 100, 100)
    assert round_up(0.1 + 0.2, (1, 2, 3, 5)) == pytest.approx(0.3)
    assert round_up(0.301, (1, 2, 3, 5)) == pytest.approx(0.5)
