"""Loose ground that settles, swells or shrinks: fans and debris cones, valley fills, peat, soils."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..satellite import to_phase_rate
from ..types import Array
from .atmosphere import as_float32, portable, smooth, smoothstep
from .ground import Ground, Mask, Patch, Window, loguniform


def draw_fan(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """An alluvial fan at the foot of a valley, 300 m to 2.5 km long."""
    slope = ground.terrain.motion_slope

    def foot(lattice: Window) -> Mask:
        gentle = (slope[lattice] > 1.2) & (slope[lattice] < 12)
        return np.asarray(gentle & (ground.hollow[lattice] > 4), np.bool_)

    return _sector(rng, ground, foot, (300, 2500), (18, 50), 14.0)


def draw_debris_cone(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """A talus or debris cone at the foot of a steep gully, 150–800 m long."""
    slope = ground.terrain.motion_slope

    def foot(lattice: Window) -> Mask:
        return np.asarray((slope[lattice] > 10) & (slope[lattice] < 30) & (ground.hollow[lattice] > 3), np.bool_)

    return _sector(rng, ground, foot, (150, 800), (16, 38), 36.0)


def _sector(
    rng: np.random.Generator,
    ground: Ground,
    foot: Callable[[Window], Mask],
    lengths: tuple[float, float],
    half_angles: tuple[float, float],
    steepest: float,
) -> list[Patch]:
    """Ground that spreads down from an apex, settling by a few mm/yr, in streaks and lobes."""
    site = ground.site(rng, foot)
    if site is None:
        return []
    around = ground.window(*site, 200)
    east, north = (-float(values[around].mean()) for values in ground.terrain.motion_gradient)
    azimuth = math.atan2(east, north)
    length, half_angle = loguniform(rng, *lengths), math.radians(rng.uniform(*half_angles))
    window = ground.window(*site, 1.1 * length)
    along, right = ground.turned(window, *site, azimuth)
    noise = ground.texture(rng, window, 0.8 * length)
    away = np.sqrt(along * along + right * right)
    angle = np.abs(portable(np.arctan2, right, along)) / np.float32(half_angle)
    reach = away / np.float32(length)
    cover = smoothstep(angle + np.float32(0.15) * noise, 1.1, 0.8) * smoothstep(
        reach + np.float32(0.1) * noise, 1.0, 0.75
    )
    cover *= smoothstep(reach, 0.0, 0.12) * smoothstep(ground.terrain.motion_slope[window], steepest, 0.75 * steepest)
    streaks = smoothstep(ground.texture(rng, window, 0.4 * length), rng.uniform(-2.5, -0.5), 0.5)
    rate = cover * streaks * np.float32(loguniform(rng, 4, 18) * rng.choice([-1, -1, 1]))
    if not (np.abs(rate) > 1).any():
        return []
    return [_loose(rng, ground, window, rate)]


def draw_valley_fill(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """The fill and the terraces of a valley's floor, settling in patches between straight and winding edges."""
    slope = ground.terrain.motion_slope

    def floor(lattice: Window) -> Mask:
        return np.asarray((slope[lattice] < 9) & (ground.hollow[lattice] > 6), np.bool_)

    site = ground.site(rng, floor)
    if site is None:
        return []
    path = ground.way_down(*site, loguniform(rng, 600, 5000))
    if len(path) < 8:
        return []
    half_width = loguniform(rng, 80, 600)
    corridor = ground.corridor([path], 1.2 * half_width)
    cover = smoothstep(corridor.rise, rng.uniform(6, 25), 2.0) * smoothstep(
        corridor.distance, half_width, 0.8 * half_width
    )
    cover *= smoothstep(slope[corridor.window], 14.0, 8.0) * smoothstep(corridor.along, 0.0, 0.04)
    cover *= smoothstep(corridor.along, 1.0, 0.96)
    patches = smoothstep(ground.texture(rng, corridor.window, 1200.0), rng.uniform(-2.5, -0.3), rng.uniform(-0.2, 0.7))
    rate = cover * patches * np.float32(loguniform(rng, 3, 14) * rng.choice([-1, -1, 1]))
    if not (np.abs(rate) > 1).any():
        return []
    return [_loose(rng, ground, corridor.window, rate)]


