"""A provider of tools for tests: they wait until they are let go, so that a test can act while they run."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingProvider,
)

LET_GO = threading.Event()
STARTED = threading.Event()


class Wait(QgsProcessingAlgorithm):
    """Waits, then reads its inputs and writes how large they are into a text file."""

    def name(self) -> str:
        return "wait"

    def displayName(self) -> str:
        return "Wait"

    def createInstance(self) -> Wait:
        return Wait()

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer("RASTER", "Raster", optional=True))
        self.addParameter(QgsProcessingParameterFeatureSource("FEATURES", "Features", optional=True))
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", "Text", "Text (*.txt)"))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        feedback.setProgress(40)
        feedback.pushInfo("Waiting")
        STARTED.set()
        while not LET_GO.wait(0.01):
            if feedback.isCanceled():
                raise QgsProcessingException("Cancelled.")
        raster = self.parameterAsRasterLayer(parameters, "RASTER", context)
        source = self.parameterAsSource(parameters, "FEATURES", context)
        count = len(list(source.getFeatures())) if source is not None else 0
        path = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        Path(path).write_text(f"{raster.width() if raster is not None else 0} {count}")
        return {"OUTPUT": path, "COUNT": count}


class Draw(QgsProcessingAlgorithm):
    """Must stay in the main thread, as tools that draw do; tells whether it did, and the style of its layer."""

    def name(self) -> str:
        return "draw"

    def displayName(self) -> str:
        return "Draw"

    def createInstance(self) -> Draw:
        return Draw()

    def flags(self) -> QgsProcessingAlgorithm.Flag:
        return super().flags() | QgsProcessingAlgorithm.Flag.FlagNoThreading

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer("RASTER", "Raster"))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        layer = self.parameterAsRasterLayer(parameters, "RASTER", context)
        for percent in range(0, 101, 10):
            if feedback.isCanceled():
                raise QgsProcessingException("Cancelled.")
            feedback.setProgress(percent)
        is_main = threading.current_thread() is threading.main_thread()
        return {"IS_MAIN_THREAD": is_main, "OPACITY": layer.opacity()}


class Provider(QgsProcessingProvider):
    """``patient:wait`` and ``patient:draw``."""

    def id(self) -> str:
        return "patient"

    def name(self) -> str:
        return "Patient"

    def loadAlgorithms(self) -> None:
        self.addAlgorithm(Wait())
        self.addAlgorithm(Draw())
