"""What the dates of a stack can't tell: motion that comes and goes with the seasons, and what only short pairs see.

An annual wave in the motion is taken for a rate where the dates don't cover whole years. How much of it depends on the
dates alone, and is told in numbers for the worst time of the year that the wave could begin at.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np

from ..satellite import DAYS_PER_YEAR
from ..texts import Message
from .network import DatedPair

SHORT_DAYS = 40
"""Pairs no longer than this hold fading: what soil and plants add to the phase of every short pair alike."""
SEASONAL_YEARS = 1.25
"""Span of the dates from which an annual motion can be estimated beside the rate."""
_WAVE = 5.0
# Days from which on a stack counts as one of a year: the repeats of a satellite seldom fill it exactly.
_YEAR = 350
# Days of the year without any date, in a row, that are a season.
_SEASON = 91
# mm/yr that an annual wave of 5 mm may leave before it is worth a word.
_WORTH = 2.0


def annual_bias(pairs: Iterable[DatedPair]) -> float:
    """The rate that equation 1 makes of an annual wave of amplitude 1, at worst, in amplitudes a year."""
    days = np.array([(pair.first_date.toordinal(), pair.second_date.toordinal()) for pair in pairs], np.float64)
    years = days / DAYS_PER_YEAR
    spans = years[:, 1] - years[:, 0]
    waves = [np.diff(wave(2 * math.pi * years), axis=1)[:, 0] for wave in (np.cos, np.sin)]
    return math.hypot(*(float((spans * wave).sum()) for wave in waves)) / float((spans**2).sum())


def longest_gap(dates: Iterable[date]) -> tuple[int, date, date]:
    """The longest part of the year that no date lies in: days, the date before it and the one after it."""
    ordered = sorted(dates, key=lambda day: (day.month, day.day))
    places = [_day_of_year(day) for day in ordered]
    gaps = [(after - before) % 365 for before, after in zip(places, (*places[1:], places[0]))]
    if len(set(places)) == 1:
        return 365, ordered[0], ordered[0]
    widest = max(range(len(gaps)), key=lambda index: gaps[index])
    return gaps[widest], ordered[widest], ordered[(widest + 1) % len(ordered)]


def _day_of_year(day: date) -> int:
    """From 0 to 364, as in a year without 29 February."""
    return (date(2001, day.month, min(day.day, 28) if day.month == 2 else day.day) - date(2001, 1, 1)).days


def timing_notes(pairs: Sequence[DatedPair], is_seasonal: bool = False) -> tuple[str, ...]:
    """What to be careful with for the dates of these pairs; ``is_seasonal``: an annual motion is estimated."""
    if not pairs:
        return ()
    dates = {day for pair in pairs for day in (pair.first_date, pair.second_date)}
    span = (max(dates) - min(dates)).days
    notes: tuple[str, ...] = ()
    if not (is_seasonal and span / DAYS_PER_YEAR >= SEASONAL_YEARS):
        notes += _season_notes(pairs, dates, span)
    longest = max((pair.second_date - pair.first_date).days for pair in pairs)
    if longest <= SHORT_DAYS:
        notes += (
            Message(
                "No pair is longer than {longest} days. What soil and plants add to every short pair (fading) can look "
                "like a rate of some mm/yr; allow longer pairs to see it.",
                longest=longest,
            ),
        )
    return notes


def _season_notes(pairs: Sequence[DatedPair], dates: Iterable[date], span: int) -> tuple[str, ...]:
    bias = _WAVE * annual_bias(pairs)
    if span < _YEAR:
        return (
            Message(
                "The dates span {span} days, less than a year, so seasonal motion can't be told from a rate: one of "
                "{wave:.0f} mm to either side would change the rates by up to {bias:.0f} mm/yr.",
                span=span,
                wave=_WAVE,
                bias=bias,
            ),
        )
    days, before, after = longest_gap(dates)
    notes: tuple[str, ...] = ()
    if days >= _SEASON:
        notes += (
            Message(
                "No date of any year lies between {before:%d.%m.} and {after:%d.%m.}, so the stack doesn't see the "
                "whole of a seasonal motion: one of {wave:.0f} mm to either side would change the rates by up to "
                "{bias:.1f} mm/yr.",
                before=before,
                after=after,
                wave=_WAVE,
                bias=bias,
            ),
        )
    if span / DAYS_PER_YEAR >= SEASONAL_YEARS and bias >= _WORTH:
        notes += (
            Message(
                "A seasonal motion of {wave:.0f} mm to either side would change the rates by up to {bias:.1f} mm/yr. "
                "Where the ground may move with the seasons, estimate an annual motion beside the rate.",
                wave=_WAVE,
                bias=bias,
            ),
        )
    return notes
