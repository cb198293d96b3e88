"""adamapper:mapactiveareas: the whole chain in one step."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingMultiStepFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
)

from .algorithm import ORBITS, POLYGONS, Algorithm, tr
from .detect_areas import BACKENDS
from .stack_interferograms import PRODUCTS

_RASTERS = {
    "PROBABILITY": ("Probability", "That a pixel belongs to an active deformation area, 0 to 1."),
    "PHASE_RATE": ("Phase rate", "rad/yr, positive for growing range."),
    "LOS_RATE": ("LOS rate", "mm/yr, positive toward the satellite, masked by coherence."),
    "SLOPE": ("Slope", "Degrees."),
}


class MapActiveAreas(Algorithm):
    """A folder of interferograms and a DEM → active deformation areas, with the rasters behind them."""

    NAME = "mapactiveareas"
    TITLE = "Map active deformation areas"
    GROUP = "map"
    SUMMARY = (
        "From a folder of unwrapped interferograms and an elevation model to polygons of the slopes that are "
        "moving, in one step. Stacks the interferograms, computes the slope, runs the network and extracts the "
        "areas, as the single tools do with their default settings. Run it once for each orbit, then merge the two "
        "results with Merge orbits. Check areas in the field before you rely on them."
    )

    def define(self) -> None:
        self.add(
            QgsProcessingParameterFile(
                "INPUT_FOLDER", tr("Folder of interferograms"), QgsProcessingParameterFile.Behavior.Folder
            ),
            "Unwrapped interferograms of one orbit, searched with all subfolders.",
        )
        self.add_raster("DEM", "Digital elevation model", "Elevations in metres that cover the scene.", False)
        self.add_choice(
            "ORBIT", "Orbit", "Of the interferograms: sets the colour and the attribute.", ORBITS, "unknown"
        )
        self.add_model()
        self.add_choice(
            "PRODUCT",
            "Product",
            "What made the interferograms; auto recognises it.",
            PRODUCTS,
            "auto",
            advanced=True,
        )
        self.add_number(
            "MAX_TEMPORAL_BASELINE",
            "Largest temporal baseline (days)",
            "Longer pairs are left out.",
            40,
            1,
            advanced=True,
        )
        self.add_number(
            "MAX_PERPENDICULAR_BASELINE",
            "Largest perpendicular baseline (m)",
            "Pairs with a larger one are left out.",
            120,
            0,
            advanced=True,
        )
        self.add_number("MIN_AREA", "Smallest area (m²)", "Empty: as the model advises.", None, 0, advanced=True)
        self.add_choice("BACKEND", "Runs on", "auto takes what is installed.", BACKENDS, "auto", advanced=True)
        self.add(
            QgsProcessingParameterFeatureSink("AREAS", tr("Active deformation areas"), POLYGONS),
            "Polygons with size, probability, rate, slope, elevation and position.",
        )
        for name, (title, text) in _RASTERS.items():
            self.add_raster_output(name, title, text)
        self.add(
            QgsProcessingParameterFileDestination(
                "REPORT", tr("Report on the stack"), "HTML (*.html)", optional=True, createByDefault=True
            ),
            "Pairs used and dropped, with the reasons.",
        )
        for name, title in (
            ("AREA_COUNT", "Number of areas"),
            ("PAIRS_FOUND", "Pairs found"),
            ("PAIRS_USED", "Pairs used"),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, tr(title)))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        import processing

        paths = {name: self.output_path(parameters, name, context) for name in _RASTERS}
        dem = self.raster_path(parameters, "DEM", context)
        steps = QgsProcessingMultiStepFeedback(4, feedback)

        def run(step: int, algorithm: str, values: dict[str, Any]) -> dict[str, Any]:
            steps.setCurrentStep(step)
            return processing.run(
                f"adamapper:{algorithm}", values, context=context, feedback=steps, is_child_algorithm=True
            )

        names = ("INPUT_FOLDER", "PRODUCT", "MAX_TEMPORAL_BASELINE", "MAX_PERPENDICULAR_BASELINE")
        given = {name: parameters[name] for name in names if parameters.get(name) is not None}
        stack = run(
            0,
            "stackinterferograms",
            {
                **given,
                "PHASE_RATE": paths["PHASE_RATE"],
                "LOS_RATE": paths["LOS_RATE"],
                "REPORT": self.parameterAsFileOutput(parameters, "REPORT", context),
            },
        )
        run(1, "slope", {"INPUT": dem, "OUTPUT": paths["SLOPE"]})
        layers = {"LOS_RATE": paths["LOS_RATE"], "DEM": dem, "SLOPE": paths["SLOPE"]}
        run(
            2,
            "detectareas",
            {
                **layers,
                "PHASE_RATE": paths["PHASE_RATE"],
                "MODEL": parameters.get("MODEL"),
                "BACKEND": self.parameterAsEnumString(parameters, "BACKEND", context),
                "PROBABILITY": paths["PROBABILITY"],
            },
        )
        areas = run(
            3,
            "extractareas",
            {
                **layers,
                "PROBABILITY": paths["PROBABILITY"],
                "MIN_AREA": parameters.get("MIN_AREA"),
                "ORBIT": self.parameterAsEnumString(parameters, "ORBIT", context),
                "AREAS": parameters["AREAS"],
            },
        )
        numbers = {name: stack[name] for name in ("PAIRS_FOUND", "PAIRS_USED", "REPORT")}
        return {**paths, **numbers, "AREAS": areas["AREAS"], "AREA_COUNT": areas["AREA_COUNT"]}
