"""What the project holds for the chain of tools, by the names of the chain (processing/mapping/chain.py)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...core.errors import InputError
from ...core.interferograms import PairLimits
from ...processing.algorithm import BUNDLED_MODEL
from ...processing.mapping import STACK, only_for_model
from .stacking import keep_choice, pair_limits, stacking_values
from .state import ProjectState

MOST_DAYS, MOST_METRES, MOST_SUSPECT = "max_temporal_baseline", "max_perpendicular_baseline", "MAX_CLOSURE"
LIMITS = {MOST_DAYS: PairLimits.max_temporal_baseline, MOST_METRES: PairLimits.max_perpendicular_baseline}
"""The limits on baselines as they are until the user chooses others."""
ALL_LIMITS = {**LIMITS, MOST_SUSPECT: 100.0}
"""Those, and the percent of a pair's pixels that may be suspect of errors of unwrapping."""

_LEAST = {MOST_DAYS: 1.0, MOST_METRES: 1.0, MOST_SUSPECT: 0.0}


def at_least(name: str, value: float) -> float:
    """A limit of pairs that the tools take."""
    return max(_LEAST[name], value)


def limit(state: ProjectState, name: str) -> float:
    """The largest temporal (MOST_DAYS) or perpendicular (MOST_METRES) baseline, or share of pixels (MOST_SUSPECT)."""
    kept = stacking_values(state) if name == MOST_SUSPECT else {name: state.get(name, ALL_LIMITS[name])}
    return at_least(name, float(kept.get(name, ALL_LIMITS[name])))


def keep_limit(state: ProjectState, name: str, value: float) -> None:
    """Keep what ``limit`` gives; MOST_SUSPECT is one of the choices of stacking."""
    if name == MOST_SUSPECT:
        keep_choice(state, name, value if value < ALL_LIMITS[name] else None)
    else:
        state.set(name, value)


def chosen_limits(state: ProjectState) -> PairLimits:
    """All rules of pair selection that the project keeps, but for the pairs that are left out by hand."""
    days, metres = limit(state, MOST_DAYS), limit(state, MOST_METRES)
    return replace(pair_limits(state), max_temporal_baseline=days, max_perpendicular_baseline=metres)


def masks_components(state: ProjectState) -> bool:
    """Whether pixels outside connected components are no data."""
    return bool(stacking_values(state).get("MASK_COMPONENTS", False))


def excluded_pairs(state: ProjectState) -> frozenset[str]:
    """The names of the pairs that are left out by hand."""
    return frozenset(name for name in state.get("excluded_pairs", []) if isinstance(name, str))


def rasters_for_model(state: ProjectState) -> tuple[str, ...]:
    """The rasters beside the rates that stacking makes for the chosen model, by the names of the chain."""
    try:
        wanted = only_for_model(state.get("model", "") or BUNDLED_MODEL)
    except (InputError, OSError):  # told where the model is chosen
        return ()
    return tuple(name for name in wanted if name in STACK.outputs.values())


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
