"""What tests of the Detect step share."""

from __future__ import annotations

import numpy as np
import pytest
from qgis.core import (
    QgsRasterLayer,
)

from small_rasters import write


@pytest.fixture
def layers(project, state, tmp_path):
    """Rates over a slope of 20° with a patch that moves, as layers of the project."""
    rows = np.arange(96.0)[:, None] * np.ones((1, 96))
    patch = np.zeros((96, 96))
    patch[30:60, 30:60] = 1
    rates = np.random.default_rng(1).normal(0, 1, (96, 96))
    arrays = {
        "phase_rate": (rates * 0.3 + 15 * patch, "rad/yr"),
        "los_rate": (rates - 60 * patch, "mm/yr"),
        "dem": (2000 - 30 * np.tan(np.radians(20)) * rows, "m"),
        "slope": (np.full((96, 96), 20.0), "degree"),
        "los_sensitivity": (np.full((96, 96), 0.5), "1"),
    }
    for role, (values, unit) in arrays.items():
        layer = QgsRasterLayer(write(tmp_path / f"{role}.tif", values, role, unit), role)
        state.set_layer(role, project.addMapLayer(layer))
    return arrays
