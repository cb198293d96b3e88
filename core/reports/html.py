"""The parts that HTML reports are made of: one file, readable without anything else, drawings as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from ..files import write_text
from ..types import PathLike

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 960px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td:nth-child(-n+2) { white-space: nowrap; }
th, td { padding: .25em .7em; border-bottom: 1px solid #e5e5e5; text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.dropped { color: #888; } svg { width: 100%; height: auto; } .none { color: #888; }
"""


def write_page(path: PathLike, title: str, body: Sequence[str], style: str = "") -> None:
    """Write a page of finished HTML parts; ``style`` is CSS beyond what all reports share.

    The file appears under its name only when complete. Raises OutputError when it can't be written.
    """
    page = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}{style}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )
    write_text(path, page)


def number(value: float | None, digits: int = 4) -> str:
    """A number with that many significant digits, a dash where it isn't known."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}g}"


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Iterable[int] = (),
    classes: Sequence[str] | None = None,
) -> str:
    """A table of plain text; the columns ``numbers`` are right-aligned, ``classes`` are CSS classes of the rows."""
    right = set(numbers)
    kinds = [' class="number"' if index in right else "" for index in range(len(head))]
    lines = ["".join(f"<th{kind}>{escape(cell)}</th>" for kind, cell in zip(kinds, head))]
    lines += ["".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds, row)) for row in rows]
    marks = ["", *(classes or [""] * len(rows))]
    body = "\n".join(
        f'<tr class="{escape(mark)}">{line}</tr>' if mark else f"<tr>{line}</tr>" for mark, line in zip(marks, lines)
    )
    return f"<table>\n{body}\n</table>"


def bullet_list(sentences: Sequence[str]) -> str:
    """The sentences as a list."""
    if not sentences:
        return '<p class="none">None.</p>'
    return "<ul>\n" + "\n".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "\n</ul>"
