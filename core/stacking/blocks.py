"""The rates of one window after the other: read, corrected, summed."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..parallel import map_ordered
from ..progress import Progress
from ..raster import Band, Window
from ..satellite import los_factor
from ..types import Array, Double
from .corrections import CorrectionModel
from .options import StackingOptions, StackOutputs
from .rate import RateSums, coherence_weight, outliers
from .reading import ReaderPool, plan_windows, read_phases, window_threads

if TYPE_CHECKING:
    from ..interferograms import Stack

_CHUNK_VALUES = 2**17


@dataclass(frozen=True)
class Block:
    """Results of a window, each (height, width); None where not asked for."""

    phase_rate: Array
    los_rate: Array | None
    standard_error: Array | None
    count: NDArray[np.uint16] | None
    has_phase: bool


@dataclass(frozen=True)
class Stacker:
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

    def blocks(self, progress: Progress) -> Iterator[tuple[Window, Block]]:
        """The windows of the pass with what is to be written there."""
        layers = 2 if self.options.coherence_weights else 1
        windows = plan_windows(self.stack, self.pool, layers)
        return map_ordered(self, windows, progress, window_threads(self.stack, windows, layers))

    def __call__(self, window: Window) -> Block:
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

    def _finished(self, raw: RateSums, sums: RateSums, mean_coherence: Array | None) -> Block:
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
        return Block(rate.astype(np.float32), los_rate, error, count, bool(raw.count.any()))

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
