"""Random fields: the turbulent troposphere and the textures that follow the same power law."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster import running_gaussian
from ..types import Array

TURBULENCE_SCALE = 20_000.0
STEEPENING = 1_500.0


def as_float32(values: NDArray[Any]) -> Array:
    """The values as float32."""
    return values.astype(np.float32, copy=False)


def portable(function: np.ufunc, *values: Any) -> Array:
    """The function of the values in float32, computed in double precision.

    Processors differ in the last bits of what they give for an exp, a power or an arctan. Cut off before anything is
    chosen by the result, they can't turn a choice: a landslide or a valley is where it is on every machine.
    """
    return as_float32(function(*values, dtype=np.float64))


def power_law_field(
    rng: np.random.Generator,
    size: int,
    pixel_size: float,
    exponents: tuple[float, float] = (-8 / 3, -11 / 3),
    steepening: float = STEEPENING,
    outer_scale: float = 1.5 * TURBULENCE_SCALE,
) -> Array:
    """A periodic Gaussian field, shape (size, size), of unit standard deviation.

    Its two-dimensional power spectrum falls with the wave number k as k^exponents[0], below the wavelength
    ``steepening`` (metres) as k^exponents[1], and is flat beyond ``outer_scale``. The defaults are the
    troposphere's (Hanssen 2001).
    """
    from scipy import fft

    # In double precision for the same reason as ``portable``.
    spectrum = fft.rfft2(rng.standard_normal((size, size), dtype=np.float32).astype(np.float64))
    wave = np.hypot(np.fft.fftfreq(size, pixel_size)[:, None], np.fft.rfftfreq(size, pixel_size)[None, :])
    wave = np.maximum(wave, 1 / outer_scale) * steepening
    amplitude = wave ** np.where(wave < 1, exponents[0] / 2, exponents[1] / 2)
    amplitude[0, 0] = 0
    spectrum *= amplitude
    values = fft.irfft2(spectrum, s=(size, size))
    return as_float32(values / values.std())


def turbulence(rng: np.random.Generator, size: int, pixel_size: float) -> Array:
    """The troposphere's delay of one date, shape (size, size), of unit variance over 20 km and more."""
    from scipy import fft

    extent = fft.next_fast_len(max(math.ceil(1.1 * size), math.ceil(TURBULENCE_SCALE / pixel_size)))
    return power_law_field(rng, extent, pixel_size)[:size, :size]


@dataclass
class FieldPool:
    """A few large fields from which any number of smaller ones are cut: a crop costs next to nothing.

    Two crops with random flips, transposition and mixing give one field, so that repeats don't show.
    """

    seed: int
    pixel_size: float
    size: int = 1024
    count: int = 6
    exponents: tuple[float, float] = (-8 / 3, -11 / 3)
    steepening: float = STEEPENING
    outer_scale: float = 1.5 * TURBULENCE_SCALE
    _fields: list[Array] = field(default_factory=list, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_fields": []}

    def draw(self, rng: np.random.Generator, size: int) -> Array:
        """A field of shape (size, size) with unit variance over the pool's extent."""
        if not self._fields:
            self._fields = self._made(np.random.default_rng([self.seed, 7]))
        angle = rng.uniform(0, 2 * np.pi)
        first, second = rng.choice(self.count, 2, replace=False)
        mixed: Array = np.float32(np.cos(angle)) * self._crop(rng, self._fields[first], size)
        mixed += np.float32(np.sin(angle)) * self._crop(rng, self._fields[second], size)
        return mixed

    def _made(self, rng: np.random.Generator) -> list[Array]:
        spectrum = self.exponents, self.steepening, self.outer_scale
        return [power_law_field(rng, self.size, self.pixel_size, *spectrum) for _ in range(self.count)]

    def _crop(self, rng: np.random.Generator, values: Array, size: int) -> Array:
        row, column = rng.integers(0, self.size - size + 1, 2)
        return random_view(rng, values[row : row + size, column : column + size])


def random_view(rng: np.random.Generator, values: Array) -> Array:
    """The square array, randomly flipped and transposed."""
    flips = rng.integers(0, 2, 3)
    values = values[::-1] if flips[0] else values
    values = values[:, ::-1] if flips[1] else values
    return values.T if flips[2] else values


def smooth(values: NDArray[Any], sigma: float) -> Array:
    """Gaussian mean of standard deviation ``sigma`` pixels, from three running means when it is wide."""
    return running_gaussian(np.asarray(values, np.float32), (sigma, sigma), in_turn=True)


def smoothstep(values: NDArray[Any], low: float, high: float) -> Array:
    """0 at ``low``, 1 at ``high`` (which may be the smaller), smooth between."""
    share = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return as_float32(share * share * (3 - 2 * share))
