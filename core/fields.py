"""Fields: the attributes of areas, sites and reports as tables that files and windows share, and as files hold them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from .texts import Message

# A Shapefile cuts names to ten characters; of names that become the same, later ones end in _1, _2 … 10, 11 …
_CUT, _STEM = 10, 8
_NUMBERED = re.compile(r"_?\d{1,2}$")
_NONE = ("", "-", "–", "—", "null", "none", "nan", "n/a", "na")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([ '’.,])\d{3})(?:\1\d{3})*(?:[.,]\d*)?")
_DATES = (
    re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?:[T\s].*)?"),
    re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"),
    re.compile(r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})(?:[T\s].*)?"),
)
_YES = {
    "1",
    "true",
    "t",
    "yes",
    "y",
    "on",
    "x",
    "✓",
    "✔",
    "☑",
    "ja",
    "oui",
    "si",
    "sim",
    "да",
    "是",
    "有",
    "はい",
    "evet",
}
_NO = {
    "0",
    "false",
    "f",
    "no",
    "n",
    "off",
    "☐",
    "✗",
    "✘",
    "nein",
    "non",
    "nao",
    "нет",
    "否",
    "无",
    "無",
    "いいえ",
    "hayır",
}


@dataclass(frozen=True)
class Field:
    """One attribute: its name, type ("int", "float" or "str"), unit ("" for none) and meaning."""

    name: str
    type: str
    unit: str
    description: str


@dataclass(frozen=True)
class Columns:
    """Where a file holds the fields of a table: names of its columns by names of fields.

    ``cut`` are those that were found by a cut name, ``unclear`` the columns whose cut names fit several fields.
    """

    names: Mapping[str, str]
    cut: Mapping[str, str]
    unclear: tuple[str, ...]

    def told(self, where: str) -> Message | None:
        """What was taken for what in the layer or file ``where``; None where all names are whole."""
        if not self.cut:
            return None
        pairs = ", ".join(f"{name} ({column})" for name, column in self.cut.items())
        return Message(
            "{where}: names of fields are cut, as in a Shapefile. These were found again: {pairs}.",
            where=where,
            pairs=pairs,
        )

    def warned(self, where: str) -> Message | None:
        """Which columns can't be told apart and stay unread; None where there are none."""
        if not self.unclear:
            return None
        return Message(
            "{where}: the names of the fields {names} are cut, as in a Shapefile, and fit several attributes. They are "
            "not read: give the layer as a GeoPackage.",
            where=where,
            names=", ".join(self.unclear),
        )


def found_columns(present: Sequence[str], *tables: Iterable[str]) -> Columns:
    """Where the columns ``present`` of a file hold the fields of the table, of several the one that fits best.

    The exact name counts first, then the same in other case, then one that was cut to ten characters or more. Of the
    tables that don't fit as well, the exact names of columns that are left are found, too.
    """
    names = [tuple(dict.fromkeys(table)) for table in tables]
    best = max((_columns(present, table) for table in names), key=lambda columns: len(columns.names))
    taken = {*best.names.values(), *best.unclear}
    others = {name: name for table in names for name in table if name in present and name not in taken}
    return Columns({**others, **best.names}, best.cut, best.unclear)


def _columns(present: Sequence[str], table: Sequence[str]) -> Columns:
    by_case: dict[str, list[str]] = {}
    for column in present:
        by_case.setdefault(column.strip().casefold(), []).append(column)
    names = {name: name for name in table if name in present}
    for name in table:
        same = by_case.get(name.casefold(), [])
        if name not in names and len(same) == 1:
            names[name] = same[0]
    whole = {name.casefold() for name in table}
    free = {column.strip().casefold(): column for column in present if column.strip().casefold() not in whole}
    cut, unclear = _found_again([name for name in table if name not in names], free)
    return Columns({**names, **cut}, cut, unclear)


