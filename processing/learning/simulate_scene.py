"""adamapper:simulatescene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFolderDestination,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.errors import InputError
from ...core.progress import Progress
from ..algorithm import Algorithm
from ..texts import tr

if TYPE_CHECKING:
    from ...core.satellite import Viewing


SIMULATED_ORBITS = ("ascending", "descending", "both")
KINDS = ("simulated", "semi-real")


class SimulateScene(Algorithm):
    """A folder of simulated interferograms, or of real rates with landslides added, and the true areas."""

    NAME = "simulatescene"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Simulate a scene")
    GROUP = "simulation"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Writes a scene whose landslides are known, to learn and to test with. Simulated: interferograms with "
        "coherence, an elevation model and the true outlines of the moving slopes, with atmosphere, decorrelation, "
        "holes and a subsiding plain that is no landslide; nothing in it is real. Semi-real: simulated landslides are "
        "added to a phase rate of yours, so that a model can be judged on the noise of your region. The same seed "
        "gives the same files.",
    )

    def define(self) -> None:
        self.add_choice(
            "KIND",
            tr("Kind"),
            tr("Simulated interferograms, or your own rates with landslides added."),
            KINDS,
            "simulated",
        )
        self.add_number("SEED", tr("Seed"), tr("Another seed gives another scene."), 1, 0, integer=True)
        self.add_number("SIZE", tr("Size (pixels)"), tr("Simulated: width and height."), 1024, 128, 4096, integer=True)
        self.add_number(
            "PIXEL_SIZE", tr("Pixel size (m)"), tr("Simulated: of all rasters of the scene."), 30, 5, 200, advanced=True
        )
        self.add_raster(
            "DEM",
            tr("Digital elevation model"),
            tr("Simulated: empty, and terrain is made up. Semi-real: needed, of the place of the rates or of another."),
        )
        self.add_number("DATES", tr("Number of dates"), tr("Simulated: twelve days apart."), 24, 2, 200, integer=True)
        self.add_choice(
            "ORBIT",
            tr("Orbit"),
            tr("Where the satellite looks from. Semi-real: of the rates, unless they tell it themselves."),
            SIMULATED_ORBITS,
            "descending",
        )
        self.define_semi_real()
        self.add(
            QgsProcessingParameterFolderDestination("OUTPUT_FOLDER", tr("Folder of the scene")), tr("New or empty.")
        )

    def define_semi_real(self) -> None:
        """The parameters of a semi-real scene."""
        self.add_raster(
            "PHASE_RATE",
            tr("Semi-real: phase rate"),
            tr("Real, from Stack interferograms; the landslides are added to it."),
        )
        self.add_raster(
            "LOS_RATE",
            tr("Semi-real: LOS rate"),
            tr("Of the same interferograms. Empty: it is made from the phase rate."),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                "EXCLUDE",
                tr("Semi-real: areas known to move"),
                [QgsProcessing.SourceType.TypeVectorPolygon],
                optional=True,
            ),
            tr(
                "No landslide is put there, and finding them counts as neither right nor wrong. Whatever else moves in "
                "your rates counts as a false alarm where it is found."
            ),
        )
        self.add(
            QgsProcessingParameterBoolean(
                "DEM_ELSEWHERE", tr("Semi-real: the elevation model is of another place"), False
            ),
            tr("For flat regions: the slopes of any mountains are laid under your rates."),
        )
        self.add_number(
            "LANDSLIDES",
            tr("Semi-real: landslides per km²"),
            tr("How many are tried; fewer find room on the slopes."),
            0.2,
            0.001,
            5,
            advanced=True,
        )
        self.add_number(
            "HEADING",
            tr("Semi-real: heading (degrees)"),
            tr("Direction of flight, clockwise from true north. Empty: as the rate tells, else by the orbit."),
            None,
            -360,
            360,
            advanced=True,
        )
        self.add_number(
            "INCIDENCE",
            tr("Semi-real: incidence angle (degrees)"),
            tr("Between the line of sight and the vertical. Empty: as the rate tells, else 38."),
            None,
            1,
            89,
            advanced=True,
        )
        self.add_look_side(tr("As told: by the rate, else right."), tr("Semi-real: look side"))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        folder = self.parameterAsString(parameters, "OUTPUT_FOLDER", context)
        if self.parameterAsEnumString(parameters, "KIND", context) == "semi-real":
            self.add_to_real(folder, parameters, context, progress)
        else:
            self.simulate(folder, parameters, context, progress)
        return {"OUTPUT_FOLDER": folder}

    def simulate(
        self, folder: str, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress
    ) -> None:
        """Write a simulated scene."""
        from ...core.simulation import SceneOptions, simulate_scene

        options = SceneOptions(
            seed=self.parameterAsInt(parameters, "SEED", context),
            size=self.parameterAsInt(parameters, "SIZE", context),
            pixel_size=self.parameterAsDouble(parameters, "PIXEL_SIZE", context),
            dem=self.raster_path(parameters, "DEM", context),
            dates=self.parameterAsInt(parameters, "DATES", context),
            orbit=self.parameterAsEnumString(parameters, "ORBIT", context),
        )
        progress.info(str(simulate_scene(folder, options, progress)))

    def add_to_real(
        self, folder: str, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress
    ) -> None:
        """Write a semi-real scene."""
        from ...core.simulation import SemiRealOptions, simulate_semi_real

        phase_rate = self.raster_path(parameters, "PHASE_RATE", context)
        dem = self.raster_path(parameters, "DEM", context)
        if phase_rate is None or dem is None:
            missing = tr("phase rate") if phase_rate is None else tr("digital elevation model")
            raise InputError(tr("A semi-real scene needs a {}, and none is given.").format(missing))
        excluded, crs = self.geometry(parameters, "EXCLUDE", context)
        options = SemiRealOptions(
            phase_rate,
            dem,
            self.viewing(phase_rate, parameters, context, progress),
            los_rate=self.raster_path(parameters, "LOS_RATE", context),
            seed=self.parameterAsInt(parameters, "SEED", context),
            landslides=self.parameterAsDouble(parameters, "LANDSLIDES", context),
            elsewhere=self.parameterAsBool(parameters, "DEM_ELSEWHERE", context),
            excluded=excluded or "",
            excluded_crs=crs or "",
        )
        progress.info(str(simulate_semi_real(folder, options, progress)))

    def viewing(
        self, phase_rate: str, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress
    ) -> Viewing:
        """From where the rates were seen."""
        from ...core.raster import BandReader
        from ...core.satellite import find_viewing

        with BandReader(phase_rate) as reader:
            tags = reader.tags
        orbit = self.parameterAsEnumString(parameters, "ORBIT", context)
        heading, incidence = (self.number(parameters, name, context) for name in ("HEADING", "INCIDENCE"))
        viewing = find_viewing(orbit, heading, incidence, tags, progress, self.look_side(parameters, context))
        if viewing is None:
            raise InputError(tr("Rates are of one orbit: choose ascending or descending, or give the heading."))
        return viewing
