"""adamapper:samplesites."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingOutputNumber,
    QgsProcessingParameterCrs,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.errors import InputError
from ...core.progress import Progress
from ..algorithm import POLYGONS, Algorithm
from ..choices import SIGN_CHOICES, STRATIFICATION_CHOICES
from ..layer_sources import crs_text
from ..texts import tr

if TYPE_CHECKING:
    from ...core.survey import District, Roads


_LINES = QgsProcessing.SourceType.TypeVectorLine


class SampleSites(Algorithm):
    """Areas → sites that a field survey visits."""

    NAME = "samplesites"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Sample sites for a survey")
    GROUP = "survey"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Draws areas at random to be visited, plain or in proportion to classes of areas (strata), and gives each a "
        "numbered point inside it with its coordinates and what to look for. The same seed draws the same sites. Only "
        "a random sample tells how much of the whole map is right: visit what was drawn, not what is near.",
    )

    def define(self) -> None:
        self.add(
            QgsProcessingParameterFeatureSource("AREAS", tr("Active deformation areas"), [POLYGONS]),
            tr("From Extract areas or Merge orbits. Areas that a review rejected are left out."),
        )
        self.add_number("COUNT", tr("Number of sites"), tr("The paper visited 56."), 56, 1, integer=True)
        self.add_choice(
            "STRATIFY",
            tr("Divide the areas by"),
            tr("Each class gets sites in proportion to its number of areas, and one at least."),
            STRATIFICATION_CHOICES,
            "none",
        )
        self.add(
            QgsProcessingParameterFeatureSource("DISTRICTS", tr("Districts"), [POLYGONS], optional=True),
            tr("Polygons for the division by district."),
        )
        self.add(
            QgsProcessingParameterField(
                "DISTRICT_NAME", tr("Name of the district"), parentLayerParameterName="DISTRICTS", optional=True
            ),
            tr("Field with the districts' names. Empty: they are numbered."),
        )
        self.add(
            QgsProcessingParameterFeatureSource("ROADS", tr("Roads"), [_LINES], optional=True),
            tr("Lines, for the distance to the nearest road as the crow flies."),
        )
        self.add_number(
            "MAX_ROAD_DISTANCE",
            tr("Largest distance to a road (m)"),
            tr("Areas farther away are not drawn; the sample then stands for the others only. Empty: any distance."),
            None,
            0,
        )
        self.add(
            QgsProcessingParameterCrs("CRS", tr("Coordinates in"), optional=True),
            tr("Empty: the UTM zone of the areas' centre."),
        )
        self.add_number("SEED", tr("Seed"), tr("Another seed draws other sites."), 1, 0, integer=True)
        self.add_choice(
            "SIGN",
            tr("Sign of the LOS rate"),
            tr("Where a positive LOS rate of the areas points, toward the satellite or away from it."),
            SIGN_CHOICES,
            "toward",
            advanced=True,
        )
        self.add_look_side(tr("To which side of its flight the satellite looks. As told: right, as Sentinel-1."))
        self.add(
            QgsProcessingParameterFeatureSink("SITES", tr("Sites"), QgsProcessing.SourceType.TypeVectorPoint),
            tr("Points, numbered from north to south."),
        )
        self.addOutput(QgsProcessingOutputNumber("SITE_COUNT", tr("Number of sites")))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.areas import FIELDS, MERGED_FIELDS
        from ...core.fields import Field
        from ...core.survey import SITE_FIELDS, SamplingRules, sample_sites
        from ..layers import check_decisions, decision_of, read_areas, write_sites

        source = self.parameterAsSource(parameters, "AREAS", context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, "AREAS"))
        review = Field("review", "str", "", "")
        check_decisions(source, progress)
        areas = [
            replace(area, attributes={**area.attributes, "review": decision_of(area.attributes.get("review"))})
            for area in read_areas(source, (*FIELDS, review), (*MERGED_FIELDS, review), progress=progress)
        ]
        districts, districts_crs = self._districts(parameters, context, progress)
        crs = self.parameterAsCrs(parameters, "CRS", context)
        sample = sample_sites(
            areas,
            crs_text(source.sourceCrs()),
            SamplingRules(
                count=self.parameterAsInt(parameters, "COUNT", context),
                stratify=self.parameterAsEnumString(parameters, "STRATIFY", context),
                seed=self.parameterAsInt(parameters, "SEED", context),
                max_road_distance=self.number(parameters, "MAX_ROAD_DISTANCE", context),
                sign=self.parameterAsEnumString(parameters, "SIGN", context),
                look_side=self.look_side(parameters, context) or SamplingRules.look_side,
            ),
            crs_text(crs) if crs.isValid() else None,
            districts,
            districts_crs,
            self._roads(parameters, context, progress),
            progress,
        )
        for warning in sample.warnings:
            progress.warning(warning)
        for note in sample.notes:
            progress.info(note)
        progress.info(tr("{} sites of {} areas.").format(len(sample.sites), sample.population))
        destination = write_sites(self, parameters, context, progress, sample.sites, SITE_FIELDS, sample.crs)
        return {"SITES": destination, "SITE_COUNT": len(sample.sites)}

    def _source(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> QgsProcessingFeatureSource | None:
        source = self.parameterAsSource(parameters, name, context)
        if source is None and parameters.get(name):
            message = tr("{} (given as {}) can't be opened as a vector layer. Choose another, or check it.")
            raise InputError(message.format(parameters[name], name))
        return source

    def _districts(
        self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress
    ) -> tuple[list[District], str]:
        from ...core.survey import District
        from ..layers import existing_field, polygon_features, to_python

        source = self._source(parameters, "DISTRICTS", context)
        if source is None:
            return [], ""
        field = self.parameterAsString(parameters, "DISTRICT_NAME", context)
        field = existing_field(source, field) if field else ""
        districts = []
        for number, (feature, outline) in enumerate(polygon_features(source, progress), 1):
            name = to_python(feature[field]) if field else None
            name = tr("District {}").format(number) if name is None else str(name)
            districts.append(District(name, bytes(outline.asWkb())))
        return districts, crs_text(source.sourceCrs())

    def _roads(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> Roads | None:
        from ...core.survey import Roads

        source = self._source(parameters, "ROADS", context)
        if source is None:
            return None
        lines = []
        for number, feature in enumerate(source.getFeatures()):
            if number % 1024 == 0:
                progress.check()
            if not feature.geometry().isEmpty():
                lines.append(bytes(feature.geometry().asWkb()))
        return Roads(lines, crs_text(source.sourceCrs()))
