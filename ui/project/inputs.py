"""What the project holds for the chain of tools, by the names of the chain (processing/mapping/chain.py)."""

from __future__ import annotations

from typing import Any

from ...core.interferograms import PairLimits
from .stacking import stacking_values
from .state import ProjectState

MOST_DAYS, MOST_METRES = "max_temporal_baseline", "max_perpendicular_baseline"
LIMITS = {MOST_DAYS: PairLimits.max_temporal_baseline, MOST_METRES: PairLimits.max_perpendicular_baseline}
"""The limits of pairs as they are until the user chooses others."""

_LEAST = 1.0


def at_least(value: float) -> float:
    """A limit of pairs that the tools take."""
    return max(_LEAST, value)


def limit(state: ProjectState, name: str) -> float:
    """The largest temporal (MOST_DAYS) or perpendicular (MOST_METRES) baseline of pairs."""
    return at_least(float(state.get(name, LIMITS[name])))


def excluded_pairs(state: ProjectState) -> frozenset[str]:
    """The names of the pairs that are left out by hand."""
    return frozenset(name for name in state.get("excluded_pairs", []) if isinstance(name, str))


def chain_inputs(state: ProjectState) -> dict[str, Any]:
    """The inputs of the whole chain; those that nothing was chosen for are left out."""
    inputs = {
        **stacking_values(state),
        "INPUT_FOLDER": state.get("folder", ""),
        "DEM": state.layer("dem"),
        "ORBIT": state.get("orbit", "unknown"),
        "PRODUCT": state.get("product", "") or "auto",
        "MAX_TEMPORAL_BASELINE": limit(state, MOST_DAYS),
        "MAX_PERPENDICULAR_BASELINE": limit(state, MOST_METRES),
        "EXCLUDED_PAIRS": ",".join(sorted(excluded_pairs(state))),
        "MODEL": state.get("model", ""),
    }
    return {name: value for name, value in inputs.items() if value not in (None, "")}
