"""The choices of pair selection, corrections and stacking: one list of parameters.

Whoever offers them all reads the list: Stack interferograms, Map active deformation areas, the chain of tools, and the
dialog of the panel. A parameter that is added to one of the groups appears in all of these.
"""

from __future__ import annotations

from typing import Callable

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
)

from ...core.interferograms import PairLimits
from ...core.stacking import DEFAULT_ESTIMATOR, ESTIMATORS
from ..algorithm import Algorithm
from ..choices import PRODUCT_CHOICES, RAMP_CHOICES, REFERENCE_CHOICES, SIGN_CHOICES, UNIT_CHOICES
from ..texts import tr
from .paper import paper_text

AS_IN_PAPER = "AS_IN_PAPER"
"""The choice that sets others."""


class StackingChoices(Algorithm):
    """An algorithm that stacks interferograms: it asks for all that can be chosen there."""

    def groups(self) -> dict[str, Callable[[], None]]:
        """What adds the parameters of each group, by the title of the group, in the order in which they are asked."""
        return {
            tr("Stacking"): self.define_preset,
            tr("Pairs"): self.define_pairs,
            tr("Radar"): self.define_view,
            tr("Corrections"): self.define_corrections,
            tr("Rates"): self.define_stacking,
        }

    def define_choices(self) -> None:
        """All parameters of the list."""
        for define in self.groups().values():
            define()

    def define_preset(self) -> None:
        """The one choice that makes many."""
        others = StackingChoices()
        for define in others.groups().values():
            if define != others.define_preset:
                define()
        text = tr(
            "Sets what the paper says of stacking in the place of defaults: {}. What you set to something else than "
            "the default stays, and the log says so. The paper tells neither its reference phase nor the windows of "
            "its filter; these stay as chosen."
        )
        self.add(
            QgsProcessingParameterBoolean(AS_IN_PAPER, tr("As in the paper (Wu et al. 2024)"), False),
            text.format(paper_text(others.parameterDefinitions())),
            advanced=True,
        )

    def define_more_rasters(self) -> None:
        """The rasters beside the rates, which are only made when they are asked for."""
        self.add_raster_output(
            "STANDARD_ERROR",
            tr("Standard error"),
            tr(
                "Of the LOS rate, one standard deviation, from the noise of pairs (how the network closes) and of "
                "dates (residuals). The noise around a pixel takes part, as 10 degrees of freedom. It does not hold "
                "air that lasts from date to date, the reference, seasonal motion, and fading. No data where "
                "no pair is more than the dates need."
            ),
            optional=True,
        )
        self.add_raster_output("COUNT", tr("Number of pairs"), tr("Valid pairs in each pixel."), optional=True)
        self.add_raster_output(
            "CLOSURE",
            tr("Closure"),
            tr(
                "The share, 0 to 1, of a pixel's triplets (three pairs of three dates) that do not close but are off "
                "by whole cycles: above 0, pairs were unwrapped wrongly there."
            ),
            optional=True,
        )
        self.add_raster_output(
            "COHERENCE",
            tr("Mean coherence"),
            tr("The mean over the pairs, 0 to 1; empty where the interferograms come without coherence."),
            optional=True,
        )

    def define_pairs(self) -> None:
        """The parameters of pair selection."""
        self.add_choice(
            "PRODUCT",
            tr("Product"),
            tr("What made the interferograms; auto recognises it by the file names."),
            PRODUCT_CHOICES,
            "auto",
        )
        self.add_number(
            "MAX_TEMPORAL_BASELINE",
            tr("Largest temporal baseline (days)"),
            tr("Longer pairs are left out."),
            round(PairLimits.max_temporal_baseline),
            minimum=1,
        )
        self.add_number(
            "MAX_PERPENDICULAR_BASELINE",
            tr("Largest perpendicular baseline (m)"),
            tr(
                "Pairs with a larger one are left out. Where the product does not tell baselines, the rule is not "
                "applied, and the log says so."
            ),
            round(PairLimits.max_perpendicular_baseline),
            minimum=1,
        )
        self.add_number(
            "MIN_COHERENCE",
            tr("Smallest mean coherence of a pair"),
            tr("Pairs below are left out. Empty: no such rule."),
            None,
            0,
            1,
            advanced=True,
        )
        self.add_number(
            "MAX_CLOSURE",
            tr("Most pixels that do not close (%)"),
            tr(
                "Three pairs of three dates must add up. Pairs are left out of which more pixels do not, most likely "
                "by errors of unwrapping: usual is less than 1 %, and pairs that are in no such triplet are kept. "
                "Empty: no such rule."
            ),
            None,
            0,
            100,
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean(
                "MASK_COMPONENTS", tr("Leave out pixels outside connected components"), False
            ),
            tr(
                "Where a pair comes with the unwrapper's connected components (HyP3 bursts, ARIA, ISCE2), pixels that "
                "belong to none are no data in it: their number of cycles is a guess. Small patches of good coherence, "
                "a slide among forest, belong to none, too."
            ),
            advanced=True,
        )
        for name, title, text in (
            ("START_DATE", tr("First date"), tr("Pairs that begin earlier are left out.")),
            ("END_DATE", tr("Last date"), tr("Pairs that end later are left out.")),
        ):
            kind = QgsProcessingParameterDateTime.Type.Date
            self.add(QgsProcessingParameterDateTime(name, title, kind, optional=True), text, advanced=True)
        self.define_excluded()

    def define_view(self) -> None:
        """The parameters of the radar and its view, for products that don't tell them."""
        self.add_number(
            "WAVELENGTH",
            tr("Radar wavelength (m)"),
            tr(
                "Empty: as the products tell, else that of Sentinel-1 (0.0555), which the log says. ALOS-2 has 0.2424, "
                "TerraSAR-X 0.0311. What is given here and in the table of pairs counts before the products."
            ),
            None,
            0.02,
            1,
            advanced=True,
        )
        self.add_number(
            "HEADING",
            tr("Heading (degrees)"),
            tr("Direction of flight, clockwise from true north. Empty: as the products tell."),
            None,
            -360,
            360,
            advanced=True,
        )
        self.add_number(
            "INCIDENCE",
            tr("Incidence angle (degrees)"),
            tr("Between the line of sight and the vertical, in mid-scene. Empty: as the products tell."),
            None,
            5,
            70,
            advanced=True,
        )
        self.add_look_side(tr("As told: by the products, else right, as Sentinel-1 looks. NISAR looks to the left."))

    def define_excluded(self) -> None:
        """The parameter of the pairs that are left out by hand."""
        self.add(
            QgsProcessingParameterString("EXCLUDED_PAIRS", tr("Pairs left out by hand"), "", optional=True),
            tr("Names of pairs (such as 20180106_20180130) with spaces or commas between them."),
            advanced=True,
        )

    def define_corrections(self) -> None:
        """The parameters of the corrections."""
        self.add_choice(
            "REFERENCE_MODE",
            tr("Reference phase"),
            tr(
                "What is taken as stable in each pair: nothing; a stable window of high coherence that is searched "
                "for; the point or area given below; the median of the scene, which moves where much of the scene does."
            ),
            REFERENCE_CHOICES,
            "auto",
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                "REFERENCE",
                tr("Reference point or area"),
                [QgsProcessing.SourceType.TypeVectorPoint, QgsProcessing.SourceType.TypeVectorPolygon],
                optional=True,
            ),
            tr("A layer with the stable point, or with one or more stable polygons."),
            advanced=True,
        )
        self.add_choice(
            "RAMP",
            tr("Remove a ramp"),
            tr(
                "A plane or a quadratic surface fitted robustly to the stable part of each pair. Only for large "
                "scenes: in a small one it would remove the motion itself. A quadratic one takes a part of wide bowls "
                "of subsidence, too, unless these are masked."
            ),
            RAMP_CHOICES,
            "none",
            advanced=True,
        )
        self.add_raster(
            "DEM",
            tr("Digital elevation model"),
            tr("For the height correction, in metres."),
        )
        self.add(
            QgsProcessingParameterBoolean("HEIGHT_CORRECTION", tr("Remove delay that grows with height"), False),
            tr(
                "Fits the delay of each pair as proportional to elevation and removes it; from the rate, where the "
                "dates show that it is a delay and not motion. Needs the elevation model."
            ),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterFile(
                "DELAY_FOLDER",
                tr("Folder of delays (GACOS)"),
                QgsProcessingParameterFile.Behavior.Folder,
                optional=True,
            ),
            tr(
                "Zenith delays of GACOS, one file a date: 20180106.ztd with its .rsc, or 20180106.ztd.tif. Their "
                "difference is taken from each pair; pairs without a delay at both dates are left out."
            ),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterFile("DELAY_TABLE", tr("Table of delays (CSV)"), extension="csv", optional=True),
            tr(
                "For other rasters of delay, instead of a folder: a CSV with the columns date and file, and where "
                "known unit (m, cm or mm) and direction (zenith or los)."
            ),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean("ATMOSPHERE_FILTER", tr("Filter the atmosphere for the LOS rate"), True),
            tr(
                "Estimates the atmosphere of each date (rough in time, smooth in space) and removes it from the phases "
                "that make the LOS rate. The phase rate stays unfiltered."
            ),
        )
        self.add_number(
            "ATMOSPHERE_DAYS",
            tr("Atmosphere: time window (days)"),
            tr("What varies faster than this counts as atmosphere."),
            60,
            minimum=1,
            advanced=True,
        )
        self.add_number(
            "ATMOSPHERE_METRES",
            tr("Atmosphere: spatial window (m)"),
            tr("What is smoother than this counts as atmosphere."),
            2000,
            minimum=100,
            advanced=True,
        )
        self.add_raster(
            "EXCLUDE_MASK",
            tr("Mask of ground known to move"),
            tr("Above 0 where ramp, height correction and the search for a reference must not look."),
            advanced=True,
        )

    def define_stacking(self) -> None:
        """The parameters of the rates themselves and of their output."""
        self.add_choice(
            "ESTIMATOR",
            tr("Estimator of the rate"),
            tr(
                "network: generalised least squares, the most exact rate where pairs are missing or dates are "
                "noisy; it knows that pairs share the noise of their dates, and finds out "
                "from the stack how noisy dates and pairs are. eq1: the sum of time times phase over the sum of time "
                "squared, as in the paper (Eq. 1)."
            ),
            ESTIMATORS,
            DEFAULT_ESTIMATOR,
        )
        self.add_number(
            "MIN_PAIRS",
            tr("Fewest valid pairs in a pixel"),
            tr("Pixels with fewer have no rate."),
            3,
            1,
            integer=True,
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean("COHERENCE_WEIGHTS", tr("Weight pairs by coherence"), False),
            tr("Pairs count more where they are coherent."),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean("SEASONAL", tr("Estimate an annual motion beside the rate"), False),
            tr(
                "For ground that rises and sinks with the seasons, which a stack of a few years takes for a rate. "
                "Needs dates over 1.25 years or more; shorter stacks are computed without, which is told."
            ),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean("UNWRAPPING_CORRECTION", tr("Correct unwrapping errors"), False),
            tr(
                "Adds whole cycles to phases so that triplets of pairs close, before outliers are rejected. Worth it "
                "where many pairs are wrong on the same ground; it needs pairs that make loops."
            ),
            advanced=True,
        )
        self.add_number(
            "OUTLIER_SIGMA",
            tr("Reject outliers beyond (sigma)"),
            tr(
                "Pairs that are wrong by more than half a cycle and by so many standard deviations are left out at "
                "that pixel: errors of phase unwrapping, found by the closure of the network. 0: none are rejected."
            ),
            3.5,
            0,
            advanced=True,
        )
        self.add_number(
            "LOS_MIN_COHERENCE",
            tr("LOS rate: smallest mean coherence"),
            tr("Pixels whose coherence, averaged over the pairs, is lower have no LOS rate."),
            0.3,
            0,
            0.99,
            advanced=True,
        )
        self.add_choice(
            "SIGN",
            tr("Positive LOS rate means motion"),
            tr("Toward the satellite, as most software has it, or away from it, as in the paper."),
            SIGN_CHOICES,
            "toward",
            advanced=True,
        )
        self.add_choice(
            "UNIT",
            tr("Unit of the LOS rate"),
            tr("Millimetres or metres a year."),
            UNIT_CHOICES,
            "mm/yr",
            advanced=True,
        )


class _Collector(StackingChoices):
    """Keeps the parameters instead of asking for them.

    A copy of a parameter of an algorithm points to it even after its end, and QGIS from 3.40 on looks there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[QgsProcessingParameterDefinition] = []

    def addParameter(self, definition: QgsProcessingParameterDefinition, createOutput: bool = True) -> bool:
        self.kept.append(definition)
        return True

    def added_by(self, define: Callable[[], None]) -> tuple[QgsProcessingParameterDefinition, ...]:
        """The parameters that ``define`` adds."""
        self.kept = []
        define()
        return tuple(self.kept)


def grouped_choices() -> dict[str, tuple[QgsProcessingParameterDefinition, ...]]:
    """The parameters of the list by the titles of their groups, each time new ones."""
    collector = _Collector()
    return {title: collector.added_by(define) for title, define in collector.groups().items()}


def more_rasters() -> tuple[QgsProcessingParameterDefinition, ...]:
    """The rasters beside the rates, each time new definitions."""
    collector = _Collector()
    return collector.added_by(collector.define_more_rasters)
