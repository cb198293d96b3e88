"""What the panel knows, kept in the QGIS project, and what its layers are for.

Enters: layers and choices; no widget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .inputs import (
        ALL_LIMITS,
        LIMITS,
        MOST_DAYS,
        MOST_METRES,
        MOST_SUSPECT,
        at_least,
        chain_inputs,
        chosen_limits,
        excluded_pairs,
        keep_limit,
        limit,
        masks_components,
        rasters_for_model,
    )
    from .layer_guess import BY_VALUES, candidates, guesses
    from .stacking import (
        as_given,
        as_kept,
        asked_choices,
        differs,
        keep_stacking,
        limits_of,
        pair_limits,
        stacking_values,
        unusable_choices,
    )
    from .state import LAYER_ROLES, ProjectState
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "ALL_LIMITS",
    "BY_VALUES",
    "LAYER_ROLES",
    "LIMITS",
    "MOST_DAYS",
    "MOST_METRES",
    "MOST_SUSPECT",
    "ProjectState",
    "as_given",
    "as_kept",
    "asked_choices",
    "at_least",
    "candidates",
    "chain_inputs",
    "chosen_limits",
    "differs",
    "excluded_pairs",
    "guesses",
    "keep_limit",
    "keep_stacking",
    "limit",
    "limits_of",
    "masks_components",
    "pair_limits",
    "rasters_for_model",
    "stacking_values",
    "unusable_choices",
]
