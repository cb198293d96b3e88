"""What the dates of a stack can't tell, in numbers that are computed independently."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from ada_mapper.core.interferograms.timing import annual_bias, longest_gap, timing_notes

BEGIN = date(2020, 1, 1)


def pairs(days: list[int], reach: int = 3) -> list[SimpleNamespace]:
    """Pairs of each of the days with the next ``reach`` ones."""
    dates = [BEGIN + timedelta(days=day) for day in days]
    return [
        SimpleNamespace(first_date=dates[i], second_date=dates[j], perpendicular_baseline=None)
        for i in range(len(dates))
        for j in range(i + 1, min(i + reach + 1, len(dates)))
    ]


def every_12_days(years: float) -> list[int]:
    return list(range(0, int(years * 365.25) + 1, 12))


@pytest.mark.parametrize(("years", "bias"), [(0.5, 22.0), (0.75, 12.6), (1.5, 6.7), (2.5, 4.0)])
def test_the_bias_of_an_annual_wave_is_as_measured_on_simulated_stacks(years: float, bias: float) -> None:
    assert 5 * annual_bias(pairs(every_12_days(years))) == pytest.approx(bias, abs=0.06)


@pytest.mark.parametrize("days", [every_12_days(0.8), [0, 12, 60, 200, 400, 411, 500]])
def test_the_bias_is_the_largest_over_all_phases_of_the_wave(days: list[int]) -> None:
    """Against equation 1 of pairs of a wave that begins at many times of the year."""
    network = pairs(days)
    ends = np.array([(pair.first_date.toordinal(), pair.second_date.toordinal()) for pair in network]) / 365.25
    spans = ends[:, 1] - ends[:, 0]
    rates = []
    for begin in np.linspace(0, 1, 720, endpoint=False):
        first, second = (np.sin(2 * np.pi * (ends[:, side] - begin)) for side in (0, 1))
        rates.append(np.sum(spans * (second - first)) / np.sum(spans**2))
    assert annual_bias(network) == pytest.approx(max(rates), rel=1e-4)


def test_a_stack_shorter_than_a_year_is_told_with_its_bias() -> None:
    (season, short) = timing_notes(pairs(every_12_days(0.5)))
    assert "span 180 days, less than a year" in season and "up to 22 mm/yr" in season
    assert "No pair is longer than 36 days" in short


def test_thirty_repeats_of_twelve_days_are_a_year() -> None:
    assert not any("less than a year" in note for note in timing_notes(pairs(every_12_days(0.99))))


def test_a_season_without_dates_is_told_with_its_days() -> None:
    days = [day for day in every_12_days(3) if not 100 < day % 365 < 230]
    (missing, *_) = timing_notes(pairs(days))
    gap, before, after = longest_gap({BEGIN + timedelta(days=day) for day in days})
    assert gap > 120
    assert f"between {before:%d.%m.} and {after:%d.%m.}" in missing
    assert not any("No date of any year" in note for note in timing_notes(pairs(every_12_days(3))))


@pytest.mark.parametrize(
    ("dates", "gap"),
    [
        ([date(2020, 1, 1), date(2021, 7, 2)], (183, date(2021, 7, 2), date(2020, 1, 1))),
        ([date(2019, 12, 31), date(2020, 1, 1)], (364, date(2020, 1, 1), date(2019, 12, 31))),
        ([date(2020, 2, 29)], (365, date(2020, 2, 29), date(2020, 2, 29))),
        ([date(2020, 5, 1), date(2022, 5, 1)], (365, date(2020, 5, 1), date(2020, 5, 1))),
    ],
)
def test_the_longest_part_of_the_year_without_a_date(dates: list[date], gap: tuple[int, date, date]) -> None:
    assert longest_gap(dates) == gap


@pytest.mark.parametrize(("years", "advised"), [(1.2, False), (1.5, True), (2.0, False), (2.5, True)])
def test_annual_terms_are_advised_where_they_can_be_had_and_matter(years: float, advised: bool) -> None:
    network = pairs(every_12_days(years))
    assert any("estimate an annual motion" in note for note in timing_notes(network)) == advised
    if years >= 1.25:
        assert not any("seasonal motion" in note.lower() for note in timing_notes(network, is_seasonal=True))


def test_annual_terms_do_not_help_a_stack_that_is_too_short_for_them() -> None:
    assert any("less than a year" in note for note in timing_notes(pairs(every_12_days(0.5)), is_seasonal=True))


def test_long_pairs_are_no_caution() -> None:
    notes = timing_notes(pairs(every_12_days(2.0), reach=8))
    assert not any("No pair is longer" in note for note in notes)
    assert timing_notes([]) == ()
