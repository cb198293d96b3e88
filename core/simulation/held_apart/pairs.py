"""The rates of the second family: interferograms are made, pair by pair, and estimated as a user's are.

A stack of years would need hundreds of pairs. So a few dates stand for it: the air of a date is as much weaker as a
long stack's rate suffers less from it, the noise of a pair likewise, and the rate, its standard error and the closure
are then what the product's own estimators make of the phases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...interferograms import closure_offsets, open_share
from ...satellite import DAYS_PER_YEAR, SENTINEL1_WAVELENGTH, to_los_rate
from ...stacking import network_rates, noise_of_network
from ...types import Array, Double, Mask
from ..network import regular_network
from ..terrain import Terrain
from .cosines import exponential_field, speckle

_DATES = 10
_RADIANS_PER_MM = -4 * math.pi / (SENTINEL1_WAVELENGTH * 1000)
_LOOKS = 20.0


@dataclass(frozen=True)
class Measured:
    """All (h, w): ``phase_rate`` (rad/yr, away) and its ``standard_error`` (mm/yr), mean ``coherence``, share of open
    triplets (``closure``); ``noise`` is the part of the phase rate that is no motion."""

    phase_rate: Array
    standard_error: Array
    coherence: Array
    closure: Array
    noise: Array


@dataclass(frozen=True)
class Seen:
    """What pairs see of a LOS rate: ``phases`` (pairs, h, w) in rad, and the coherence that is left (h, w)."""

    phases: Array
    coherence: Array


def motion_phases(rng: np.random.Generator, los_rate: Array, bodies: NDArray[np.int32], intervals: Double) -> Seen:
    """The unwrapped phases of a LOS rate (mm/yr toward) in pairs of ``intervals`` days.

    A body (numbered from 1 in ``bodies``) whose phase changes by less than half a cycle from pixel to pixel in a pair
    is unwrapped rightly. One that changes more loses, in most of such pairs, the whole cycles of its faster part, or
    each pixel its own. Where the phase turns within a pixel, coherence goes as a sinc.
    """
    years = np.asarray(intervals, np.float64) / DAYS_PER_YEAR
    phases = (los_rate[None] * (years * _RADIANS_PER_MM)[:, None, None]).astype(np.float32)
    steps = _steepest(los_rate)
    turns = np.mean([np.sinc(np.clip(steps * abs(_RADIANS_PER_MM) * year / (2 * math.pi), 0, 1.5)) for year in years],
                    axis=0)  # fmt: skip
    coherence = np.clip(turns, 0.05, 1).astype(np.float32)
    for number in range(1, int(bodies.max()) + 1):
        own = bodies == number
        if not own.any():
            continue
        step = float(steps[own].max()) * abs(_RADIANS_PER_MM)
        by_pixel, unlucky = rng.random() < 0.5, rng.random(len(years)) < 0.85
        for place, year in enumerate(years):
            if step * year < math.pi or not unlucky[place]:
                continue
            values = phases[place][own]
            typical = values if by_pixel else np.quantile(values, 0.8 if values.mean() > 0 else 0.2)
            lost = 2 * math.pi * np.rint(typical / (2 * math.pi))
            phases[place][own] = values - lost
    return Seen(phases, coherence)


def _steepest(values: Array) -> Array:
    """The largest difference of a pixel from its four neighbours."""
    steps = np.zeros_like(values)
    for axis in (0, 1):
        difference = np.abs(np.diff(values, axis=axis))
        first, second = [slice(None)] * 2, [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        steps[tuple(first)] = np.maximum(steps[tuple(first)], difference)
        steps[tuple(second)] = np.maximum(steps[tuple(second)], difference)
    return steps


def measure(
    rng: np.random.Generator,
    terrain: Terrain,
    slides: Array,
    bodies: NDArray[np.int32],
    other: Array,
    hidden: Mask,
    factor: Array,
) -> Measured:
    """What a stack gives of landslides (``slides``, numbered in ``bodies``) and other motion, both mm/yr toward.

    ``factor`` on the coherence (h, w) of what is badly seen.
    """
    shape, size = terrain.dem.shape, terrain.pixel_size
    repeat = int(rng.choice([6, 12, 12, 12, 24]))
    # With 24 days between dates, pairs of 40 days are a chain that tells no error; so those of 48 take part.
    longest = max(40, 2 * repeat)
    few = regular_network((_DATES - 1) * repeat / DAYS_PER_YEAR, repeat, longest)
    years, lost = math.exp(rng.uniform(math.log(1.5), math.log(6))), rng.uniform(0, 0.5)
    full = regular_network(years, repeat, longest, lost, rng)
    of_dates, of_pairs = full.date_gain / few.date_gain, math.sqrt(few.squared_sum / full.squared_sum)
    seen = motion_phases(rng, slides, bodies, few.intervals)
    spans = few.intervals / DAYS_PER_YEAR
    motion = seen.phases + (other[None] * (spans * _RADIANS_PER_MM)[:, None, None]).astype(np.float32)
    cover = exponential_field(rng, shape, size, math.exp(rng.uniform(math.log(150), math.log(1500))))
    still = np.clip(rng.uniform(0.45, 0.9) + rng.uniform(0.05, 0.2) * cover, 0.05, 0.97)
    still = (still * np.where(hidden, 0.4, 1) * factor * seen.coherence).astype(np.float32)
    lasting = rng.uniform(20, 120)
    width = rng.uniform(0, 2.2)
    bias = np.float32(rng.normal(0, 0.08)) * np.clip(cover, -1, 1.5)
    air = _air(rng, terrain, _DATES) * np.float32(of_dates)
    noise = np.empty((len(spans), *shape), np.float32)
    total = np.zeros(shape, np.float32)
    for pair, days in enumerate(few.intervals):
        coherence = np.clip(0.1 + (still - 0.1) * math.exp(-days / lasting), 0.05, 0.97)
        deviation = np.sqrt((1 - coherence**2) / (2 * _LOOKS * coherence**2))
        total += coherence
        noise[pair] = np.minimum(deviation, 1.8) * of_pairs * speckle(rng, shape, width) + bias * days / 12
        noise[pair] += air[few.second[pair]] - air[few.first[pair]]
    phases = motion + noise
    incidence = np.zeros((len(spans), len(few.days)))
    each = np.arange(len(spans))
    incidence[each, few.first], incidence[each, few.second] = -1, 1
    rate, error = _estimated(phases, spans, incidence, full_estimator=rng.random() < 0.5, size=size)
    triplets = few.triplets.astype(np.intp)
    closure = open_share(phases, triplets, closure_offsets(phases.reshape(len(phases), -1), triplets))
    told = spans @ noise.reshape(len(noise), -1) / (spans @ spans)
    return Measured(
        phase_rate=rate,
        standard_error=error,
        coherence=(total / len(spans)).astype(np.float32),
        closure=closure,
        noise=told.reshape(shape).astype(np.float32),
    )


def _estimated(
    phases: Array, years: Double, incidence: Double, full_estimator: bool, size: float
) -> tuple[Array, Array]:
    """Rate (rad/yr) by the network or by equation 1, and its standard error (mm/yr) with that of its surroundings."""
    from scipy.ndimage import gaussian_filter

    levels = noise_of_network(phases[:, ::8, ::8], years, incidence) if full_estimator else None
    estimate = network_rates(phases, years, incidence, levels)
    told = estimate.standard_error
    variance = np.zeros(estimate.rate.shape) if told is None else np.square(np.nan_to_num(told))
    near = gaussian_filter(variance, 300 / size)
    error = np.abs(to_los_rate(np.sqrt((variance + 2 * near) / 3).astype(np.float32)))
    return estimate.rate.astype(np.float32), error


def _air(rng: np.random.Generator, terrain: Terrain, dates: int) -> Array:
    """The delay of each date in rad, (dates, h, w): two turbulent layers, a part that goes with height, a ramp."""
    shape, size = terrain.dem.shape, terrain.pixel_size
    wide, narrow = (math.exp(rng.uniform(*np.log(limits))) for limits in ((3_000, 20_000), (400, 2_500)))
    strength, share = math.exp(rng.uniform(math.log(0.5), math.log(3.5))), rng.uniform(0.05, 0.3)
    heights = (terrain.dem - terrain.dem.mean()) / np.float32(1000)
    by_height = math.exp(rng.uniform(math.log(0.3), math.log(3)))
    # The layering of the air is not the same on both sides of the tile.
    side = exponential_field(rng, shape, size, 15_000.0, 24)
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32) * np.float32(size / 10_000)
    air = np.empty((dates, *shape), np.float32)
    for date in range(dates):
        delay = np.float32(strength) * exponential_field(rng, shape, size, wide)
        delay += np.float32(strength * share) * exponential_field(rng, shape, size, narrow)
        delay += np.float32(by_height * rng.normal()) * heights * (1 + np.float32(0.3) * side)
        tilt = rng.normal(0, 0.5, 2).astype(np.float32)
        air[date] = delay + tilt[0] * rows + tilt[1] * columns
    return air
