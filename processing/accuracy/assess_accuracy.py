"""adamapper:assessaccuracy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.errors import InputError
from ...core.progress import Progress
from ..algorithm import POLYGONS, Algorithm, given
from ..layer_sources import crs_text
from ..texts import tr

if TYPE_CHECKING:
    from ...core.accuracy import Assessment
    from ...core.areas import AreaRules
    from ...core.satellite import Viewing
    from ...core.vectors import Outlines


_POLYGONS = (
    (
        "AREAS",
        QT_TRANSLATE_NOOP("AdaMapper", "Areas found"),
        True,
        QT_TRANSLATE_NOOP("AdaMapper", "The areas to judge. Empty: they are extracted from the probability."),
    ),
    (
        "TRUE_AREAS",
        QT_TRANSLATE_NOOP("AdaMapper", "True areas"),
        False,
        QT_TRANSLATE_NOOP("AdaMapper", "Outlines that are known to move: an inventory, or those of a simulated scene."),
    ),
    (
        "IGNORED_AREAS",
        QT_TRANSLATE_NOOP("AdaMapper", "Ignored ground"),
        True,
        QT_TRANSLATE_NOOP(
            "AdaMapper", "Ground that is neither right nor wrong to report, such as motion too weak to be judged."
        ),
    ),
    (
        "MAPPED_EXTENT",
        QT_TRANSLATE_NOOP("AdaMapper", "Mapped extent"),
        True,
        QT_TRANSLATE_NOOP(
            "AdaMapper",
            "The ground for which the true areas are complete. Empty: wherever the probability (or the LOS rate) "
            "has data.",
        ),
    ),
)
_RASTERS = (
    (
        "LOS_RATE",
        QT_TRANSLATE_NOOP("AdaMapper", "LOS rate"),
        QT_TRANSLATE_NOOP(
            "AdaMapper",
            "mm/yr or m/yr. For the classical detector, which is judged beside the areas, and for the figures by rate.",
        ),
    ),
    (
        "SLOPE",
        QT_TRANSLATE_NOOP("AdaMapper", "Slope"),
        QT_TRANSLATE_NOOP("AdaMapper", "Degrees. For the slope rule of the classical detector."),
    ),
    (
        "DEM",
        QT_TRANSLATE_NOOP("AdaMapper", "Digital elevation model"),
        QT_TRANSLATE_NOOP(
            "AdaMapper",
            "For the hillshade of the map and the figures by orientation: by direction of descent, or by the share "
            "of downslope motion that the line of sight sees where heading and incidence are given.",
        ),
    ),
    (
        "LOS_SENSITIVITY",
        QT_TRANSLATE_NOOP("AdaMapper", "LOS sensitivity"),
        QT_TRANSLATE_NOOP(
            "AdaMapper",
            "−1 to 1. For the classical detector of downhill motion, which is judged beside, too, and for the figures "
            "by orientation; instead of DEM, heading and incidence.",
        ),
    ),
)
_FIGURES = {
    "IOU": ("iou", QT_TRANSLATE_NOOP("AdaMapper", "IoU of pixels")),
    "PRECISION": ("precision", QT_TRANSLATE_NOOP("AdaMapper", "Precision of pixels")),
    "RECALL": ("recall", QT_TRANSLATE_NOOP("AdaMapper", "Recall of pixels")),
    "F1": ("f1", QT_TRANSLATE_NOOP("AdaMapper", "F1 of pixels")),
    "AREA_RECALL": ("object_recall", QT_TRANSLATE_NOOP("AdaMapper", "Recall of areas")),
    "AREA_PRECISION": ("object_precision", QT_TRANSLATE_NOOP("AdaMapper", "Precision of areas")),
    "FALSE_ALARMS": ("false_alarms", QT_TRANSLATE_NOOP("AdaMapper", "False alarms per 100 km²")),
}


class AssessAccuracy(Algorithm):
    """Found areas and their probability against true areas."""

    NAME = "assessaccuracy"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Assess accuracy")
    GROUP = "accuracy"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Compares found areas, the probability that they came from, or both with true areas: IoU, precision, recall "
        "and F1 of pixels, recall and precision of areas, false alarms per 100 km², by rate, size and orientation, "
        "with confidence intervals by region, reliability of the probabilities and choice of the threshold. The "
        "classical detector is judged beside them, where a LOS sensitivity is given also that of downhill motion, and "
        "the better of the two is what the tool gives back. A found and a true area match from an intersection over "
        "union of 0.3 on.",
    )

    def define(self) -> None:
        for name, title, optional, text in _POLYGONS:
            self.add(QgsProcessingParameterFeatureSource(name, tr(title), [POLYGONS], optional=optional), tr(text))
        self.add_raster("PROBABILITY", tr("Probability"), tr("From Detect active deformation areas."))
        for name, title, text in _RASTERS:
            self.add_raster(name, tr(title), tr(text))
        for name, title, text in (
            ("HEADING", tr("Heading (degrees)"), tr("Direction of flight, clockwise from true north.")),
            (
                "INCIDENCE",
                tr("Incidence angle (degrees)"),
                tr("Of the line of sight from the vertical, in the scene's middle."),
            ),
        ):
            self.add_number(
                name,
                title,
                f"{text} " + tr("For the figures by orientation. Empty: as the LOS rate tells."),
                None,
                -360 if name == "HEADING" else 1,
                360 if name == "HEADING" else 89,
                advanced=True,
            )
        self.add_look_side(tr("To which side of its flight the satellite looks. As told: by the LOS rate, else right."))
        for name, title, text, limit in (
            ("THRESHOLD", tr("Threshold"), tr("An area needs a pixel of at least this probability."), 1),
            (
                "LOW_THRESHOLD",
                tr("Lower threshold"),
                tr("An area reaches as far as the probability is at least this."),
                1,
            ),
            ("MIN_AREA", tr("Smallest area (m²)"), tr("Smaller areas of the probability are left out."), None),
        ):
            self.add_number(name, title, f"{text} " + tr("Empty: as the model advises."), None, 0, limit, advanced=True)
        self.add_number(
            "MIN_IOU",
            tr("Smallest overlap of a match (intersection over union)"),
            tr("From this on a found and a true area are the same."),
            0.3,
            0.01,
            1,
            advanced=True,
        )
        self.add_number(
            "REGION_SIZE",
            tr("Size of regions (km)"),
            tr("Blocks of ground that the confidence intervals take as independent of each other."),
            5,
            0.1,
            advanced=True,
        )
        self.add_number("SEED", tr("Seed"), tr("Of the intervals' random draws."), 1, 0, integer=True, advanced=True)
        self.add(
            QgsProcessingParameterFeatureSink(
                "JUDGED_AREAS", tr("Hits, misses and false alarms"), POLYGONS, optional=True, createByDefault=True
            ),
            tr("True and found areas by what became of them."),
        )
        for name, title, kind, text in (
            ("REPORT", tr("Report"), tr("HTML (*.html)"), tr("All figures with plots and a map.")),
            ("FIGURES", tr("Table of figures"), tr("CSV (*.csv)"), tr("The same figures, one a row.")),
        ):
            self.add(QgsProcessingParameterFileDestination(name, title, kind, optional=True), text)
        for name, (_, title) in _FIGURES.items():
            self.addOutput(QgsProcessingOutputNumber(name, tr(title)))
            self.addOutput(QgsProcessingOutputNumber(f"CLASSICAL_{name}", tr("Classical detector:") + f" {tr(title)}"))
        self.addOutput(QgsProcessingOutputNumber("BRIER_SCORE", tr("Brier score")))
        self.addOutput(QgsProcessingOutputNumber("CALIBRATION_ERROR", tr("Expected calibration error")))
        self.addOutput(QgsProcessingOutputNumber("BEST_THRESHOLD", tr("Threshold of the highest IoU")))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.accuracy import (
            AssessmentData,
            AssessmentOptions,
            assess,
            write_accuracy_csv,
            write_accuracy_report,
        )
        from ..layers import write_judged

        polygons = {name: self._outlines(parameters, name, context, progress) for name, *_ in _POLYGONS}
        rasters = {name: self.raster_path(parameters, name, context) for name, *_ in (("PROBABILITY",), *_RASTERS)}
        data = AssessmentData(
            true=given(polygons["TRUE_AREAS"], "TRUE_AREAS"),
            found=polygons["AREAS"],
            ignored=polygons["IGNORED_AREAS"],
            extent=polygons["MAPPED_EXTENT"],
            viewing=self._viewing(parameters, context, rasters["LOS_RATE"], progress),
            **{name.lower(): path for name, path in rasters.items()},
        )
        options = AssessmentOptions(
            self._rules(parameters, context, rasters["PROBABILITY"], progress),
            min_iou=self.required_number(parameters, "MIN_IOU", context),
            region_metres=1000 * self.required_number(parameters, "REGION_SIZE", context),
            seed=self.parameterAsInt(parameters, "SEED", context),
        )
        files = {name: self.file_output(parameters, name, context) for name in ("REPORT", "FIGURES")}
        assessment = assess(data, options, progress)
        if files["REPORT"]:
            write_accuracy_report(files["REPORT"], assessment, self._settings(parameters, context, rasters), tr)
        if files["FIGURES"]:
            write_accuracy_csv(files["FIGURES"], assessment)
        destination = write_judged(self, parameters, "JUDGED_AREAS", context, progress, assessment)
        self._tell(assessment, progress)
        return {
            **_numbers(assessment),
            **files,
            "JUDGED_AREAS": destination,
        }

    def _outlines(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext, progress: Progress
    ) -> Outlines | None:
        from ...core.areas import outlines_of
        from ..layers import read_areas

        source = self.parameterAsSource(parameters, name, context)
        if source is None:
            if parameters.get(name):
                message = tr("{} (given as {}) can't be opened as a layer of polygons. Choose another, or check it.")
                raise InputError(message.format(parameters[name], name))
            return None
        crs = source.sourceCrs()
        if not crs.isValid():
            message = tr("{} has no coordinate reference system. Set it first (layer properties > Source).")
            raise InputError(message.format(source.sourceName()))
        return outlines_of(read_areas(source, (), progress=progress), crs_text(crs), source.sourceName())

    def _viewing(
        self, parameters: dict[str, Any], context: QgsProcessingContext, los_rate: str | None, progress: Progress
    ) -> Viewing | None:
        """The view as given, else as the LOS rate's tags tell; None where neither does."""
        from ...core.raster import BandReader
        from ...core.satellite import find_viewing

        heading, incidence = (self.number(parameters, name, context) for name in ("HEADING", "INCIDENCE"))
        tags: dict[str, str] = {}
        if los_rate is not None:
            with BandReader(los_rate) as reader:
                tags = reader.tags
        look_side = self.look_side(parameters, context)
        viewing = find_viewing(heading=heading, incidence=incidence, tags=tags, progress=progress, look_side=look_side)
        if viewing is None and incidence is not None:
            raise InputError(tr("The incidence angle says nothing without the heading. Give the heading, too."))
        return viewing

    def _rules(
        self, parameters: dict[str, Any], context: QgsProcessingContext, probability: str | None, progress: Progress
    ) -> AreaRules | None:
        from ...core.areas import rules_for

        if probability is None:
            return None
        return rules_for(
            probability,
            threshold=self.number(parameters, "THRESHOLD", context),
            low_threshold=self.number(parameters, "LOW_THRESHOLD", context),
            min_area=self.number(parameters, "MIN_AREA", context),
            progress=progress,
        )

    def _settings(
        self, parameters: dict[str, Any], context: QgsProcessingContext, rasters: dict[str, str | None]
    ) -> dict[str, str]:
        """Inputs and choices as the report shows them."""
        shown: dict[str, str] = {}
        for name, title, *_ in _POLYGONS:
            source = self.parameterAsSource(parameters, name, context)
            if source is not None:
                shown[tr(title)] = f"{source.sourceName()} ({source.featureCount()})"
        for definition in self.parameterDefinitions():
            name = definition.name()
            if rasters.get(name):
                shown[definition.description()] = str(rasters[name])
            elif definition.type() == "number":
                value = self.number(parameters, name, context)
                if value is not None:
                    shown[definition.description()] = f"{value:g}"
        return shown

    def _tell(self, assessment: Assessment, progress: Progress) -> None:
        from ...core.accuracy import FIGURES, figure_text

        for judgement in assessment.judgements:
            values = {key: figure_text(judgement.scores.figures[key], key) for key in FIGURES}
            figures = ", ".join(f"{tr(kind.label)} {values[key]} {tr(kind.unit)}" for key, kind in FIGURES.items())
            progress.info("{what}: {figures}.", what=tr(judgement.scores.name).capitalize(), figures=figures)


def _numbers(assessment: Assessment) -> dict[str, float | None]:
    """The figures as outputs; None where unknown."""
    values: dict[str, float | None] = {}
    for name, (key, _) in _FIGURES.items():
        values[name] = assessment.found.scores.figures[key].value
        classical = assessment.classical
        values[f"CLASSICAL_{name}"] = None if classical is None else classical.scores.figures[key].value
    reliability, curve = assessment.reliability, assessment.curve
    values["BRIER_SCORE"] = None if reliability is None else reliability.brier
    values["CALIBRATION_ERROR"] = None if reliability is None else reliability.calibration_error
    values["BEST_THRESHOLD"] = None if curve is None else curve.best
    return {name: value if value is not None and math.isfinite(value) else None for name, value in values.items()}
