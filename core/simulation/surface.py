"""What the ground does to the phase: land cover, coherence, decorrelation noise, fading and unwrapping errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..satellite import DAYS_PER_YEAR
from ..types import Array
from .atmosphere import FieldPool, as_float32, portable, smooth
from .network import PairNetwork
from .terrain import Terrain

ROCK, GRASS, FOREST, CROPS, TOWN, WATER = range(6)
# Coherence at zero and at long temporal baseline, and the days in which it falls (C band).
_COHERENCE = np.array(
    [
        (0.93, 0.55, 250.0),
        (0.85, 0.28, 45.0),
        (0.62, 0.10, 16.0),
        (0.78, 0.14, 22.0),
        (0.95, 0.72, 500.0),
        (0.12, 0.05, 10.0),
    ]
)
LARGEST_PHASE_NOISE = math.pi / math.sqrt(3)


@dataclass(frozen=True)
class LandCover:
    """Class of each pixel (ROCK … WATER) and a texture about 1 that multiplies its coherence."""

    classes: NDArray[np.uint8]
    texture: Array
    climate: float

    def pair_coherence(self, days: float) -> Array:
        """True coherence of a pair that spans ``days``, shape (h, w)."""
        by_class = class_coherence(np.array([days]), self.climate)[0]
        return as_float32(np.clip(by_class[self.classes] * self.texture, 0.02, 0.98))


def class_coherence(days: NDArray[np.float64], climate: float) -> Array:
    """True coherence by temporal baseline and class, shape (days, classes); ``climate`` < 1 decays faster."""
    start, floor, decay = _COHERENCE.T
    return as_float32(floor + (start - floor) * np.exp(-days[:, None] / (decay * climate)))


def draw_land_cover(rng: np.random.Generator, terrain: Terrain, textures: FieldPool) -> LandCover:
    """Forests and grass on slopes, fields, towns and water on level ground, in a climate drawn at random."""
    height, width = terrain.dem.shape
    side = max(height, width)
    noise = textures.draw(rng, side)[:height, :width]
    detail = textures.draw(rng, side)[:height, :width]
    patches = noise + np.float32(0.35) * (detail - smooth(detail, 6.0))
    relief = float(terrain.dem.max() - terrain.dem.min()) + 1.0
    elevation = (terrain.dem - terrain.dem.min()) / np.float32(max(relief, 300.0))
    greenness = patches - np.float32(rng.uniform(0, 1.5)) * elevation
    forest_share, rock_share = rng.beta(0.8, 1.1), rng.beta(0.8, 1.6)
    sample = greenness[::8, ::8]
    classes = np.full((height, width), GRASS, np.uint8)
    classes[greenness < np.quantile(sample, min(rock_share, 0.9))] = ROCK
    classes[greenness > np.quantile(sample, 1 - forest_share * (1 - rock_share))] = FOREST
    level = terrain.level_ground > 0.5
    if level.mean() > 0.02:
        _settle(rng, classes, level, noise, detail)
    texture = portable(np.exp, np.float32(0.12) * (detail + rng.standard_normal((height, width), dtype=np.float32)))
    return LandCover(classes, texture, float(np.exp(rng.normal(0, 0.45))))


def _settle(
    rng: np.random.Generator, classes: NDArray[np.uint8], level: NDArray[np.bool_], noise: Array, detail: Array
) -> None:
    """Put parcels of fields, towns and lakes on level ground."""
    height, width = classes.shape
    if rng.random() < 0.7:
        angle, long, short = rng.uniform(0, math.pi), rng.uniform(6, 25), rng.uniform(3, 10)
        rows, columns = np.ogrid[:height, :width]
        first = np.floor((columns * math.cos(angle) + rows * math.sin(angle)) / long).astype(np.int64)
        second = np.floor((rows * math.cos(angle) - columns * math.sin(angle)) / short).astype(np.int64)
        parcels = rng.choice([CROPS, CROPS, GRASS, ROCK, FOREST], 997).astype(np.uint8)
        fields = level & (noise > rng.normal(-0.4, 0.6))
        classes[fields] = parcels[(first * 31 + second * 57) % 997][fields]
    if rng.random() < 0.6:
        classes[level & (detail > rng.uniform(0.6, 1.6))] = TOWN
    if rng.random() < 0.35:
        classes[level & (noise + 0.3 * detail < rng.uniform(-2.2, -0.8))] = WATER


def phase_noise(coherence: Array, looks: float) -> Array:
    """Standard deviation (rad) of the phase of one interferogram, √((1-γ²)/(2Lγ²)), at most a uniform phase's."""
    squared = np.maximum(coherence, 0.01) ** 2
    return as_float32(np.minimum(np.sqrt((1 - squared) / (2 * looks * squared)), LARGEST_PHASE_NOISE))


