"""Files and folders that appear under their name whole or not at all.

What is made lies beside its target under a name that nobody else uses, and takes its place at the end. Whatever ends
the making early (an error, a full disk, the user) leaves the target as it was and nothing beside it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Union

from .errors import OutputError

if TYPE_CHECKING:
    from .types import PathLike

# What GDAL and SQLite keep beside a file; it would belie other content.
_SIDECARS = (".aux.xml", ".ovr", ".msk", "-journal", "-wal", "-shm")

# What is free on a disk that a program found full: blocks are kept for the system, and freed by what it gave up.
_NO_ROOM = 64 * 1024

Failures = Union[type[Exception], tuple[type[Exception], ...]]


def unwritable(path: PathLike, error: Exception | str) -> OutputError:
    """The error that says that ``path`` can't be written, and why as far as the system tells."""
    if _is_full(Path(path), error):
        return OutputError(
            "The disk is full: {path} can't be written. Free space on it, or choose a folder on another disk.",
            path=path,
        )
    # Libraries say what they were about, such as a scanline, and not what is the matter.
    reason = error.strerror if isinstance(error, OSError) else error if isinstance(error, str) else None
    if reason:
        return OutputError(
            "{path} can't be written ({reason}). Check that the folder exists and that you may write there; or it is "
            "open in QGIS or another program: remove that layer or choose another file name.",
            path=path,
            reason=reason,
        )
    return OutputError(
        "{path} can't be written. Check that the folder exists, that you may write there and that the disk is not "
        "full; or it is open in QGIS or another program: remove that layer or choose another file name.",
        path=path,
    )


def _is_full(path: Path, error: Exception | str) -> bool:
    """Whether the disk of ``path`` has no room, which of the libraries only the system's own errors tell."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    with contextlib.suppress(OSError):
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        return shutil.disk_usage(folder).free < _NO_ROOM
    return False


@contextlib.contextmanager
def told_as_unwritable(path: PathLike, failures: Failures = OSError) -> Iterator[None]:
    """OutputError, naming ``path``, for the failures of a block that does nothing but write."""
    try:
        yield
    except failures as error:
        raise unwritable(path, error) from None


class NewFile:
    """A file in the making: it lies at ``temporary``, beside its target, until ``keep`` gives it the target's name."""

    def __init__(self, path: PathLike) -> None:
        self.target = Path(path)
        # Of the same kind, as programs look at the suffix; a long name stays within what file systems bear.
        self.temporary = self.target.with_name(f"{_own_name(self.target.stem)}{self.target.suffix}")

    def check_replaceable(self) -> None:
        """OutputError where the target can't be replaced, found out before the work, not after it."""
        if self.target.is_dir():
            raise OutputError("{target} is a folder. Choose another file name.", target=self.target)
        if self.target.exists():
            with told_as_unwritable(self.target):
                # Windows refuses to rename a file that is open elsewhere, even to its own name.
                self.target.rename(self.target)

    def keep(self) -> None:
        """Give the file its name, in place of what has it; OSError when the system refuses."""
        for sidecar in _SIDECARS:
            old, new = _beside(self.target, sidecar), _beside(self.temporary, sidecar)
            if os.path.lexists(new):
                new.replace(old)
            elif os.path.lexists(old):
                old.unlink()
        self.temporary.replace(self.target)

    def discard(self) -> None:
        """Remove what was written so far; nothing to do once the file is kept."""
        for sidecar in ("", *_SIDECARS):
            with contextlib.suppress(OSError):
                _beside(self.temporary, sidecar).unlink()


def _beside(path: Path, sidecar: str) -> Path:
    return path.with_name(path.name + sidecar)


def _own_name(name: str) -> str:
    return f".{name[:40]}-{uuid.uuid4().hex[:8]}"


@contextlib.contextmanager
def whole_file(path: PathLike, failures: Failures = OSError) -> Iterator[Path]:
    """A file beside ``path`` to be written in the block, at whose good end it replaces ``path``.

    Raises OutputError for the ``failures`` of the block, and when the file can't take its place.
    """
    file = NewFile(path)
    try:
        with told_as_unwritable(path, failures):
            yield file.temporary
            file.keep()
    finally:
        file.discard()


def write_text(path: PathLike, content: str) -> None:
    """Write a text file in UTF-8; OutputError when it can't be written."""
    with whole_file(path) as file:
        file.write_text(content, encoding="utf-8")


def write_file(path: PathLike, content: bytes) -> None:
    """Write a file; OutputError when it can't be written."""
    with whole_file(path) as file:
        file.write_bytes(content)


@contextlib.contextmanager
def whole_folder(path: PathLike, replace: bool = False, failures: Failures = OSError) -> Iterator[Path]:
    """A folder beside ``path`` to be filled in the block, at whose good end it becomes ``path``.

    An absent or empty folder is taken; with ``replace`` any other, too, and all that was in it is gone. For folders
    that belong to us as a whole; see ``added_together`` for others. Raises OutputError as ``whole_file`` does.
    """
    target = Path(path).absolute()
    name = _own_name(target.name)
    made, old = target.with_name(f"{name}.part"), target.with_name(f"{name}.old")
    try:
        with told_as_unwritable(target, failures):
            made.mkdir()
            yield made
            if target.exists():
                target.rename(old) if replace else target.rmdir()
            try:
                made.rename(target)
            except OSError:
                if old.exists():
                    old.rename(target)
                raise
    finally:
        for folder in (made, *([old] if target.exists() else ())):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def added_together(folder: PathLike, replaced: Sequence[Path] = (), failures: Failures = OSError) -> Iterator[Path]:
    """A folder to work in whose contents move into ``folder`` at the good end of the block, all or none.

    They take the place of what is in ``replaced`` (paths in ``folder``) or has their names; all else in the folder
    stays, unlike with ``whole_folder``. Missing folders are made. Raises OutputError as ``whole_file`` does.
    """
    target = Path(folder)
    missing = [path for path in (target, *target.parents) if not path.exists()]
    work = target / _own_name("part")
    try:
        with told_as_unwritable(target, failures):
            work.mkdir(parents=True)
            yield work
            _move_in(work, target, replaced)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()


def _move_in(work: Path, target: Path, replaced: Sequence[Path]) -> None:
    """Move the contents of ``work`` into the target and put aside what they replace; on an error put all back."""
    new, aside = sorted(work.iterdir()), work / uuid.uuid4().hex
    aside.mkdir()
    names = {path.name for path in new}
    old = sorted({*replaced, *(path for path in target.iterdir() if path.name in names)})
    done: list[tuple[Path, Path]] = []
    try:
        for source, place in [(path, aside / path.name) for path in old] + [(path, target / path.name) for path in new]:
            source.replace(place)
            done.append((source, place))
    except OSError:
        for source, place in reversed(done):
            with contextlib.suppress(OSError):
                place.replace(source)
        raise
