"""adamapper:slope."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.progress import Progress
from ..algorithm import Algorithm
from ..texts import tr


class Slope(Algorithm):
    """A DEM → slope in degrees, and on demand aspect."""

    NAME = "slope"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Slope")
    GROUP = "channels"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Computes the slope in degrees with Horn's method. Right for elevation models in metres and in degrees of "
        "longitude and latitude alike, up to the edges of the scene.",
    )

    def define(self) -> None:
        self.add_raster(
            "INPUT", tr("Digital elevation model"), tr("Elevations in metres, in any projection or in degrees."), False
        )
        self.add_raster_output("OUTPUT", tr("Slope"), tr("Degrees from the horizontal."))
        self.add_raster_output(
            "ASPECT", tr("Aspect"), tr("Downslope direction in degrees, clockwise from north."), optional=True
        )

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.terrain import slope_to_file

        output = self.required_output(parameters, "OUTPUT", context)
        aspect = self.output_path(parameters, "ASPECT", context)
        slope_to_file(self.required_raster(parameters, "INPUT", context), output, aspect, progress=progress)
        self.finish_raster(output, "slope", context)
        self.finish_raster(aspect, "aspect", context)
        return {"OUTPUT": output, "ASPECT": aspect}
