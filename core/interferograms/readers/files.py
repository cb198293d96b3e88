"""The files of a folder, listed once, regular ones only, those in ZIP archives included."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

from ...errors import InputError
from ...texts import Message
from .dates import Pair, date_in, pair_in

Key = TypeVar("Key")

# Where processors keep metadata and coherence when not below the folder of the interferograms itself.
_COMPANIONS = {
    "geometry",
    "headers",
    "metadata",
    "metadata.txt",
    "baselines",
    "baseline_table.dat",
    "coherence",
    "reference",
    "raw",
}
_LEVELS_UP = 2
_LEVELS_DOWN = 2


@dataclass(frozen=True)
class Folder:
    """Files below a folder (``files``) and, for metadata and coherence only, those beside it (``companions``).

    ``notes`` say what could not be looked at.
    """

    path: Path
    files: tuple[Path, ...]
    companions: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    _names: dict[str, list[Path]] = field(default_factory=dict, repr=False, compare=False)
    _tables: dict[tuple[object, object], Mapping[object, list[Path]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def of(cls, path: Path, check: Callable[[], None] = lambda: None) -> Folder:
        """List a folder; ``check`` is called for each file and may raise. InputError when it isn't a folder."""
        if not path.is_dir():
            raise InputError("{path} isn't a folder. Choose the folder that holds the interferograms.", path=path)
        listing = _Listing(check)
        files = tuple(listing.below(path))
        companions = tuple(_beside(path.resolve(), set(files), listing))
        return cls(path, files, companions, tuple(listing.notes))

    @classmethod
    def around(cls, files: Iterable[Path], check: Callable[[], None] = lambda: None) -> Folder:
        """The folders of some files, not what lies below them."""
        listing = _Listing(check)
        parents = sorted({file.parent for file in files})
        listed = tuple(file for parent in parents if parent.is_dir() for file in listing.below(parent, 0))
        return cls(parents[0] if parents else Path(), listed, notes=tuple(listing.notes))

    def everything(self) -> tuple[Path, ...]:
        """The files and the companions."""
        return self.files + self.companions

    def named(self, name: str, near: Path) -> Path | None:
        """The file of this name that lies nearest to ``near``."""
        if not self._names:
            for path in self.everything():
                self._names.setdefault(path.name, []).append(path)
        return nearest(self._names.get(name, ()), near)

    def matching(self, pattern: re.Pattern[str]) -> list[Path]:
        """The files whose name the pattern finds something in."""
        return list(self._table(pattern, _one_key).get(True, ()))

    def of_pairs(self, pattern: re.Pattern[str]) -> Mapping[Pair, list[Path]]:
        """Those files by the two dates in their names, in the order of the name."""
        return self._table(pattern, pair_in)

    def of_dates(self, pattern: re.Pattern[str]) -> Mapping[date, list[Path]]:
        """Those files by the one date in their names."""
        return self._table(pattern, date_in)

    def _table(self, pattern: re.Pattern[str], key: Callable[[str], Key | None]) -> Mapping[Key, list[Path]]:
        found = self._tables.get((pattern, key))
        if found is None:
            table: dict[object, list[Path]] = {}
            for path in self.everything():
                if pattern.search(path.name):
                    table.setdefault(key(path.name), []).append(path)
            found = self._tables[pattern, key] = table
        return found  # type: ignore[return-value]


def _one_key(name: str) -> bool:
    return True


class _Listing:
    """Walks through folders; ``check`` is called for each file, and ``notes`` say what could not be looked at."""

    def __init__(self, check: Callable[[], None] = lambda: None) -> None:
        self.notes: list[str] = []
        self._check = check

    def below(self, path: Path, levels: int | None = None) -> Iterator[Path]:
        """The files of a folder and of those below it, down to so many levels; links to folders aren't followed."""
        waiting = [(path, levels)]
        while waiting:
            parent, deeper = waiting.pop()
            folders = []
            for entry in self._entries(parent):
                self._check()
                kind = _kind(entry)
                if kind == "file":
                    yield parent / entry.name
                elif kind == "folder":
                    folders.append(parent / entry.name)
                elif kind == "link":
                    self._note_link(parent, parent / entry.name)
                else:
                    self.notes.append(
                        Message(
                            "Left out: {path} isn't a file, but a pipe, a device or a link that leads nowhere.",
                            path=parent / entry.name,
                        )
                    )
            if deeper != 0:
                waiting += [(folder, None if deeper is None else deeper - 1) for folder in reversed(folders)]

    def _entries(self, path: Path) -> Sequence[os.DirEntry[str]]:
        """What a folder holds, hidden things left out; a note and nothing where it can't be read."""
        try:
            with os.scandir(path) as items:
                return sorted((item for item in items if not item.name.startswith(".")), key=lambda item: item.name)
        except OSError as error:
            self.notes.append(
                Message(
                    "Left out: the folder {path} can't be read ({reason}). Check that you may read it.",
                    path=path,
                    reason=error.strerror or error,
                )
            )
            return ()

    def _note_link(self, path: Path, link: Path) -> None:
        target = link.resolve()
        if not path.resolve().is_relative_to(target):
            self.notes.append(
                Message(
                    "Left out: {path} is a link to the folder {target}, and links to folders aren't followed.",
                    path=link,
                    target=target,
                )
            )


def _kind(entry: os.DirEntry[str]) -> str:
    """ "file", "folder", "link" for one to a folder, or "" for anything else."""
    try:
        if entry.is_file():
            return "file"
        return "link" if entry.is_dir() and entry.is_symlink() else "folder" if entry.is_dir() else ""
    except OSError:
        return ""


def _beside(path: Path, known: set[Path], listing: _Listing) -> Iterator[Path]:
    for parent in list(path.parents)[:_LEVELS_UP]:
        try:
            items = sorted(item for item in parent.iterdir() if item.name in _COMPANIONS)
        except OSError:
            continue
        for item in items:
            if item == path or path.is_relative_to(item):
                continue
            if item.is_dir():
                yield from (file for file in listing.below(item, _LEVELS_DOWN) if file not in known)
            elif item.is_file() and item not in known:
                yield item


def nearest(candidates: Iterable[Path], near: Path) -> Path | None:
    """The candidate with the longest common path with ``near``, then the longest common start of the name."""

    def closeness(path: Path) -> tuple[int, int, int]:
        parts = _common_start(path.parent.parts, near.parent.parts)
        return parts, -len(path.parts), _common_start(path.name, near.name)

    return max(candidates, key=closeness, default=None)


def _common_start(first: Sequence[str], second: Sequence[str]) -> int:
    return next((i for i, (a, b) in enumerate(zip(first, second)) if a != b), min(len(first), len(second)))