def _found_again(missing: Sequence[str], free: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The missing fields in the free columns (by their names in lower case) that may hold them, cut."""
    families: dict[str, list[str]] = {}
    for name in missing:
        if len(name) > _CUT:
            families.setdefault(name.casefold()[:_STEM], []).append(name)
    found: dict[str, str] = {}
    unclear: list[str] = []
    for stem, family in families.items():
        columns = [low for low in free if low.startswith(stem) and _may_be_cut(low, family)]
        expected = _cut_names(family)
        if set(expected.values()) == set(columns):
            found.update({name: free[low] for name, low in expected.items()})
            continue
        is_numbered = any(_NUMBERED.fullmatch(low[_STEM:]) for low in columns)
        for low in columns:
            fitting = [name for name in family if name.casefold().startswith(low)]
            if len(fitting) == 1 and not is_numbered:
                found[fitting[0]] = free[low]
            else:
                unclear.append(free[low])
    return found, tuple(unclear)


def _may_be_cut(low: str, family: Sequence[str]) -> bool:
    is_numbered = len(low) <= _CUT and _NUMBERED.fullmatch(low[_STEM:]) is not None
    return is_numbered or (len(low) >= _CUT and any(name.casefold().startswith(low) for name in family))


def _cut_names(family: Sequence[str]) -> dict[str, str]:
    """What a Shapefile makes of names of one stem, in their order."""
    cut: dict[str, str] = {}
    for name in family:
        low, number = name.casefold()[:_CUT], 0
        while low in cut.values():
            number += 1
            low = f"{name.casefold()[:_STEM]}{'_' if number < 10 else ''}{number}"
        cut[name] = low
    return cut


def folded(text: str) -> str:
    """A text without case, accents, spaces, punctuation and signs, so that one label is told by any way to write it."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def converted(value: Any, field: Field) -> tuple[Any, bool]:
    """A value of a file as the field's type, None for none, and whether it could be understood.

    Numbers may be texts with a decimal comma. One that is no finite number, or may be 1234 as well as 1.234, is not
    understood.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None, True
    if field.type == "float" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return (float(value), True) if math.isfinite(value) else (None, False)
    if field.type == "int" and isinstance(value, int) and not isinstance(value, bool):
        return value, True
    text = str(value).strip()
    if field.type == "str":
        return (text or None), True
    if text.casefold() in _NONE:
        return None, True
    try:
        if field.type == "bool":
            return truth_of(text), True
        if field.type == "date":
            return _date_of(text), True
        number = _number_of(text)
        if field.type == "int":
            return (int(number), True) if number.is_integer() else (None, False)
        return number, True
    except (ValueError, OverflowError):
        return None, False


def truth_of(text: str) -> bool:
    """A text as yes or no, in a few languages; ValueError where it says neither."""
    for low in (text.strip().casefold(), folded(text)):
        if low in _YES:
            return True
        if low in _NO:
            return False
    number = _number_of(text)
    if number in (0.0, 1.0):
        return bool(number)
    raise ValueError(text)


def _date_of(text: str) -> date:
    if isinstance(text, date):
        return text
    for pattern in _DATES:
        match = pattern.fullmatch(text)
        if match:
            return date(*(int(match[part]) for part in ("year", "month", "day")))
    raise ValueError(text)


def _number_of(text: str) -> float:
    """The finite number of a text; ValueError for what is none, or may be either of two."""
    plain = text.strip().replace("−", "-")
    for space in ("\u00a0", "\u202f", "\u2009"):
        plain = plain.replace(space, " ")
    grouped = _GROUPED.fullmatch(plain)
    if grouped:
        separator = grouped[1]
        if separator in ".," and plain.count(separator) == 1 and not set(plain) & (set(".,") - {separator}):
            # 1,234 is either; 0,125 and 1.234 are decimals.
            if separator == "," and not plain.lstrip("+-").startswith("0"):
                raise ValueError(text)
        else:
            plain = plain.replace(separator, "")
    plain = plain.replace(",", ".")
    if not _NUMBER.fullmatch(plain):
        raise ValueError(text)
    number = float(plain)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
