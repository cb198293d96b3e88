"""The folder of a simulated scene: its contents appear together or not at all."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

from ..errors import InputError
from ..files import added_together

DONE = "scene.json"
"""Describes a scene; a folder with it was written by us, and its "contents" may be replaced."""


def written_together(folder: Path) -> AbstractContextManager[Path]:
    """A folder to work in whose contents move into ``folder`` when all went well, and vanish otherwise."""
    return added_together(folder, _earlier_scene(folder))


def _earlier_scene(folder: Path) -> list[Path]:
    """What an earlier run left in the folder; InputError when the folder holds anything else."""
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise InputError("{folder} is a file. Choose a folder for the scene.", folder=folder)
    present = list(folder.iterdir())
    try:
        contents = set(json.loads((folder / DONE).read_text(encoding="utf-8"))["contents"])
    except (OSError, ValueError, KeyError, TypeError):
        contents = set()
    if any(path.name not in contents for path in present):
        raise InputError("{folder} is not empty. Choose a new or empty folder for the scene.", folder=folder)
    return present
