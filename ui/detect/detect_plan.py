"""What the Detect step would run: the tools with their parameters, from what the project's state holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsProject, QgsVectorLayer

from ...processing.algorithm import BUNDLED_MODEL
from ...processing.layer_sources import opened_source
from ...processing.layers import run_of
from ...processing.mapping import DETECT, EXTRACT
from ...processing.texts import number, rounded, tr, words_of
from ..project import (
    LIMITS,
    ProjectState,
    chain_inputs,
    excluded_pairs,
    limit,
    rasters_for_model,
    stacking_values,
)
from ..runs import plain, result_files

MAP_AREAS, MERGE = "adamapper:mapactiveareas", "adamapper:mergeorbits"
FROM_FOLDER, FROM_LAYERS = "folder", "layers"


def source_of(state: ProjectState) -> str:
    """Where areas are mapped from: as chosen, else from the folder where one is chosen and no rates are there."""
    chosen = state.get("detect_from", "")
    if chosen in (FROM_FOLDER, FROM_LAYERS):
        return str(chosen)
    has_rates = state.layer("phase_rate") is not None or state.layer("los_rate") is not None
    return FROM_LAYERS if has_rates and not state.get("folder", "") else FROM_FOLDER


def folder_parameters(state: ProjectState, folder: Path | None) -> dict[str, Any]:
    """Parameters of the whole chain; results in ``folder``, temporary where it is None."""
    inputs = chain_inputs(state)
    outputs = {**result_files(folder), **result_files(folder, rasters_for_model(state))}
    if inputs.get("ORBIT", "unknown") == "unknown":  # the view may then be unknown, too
        del outputs["LOS_SENSITIVITY"]
    return {**inputs, **outputs}


def detection_parameters(state: ProjectState, folder: Path | None) -> dict[str, Any]:
    """Parameters of the detection on existing layers."""
    layers = {role.upper(): state.layer(role) for role in given_roles(state)}
    return DETECT.parameters({"MODEL": state.get("model", ""), **layers, **result_files(folder, ["PROBABILITY"])})


def extraction_parameters(state: ProjectState, folder: Path | None) -> dict[str, Any]:
    """Parameters of the extraction of areas that follows a detection, without the PROBABILITY that this makes.

    Layers are given by their sources: the project may lose them during the detection.
    """
    layers = {role.upper(): state.layer(role) for role in ("los_rate", "slope", "dem")}
    given = {name: opened_source(layer) for name, layer in layers.items() if layer is not None}
    return EXTRACT.parameters({"ORBIT": state.get("orbit", "unknown"), **given, **result_files(folder, ["AREAS"])})


def given_roles(state: ProjectState) -> list[str]:
    """The roles of the layers that the network is given: those chosen as channels that its model asks for."""
    card = _card(state)
    if card is None:
        return []
    wanted = state.get("channels", [])
    roles = [kind.value for kind in card.layers]
    return [role for role in roles if state.layer(role) is not None and (not wanted or role in wanted)]


def missing_for(state: ProjectState, source: str) -> tuple[str, str]:
    """What is missing before a run, in a sentence, and which step or input to turn to; ("", "") if nothing.

    The second is "data", "channels", "dem" or "model".
    """
    from ...core.channels import ChannelKind
    from ...core.errors import InputError

    card = _card(state)
    if card is None:
        return tr("The model can't be read. Choose another one."), "model"
    if source == FROM_FOLDER:
        folder = state.get("folder", "")
        if not folder:
            return tr("A folder of interferograms is missing."), "data"
        if state.layer("dem") is None:
            return tr("A digital elevation model is missing."), "dem"
        return "", ""
    try:
        card.require_layers([ChannelKind(role) for role in given_roles(state)])
    except InputError as error:
        return words_of(error), "channels"
    return "", ""


def outlook(state: ProjectState, source: str) -> list[str]:
    """What a run would do, one line a tool."""
    days, metres = (rounded(limit(state, name), 6) for name in LIMITS)
    card = _card(state)
    model = f"{card.name} {card.version}" if card is not None else tr("no model")
    detect = tr("Detect with {}").format(model)
    extract = tr("Extract areas with their attributes")
    if source == FROM_LAYERS:
        return [detect, extract]
    stack = tr("Stack pairs of at most {} days and {} m").format(days, metres)
    left_out = len(excluded_pairs(state))
    if left_out:
        stack += tr("; {} left out by hand").format(number(left_out))
    others = len(stacking_values(state))
    if others:
        stack += tr("; choices changed: {}").format(number(others))
    return [stack, tr("Slope and line of sight from the elevation model"), detect, extract]


def areas_by_orbit(state: ProjectState, project: QgsProject) -> dict[str, QgsVectorLayer]:
    """The newest layer of areas of each orbit that is in the project."""
    found: dict[str, tuple[str, QgsVectorLayer]] = {}
    for layer in project.mapLayers().values():
        if not isinstance(layer, QgsVectorLayer) or state.role_of(layer) != "areas":
            continue
        run = run_of(layer) or {}
        orbit = run.get("parameters", {}).get("ORBIT") or _only_orbit(layer)
        date = str(run.get("date", ""))
        if orbit in ("ascending", "descending") and (orbit not in found or date > found[orbit][0]):
            found[orbit] = (date, layer)
    return {orbit: layer for orbit, (_, layer) in found.items()}


def are_merged(areas: dict[str, QgsVectorLayer], project: QgsProject) -> bool:
    """True where a layer of the project was merged from these two."""
    sources = {orbit.upper(): plain(layer) for orbit, layer in areas.items()}
    for layer in project.mapLayers().values():
        run = run_of(layer)
        if run is not None and run["algorithm"] == MERGE and sources.items() <= run["parameters"].items():
            return True
    return False


def merge_parameters(areas: dict[str, QgsVectorLayer], folder: Path | None) -> dict[str, Any]:
    """Parameters of merging the areas of two orbits."""
    return {"ASCENDING": areas["ascending"], "DESCENDING": areas["descending"], **result_files(folder, ["AREAS"])}


def _only_orbit(layer: QgsVectorLayer) -> str:
    index = layer.fields().indexOf("orbit")
    orbits = layer.uniqueValues(index, 2) if index >= 0 else set()
    return str(next(iter(orbits))) if len(orbits) == 1 else ""


def _card(state: ProjectState) -> Any:
    from ...core.errors import AdaMapperError
    from ...core.models import read_card

    try:
        return read_card(state.get("model", "") or BUNDLED_MODEL)
    except (AdaMapperError, OSError):
        return None
