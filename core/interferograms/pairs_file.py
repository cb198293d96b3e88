"""The CSV in which a user lists interferograms of any name and format."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ..errors import InputError
from ..satellite import LOOK_SIDES
from ..texts import Message
from .given import AS_TOLD, GivenView
from .readers import (
    BASELINE,
    HEADING,
    INCIDENCE,
    WAVELENGTH,
    Quantity,
    Source,
)
from .table_columns import NOT_KNOWN, Columns, NamedFiles, cells_of_row, date_of_cell
from .table_text import rows_of_table

REQUIRED = ("file", "date1", "date2")
OPTIONAL = (
    "perpendicular_baseline_m",
    "coherence_file",
    "wavelength_m",
    "heading_deg",
    "incidence_deg",
    "look_side",
)
_COLUMNS = Columns(REQUIRED, OPTIONAL, {"bperp_m": "perpendicular_baseline_m", "coherence": "coherence_file"})
_OF_THE_VIEW = (("wavelength_m", WAVELENGTH), ("heading_deg", HEADING), ("incidence_deg", INCIDENCE))


@dataclass(frozen=True)
class Entry:
    """One line of the file; ``first`` and ``second`` as written, the phase belongs to them in this order."""

    file: Source
    first: date
    second: date
    perpendicular_baseline: float | None
    coherence: Source | None
    view: GivenView = AS_TOLD


def read_pairs_file(path: Path, notes: list[str], check: Callable[[], None] = lambda: None) -> tuple[Entry, ...]:
    """The entries of a CSV with the columns of ``REQUIRED`` and any of ``OPTIONAL``, each once.

    Separated by commas, semicolons, tabs or bars; dates as 2018-01-06 or 20180106; file names relative to the CSV, with
    the name of a variable (``file.nc:variable``) or the number of a band where a file has several. Lines that say
    what another one says go to ``notes``. ``check`` is called for each line and may raise. Raises InputError that names
    the line for missing columns, wrong dates or numbers, files that don't exist and one file with two pairs of dates.
    """
    rows = rows_of_table(path, _COLUMNS.names, check)
    number, header = next(rows, (1, ()))
    columns = _COLUMNS.of_header(header, f"{path}, line {number}")
    entries: dict[Entry, int] = {}
    lines: dict[Source, tuple[int, Entry]] = {}
    files: dict[str, Source] = {}
    repeated = []
    for number, row in rows:
        where = f"{path}, line {number}"
        entry = _entry(cells_of_row(columns, row, where), NamedFiles(path, where, files), where)
        if entry in entries:
            repeated.append(number)
            continue
        entries[entry] = number
        first, other = lines.setdefault(entry.file, (number, entry))
        if other is not entry:
            _check_same_pair(entry, other, where, first)
    if not entries:
        raise InputError("{path} lists no interferograms: it has no lines below the column names.", path=path)
    if repeated:
        notes.append(
            Message(
                "{path} has {count} lines that repeat another one (first: line {line}); each is used once.",
                path=path,
                count=len(repeated),
                line=repeated[0],
            )
        )
    return tuple(entries)


def _entry(cells: Mapping[str, str], files: Callable[[str], Source], where: str) -> Entry:
    first, second = (date_of_cell(cells.get(name, ""), name, where) for name in ("date1", "date2"))
    if first == second:
        raise InputError("{where}: date1 and date2 are both {first}. A pair needs two dates.", where=where, first=first)
    coherence = cells.get("coherence_file", "")
    return Entry(
        files(cells.get("file", "")),
        first,
        second,
        _number(cells.get("perpendicular_baseline_m", ""), "perpendicular_baseline_m", BASELINE, where),
        None if coherence.lower() in NOT_KNOWN else files(coherence),
        _view(cells, where),
    )


def _view(cells: Mapping[str, str], where: str) -> GivenView:
    wavelength, heading, incidence = (
        _number(cells.get(column, ""), column, quantity, where) for column, quantity in _OF_THE_VIEW
    )
    side = cells.get("look_side", "").lower()
    if side in NOT_KNOWN:
        return GivenView(wavelength, heading, incidence)
    beginnings = {name[:length]: name for name in LOOK_SIDES for length in (1, len(name))}
    if side not in beginnings:
        raise InputError("{where}: look_side is “{text}”. Write right or left.", where=where, text=side)
    return GivenView(wavelength, heading, incidence, beginnings[side])


def _check_same_pair(entry: Entry, other: Entry, where: str, line: int) -> None:
    """InputError where one file has two pairs of dates, one of which must be wrong."""
    if {entry.first, entry.second} != {other.first, other.second}:
        raise InputError(
            "{where}: {file} stands in line {line}, too, with other dates. Give each file the dates of its own pair.",
            where=where,
            file=entry.file.label,
            line=line,
        )
    raise InputError(
        "{where}: {file} stands in line {line}, too, with another order of its dates, baseline, coherence or view. "
        "Remove one of the two lines.",
        where=where,
        file=entry.file.label,
        line=line,
    )


def _number(text: str, column: str, quantity: Quantity, where: str) -> float | None:
    if text.lower() in NOT_KNOWN:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not quantity.holds(value):
        raise InputError(
            "{where}: {column} is “{text}”, which isn't a number from {least:g} to {most:g} {unit}.",
            where=where,
            column=column,
            text=text,
            least=quantity.least,
            most=quantity.most,
            unit=quantity.unit,
        )
    return value
