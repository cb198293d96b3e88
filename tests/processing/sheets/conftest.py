"""What tests of map sheets share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from printed_survey import Survey


@pytest.fixture
def survey(tmp_path: Path, qgis_app: Any) -> Survey:
    return Survey(tmp_path, [(9.30, 45.0), (9.31, 45.005), (9.42, 45.05)])
