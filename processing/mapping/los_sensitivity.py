"""adamapper:lossensitivity."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingParameterBoolean
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.errors import InputError
from ...core.progress import Progress
from ..algorithm import Algorithm
from ..choices import ORBIT_CHOICES
from ..texts import tr

UNKNOWN_VIEW = QT_TRANSLATE_NOOP(
    "AdaMapper",
    "Nothing tells from where the satellite looks: choose the orbit, give its heading, or give a rate that Stack "
    "interferograms made of products that tell it.",
)


class LosSensitivity(Algorithm):
    """A DEM and a view → the share of downslope motion that the line of sight sees."""

    NAME = "lossensitivity"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "LOS sensitivity")
    GROUP = "channels"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Computes which share of a motion down the slope the satellite sees: 1 where it comes straight toward the "
        "satellite, -1 where it goes straight away, and near 0 where the satellite is blind to it: on gentle slopes "
        "that face north or south, and on slopes that face the satellite about as steeply as its incidence angle. "
        "Slopes are smoothed over 90 m; level ground has 0. Models can use it as a layer, and it tells where an empty "
        "map means nothing.",
    )

    def define(self) -> None:
        self.add_raster(
            "INPUT", tr("Digital elevation model"), tr("Elevations in metres, in any projection or in degrees."), False
        )
        self.add_raster(
            "RATE",
            tr("Phase rate or LOS rate"),
            tr(
                "From Stack interferograms: heading and incidence angle of the products are read from it where they "
                "are not given below."
            ),
        )
        self.add_choice(
            "ORBIT",
            tr("Orbit"),
            tr("Sentinel-1's headings: ascending 348°, descending 192°."),
            ORBIT_CHOICES,
            "unknown",
        )
        self.add_number(
            "HEADING",
            tr("Heading (degrees)"),
            tr("Direction of flight, clockwise from true north. Empty: from the rate, else from the orbit."),
            None,
            -360,
            360,
            advanced=True,
        )
        self.add_number(
            "INCIDENCE",
            tr("Incidence angle (degrees)"),
            tr("Between the line of sight and the vertical. Empty: from the rate, else 38."),
            None,
            1,
            89,
            advanced=True,
        )
        self.add_look_side(tr("As told: by the rate, else right, as Sentinel-1 looks. NISAR looks to the left."))
        self.add_raster(
            "INCIDENCE_RASTER",
            tr("Raster of incidence angles"),
            tr(
                "Degrees or radians from the vertical (HyP3: inc_map_ell; not inc_map, which is measured from the "
                "slope). Used instead of one angle."
            ),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean("SKIP_UNKNOWN", tr("Write nothing where the view is unknown"), False),
            tr("For models: where nothing tells the view, go on without this layer instead of stopping."),
            advanced=True,
        )
        self.add_raster_output("OUTPUT", tr("LOS sensitivity"), tr("-1 to 1, positive toward the satellite."))
        self.add_raster_output(
            "VISIBILITY",
            tr("Visibility"),
            tr("1 seen well, 2 poorly seen (below 0.2), 3 layover or shadow, 4 level ground."),
            optional=True,
        )

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.raster import BandReader
        from ...core.satellite import find_viewing
        from ...core.terrain import los_sensitivity_to_file

        tags: dict[str, str] = {}
        rate = self.raster_path(parameters, "RATE", context)
        if rate is not None:
            with BandReader(rate) as reader:
                tags = reader.tags
        viewing = find_viewing(
            self.parameterAsEnumString(parameters, "ORBIT", context),
            self.number(parameters, "HEADING", context),
            self.number(parameters, "INCIDENCE", context),
            tags,
            progress,
            self.look_side(parameters, context),
        )
        if viewing is None:
            if not self.parameterAsBool(parameters, "SKIP_UNKNOWN", context):
                raise InputError(tr(UNKNOWN_VIEW))
            progress.warning(tr(UNKNOWN_VIEW))
            return {"OUTPUT": None, "VISIBILITY": None}
        output = self.required_output(parameters, "OUTPUT", context)
        visibility = self.output_path(parameters, "VISIBILITY", context)
        dem = self.required_raster(parameters, "INPUT", context)
        incidence = self.raster_path(parameters, "INCIDENCE_RASTER", context)
        los_sensitivity_to_file(dem, output, viewing, incidence, visibility, progress)
        self.finish_raster(output, "los_sensitivity", context)
        self.finish_raster(visibility, "visibility", context)
        return {"OUTPUT": output, "VISIBILITY": visibility}
