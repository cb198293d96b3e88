"""adamapper:buildcomposite."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.progress import Progress
from ..algorithm import Algorithm
from ..layers import add_layers, chosen_layers
from ..texts import tr


class BuildComposite(Algorithm):
    """Rates and terrain → the scaled channels that a model sees."""

    NAME = "buildcomposite"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Build channel composite")
    GROUP = "channels"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Puts rates and terrain on one grid and scales them exactly as the model does before it looks at them. "
        "Detection does this by itself; use this tool to see what the network sees.",
    )

    def define(self) -> None:
        add_layers(self)
        self.add_model()
        self.add_raster_output("OUTPUT", tr("Composite"), tr("One band a channel, scaled as stored in the model."))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.detection import Composite
        from ...core.models import read_card

        output = self.required_output(parameters, "OUTPUT", context)
        card = read_card(self.model_path(parameters, context))
        with Composite(chosen_layers(self, parameters, context), card, progress) as composite:
            composite.write(output, progress)
        return {"OUTPUT": output}
