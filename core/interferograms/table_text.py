"""The text and the rows of a table that a spreadsheet, R, pandas or a person wrote as CSV."""

from __future__ import annotations

import codecs
import csv
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..errors import InputError

_LARGEST = 64 * 2**20
_DELIMITERS = ",;\t|"
# UTF-32's mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_KINDS = ((b"PK\x03\x04", "ZIP"), (b"\xd0\xcf\x11\xe0", "OLE"), (b"SQLite format 3", "SQLite"), (b"%PDF", "PDF"))
_BINARY = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def text_of_table(path: Path) -> str:
    """The text of a file in UTF-8, UTF-16 or UTF-32, with or without a byte order mark, or in Windows' Latin alphabet.

    Raises InputError where it is no text: a folder, a pipe, a spreadsheet, another binary file, or larger than 64 MiB.
    """
    content = _content(path)
    for start, kind in _OTHER_KINDS:
        if content.startswith(start):
            raise InputError(
                "{path} is no text but a file of another kind ({kind}). Save the table as CSV, in Excel with Save as > "
                "CSV UTF-8.",
                path=path,
                kind="Excel or LibreOffice" if kind in ("ZIP", "OLE") else kind,
            )
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _BINARY.search(text):
            return text
    raise InputError(
        "{path} can't be read as a text file: its bytes are text in none of UTF-8, UTF-16 and Windows' Latin alphabet. "
        "Save the table as CSV in UTF-8.",
        path=path,
    )


def _content(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError("{path} can't be read as a table: it isn't a file. Choose a CSV file of pairs.", path=path)
        if status.st_size > _LARGEST:
            raise InputError(
                "{path} has {size} MB, too much for a table of pairs. Choose a CSV file of pairs.",
                path=path,
                size=round(status.st_size / 1e6),
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(
            "{path} can't be read ({reason}). Choose a CSV file of pairs.",
            path=path,
            reason=(error.strerror if isinstance(error, OSError) else None) or error,
        ) from None


def _encodings(content: bytes) -> Sequence[str]:
    """The encodings to try, in this order."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return (encoding,)
    if b"\0" in content:
        # In UTF-16 the other half of each Latin letter is zero.
        start = content[:1000]
        evens, odds = (start[first::2].count(0) / len(start) for first in (0, 1))
        return ("utf-16-le",) if odds > 0.3 and evens < 0.1 else ("utf-16-be",) if evens > 0.3 and odds < 0.1 else ()
    return ("utf-8", "cp1252")


def rows_of_table(
    path: Path, known: Sequence[str], check: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(line number from 1, cells without spaces around) of the rows that aren't empty; the first one is the header.

    Empty lines and ``#`` comments above the header and Excel's ``sep=;`` are skipped. The cells are separated by what
    makes most of the ``known`` names of columns out of the header. ``check`` is called for each row and may raise.
    Raises InputError where the file is no table.
    """
    lines = text_of_table(path).splitlines(keepends=True)
    start, told = 0, ""
    while start < len(lines):
        line = lines[start].strip().strip('"')
        if line.lower().startswith("sep=") and len(line) <= 5:
            told = line[4:] or "\t"
        elif line and not line.startswith("#") and line.strip(_DELIMITERS):
            break
        start += 1
    if start == len(lines):
        return
    quote = "'" if lines[start].lstrip().startswith("'") else '"'
    delimiter = _delimiter(lines[start], known, told, quote)
    rows = csv.reader(lines[start:], delimiter=delimiter, quotechar=quote, skipinitialspace=True)
    while True:
        number = start + rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                "{path}, line {number}: the row can't be taken apart ({error}). Is a quotation mark left open?",
                path=path,
                number=number,
                error=error,
            ) from None
        check()
        cells = tuple(cell.strip() for cell in row)
        if any(cells):
            yield number, cells


def _delimiter(header: str, known: Sequence[str], told: str, quote: str) -> str:
    def names(delimiter: str) -> int:
        try:
            cells = next(csv.reader([header], delimiter=delimiter, quotechar=quote, skipinitialspace=True), [])
        except csv.Error:
            return 0
        return sum(cell.strip().lower() in known for cell in cells)

    candidates: list[str] = [*([told] if told else []), *_DELIMITERS, " "]
    best = max(candidates, key=names)
    if names(best):
        return best
    try:
        return str(csv.Sniffer().sniff(header, _DELIMITERS).delimiter)
    except csv.Error:
        return ","
