"""The air in a rate: turbulence of either family, a delay by height that changes over the tile, an annual one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..types import Array
from .atmosphere import FieldPool, smoothstep
from .rate_weights import RateWeights

# Per date: limits of turbulence over 20 km (rad), the delay by height (rad/km), and its annual part.
_TURBULENCE, _BY_HEIGHT, _ANNUAL = (0.02, 4.0), (0.05, 1.8), (0.05, 2.0)
_RAMP = 0.25
_PATCHY, _LATERAL = 0.45, 0.5


@dataclass(frozen=True)
class Networks:
    """The weights of most pixels, and of those in patches where more pairs are lost; ``share`` (h, w) of the latter.

    None of the other two where all pixels have the same pairs.
    """

    usual: RateWeights
    poorer: RateWeights | None = None
    share: Array | None = None

    @classmethod
    def drawn(cls, rng: np.random.Generator, usual: RateWeights, ratio: float | None, patches: Array) -> Networks:
        """Patches that lose 30–80 % of the pairs, sometimes; ``ratio`` of the best estimator, None of Eq. 1."""
        if rng.random() >= _PATCHY or len(usual.pairs) < 12:
            return cls(usual)
        kept = rng.random(len(usual.pairs)) >= rng.uniform(0.3, 0.8)
        kept[rng.integers(len(kept))] = True
        poorer = usual.network.only(kept)
        weights = RateWeights.equation_1(poorer) if ratio is None else RateWeights.best(poorer, ratio)
        low = rng.uniform(0.0, 1.3)
        return cls(usual, weights, smoothstep(patches, low, low + rng.uniform(0.05, 0.8)))

    def parts(self, shape: tuple[int, ...]) -> tuple[Array, Array | None]:
        """Factors (h, w) on two independent fields of noise of unit variance a date, which add up to that of a rate."""
        gain = self.usual.date_gain
        if self.poorer is None or self.share is None:
            return np.full(shape, gain, np.float32), None
        own, correlation = self.poorer.date_gain, self.usual.correlation(self.poorer)
        other = self.share * np.float32(own)
        return (1 - self.share) * np.float32(gain) + other * np.float32(correlation), other * np.float32(
            math.sqrt(max(1 - correlation**2, 0.0))
        )

    def mixed(self, usual: Array | np.float32, poorer: Array | np.float32) -> Array | np.float32:
        """A standard deviation of independent noise of pairs, of both kinds of pixels."""
        if self.share is None:
            return usual
        return np.asarray(usual + (poorer - usual) * self.share, np.float32)


@dataclass(frozen=True)
class Air:
    """Its rate (rad/yr) and the standard error (rad/yr) that residuals of dates tell, (h, w)."""

    rate: Array
    error: Array


def draw_air(
    rng: np.random.Generator,
    heights: Array,
    pixel_size: float,
    pool: FieldPool,
    spreads: tuple[float, float],
    wanted: float,
    nets: Networks,
) -> Air:
    """Air over a terrain (m, square) in the rates of ``nets``.

    ``spreads``: of crops of ``pool`` of that size in the mean, of the whole that has 1, and above their mean over
    3 km; the latter (rad/yr) is ``wanted`` in the rate, as far as turbulence can make it.
    """
    size = heights.shape[0]
    relative = (heights - np.float32(np.median(heights[::4, ::4]))) / np.float32(1000)
    turbulence = float(np.clip(wanted / max(spreads[1] * nets.usual.date_gain, 1e-9), *_TURBULENCE))
    # Damp air makes both.
    by_height = turbulence * math.exp(rng.uniform(*np.log(_BY_HEIGHT)))
    across = (np.arange(size, dtype=np.float32) - size / 2) * np.float32(pixel_size / 10_000)
    slope = np.float32(1)
    if rng.random() < _LATERAL:
        tilt = rng.normal(0, 0.7, 2).astype(np.float32)
        slope = 1 + tilt[0] * across[:, None] + tilt[1] * across[None, :]
    rate = np.zeros_like(heights)
    for factor in nets.parts(heights.shape):
        if factor is not None:
            air = pool.draw(rng, size) * np.float32(turbulence)
            air += relative * slope * np.float32(by_height * rng.normal())
            rate += factor * air
    phase, strength = rng.uniform(0, 2 * math.pi), turbulence * math.exp(rng.uniform(*np.log(_ANNUAL)))
    annual: Array | np.float32 = np.float32(strength * nets.usual.annual_share(phase))
    if nets.poorer is not None:
        annual = nets.mixed(annual, np.float32(strength * nets.poorer.annual_share(phase)))
    rate += relative * slope * annual
    ramp = rng.normal(0, _RAMP, 2).astype(np.float32)
    rate += ramp[0] * across[:, None] + ramp[1] * across[None, :]
    gain = sum(factor**2 for factor in nets.parts(heights.shape) if factor is not None)
    # Residuals are larger the farther the reference is.
    place = rng.uniform(-0.5, 0.5, 2) * size * pixel_size / 10_000
    away = (across[:, None] - np.float32(place[0])) ** 2 + (across[None, :] - np.float32(place[1])) ** 2
    farther = np.float32(0.6) + np.float32(0.4) * away / np.float32(max(float(away.mean()), 1e-6))
    variance = np.float32((turbulence * spreads[0]) ** 2) * farther + (np.float32(by_height) * relative * slope) ** 2
    return Air(rate, np.sqrt(variance * gain))
