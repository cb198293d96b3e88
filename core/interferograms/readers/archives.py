"""Interferograms that still lie in ZIP archives: GeoTIFFs are read where they are, all else is told."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ...texts import Message
from .files import Folder
from .products import product_of

_READ = (".tif", ".tiff", ".txt")
_ENCRYPTED = 1


def with_archives(folder: Folder, check: Callable[[], None] = lambda: None) -> Folder:
    """The folder with the GeoTIFFs and texts in its ZIP archives that hold interferograms, as GDAL names them.

    What lies unpacked in the folder, too, isn't taken again. ``notes`` tell what is read from archives and what can't
    be. ``check`` is called for each archive and may raise.
    """
    archives = [path for path in folder.files if path.suffix.lower() == ".zip"]
    unpacked = {path.name for path in folder.files}
    stems = sorted(path.stem for path in folder.files if product_of(path))
    added: list[Path] = []
    notes: list[str] = []
    for archive in archives:
        check()
        try:
            members = _members(archive)
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
            notes.append(
                Message("Left out: {path} isn't a complete ZIP archive. Copy or download it again.", path=archive)
            )
            continue
        except _ProtectedError:
            notes.append(Message("Left out: {path} is protected by a password. Unpack it first.", path=archive))
            continue
        found = [member for member in members if product_of(member)]
        readable = [member for member in found if member.suffix.lower() in _READ]
        if len(readable) < len(found):
            names = {member.name for member in found} - unpacked
            if names:
                notes.append(Message("Left out: {path} holds {name}. Unpack it first.", path=archive, name=min(names)))
        if readable:
            new = [
                member
                for member in members
                if member.suffix.lower() in _READ
                and member.name not in unpacked
                and not (product_of(member) and any(stem.startswith(member.stem) for stem in stems))
            ]
            added += new
            rest = len(new) - sum(member.suffix.lower() == ".txt" for member in new)
            if rest:
                notes.append(
                    Message(
                        "{path} isn't unpacked, or only in part: {count} of its rasters are read from the "
                        "archive, which is slower.",
                        path=archive,
                        count=rest,
                    )
                )
    return replace(folder, files=(*folder.files, *added), notes=(*folder.notes, *notes)) if archives else folder


class _ProtectedError(Exception):
    """An archive whose members are encrypted."""


def _members(archive: Path) -> Sequence[Path]:
    """The files of an archive as GDAL names them."""
    with zipfile.ZipFile(archive) as content:
        infos = [info for info in content.infolist() if not info.is_dir()]
    if any(info.flag_bits & _ENCRYPTED for info in infos):
        raise _ProtectedError
    names = [PurePosixPath(info.filename) for info in infos]
    return [
        # Path would make one slash of two, so the archive stands in braces.
        Path(f"/vsizip/{{{archive.absolute().as_posix()}}}/{name}")
        for name in names
        if not name.is_absolute() and ".." not in name.parts and not name.name.startswith(".")
    ]
