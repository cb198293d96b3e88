"""adamapper:mergeorbits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from ...core.areas import OrbitLayers


class MergeOrbits(Algorithm):
    """Areas seen from the ascending and from the descending orbit → one layer."""

    NAME = "mergeorbits"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Merge orbits")
    GROUP = "areas"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Joins the areas that were found in ascending and in descending data. Areas that overlap become one, "
        "marked as seen from both; the attributes of each orbit are kept side by side. With an orbit's LOS rate and "
        "LOS sensitivity, areas that only the other orbit found tell whether this one could not see them or "
        "contradicts them.",
    )

    def define(self) -> None:
        for name, title in (("ASCENDING", tr("Areas, ascending orbit")), ("DESCENDING", tr("Areas, descending orbit"))):
            self.add(QgsProcessingParameterFeatureSource(name, title, [POLYGONS]), tr("From Extract areas."))
        for orbit, rate, sensitivity in (
            ("ASCENDING", tr("LOS rate, ascending orbit"), tr("LOS sensitivity, ascending orbit")),
            ("DESCENDING", tr("LOS rate, descending orbit"), tr("LOS sensitivity, descending orbit")),
        ):
            self.add_raster(f"{orbit}_LOS_RATE", rate, tr("Tells where this orbit measured."), advanced=True)
            self.add_raster(
                f"{orbit}_LOS_SENSITIVITY", sensitivity, tr("Tells which slopes this orbit sees."), advanced=True
            )
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
        orbits = self._layers(parameters, context)
        target = crs_text(sources["ASCENDING"].sourceCrs())
        areas = merge_orbits(
            read_areas(sources["ASCENDING"], FIELDS, progress=progress),
            read_areas(sources["DESCENDING"], FIELDS, progress=progress),
            target,
            descending_crs=crs_text(sources["DESCENDING"].sourceCrs()),
            progress=progress,
            names=(sources["ASCENDING"].sourceName(), sources["DESCENDING"].sourceName()),
            layers=orbits,
        )
        destination = write_areas(self, parameters, context, progress, areas, MERGED_FIELDS, target)
        return {"AREAS": destination, "AREA_COUNT": len(areas)}

    def _layers(self, parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, OrbitLayers]:
        """Of each orbit of which both are given; InputError where one of the two is missing."""
        from ...core.areas import OrbitLayers
        from ...core.errors import InputError

        found = {}
        for orbit, name in (("ascending", tr("ascending")), ("descending", tr("descending"))):
            rate, sensitivity = (
                self.raster_path(parameters, f"{orbit.upper()}_{layer}", context)
                for layer in ("LOS_RATE", "LOS_SENSITIVITY")
            )
            if rate is not None and sensitivity is not None:
                found[orbit] = OrbitLayers(rate, sensitivity)
            elif rate is not None or sensitivity is not None:
                raise InputError(
                    tr("Only one of LOS rate and LOS sensitivity of the {} orbit is given. Give both, or none.").format(
                        name
                    )
                )
        return found
