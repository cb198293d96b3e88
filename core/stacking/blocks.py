"""The rates of one window after the other: read, corrected, summed."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..interferograms import SEASONAL_YEARS, triplets_of
from ..parallel import map_ordered
from ..progress import Progress
from ..raster import Band, Window
from ..satellite import DAYS_PER_YEAR, los_factor
from ..types import Array, Double
from .atmosphere_filter import network
from .closure_map import ClosureMap
from .corrections import CorrectionModel
from .network_rate import RateModel, with_annual_terms
from .noise import NoiseLevels
from .options import StackingOptions, StackOutputs
from .outliers import OutlierSearch
from .rate import coherence_weight
from .reading import ReaderPool, plan_windows, read_phases, window_threads
from .unwrapping import CycleCorrection
from .window_rates import CorrectedPart, Part, RatesInTheMaking, WindowRates

if TYPE_CHECKING:
    from ..interferograms import Stack

_CHUNK_VALUES = 2**18
# Which pixels are searched for errors to correct does not depend on it.
_CORRECTION_SIGMA = 3.5


@dataclass(frozen=True)
class Block:
    """Results of a window, each (height, width); None where not asked for.

    ``noise`` (terms, height, width), with the fields of ``NoiseTerms``, is what the standard error is made of.
    ``wrong`` (2, pairs): how many phases of each pair were corrected by whole cycles, and how many left out as
    outliers; ``phases``: those that were stacked.
    """

    phase_rate: Array
    los_rate: Array | None
    noise: Array | None
    count: NDArray[np.uint16] | None
    phases: int
    wrong: NDArray[np.int64]
    closure: Array | None = None
    coherence: Array | None = None


@dataclass(frozen=True)
class WindowData:
    """What a window holds of all pairs: ``phases`` and ``weights`` (pairs, height, width), the others (height, width).

    None where not needed.
    """

    phases: Array
    mean_coherence: Array | None
    weights: Array | None
    elevation: Array | None


@dataclass(frozen=True)
class Stacker:
    """Computes the block of a window; called from several threads."""

    stack: Stack
    pool: ReaderPool
    options: StackingOptions
    model: CorrectionModel
    outputs: StackOutputs
    dem: Band | None
    noise: NoiseLevels | None = None
    closure: ClosureMap | None = None
    buffers: threading.local = field(default_factory=threading.local)

    @cached_property
    def years(self) -> Double:
        """Time span of each pair."""
        return np.array([pair.years for pair in self.stack.interferograms])

    @cached_property
    def rate_model(self) -> RateModel:
        """How the rate follows from the pairs: with the noise that is known, or by equation 1."""
        atmosphere = self.model.atmosphere
        high_pass = None if atmosphere is None else atmosphere.high_pass
        dates, incidence, _ = network(self.stack)
        design = self.years
        if self.is_seasonal:
            times = np.array([(day - dates[0]).days / DAYS_PER_YEAR for day in dates])
            design = with_annual_terms(self.years, incidence, times)
        return RateModel.of(design, incidence, self.noise, high_pass)

    @property
    def is_seasonal(self) -> bool:
        """True where annual terms are asked for and the dates last long enough to tell them from a rate."""
        pairs = self.stack.interferograms
        days = (max(pair.second_date for pair in pairs) - min(pair.first_date for pair in pairs)).days
        return self.options.seasonal and days / DAYS_PER_YEAR >= SEASONAL_YEARS

    @cached_property
    def outliers(self) -> OutlierSearch | None:
        """What finds the outliers, if they are to be rejected."""
        return None if self.options.outlier_sigma is None else self._search(self.options.outlier_sigma)

    @cached_property
    def correction(self) -> CycleCorrection | None:
        """What finds the errors of unwrapping, if they are to be corrected."""
        if not self.options.unwrapping_correction:
            return None
        return CycleCorrection(self._search(_CORRECTION_SIGMA), None if self.closure is None else self.closure.offsets)

    def _search(self, sigma: float) -> OutlierSearch:
        pairs = self.stack.interferograms
        return OutlierSearch(self.years, network(self.stack)[1], triplets_of(pairs), sigma)

    @property
    def is_tree(self) -> bool:
        """True where no pair is more than the dates need, so that nothing tells how noisy they are."""
        _, incidence, groups = network(self.stack)
        return len(incidence) == incidence.shape[1] - len(np.unique(groups))

    @property
    def layers(self) -> int:
        """Cubes of all pairs that are held for a window."""
        return 2 if self.options.coherence_weights else 1

    @property
    def has_coherence(self) -> bool:
        return any(pair.coherence for pair in self.stack.interferograms)

    @property
    def masks(self) -> bool:
        return self.options.min_coherence > 0 and self.outputs.los_rate is not None and self.has_coherence

    @property
    def says_mask_missing(self) -> bool:
        return self.options.min_coherence > 0 and self.outputs.los_rate is not None and not self.has_coherence

    def blocks(self, progress: Progress) -> Iterator[tuple[Window, Block]]:
        """The windows of the pass with what is to be written there."""
        windows = plan_windows(self.stack, self.pool, self.layers)
        return map_ordered(self, windows, progress, window_threads(self.stack, windows, self.layers))

    def __call__(self, window: Window) -> Block:
        """Read and stack a window."""
        read = self.read(window)
        with_error = self.outputs.standard_error is not None
        filters = self.model.atmosphere is not None
        making = RatesInTheMaking(self.rate_model, (window.height, window.width), filters, with_error)
        closure = None if self.outputs.closure is None else np.empty((window.height, window.width), np.float32)
        wrong = np.zeros((2, len(read.phases)), np.int64)
        chunks = _chunks(window, len(read.phases))
        for part in self.corrected_parts(read, window, chunks, closure, wrong):
            making.fill(part)
        block = self._finished(making.finished(self.options.min_pairs), read.mean_coherence)
        return replace(block, closure=closure, wrong=wrong)

    def read(self, window: Window) -> WindowData:
        """What the files hold in a window; its arrays are this thread's, until it reads the next one."""
        phases = read_phases(self.stack, self.pool, window, self._buffer("phases", window))
        mean_coherence, weights = self._coherence(window)
        elevation = None
        if self.model.needs_elevation and self.dem is not None:
            with self.pool.reader(self.dem) as reader:
                elevation = reader.read(window)
        return WindowData(phases, mean_coherence, weights, elevation)

    def corrected_parts(
        self,
        read: WindowData,
        window: Window,
        parts: Iterable[Part],
        closure: Array | None = None,
        wrong: NDArray[np.int64] | None = None,
    ) -> Iterator[CorrectedPart]:
        """The corrected phases of parts of a window, one after the other; then those of its pixels with outliers again.

        ``closure`` (height, width) is filled with the share of triplets that don't close, before any phase is rejected.
        ``wrong`` (2, pairs) counts the phases of each pair that are corrected by whole cycles, and those that are left
        out as outliers.
        """
        suspects: list[CorrectedPart] = []
        for part in parts:
            inside = (slice(None), *part)
            values = self._scratch(read.phases[inside])
            self.model.correct(values, window, part, read.elevation)
            if self.closure is not None and closure is not None:
                closure[part] = self.closure.share(values)
            weights = None if read.weights is None else read.weights[inside]
            cycles = self._correct_cycles(values)
            if wrong is not None:
                wrong[0] += cycles
            found = CorrectedPart(values, self.model.filtered(values, window, part), part, weights)
            if self.outliers is not None:
                suspects.append(found.pixels(self.outliers.suspects(found.counting())))
            yield found
        # All at once: few pixels are suspect in each part, and solving for few costs as much as for many.
        held = CorrectedPart.joined(suspects)
        if self.outliers is None or held is None:
            return
        pairs, pixels = self.outliers.among(held.counting())
        if wrong is not None:
            wrong[1] += np.bincount(pairs, minlength=len(held.filtered))
        held.filtered[pairs, pixels] = held.phases[pairs, pixels] = np.nan
        yield held.pixels(np.unique(pixels))

    def _correct_cycles(self, values: Double) -> NDArray[np.int64]:
        """Take the wrong cycles out of ``values`` (pairs, h, w); how many phases of each pair had some."""
        if self.correction is None:
            return np.zeros(len(values), np.int64)
        pairs, pixels, cycles = self.correction.cycles(values.reshape(len(values), -1))
        rows, columns = np.divmod(pixels, values.shape[2])
        values[pairs, rows, columns] -= 2 * math.pi * cycles
        return np.bincount(pairs, minlength=len(values))

    def _finished(self, rates: WindowRates, mean_coherence: Array | None) -> Block:
        """The block of a window from its rates."""
        outputs, options = self.outputs, self.options
        factor = los_factor(self.stack.wavelength, options.unit, options.sign)
        los_rate = None
        if outputs.los_rate is not None:
            los_rate = (factor * rates.final).astype(np.float32)
            if self.masks and mean_coherence is not None:
                # Not "<": a pixel without any coherence is masked as well.
                los_rate[~(mean_coherence >= options.min_coherence)] = np.nan
        if rates.noise is not None:
            rates.noise[:, np.isnan(rates.final)] = np.nan
        count = rates.count if outputs.count is not None else None
        phases, none = int(rates.count.sum(dtype=np.int64)), np.zeros((2, len(self.years)), np.int64)
        coherence = mean_coherence if outputs.coherence is not None else None
        return Block(rates.raw.astype(np.float32), los_rate, rates.noise, count, phases, none, coherence=coherence)

    def _coherence(self, window: Window) -> tuple[Array | None, Array | None]:
        """(mean coherence, weights of each pair) of a window; None where they are not needed."""
        weighted = self.options.coherence_weights
        with_mean = self.masks or self.outputs.coherence is not None
        if not (with_mean or weighted):
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
            return (total / number if with_mean else None), weights

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


def _chunks(window: Window, pairs: int) -> Iterator[Part]:
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
