"""Fields of Matérn covariance: the second family of the turbulent troposphere, exponential for a smoothness of ½."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..types import Array
from .atmosphere import FieldPool, as_float32


@dataclass(frozen=True)
class Matern:
    """Covariance of unit variance, (2^(1−ν) / Γ(ν)) x^ν K_ν(x) with x = √(2ν) distance / range.

    ``smoothness``: ν; ``range`` in metres. ``stretch``: how many times longer the range is along ``azimuth`` (rad
    clockwise from north) than across; its geometric mean is ``range``.
    """

    smoothness: float = 0.5
    range: float = 5_000.0
    stretch: float = 1.0
    azimuth: float = 0.0


def matern_field(rng: np.random.Generator, size: int, pixel_size: float, covariance: Matern) -> Array:
    """A periodic Gaussian field, shape (size, size), whose variance is 1 in the mean over many fields.

    The spectrum of the covariance in two dimensions falls as (2ν/range² + (2πk)²)^−(ν+1) (Stein 1999).
    """
    from scipy import fft

    # In double precision so that a threshold finds the same pixels on every processor.
    spectrum = fft.rfft2(rng.standard_normal((size, size), dtype=np.float32).astype(np.float64))
    north, east = np.fft.fftfreq(size, pixel_size)[:, None], np.fft.rfftfreq(size, pixel_size)[None, :]
    sine, cosine = math.sin(covariance.azimuth), math.cos(covariance.azimuth)
    longer = math.sqrt(covariance.stretch)
    squared = ((cosine * -north + sine * east) * longer) ** 2 + ((sine * -north - cosine * east) / longer) ** 2
    power = 2 * covariance.smoothness / covariance.range**2 + (2 * math.pi) ** 2 * squared
    amplitude = power ** (-(covariance.smoothness + 1) / 2)
    # All columns but the first, and the last of an even size, stand for two waves.
    twice = np.full(amplitude.shape[1], 2.0)
    twice[0] = 1
    twice[-1] = 1 if size % 2 == 0 else 2
    variance = float((amplitude**2 * twice).sum()) / size**2
    return as_float32(fft.irfft2(spectrum * amplitude, s=(size, size)) / math.sqrt(variance))


@dataclass
class MaternPool(FieldPool):
    """A pool with one field of each covariance."""

    covariances: Sequence[Matern] = (Matern(), Matern())

    def __post_init__(self) -> None:
        self.count = len(self.covariances)

    def _made(self, rng: np.random.Generator) -> list[Array]:
        return [matern_field(rng, self.size, self.pixel_size, covariance) for covariance in self.covariances]
