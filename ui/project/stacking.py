"""The choices of stacking that a project keeps: those of the one list that differ from their defaults.

Which pairs are taken by hand or by their baselines, and the elevation model, have entries and widgets of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingParameterDefinition,
)
from qgis.PyQt.QtCore import QDate, QDateTime, Qt

from ...core.errors import InputError
from ...core.interferograms import PairLimits
from ...processing.mapping import AS_IN_PAPER, StackInterferograms, grouped_choices
from ...processing.values import check_values, is_empty
from .state import ProjectState

ENTRY = "stacking"
_ASKED_ELSEWHERE = (
    AS_IN_PAPER, "PRODUCT", "MAX_TEMPORAL_BASELINE", "MAX_PERPENDICULAR_BASELINE", "EXCLUDED_PAIRS", "DEM",
)  # fmt: skip
_SELECTED = "selected"
_TYPES: Mapping[str, tuple[type, ...]] = {"boolean": (bool,), "number": (int, float)}
_LAYERS = ("raster", "source", "vector", "layer")

Choices = dict[str, dict[str, QgsProcessingParameterDefinition]]


def asked_choices() -> Choices:
    """What is asked in one place of the panel: the parameters by name, by the titles of their groups."""
    groups = {
        group: {choice.name(): choice for choice in choices if choice.name() not in _ASKED_ELSEWHERE}
        for group, choices in grouped_choices().items()
    }
    return {group: choices for group, choices in groups.items() if choices}


def stacking_values(state: ProjectState) -> dict[str, Any]:
    """What is chosen and can be used, as the tools take it: layers as such, everything else as it is kept."""
    return _sorted(state)[0]


def unusable_choices(state: ProjectState) -> list[str]:
    """The titles, else the names, of what the project keeps and no tool can use: a layer that is gone, say."""
    return _sorted(state)[1]


def pair_limits(state: ProjectState) -> PairLimits:
    """The rules of pair selection among the choices; those of a project that contradict each other count as none."""
    try:
        return limits_of(stacking_values(state))
    except InputError:
        return PairLimits()


def limits_of(values: Mapping[str, Any]) -> PairLimits:
    """The rules of pair selection that values mean. InputError where they contradict each other."""
    limits: PairLimits = StackInterferograms().create().pair_limits(dict(values), QgsProcessingContext())
    return limits


def keep_stacking(state: ProjectState, values: Mapping[str, Any]) -> None:
    """Keep the values that differ from the defaults; an empty one is the default."""
    definitions = _definitions()
    kept = {name: as_kept(value) for name, value in values.items()}
    own = {name: value for name, value in kept.items() if differs(definitions[name], value)}
    state.set(ENTRY, own or None)


def keep_choice(state: ProjectState, name: str, value: Any) -> None:
    """Keep one of the choices, and the others as they are; None is the default."""
    others = {key: kept for key, kept in state.get(ENTRY, {}).items() if key != name}
    own = others if value is None else {**others, name: value}
    state.set(ENTRY, own or None)


def differs(definition: QgsProcessingParameterDefinition, value: Any) -> bool:
    """Whether a value that is kept isn't the default."""
    return not is_empty(value) and value != definition.defaultValue()


def as_kept(value: Any) -> Any:
    """The value of a parameter as a project file takes it: layers by their ids or files, days as 2022-03-05."""
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        source = value.source.staticValue()
        return {_SELECTED: source} if value.selectedFeaturesOnly and source else source
    if isinstance(value, QgsMapLayer):
        return value.id()
    if isinstance(value, (QDate, QDateTime)):
        day = value.date() if isinstance(value, QDateTime) else value
        return day.toString(Qt.DateFormat.ISODate) if day.isValid() else None
    if isinstance(value, (list, tuple)):
        return [as_kept(item) for item in value]
    return None if is_empty(value) else value


def as_given(value: Any, state: ProjectState) -> Any:
    """A kept value as the tools take it."""
    if isinstance(value, Mapping):
        return QgsProcessingFeatureSourceDefinition(str(value[_SELECTED]), True)
    if isinstance(value, list):
        return [as_given(item, state) for item in value]
    return (state.map_layer(value) or value) if isinstance(value, str) else value


def _sorted(state: ProjectState) -> tuple[dict[str, Any], list[str]]:
    """What can be used, and the titles of what can't."""
    definitions, tool = _definitions(), StackInterferograms().create()
    usable: dict[str, Any] = {}
    unusable: list[str] = []
    for name, value in state.get(ENTRY, {}).items():
        definition = definitions.get(name)
        if definition is None or not _is_usable(definition, value, state, tool):
            unusable.append(name if definition is None else definition.description())
        elif differs(definition, value):
            usable[name] = as_given(value, state)
    return usable, unusable


def _is_usable(
    definition: QgsProcessingParameterDefinition, value: Any, state: ProjectState, tool: StackInterferograms
) -> bool:
    if definition.type() in _LAYERS:
        source = value.get(_SELECTED) if isinstance(value, Mapping) else value
        return isinstance(source, str) and (state.map_layer(source) is not None or _is_file(source))
    wanted = _TYPES.get(definition.type(), (str, list))
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        return False
    try:
        check_values(tool, {definition.name(): value}, QgsProcessingContext())
    except InputError:
        return False
    return True


def _is_file(source: str) -> bool:
    try:
        return source.startswith("/vsi") or Path(source.split("|")[0]).is_file()
    except (OSError, ValueError):
        return False


def _definitions() -> dict[str, QgsProcessingParameterDefinition]:
    return {name: definition for choices in asked_choices().values() for name, definition in choices.items()}
