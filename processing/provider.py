"""The Processing provider ``adamapper``."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .algorithm import ICONS, tr
from .assess_accuracy import AssessAccuracy
from .assess_survey import AssessSurvey
from .build_composite import BuildComposite
from .classical_detector import ClassicalDetector
from .compare_channels import CompareChannels
from .create_samples import CreateSamples
from .detect_areas import DetectAreas
from .export_model import ExportModel
from .extract_areas import ExtractAreas
from .import_model import ImportModel
from .los_sensitivity import LosSensitivity
from .map_active_areas import MapActiveAreas
from .merge_orbits import MergeOrbits
from .merge_survey import MergeSurvey
from .review_labels import LabelsFromReview
from .sample_sites import SampleSites
from .simulate_scene import SimulateScene
from .slope import Slope
from .stack_interferograms import StackInterferograms
from .survey_maps import SurveyMaps
from .survey_package import SurveyPackage
from .train_model import TrainModel

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

    def loadAlgorithms(self) -> None:
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())
