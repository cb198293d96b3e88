"""What happened when copies of a survey were merged: an HTML page, and the conflicts as a table (CSV)."""

from __future__ import annotations

from collections.abc import Sequence

from ..reports import words, write_csv, write_page
from ..texts import Message, Translate
from ..types import PathLike
from .merging import Merged

_CSV_HEAD = ("site", "field", "who", "answer", "taken")


def summary_of(merged: Merged) -> list[str]:
    """The numbers, a sentence each."""
    open_ones = sum(1 for conflict in merged.conflicts if not conflict.taken)
    sentences: list[str] = [
        Message(
            "{changed} sites changed, {added} are new, {all} in all.",
            changed=len(merged.changed),
            added=len(merged.added),
            all=len(merged.sites),
        ),
        Message(
            "{conflicts} answers are in conflict, of which {open} stay as they were in the master.",
            conflicts=len(merged.conflicts),
            open=open_ones,
        ),
    ]
    if merged.deleted:
        sentences.append(
            Message("{count} sites are gone from a copy; they stay in the result.", count=len(merged.deleted))
        )
    if merged.missing:
        sentences.append(Message("{count} photos are missing.", count=len(merged.missing)))
    return sentences


def write_merge_report(path: PathLike, merged: Merged, copies: Sequence[str], translate: Translate = str) -> None:
    """Write all that a person should look at as one HTML file; OutputError when it can't be written."""
    tr = words(translate)
    write_page(
        path,
        "survey/merge_report.html",
        translate,
        summary=summary_of(merged),
        copies=copies,
        conflicts=[
            [conflict.site, conflict.field, "; ".join(f"{who}: {text or '–'}" for who, text in conflict.answers),
             conflict.taken or tr("open: as in the master")]
            for conflict in merged.conflicts
        ],
        deleted=[tr("{site}: not in {copy}. It stays in the result.", site=site, copy=copy)
                 for copy, site in merged.deleted],
        added=merged.added,
        changed=merged.changed,
        missing=[tr("{photo} (in {copy})", photo=photo, copy=who) for who, photo in merged.missing],
        remarks=[tr("{copy}: {note}", copy=who, note=note) for who, note in (*merged.warnings, *merged.notes)],
    )  # fmt: skip


def write_conflicts_csv(path: PathLike, merged: Merged) -> None:
    """Write one row for each answer of each conflict; OutputError when it can't be written."""
    rows = [
        (conflict.site, conflict.field, who, answer, int(who == conflict.taken))
        for conflict in merged.conflicts
        for who, answer in conflict.answers
    ]
    write_csv(path, [_CSV_HEAD, *rows])
