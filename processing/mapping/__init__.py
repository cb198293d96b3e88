"""The tools from interferograms to areas.

Enters: parameters; each tool calls core once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .build_composite import BuildComposite
    from .chain import CHAIN, DETECT, EXTRACT, SLOPE, STACK, ChainStep, only_for_model
    from .classical_detector import ClassicalDetector
    from .detect_areas import DetectAreas
    from .extract_areas import ExtractAreas
    from .los_sensitivity import LosSensitivity
    from .map_active_areas import MapActiveAreas
    from .merge_orbits import MergeOrbits
    from .paper import PAPER
    from .slope import Slope
    from .stack_interferograms import StackInterferograms
    from .stacking_choices import AS_IN_PAPER, grouped_choices
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "AS_IN_PAPER",
    "CHAIN",
    "DETECT",
    "EXTRACT",
    "PAPER",
    "SLOPE",
    "STACK",
    "BuildComposite",
    "ChainStep",
    "ClassicalDetector",
    "DetectAreas",
    "ExtractAreas",
    "LosSensitivity",
    "MapActiveAreas",
    "MergeOrbits",
    "Slope",
    "StackInterferograms",
    "grouped_choices",
    "only_for_model",
]
