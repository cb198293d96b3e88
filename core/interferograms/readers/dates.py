"""The dates of pairs in file and folder names, whatever the language of the computer."""

from __future__ import annotations

import re
from datetime import date, timedelta

Pair = tuple[date, date]

# Numbers that would be dates before the first civil radar satellite are none.
YEARS = range(1978, 2101)
"""Years in which a radar satellite can have taken an image."""

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_EIGHT_DIGITS = re.compile(r"(?<!\d)(\d{8})(?:T\d{6})?[-_](\d{8})(?!\d)")
_SIX_DIGITS = re.compile(r"(?<!\d)(\d{6})[-_](\d{6})(?!\d)")
_ENGLISH = re.compile(r"(?<!\d)(\d{2}[A-Za-z]{3}\d{4})_(\d{2}[A-Za-z]{3}\d{4})(?!\d)")
_DAYS_OF_YEAR = re.compile(r"^(\d{7})_(\d{7})$")
_SINGLE = re.compile(r"(?<!\d)(\d{8})(?!\d)")


def parse_date(text: str) -> date | None:
    """The date written as 20180106, 2018-01-06, 060106 (two-digit year) or 06Jan2018; None for anything else.

    Two-digit years from 69 are of the twentieth century, as in POSIX.
    """
    text = text.strip()
    try:
        if re.fullmatch(r"\d{8}", text):
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", text):
            year, month, day = text.split("-")
            return date(int(year), int(month), int(day))
        if re.fullmatch(r"\d{6}", text):
            year_of_century = int(text[:2])
            century = 1900 if year_of_century >= 69 else 2000
            return date(century + year_of_century, int(text[2:4]), int(text[4:]))
        if re.fullmatch(r"\d{2}[A-Za-z]{3}\d{4}", text):
            return date(int(text[5:]), _MONTHS.get(text[2:5].lower(), 0), int(text[:2]))
    except ValueError:
        pass
    return None


def pair_in(text: str) -> Pair | None:
    """The two dates in a file or folder name, in the order in which they stand there; None without two dates."""
    for pattern in (_EIGHT_DIGITS, _ENGLISH, _SIX_DIGITS):
        for match in pattern.finditer(text):
            first, second = parse_date(match[1]), parse_date(match[2])
            if first and second and first.year in YEARS and second.year in YEARS:
                return first, second
    return None


def pair_of_days(text: str) -> Pair | None:
    """The dates of a GMTSAR folder such as 2015059_2015083, whose days of the year count from zero."""
    match = _DAYS_OF_YEAR.match(text)
    try:
        pair = (day_of_year(match[1]), day_of_year(match[2])) if match else None
    except (ValueError, OverflowError):
        return None
    return pair if pair and pair[0].year in YEARS and pair[1].year in YEARS else None


def day_of_year(text: str) -> date:
    """The date of a year and a zero-based day of the year, such as 2015059 for 1 March 2015."""
    return date(int(text[:4]), 1, 1) + timedelta(days=int(text[4:7]))


def date_in(text: str) -> date | None:
    """The first date of eight digits in a name, or None."""
    for match in _SINGLE.finditer(text):
        found = parse_date(match[1])
        if found:
            return found
    return None
