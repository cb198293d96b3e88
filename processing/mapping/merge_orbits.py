"""adamapper:mergeorbits."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.progress import Progress
from ..algorithm import POLYGONS, Algorithm
from ..layer_sources import crs_text
from ..texts import tr


class MergeOrbits(Algorithm):
    """Areas seen from the ascending and from the descending orbit → one layer."""

    NAME = "mergeorbits"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Merge orbits")
    GROUP = "areas"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Joins the areas that were found in ascending and in descending data. Areas that overlap become one, "
        "marked as seen from both; the attributes of each orbit are kept side by side.",
    )

    def define(self) -> None:
        for name, title in (("ASCENDING", tr("Areas, ascending orbit")), ("DESCENDING", tr("Areas, descending orbit"))):
            self.add(QgsProcessingParameterFeatureSource(name, title, [POLYGONS]), tr("From Extract areas."))
        self.add(
            QgsProcessingParameterFeatureSink("AREAS", tr("Areas of both orbits"), POLYGONS),
            tr("In the coordinate reference system of the ascending areas."),
        )
        self.addOutput(QgsProcessingOutputNumber("AREA_COUNT", tr("Number of areas")))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.areas import FIELDS, MERGED_FIELDS, merge_orbits
        from ..layers import read_areas, write_areas

        sources = {}
        for name in ("ASCENDING", "DESCENDING"):
            source = self.parameterAsSource(parameters, name, context)
            if source is None:
                raise QgsProcessingException(self.invalidSourceError(parameters, name))
            sources[name] = source
        layers = [self.parameterAsVectorLayer(parameters, name, context) for name in sources]
        if all(layers) and layers[0].source() == layers[1].source():
            progress.warning(
                tr("{} was given for both orbits, so all of its areas count as seen from both.").format(
                    layers[0].name()
                )
            )
        target = crs_text(sources["ASCENDING"].sourceCrs())
        areas = merge_orbits(
            read_areas(sources["ASCENDING"], FIELDS, progress=progress),
            read_areas(sources["DESCENDING"], FIELDS, progress=progress),
            target,
            descending_crs=crs_text(sources["DESCENDING"].sourceCrs()),
            progress=progress,
            names=(sources["ASCENDING"].sourceName(), sources["DESCENDING"].sourceName()),
        )
        destination = write_areas(self, parameters, context, progress, areas, MERGED_FIELDS, target)
        return {"AREAS": destination, "AREA_COUNT": len(areas)}
