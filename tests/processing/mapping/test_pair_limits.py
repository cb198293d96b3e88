"""The limits on pairs are the same wherever they are asked for."""

from __future__ import annotations

import pytest
from qgis.core import QgsApplication

from ada_mapper.core.interferograms import PairLimits


@pytest.mark.parametrize("tool", ["stackinterferograms", "mapactiveareas"])
def test_tools_propose_the_usual_limits(plugin, tool):
    algorithm = QgsApplication.processingRegistry().algorithmById(f"adamapper:{tool}")
    for name in ("max_temporal_baseline", "max_perpendicular_baseline"):
        assert algorithm.parameterDefinition(name.upper()).defaultValue() == getattr(PairLimits(), name)
