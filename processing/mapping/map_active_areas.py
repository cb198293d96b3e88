"""adamapper:mapactiveareas: the whole chain in one step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingMultiStepFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingUtils,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.progress import Progress
from ..algorithm import POLYGONS, Algorithm, progress_of
from ..choices import BACKEND_CHOICES, ORBIT_CHOICES
from ..layers import staged_sink
from ..texts import tr
from .chain import CHAIN, SENSITIVITY, only_for_model
from .stacking_choices import grouped_choices, more_rasters

if TYPE_CHECKING:
    from ...core.models import Backend

_RASTERS = {
    "PROBABILITY": (
        QT_TRANSLATE_NOOP("AdaMapper", "Probability"),
        QT_TRANSLATE_NOOP("AdaMapper", "That a pixel belongs to an active deformation area, 0 to 1."),
    ),
    "PHASE_RATE": (
        QT_TRANSLATE_NOOP("AdaMapper", "Phase rate"),
        QT_TRANSLATE_NOOP("AdaMapper", "rad/yr, positive for growing range."),
    ),
    "LOS_RATE": (
        QT_TRANSLATE_NOOP("AdaMapper", "LOS rate"),
        QT_TRANSLATE_NOOP("AdaMapper", "In the chosen unit and sign, masked by coherence."),
    ),
    "SLOPE": (QT_TRANSLATE_NOOP("AdaMapper", "Slope"), QT_TRANSLATE_NOOP("AdaMapper", "Degrees.")),
}
_SENSITIVITY = "LOS_SENSITIVITY"
_SHOWN = ("PROBABILITY", "LOS_RATE", "REPORT")
"""What is loaded beside the areas as the user wants to see it; the other rasters would cover it."""


class _StepFeedback(QgsProcessingMultiStepFeedback):
    """The feedback of several tools, which tells once what more than one of them says of the same file."""

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        super().__init__(len(CHAIN), feedback)
        self._told: set[str] = set()

    def pushInfo(self, info: str) -> None:
        if self._is_new(info):
            super().pushInfo(info)

    def pushWarning(self, warning: str) -> None:
        if self._is_new(warning):
            super().pushWarning(warning)

    def _is_new(self, text: str) -> bool:
        is_new = text not in self._told
        self._told.add(text)
        return is_new


class MapActiveAreas(Algorithm):
    """A folder of interferograms and a DEM → active deformation areas, with the rasters behind them."""

    NAME = "mapactiveareas"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Map active deformation areas")
    GROUP = "map"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "From a folder of unwrapped interferograms and an elevation model to polygons of the slopes that are "
        "moving, in one step. Stacks the interferograms, computes the slope, runs the network and extracts the "
        "areas, as the single tools do; all choices of stacking are among the advanced parameters. Run it once for "
        "each orbit, then merge the two results with Merge orbits. Check areas in the field before you rely on them.",
    )

    def define(self) -> None:
        self.add(
            QgsProcessingParameterFile(
                "INPUT_FOLDER", tr("Folder of interferograms"), QgsProcessingParameterFile.Behavior.Folder
            ),
            tr("Unwrapped interferograms of one orbit, searched with all subfolders."),
        )
        self.add_raster("DEM", tr("Digital elevation model"), tr("Elevations in metres that cover the scene."), False)
        self.add_choice(
            "ORBIT",
            tr("Orbit"),
            tr(
                "Of the interferograms: sets the colour and the attribute, and tells the model where the satellite "
                "looks from, unless the products do."
            ),
            ORBIT_CHOICES,
            "unknown",
        )
        self.add_model()
        self.define_stacking_choices()
        self.add_number(
            "MIN_AREA", tr("Smallest area (m²)"), tr("Empty: as the model advises."), None, 0, advanced=True
        )
        self.add_choice(
            "BACKEND", tr("Runs on"), tr("auto takes what is installed."), BACKEND_CHOICES, "auto", advanced=True
        )
        self.add(
            QgsProcessingParameterFeatureSink("AREAS", tr("Active deformation areas"), POLYGONS),
            tr("Polygons with size, probability, rate, slope, elevation and position."),
        )
        for name, (title, text) in _RASTERS.items():
            self.add_raster_output(name, tr(title), tr(text))
        self.add_raster_output(
            _SENSITIVITY, tr("LOS sensitivity"), tr("Share of downslope motion that the satellite sees, -1 to 1."), True
        )
        for raster in more_rasters():
            self.addParameter(raster)
        self.add(
            QgsProcessingParameterFileDestination(
                "REPORT", tr("Report on the stack"), "HTML (*.html)", optional=True, createByDefault=True
            ),
            tr("Pairs used and dropped, with the reasons."),
        )
        for name, title in (
            ("AREA_COUNT", tr("Number of areas")),
            ("PAIRS_FOUND", tr("Pairs found")),
            ("PAIRS_USED", tr("Pairs used")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, title))

    def define_stacking_choices(self) -> None:
        """All choices of stacking, below those that everybody makes; each says to which group it belongs."""
        asked = {definition.name() for definition in self.parameterDefinitions()}
        for group, choices in grouped_choices().items():
            for choice in choices:
                if choice.name() not in asked:
                    choice.setDescription(tr("{} › {}").format(group, choice.description()))
                    self.add(choice, choice.help(), advanced=True)

    def start(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        steps = _StepFeedback(feedback)
        # Opened before the long work, so that a wrong or missing model is told at once; detection shares it.
        # Which backend runs it is told there.
        model = self.open_model(parameters, context, replace(progress_of(steps), on_info=lambda text: None))
        # Asked for once: each time QGIS makes another temporary name and expects a layer there.
        more = tuple(raster.name() for raster in more_rasters())
        paths = {name: self.output_path(parameters, name, context) for name in (*_RASTERS, *more, _SENSITIVITY)}
        paths["REPORT"] = self.file_output(parameters, "REPORT", context)
        target, place = staged_sink(self, parameters, "AREAS", context)
        areas = place if target else parameters.get("AREAS")
        try:
            return self.chain({**parameters, "AREAS": areas}, paths, context, steps)
        finally:
            del model

    def open_model(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> Backend:
        """The model, as detection will ask for it."""
        from ...core.models import open_backend

        model = self.detection_model(parameters, context)
        return open_backend(model, self.parameterAsEnumString(parameters, "BACKEND", context), progress=progress)

    def chain(
        self,
        parameters: dict[str, Any],
        paths: dict[str, str | None],
        context: QgsProcessingContext,
        feedback: QgsProcessingMultiStepFeedback,
    ) -> dict[str, Any]:
        """Run the tools one after the other; ``paths`` are those of the results by name, None for what isn't wanted."""
        import processing

        known = {**parameters, **paths, "DEM": self.required_raster(parameters, "DEM", context)}
        for name in only_for_model(self.model_path(parameters, context)):
            known[name] = paths[name] or str(QgsProcessingUtils.generateTempFilename(f"{name.lower()}.tif"))
        told: dict[str, Any] = {}
        for number, step in enumerate(CHAIN):
            if step is SENSITIVITY and known[_SENSITIVITY] is None:
                continue
            feedback.setCurrentStep(number)
            outcome = processing.run(
                step.algorithm, step.parameters(known), context=context, feedback=feedback, is_child_algorithm=True
            )
            known.update(step.results(outcome))
            told.update(outcome)
        if paths[_SENSITIVITY] is not None:
            paths[_SENSITIVITY] = known[_SENSITIVITY]
        for name, path in paths.items():
            if name not in _SHOWN and path is not None:
                self.hide_when_loaded(path, context)
        numbers = {name: told[name] for name in ("PAIRS_FOUND", "PAIRS_USED", "AREA_COUNT")}
        return {**paths, **numbers, "REPORT": known["REPORT"], "AREAS": known["AREAS"]}
