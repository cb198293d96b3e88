"""Where the results of a run go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from qgis.core import QgsProcessing

if TYPE_CHECKING:
    from .runner import Runner

_FILES = {
    "AREAS": "areas.gpkg",
    "PROBABILITY": "probability.tif",
    "PHASE_RATE": "phase_rate.tif",
    "LOS_RATE": "los_rate.tif",
    "SLOPE": "slope.tif",
    "LOS_SENSITIVITY": "los_sensitivity.tif",
    "REPORT": "stack.html",
}
_FOR_MODELS = {"STANDARD_ERROR": "standard_error.tif", "COHERENCE": "coherence.tif", "CLOSURE": "closure.tif"}
CHAIN_RESULTS = tuple(_FILES)
"""The results that the chain of tools always has, by the names of the chain."""


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


def result_files(folder: Path | None, names: Iterable[str] = CHAIN_RESULTS) -> dict[str, str]:
    """Where results of the chain go, by their names: files in the folder, temporary ones where it is None."""
    files = {**_FILES, **_FOR_MODELS}
    return {name: QgsProcessing.TEMPORARY_OUTPUT if folder is None else str(folder / files[name]) for name in names}
