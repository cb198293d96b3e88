"""The tools of scenes, samples, training and models.

Enters: parameters; each tool calls core once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .create_samples import CreateSamples
    from .export_model import ExportModel
    from .import_model import ImportModel
    from .review_labels import AREA_CLASS, CLASS_FIELD, LabelsFromReview
    from .simulate_scene import SimulateScene
    from .train_model import TrainModel
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "AREA_CLASS",
    "CLASS_FIELD",
    "CreateSamples",
    "ExportModel",
    "ImportModel",
    "LabelsFromReview",
    "SimulateScene",
    "TrainModel",
]
