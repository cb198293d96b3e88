"""What mines do to the ground: troughs over longwall panels, open pits, dumps that settle, quarries."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..satellite import to_phase_rate
from ..types import Array
from .atmosphere import as_float32, portable, smooth, smoothstep
from .glaciers import incoherent
from .ground import Ground, Patch, Window, loguniform, polygon

# Horizontal displacement over tilt, as a share of the radius of influence (Kratzsch 1983; 0.3–0.4 are usual).
HORIZONTAL_SHARE = 0.35


@dataclass(frozen=True)
class Trough:
    """A panel of 2·half_length × 2·half_width metres whose roof sinks by ``rate`` (mm/yr, positive), seen above.

    Knothe's influence function: an element of the panel sinks the surface as a Gaussian of ``radius`` (metres), the
    depth over the tangent of the angle of influence. The ground moves toward where it sinks most.
    """

    half_length: float
    half_width: float
    radius: float
    rate: float

    def motion(self, along: Array, right: Array) -> tuple[Array, Array, Array]:
        """Rates (mm/yr) along, to the right and up, at metres from the panel's centre."""
        lengthwise, tilt_along = self._profile(along, self.half_length)
        crosswise, tilt_right = self._profile(right, self.half_width)
        pull = np.float32(self.rate * HORIZONTAL_SHARE * self.radius)
        return (
            pull * tilt_along * crosswise,
            pull * tilt_right * lengthwise,
            np.float32(-self.rate) * lengthwise * crosswise,
        )

    def _profile(self, offset: Array, half: float) -> tuple[Array, Array]:
        """Share of the full subsidence, and its derivative (1/m)."""
        from scipy.special import erf

        scale = math.sqrt(math.pi) / self.radius
        left, right = np.float32(scale) * (offset + np.float32(half)), np.float32(scale) * (offset - np.float32(half))
        share = 0.5 * (portable(erf, left) - portable(erf, right))
        tilt = (portable(np.exp, -left * left) - portable(np.exp, -right * right)) / np.float32(self.radius)
        return as_float32(share), as_float32(tilt)


