"""The folder of a simulated scene: its contents appear together or not at all."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import InputError, OutputError

DONE = "scene.json"
"""Describes a scene; a folder with it was written by us, and its "contents" may be replaced."""


@contextmanager
def written_together(folder: Path) -> Iterator[Path]:
    """A folder to work in whose contents move into ``folder`` when all went well, and vanish otherwise."""
    is_new = not folder.exists()
    replaced = _earlier_scene(folder)
    work = folder / f".simulating-{uuid.uuid4().hex[:8]}"
    try:
        work.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"{folder} can't be written ({error}). Choose another folder.") from None
    try:
        yield work
        _swap(folder, work, replaced)
    except OSError as error:
        raise OutputError(f"{folder} can't be written ({error}). Check the space that is left.") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def _swap(folder: Path, work: Path, replaced: list[Path]) -> None:
    """Move the contents of ``work`` into the folder and drop what they replace; on an error put everything back."""
    new, old = sorted(work.iterdir()), work / "replaced"
    old.mkdir()
    moves = [(path, old / path.name) for path in replaced] + [(path, folder / path.name) for path in new]
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            source.replace(target)
            done.append((source, target))
    except OSError:
        for source, target in reversed(done):
            with suppress(OSError):
                target.replace(source)
        raise


def _earlier_scene(folder: Path) -> list[Path]:
    """What an earlier run left in the folder; InputError when the folder holds anything else."""
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise InputError(f"{folder} is a file. Choose a folder for the scene.")
    present = list(folder.iterdir())
    try:
        contents = set(json.loads((folder / DONE).read_text(encoding="utf-8"))["contents"])
    except (OSError, ValueError, KeyError, TypeError):
        contents = set()
    if any(path.name not in contents for path in present):
        raise InputError(f"{folder} is not empty. Choose a new or empty folder for the scene.")
    return present
