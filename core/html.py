"""The parts that HTML reports are made of: one file, readable without anything else, drawings as inline SVG."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from .errors import OutputError
from .raster import PathLike

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


def write_text(path: PathLike, content: str) -> None:
    """Write a text file in UTF-8 whole or not at all; OutputError when it can't be written."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.part")
    try:
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OutputError(
            f"{target} can't be written ({error}). Check that the folder exists and that you may write there."
        ) from None


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


def svg(width: float, height: float, parts: Sequence[str], label: str = "") -> str:
    """A drawing of that size in its own units, as wide as the page; ``label`` is what screen readers say."""
    name = f' aria-label="{escape(label)}"' if label else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img"{name} '
        'font-family="sans-serif" font-size="12">\n' + "\n".join(parts) + "\n</svg>"
    )


def svg_text(x: float, y: float, content: str, anchor: str = "middle", extra: str = "") -> str:
    """A text whose base line is at y; ``extra`` are further attributes."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#444"{extra}>{escape(content)}</text>'


def svg_line(x1: float, y1: float, x2: float, y2: float, colour: str = "#e3e3e3", width: float = 1) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width:g}"/>'
