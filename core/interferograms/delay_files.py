"""Maps of the delay of the air at single dates: a folder of GACOS files, or a CSV that lists rasters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import DELAY, Band, BandReader, checked_sample, read_sample
from ..types import PathLike
from .readers import DELAY_NAME, Folder, Source, band_of_source, declared_nodata_only, delay_band
from .table_columns import NOT_KNOWN, Columns, NamedFiles, cells_of_row, date_of_cell
from .table_text import rows_of_table

_COLUMNS = Columns(("date", "file"), ("unit", "direction"), {"path": "file", "day": "date"})
_DIRECTIONS = {"zenith": True, "vertical": True, "los": False, "slant": False}


@dataclass(frozen=True)
class DelayMap:
    """The delay of the air at a date in metres: along the vertical (``is_zenith``) or along the line of sight."""

    band: Band
    is_zenith: bool = True


@gdal_raises()
def find_delays(
    folder: PathLike | None, table: PathLike | None, progress: Progress = QUIET
) -> Mapping[date, DelayMap] | None:
    """The delays of a folder of GACOS files, or of a CSV, by date; None where neither is given.

    The CSV has the columns date and file and may have unit (m, cm or mm) and direction (zenith or los); without, what
    the file itself tells and the zenith count. What is assumed is told. InputError for both, for a date with two
    files, and for files that are no delays.
    """
    if folder and table:
        raise InputError("Choose either a folder of delays or a table of delays, not both.")
    if folder:
        return _of_folder(Path(folder), progress)
    return _of_table(Path(table), progress) if table else None


def _of_folder(path: Path, progress: Progress) -> Mapping[date, DelayMap]:
    if not path.is_dir():
        raise InputError("{path} isn't a folder. Choose the folder that holds the files of GACOS.", path=path)
    named = Folder.of(path, progress.check).of_dates(DELAY_NAME)
    inside = path.resolve()
    files = {day: [file for file in found if inside in file.resolve().parents] for day, found in named.items() if day}
    files = {day: found for day, found in sorted(files.items()) if found}
    if not files:
        raise InputError(
            "{path} holds no delays of GACOS: no file is named by a date as 20180106.ztd or 20180106.ztd.tif. List "
            "other rasters of delay in a table.",
            path=path,
        )
    maps = {}
    for day, found in files.items():
        progress.check()
        if len({file.parent for file in found}) > 1:
            raise _twice(day, str(found[0]), str(found[1]))
        band, notes = delay_band(max(found))
        for note in notes:
            progress.warning(note)
        maps[day] = DelayMap(_checked(band, "m", progress))
    return maps


def _twice(day: date, first: str, second: str) -> InputError:
    return InputError(
        "There are two delays of {day}: {first} and {second}. Keep one of them.", day=day, first=first, second=second
    )


def _of_table(path: Path, progress: Progress) -> Mapping[date, DelayMap]:
    rows = rows_of_table(path, _COLUMNS.names, progress.check)
    number, header = next(rows, (1, ()))
    columns = _COLUMNS.of_header(header, f"{path}, line {number}")
    maps: dict[date, DelayMap] = {}
    for number, row in rows:
        where = f"{path}, line {number}"
        cells = cells_of_row(columns, row, where)
        day = date_of_cell(cells.get("date", ""), "date", where)
        found = _of_row(cells, NamedFiles(path, where, {}), where, progress)
        if day in maps:
            raise _twice(day, maps[day].band.label, found.band.label)
        maps[day] = found
    if not maps:
        raise InputError("{path} lists no delays: it has no lines below the column names.", path=path)
    return maps


def _of_row(cells: Mapping[str, str], files: Callable[[str], Source], where: str, progress: Progress) -> DelayMap:
    direction = cells.get("direction", "").lower()
    if direction not in (*NOT_KNOWN, *_DIRECTIONS):
        raise InputError(
            "{where}: direction is “{text}”. Write zenith for delays along the vertical, or los for those along the "
            "line of sight.",
            where=where,
            text=direction,
        )
    source = files(cells.get("file", ""))
    if DELAY_NAME.search(source.path.name):
        band, notes = delay_band(source.path)
        for note in notes:
            progress.warning(note)
    else:
        band = declared_nodata_only(band_of_source(source))
    unit = cells.get("unit", "")
    return DelayMap(
        _checked(band, "" if unit.lower() in NOT_KNOWN else unit, progress), _DIRECTIONS.get(direction, True)
    )


def _checked(band: Band, unit: str, progress: Progress) -> Band:
    """The band in metres; ``unit`` is what a table or the product tells."""
    with BandReader(band, guarded=False) as reader:
        return checked_sample(reader, read_sample(reader), DELAY, progress, unit=unit)
