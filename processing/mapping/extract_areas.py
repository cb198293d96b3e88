"""adamapper:extractareas."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSink,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.progress import Progress
from ..algorithm import POLYGONS, Algorithm
from ..choices import ORBIT_CHOICES
from ..texts import tr


class ExtractAreas(Algorithm):
    """Probability → active deformation areas as polygons with attributes."""

    NAME = "extractareas"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Extract areas")
    GROUP = "areas"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Turns a probability raster into polygons of active deformation areas. An area grows over pixels above the "
        "lower threshold and is kept where one pixel reaches the upper one and where it is large enough. Each area "
        "gets its size, probability, rate, slope, elevation, aspect and position.",
    )

    def define(self) -> None:
        self.add_raster("PROBABILITY", tr("Probability"), tr("From Detect active deformation areas."), optional=False)
        self.add_raster("LOS_RATE", tr("LOS rate"), tr("For the rate of each area."))
        self.add_raster("SLOPE", tr("Slope"), tr("For the slope of each area."))
        self.add_raster("DEM", tr("Digital elevation model"), tr("For the elevation and aspect of each area."))
        for name, title, text in (
            ("THRESHOLD", tr("Threshold"), tr("An area needs a pixel of at least this probability.")),
            ("LOW_THRESHOLD", tr("Lower threshold"), tr("An area reaches as far as the probability is at least this.")),
        ):
            self.add_number(name, title, f"{text} " + tr("Empty: as the model advises."), None, 0, 1)
        self.add_number(
            "MIN_AREA",
            tr("Smallest area (m²)"),
            tr("Smaller areas are left out. Empty: as the model advises."),
            None,
            0,
        )
        self.add_choice(
            "ORBIT", tr("Orbit"), tr("Written into the attributes and used for the colour."), ORBIT_CHOICES, "unknown"
        )
        self.add(
            QgsProcessingParameterBoolean("SMOOTH", tr("Smooth outlines"), False),
            tr("Rounds the pixel corners; otherwise outlines follow the pixel edges exactly."),
            advanced=True,
        )
        self.add(QgsProcessingParameterFeatureSink("AREAS", tr("Active deformation areas"), POLYGONS), tr("Polygons."))
        self.addOutput(QgsProcessingOutputNumber("AREA_COUNT", tr("Number of areas")))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.areas import FIELDS, extract_areas, rules_for
        from ...core.raster import Grid
        from ..layers import write_areas

        probability = self.required_raster(parameters, "PROBABILITY", context)
        rules = rules_for(
            probability,
            threshold=self.number(parameters, "THRESHOLD", context),
            low_threshold=self.number(parameters, "LOW_THRESHOLD", context),
            min_area=self.number(parameters, "MIN_AREA", context),
            smooth=self.parameterAsBool(parameters, "SMOOTH", context),
            progress=progress,
        )
        areas = extract_areas(
            probability,
            rules,
            orbit=self.parameterAsEnumString(parameters, "ORBIT", context),
            los_rate=self.raster_path(parameters, "LOS_RATE", context),
            slope=self.raster_path(parameters, "SLOPE", context),
            dem=self.raster_path(parameters, "DEM", context),
            progress=progress,
        )
        progress.info(tr("{} active deformation areas.").format(len(areas)))
        destination = write_areas(self, parameters, context, progress, areas, FIELDS, Grid.of(probability).crs)
        return {"AREAS": destination, "AREA_COUNT": len(areas)}
