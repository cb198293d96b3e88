"""The groups of the golden record, each run in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import golden_mapping
from golden_session import Golden, start

GROUPS: dict[str, Callable[[Golden], None]] = {
    "chain": golden_mapping.chain,
    "stack": golden_mapping.stack,
    "terrain": golden_mapping.terrain,
    "scenes": golden_mapping.scenes,
}
"""Longest first, so that no process waits long for another at the end."""


def run_group(name: str, work: Path, output: Path) -> None:
    """Run a group in the folder ``work`` and write its record to ``output``."""
    application, golden = start(name, work)
    GROUPS[name](golden)
    output.write_text(json.dumps({"runs": golden.runs, "texts": golden.digester.texts}, ensure_ascii=False), "utf-8")
    application.exitQgis()
