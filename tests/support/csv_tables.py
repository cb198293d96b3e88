"""Tables that tools write as CSV."""

from __future__ import annotations

import csv
from pathlib import Path


def table_of(path: str) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(Path(path).read_text("utf-8").splitlines()))
