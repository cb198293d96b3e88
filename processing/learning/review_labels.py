"""adamapper:labelsfromreview."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsFeature,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.errors import InputError
from ...core.fields import Field
from ...core.progress import Progress
from ..algorithm import POLYGONS, Algorithm
from ..texts import tr

CLASS_FIELD, AREA_CLASS, IGNORED_CLASS = "label", "landslide", "ignored"
_FIELDS = (
    Field(CLASS_FIELD, "str", "", "landslide: learned as an area; ignored: neither area nor background"),
    Field("area_id", "int", "", "Number of the reviewed area"),
    Field("note", "str", "", "Note of the reviewer"),
)
_UNREVIEWED = ("ignored", "background")


class LabelsFromReview(Algorithm):
    """Reviewed areas → label polygons for Create samples."""

    NAME = "labelsfromreview"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Labels from reviewed areas")
    GROUP = "learning"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Turns areas that were accepted, rejected or left unsure in the Review step into labels for Create samples. "
        "Accepted areas become landslides, rejected ones are left out, so that they count as background, and unsure "
        "ones are ignored, neither landslide nor background. In Create samples choose label as class field and "
        "landslide as the class. Landslides that the map missed are background, too, unless you draw them into the "
        "labels or give a mapped extent.",
    )

    def define(self) -> None:
        self.add(
            QgsProcessingParameterFeatureSource("AREAS", tr("Reviewed areas"), [POLYGONS]),
            tr("A layer with the field review: accepted, rejected or unsure."),
        )
        self.add_choice(
            "UNREVIEWED",
            tr("Areas without a decision"),
            tr("Whether they are ignored or, like rejected ones, count as background."),
            _UNREVIEWED,
            "ignored",
        )
        self.add(
            QgsProcessingParameterFeatureSink("LABELS", tr("Labels"), POLYGONS), tr("Polygons with the field label.")
        )
        self.addOutput(QgsProcessingOutputNumber("LANDSLIDE_COUNT", tr("Number of landslides")))
        self.addOutput(QgsProcessingOutputNumber("IGNORED_COUNT", tr("Number of ignored areas")))
        self.addOutput(QgsProcessingOutputNumber("BACKGROUND_COUNT", tr("Number of areas left out as background")))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ..layers import (
            ACCEPTED,
            REJECTED,
            check_decisions,
            decision_of,
            fields_of,
            own_names,
            polygon_features,
            write_features,
        )

        source = self.parameterAsSource(parameters, "AREAS", context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, "AREAS"))
        names = own_names(source.fields())
        if "review" not in names:
            message = tr(
                "The layer {} was not reviewed: it has no field review. Review it first, in ADA Mapper's panel."
            )
            raise InputError(message.format(source.sourceName()))
        background = {REJECTED}
        if self.parameterAsEnumString(parameters, "UNREVIEWED", context) == "background":
            background.add("")
        labels, left_out = [], 0
        fields = fields_of(_FIELDS)
        check_decisions(source, progress)
        for feature, outline in polygon_features(source, progress):
            decision = decision_of(feature[names["review"]]) or ""
            if decision in background:
                left_out += 1
                continue
            label = QgsFeature(fields)
            label.setGeometry(outline)
            label[CLASS_FIELD] = AREA_CLASS if decision == ACCEPTED else IGNORED_CLASS
            for target, name in (("area_id", "id"), ("note", "review_note")):
                if name in names:
                    label[target] = feature[names[name]]
            labels.append(label)
        count = sum(label[CLASS_FIELD] == AREA_CLASS for label in labels)
        if not count:
            message = tr("No area of the layer {} is accepted yet; labels need at least one.")
            raise InputError(message.format(source.sourceName()))
        destination = write_features(
            self, parameters, "LABELS", context, labels, fields, QgsWkbTypes.Type.MultiPolygon, source.sourceCrs()
        )
        message = tr("{} landslides, {} ignored areas, {} left out as background.")
        progress.info(message.format(count, len(labels) - count, left_out))
        return {
            "LABELS": destination,
            "LANDSLIDE_COUNT": count,
            "IGNORED_COUNT": len(labels) - count,
            "BACKGROUND_COUNT": left_out,
        }
