"""The files of a folder, listed once, and the small text files that products keep their metadata in."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
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
_LARGEST_TEXT = 32 * 2**20
_LARGEST_KEPT = 2**18


@dataclass(frozen=True)
class Folder:
    """Files below a folder (``files``) and, for metadata and coherence only, those beside it (``companions``)."""

    path: Path
    files: tuple[Path, ...]
    companions: tuple[Path, ...] = ()
    _names: dict[str, list[Path]] = field(default_factory=dict, repr=False, compare=False)
    _tables: dict[tuple[object, object], Mapping[object, list[Path]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def of(cls, path: Path, check: Callable[[], None] = lambda: None) -> Folder:
        """List a folder; ``check`` is called for each file and may raise. InputError when it isn't a folder."""
        if not path.is_dir():
            raise InputError("{path} isn't a folder. Choose the folder that holds the interferograms.", path=path)
        files = []
        for file in _walk(path):
            check()
            files.append(file)
        return cls(path, tuple(files), tuple(_beside(path.resolve(), set(files))))

    @classmethod
    def around(cls, files: Iterable[Path]) -> Folder:
        """The folders of some files, not what lies below them."""
        parents = sorted({file.parent for file in files})
        listed = [item for parent in parents if parent.is_dir() for item in sorted(parent.iterdir())]
        return cls(parents[0] if parents else Path(), tuple(item for item in listed if item.is_file()))

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


def _walk(path: Path, levels: int | None = None) -> Iterable[Path]:
    for parent, folders, names in os.walk(path):
        depth = len(Path(parent).parts) - len(path.parts)
        deeper = levels is None or depth < levels
        folders[:] = sorted(name for name in folders if deeper and not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(parent, name)


def _beside(path: Path, known: set[Path]) -> Iterable[Path]:
    for parent in list(path.parents)[:_LEVELS_UP]:
        try:
            items = sorted(item for item in parent.iterdir() if item.name in _COMPANIONS)
        except OSError:
            continue
        for item in items:
            if item == path or path.is_relative_to(item):
                continue
            yield from (file for file in (_walk(item, _LEVELS_DOWN) if item.is_dir() else [item]) if file not in known)


def nearest(candidates: Iterable[Path], near: Path) -> Path | None:
    """The candidate with the longest common path with ``near``, then the longest common start of the name."""

    def closeness(path: Path) -> tuple[int, int, int]:
        parts = _common_start(path.parent.parts, near.parent.parts)
        return parts, -len(path.parts), _common_start(path.name, near.name)

    return max(candidates, key=closeness, default=None)


def _common_start(first: Sequence[str], second: Sequence[str]) -> int:
    return next((i for i, (a, b) in enumerate(zip(first, second)) if a != b), min(len(first), len(second)))


@lru_cache(maxsize=256)
def _kept_text(path: Path, size: int, modified: int) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def text_of(path: Path) -> str:
    """The text of a small file; "" when it can't be read or is too large for metadata."""
    try:
        status = path.stat()
        if status.st_size > _LARGEST_TEXT:
            return ""
        if status.st_size > _LARGEST_KEPT:
            return path.read_text(encoding="utf-8", errors="replace")
        return _kept_text(path, status.st_size, status.st_mtime_ns)
    except OSError:
        return ""


def parameters_of(path: Path | None) -> Mapping[str, str]:
    """``key: value``, ``key = value`` or ``KEY value`` lines of a text file, keys in lower case; the first counts."""
    found: dict[str, str] = {}
    for line in text_of(path).splitlines() if path else ():
        parts = re.split(r"\s*[:=]\s*|\s+", line.strip(), maxsplit=1)
        if len(parts) == 2 and not line.startswith("#"):
            found.setdefault(parts[0].lower(), parts[1].strip())
    return found


def number_of(parameters: Mapping[str, str], *keys: str) -> float | None:
    """The first number of the value of the first of these keys that has one."""
    for key in keys:
        values = numbers_of(parameters, key)
        if values:
            return values[0]
    return None


def numbers_of(parameters: Mapping[str, str], key: str) -> list[float]:
    """The numbers that a value starts with: "1.5 2.0 m m" gives [1.5, 2.0]."""
    values = []
    for word in parameters.get(key, "").replace(",", " ").split():
        value = finite_number(word)
        if value is None:
            break
        values.append(value)
    return values


def finite_number(word: str) -> float | None:
    """The number that a word is; None for anything else, "nan" and "inf" included."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def skipped(path: Path | None, lines: Sequence[str]) -> tuple[str, ...]:
    """The note that baselines of a file were skipped, with the first one; none without lines."""
    if not lines:
        return ()
    return (
        Message(
            "{path}: baselines that can't be read were skipped, {count} in all (first: “{lines}”).",
            path=path,
            count=len(lines),
            lines=lines[0].strip(),
        ),
    )
