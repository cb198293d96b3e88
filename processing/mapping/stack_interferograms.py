"""adamapper:stackinterferograms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.progress import Progress
from ..outputs import refuse_over, targets_of
from ..texts import tr
from .chosen_stacking import ChosenStacking


class StackInterferograms(ChosenStacking):
    """A folder of unwrapped interferograms → phase rate, LOS rate, standard error, count and a report."""

    NAME = "stackinterferograms"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Stack interferograms")
    GROUP = "interferograms"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Turns unwrapped interferograms into the rate of ground motion along the line of sight. The phase rate "
        "(rad/yr, positive for growing range) comes from the pairs that are valid in a pixel, by the chosen estimator "
        "and before the atmospheric filter; the LOS rate comes from the corrected and filtered phases and is masked "
        "where coherence is low. What was left out or assumed is in the log and in the report.",
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
                "For any other product, instead of a folder: a CSV with the columns file, date1 and date2, and where "
                "known perpendicular_baseline_m, coherence_file, wavelength_m, heading_deg, incidence_deg and "
                "look_side (right or left). A file of several variables or bands is named with one of them: "
                "stack.nc:phase, pair.tif:2."
            ),
        )
        self.define_choices()
        self.add_raster_output("PHASE_RATE", tr("Phase rate"), tr("rad/yr, positive for growing range (motion away)."))
        self.add_raster_output("LOS_RATE", tr("LOS rate"), tr("In the chosen unit and sign, masked by coherence."))
        self.define_more_rasters()
        self.add(
            QgsProcessingParameterFileDestination(
                "REPORT", tr("Report"), "HTML (*.html)", optional=True, createByDefault=True
            ),
            tr("A page with the pairs used and dropped, the reasons, and a plot of the network."),
        )
        self.addOutput(QgsProcessingOutputNumber("PAIRS_FOUND", tr("Pairs found")))
        self.addOutput(QgsProcessingOutputNumber("PAIRS_USED", tr("Pairs used")))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.interferograms import find_stack, note_components, select_pairs, timing_notes, within_components
        from ...core.stacking import StackOutputs, stack_to_files, write_report

        parameters = self.as_chosen(parameters, context, progress)
        outputs = StackOutputs(
            phase_rate=self.required_output(parameters, "PHASE_RATE", context),
            los_rate=self.output_path(parameters, "LOS_RATE", context),
            standard_error=self.output_path(parameters, "STANDARD_ERROR", context),
            count=self.output_path(parameters, "COUNT", context),
            closure=self.output_path(parameters, "CLOSURE", context),
            coherence=self.output_path(parameters, "COHERENCE", context),
        )
        folder = self.parameterAsString(parameters, "INPUT_FOLDER", context) or None
        pairs_file = self.parameterAsString(parameters, "PAIRS_FILE", context) or None
        product = self.parameterAsEnumString(parameters, "PRODUCT", context)
        limits = self.pair_limits(parameters, context)
        delays = self.delays(parameters, context, progress.part(0, 0.02))
        corrections = self.corrections(parameters, context, delays)
        dem = self.raster_path(parameters, "DEM", context)
        corrections.check_rasters(dem)
        view = self.given_view(parameters, context)
        found = find_stack(folder, product, pairs_file, progress.part(0.02, 0.05), view)
        # A table lists files that lie anywhere.
        refuse_over(targets_of(self, parameters, context), found.sources, tr("an interferogram"))
        if self.parameterAsBool(parameters, "MASK_COMPONENTS", context):
            found = within_components(found, progress)
        else:
            note_components(found, progress)
        maps = [delay.band.label for delay in (delays or {}).values()]
        refuse_over(targets_of(self, parameters, context), maps, tr("a delay of the air"))
        selection = select_pairs(found, limits, progress.part(0.05, 0.15))
        options = self.stacking_options(parameters, context, len(selection.stack.interferograms), progress)
        cautions = timing_notes(selection.stack.interferograms, options.seasonal)
        for caution in cautions:
            progress.warning(caution)
        result = stack_to_files(
            selection.stack,
            outputs,
            corrections=corrections,
            options=options,
            dem=dem,
            progress=progress.part(0.15, 1),
        )
        report = self.file_output(parameters, "REPORT", context)
        if report is not None:
            selection = replace(selection, notes=(*selection.notes, *cautions))
            write_report(report, selection, result, self.settings(parameters), tr)
        kinds = ("phase_rate", "los_rate", "standard_error", "count", "closure", "coherence")
        for kind in kinds:
            self.finish_raster(getattr(outputs, kind), kind, context)
        return {
            **{kind.upper(): getattr(outputs, kind) for kind in kinds},
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
