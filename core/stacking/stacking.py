"""Stacking: many interferograms become one rate of motion per pixel, with its standard error.

Equation 1 of Wu et al. (2024), over the valid pairs of each pixel only: p = Σ w Δt φ / Σ w Δt², in rad/yr with Δt
in years of 365.25 days. φ > 0, and so p > 0, is motion away from the satellite. Equation 2 gives the rate along the
line of sight, r = ∓λp / 4π. The phase rate is equation 1 before the atmospheric filter and dense; the LOS rate comes
from the filtered phases and is masked by coherence.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..parallel import map_ordered
from ..progress import QUIET, Progress
from ..raster import HEIGHTS, Band, BandDescription, RasterWriter, Window, checked_band, limited_cache
from ..texts import Message
from ..types import Array, Double, PathLike
from .corrections import NO_CORRECTIONS, CorrectionModel, Corrections, estimate_corrections
from .rate import RateSums, coherence_weight, outliers
from .reading import ReaderPool, plan_windows, read_phases, window_threads

if TYPE_CHECKING:
    from ..interferograms import Stack
from collections.abc import Iterable

from ..interferograms import Interferogram
from ..satellite import HEADING_TAG, INCIDENCE_TAG, los_factor

# Headings of one orbit differ by a few degrees, those of the two orbits by more than twenty everywhere on Earth.
_SAME_ORBIT = 10.0

SIGNS = ("toward", "away")
UNITS = ("mm/yr", "m/yr")
_CHUNK_VALUES = 2**17
_EMPTY = Message("No pixel has any valid phase: the rates are empty. Check the interferograms and the corrections.")
_EMPTY_FOR_PAIRS = Message("No pixel has enough valid pairs: the rates are empty. Lower the minimum number of pairs.")


@dataclass(frozen=True)
class StackingOptions:
    """How rates are computed from the phases.

    ``min_pairs``: pixels with fewer valid pairs have no rate. ``coherence_weights``: w = γ² / (1 − γ²), the inverse
    of the phase variance. ``outlier_sigma``: pairs whose residual exceeds so many robust standard deviations are
    left out at that pixel. ``min_coherence``: mean coherence below which a pixel has no LOS rate. ``sign``: of the LOS
    rate, positive "toward" or "away" from the satellite. ``unit``: of the LOS rate and of the standard error.
    """

    min_pairs: int = 1
    coherence_weights: bool = False
    outlier_sigma: float | None = None
    min_coherence: float = 0.0
    sign: str = "toward"
    unit: str = "mm/yr"

    def __post_init__(self) -> None:
        if self.min_pairs < 1:
            raise InputError("The minimum number of pairs must be 1 or more.")
        if self.outlier_sigma is not None and self.outlier_sigma < 1:
            raise InputError("Outliers must deviate by at least 1 standard deviation; usual are 3 to 5.")
        if not 0 <= self.min_coherence < 1:
            raise InputError("The minimum coherence must be from 0 to less than 1.")
        if self.sign not in SIGNS:
            raise InputError(
                "The sign of the LOS rate must be one of {signs}, not “{sign}”.", signs=", ".join(SIGNS), sign=self.sign
            )
        if self.unit not in UNITS:
            raise InputError(
                "The unit of the LOS rate must be one of {units}, not “{unit}”.", units=", ".join(UNITS), unit=self.unit
            )


_DEFAULT_OPTIONS = StackingOptions()


@dataclass(frozen=True)
class StackOutputs:
    """Where the rasters are written; those that are None are not."""

    phase_rate: PathLike
    los_rate: PathLike | None = None
    standard_error: PathLike | None = None
    count: PathLike | None = None


@dataclass(frozen=True)
class RateStatistics:
    """What a written rate holds: valid pixels and their distribution, in ``unit``.

    ``percentiles`` are the 2nd, 50th and 98th, ``histogram`` is (low, high, number), both of a regular sample.
    """

    unit: str
    pixels: int
    mean: float
    minimum: float
    maximum: float
    percentiles: tuple[float, float, float]
    histogram: tuple[tuple[float, float, int], ...] = ()


@dataclass(frozen=True)
class StackingResult:
    """What the stacking did: pairs used and left out with the reason, statistics, and notes for log and report."""

    pairs_used: int
    dropped: tuple[tuple[str, str], ...]
    pixels: int
    phase_rate: RateStatistics
    los_rate: RateStatistics | None
    wavelength: float
    notes: tuple[str, ...]


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
        notes = list(model.notes)
        stacker = _Stacker(model.stack, pool, options, model, outputs, elevation)
        if stacker.says_mask_missing:
            notes.append(Message("The interferograms have no coherence, so the LOS rate is not masked by it."))
        if len(model.stack.interferograms) == 1:
            notes.append(Message("Only one pair is stacked: the rate has no standard error."))
        for warning in model.warnings:
            progress.warning(warning)
        for note in notes:
            progress.info(note)
        written = _write(stacker, outputs, options, progress.part(0.5 if needs_pass else 0, 1))
    phase_rate = written.phase_rate.statistics()
    los_rate = None if written.los_rate is None else written.los_rate.statistics()
    if phase_rate.pixels == 0:
        progress.warning(_EMPTY_FOR_PAIRS if written.has_phase else _EMPTY)
    elif los_rate is not None and los_rate.pixels == 0:
        progress.warning("No pixel reaches the minimum coherence: the LOS rate is empty. Lower the limit.")
    return StackingResult(
        pairs_used=len(model.stack.interferograms),
        dropped=model.dropped,
        pixels=stack.grid.width * stack.grid.height,
        phase_rate=phase_rate,
        los_rate=los_rate,
        wavelength=stack.wavelength,
        notes=model.warnings + tuple(notes),
    )


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
class _Block:
    """Results of a window, each (height, width); None where not asked for."""

    phase_rate: Array
    los_rate: Array | None
    standard_error: Array | None
    count: NDArray[np.uint16] | None
    has_phase: bool


@dataclass(frozen=True)
class _Stacker:
    """Computes the block of a window; called from several threads."""

    stack: Stack
    pool: ReaderPool
    options: StackingOptions
    model: CorrectionModel
    outputs: StackOutputs
    dem: Band | None
    buffers: threading.local = field(default_factory=threading.local)

    @cached_property
    def years(self) -> Double:
        """Time span of each pair."""
        return np.array([pair.years for pair in self.stack.interferograms])

    @property
    def has_coherence(self) -> bool:
        return any(pair.coherence for pair in self.stack.interferograms)

    @property
    def masks(self) -> bool:
        return self.options.min_coherence > 0 and self.outputs.los_rate is not None and self.has_coherence

    @property
    def says_mask_missing(self) -> bool:
        return self.options.min_coherence > 0 and self.outputs.los_rate is not None and not self.has_coherence

    def blocks(self, progress: Progress) -> Iterator[tuple[Window, _Block]]:
        """The windows of the pass with what is to be written there."""
        layers = 2 if self.options.coherence_weights else 1
        windows = plan_windows(self.stack, self.pool, layers)
        return map_ordered(self, windows, progress, window_threads(self.stack, windows, layers))

    def __call__(self, window: Window) -> _Block:
        """Read and stack a window."""
        phases = read_phases(self.stack, self.pool, window, self._buffer("phases", window))
        mean_coherence, weights = self._coherence(window)
        elevation = None
        if self.model.needs_elevation and self.dem is not None:
            with self.pool.reader(self.dem) as reader:
                elevation = reader.read(window)
        outputs, shape = self.outputs, (window.height, window.width)
        raw = RateSums.empty(shape, outputs.standard_error is not None and self.model.atmosphere is None)
        sums = raw
        if self.model.atmosphere is not None:
            sums = RateSums.empty(shape, outputs.standard_error is not None)
        for part in _chunks(window, len(phases)):
            inside = (slice(None), *part)
            values = self._scratch(phases[inside])
            self.model.correct(values, window, part, elevation)
            part_weights = None if weights is None else weights[inside]
            filtered = self._filtered(values, part_weights, window, part)
            if sums is not raw:
                sums.fill(part, filtered, self.years, part_weights)
            raw.fill(part, values, self.years, part_weights)
        return self._finished(raw, sums, mean_coherence)

    def _filtered(self, corrected: Double, weights: Array | None, window: Window, part: tuple[slice, slice]) -> Double:
        """Phases without atmosphere, the very same array where it is not filtered; outliers become NaN in both."""
        filtered = self.model.filtered(corrected, window, part)
        if self.options.outlier_sigma is not None:
            rejected = outliers(filtered, self.years, self.options.outlier_sigma, weights)
            filtered[rejected] = np.nan
            corrected[rejected] = np.nan
        return filtered

    def _finished(self, raw: RateSums, sums: RateSums, mean_coherence: Array | None) -> _Block:
        """The block of a window from its sums: before the atmospheric filter, and after it."""
        outputs, options = self.outputs, self.options
        final = sums.estimate(options.min_pairs)
        rate = final.rate if sums is raw else raw.estimate(options.min_pairs).rate
        factor = los_factor(self.stack.wavelength, options.unit, options.sign)
        los_rate = error = None
        if outputs.los_rate is not None:
            los_rate = (factor * final.rate).astype(np.float32)
            if mean_coherence is not None:
                # Not "<": a pixel without any coherence is masked as well.
                los_rate[~(mean_coherence >= options.min_coherence)] = np.nan
        if final.standard_error is not None:
            error = (abs(factor) * final.standard_error).astype(np.float32)
        count = final.count.astype(np.uint16) if outputs.count is not None else None
        return _Block(rate.astype(np.float32), los_rate, error, count, bool(raw.count.any()))

    def _coherence(self, window: Window) -> tuple[Array | None, Array | None]:
        """(mean coherence, weights of each pair) of a window; None where they are not needed."""
        weighted = self.options.coherence_weights
        if not (self.masks or weighted):
            return None, None
        shape = (window.height, window.width)
        total, number = np.zeros(shape, np.float32), np.zeros(shape, np.uint16)
        weights = self._buffer("weights", window) if weighted else None
        single = np.empty(shape, np.float32)
        for index, pair in enumerate(self.stack.interferograms):
            if pair.coherence is None:
                continue
            values = single if weights is None else weights[index]
            with self.pool.reader(pair.coherence) as reader:
                reader.read(window, values)
            number += np.isfinite(values)
            total += np.fmax(values, np.float32(0))
            if weights is not None:
                weights[index] = coherence_weight(values)
        with np.errstate(invalid="ignore"):
            return (total / number if self.masks else None), weights

    def _scratch(self, phases: Array) -> Double:
        """A copy of phases as float64, in this thread's memory."""
        scratch: Double | None = getattr(self.buffers, "scratch", None)
        if scratch is None or scratch.size < phases.size:
            self.buffers.scratch = scratch = np.empty(phases.size)
        values = scratch[: phases.size].reshape(phases.shape)
        np.copyto(values, phases)
        return values

    def _buffer(self, name: str, window: Window) -> Array:
        """This thread's array for all pairs in a window; reused, as fresh memory costs more than the reading."""
        shape = (len(self.stack.interferograms), window.height, window.width)
        size = math.prod(shape)
        buffer: Array | None = getattr(self.buffers, name, None)
        if buffer is None or buffer.size < size:
            buffer = np.empty(size, np.float32)
            setattr(self.buffers, name, buffer)
        return buffer[:size].reshape(shape)


