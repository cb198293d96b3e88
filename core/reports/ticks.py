"""Round places for the marks of an axis, numbers or dates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

_DAYS = (1, 2, 5, 10)
_MONTHS = (1, 2, 3, 6)
# strftime of years before 1000 differs between systems, so dates are written by hand.
_DAY, _MONTH, _YEAR = 10, 7, 4


def round_up(value: float, factors: Iterable[float] = (1, 2, 5)) -> float:
    """The smallest round number, one of the rising ``factors`` (from 1) times a power of ten, not below ``value`` > 0.

    What lies above a round number by no more than rounding errors counts as that number.
    """
    power = _power_of_ten(value)
    return next(factor * power for factor in (*factors, 10) if factor * power >= value * (1 - 1e-9))


def round_down(value: float, factors: Iterable[float] = (1, 2, 5)) -> float:
    """The largest round number, one of ``factors`` (from 1) times a power of ten, not above ``value`` > 0."""
    power = _power_of_ten(value)
    return max(factor * power for factor in factors if factor * power <= value)


def _power_of_ten(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    # The logarithm of a number just below a power of ten rounds up to it.
    return power if power <= value else power / 10


def round_step(span: float, steps: int) -> float:
    """The round number (1, 2 or 5 times a power of ten) of which at most ``steps`` make up the span."""
    return round_up(span / steps)


def round_ticks(low: float, high: float, most: int) -> tuple[list[float], int]:
    """Multiples of a round step from low to high, at most ``most`` + 1, and the decimals that tell them apart."""
    step = round_step(high - low, max(most, 1))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)], decimals_of(step)


def decimals_of(step: float) -> int:
    """The decimals that tell multiples of a round step apart."""
    return max(0, -math.floor(math.log10(step) + 1e-9))


def date_ticks(first: date, last: date, most: int) -> list[tuple[date, str]]:
    """Round dates from first to last, at most ``most`` but at least one, as text too (2018-03-01, 2018-03 or 2018)."""
    for ticks, length in _calendars(first, last):
        if 0 < len(ticks) <= most:
            return [(day, day.isoformat()[:length]) for day in ticks]
    return [(first, first.isoformat())]


def _calendars(first: date, last: date) -> Iterator[tuple[list[date], int]]:
    """Ever coarser sets of dates, with the length of text that tells each apart."""
    days = (last - first).days
    months = range(12 * first.year + first.month - 1, 12 * last.year + last.month)
    for step in _DAYS:
        if days / step < 100:
            inside = (first + timedelta(index) for index in range(days + 1))
            yield [day for day in inside if day.toordinal() % step == 0], _DAY
    for step in (*_MONTHS, *(12 * years for years in (1, 2, 5, 10, 20, 50, 100, 200, 500))):
        begins = (date(month // 12, month % 12 + 1, 1) for month in months if month % step == 0 and month >= 12)
        inside_months = [day for day in begins if first <= day <= last]
        yield inside_months, _YEAR if step >= 12 else _MONTH
