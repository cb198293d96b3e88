"""Gaussian random fields as sums of cosines: of exponential covariance, whatever the size of the window."""

from __future__ import annotations

import math

import numpy as np

from ...types import Array

_WAVES = 160


def exponential_field(
    rng: np.random.Generator, shape: tuple[int, ...], pixel_size: float, length: float, waves: int = _WAVES
) -> Array:
    """A field (h, w) of zero mean, unit variance and covariance exp(−r / ``length``), length in metres.

    The two-dimensional spectrum of that covariance is (1 + k²L²)^(−3/2), from which wave vectors are drawn (Shinozuka &
    Jan 1972, J. Sound Vib. 25, 111–128). Each cosine is a product of what its row and its column give.
    """
    # The share of the variance beyond wave number k is (1 + k²L²)^(−1/2).
    wave = np.sqrt(np.maximum(rng.uniform(0.01, 1, waves) ** -2.0 - 1, 0)) / length
    angle = rng.uniform(0, 2 * math.pi, waves)
    rows, columns = (np.arange(size) * pixel_size for size in shape)
    down = rows[:, None] * (wave * np.sin(angle))[None, :] + rng.uniform(0, 2 * math.pi, waves)
    right = (wave * np.cos(angle))[:, None] * columns[None, :]
    cosines, sines = ([part(values).astype(np.float32) for values in (down, right)] for part in (np.cos, np.sin))
    field = (cosines[0] @ cosines[1] - sines[0] @ sines[1]) * math.sqrt(2 / waves)
    return np.asarray(field, np.float32)


def speckle(rng: np.random.Generator, shape: tuple[int, ...], width: float) -> Array:
    """Noise of unit variance that is correlated over ``width`` pixels, white below 0.3."""
    from scipy.ndimage import gaussian_filter

    noise = rng.standard_normal(shape, dtype=np.float32)
    if width < 0.3:
        return noise
    smoothed = gaussian_filter(noise, width, mode="wrap", truncate=3)
    return np.asarray(smoothed / smoothed.std(), np.float32)
