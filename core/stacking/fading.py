"""Fading: what changes of soil and plants add to the phases of short pairs, and so to rates that are made of them.

It is not known from the phases of short pairs alone, because it looks like motion. But a longer pair holds less of it
than two shorter ones over the same dates, while motion and air are the same in both. So the closure of triplets, which
is free of motion and air, is the indicator (De Zan et al. 2015; Ansari et al. 2021): the rate of the two shorter pairs
less that of the longer one, Σ Δt·m / Σ Δt² with the closure m = φ₁₂ + φ₂₃ − φ₁₃ and Δt of the longer pair. Each pair
has a constant of its own, so closures count from those of the most coherent ground, where fading is least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..interferograms import triplets_of
from ..satellite import los_factor
from ..texts import Message
from ..types import Array, Double, Mask
from .significance import block_mean

if TYPE_CHECKING:
    from ..interferograms import Interferogram
    from .gathering import StackSample

_CLASSES = ((0.0, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 1.01))
_MOST_TRIPLETS = 1500
_FEWEST_PIXELS = 200
# What is worth a warning: so many errors, and mm/yr.
_SIGNIFICANT, _WORTH = 3.0, 2.0
# Share of the ground that counts as the most coherent.
_MOST_COHERENT = 0.2


@dataclass(frozen=True)
class FadingClass:
    """Ground of a mean coherence from ``low`` to ``high``: rate of short less long pairs and its error in mm/yr.

    Positive toward the satellite, relative to the most coherent ground, as the mean of ``pixels`` of the sample.
    """

    low: float
    high: float
    rate: float
    error: float
    pixels: int

    @property
    def is_significant(self) -> bool:
        """True where it is worth a warning."""
        return abs(self.rate) > max(_SIGNIFICANT * self.error, _WORTH)


@dataclass(frozen=True)
class Fading:
    """The classes of coherence, and the days, at most, of the shorter and of the longer pairs that were compared."""

    classes: tuple[FadingClass, ...]
    short_days: int
    long_days: int

    def notes(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(notes, warnings) for the log and the report."""
        worst = max(self.classes, key=lambda one: abs(one.rate), default=None)
        if worst is None:
            return (), ()
        marked = [one for one in self.classes if one.is_significant]
        if marked:
            worst = max(marked, key=lambda one: abs(one.rate))
            warning = Message(
                "The rates of pairs of up to {short} days differ from those of pairs of up to {long} days of the same "
                "dates, by {rate:+.1f} ± {error:.1f} mm/yr where the coherence is {low:g} to {high:g}: short pairs "
                "hold what soil and plants add (fading). Allow longer pairs, and doubt slow motion there.",
                short=self.short_days,
                long=self.long_days,
                rate=worst.rate,
                error=worst.error,
                low=worst.low,
                high=min(worst.high, 1.0),
            )
            return (), (warning,)
        note = Message(
            "Fading: the rates of pairs of up to {short} days differ by {rate:+.1f} ± {error:.1f} mm/yr at most from "
            "those of pairs of up to {long} days of the same dates, which is not significant.",
            short=self.short_days,
            long=self.long_days,
            rate=worst.rate,
            error=worst.error,
        )
        return (note,), ()


def fading_of(sample: StackSample, pairs: Sequence[Interferogram], wavelength: float) -> Fading | None:
    """The indicator of a sample; None without coherence, and where no three pairs connect three dates.

    Whole cycles, which errors of unwrapping add, don't count.
    """
    triplets = triplets_of(pairs)
    if not len(triplets) or sample.coherence is None or not np.isfinite(sample.coherence).any():
        return None
    triplets = triplets[:: -(-len(triplets) // _MOST_TRIPLETS)]
    with np.errstate(invalid="ignore"):
        coherent = sample.coherence >= np.nanquantile(sample.coherence, 1 - _MOST_COHERENT)
        coherent &= ~sample.excluded
    total, weight = np.zeros(sample.coherence.shape), np.zeros(sample.coherence.shape)
    years = np.array([pair.years for pair in pairs])
    for first, second, both in triplets:
        closure = _from_level(sample.phases[first] + sample.phases[second] - sample.phases[both], coherent)
        known = np.isfinite(closure)
        total[known] += years[both] * closure[known]
        weight[known] += years[both] ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(weight > 0, total / weight, np.nan)
    rate *= los_factor(wavelength, "mm/yr", "toward")
    days = np.array([pair.days for pair in pairs])
    short, long = int(days[triplets[:, :2]].max()), int(days[triplets[:, 2]].max())
    known = np.isfinite(rate) & ~sample.excluded
    level = block_mean(rate, known & coherent)
    return Fading(_classes(rate, sample.coherence, known, level.error), short, long)


def _from_level(closure: Array, coherent: Mask) -> Array:
    """A closure (h, w) less its level on coherent ground, without whole cycles; NaN where that has none."""
    there = closure[coherent & np.isfinite(closure)]
    if not there.size:
        return np.full_like(closure, np.nan)
    around: Array = closure - np.float32(np.angle(np.exp(1j * there).mean()))
    around -= np.float32(2 * math.pi) * np.round(around / np.float32(2 * math.pi))
    around -= around[coherent & np.isfinite(around)].mean()
    return around


def _classes(rate: Double, coherence: Array, known: Mask, level_error: float) -> tuple[FadingClass, ...]:
    """The mean of each class of coherence that has enough ground for an error."""
    found = []
    for low, high in _CLASSES:
        with np.errstate(invalid="ignore"):
            where = known & (coherence >= low) & (coherence < high)
        pixels, mean = int(where.sum()), block_mean(rate, where)
        error = math.hypot(mean.error, level_error)
        if pixels >= _FEWEST_PIXELS and math.isfinite(error):
            found.append(FadingClass(low, high, mean.value, error, pixels))
    return tuple(found)