def draw_peat(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """Drained peat or clay under fields: level ground that sinks, each parcel at its own rate."""
    level = ground.terrain.level_ground
    site = ground.site(rng, lambda lattice: level[lattice] > 0.5)
    if site is None:
        return []
    reach = loguniform(rng, 300, 2500)
    window = ground.window(*site, 1.2 * reach)
    along, right = ground.turned(window, *site, rng.uniform(0, math.pi))
    noise = ground.texture(rng, window, 1.5 * reach)
    away = np.sqrt(along * along + right * right) / np.float32(reach)
    cover = smoothstep(away * portable(np.exp, np.float32(0.3) * noise), 1.0, 0.9) * smoothstep(level[window], 0.2, 0.6)
    cover *= _parcels(rng, along, right, (0.35, 1.0))
    rate = smooth(cover, 0.5) * np.float32(-loguniform(rng, 4, 40))
    if not (np.abs(rate) > 1).any():
        return []
    return [_loose(rng, ground, window, rate)]


def draw_soil(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """Soils that swell and shrink, whose moisture drifts over the stack: both signs, by parcel or by patch."""
    slope = ground.terrain.motion_slope
    site = ground.site(rng, lambda lattice: slope[lattice] < 12)
    if site is None:
        return []
    reach = loguniform(rng, 300, 2500)
    window = ground.window(*site, 1.2 * reach)
    along, right = ground.turned(window, *site, rng.uniform(0, math.pi))
    noise = ground.texture(rng, window, 800.0)
    away = np.sqrt(along * along + right * right) / np.float32(reach)
    cover = smoothstep(away + np.float32(0.2) * noise, 1.0, 0.7) * smoothstep(slope[window], 16.0, 9.0)
    if rng.random() < 0.5:
        pattern = _parcels(rng, along, right, (-1.0, 1.0))
        pattern = pattern * np.abs(pattern)
    else:
        pattern = np.clip(ground.texture(rng, window, 500.0), -1.2, 1.2)
    rate = smooth(cover * pattern, 0.6) * np.float32(loguniform(rng, 2.5, 10))
    if not (np.abs(rate) > 1).any():
        return []
    if rng.random() < 0.5:
        return [_loose(rng, ground, window, rate)]
    # What moist soil and plants add to the phase of short pairs is no motion, and leaves triplets open.
    unclosed = as_float32(np.minimum(np.abs(rate) / 6, 1) * np.float32(rng.uniform(0.05, 0.4)))
    return [Patch(window, np.abs(rate) > 1, None, to_phase_rate(rate), None, None, unclosed)]


def _parcels(rng: np.random.Generator, along: Array, right: Array, rates: tuple[float, float]) -> Array:
    """Numbers between ``rates``, one for each field of a quilt, shape of the offsets (m)."""
    first = np.floor(along / np.float32(rng.uniform(150, 600))).astype(np.int64)
    second = np.floor(right / np.float32(rng.uniform(80, 300))).astype(np.int64)
    values = rng.uniform(*rates, 997).astype(np.float32)
    return as_float32(values[(first * 31 + second * 57) % 997])


def _loose(rng: np.random.Generator, ground: Ground, window: Window, up: Array) -> Patch:
    """Vertical motion (mm/yr), with the coherence that loose ground may lose."""
    coherence = None
    if rng.random() < 0.3:
        share = np.minimum(np.abs(up) / max(float(np.abs(up).max()), 1e-6), 1)
        coherence = as_float32(1 - np.float32(rng.uniform(0.1, 0.5)) * share)
    return Patch(window, np.abs(up) > 1, ground.los(0.0, 0.0, up), None, coherence)
