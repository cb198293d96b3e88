"""The rates of a window, from the phases before and after the atmospheric filter, filled part by part."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..types import Array, Double
from .network_rate import RateModel
from .noise import NoiseTerms
from .rate import RateSums

Part = tuple[slice, slice]


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

    def fill(self, part: Part, corrected: Double, filtered: Double, weights: Array | None) -> None:
        """Fill a part from its phases (pairs, h, w), NaN for no data; ``filtered`` is ``corrected`` without a filter.

        Both have the same valid pairs.
        """
        if self._sums is not None and self._filtered_sums is not None:
            # Equation 1 by its sums, whose last digits are those of the versions before.
            self._sums.fill(part, corrected, self._years, weights)
            if self._filtered_sums is not self._sums:
                self._filtered_sums.fill(part, filtered, self._years, weights)
        if self._sums is None or self._noise is not None:
            self._fill_groups(part, corrected, filtered, weights)

    def _fill_groups(self, part: Part, corrected: Double, filtered: Double, weights: Array | None) -> None:
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
            self._final[part], self._count[part] = final.reshape(shape), count.reshape(shape)
            if filtered is not corrected:
                self._raw[part] = raw.reshape(shape)
        if terms is not None and self._noise is not None:
            for values, field in zip(self._noise, fields(terms)):
                values[part] = getattr(terms, field.name).reshape(shape)

    def finished(self, min_pairs: int) -> WindowRates:
        """What was filled in; NaN where fewer pairs are valid."""
        if self._sums is not None and self._filtered_sums is not None:
            estimate = self._sums.estimate(min_pairs)
            final = estimate if self._filtered_sums is self._sums else self._filtered_sums.estimate(min_pairs)
            return WindowRates(estimate.rate, final.rate, self._sums.count, self._noise)
        return WindowRates(self._raw, self._final, self._count, self._noise).without_pixels_below(min_pairs)
