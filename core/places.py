"""Where results can go: whether a file or a folder can be made at a place, found out before the work, not after it."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .errors import OutputError
from .files import NewFile, told_as_unwritable, unwritable

_LONGEST_NAME = 255
_NOT_ON_WINDOWS = '<>:"|?*'
_DEVICES = ("con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)))


def check_file(path: Path) -> None:
    """OutputError where no file can be written at ``path``; its folder is there."""
    with told_as_unwritable(path):
        if path.is_dir():
            raise OutputError("{path} is a folder. Choose the name of a file.", path=path)
        _check_writable(path.parent, path)
        if path.exists():
            _check_unprotected(path)
            NewFile(path).check_replaceable()


def check_folder(path: Path) -> None:
    """OutputError where ``path`` can't become a folder with files in it; the folder that it lies in is there."""
    with told_as_unwritable(path):
        if path.exists() and not path.is_dir():
            raise OutputError("{path} is a file. Choose a folder.", path=path)
        _check_writable(path if path.exists() else path.parent, path)


def check_name(path: Path, is_windows: bool = os.name == "nt") -> None:
    """OutputError where no file system, or not that of Windows, takes a part of ``path`` as a name."""
    for name in path.parts:
        if any(ord(letter) < ord(" ") or "\ud800" <= letter <= "\udfff" for letter in name):
            raise OutputError(
                "The name {name} holds a character that a name can't have. Choose another one.", name=ascii(name)
            )
        if len(os.fsencode(name)) > _LONGEST_NAME:
            raise OutputError(
                "The name {name}… has {count} letters, which is too long for a file. Choose a shorter one.",
                name=name[:40],
                count=len(name),
            )
        if is_windows and name != path.anchor:
            _check_name_of_windows(name)


def _check_name_of_windows(name: str) -> None:
    wrong = [letter for letter in _NOT_ON_WINDOWS if letter in name]
    if wrong:
        raise OutputError(
            "The name {name} holds {letter}, which Windows doesn't allow. Choose another one.",
            name=name,
            letter=wrong[0],
        )
    if name not in (".", "..") and name != name.rstrip(". "):
        raise OutputError(
            "The name {name} ends in a dot or a space, which Windows cuts off. Choose another one.", name=name
        )
    if name.split(".")[0].rstrip().lower() in _DEVICES:
        raise OutputError("{name} is the name of a device in Windows. Choose another one.", name=name)


def make_folder_of(path: Path) -> list[Path]:
    """Make the folder that ``path`` lies in, and those around it, where they are missing; those made, innermost first.

    OutputError where it can't be made; then none is.
    """
    with told_as_unwritable(path):
        missing = [parent for parent in path.parents if not parent.exists()]
        around = next((parent for parent in path.parents if parent.exists()), None)
        if around is not None and not around.is_dir():
            raise OutputError(
                "{path} can't be written: {around} is a file, not a folder. Choose another place.",
                path=path,
                around=around,
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            remove_empty(missing)
            raise
        return missing


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove folders, innermost first, but those that something is in."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _check_writable(folder: Path, path: Path) -> None:
    # Rights, disks that can only be read and full tables of files: only trying tells.
    try:
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise unwritable(path, error) from None


def _check_unprotected(path: Path) -> None:
    """A file whose owner took away the right to write it shall not be replaced, though its folder would let us."""
    if not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise OutputError("{path} is write-protected. Choose another file name, or take the protection off.", path=path)
