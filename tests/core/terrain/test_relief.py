"""Grey relief and contour lines of an elevation model."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import ogr

from ada_mapper.core.raster import BandDescription, Grid, write_array
from ada_mapper.core.terrain import prepare_relief
from ada_mapper.core.terrain.relief import contour_interval


def test_contour_lines_of_a_plane_lie_where_they_should(tmp_path):
    columns = np.arange(120, dtype=np.float32)
    heights = np.broadcast_to(1000 + 3 * columns, (100, 120)).astype(np.float32)  # 3 m a pixel of 10 m
    grid = Grid("EPSG:32632", (500_000.0, 10.0, 0.0, 5_001_000.0, 0.0, -10.0), 120, 100)
    write_array(tmp_path / "dem.tif", grid, heights, BandDescription("dem", "m"))
    relief = prepare_relief(
        tmp_path / "dem.tif", "EPSG:32632", (500_100, 5_000_100, 501_000, 5_000_900), 10_000, tmp_path, "sheet"
    )
    assert relief is not None and relief.interval == 5 and relief.grey is not None
    source = ogr.Open(str(relief.contours))
    lines = [(line["elevation"], line.GetGeometryRef().GetEnvelope()) for line in source.GetLayer()]
    for elevation, (left, right, _, _) in lines:
        assert (left, right) == pytest.approx((500_005 + (elevation - 1000) / 0.3,) * 2, abs=1.5)
    assert len(lines) > 40


def test_level_ground_has_no_contour_lines_and_ground_without_data_no_relief(tmp_path):
    assert contour_interval(np.full((9, 9), 5, np.float32), 10, 5000) == 0
    grid = Grid("EPSG:32632", (500_000.0, 10.0, 0.0, 5_001_000.0, 0.0, -10.0), 50, 50)
    write_array(tmp_path / "dem.tif", grid, np.full((50, 50), np.nan, np.float32), BandDescription("dem", "m"))
    ground = (500_100.0, 5_000_600.0, 500_300.0, 5_000_800.0)
    assert prepare_relief(tmp_path / "dem.tif", "EPSG:32632", ground, 5000, tmp_path, "sheet") is None
