"""adamapper:stackinterferograms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.errors import InputError
from ...core.interferograms import PairLimits
from ...core.progress import Progress
from ..algorithm import Algorithm
from ..choices import PRODUCT_CHOICES, RAMP_CHOICES, REFERENCE_CHOICES, SIGN_CHOICES, UNIT_CHOICES
from ..outputs import refuse_over, targets_of
from ..texts import tr

if TYPE_CHECKING:
    from ...core.interferograms import PairLimits
    from ...core.stacking import Corrections, StackingOptions


class StackInterferograms(Algorithm):
    """A folder of unwrapped interferograms → phase rate, LOS rate, standard error, count and a report."""

    NAME = "stackinterferograms"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Stack interferograms")
    GROUP = "interferograms"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Averages unwrapped interferograms to the rate of ground motion along the line of sight. The phase rate "
        "(rad/yr, positive for growing range) is the sum of time times phase over the sum of time squared of the pairs "
        "that are valid in a pixel, before the atmospheric filter; the LOS rate comes from the corrected and filtered "
        "phases and is masked where coherence is low. What was left out or assumed is in the log and in the report.",
    )

    def define(self) -> None:
        self.add(
            QgsProcessingParameterFile(
                "INPUT_FOLDER",
                tr("Folder of interferograms"),
                QgsProcessingParameterFile.Behavior.Folder,
                optional=True,
            ),
            tr(
                "Searched with all its subfolders. HyP3, LiCSAR, LiCSBAS, ARIA, NISAR, ISCE2, SNAP, GMTSAR, GAMMA and "
                "ROI_PAC products are recognised by their file names."
            ),
        )
        self.add(
            QgsProcessingParameterFile("PAIRS_FILE", tr("Table of pairs (CSV)"), extension="csv", optional=True),
            tr(
                "For any other product, instead of a folder: a CSV with the columns file, date1, date2, "
                "perpendicular_baseline_m and coherence_file (the last two may be empty). A file of several variables "
                "or bands is named with one of them: stack.nc:phase, pair.tif:2."
            ),
        )
        self.define_pairs()
        self.define_corrections()
        self.define_stacking()
        self.add_raster_output("PHASE_RATE", tr("Phase rate"), tr("rad/yr, positive for growing range (motion away)."))
        self.add_raster_output("LOS_RATE", tr("LOS rate"), tr("In the chosen unit and sign, masked by coherence."))
        self.add_raster_output(
            "STANDARD_ERROR", tr("Standard error"), tr("Of the LOS rate, from residuals."), optional=True
        )
        self.add_raster_output("COUNT", tr("Number of pairs"), tr("Valid pairs in each pixel."), optional=True)
        self.add(
            QgsProcessingParameterFileDestination(
                "REPORT", tr("Report"), "HTML (*.html)", optional=True, createByDefault=True
            ),
            tr("A page with the pairs used and dropped, the reasons, and a plot of the network."),
        )
        self.addOutput(QgsProcessingOutputNumber("PAIRS_FOUND", tr("Pairs found")))
        self.addOutput(QgsProcessingOutputNumber("PAIRS_USED", tr("Pairs used")))

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
        for name, title, text in (
            ("START_DATE", tr("First date"), tr("Pairs that begin earlier are left out.")),
            ("END_DATE", tr("Last date"), tr("Pairs that end later are left out.")),
        ):
            kind = QgsProcessingParameterDateTime.Type.Date
            self.add(QgsProcessingParameterDateTime(name, title, kind, optional=True), text, advanced=True)
        self.define_excluded()

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
                "for; the point or area given below; the median of the scene."
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
                "scenes: in a small one it would remove the motion itself."
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
            tr("Fits the delay of each pair as proportional to elevation and removes it. Needs the elevation model."),
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
        """The parameters of the sum itself and of its output."""
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
        self.add_number(
            "OUTLIER_SIGMA",
            tr("Reject outliers beyond (sigma)"),
            tr("Pairs whose residual in a pixel is larger are left out there. Empty: none are rejected."),
            None,
            1,
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

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.interferograms import find_stack, select_pairs
        from ...core.stacking import StackOutputs, stack_to_files, write_report

        outputs = StackOutputs(
            phase_rate=self.required_output(parameters, "PHASE_RATE", context),
            los_rate=self.output_path(parameters, "LOS_RATE", context),
            standard_error=self.output_path(parameters, "STANDARD_ERROR", context),
            count=self.output_path(parameters, "COUNT", context),
        )
        folder = self.parameterAsString(parameters, "INPUT_FOLDER", context) or None
        pairs_file = self.parameterAsString(parameters, "PAIRS_FILE", context) or None
        product = self.parameterAsEnumString(parameters, "PRODUCT", context)
        limits = self.pair_limits(parameters, context)
        corrections = self.corrections(parameters, context)
        dem = self.raster_path(parameters, "DEM", context)
        corrections.check_rasters(dem)
        found = find_stack(folder, product, pairs_file, progress.part(0, 0.05))
        # A table lists files that lie anywhere.
        refuse_over(targets_of(self, parameters, context), found.sources, tr("an interferogram"))
        selection = select_pairs(found, limits, progress.part(0.05, 0.15))
        result = stack_to_files(
            selection.stack,
            outputs,
            corrections=corrections,
            options=self.stacking_options(parameters, context, len(selection.stack.interferograms), progress),
            dem=dem,
            progress=progress.part(0.15, 1),
        )
        report = self.file_output(parameters, "REPORT", context)
        if report is not None:
            write_report(report, selection, result, self.settings(parameters), tr)
        for kind in ("phase_rate", "los_rate", "standard_error", "count"):
            self.finish_raster(getattr(outputs, kind), kind, context)
        return {
            **{kind.upper(): getattr(outputs, kind) for kind in ("phase_rate", "los_rate", "standard_error", "count")},
            "REPORT": report,
            "PAIRS_FOUND": len(selection.stack.interferograms) + len(selection.dropped),
            "PAIRS_USED": result.pairs_used,
        }

    def settings(self, parameters: dict[str, Any]) -> dict[str, str]:
        """What the user chose, by the titles in the dialog, for the report."""
        chosen = {}
        for definition in self.parameterDefinitions():
            value = parameters.get(definition.name(), definition.defaultValue())
            if value not in (None, "") and not definition.isDestination():
                chosen[definition.description()] = str(value.source() if hasattr(value, "source") else value)
        return chosen

    def pair_limits(self, parameters: dict[str, Any], context: QgsProcessingContext) -> PairLimits:
        """The rules of pair selection."""
        from ...core.interferograms import PairLimits

        days = {}
        for name in ("START_DATE", "END_DATE"):
            moment = self.parameterAsDateTime(parameters, name, context)
            days[name] = moment.date().toPyDate() if moment.isValid() else None
        return PairLimits(
            max_temporal_baseline=self.required_number(parameters, "MAX_TEMPORAL_BASELINE", context),
            max_perpendicular_baseline=self.required_number(parameters, "MAX_PERPENDICULAR_BASELINE", context),
            first_date=days["START_DATE"],
            last_date=days["END_DATE"],
            min_coherence=self.number(parameters, "MIN_COHERENCE", context),
            excluded=frozenset(
                re.findall(r"[^\s,;]+", self.parameterAsString(parameters, "EXCLUDED_PAIRS", context) or "")
            ),
        )

    def corrections(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Corrections:
        """The corrections that were asked for."""
        from ...core.stacking import AtmosphereFilter, Corrections, Reference

        mode = self.parameterAsEnumString(parameters, "REFERENCE_MODE", context)
        geometry, crs = self.geometry(parameters, "REFERENCE", context)
        if mode in ("point", "area") and geometry is None:
            message = tr("The reference phase “{}” needs a layer with that {} (given as REFERENCE).")
            raise InputError(message.format(mode, mode))
        atmosphere = None
        if self.parameterAsBool(parameters, "ATMOSPHERE_FILTER", context):
            atmosphere = AtmosphereFilter(
                self.required_number(parameters, "ATMOSPHERE_DAYS", context),
                self.required_number(parameters, "ATMOSPHERE_METRES", context),
            )
        return Corrections(
            reference=Reference(mode, geometry, crs),
            ramp=self.parameterAsEnumString(parameters, "RAMP", context),
            height=self.parameterAsBool(parameters, "HEIGHT_CORRECTION", context),
            atmosphere=atmosphere,
            exclude_mask=self.raster_path(parameters, "EXCLUDE_MASK", context),
        )

    def stacking_options(
        self, parameters: dict[str, Any], context: QgsProcessingContext, pairs: int, progress: Progress
    ) -> StackingOptions:
        """How the phases are summed; never more valid pairs asked for than there are."""
        from ...core.stacking import StackingOptions

        wanted = self.parameterAsInt(parameters, "MIN_PAIRS", context)
        if wanted > pairs:
            progress.warning(
                tr("Only {} pairs are left, so pixels need {} valid pairs, not {}.").format(pairs, pairs, wanted)
            )
        return StackingOptions(
            min_pairs=min(wanted, pairs),
            coherence_weights=self.parameterAsBool(parameters, "COHERENCE_WEIGHTS", context),
            outlier_sigma=self.number(parameters, "OUTLIER_SIGMA", context),
            min_coherence=self.required_number(parameters, "LOS_MIN_COHERENCE", context),
            sign=self.parameterAsEnumString(parameters, "SIGN", context),
            unit=self.parameterAsEnumString(parameters, "UNIT", context),
        )
