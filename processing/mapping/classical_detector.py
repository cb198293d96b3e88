"""adamapper:classicaldetector."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingOutputNumber, QgsProcessingParameterFeatureSink
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.progress import Progress
from ..algorithm import POLYGONS, Algorithm
from ..choices import ORBIT_CHOICES
from ..texts import tr


class ClassicalDetector(Algorithm):
    """LOS rate → areas by thresholding, the yardstick for the network."""

    NAME = "classicaldetector"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Classical detector")
    GROUP = "detection"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Finds areas without a network, as ADAfinder does: removes the smooth part of the LOS rate, marks pixels "
        "that stand out by a multiple of the scene's own spread, and joins neighbours. With the LOS sensitivity, only "
        "ground that moves downhill counts, which finds landslides better. Compare the network with it.",
    )

    def define(self) -> None:
        self.add_raster("LOS_RATE", tr("LOS rate"), tr("mm/yr or m/yr."), optional=False)
        self.add_raster("SLOPE", tr("Slope"), tr("For the slope rule and the slope of each area."))
        self.add_raster("DEM", tr("Digital elevation model"), tr("For the elevation and aspect of each area."))
        self.add_number(
            "SIGMA",
            tr("Threshold (multiples of the spread)"),
            tr("2 as published; 4 gives fewer false alarms."),
            4,
            0.1,
        )
        self.add_number(
            "SMOOTH_METRES",
            tr("Width of the smooth part (m)"),
            tr("Standard deviation of the Gaussian."),
            1200,
            1,
            advanced=True,
        )
        self.add_number(
            "MIN_PIXELS", tr("Fewest pixels of an area"), tr("Smaller areas are left out."), 20, 1, integer=True
        )
        self.add_number(
            "MIN_SLOPE",
            tr("Smallest slope (degrees)"),
            tr("Flatter pixels are left out where a slope is given."),
            5,
            0,
            90,
        )
        self.add_raster(
            "LOS_SENSITIVITY",
            tr("LOS sensitivity"),
            tr(
                "−1 to 1, for the orbit of the rate. Where it is given, only ground that moves downhill is marked, and "
                "none that this orbit hardly sees moving."
            ),
        )
        self.add_number(
            "MIN_SENSITIVITY",
            tr("Smallest LOS sensitivity"),
            tr("Ground of which the line of sight sees a smaller share of a motion is left out, whichever its sign."),
            0.1,
            0.01,
            1,
            advanced=True,
        )
        self.add_choice(
            "ORBIT", tr("Orbit"), tr("Written into the attributes and used for the colour."), ORBIT_CHOICES, "unknown"
        )
        self.add(QgsProcessingParameterFeatureSink("AREAS", tr("Areas, classical"), POLYGONS), tr("Polygons."))
        self.addOutput(QgsProcessingOutputNumber("AREA_COUNT", tr("Number of areas")))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.areas import FIELDS, ClassicalRules, classical_areas
        from ...core.raster import Grid
        from ..layers import write_areas

        los_rate = self.required_raster(parameters, "LOS_RATE", context)
        slope = self.raster_path(parameters, "SLOPE", context)
        rules = ClassicalRules(
            sigma=self.required_number(parameters, "SIGMA", context),
            smooth_metres=self.required_number(parameters, "SMOOTH_METRES", context),
            min_pixels=self.parameterAsInt(parameters, "MIN_PIXELS", context),
            min_slope=self.number(parameters, "MIN_SLOPE", context) if slope else None,
            min_sensitivity=self.required_number(parameters, "MIN_SENSITIVITY", context),
        )
        areas = classical_areas(
            los_rate,
            slope,
            rules,
            orbit=self.parameterAsEnumString(parameters, "ORBIT", context),
            dem=self.raster_path(parameters, "DEM", context),
            progress=progress,
            los_sensitivity=self.raster_path(parameters, "LOS_SENSITIVITY", context),
        )
        destination = write_areas(self, parameters, context, progress, areas, FIELDS, Grid.of(los_rate).crs)
        return {"AREAS": destination, "AREA_COUNT": len(areas)}
