"""How good a map or a model is: matches, figures with intervals, strata, comparison, beside the classical detector.

Enters: maps and models on one side, the truth on the other. Nothing here chooses what it judges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .area_map import STYLES
    from .assessment import NOT_COUNTED, RIGHT, Assessment, AssessmentData, AssessmentOptions, JudgedArea, assess
    from .calibration import ProbabilityCounts, Reliability
    from .classical_tuning import CLASSICAL_SETTINGS, ClassicalSetting, best_setting, tuning_ious
    from .comparison import Comparison, compare_channels
    from .comparison_report import combination_label, comparison_figure, write_comparison_csv, write_comparison_report
    from .figures import FIGURES, figure_text
    from .matching import match_areas
    from .report import write_accuracy_csv, write_accuracy_report
    from .scores import Confusion, ObjectScores, PixelScores, confusion, f1_score, pixel_scores, wilson_interval
    from .strata import BY_AREA, BY_RATE, UNKNOWN, Classes
    from .tile_scores import area_pixels, judged_areas, tile_objects
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "BY_AREA",
    "BY_RATE",
    "CLASSICAL_SETTINGS",
    "FIGURES",
    "NOT_COUNTED",
    "RIGHT",
    "STYLES",
    "UNKNOWN",
    "Assessment",
    "AssessmentData",
    "AssessmentOptions",
    "Classes",
    "ClassicalSetting",
    "Comparison",
    "Confusion",
    "JudgedArea",
    "ObjectScores",
    "PixelScores",
    "ProbabilityCounts",
    "Reliability",
    "area_pixels",
    "assess",
    "best_setting",
    "combination_label",
    "compare_channels",
    "comparison_figure",
    "confusion",
    "f1_score",
    "figure_text",
    "judged_areas",
    "match_areas",
    "pixel_scores",
    "tile_objects",
    "tuning_ious",
    "wilson_interval",
    "write_accuracy_csv",
    "write_accuracy_report",
    "write_comparison_csv",
    "write_comparison_report",
]
