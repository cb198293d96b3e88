"""What killed runs left behind, told apart from what running ones need.

All that lies in the making has a name of our own, with a token of the process that makes it. As long as a process
lives it holds a lock on a file of the system's folder for temporary files, named by the token: where that lock is free,
the process is gone.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import re
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_OWN = re.compile(r"\.(?P<name>.{0,40})-ada(?P<token>[0-9a-f]{8})[0-9a-f]{8}(?P<end>\..*)?", re.DOTALL)
# Until version 0.3 names had no mark of ours and no token.
_FORMER = re.compile(r"\.(?P<name>.{1,40})-[0-9a-f]{8}(?P<end>\..*)?", re.DOTALL)
_OLD_SECONDS = 24 * 3600.0
_held: list[IO[Any]] = []


@dataclass(frozen=True)
class Leftover:
    """A file or folder in the making, whose making ended early: the name it was to have (its first 40 letters) and what
    follows the token."""

    path: Path
    name: str
    end: str


def own_name(name: str) -> str:
    """A hidden name, which nobody else uses, for what is made beside ``name``; no longer than file systems bear."""
    return f".{name[:40]}-ada{_token()}{uuid.uuid4().hex[:8]}"


def leftovers(folder: Path, *targets: str) -> Iterator[Leftover]:
    """What killed runs left in a folder; of versions before 0.4 only what was to become one of ``targets``, file names.

    Where it can't be told whether the process lives, as on a drive that several machines share, it counts as gone
    when nothing was changed for a day.
    """
    try:
        entries = [entry for entry in folder.iterdir() if entry.name.startswith(".")]
    except OSError:
        return
    for path in entries:
        own = _OWN.fullmatch(path.name)
        if own is not None:
            if own["token"] != _token() and _is_gone(own["token"], path):
                yield Leftover(path, own["name"], own["end"] or "")
            continue
        former = _FORMER.fullmatch(path.name)
        if former is not None and any(_was_for(target, former, path) for target in targets) and _is_old(path):
            yield Leftover(path, former["name"], former["end"] or "")


def _was_for(target: str, match: re.Match[str], path: Path) -> bool:
    name, end = match["name"], match["end"] or ""
    stem, suffix = Path(target).stem, Path(target).suffix
    if path.is_dir():
        return (name, end) in ((target[:40], ".part"), ("part", ""))
    return bool(suffix) and name == stem[:40] and (end == suffix or end.startswith(f"{suffix}.aux."))


@functools.cache
def _token() -> str:
    """The token of this process, whose lock is held until it ends."""
    token = uuid.uuid4().hex[:8]
    with contextlib.suppress(OSError):
        file = _lock_file(token).open("x")
        _held.append(file)
        atexit.register(_let_go, file, _lock_file(token))
        _lock(file)
    return token


def _lock_file(token: str) -> Path:
    return Path(tempfile.gettempdir()) / f"ada-mapper-{token}.lock"


def _let_go(file: IO[Any], path: Path) -> None:
    file.close()
    with contextlib.suppress(OSError):
        path.unlink()


def _lock(file: IO[Any]) -> bool:
    """Lock a file if it is free; the system frees it when the process ends, however it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_gone(token: str, path: Path) -> bool:
    """Whether the process with a token has ended; by the age of what it made where there is no lock to ask."""
    try:
        with _lock_file(token).open() as file:
            return _lock(file)
    except OSError:
        return _is_old(path)


def _is_old(path: Path) -> bool:
    """Whether nothing in a file or folder was changed for a day."""
    try:
        latest = max(place.lstat().st_mtime for place in (path, *path.rglob("*")))
    except OSError:
        return False
    return time.time() - latest > _OLD_SECONDS
