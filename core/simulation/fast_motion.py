"""What pairs make of ground that moves by more than they can measure: lost cycles, open triplets, less coherence."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..satellite import DAYS_PER_YEAR, SENTINEL1_WAVELENGTH, to_los_rate
from ..types import Array, Double
from .atmosphere import FieldPool, as_float32, smoothstep
from .network import PairNetwork
from .rate_weights import RateWeights
from .surface import motion_coherence

# Below this share of half a cycle in the longest pair nothing is lost.
_SAFE = 0.6
_WANDER = 0.12
_STEADY, _SHEARED = (0.05, 0.3), (0.3, 1.0)


class SeenMotion(NamedTuple):
    """A motion as a stack sees it, (h, w) each.

    ``phase_rate`` (rad/yr, positive away) with the cycles that were lost; ``coherence``: the factor, 0–1, that is left;
    ``unclosed``: share of triplets that don't close.
    """

    phase_rate: Array
    coherence: Array
    unclosed: Array


def interval_triplets(network: PairNetwork) -> tuple[NDArray[np.int64], Double]:
    """The kinds of triplets (n, 3), as numbers of their pairs' intervals, and the share that each kind is of all."""
    days, place = np.unique(network.intervals, return_inverse=True)
    if not len(network.triplets):
        return np.zeros((0, 3), np.int64), np.zeros(0)
    kinds, counts = np.unique(place[network.triplets] @ [len(days) ** 2, len(days), 1], return_counts=True)
    numbers = np.stack([kinds // len(days) ** 2, kinds // len(days) % len(days), kinds % len(days)], axis=1)
    return numbers.astype(np.int64), counts / counts.sum()


def seen_motion(
    rng: np.random.Generator,
    phase_rate: Array,
    identity: NDArray[np.int32],
    count: int,
    weights: RateWeights,
    shapes: FieldPool,
) -> SeenMotion:
    """A true phase rate (rad/yr) as the pairs of ``weights`` show it.

    Of the ``count`` landslides of ``identity`` a third is unwrapped rightly at any speed, as finer data or offset
    tracking would have it; a third loses every whole cycle; the others lose them in patches, like all other ground.
    """
    coherence, unclosed = np.ones_like(phase_rate), np.zeros_like(phase_rate)
    days, _, _ = weights.by_interval
    years = (days / DAYS_PER_YEAR).astype(np.float32)
    places = np.flatnonzero(np.abs(phase_rate) * years[-1] > _SAFE * math.pi)
    if not len(places):
        return SeenMotion(phase_rate.copy(), coherence, unclosed)
    size = phase_rate.shape[0]
    ways, own = rng.integers(0, 3, count + 1), identity.ravel()[places]
    ways[0] = 2
    steady = np.where(ways == 0, rng.uniform(*_STEADY, count + 1), rng.uniform(*_SHEARED, count + 1))
    rate = phase_rate.ravel()[places]
    patchy = smoothstep(shapes.draw(rng, size), -0.6, 0.6).ravel()[places]
    followed = np.choose(ways[own], [np.float32(1), np.float32(0), patchy]).astype(np.float32)
    wander = np.float32(_WANDER) * shapes.draw(rng, size).ravel()[places]
    wander += rng.normal(0, _WANDER, len(places)).astype(np.float32)
    cycles = np.rint(rate * years[:, None] * np.float32(1 / (2 * math.pi)) + wander)
    seen = phase_rate.copy()
    seen.ravel()[places] += (1 - followed) * weights.lost_cycle_rate(cycles)
    kinds, shares = interval_triplets(weights.network)
    for (one, other, both), share in zip(kinds, shares):
        unclosed.ravel()[places] += np.float32(share) * (cycles[one] + cycles[other] != cycles[both])
    unclosed.ravel()[places] *= 1 - followed
    motion = to_los_rate(rate) * steady[own].astype(np.float32)
    numbers = np.bincount(np.searchsorted(days, weights.network.intervals), minlength=len(days))
    left = np.zeros(len(places), np.float32)
    for day, number in zip(days, numbers / numbers.sum()):
        left += np.float32(number) * motion_coherence(motion, float(day), SENTINEL1_WAVELENGTH)
    coherence.ravel()[places] = left
    return SeenMotion(seen, coherence, as_float32(unclosed))
