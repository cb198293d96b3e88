"""Stacking: many interferograms become one rate of motion per pixel, with its standard error.

Over the valid pairs of each pixel only, by equation 1 of Wu et al. (2024), p = Σ w Δt φ / Σ w Δt², or by generalised
least squares of the network (see ``network_rate``), in rad/yr with Δt in years of 365.25 days. φ > 0, and so p > 0, is
motion away from the satellite. Equation 2 gives the rate along the line of sight, r = ∓λp / 4π. The phase rate is that
before the atmospheric filter and dense; the LOS rate comes from the filtered phases and is masked by coherence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..interferograms import SEASONAL_YEARS
from ..progress import QUIET, Progress
from ..raster import HEIGHTS, BandDescription, RasterWriter, checked_band, limited_cache
from ..satellite import HEADING_TAG, INCIDENCE_TAG, LOOK_SIDE_TAG, SHORTEST_PAIR_TAG, WAVELENGTH_TAG, los_factor
from ..texts import Message
from ..types import PathLike
from .blocks import Stacker
from .closure_map import closure_map
from .corrections import NO_CORRECTIONS, Corrections, estimate_corrections
from .noise_sample import usual_noise
from .options import StackingOptions, StackOutputs
from .reading import ReaderPool
from .results import StackingResult, Summary
from .standard_error import DATE_METRES, NEAR_FREEDOM, PAIR_METRES, NoiseStore, noise_store

if TYPE_CHECKING:
    from ..interferograms import Interferogram, Stack

# Headings of one orbit differ by a few degrees, those of the two orbits by more than twenty everywhere on Earth.
_SAME_ORBIT = 10.0
# Of the progress bar, for the looks at the offsets of triplets and at the noise.
_CLOSURE_SHARE = 0.05
_NOISE_SHARE = 0.05

_EMPTY = Message("No pixel has any valid phase: the rates are empty. Check the interferograms and the corrections.")
_EMPTY_FOR_PAIRS = Message("No pixel has enough valid pairs: the rates are empty. Lower the minimum number of pairs.")
_TOO_SHORT_FOR_SEASONS = Message(
    "Annual terms were left out: the dates must last {years:g} years or more to tell a rate and a season apart.",
    years=SEASONAL_YEARS,
)
_NO_TRIPLETS_TO_CORRECT = Message(
    "No three pairs connect three dates, so no unwrapping error can be corrected. Allow longer pairs."
)
_NO_TRIPLETS_TO_SHOW = Message("No three pairs connect three dates, so the closure is empty.")
_NO_COHERENCE_TO_SHOW = Message("The interferograms have no coherence, so its mean is empty.")
_DEFAULT_OPTIONS = StackingOptions()


def stack_to_files(
    stack: Stack,
    outputs: StackOutputs,
    corrections: Corrections = NO_CORRECTIONS,
    options: StackingOptions = _DEFAULT_OPTIONS,
    dem: PathLike | None = None,
    progress: Progress = QUIET,
) -> StackingResult:
    """Correct and stack interferograms in one pass over blocks of rows; memory is bounded by a block.

    Writes float32 GeoTIFFs with NaN for no data (the count: uint16, 0). ``dem`` is needed for the height correction
    only and may have any grid. Raises InputError for unusable input, OutputError when a result can't be written,
    CancelledError; in all three cases no file is left.
    """
    _check(stack, outputs, options)
    elevation = None if dem is None else checked_band(dem, HEIGHTS, progress)
    with limited_cache(), ReaderPool(stack.grid) as pool:
        needs_pass = corrections.needs_estimation
        estimation = progress.part(0, 0.5 if needs_pass else 0)
        model = estimate_corrections(stack, pool, corrections, elevation, estimation)
        begin = 0.5 if needs_pass else 0.0
        stacker = Stacker(model.stack, pool, options, model, outputs, elevation)
        stacker, begin, more = _looked_around(stacker, begin, progress)
        if options.seasonal and not stacker.is_seasonal:
            model = replace(model, warnings=(*model.warnings, _TOO_SHORT_FOR_SEASONS))
        notes = [*model.notes, *more, *_told(stacker)]
        for warning in model.warnings:
            progress.warning(warning)
        for note in notes:
            progress.info(note)
        written = _write(stacker, outputs, options, progress.part(begin, 1))
    phase_rate = written.phase_rate.statistics()
    los_rate = None if written.los_rate is None else written.los_rate.statistics()
    if phase_rate.pixels == 0:
        progress.warning(_EMPTY_FOR_PAIRS if written.phases else _EMPTY)
    else:
        for note in _notes_on_errors(written, model.stack, options):
            notes.append(note)
            progress.info(note)
    if phase_rate.pixels and los_rate is not None and los_rate.pixels == 0:
        progress.warning("No pixel reaches the minimum coherence: the LOS rate is empty. Lower the limit.")
    return StackingResult(
        pairs_used=len(model.stack.interferograms),
        dropped=model.dropped,
        pixels=stack.grid.width * stack.grid.height,
        phase_rate=phase_rate,
        los_rate=los_rate,
        wavelength=stack.wavelength,
        notes=model.warnings + tuple(notes),
        fading=model.fading,
    )


def _looked_around(stacker: Stacker, begin: float, progress: Progress) -> tuple[Stacker, float, list[str]]:
    """(the stacker with what it must know of the whole scene, where its own progress begins, what to tell)."""
    outputs, options = stacker.outputs, stacker.options
    notes: list[str] = []
    if outputs.closure is not None or options.unwrapping_correction:
        part = progress.part(begin, begin + _CLOSURE_SHARE)
        closure = closure_map(stacker.model, stacker.pool, stacker.dem, part)
        stacker, begin = replace(stacker, closure=closure), begin + _CLOSURE_SHARE
        if options.unwrapping_correction and not len(closure.triplets):
            notes.append(_NO_TRIPLETS_TO_CORRECT)
        if outputs.closure is not None and not len(closure.triplets):
            notes.append(_NO_TRIPLETS_TO_SHOW)
    if options.estimator == "network":
        noise, told = usual_noise(stacker, progress.part(begin, begin + _NOISE_SHARE))
        stacker, begin = replace(stacker, noise=noise), begin + _NOISE_SHARE
        notes.append(told)
    return stacker, begin, notes


def _told(stacker: Stacker) -> list[str]:
    """What is to be said of the pass before it begins."""
    notes: list[str] = []
    if stacker.is_seasonal:
        notes.append(Message("A motion that returns every year is estimated beside the rate of each pixel."))
    if stacker.says_mask_missing:
        notes.append(Message("The interferograms have no coherence, so the LOS rate is not masked by it."))
    if stacker.outputs.coherence is not None and not stacker.has_coherence:
        notes.append(_NO_COHERENCE_TO_SHOW)
    if len(stacker.stack.interferograms) == 1:
        notes.append(Message("Only one pair is stacked: the rate has no standard error."))
    elif stacker.outputs.standard_error is not None and stacker.is_tree:
        notes.append(
            Message(
                "No pair is more than the dates of the network need, so its residuals can't tell the noise: the "
                "rate has no standard error. Allow longer pairs."
            )
        )
    elif stacker.outputs.standard_error is not None:
        notes.append(
            Message(
                "Standard error: from the noise of pairs (closure of the network) and of dates (residuals) in each "
                "pixel, drawn toward that around it, which counts as {freedom:g} degrees of freedom (Gaussian "
                "windows of {pair:g} m for pairs and {date:g} m for dates). It does not hold air that lasts from "
                "date to date, the noise of the reference, seasonal motion, and fading.",
                freedom=NEAR_FREEDOM,
                pair=PAIR_METRES,
                date=DATE_METRES,
            )
        )
    return notes


def _check(stack: Stack, outputs: StackOutputs, options: StackingOptions) -> None:
    if not stack.interferograms:
        raise InputError("There are no interferograms to stack.")
    paths = [str(path) for path in vars(outputs).values() if path is not None]
    if len(set(paths)) < len(paths):
        raise InputError("Two results would be written to the same file. Give each its own name.")
    without = [pair.name for pair in stack.interferograms if pair.coherence is None]
    if options.coherence_weights and without:
        raise InputError(
            "Coherence weights need the coherence of every pair; {count} have none (first: {without}). "
            "Add the coherence files, or stack without weights.",
            count=len(without),
            without=without[0],
        )
    if options.min_pairs > len(stack.interferograms):
        raise InputError(
            "At least {min_pairs} pairs are wanted at each pixel, but the stack has only "
            "{count}. Lower the minimum number of pairs.",
            min_pairs=options.min_pairs,
            count=len(stack.interferograms),
        )


@dataclass(frozen=True)
class _Written:
    """Statistics of the rates, how many phases were stacked, and the counts of ``Block.wrong`` (2, pairs)."""

    phase_rate: Summary
    los_rate: Summary | None
    phases: int
    wrong: NDArray[np.int64]


def _notes_on_errors(written: _Written, stack: Stack, options: StackingOptions) -> list[Message]:
    """How many phases were corrected by whole cycles, and left out as outliers; and of which pair most."""
    corrected, rejected = written.wrong
    phases = max(int(rejected.sum()) + written.phases, 1)
    names = [pair.name for pair in stack.interferograms]
    notes = []
    if corrected.any():
        note = Message(
            "Unwrapping errors: {share:.3g} % of the phases were corrected by whole cycles; the most, {pixels} pixels, "
            "of pair {name}.",
            share=100 * int(corrected.sum()) / phases,
            pixels=int(corrected.max()),
            name=names[int(np.argmax(corrected))],
        )
        notes.append(note)
    elif options.unwrapping_correction:
        notes.append(Message("Unwrapping errors: none was found to correct."))
    if rejected.any():
        note = Message(
            "Outlier rejection left out {share:.3g} % of the phases; the most, {pixels} pixels, of pair {name}.",
            share=100 * int(rejected.sum()) / phases,
            pixels=int(rejected.max()),
            name=names[int(np.argmax(rejected))],
        )
        notes.append(note)
    elif options.outlier_sigma is not None:
        notes.append(Message("Outlier rejection found no phase to leave out."))
    return notes


def _write(stacker: Stacker, outputs: StackOutputs, options: StackingOptions, progress: Progress) -> _Written:
    """Compute and write all blocks."""
    grid = stacker.stack.grid
    wavelength = (WAVELENGTH_TAG, f"{stacker.stack.wavelength:.10g}")
    days = min((pair.second_date - pair.first_date).days for pair in stacker.stack.interferograms)
    told = (wavelength, (SHORTEST_PAIR_TAG, str(days)), *stack_tags(stacker.stack.interferograms))
    descriptions = {
        "phase_rate": BandDescription("phase_rate", "rad/yr", (("SIGN", "away"), *told)),
        "los_rate": BandDescription("los_rate", options.unit, (("SIGN", options.sign), *told)),
        "standard_error": BandDescription("standard_error", options.unit, (wavelength,)),
        "count": BandDescription("count", "1"),
        "closure": BandDescription("closure", "1"),
        "coherence": BandDescription("coherence", "1"),
    }
    pixels = grid.width * grid.height
    summaries = {"phase_rate": Summary("rad/yr", pixels)}
    if outputs.los_rate is not None:
        summaries["los_rate"] = Summary(options.unit, pixels)
    phases, wrong = 0, np.zeros((2, len(stacker.stack.interferograms)), np.int64)
    with ExitStack() as files:
        writers = {}
        for name, description in descriptions.items():
            path = getattr(outputs, name)
            if path is not None:
                kind: dict[str, Any] = {"dtype": "uint16", "nodata": 0} if name == "count" else {}
                writers[name] = files.enter_context(
                    RasterWriter(path, grid, [description], compress=name == "count", **kind)
                )
        of_errors = writers.pop("standard_error", None)
        store = None if of_errors is None else files.enter_context(noise_store(of_errors.path, grid))
        for window, block in stacker.blocks(progress):
            for name, writer in writers.items():
                writer.write(getattr(block, name), window.row, window.column)
            for name, summary in summaries.items():
                summary.add(getattr(block, name))
            phases += block.phases
            wrong += block.wrong
            if store is not None and block.noise is not None:
                store.add(window, block.noise)
        if store is not None and of_errors is not None:
            _write_errors(stacker, store, of_errors, progress)
    return _Written(summaries["phase_rate"], summaries.get("los_rate"), phases, wrong)


def _write_errors(stacker: Stacker, store: NoiseStore, writer: RasterWriter, progress: Progress) -> None:
    """Compute and write the standard error, now that the noise of all pixels is known."""
    factor = abs(los_factor(stacker.stack.wavelength, stacker.options.unit, stacker.options.sign))
    surroundings = store.surroundings()
    for window, terms in store.windows():
        progress.check()
        error = factor * surroundings.standard_error(terms, window, stacker.model.atmosphere)
        writer.write(error.astype(np.float32), window.row, window.column)


def stack_tags(interferograms: Iterable[Interferogram]) -> tuple[tuple[str, str], ...]:
    """Tags of what is known of a stack's view: mean incidence, look side, and the mean heading where pairs agree."""
    pairs = list(interferograms)
    headings = [math.radians(pair.heading) for pair in pairs if pair.heading is not None]
    incidences = [pair.incidence for pair in pairs if pair.incidence is not None]
    tags = []
    if headings:
        mean = math.atan2(sum(map(math.sin, headings)), sum(map(math.cos, headings)))
        if all(math.cos(heading - mean) > math.cos(math.radians(_SAME_ORBIT)) for heading in headings):
            tags.append((HEADING_TAG, f"{math.degrees(mean) % 360:.7g}"))
    if incidences:
        tags.append((INCIDENCE_TAG, f"{sum(incidences) / len(incidences):.7g}"))
    side = next((pair.look_side for pair in pairs if pair.look_side is not None), None)
    if side is not None:
        tags.append((LOOK_SIDE_TAG, side))
    return tuple(tags)
