"""The relief under the results."""

from __future__ import annotations

import numpy as np
import pytest
from qgis.core import (
    QgsRasterLayer,
)

from ada_mapper.core.raster import Grid
from ada_mapper.ui.detect.underlay import put_under
from small_rasters import write


def test_the_slope_of_the_run_is_shown_rather_than_a_second_one(project, state, layers):
    group = project.layerTreeRoot().addGroup("Valley")
    slope = state.layer("slope")
    node = group.addLayer(slope)
    node.setItemVisibilityChecked(False)
    put_under(project, "Valley", None, slope)
    assert [each.layer() for each in group.findLayers()] == [slope] and node.isVisible() and slope.opacity() < 1


def test_relief_in_degrees_is_no_field_of_needles(project, tmp_path):
    grid = Grid("EPSG:4326", (100.0, 0.001, 0.0, 30.0, 0.0, -0.001), 20, 20)
    path = write(tmp_path / "dem.tif", np.arange(400.0).reshape(20, 20), "dem", "m", grid)
    project.layerTreeRoot().addGroup("Valley")
    put_under(project, "Valley", QgsRasterLayer(path, "dem"), None)
    (layer,) = project.mapLayers().values()
    assert layer.renderer().zFactor() == pytest.approx(1 / 111320)
