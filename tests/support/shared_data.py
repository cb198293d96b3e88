"""Real data for tests, which is not part of the project: tests that use it skip where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("ADA_MAPPER_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def shared_data(name: str) -> Path:
    """The path of a real data set; skips the test, saying why, where it is not available."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"the real data {name} is not available (set ADA_MAPPER_DATA to its folder)")
    return path
