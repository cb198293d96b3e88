"""From decisions to training: labels of the reviewed areas, then the dialog of Create samples filled in."""

from __future__ import annotations

import re
from typing import Any

from qgis.core import QgsProcessing, QgsProject, QgsVectorLayer

from ...processing.learning import AREA_CLASS, CLASS_FIELD
from ...processing.texts import tr
from ..project import ProjectState
from ..step import StepContext

_CHANNELS = (
    "phase_rate", "los_rate", "dem", "slope", "coherence", "los_sensitivity", "standard_error", "closure",
)  # fmt: skip


def make_labels(context: StepContext, layer: QgsVectorLayer) -> None:
    """Make labels of a reviewed layer in the background; then open Create samples with them."""
    scene = layer.name()

    def open_when_done(success: bool, results: dict[str, Any]) -> None:
        if success:
            open_create_samples(context.state, str(results.get("LABELS", "")), scene)

    parameters = {"AREAS": layer, "LABELS": QgsProcessing.TEMPORARY_OUTPUT}
    context.runner.run("adamapper:labelsfromreview", parameters, tr("Labels from review"), open_when_done)


def open_create_samples(state: ProjectState, labels: str, scene: str) -> Any:
    """Show the dialog of Create samples with a layer of labels and the layers that serve as channels."""
    import processing

    dialog = processing.createAlgorithmDialog("adamapper:createsamples", sample_parameters(state, labels, scene))
    if dialog is not None:
        state.destroyed.connect(dialog.close)  # goes with the plugin
        dialog.show()
    return dialog


def sample_parameters(state: ProjectState, labels: str, scene: str) -> dict[str, Any]:
    """The parameters of Create samples that the project tells; layers by their ids."""
    layers = {name.upper(): state.layer(name) for name in _CHANNELS}
    parameters: dict[str, Any] = {name: layer.id() for name, layer in layers.items() if layer is not None}
    label_layer = QgsProject.instance().mapLayer(labels)
    return {
        **parameters,
        "SCENE": re.sub(r"[^A-Za-z0-9_-]+", "_", scene).strip("_") or "scene",
        "LABELS": labels if label_layer is None else label_layer.id(),
        "CLASS_FIELD": CLASS_FIELD,
        "AREA_CLASSES": AREA_CLASS,
    }
