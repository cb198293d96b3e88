"""adamapper:detectareas."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsProcessingContext
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.progress import Progress
from ..algorithm import Algorithm
from ..choices import BACKEND_CHOICES
from ..layers import (
    add_layers,
    add_layers_of_other_orbit,
    chosen_layers,
    chosen_layers_of_other_orbit,
)
from ..texts import tr

if TYPE_CHECKING:
    from ...core.channels import ChannelKind


class DetectAreas(Algorithm):
    """Rates and terrain → probability that a pixel belongs to an active deformation area."""

    NAME = "detectareas"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Detect active deformation areas")
    GROUP = "detection"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Runs a convolutional network over rates and terrain and writes the probability that a pixel belongs to an "
        "active deformation area. Pixels without a rate have no probability. Extract areas turns it into polygons. "
        "Where both orbits are at hand, a second look from the other one is joined with the first, each weighted by "
        "how well it sees motion down the slope.",
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
        add_layers_of_other_orbit(self)
        self.add_raster_output("PROBABILITY", tr("Probability"), tr("0 to 1."))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.channels import ChannelKind
        from ...core.detection import (
            DEFAULT_OVERLAP,
            Composite,
            OrbitResult,
            detect,
            fuse_to_file,
            require_two_orbits,
        )
        from ...core.models import open_backend, read_card

        output = self.required_output(parameters, "PROBABILITY", context)
        model = self.detection_model(parameters, context)
        card = read_card(model)
        percent = self.number(parameters, "OVERLAP", context)
        overlap = DEFAULT_OVERLAP if percent is None else percent / 100
        preference = self.parameterAsEnumString(parameters, "BACKEND", context)
        backend = open_backend(model, preference, progress=progress)
        layers = chosen_layers(self, parameters, context)
        other = chosen_layers_of_other_orbit(self, parameters, context)

        def look(scene: Mapping[ChannelKind, str], path: str, part: Progress) -> None:
            with Composite(scene, card, part) as composite:
                detect(composite, backend, card, path, overlap=overlap, progress=part)

        if not other:
            look(layers, output, progress)
        else:
            sensitivity = ChannelKind.LOS_SENSITIVITY
            require_two_orbits(layers[sensitivity], other[sensitivity])
            with tempfile.TemporaryDirectory(prefix="ada_mapper_") as folder:
                results = []
                for number, (scene, name) in enumerate(((layers, tr("First orbit:")), (other, tr("Other orbit:")))):
                    progress.info(name)
                    results.append(OrbitResult(str(Path(folder) / f"orbit_{number}.tif"), scene[sensitivity]))
                    look(scene, str(results[-1].probability), progress.part(0.45 * number, 0.45 * (number + 1)))
                fuse_to_file(results[0], results[1], output, progress=progress.part(0.9, 1.0))
        self.finish_raster(output, "probability", context)
        return {"PROBABILITY": output}
