"""The CSV in which a user lists interferograms of any name and format."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ..errors import InputError
from .readers import parse_date

REQUIRED = ("file", "date1", "date2")
OPTIONAL = ("perpendicular_baseline_m", "coherence_file")
_OTHER_NAMES = {"bperp_m": "perpendicular_baseline_m", "coherence": "coherence_file"}


@dataclass(frozen=True)
class Entry:
    """One line of the file; ``first`` and ``second`` as written, the phase belongs to them in this order."""

    file: Path
    first: date
    second: date
    perpendicular_baseline: float | None
    coherence: Path | None


def read_pairs_file(path: Path) -> tuple[Entry, ...]:
    """The entries of a CSV with the columns of ``REQUIRED`` and any of ``OPTIONAL``.

    Separated by commas, semicolons or tabs; dates as 2018-01-06 or 20180106; file names relative to the CSV. Raises
    InputError that names the line for missing columns, wrong dates or numbers and files that don't exist.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("{path} can't be read as a text file in UTF-8 ({error}).", path=path, error=error) from None
    header = lines[0] if lines else ""
    delimiter = max(",;\t", key=header.count)
    columns = [_OTHER_NAMES.get(name, name) for name in (cell.strip().lower() for cell in header.split(delimiter))]
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise InputError(
            "{path}, line 1: the column {missing} is missing. The first line must name the columns "
            "{required} and, where known, {optional}.",
            path=path,
            missing=missing[0],
            required=", ".join(REQUIRED),
            optional=", ".join(OPTIONAL),
        )
    entries = []
    rows = csv.reader(lines[1:], delimiter=delimiter)
    for row in rows:
        if any(cell.strip() for cell in row):
            cells = {name: cell.strip() for name, cell in zip(columns, row)}
            entries.append(_entry(cells, path, f"{path}, line {rows.line_num + 1}"))
    if not entries:
        raise InputError("{path} lists no interferograms: it has no lines below the column names.", path=path)
    return tuple(entries)


def _entry(cells: Mapping[str, str], path: Path, where: str) -> Entry:
    first, second = (_date(cells.get(name, ""), name, where) for name in ("date1", "date2"))
    if first == second:
        raise InputError("{where}: date1 and date2 are both {first}. A pair needs two dates.", where=where, first=first)
    return Entry(
        _file(cells.get("file", ""), path, where),
        first,
        second,
        _number(cells.get("perpendicular_baseline_m", ""), where),
        _file(cells["coherence_file"], path, where) if cells.get("coherence_file") else None,
    )


def _date(text: str, name: str, where: str) -> date:
    found = parse_date(text)
    if found is None:
        raise InputError(
            "{where}: {name} is “{text}”, which isn't a date. Write dates as 2018-01-06 or 20180106.",
            where=where,
            name=name,
            text=text,
        )
    return found


def _number(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            "{where}: perpendicular_baseline_m is “{text}”, which isn't a number of metres.", where=where, text=text
        )
    return value


def _file(text: str, path: Path, where: str) -> Path:
    if not text:
        raise InputError("{where}: the file name is empty.", where=where)
    file = path.parent / text
    if not file.exists():
        raise InputError(
            "{where}: {file} doesn't exist. File names are relative to the folder of the CSV.", where=where, file=file
        )
    return file
