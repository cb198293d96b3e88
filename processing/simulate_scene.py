"""adamapper:simulatescene."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingParameterFolderDestination

from ..core.progress import Progress
from .algorithm import Algorithm, tr

SIMULATED_ORBITS = ("ascending", "descending", "both")


class SimulateScene(Algorithm):
    """A folder of simulated interferograms with known landslides, to learn and to test with."""

    NAME = "simulatescene"
    TITLE = "Simulate a scene"
    GROUP = "simulation"
    SUMMARY = (
        "Writes a folder of simulated interferograms with coherence, an elevation model and the true outlines of "
        "the moving slopes, with atmosphere, decorrelation, holes and a subsiding plain that is no landslide. The "
        "same seed gives the same files. For learning the tools and for testing: nothing in it is real."
    )

    def define(self) -> None:
        self.add_number("SEED", "Seed", "Another seed gives another scene.", 1, 0, integer=True)
        self.add_number("SIZE", "Size (pixels)", "Width and height.", 1024, 128, 4096, integer=True)
        self.add_number("PIXEL_SIZE", "Pixel size (m)", "Of all rasters of the scene.", 30, 5, 200, advanced=True)
        self.add_raster("DEM", "Digital elevation model", "Empty: terrain is made up.")
        self.add_number("DATES", "Number of dates", "Twelve days apart.", 24, 2, 200, integer=True)
        self.add_choice("ORBIT", "Orbit", "Where the satellite looks from.", SIMULATED_ORBITS, "descending")
        self.add(QgsProcessingParameterFolderDestination("OUTPUT_FOLDER", tr("Folder of the scene")), "New or empty.")

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ..core.simulation.scene import SceneOptions
        from ..core.simulation.stack import simulate_scene

        folder = self.parameterAsString(parameters, "OUTPUT_FOLDER", context)
        options = SceneOptions(
            seed=self.parameterAsInt(parameters, "SEED", context),
            size=self.parameterAsInt(parameters, "SIZE", context),
            pixel_size=self.parameterAsDouble(parameters, "PIXEL_SIZE", context),
            dem=self.raster_path(parameters, "DEM", context),
            dates=self.parameterAsInt(parameters, "DATES", context),
            orbit=self.parameterAsEnumString(parameters, "ORBIT", context),
        )
        summary = simulate_scene(folder, options, progress)
        progress.info(str(summary))
        return {"OUTPUT_FOLDER": folder}