def unit_speckle(rng: np.random.Generator, size: int, width: float) -> Array:
    """White noise of unit variance, shape (size, size), blurred over ``width`` pixels as filters and looks do."""
    noise = smooth(rng.standard_normal((size, size), dtype=np.float32), width)
    noise /= max(float(noise.std()), 1e-6)
    return noise


def estimated_coherence(coherence: Array, looks: float) -> Array:
    """What an estimate over ``looks`` samples tends to: it overstates low coherence."""
    return as_float32(np.sqrt(coherence**2 + (1 - coherence**2) / np.float32(max(looks, 1.0))))


def motion_coherence(los_rate: Array, days: float, wavelength: float) -> Array:
    """Factor by which motion lowers the coherence of a pair: it falls as the pair's motion passes λ/4."""
    share = np.abs(los_rate) * np.float32(1e-3 * days / DAYS_PER_YEAR / (wavelength / 4))
    return portable(np.exp, -(np.maximum(share - 0.35, 0) ** 2) * 2.5)


def lost_cycles(phase: Array) -> Array:
    """Error (rad) of an unwrapping that loses every whole cycle of a phase: beyond ±π, as beyond λ/4 a pair."""
    return as_float32(np.rint(phase / np.float32(2 * math.pi)) * np.float32(-2 * math.pi))


def lost_cycle_rate(phase_rate: Array, network: PairNetwork) -> Array:
    """What those errors of all pairs make in Eq. 1 (rad/yr)."""
    error = np.zeros_like(phase_rate)
    for days, count in zip(*network.interval_groups()):
        years = days / DAYS_PER_YEAR
        error += np.float32(count * years / network.squared_sum) * lost_cycles(phase_rate * np.float32(years))
    return error


def stack_noise_by_class(network: PairNetwork, climate: float, looks: float) -> tuple[Array, Array]:
    """Standard deviation of Eq. 1 (rad/yr) and mean coherence of each class over a network's pairs."""
    days, counts = network.interval_groups()
    coherence = class_coherence(days, climate)
    weights = (days / DAYS_PER_YEAR / network.squared_sum) ** 2 * counts
    deviation = np.sqrt(np.sum(weights[:, None] * phase_noise(coherence, looks) ** 2, axis=0))
    return deviation.astype(np.float32), np.average(coherence, axis=0, weights=counts).astype(np.float32)


def weak_patches(
    rng: np.random.Generator, terrain: Terrain, coherence: Array, textures: FieldPool, count: int
) -> list[NDArray[np.intp]]:
    """Flat pixel indices of up to ``count`` patches of low coherence where unwrapping may lose a cycle.

    They are bounded by valleys or crests and by better coherence, and cover at most 10 km² each.
    """
    from scipy import ndimage

    if not count:
        return []
    height, width = terrain.dem.shape
    noise = textures.draw(rng, max(height, width))[:height, :width]
    relative = terrain.dem - smooth(terrain.dem, 900.0 / terrain.pixel_size)
    relative /= max(float(relative.std()), 1.0)
    weak = smooth(coherence, 2.0)
    score = noise + np.float32(rng.choice([-0.7, 0.7])) * relative - np.float32(2.5) * (weak - weak.mean())
    regions, found = ndimage.label(score > np.quantile(score[::4, ::4], rng.uniform(0.75, 0.96)))
    sizes = np.bincount(regions.ravel(), minlength=1)
    sizes[0] = 0
    sizes[sizes * terrain.pixel_size**2 > 10e6] = 0
    largest = np.argsort(sizes, kind="stable")[::-1][: min(found, max(6, 2 * count))]
    chosen = [region for region in rng.permutation(largest)[:count] if sizes[region]]
    if not chosen:
        return []
    members = np.flatnonzero(np.isin(regions, chosen))
    identity = regions.ravel()[members]
    return [members[identity == region] for region in chosen]


def unwrapping_errors(
    rng: np.random.Generator, terrain: Terrain, coherence: Array, textures: FieldPool, network: PairNetwork
) -> Array:
    """Steps of the phase rate (rad/yr) where some pairs lost a cycle; such a pair adds 2πΔt/S."""
    result = np.zeros_like(terrain.dem)
    for patch in weak_patches(rng, terrain, coherence, textures, int(rng.poisson(0.7))):
        lost = network.intervals[rng.integers(0, len(network.intervals), 1 + rng.poisson(1.5))]
        step = 2 * math.pi * float(np.sum(lost / DAYS_PER_YEAR)) / network.squared_sum
        result.ravel()[patch] += np.float32(np.clip(step, 0.3, 8.0) * rng.choice([-1, 1]))
    return result
