"""The noise of pixels: speckle that filters and looks have blurred, of amplitudes that change over kilometres."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..types import Array
from .atmosphere import as_float32, portable, smooth


class FineNoise(NamedTuple):
    """How speckle is made: variances of parts and their widths (pixels), σ of the logarithm of its amplitude over
    kilometres, and from pixel to pixel, which makes tails."""

    variances: tuple[float, float, float]
    widths: tuple[float, float, float]
    uneven: float
    tails: float


def amplitude(noise: FineNoise, field: Array) -> Array:
    """Factor of mean square 1 that changes over kilometres as ``field``, of unit variance, does."""
    return portable(np.exp, np.float32(noise.uneven) * field - np.float32(noise.uneven**2))


def unit_noise(rng: np.random.Generator, noise: FineNoise, shape: tuple[int, ...]) -> Array:
    """Noise of unit variance in the mean, (h, w)."""
    total = np.zeros(shape, np.float32)
    for variance, width in zip(noise.variances, noise.widths):
        if variance > 0.03:
            total += np.float32(math.sqrt(variance)) * blurred(rng, shape, width)
    total /= np.float32(math.sqrt(sum(variance for variance in noise.variances if variance > 0.03)))
    if noise.tails > 0.1:
        strength = rng.standard_normal(shape, dtype=np.float32)
        total *= portable(np.exp, np.float32(noise.tails) * strength - np.float32(noise.tails**2))
    return total


def blurred(rng: np.random.Generator, shape: tuple[int, ...], width: float) -> Array:
    """White noise blurred over ``width`` pixels, of unit variance."""
    values = smooth(rng.standard_normal(shape, dtype=np.float32), width)
    return as_float32(values / np.float32(max(float(values.std()), 1e-6)))


def seam_steps(rng: np.random.Generator, size: int) -> Array:
    """Steps of the rate (mm/yr) at seams of bursts or frames, straight lines across the track, (size, size)."""
    rows, columns = np.ogrid[:size, :size]
    angle = math.radians(rng.choice([-12, 12]) + rng.uniform(-2, 2))
    down = (rows * math.cos(angle) + columns * math.sin(angle)).astype(np.float32)
    total = np.zeros((size, size), np.float32)
    for _ in range(int(rng.integers(1, 3))):
        total += np.float32(rng.normal(0, 1.2)) * (down > rng.uniform(0, size))
    return total
