"""adamapper:detectareas."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.progress import Progress
from ..algorithm import Algorithm
from ..choices import BACKEND_CHOICES
from ..layers import add_layers, chosen_layers
from ..texts import tr


class DetectAreas(Algorithm):
    """Rates and terrain → probability that a pixel belongs to an active deformation area."""

    NAME = "detectareas"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Detect active deformation areas")
    GROUP = "detection"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Runs a convolutional network over rates and terrain and writes the probability that a pixel belongs to an "
        "active deformation area. Pixels without a rate have no probability. Extract areas turns it into polygons.",
    )

    def define(self) -> None:
        add_layers(self)
        self.add_model()
        self.add_choice(
            "BACKEND",
            tr("Runs on"),
            tr(
                "auto takes ONNX Runtime where it is installed, else PyTorch. The log tells which one and on "
                "which device."
            ),
            BACKEND_CHOICES,
            "auto",
            advanced=True,
        )
        self.add_number(
            "OVERLAP",
            tr("Overlap of tiles (%)"),
            tr(
                "Neighbouring tiles are blended over this share of their side. Empty: 6.25, "
                "the smallest that was measured to show no seams."
            ),
            None,
            0,
            50,
            advanced=True,
        )
        self.add_raster_output("PROBABILITY", tr("Probability"), tr("0 to 1."))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.detection import DEFAULT_OVERLAP, Composite, detect
        from ...core.models import open_backend, read_card

        output = self.required_output(parameters, "PROBABILITY", context)
        model = self.detection_model(parameters, context)
        card = read_card(model)
        percent = self.number(parameters, "OVERLAP", context)
        overlap = DEFAULT_OVERLAP if percent is None else percent / 100
        preference = self.parameterAsEnumString(parameters, "BACKEND", context)
        backend = open_backend(model, preference, progress=progress)
        with Composite(chosen_layers(self, parameters, context), card, progress) as composite:
            detect(composite, backend, card, output, overlap=overlap, progress=progress)
        self.finish_raster(output, "probability", context)
        return {"PROBABILITY": output}
