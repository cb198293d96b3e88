"""What is said of the choices of stacking: in words, what differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qgis.core import QgsMapLayer, QgsProcessingFeatureSourceDefinition

from ...processing.mapping import PAPER
from ...processing.texts import number, rounded, tr
from ..project import LIMITS, ProjectState, asked_choices, differs, limit, stacking_values, unusable_choices

_SHOWN = 4


def stacking_summary(state: ProjectState) -> str:
    """In a word or two, how a project stacks."""
    values = stacking_values(state)
    if not values:
        return tr("as by default")
    if _has_usual_limits(state) and is_as_in_paper(values):
        return tr("as in the paper")
    return tr("{} changed").format(number(len(values)))


def stacking_text(state: ProjectState) -> str:
    """What differs from the defaults in a project, and what of it can't be used; "" for nothing of either."""
    values, unusable = stacking_values(state), unusable_choices(state)
    sentences = [tr("Stacking: {}").format(differences(values, state))] if values else []
    if unusable:
        sentences.append(tr("Can't be used, so that the default counts: {}.").format(", ".join(unusable)))
    return " ".join(sentences)


def is_as_in_paper(values: Mapping[str, Any]) -> bool:
    """Whether the values that differ from defaults are those that the paper has."""
    asked = {name: choice for choices in asked_choices().values() for name, choice in choices.items()}
    return dict(values) == {name: PAPER[name] for name in asked if name in PAPER and differs(asked[name], PAPER[name])}


def _has_usual_limits(state: ProjectState) -> bool:
    return all(limit(state, name) == usual for name, usual in LIMITS.items())


def differences(values: Mapping[str, Any], state: ProjectState) -> str:
    """The values that differ from the defaults, each with its title."""
    if not values:
        return tr("As by default.")
    titles = {name: choice.description() for choices in asked_choices().values() for name, choice in choices.items()}
    parts = [tr("{}: {}").format(titles[name], shown(values[name], state)) for name in titles if name in values]
    more = len(parts) - _SHOWN
    text = "; ".join(parts[:_SHOWN])
    return tr("{}; and {} more.").format(text, number(more)) if more > 0 else f"{text}."


def shown(value: Any, state: ProjectState) -> str:
    """A value of a choice for people."""
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, (int, float)):
        return rounded(value, 6)
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        return tr("selected features of {}").format(shown(value.source.staticValue(), state))
    if isinstance(value, list):
        return ", ".join(shown(item, state) for item in value)
    layer = value if isinstance(value, QgsMapLayer) else state.map_layer(value)
    return layer.name() if layer is not None else str(value)
