"""adamapper:assesssurvey."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsFeature,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.errors import InputError
from ...core.fields import truth_of
from ...core.progress import Progress
from ..algorithm import POLYGONS, Algorithm, SurveyLayer
from ..layer_sources import crs_text
from ..qgis_versions import is_null
from ..texts import tr

if TYPE_CHECKING:
    from ...core.areas import Area
    from ...core.survey import Share, SurveyResult


_POINTS = QgsProcessing.SourceType.TypeVectorPoint
_ANY = QgsProcessing.SourceType.TypeVectorAnyGeometry
_OUTPUTS = {
    "CONFIRMED": QT_TRANSLATE_NOOP("AdaMapper", "Sites confirmed"),
    "VISITED": QT_TRANSLATE_NOOP("AdaMapper", "Sites visited"),
    "NOT_ACCESSIBLE": QT_TRANSLATE_NOOP("AdaMapper", "Sites not accessible"),
    "NOT_VISITED": QT_TRANSLATE_NOOP("AdaMapper", "Sites without a result"),
    "PRECISION": QT_TRANSLATE_NOOP("AdaMapper", "Precision (%)"),
    "PRECISION_LOW": QT_TRANSLATE_NOOP("AdaMapper", "Precision, lower end (%)"),
    "PRECISION_HIGH": QT_TRANSLATE_NOOP("AdaMapper", "Precision, upper end (%)"),
    "WEIGHTED_PRECISION": QT_TRANSLATE_NOOP("AdaMapper", "Weighted precision (%)"),
    "RECALL": QT_TRANSLATE_NOOP("AdaMapper", "Recall of known landslides (%)"),
}


class AssessSurvey(Algorithm):
    """Returned sites → how much of the map was confirmed."""

    NAME = "assesssurvey"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Assess a survey")
    GROUP = "survey"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Tells how many of the visited areas were confirmed, with a 95 % confidence interval (Wilson), overall, by "
        "stratum and by orbit, and what that measures: the precision of the map. Recall is told only where landslides "
        "are given that were known independently of the map. Sites that could not be reached don't count. The report "
        "is one file with a map and the photos.",
    )

    def define(self) -> None:
        self.add(
            SurveyLayer("SITES", tr("Visited sites"), [_POINTS]),
            tr("From Merge a survey, or the sites of a returned package."),
        )
        self.add(
            QgsProcessingParameterFeatureSource("AREAS", tr("Active deformation areas"), [POLYGONS], optional=True),
            tr("For the map of the report and to find out which known landslides are mapped."),
        )
        self.add_raster("DEM", tr("Digital elevation model"), tr("For the hillshade of the report's map."))
        self.add(
            QgsProcessingParameterFeatureSource("KNOWN", tr("Known landslides"), [_ANY], optional=True),
            tr(
                "Landslides that were known independently of the map, for the recall. One is mapped where it meets an "
                "area, or as its field mapped tells, if it has one. Those whose field visited is false are left out."
            ),
        )
        self.add(
            QgsProcessingParameterFile(
                "PHOTO_FOLDER", tr("Folder of the photos"), QgsProcessingParameterFile.Behavior.Folder, optional=True
            ),
            tr("Where the paths of the photos begin. Empty: the folder of the sites' file."),
        )
        for name, title, kind, text in (
            ("REPORT", tr("Report"), tr("HTML (*.html)"), tr("Figures, map, signs and photos in one file.")),
            ("FIGURES", tr("Table of figures"), tr("CSV (*.csv)"), tr("The same figures, one a row.")),
        ):
            self.add(QgsProcessingParameterFileDestination(name, title, kind, optional=True), text)
        for name, title in _OUTPUTS.items():
            self.addOutput(QgsProcessingOutputNumber(name, tr(title)))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.survey import assess_survey, meaning_of, share_text, write_survey_csv, write_survey_report
        from ..layers import read_sites, result_labels

        SurveyLayer.warn_of_missing_log(parameters.get("SITES"), progress)
        source = self.parameterAsSource(parameters, "SITES", context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, "SITES"))
        areas, areas_crs = self._areas(parameters, context, progress)
        files = {name: self.file_output(parameters, name, context) for name in ("REPORT", "FIGURES")}
        if files["REPORT"] and not source.sourceCrs().isValid():
            raise InputError(
                tr("The sites have no coordinate reference system. Set it first (layer properties > Source).")
            )
        known = self._known(parameters, context, areas, areas_crs, progress)
        sites = read_sites(source, progress, result_labels(self, parameters, "SITES", context), with_unplaced=True)
        result = assess_survey(sites, known, progress.part(0.0, 0.2))
        if files["REPORT"]:
            write_survey_report(
                files["REPORT"],
                result,
                crs_text(source.sourceCrs()),
                areas,
                areas_crs,
                self.raster_path(parameters, "DEM", context),
                self._photo_folder(parameters, context),
                self._settings(parameters, context),
                progress.part(0.2, 0.9),
                tr,
            )
        progress.report(0.95)
        if files["FIGURES"]:
            write_survey_csv(files["FIGURES"], result)
        overall = result.overall
        message = tr("{} of {} visited areas were confirmed: {}.")
        progress.info(message.format(overall.confirmed, overall.visited, share_text(overall.share)))
        for warning in result.warnings:
            progress.warning(warning)
        for note in (meaning_of(result), *result.notes):
            progress.info(note)
        return {**_numbers(result), **files}

    def _areas(
        self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress
    ) -> tuple[tuple[Area, ...], str]:
        from ...core.areas import FIELDS, MERGED_FIELDS
        from ..layers import read_areas

        source = self.parameterAsSource(parameters, "AREAS", context)
        if source is None:
            if parameters.get("AREAS"):
                raise QgsProcessingException(self.invalidSourceError(parameters, "AREAS"))
            return (), ""
        if not source.sourceCrs().isValid():
            raise InputError(
                tr("The areas have no coordinate reference system. Set it first (layer properties > Source).")
            )
        areas = read_areas(source, FIELDS, MERGED_FIELDS, progress=progress)
        if not areas:
            message = tr("The layer {} (given as {}) has no areas. Choose another one, or leave it out.")
            raise InputError(message.format(source.sourceName(), "AREAS"))
        return areas, crs_text(source.sourceCrs())

    def _known(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        areas: tuple[Area, ...],
        areas_crs: str,
        progress: Progress,
    ) -> Share | None:
        """Mapped of known landslides; None where none were given."""
        from ...core.survey import Share, mapped_share

        source = self.parameterAsSource(parameters, "KNOWN", context)
        if source is None:
            if parameters.get("KNOWN"):
                raise QgsProcessingException(self.invalidSourceError(parameters, "KNOWN"))
            return None
        names = {field.name().lower(): field.name() for field in source.fields()}
        features = [
            feature
            for feature in source.getFeatures()
            if "visited" not in names or _is_true(source, feature, names["visited"], unknown=True)
        ]
        if not features:
            raise InputError(
                tr("None of the known landslides was visited, so there is no recall. Leave the layer out.")
            )
        if "mapped" in names:
            return Share(sum(_is_true(source, feature, names["mapped"], False) for feature in features), len(features))
        if not parameters.get("AREAS"):
            raise InputError(tr("Give the areas of the map, too, to find out which known landslides are in it."))
        shapes = [bytes(feature.geometry().asWkb()) for feature in features if not feature.geometry().isEmpty()]
        if len(shapes) < len(features):
            message = tr("{}: {} features without a geometry are left out.")
            progress.warning(message.format(source.sourceName(), len(features) - len(shapes)))
        share = mapped_share(shapes, crs_text(source.sourceCrs()), areas, areas_crs)
        if share.part == 0:
            progress.warning(
                tr(
                    "None of the known landslides meets an area. If that surprises you, check that both show the "
                    "same place, and that their coordinate reference systems are right."
                )
            )
        return share

    def _photo_folder(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Path | None:
        chosen = self.parameterAsFile(parameters, "PHOTO_FOLDER", context)
        if chosen:
            return Path(chosen)
        layer = self.parameterAsVectorLayer(parameters, "SITES", context)
        if layer is None or layer.providerType() != "ogr":
            return None
        return Path(layer.source().split("|")[0]).parent

    def _settings(self, parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, str]:
        """The inputs as the report shows them."""
        settings: dict[str, str] = {}
        for name in ("SITES", "AREAS", "KNOWN"):
            source = self.parameterAsSource(parameters, name, context)
            if source is not None:
                title = self.parameterDefinition(name).description()
                settings[title] = f"{source.sourceName()} ({source.featureCount()})"
        return settings


def _is_true(source: QgsProcessingFeatureSource, feature: QgsFeature, name: str, unknown: bool) -> bool:
    """A field's value as yes or no; InputError for what is neither."""
    value = feature[name]
    if is_null(value) or not str(value).strip():
        return unknown
    try:
        return truth_of(str(value))
    except ValueError:
        message = tr("The field {} of the layer {} must tell yes or no, not “{}”.")
        raise InputError(message.format(name, source.sourceName(), str(value)[:60])) from None


def _numbers(result: SurveyResult) -> dict[str, float | None]:
    """The figures as outputs; None where unknown."""
    overall, (low, high) = result.overall, result.overall.share.interval
    values: dict[str, float | None] = {
        "CONFIRMED": overall.confirmed,
        "VISITED": overall.visited,
        "NOT_ACCESSIBLE": overall.not_accessible,
        "NOT_VISITED": overall.not_visited,
        "PRECISION": 100 * overall.share.value,
        "PRECISION_LOW": 100 * low,
        "PRECISION_HIGH": 100 * high,
        "WEIGHTED_PRECISION": None if result.weighted is None else 100 * result.weighted.value,
        "RECALL": None if result.known is None else 100 * result.known.value,
    }
    return {name: value if value is not None and math.isfinite(value) else None for name, value in values.items()}
