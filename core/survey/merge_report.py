"""What happened when copies of a survey were merged: an HTML page, and the conflicts as a table (CSV)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape

from ..files import write_text
from ..reports import bullet_list, table, write_page
from ..types import PathLike
from .merging import Merged

_CSV_HEAD = ("site", "field", "who", "answer", "taken")
_RULE = (
    "An answer that only one side gives is taken, and a sign that one side saw counts as seen: nothing empty replaces "
    "what is given. Where answers differ, that of the latest visit is taken; where the days don't tell, it stays as it "
    "was in the master, open if it was open there: decide those yourself in the merged layer."
)
_STYLE = "p.note { color: #555; } td { vertical-align: top; } td:nth-child(-n+2) { white-space: normal; }"


def summary_of(merged: Merged) -> list[str]:
    """The numbers, a sentence each."""
    open_ones = sum(1 for conflict in merged.conflicts if not conflict.taken)
    sentences = [
        f"{len(merged.changed)} sites changed, {len(merged.added)} are new, {len(merged.sites)} in all.",
        f"{len(merged.conflicts)} answers are in conflict, of which {open_ones} stay as they were in the master.",
    ]
    if merged.deleted:
        sentences.append(f"{len(merged.deleted)} sites are gone from a copy; they stay in the result.")
    if merged.missing:
        sentences.append(f"{len(merged.missing)} photos are missing.")
    return sentences


def write_merge_report(path: PathLike, merged: Merged, copies: Sequence[str]) -> None:
    """Write all that a person should look at as one HTML file; OutputError when it can't be written."""
    conflicts = [
        [conflict.site, conflict.field, "; ".join(f"{who}: {text or '–'}" for who, text in conflict.answers),
         conflict.taken or "open: as in the master"]
        for conflict in merged.conflicts
    ]  # fmt: skip
    title = "Merged field survey"
    write_page(
        path,
        title,
        [
            f"<h1>{title}</h1>",
            bullet_list(summary_of(merged)),
            f"<p>Copies: {escape(', '.join(copies))}.</p>",
            "<h2>Conflicts</h2>",
            f'<p class="note">{escape(_RULE)}</p>',
            table(("Site", "Field", "Answers", "Taken from"), conflicts) if conflicts else bullet_list([]),
            "<h2>Sites gone from a copy</h2>",
            bullet_list([f"{site}: not in {copy}. It stays in the result." for copy, site in merged.deleted]),
            "<h2>New sites</h2>",
            bullet_list(merged.added),
            "<h2>Changed sites</h2>",
            bullet_list([", ".join(merged.changed)] if merged.changed else []),
            "<h2>Missing photos</h2>",
            bullet_list([f"{path} (in {who})" for who, path in merged.missing]),
            "<h2>Forms and other remarks</h2>",
            bullet_list([f"{who}: {note}" for who, note in merged.notes]),
        ],
        _STYLE,
    )


def write_conflicts_csv(path: PathLike, merged: Merged) -> None:
    """Write one row for each answer of each conflict; OutputError when it can't be written."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_HEAD)
    for conflict in merged.conflicts:
        for who, answer in conflict.answers:
            writer.writerow((conflict.site, conflict.field, who, answer, int(who == conflict.taken)))
    write_text(path, text.getvalue())
