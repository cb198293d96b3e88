"""Where the results of a run go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .runner import Runner


def results_folder(base: str, name: str) -> Path | None:
    """A folder of its own for a run, in ``base``; None, for temporary results, where base is empty."""
    return Path(base) / re.sub(r'[<>:"/\\|?*\x00-\x1f]+', "_", name).strip(". ") if base else None


def free_place(runner: Runner, base: str, name: str) -> tuple[str, Path | None]:
    """The name, with a number if a group, a run or a folder in ``base`` has it already, and the results_folder()."""
    number, free = 1, runner.free_name(name)
    folder = results_folder(base, free)
    while folder is not None and folder.exists():
        number += 1
        free = runner.free_name(f"{name} ({number})")
        folder = results_folder(base, free)
    return free, folder
