"""Stacking as in the paper: what it says (Wu et al. 2024, section 2.3.1 and figure 2), by the names of the choices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext, QgsProcessingParameterDefinition

from ...core.interferograms import PairLimits
from ...core.progress import Progress
from ..texts import tr
from ..values import is_empty

PAPER: Mapping[str, Any] = {
    "MAX_TEMPORAL_BASELINE": PairLimits.max_temporal_baseline,
    "MAX_PERPENDICULAR_BASELINE": PairLimits.max_perpendicular_baseline,
    "MIN_COHERENCE": None,
    "MAX_CLOSURE": None,
    "MASK_COMPONENTS": False,
    "ESTIMATOR": "eq1",
    "RAMP": "none",
    "HEIGHT_CORRECTION": False,
    "DELAY_FOLDER": None,
    "DELAY_TABLE": None,
    "ATMOSPHERE_FILTER": True,
    "COHERENCE_WEIGHTS": False,
    "SEASONAL": False,
    "UNWRAPPING_CORRECTION": False,
    "OUTLIER_SIGMA": 0.0,
    "SIGN": "away",
    "UNIT": "m/yr",
}
"""What the paper does, and which of our steps it doesn't have; those of the list that are missing here it doesn't tell:
the reference phase, the windows of the filter, the least coherence of the LOS rate."""


def paper_text(choices: Iterable[QgsProcessingParameterDefinition]) -> str:
    """What the paper has, as far as the choices ask for it."""
    return "; ".join(_line(choice, PAPER[choice.name()]) for choice in choices if choice.name() in PAPER)


def as_in_paper(
    tool: QgsProcessingAlgorithm, parameters: Mapping[str, Any], context: QgsProcessingContext, progress: Progress
) -> dict[str, Any]:
    """The parameters with what the paper has in the place of defaults; both what is set and what stays is told.

    A value that is neither the default nor the paper's is a choice of the user's own, and stays.
    """
    changed: dict[str, Any] = {}
    for choice in tool.parameterDefinitions():
        name = choice.name()
        if name not in PAPER:
            continue
        value, usual = (_value(tool, choice, values, context) for values in (parameters, {}))
        if value == PAPER[name]:
            continue
        if value == usual:
            changed[name] = PAPER[name]
        else:
            message = tr("{} stays {}, as you chose; in the paper it is {}.")
            progress.warning(message.format(choice.description(), _shown(value), _shown(PAPER[name])))
    lines = [
        _line(choice, changed[choice.name()]) for choice in tool.parameterDefinitions() if choice.name() in changed
    ]
    progress.info(tr("Stacked as in the paper, which sets {}.").format("; ".join(lines) or tr("nothing else")))
    return {**parameters, **changed}


def _value(
    tool: QgsProcessingAlgorithm,
    choice: QgsProcessingParameterDefinition,
    parameters: Mapping[str, Any],
    context: QgsProcessingContext,
) -> Any:
    """What a choice means to the tool; None for one that is empty."""
    values, name = dict(parameters), choice.name()
    if choice.type() == "boolean":
        return bool(tool.parameterAsBool(values, name, context))
    if choice.type() == "enum":
        return str(tool.parameterAsEnumString(values, name, context))
    value = values.get(name)
    if is_empty(value):
        value = choice.defaultValue()
    if is_empty(value):
        return None
    return float(tool.parameterAsDouble(values, name, context)) if choice.type() == "number" else value


def _line(choice: QgsProcessingParameterDefinition, value: Any) -> str:
    return tr("{}: {}").format(choice.description(), _shown(value))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if is_empty(value):
        return tr("none")
    return f"{value:g}" if isinstance(value, float) else str(value)
