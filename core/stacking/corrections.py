"""What is subtracted from the phases before stacking: reference phase, ramp, height-correlated delay, atmosphere.

Everything is estimated from a regular sample of the scene (bounded memory) and applied inside the one pass of the
stacking. Each correction is a surface per pair, linear in the terms of ``trends.basis``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..progress import Progress
from ..raster import HEIGHTS, Band, BandReader, Window, checked_band
from ..satellite import los_factor
from ..texts import Message
from ..types import Array, Double, PathLike
from .atmosphere_filter import Atmosphere, AtmosphereFilter, cell_size, estimate_atmosphere, network
from .delays import delay_correction
from .fading import Fading, fading_of
from .gathering import StackSample, gather, sample_elevation, stack_sample
from .height_delay import HeightDelay
from .reading import ReaderPool
from .reference_phase import Reference, reference_phases
from .trends import RAMPS, basis, fit_trends, trend_terms

if TYPE_CHECKING:
    from ..interferograms import DelayMap, Stack


_NO_REFERENCE = Reference()
_MEDIAN_MOVES = Message(
    "The reference is the median of the scene, which moves where much of the scene does: where half of it sinks, the "
    "rates of all of it are shifted by tens of mm/yr. The automatic reference looks for stable ground instead."
)
# Share of the estimation that comparing delays with phases takes.
_DELAYS_SHARE = 0.1


@dataclass(frozen=True)
class Corrections:
    """What is to be corrected; nothing by default.

    ``ramp``: "none", "plane" or "quadratic". ``height``: a delay linear in elevation. ``exclude_mask``: a raster on any
    grid; nothing is estimated where it is above 0. ``delays``: of the air at each date, which maps tell.
    """

    reference: Reference = _NO_REFERENCE
    ramp: str = "none"
    height: bool = False
    atmosphere: AtmosphereFilter | None = None
    exclude_mask: PathLike | None = None
    delays: Mapping[date, DelayMap] | None = None

    def __post_init__(self) -> None:
        if self.ramp not in RAMPS:
            raise InputError("The ramp must be one of {ramps}, not “{ramp}”.", ramps=", ".join(RAMPS), ramp=self.ramp)

    def check_rasters(self, dem: PathLike | None) -> None:
        """InputError where a raster that they need is missing or none, found out before any pair is read."""
        if self.height and dem is None:
            raise InputError("The height-correlated delay can only be corrected with a DEM. Choose one.")
        if dem is not None:
            checked_band(dem, HEIGHTS, Progress())
        if self.exclude_mask is not None:
            with BandReader(self.exclude_mask):
                return

    @property
    def has_trends(self) -> bool:
        """True when a ramp or the height-correlated delay is to be removed."""
        return self.ramp != "none" or self.height

    @property
    def needs_estimation(self) -> bool:
        """True when phases must be read before the stacking."""
        return self.reference.mode != "none" or self.has_trends or self.atmosphere is not None


NO_CORRECTIONS = Corrections()


@dataclass(frozen=True)
class CorrectionModel:
    """The estimated corrections of each pair of ``stack`` (the pairs that are left).

    ``coefficients`` (pairs, terms) of ``trends.basis``; ``dropped`` (name, reason) of the pairs left out; ``notes`` say
    what was found, ``warnings`` what could not be done as asked.
    """

    stack: Stack
    terms: tuple[str, ...] = ()
    coefficients: Double | None = None
    atmosphere: Atmosphere | None = None
    fading: Fading | None = None
    dropped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def needs_elevation(self) -> bool:
        """True when ``corrected`` needs the elevation of its pixels."""
        return "height" in self.terms

    def surfaces(self, rows: Double, columns: Double, elevation: NDArray[np.floating[Any]] | None) -> Double:
        """Phase to subtract from each pair at pixels of any shape (...): (pairs, ...).

        ``rows`` and ``columns`` in pixels, broadcast against each other; NaN where the elevation is needed and missing.
        """
        grid, shape = self.stack.grid, np.broadcast_shapes(rows.shape, columns.shape)
        if self.coefficients is None:
            return np.zeros((len(self.stack.interferograms), *shape))
        return np.tensordot(self.coefficients, basis(self.terms, rows, columns, elevation, grid), 1)

    def correct(self, values: Double, window: Window, part: tuple[slice, slice], elevation: Array | None) -> None:
        """Take reference, ramp and height delay away from ``values`` (pairs, h, w), phases of a part of a window."""
        if self.coefficients is None:
            return
        if self.terms == ("constant",):
            values -= self.coefficients[:, :, None]
            return
        rows = np.arange(part[0].start, part[0].stop) + float(window.row)
        columns = np.arange(part[1].start, part[1].stop) + float(window.column)
        heights = elevation[part] if elevation is not None else None
        values -= self.surfaces(rows[:, None], columns[None, :], heights)

    def filtered(self, corrected: Double, window: Window, part: tuple[slice, slice]) -> Double:
        """``corrected`` without the atmosphere of each date; the very same array where it is not filtered."""
        if self.atmosphere is None:
            return corrected
        return self.atmosphere.taken_from(corrected, window, part)


def estimate_corrections(
    stack: Stack, pool: ReaderPool, corrections: Corrections, dem: Band | PathLike | None, progress: Progress
) -> CorrectionModel:
    """Estimate what is asked for, from one reading of the phases.

    Raises InputError when the height correction has no DEM or one that lies elsewhere, or when no pair has data in the
    reference.
    """
    if corrections.height and dem is None:
        raise InputError("The height-correlated delay can only be corrected with a DEM. Choose one.")
    if corrections.delays is None:
        return _estimated(CorrectionModel(stack), pool, corrections, dem, progress)
    known = delay_correction(stack, pool, corrections.delays, progress.part(0, _DELAYS_SHARE))
    # From here on all phases that the pool reads are without their delays.
    pool.delays = known.pairs
    begun = CorrectionModel(known.stack, dropped=known.dropped, notes=known.notes, warnings=known.warnings)
    return _estimated(begun, pool, corrections, dem, progress.part(_DELAYS_SHARE, 1))


def _estimated(
    model: CorrectionModel,
    pool: ReaderPool,
    corrections: Corrections,
    dem: Band | PathLike | None,
    progress: Progress,
) -> CorrectionModel:
    """The model with what is estimated from the phases themselves."""
    if not corrections.needs_estimation:
        return model
    stack = model.stack
    options = corrections.atmosphere
    cell = None if options is None else cell_size(stack, options)
    needs_sample = corrections.has_trends or corrections.reference.needs_sample
    heights = None
    if needs_sample and corrections.height and dem is not None:
        heights = sample_elevation(pool, dem, len(stack.interferograms))
    phases, cells = gather(stack, pool, cell, needs_sample, progress.part(0, 0.7))
    sample = None
    if phases is not None:
        sample = stack_sample(stack, pool, phases, heights, corrections.exclude_mask, progress.part(0.7, 0.9))
    if corrections.has_trends and sample is not None:
        model = _with_trends(model, corrections, sample, progress)
    model, anchor = _with_reference(model, pool, corrections.reference, sample, dem)
    if sample is not None:
        model = _with_fading(model, sample, stack)
    if options is not None:
        used = {id(pair) for pair in model.stack.interferograms}
        atmosphere, notes = estimate_atmosphere(
            model.stack,
            pool,
            options,
            None if cells is None else cells.of(np.array([id(pair) in used for pair in stack.interferograms])),
            model.surfaces if model.coefficients is not None else None,
            dem if model.needs_elevation else None,
            anchor,
            progress.part(0.9, 1),
        )
        if atmosphere is None:
            model = replace(model, warnings=model.warnings + notes)
        else:
            model = replace(model, atmosphere=atmosphere, notes=model.notes + notes)
    return model


def _with_trends(
    model: CorrectionModel, corrections: Corrections, sample: StackSample, progress: Progress
) -> CorrectionModel:
    terms, notes = trend_terms(corrections.ramp, corrections.height, sample, model.stack.grid)
    model = replace(model, warnings=model.warnings + notes)
    if not terms:
        return model
    years = np.array([pair.years for pair in model.stack.interferograms])
    surfaces = basis(
        terms,
        sample.rows[:, None].astype(float),
        sample.columns[None, :].astype(float),
        sample.elevation,
        model.stack.grid,
    )
    height_delay = None
    if terms[-1] == "height":
        dates, incidence, _ = network(model.stack)
        height_delay = HeightDelay(incidence, np.array([day.toordinal() for day in dates], np.float64))
    coefficients, more = fit_trends(sample.phases, years, surfaces, sample.excluded, progress.check, height_delay)
    model = replace(model, terms=terms, coefficients=coefficients, notes=model.notes + more)
    bent = _bent_rate(terms, coefficients, surfaces, years, sample)
    if bent is None or sample.excluded.any():
        return model
    warning = Message(
        "The quadratic ramp took up to {bent:.1f} mm/yr from the rates. A wide bowl of subsidence is bent like it, and "
        "loses by it: one of 14 km an eighth of its depth. Mask the ground that moves, or remove a plane.",
        bent=bent * abs(los_factor(model.stack.wavelength, "mm/yr", "toward")),
    )
    return replace(model, warnings=(*model.warnings, warning))


def _bent_rate(
    terms: tuple[str, ...], coefficients: Double, surfaces: Double, years: Double, sample: StackSample
) -> float | None:
    """How much of the rate (rad/yr) a quadratic ramp took, from one end of the scene to the other; None for nothing."""
    bent = [index for index, term in enumerate(terms) if term in ("xx", "xy", "yy")]
    rate = np.tensordot(years @ coefficients[:, bent] / (years @ years), surfaces[bent], 1)
    seen = rate[np.isfinite(sample.phases).any(axis=0) & np.isfinite(rate)]
    size = float(np.ptp(seen)) if bent and seen.size else 0.0
    return size if size > 0.1 else None


def _with_fading(model: CorrectionModel, sample: StackSample, stack: Stack) -> CorrectionModel:
    """The model with what short pairs hold more than long ones in the sample of all pairs of ``stack``."""
    used = {id(pair) for pair in model.stack.interferograms}
    kept = replace(sample, phases=sample.phases[np.array([id(pair) in used for pair in stack.interferograms])])
    fading = fading_of(kept, model.stack.interferograms, stack.wavelength)
    if fading is None:
        return model
    notes, warnings = fading.notes()
    return replace(model, fading=fading, notes=model.notes + notes, warnings=model.warnings + warnings)


def _with_reference(
    model: CorrectionModel,
    pool: ReaderPool,
    reference: Reference,
    sample: StackSample | None,
    dem: Band | PathLike | None,
) -> tuple[CorrectionModel, tuple[float, float] | None]:
    """The model with the reference phase as its constant term, and the reference's (row, column)."""
    if reference.mode == "none":
        return model, None
    if reference.mode == "median":
        model = replace(model, warnings=(*model.warnings, _MEDIAN_MOVES))
    has_trends = model.coefficients is not None
    found = reference_phases(
        model.stack,
        pool,
        reference,
        sample,
        model.surfaces if has_trends else None,
        dem if model.needs_elevation else None,
    )
    kept = np.isfinite(found.phases)
    pairs = model.stack.interferograms
    dropped = tuple(
        (
            pair.name,
            Message(
                "{name} was left out: it has no valid pixel in the reference ({place}).",
                name=pair.name,
                place=found.place,
            ),
        )
        for pair, keep in zip(pairs, kept)
        if not keep
    )
    if not kept.any():
        raise InputError(
            "No pair has a valid pixel in the reference ({place}). Choose another reference.", place=found.place
        )
    stack = replace(model.stack, interferograms=tuple(pair for pair, keep in zip(pairs, kept) if keep))
    terms: tuple[str, ...] = ("constant",)
    coefficients = found.phases[kept, None]
    if model.coefficients is not None:
        terms = (*terms, *model.terms)
        coefficients = np.hstack([coefficients, model.coefficients[kept]])
    note = Message(
        "Reference phase: {place}, subtracted from each of {count} pairs.",
        place=found.place,
        count=len(stack.interferograms),
    )
    result = replace(
        model,
        stack=stack,
        terms=terms,
        coefficients=coefficients,
        dropped=model.dropped + dropped,
        notes=(*model.notes, note),
        warnings=(*model.warnings, *(reason for _, reason in dropped)),
    )
    return result, found.position
