"""Areas: connected pixels as polygons with attributes, both orbits merged, the classical detector.

Enters: a probability or a rate, and the layers that areas are measured on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .agreement import CONTRADICTED, FUSED_TAG, NOT_VISIBLE, SEEN_BY_BOTH, OrbitLayers
    from .area import FIELDS, Area, outlines_of
    from .attributes import Layers
    from .calibration import AREA_CALIBRATION_TAG, HECTARE, AreaCalibration, log_odds
    from .classical import ClassicalRules, classical_areas, classical_mask
    from .components import counting_pixels, rows_per_block
    from .connected import connected_groups, labelled
    from .extraction import AreaRules, extract_areas, rules_for
    from .orbits import MERGED_FIELDS, merge_orbits
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "AREA_CALIBRATION_TAG",
    "CONTRADICTED",
    "FIELDS",
    "FUSED_TAG",
    "HECTARE",
    "MERGED_FIELDS",
    "NOT_VISIBLE",
    "SEEN_BY_BOTH",
    "Area",
    "AreaCalibration",
    "AreaRules",
    "ClassicalRules",
    "Layers",
    "OrbitLayers",
    "classical_areas",
    "classical_mask",
    "connected_groups",
    "counting_pixels",
    "extract_areas",
    "labelled",
    "log_odds",
    "merge_orbits",
    "outlines_of",
    "rows_per_block",
    "rules_for",
]
