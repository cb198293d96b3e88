"""adamapper:slope through processing.run."""

from __future__ import annotations

import numpy as np
import pytest
from qgis.core import QgsRasterLayer

from small_rasters import write


def test_slope_of_a_plane(run, tmp_path):
    rows = np.arange(60, dtype=np.float32)[:, None] * np.ones((1, 50), np.float32)
    dem = write(tmp_path / "dem.tif", 1000 - 30 * np.tan(np.radians(20)) * rows, "dem", "m")
    result = run("slope", {"INPUT": dem, "OUTPUT": str(tmp_path / "slope.tif"), "ASPECT": str(tmp_path / "aspect.tif")})
    slope, aspect = (QgsRasterLayer(result[name]) for name in ("OUTPUT", "ASPECT"))
    statistics = slope.dataProvider().bandStatistics(1)
    assert (statistics.minimumValue, statistics.maximumValue) == pytest.approx((20, 20), abs=1e-3)
    # The columns lie 0.004° off true north so near the meridian of the zone.
    assert aspect.dataProvider().bandStatistics(1).mean == pytest.approx(180, abs=1e-2)
    assert (tmp_path / "slope.qml").exists()
