"""The groups of the golden record, each run in a process of its own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import golden_learning
import golden_mapping
import golden_survey
from golden_session import Golden, start

GROUPS: dict[str, Callable[[Golden], None]] = {
    "training": golden_learning.training,
    "models": golden_learning.models,
    "chain": golden_mapping.chain,
    "stack": golden_mapping.stack,
    "survey": golden_survey.survey,
    "sheets": golden_survey.sheets,
    "samples": golden_learning.samples,
    "accuracy": golden_learning.accuracy,
    "terrain": golden_mapping.terrain,
    "scenes": golden_mapping.scenes,
    "catalogue": golden_learning.catalogue,
}
"""The longest first, so that no process waits long for another at the end."""
ENDED = "ended before its last run"
"""Stands in the record in place of the runs that a group didn't come to."""


def run_group(name: str, work: Path, output: Path) -> None:
    """Run a group in the folder ``work`` and write its record to ``output``, also if it ends before its last run."""
    golden = start(name, work)
    try:
        GROUPS[name](golden)
    except Exception as error:
        golden.note(f"{ENDED} ({type(error).__name__})", str(error))
    output.write_text(json.dumps({"runs": golden.runs, "texts": golden.digester.texts}, ensure_ascii=False), "utf-8")
    # QGIS 3.22 may crash when it is taken down after layouts were drawn.
    sys.stdout.flush()
    os._exit(0)
