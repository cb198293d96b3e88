"""Patches of snow and of plants, by elevation and aspect: little coherence, and rates that no ground moves at."""

from __future__ import annotations

import math

import numpy as np

from ..satellite import to_phase_rate
from ..types import Array
from .atmosphere import as_float32, smooth, smoothstep
from .ground import Ground, Patch, loguniform


def draw_snow(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """Snow above a line, lower on one aspect and in hollows, that lies over part of the pairs."""
    if ground.relief < 250:
        return []
    window, dem = ground.everywhere, ground.broad_dem
    line = float(dem.min()) + ground.relief * rng.uniform(0.45, 0.85)
    score = (dem - np.float32(line)) / np.float32(rng.uniform(60, 250))
    score += np.float32(rng.uniform(0.2, 1.2)) * _facing(ground, rng.uniform(-0.6, 0.6))
    score += np.float32(rng.uniform(0, 0.02)) * np.clip(ground.hollow, -60, 60)
    score += np.float32(rng.uniform(0.3, 0.9)) * ground.texture(rng, window, 1500.0)
    cover = smoothstep(score, 0.0, rng.uniform(0.3, 1.0)) * smoothstep(ground.terrain.motion_slope, 48.0, 38.0)
    return _biased(rng, ground, cover, rng.uniform(0.3, 0.8))


def draw_vegetation(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """Woods below a tree line, more on one aspect: a bias of their own, and of their edges by the side they face."""
    window, dem = ground.everywhere, ground.broad_dem
    line = float(dem.min()) + ground.relief * rng.uniform(0.3, 1.2)
    score = np.minimum((np.float32(line) - dem) / np.float32(rng.uniform(60, 250)), 1)
    score += np.float32(rng.uniform(0, 1.2)) * _facing(ground, rng.uniform(0, 2 * math.pi))
    score += np.float32(rng.uniform(0.6, 1.6)) * ground.texture(rng, window, 1800.0)
    limit = max(0.3, float(np.quantile(score[::4, ::4], rng.uniform(0.6, 0.97))))
    cover = smooth(smoothstep(score, limit, limit + 0.15), rng.uniform(0.6, 2.0))
    patches = _biased(rng, ground, cover, rng.uniform(0.2, 0.6))
    if not patches or rng.random() < 0.4:
        return patches
    look_east, look_north = ground.viewing.look
    north, east = np.gradient(cover)
    edge = np.float32(look_east) * east - np.float32(look_north) * north
    extra = to_phase_rate(as_float32(edge * np.float32(2 * rng.uniform(2, 10) * rng.choice([-1, 1]))))
    body = patches[0]
    assert body.apparent_rate is not None
    return [body._replace(apparent_rate=body.apparent_rate + extra)]


def _facing(ground: Ground, azimuth: float) -> Array:
    """1 on slopes of 20° and more that fall toward an azimuth (rad), -1 on those that rise, 0 on level ground."""
    east, north = ground.terrain.motion_gradient
    falls = -(east * np.float32(math.sin(azimuth)) + north * np.float32(math.cos(azimuth)))
    return as_float32(np.clip(falls / np.float32(math.tan(math.radians(20))), -1, 1))


def _biased(rng: np.random.Generator, ground: Ground, cover: Array, darkness: float) -> list[Patch]:
    """A patch whose rate is biased by 1.5–10 mm/yr, seldom by so much, unevenly."""
    if not (cover > 0.5).any():
        return []
    window = ground.everywhere
    uneven = 1 + np.float32(rng.uniform(0.1, 0.6)) * ground.texture(rng, window, 900.0)
    bias = loguniform(rng, 1.5, 10) * rng.choice([-1, 1])
    rate = cover * (np.float32(bias) * uneven + np.float32(rng.uniform(0, 4)) * ground.speckle(rng, window, 0.8))
    return [
        Patch(
            window,
            cover > 0.5,
            None,
            to_phase_rate(as_float32(rate)),
            as_float32(1 - np.float32(darkness) * cover),
            None,
            cover * np.float32(rng.uniform(0.02, 0.3)),
        )
    ]
