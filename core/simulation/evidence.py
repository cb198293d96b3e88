"""What a stack says beside its rate, of simulated noise: standard error and the share of open triplets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Array, Mask
from .atmosphere import as_float32, portable
from .fast_motion import interval_triplets
from .fine_noise import blurred
from .rate_weights import RateWeights
from .surface import class_coherence, phase_noise

# Factors of a class's coherence that the tables hold, from 0 on.
_FACTORS = np.linspace(0, 1.6, 65)
_LEAST_COHERENCE, _MOST_COHERENCE = 0.02, 0.98


@dataclass(frozen=True)
class PairNoise:
    """By land class and factor on its coherence, (classes, factors): ``rate``, the standard deviation of a rate
    (rad/yr); ``open``, the share of triplets that the noise of pairs opens; ``coherence``, the mean over pairs."""

    rate: Array
    open: Array
    coherence: Array
    looks: float

    @classmethod
    def of(cls, weights: RateWeights, climate: float, looks: float, with_triplets: bool = True) -> PairNoise:
        """Of the pairs of a network over ground of a climate (see ``class_coherence``), with ``looks`` a phase."""
        days, _, squares = weights.by_interval
        by_class = class_coherence(days, climate)[:, :, None] * _FACTORS.astype(np.float32)
        coherence = np.clip(by_class, _LEAST_COHERENCE, _MOST_COHERENCE)
        variance = phase_noise(coherence, looks).astype(np.float64) ** 2
        rate = np.sqrt(np.tensordot(squares, variance, axes=1))
        opened = np.zeros(rate.shape)
        if with_triplets:
            for numbers, share in zip(*interval_triplets(weights.network)):
                opened += share * open_share(variance[numbers].sum(axis=0))
        counts = np.bincount(np.searchsorted(days, weights.network.intervals), minlength=len(days))
        mean = np.average(coherence, axis=0, weights=counts)
        return cls(rate.astype(np.float32), opened.astype(np.float32), mean.astype(np.float32), looks)

    def at(self, table: Array, classes: NDArray[np.uint8], factor: Array) -> Array:
        """The entries of one of the tables for each pixel's class and factor, (h, w)."""
        step = np.float32(len(_FACTORS) - 1) / np.float32(_FACTORS[-1])
        place = np.clip(np.rint(factor * step), 0, len(_FACTORS) - 1).astype(np.intp)
        return np.asarray(table[classes, place], np.float32)


def open_share(variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of triplets whose closure, normal with this variance (rad²), is beyond half a cycle."""
    from scipy.special import erfc

    return np.asarray(erfc(math.pi / np.sqrt(2 * np.maximum(variance, 1e-12))))


def counted_share(rng: np.random.Generator, share: Array, triplets: int) -> Array:
    """The share that is counted of ``triplets`` of each pixel when each is open with a probability ``share`` (h, w)."""
    counted = np.zeros_like(share)
    some = share > 1e-4
    # A pair is in about three triplets, so that fewer of them are independent.
    independent = max(triplets // 3, 1)
    if some.any():
        counted[some] = rng.binomial(independent, np.minimum(share[some], 1)) / np.float32(independent)
    return counted


def told_error(rng: np.random.Generator, error: Array, freedom: float, width: float) -> Array:
    """A true standard error as residuals of ``freedom`` degrees of freedom tell it, (h, w).

    The logarithm of the root of a mean of squares spreads by 1/√(2 · freedom) (about, from 5 on); neighbours over which
    phases are blurred by ``width`` pixels err alike.
    """
    spread = np.float32(1 / math.sqrt(2 * freedom))
    return as_float32(error * portable(np.exp, spread * blurred(rng, error.shape, width) - spread**2 / 2))


def no_data(layers: dict[str, Array], gaps: Mask) -> None:
    """NaN where there are gaps, in every layer."""
    for values in layers.values():
        values[gaps] = np.nan
