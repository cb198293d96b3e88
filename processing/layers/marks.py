"""The marks that layers carry: what they hold, and how a result was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qgis.core import QgsMapLayer, QgsVectorLayer

from ..algorithm import BUNDLED_MODEL
from ..texts import tr

ROLE_PROPERTY, RUN_PROPERTY = "ada_mapper/role", "ada_mapper/run"
"""Custom properties of layers."""


def role_mark(layer: QgsMapLayer) -> str:
    """What a layer holds, as the tool that made it wrote; "" where nothing was written."""
    return str(layer.customProperty(ROLE_PROPERTY, "") or "")


def mark_role(layer: QgsMapLayer, role: str) -> None:
    """Write into a layer what it holds."""
    layer.setCustomProperty(ROLE_PROPERTY, role)


def run_of(layer: QgsMapLayer | None) -> dict[str, Any] | None:
    """How a layer was made, as mark_run() wrote it; None for layers that no run made."""
    run = _run_mark(layer)
    return run if run is not None and run.get("algorithm") else None


def mark_run(layer: QgsMapLayer, run: Mapping[str, Any]) -> None:
    """Write into a layer how it was made: algorithm, parameters, version, model and date as values of JSON."""
    layer.setCustomProperty(RUN_PROPERTY, json.dumps(run, ensure_ascii=False))


def model_credit(layer: QgsVectorLayer | None) -> str:
    """What is known of how the areas were made: from the run that the panel wrote, else from the layer's metadata."""
    run = _run_mark(layer)
    if run is None:
        lines = layer.metadata().abstract().splitlines()[:3] if layer is not None else []
        return "; ".join(lines)
    parts = [tr("Areas: ADA Mapper {}").format(run.get("version", "")).strip()]
    if run.get("date"):
        parts.append(str(run["date"])[:10])
    if run.get("model"):
        parts.append(tr("model {}").format(run["model"]))
        chosen = (run.get("parameters") or {}).get("MODEL")
        if not chosen or Path(str(chosen)).parent == BUNDLED_MODEL.parent:
            parts.append(tr("trained on simulated scenes; not validated"))
    return ", ".join(parts)


def _run_mark(layer: QgsMapLayer | None) -> dict[str, Any] | None:
    try:
        run = json.loads(layer.customProperty(RUN_PROPERTY) or "") if layer is not None else None
    except (TypeError, ValueError):
        return None
    return run if isinstance(run, dict) else None
