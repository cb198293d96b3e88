"""The rates of a window, from the phases before and after the atmospheric filter, filled part by part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..types import Array, Double
from .network_rate import RateModel
from .noise import NoiseTerms
from .rate import RateSums

Part = tuple[slice, slice]
Pixels = tuple[NDArray[np.intp], NDArray[np.intp]]


class CorrectedPart(NamedTuple):
    """Corrected phases (pairs, ...) of a part of a window or of single pixels, before and after the atmospheric filter.

    Both are the same array where nothing is filtered. ``place``: where they lie in the window. ``weights`` (pairs, ...)
    or None.
    """

    phases: Double
    filtered: Double
    place: Part | Pixels
    weights: Array | None

    def counting(self) -> Double:
        """The filtered phases (pairs, pixels), NaN where a pair has no weight."""
        flat = self.filtered.reshape(len(self.filtered), -1)
        if self.weights is None:
            return flat
        return np.where(np.nan_to_num(self.weights.reshape(flat.shape)) > 0, flat, np.nan)

    def pixels(self, numbers: NDArray[np.intp]) -> CorrectedPart:
        """The same of some pixels, by their numbers in the order of rows."""
        inside = np.divmod(numbers, self.phases.shape[-1])
        sides = [
            side.start + at if isinstance(side, slice) else np.asarray(side)[numbers]
            for side, at in zip(self.place, inside)
        ]
        count = len(self.phases)
        phases = self.phases.reshape(count, -1)[:, numbers]
        filtered = phases
        if self.filtered is not self.phases:
            filtered = self.filtered.reshape(count, -1)[:, numbers]
        weights = None if self.weights is None else self.weights.reshape(count, -1)[:, numbers]
        return CorrectedPart(phases, filtered, (sides[0], sides[1]), weights)

    @staticmethod
    def joined(parts: Sequence[CorrectedPart]) -> CorrectedPart | None:
        """The pixels of several parts of single pixels; None without any."""
        parts = [part for part in parts if part.phases.shape[1]]
        if not parts:
            return None
        phases = np.concatenate([part.phases for part in parts], axis=1)
        filtered = phases
        if parts[0].filtered is not parts[0].phases:
            filtered = np.concatenate([part.filtered for part in parts], axis=1)
        weights = [part.weights for part in parts if part.weights is not None]
        rows, columns = (np.concatenate([part.place[axis] for part in parts]) for axis in range(2))
        return CorrectedPart(phases, filtered, (rows, columns), np.concatenate(weights, axis=1) if weights else None)


@dataclass(frozen=True)
class WindowRates:
    """Rates in rad/yr, ``raw`` before the filter and ``final`` after it (the same array where nothing is filtered).

    ``count`` are valid pairs; ``noise`` (terms, height, width) has the fields of ``NoiseTerms``, of the phases before
    the filter, None where no error is asked for.
    """

    raw: Double
    final: Double
    count: NDArray[np.uint16]
    noise: Array | None

    def without_pixels_below(self, min_pairs: int) -> WindowRates:
        """The same, NaN where fewer pairs are valid."""
        for rates in (self.raw, self.final):
            rates[self.count < min_pairs] = np.nan
        return self


class RatesInTheMaking:
    """The rates of a window of a ``shape`` by a model, whose parts are filled in one after the other."""

    def __init__(self, model: RateModel, shape: tuple[int, int], filtered: bool, with_error: bool) -> None:
        self._model = model
        self._years: Double = model.design[:, 0]
        self._sums = RateSums.empty(shape, False) if model.is_equation_1 else None
        self._filtered_sums = RateSums.empty(shape, False) if filtered and self._sums is not None else self._sums
        self._raw = np.empty(shape)
        self._final = np.empty(shape) if filtered else self._raw
        self._count = np.empty(shape, np.uint16)
        self._noise = np.empty((len(fields(NoiseTerms)), *shape), np.float32) if with_error else None

    def fill(self, part: CorrectedPart) -> None:
        """Fill in the rates of a part of the window, or of single pixels once more."""
        if self._sums is not None and self._filtered_sums is not None:
            # Equation 1 by its sums, whose last digits are those of the versions before.
            self._sums.fill(part.place, part.phases, self._years, part.weights)
            if self._filtered_sums is not self._sums:
                self._filtered_sums.fill(part.place, part.filtered, self._years, part.weights)
        if self._sums is None or self._noise is not None:
            self._fill_groups(part)

    def _fill_groups(self, part: CorrectedPart) -> None:
        corrected, filtered, weights, place = part.phases, part.filtered, part.weights, part.place
        shape = corrected.shape[1:]
        pairs, pixels = len(corrected), math.prod(shape)
        before, after = corrected.reshape(pairs, -1), filtered.reshape(pairs, -1)
        raw, final, count = np.empty(pixels), np.empty(pixels), np.empty(pixels, np.uint16)
        terms = NoiseTerms.empty(pixels) if self._noise is not None else None
        for group in self._model.pixels(after, None if weights is None else weights.reshape(pairs, -1)):
            if self._sums is None:
                final[group.columns] = group.rates(after) if group.known is None else group.known
                if filtered is not corrected:
                    raw[group.columns] = group.rates(before)
                count[group.columns] = group.count
            if terms is not None:
                terms.put(group.columns, group.noise(before))
        if self._sums is None:
            self._final[place], self._count[place] = final.reshape(shape), count.reshape(shape)
            if filtered is not corrected:
                self._raw[place] = raw.reshape(shape)
        if terms is not None and self._noise is not None:
            for values, field in zip(self._noise, fields(terms)):
                values[place] = getattr(terms, field.name).reshape(shape)

    def finished(self, min_pairs: int) -> WindowRates:
        """What was filled in; NaN where fewer pairs are valid."""
        if self._sums is not None and self._filtered_sums is not None:
            estimate = self._sums.estimate(min_pairs)
            final = estimate if self._filtered_sums is self._sums else self._filtered_sums.estimate(min_pairs)
            return WindowRates(estimate.rate, final.rate, self._sums.count, self._noise)
        return WindowRates(self._raw, self._final, self._count, self._noise).without_pixels_below(min_pairs)
