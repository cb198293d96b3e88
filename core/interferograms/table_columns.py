"""What the tables of files have in common: named columns, names of files, dates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ..errors import InputError
from .readers import YEARS, Source, parse_date, source_of

NOT_KNOWN = ("", "na")
"""What stands, in lower case, in a cell that tells nothing."""
_TIME_OF_DAY = re.compile(r"(?<=\d)[T ]\d{1,2}:\d{2}\S*$|\.0$")


@dataclass(frozen=True)
class Columns:
    """The columns that a table must and may have, and other names under which they may stand."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    other_names: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which a column may stand."""
        return (*self.required, *self.optional, *self.other_names)

    def of_header(self, header: Sequence[str], where: str) -> list[str]:
        """The columns of a header by their own names; InputError where one is missing or there twice."""
        names = [cell.lower() for cell in header]
        others = {other: name for other, name in self.other_names.items() if name not in names}
        columns = [others.get(name, name) for name in names]
        missing = [name for name in self.required if name not in columns]
        if missing:
            raise InputError(
                "{where}: the column {missing} is missing. The first line must name the columns "
                "{required} and, where known, {optional}.",
                where=where,
                missing=missing[0],
                required=", ".join(self.required),
                optional=", ".join(self.optional),
            )
        double = [name for name in (*self.required, *self.optional) if columns.count(name) > 1]
        if double:
            raise InputError("{where}: the column {name} is there twice. Remove one.", where=where, name=double[0])
        return columns


def cells_of_row(columns: Sequence[str], row: Sequence[str], where: str) -> Mapping[str, str]:
    """The cells of a row by the names of their columns; InputError where there are more of them."""
    if any(row[len(columns) :]):
        raise InputError(
            "{where} has {count} cells, more than the {columns} columns that the first line names. Write numbers "
            "with a point, and put cells that hold the separator in quotation marks.",
            where=where,
            count=len(row),
            columns=len(columns),
        )
    return dict(zip(columns, row))


@dataclass(frozen=True)
class NamedFiles:
    """What the names of files in one line stand for; each name is looked up once in a table."""

    table: Path
    where: str
    known: dict[str, Source]

    def __call__(self, text: str) -> Source:
        if text not in self.known:
            if not text:
                raise InputError("{where}: the file name is empty.", where=self.where)
            try:
                self.known[text] = source_of(text, self.table.parent)
            except InputError as error:
                raise InputError("{where}: {error}", where=self.where, error=error) from None
        return self.known[text]


def date_of_cell(text: str, name: str, where: str) -> date:
    """The date in a cell of the column ``name``; InputError where it is none of a radar image."""
    found = parse_date(_TIME_OF_DAY.sub("", text).replace("/", "-"))
    if found is None or found.year not in YEARS:
        raise InputError(
            "{where}: {name} is “{text}”, which isn't a date of a radar image. Write dates as 2018-01-06 or 20180106.",
            where=where,
            name=name,
            text=text,
        )
    return found
