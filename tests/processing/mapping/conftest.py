"""What tests of mapping share."""

from __future__ import annotations

import numpy as np
import pytest

from small_rasters import write


@pytest.fixture
def probability(tmp_path):
    values = np.zeros((120, 100), np.float32)
    values[10:20, 30:40] = 0.9
    values[50:70, 50:55] = 0.4
    values[52, 52] = 0.8
    values[100:110, 10:20] = 0.4
    values[0, 99] = 0.95
    return write(tmp_path / "probability.tif", values, "probability", "1")