def _chunks(window: Window, pairs: int) -> Iterator[tuple[slice, slice]]:
    """Parts of a window whose phases of all pairs fit in the processor's cache."""
    pixels = max(512, _CHUNK_VALUES // pairs)
    columns = min(window.width, pixels)
    rows = max(1, pixels // columns)
    for row in range(0, window.height, rows):
        for column in range(0, window.width, columns):
            yield (
                slice(row, min(row + rows, window.height)),
                slice(column, min(column + columns, window.width)),
            )


class _Summary:
    """Gathers the statistics of a raster while its blocks are written."""

    def __init__(self, unit: str, pixels: int) -> None:
        self.unit = unit
        self._step = max(1, pixels // 200_000)
        self._pixels, self._sum = 0, 0.0
        self._minimum, self._maximum = math.inf, -math.inf
        self._sample: list[Array] = []

    def add(self, values: Array) -> None:
        """Count the finite values of a block."""
        valid = np.isfinite(values)
        finite = values.ravel() if valid.all() else values[valid]
        if finite.size:
            self._pixels += finite.size
            self._sum += float(finite.sum(dtype=np.float64))
            self._minimum = min(self._minimum, float(finite.min()))
            self._maximum = max(self._maximum, float(finite.max()))
            self._sample.append(finite[self._step // 2 :: self._step].copy())

    def statistics(self) -> RateStatistics:
        """The statistics of all blocks; NaN where there was no valid pixel."""
        sample = np.concatenate(self._sample) if self._sample else np.empty(0, np.float32)
        if sample.size == 0:
            nan = math.nan
            return RateStatistics(self.unit, self._pixels, nan, nan, nan, (nan, nan, nan))
        low, middle, high = (float(value) for value in np.percentile(sample, (2, 50, 98)))
        counts, edges = np.histogram(sample, 40, (low, high) if high > low else None)
        histogram = tuple(zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist()))
        mean = self._sum / self._pixels
        return RateStatistics(
            self.unit, self._pixels, mean, self._minimum, self._maximum, (low, middle, high), histogram
        )


@dataclass(frozen=True)
class _Written:
    """Statistics of the rates, and whether any pixel had a valid phase."""

    phase_rate: _Summary
    los_rate: _Summary | None
    has_phase: bool


def _write(stacker: _Stacker, outputs: StackOutputs, options: StackingOptions, progress: Progress) -> _Written:
    """Compute and write all blocks."""
    grid = stacker.stack.grid
    wavelength = ("WAVELENGTH_METRES", f"{stacker.stack.wavelength:.10g}")
    view = stack_tags(stacker.stack.interferograms)
    descriptions = {
        "phase_rate": BandDescription("phase_rate", "rad/yr", (("SIGN", "away"), wavelength, *view)),
        "los_rate": BandDescription("los_rate", options.unit, (("SIGN", options.sign), wavelength, *view)),
        "standard_error": BandDescription("standard_error", options.unit, (wavelength,)),
        "count": BandDescription("count", "1"),
    }
    pixels = grid.width * grid.height
    summaries = {"phase_rate": _Summary("rad/yr", pixels)}
    if outputs.los_rate is not None:
        summaries["los_rate"] = _Summary(options.unit, pixels)
    has_phase = False
    with ExitStack() as files:
        writers = {}
        for name, description in descriptions.items():
            path = getattr(outputs, name)
            if path is not None:
                kind: dict[str, Any] = {"dtype": "uint16", "nodata": 0} if name == "count" else {}
                writers[name] = files.enter_context(
                    RasterWriter(path, grid, [description], compress=name == "count", **kind)
                )
        for window, block in stacker.blocks(progress):
            for name, writer in writers.items():
                writer.write(getattr(block, name), window.row, window.column)
            for name, summary in summaries.items():
                summary.add(getattr(block, name))
            has_phase |= block.has_phase
    return _Written(summaries["phase_rate"], summaries.get("los_rate"), has_phase)


def stack_tags(interferograms: Iterable[Interferogram]) -> tuple[tuple[str, str], ...]:
    """Tags of what the products of a stack tell: their mean incidence, and their mean heading where they agree."""
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
    return tuple(tags)
