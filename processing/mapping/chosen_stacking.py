"""What the choices of stacking mean to core."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from qgis.core import QgsProcessingContext

from ...core.errors import InputError
from ...core.interferograms import PairLimits
from ...core.progress import Progress
from ..texts import tr
from .paper import as_in_paper
from .stacking_choices import AS_IN_PAPER, StackingChoices

if TYPE_CHECKING:
    from ...core.interferograms import DelayMap, GivenView
    from ...core.stacking import Corrections, StackingOptions


class ChosenStacking(StackingChoices):
    """An algorithm that is given all choices of stacking, and what they are to core."""

    def as_chosen(
        self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress
    ) -> dict[str, Any]:
        """The parameters, with those of the paper where they are asked for, which is told."""
        if not self.parameterAsBool(parameters, AS_IN_PAPER, context):
            return parameters
        return as_in_paper(self, parameters, context, progress)

    def given_view(self, parameters: dict[str, Any], context: QgsProcessingContext) -> GivenView:
        """What was given of the radar and its view."""
        from ...core.interferograms import GivenView

        wavelength, heading, incidence = (
            self.number(parameters, name, context) for name in ("WAVELENGTH", "HEADING", "INCIDENCE")
        )
        return GivenView(wavelength, heading, incidence, self.look_side(parameters, context))

    def pair_limits(self, parameters: dict[str, Any], context: QgsProcessingContext) -> PairLimits:
        """The rules of pair selection."""
        from ...core.interferograms import PairLimits

        days = {}
        for name in ("START_DATE", "END_DATE"):
            moment = self.parameterAsDateTime(parameters, name, context)
            days[name] = moment.date().toPyDate() if moment.isValid() else None
        closure = self.number(parameters, "MAX_CLOSURE", context)
        return PairLimits(
            max_temporal_baseline=self.required_number(parameters, "MAX_TEMPORAL_BASELINE", context),
            max_perpendicular_baseline=self.required_number(parameters, "MAX_PERPENDICULAR_BASELINE", context),
            first_date=days["START_DATE"],
            last_date=days["END_DATE"],
            min_coherence=self.number(parameters, "MIN_COHERENCE", context),
            excluded=frozenset(
                re.findall(r"[^\s,;]+", self.parameterAsString(parameters, "EXCLUDED_PAIRS", context) or "")
            ),
            max_closure=None if closure is None else closure / 100,
        )

    def delays(
        self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress
    ) -> Mapping[date, DelayMap] | None:
        """The delays of the air that were given, by date."""
        from ...core.interferograms import find_delays

        folder, table = (
            self.parameterAsString(parameters, name, context) or None for name in ("DELAY_FOLDER", "DELAY_TABLE")
        )
        return find_delays(folder, table, progress)

    def corrections(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        delays: Mapping[date, DelayMap] | None = None,
    ) -> Corrections:
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
            delays=delays,
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
            estimator=self.parameterAsEnumString(parameters, "ESTIMATOR", context),
            min_pairs=min(wanted, pairs),
            coherence_weights=self.parameterAsBool(parameters, "COHERENCE_WEIGHTS", context),
            seasonal=self.parameterAsBool(parameters, "SEASONAL", context),
            unwrapping_correction=self.parameterAsBool(parameters, "UNWRAPPING_CORRECTION", context),
            outlier_sigma=self.required_number(parameters, "OUTLIER_SIGMA", context) or None,
            min_coherence=self.required_number(parameters, "LOS_MIN_COHERENCE", context),
            sign=self.parameterAsEnumString(parameters, "SIGN", context),
            unit=self.parameterAsEnumString(parameters, "UNIT", context),
        )
