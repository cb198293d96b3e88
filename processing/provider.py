"""The Processing provider ``adamapper``."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .accuracy import AssessAccuracy, CompareChannels
from .algorithm import ICONS
from .learning import CreateSamples, ExportModel, ImportModel, LabelsFromReview, SimulateScene, TrainModel
from .mapping import (
    BuildComposite,
    ClassicalDetector,
    DetectAreas,
    ExtractAreas,
    LosSensitivity,
    MapActiveAreas,
    MergeOrbits,
    Slope,
    StackInterferograms,
)
from .outputs import RASTER_FORMATS, vector_formats
from .sheets import SurveyMaps
from .survey import AssessSurvey, MergeSurvey, SampleSites, SurveyPackage
from .texts import tr

ALGORITHMS = (
    MapActiveAreas,
    StackInterferograms,
    Slope,
    LosSensitivity,
    BuildComposite,
    DetectAreas,
    ClassicalDetector,
    ExtractAreas,
    MergeOrbits,
    SimulateScene,
    LabelsFromReview,
    CreateSamples,
    TrainModel,
    ExportModel,
    ImportModel,
    AssessAccuracy,
    CompareChannels,
    SampleSites,
    SurveyMaps,
    SurveyPackage,
    MergeSurvey,
    AssessSurvey,
)


class AdaMapperProvider(QgsProcessingProvider):
    """Holds the algorithms under the id ``adamapper``."""

    def id(self) -> str:
        return "adamapper"

    def name(self) -> str:
        return "ADA Mapper"

    def longName(self) -> str:
        return tr("ADA Mapper: active deformation areas from satellite radar")

    def icon(self) -> QIcon:
        return QIcon(self.svgIconPath())

    def svgIconPath(self) -> str:
        return str(ICONS / "ada_mapper.svg")

    def supportedOutputRasterLayerExtensions(self) -> list[str]:
        return list(RASTER_FORMATS)

    def supportedOutputVectorLayerExtensions(self) -> list[str]:
        return vector_formats()

    def loadAlgorithms(self) -> None:
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())
