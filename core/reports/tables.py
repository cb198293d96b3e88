"""Tables as CSV files whose cells no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..files import write_text
from ..types import PathLike

# A spreadsheet works out a cell that begins so, also one of full width, and may start programs by it.
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def write_csv(path: PathLike, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of numbers and texts in UTF-8; OutputError when they can't be written.

    Before a text that a spreadsheet would take for a formula stands an apostrophe; plain_cell() takes it away.
    """
    write_text(path, "".join(f"{_line(row)}\n" for row in rows))


def _line(row: Sequence[Any]) -> str:
    text = io.StringIO()
    # With this end of a line, all that reads as one inside a cell is quoted.
    csv.writer(text, lineterminator="\r\n").writerow([_safe_cell(cell) for cell in row])
    return text.getvalue()[:-2]


def _safe_cell(cell: Any) -> Any:
    is_formula = isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def plain_cell(cell: str) -> str:
    """A cell that write_csv() wrote as it was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