def draw_longwall(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """A row of parallel panels, of which one to three are worked and others still settle; under slopes, too."""
    slope = ground.terrain.motion_slope
    site = ground.site(rng, lambda lattice: slope[lattice] < 25)
    if site is None:
        return []
    count = int(rng.integers(1, 7))
    length, width, pillar = loguniform(rng, 400, 2200), rng.uniform(130, 320), rng.uniform(25, 70)
    radius = rng.uniform(70, 260)
    azimuth = rng.uniform(0, 2 * math.pi)
    spread = (count - 1) * (width + pillar) / 2
    window = ground.window(*site, math.hypot(length / 2, spread + width / 2) + 1.3 * radius)
    along, right = ground.turned(window, *site, azimuth)
    peak = min(max(60 * math.exp(0.9 * rng.standard_normal()), 10), 400)
    active = int(rng.integers(count))
    motion = [np.zeros(along.shape, np.float32) for _ in range(3)]
    for number in range(count):
        age = abs(number - active)
        rate = peak * (rng.uniform(0.7, 1.0) if age == 0 else rng.uniform(0.0, 0.6) ** (1 + age))
        if rate < 2:
            continue
        worked = length * rng.uniform(0.4, 1.0)
        end = rng.choice([-1, 1]) * (length - worked) / 2
        trough = Trough(worked / 2, width / 2, radius, rate)
        offset = number * (width + pillar) - spread
        for total, part in zip(motion, trough.motion(along - np.float32(end), right - np.float32(offset))):
            total += part
    sine, cosine = np.float32(math.sin(azimuth)), np.float32(math.cos(azimuth))
    east, north = motion[0] * sine + motion[1] * cosine, motion[0] * cosine - motion[1] * sine
    return [Patch(window, motion[2] < -1, ground.los(east, north, motion[2]))]


def draw_open_pit(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """A pit that is worked, without coherence or data, and up to three dumps beside it."""
    slope = ground.terrain.motion_slope
    site = ground.site(rng, lambda lattice: slope[lattice] < 28)
    if site is None:
        return []
    radius = loguniform(rng, 120, 800)
    patches = [_dug(rng, ground, site, radius, int(rng.integers(6, 12)))]
    for _ in range(int(rng.integers(0, 4))):
        reach = loguniform(rng, 90, 350)
        azimuth, away = rng.uniform(0, 2 * math.pi), ground.pixels(radius + rng.uniform(0.8, 1.8) * reach)
        row, column = site[0] - away * math.cos(azimuth), site[1] + away * math.sin(azimuth)
        if 0 <= row < ground.shape[0] and 0 <= column < ground.shape[1]:
            patches += _dump(rng, ground, (int(row), int(column)), reach)
    return patches


def draw_quarry(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """A small pit in a slope, its ground lowered while the stack was taken."""
    slope = ground.terrain.motion_slope
    site = ground.site(rng, lambda lattice: (slope[lattice] > 4) & (slope[lattice] < 35))
    return [] if site is None else [_dug(rng, ground, site, loguniform(rng, 50, 180), int(rng.integers(4, 7)))]


def draw_dump(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """A spoil heap or tailings that settle, often on a slope."""
    slope = ground.terrain.motion_slope
    site = ground.site(rng, lambda lattice: slope[lattice] < 30)
    return [] if site is None else _dump(rng, ground, site, loguniform(rng, 90, 450))


def _dug(rng: np.random.Generator, ground: Ground, site: tuple[int, int], radius: float, corners: int) -> Patch:
    window = ground.window(*site, 1.6 * radius)
    share = _outline(rng, ground, window, site, radius, corners, rng.uniform(0.9, 1.8))
    cover = smoothstep(share, 1.08, 0.92)
    level = np.float32(rng.uniform(3, 18))
    # Ground that is dug off leaves a bias where baselines drift, and benches each their own.
    bench = np.floor(share * np.float32(rng.uniform(2, 6)) + np.float32(rng.random()))
    bias = np.float32(rng.normal(0, 8)) * portable(np.sin, bench * np.float32(rng.uniform(1, 3)))
    rate = cover * (level * incoherent(rng, ground, window) * np.float32(rng.uniform(0.2, 1)) + bias)
    gaps = None
    if rng.random() < 0.5:
        gaps = (cover > 0.9) & (ground.texture(rng, window, 600.0) > rng.uniform(-1, 1))
    return Patch(
        window,
        cover > 0.5,
        None,
        to_phase_rate(as_float32(np.clip(rate, -50, 50))),
        as_float32(1 - np.float32(rng.uniform(0.3, 0.85)) * cover),
        gaps,
        cover * np.float32(rng.uniform(0.05, 0.5)),
    )


def _dump(rng: np.random.Generator, ground: Ground, site: tuple[int, int], radius: float) -> list[Patch]:
    """A heap with straight sides, filled in lifts that settle each at its own rate."""
    window = ground.window(*site, 1.6 * radius)
    azimuth = rng.uniform(0, 2 * math.pi)
    share = _outline(rng, ground, window, site, radius, int(rng.integers(4, 8)), rng.uniform(1, 2.2))
    cover = smoothstep(share, 1.06, 0.94)
    along, right = ground.turned(window, *site, azimuth)
    lift = np.floor(along / np.float32(rng.uniform(0.4, 1.2) * radius) + np.float32(rng.random()))
    pace = rng.uniform(0.35, 1.0, 16).astype(np.float32)[lift.astype(np.int64) % 16]
    rate = min(max(22 * math.exp(0.8 * rng.standard_normal()), 5), 120)
    # The thicker the fill, the more it settles: toward the middle, or toward where it was tipped down a slope.
    thickness = portable(np.power, np.clip(1 - share, 0, 1), np.float32(rng.uniform(0.15, 0.6)))
    lean = np.clip(1 + np.float32(rng.uniform(-0.5, 0.5) / radius) * right, 0.3, 1.7)
    down = cover * smooth(pace, 0.6) * thickness * lean * np.float32(rate)
    slip = np.float32(rng.uniform(0, 0.4))
    los_rate = ground.los(0.0, 0.0, -down) + ground.downslope_los(window, slip * down)
    coherence = None
    if rng.random() < 0.5:
        coherence = as_float32(1 - np.float32(rng.uniform(0.2, 0.7)) * cover)
    return [Patch(window, cover > 0.5, as_float32(los_rate), None, coherence)]


def _outline(
    rng: np.random.Generator,
    ground: Ground,
    window: Window,
    site: tuple[int, int],
    radius: float,
    corners: int,
    elongation: float,
) -> Array:
    """Share of the way from the middle to the straight sides of a dug or filled outline, stretched one way."""
    along, right = ground.turned(window, *site, rng.uniform(0, 2 * math.pi))
    stretch = np.float32(math.sqrt(elongation))
    return polygon(rng, along / stretch, right * stretch, radius, corners)
