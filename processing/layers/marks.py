"""The marks that layers carry: how a result was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsMapLayer,
    QgsVectorLayer,
)

from ..algorithm import BUNDLED_MODEL
from ..texts import tr

RUN_PROPERTY = "ada_mapper/run"


def model_credit(layer: QgsVectorLayer | None) -> str:
    """What is known of how the areas were made: from the run that the panel wrote, else from the layer's metadata."""
    try:
        run = json.loads(layer.customProperty(RUN_PROPERTY) or "") if layer is not None else None
    except (TypeError, ValueError):
        run = None
    if not isinstance(run, dict):
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


def run_of(layer: QgsMapLayer | None) -> dict[str, Any] | None:
    """How a layer was made, as describe_run() wrote it; None for layers that no run made."""
    try:
        run = json.loads(layer.customProperty(RUN_PROPERTY) or "") if layer is not None else None
    except (TypeError, ValueError):
        return None
    return run if isinstance(run, dict) and run.get("algorithm") else None
