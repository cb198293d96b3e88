"""What a DEM says: slope, aspect, relief, hillshade, and what the satellite sees of a motion down the slope.

Enters: heights with their unit, and the satellite's view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .los_sensitivity import LEVEL_SLOPE, MOTION_SCALE, POORLY_SEEN, los_sensitivity_to_file, turned_to_grid
    from .relief import ELEVATION, INDEX_EVERY, Relief, hillshade, light_hillshade, prepare_relief
    from .slope import gradient, slope_to_file
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "ELEVATION",
    "INDEX_EVERY",
    "LEVEL_SLOPE",
    "MOTION_SCALE",
    "POORLY_SEEN",
    "Relief",
    "gradient",
    "hillshade",
    "light_hillshade",
    "los_sensitivity_to_file",
    "prepare_relief",
    "slope_to_file",
    "turned_to_grid",
]
