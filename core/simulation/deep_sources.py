"""Motion of wide ground from below: volcanic and geothermal sources, bowls of groundwater, creeping faults."""

from __future__ import annotations

import math

import numpy as np

from ..types import Array
from .atmosphere import as_float32, portable, smoothstep
from .ground import Ground, Patch, loguniform
from .landslides import bowl_los_rate, draw_bowl

_SEEN = 1.0


def mogi(east: Array, north: Array, depth: Array | float, volume: float, poisson: float = 0.25) -> tuple[Array, ...]:
    """East, north and up motion (m) over a small sphere that gains ``volume`` (m³) at ``depth`` (m) (Mogi 1958)."""
    distance = np.sqrt(east * east + north * north + np.float32(1) * depth * depth)
    share = np.float32((1 - poisson) * volume / math.pi) / (distance * distance * distance)
    return as_float32(share * east), as_float32(share * north), as_float32(share * depth)


def point_sill(east: Array, north: Array, depth: Array | float, volume: float) -> tuple[Array, ...]:
    """East, north and up motion (m) over a small level crack that opens by ``volume`` (m³) (Okada 1985)."""
    distance = np.sqrt(east * east + north * north + np.float32(1) * depth * depth)
    share = (
        np.float32(1.5 * volume / math.pi) * (depth / distance) * (depth / distance) / (distance * distance * distance)
    )
    return as_float32(share * east), as_float32(share * north), as_float32(share * depth)


def draw_volcanic_source(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """A magmatic or geothermal source 0.5–6 km below, which swells or shrinks; high ground is farther from it."""
    height, width = ground.shape
    row, column = rng.uniform(-0.1, 1.1) * height, rng.uniform(-0.1, 1.1) * width
    window = ground.everywhere
    east, north = ground.offsets(window, row, column)
    depth = loguniform(rng, 500, 6000)
    below = as_float32(np.maximum(ground.broad_dem - np.float32(ground.broad_dem.mean()) + depth, 0.4 * depth))
    if rng.random() < 0.5:
        motion = mogi(east, north, below, 1.0)
    else:
        length, azimuth = rng.uniform(0, 1.5) * depth, rng.uniform(0, math.pi)
        motion = (np.zeros_like(below),) * 3
        for share in (-0.5, 0.0, 0.5):
            along_east, along_north = (
                np.float32(share * length * part) for part in (math.sin(azimuth), math.cos(azimuth))
            )
            part = point_sill(east - along_east, north - along_north, below, 1.0)
            motion = tuple(total + own for total, own in zip(motion, part))
    up = float(motion[2].max())
    peak = loguniform(rng, 4, 100) * rng.choice([-1, 1])
    los_rate = ground.los(*motion) * np.float32(peak / up)
    return [Patch(window, np.abs(los_rate) > _SEEN, los_rate)]


def draw_groundwater_bowl(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """A bowl or heave of level ground, as over pumped or refilled groundwater and oil; one in ten small, on slopes."""
    on_slopes = rng.random() < 0.1
    vertical = draw_bowl(rng, ground.terrain, ground.shapes, on_slopes, not on_slopes and rng.random() < 0.2)
    if not vertical.any():
        return []
    los_rate = bowl_los_rate(vertical, ground.terrain.pixel_size, ground.viewing, rng.uniform(0, 0.5))
    return [Patch(ground.everywhere, np.abs(los_rate) > _SEEN, los_rate)]


def draw_fault(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """A fault that creeps: the ground of one side moves along or up past the other's, over a width of 0–3 km."""
    height, width = ground.shape
    window = ground.everywhere
    azimuth = rng.uniform(0, 2 * math.pi)
    _, right = ground.turned(window, rng.uniform(0.2, 0.8) * height, rng.uniform(0.2, 0.8) * width, azimuth)
    bend = np.float32(rng.uniform(50, 250)) * ground.shapes.draw(rng, max(height, width))[:height, :width]
    right = right + bend
    locked = rng.uniform(0.3, 3) * 1000
    step = portable(np.arctan, right / np.float32(locked)) / np.float32(math.pi)  # Savage and Burford 1973
    if rng.random() < 0.5:
        step = smoothstep(right, -30.0, 30.0) - np.float32(0.5)
    rate, rake = loguniform(rng, 4, 25), rng.uniform(0, 2 * math.pi)
    strike, dip = rate * math.cos(rake), rate * 0.5 * math.sin(rake)
    los_rate = ground.los(
        step * np.float32(strike * math.sin(azimuth)),
        step * np.float32(strike * math.cos(azimuth)),
        step * np.float32(dip),
    )
    return [Patch(window, np.abs(right) < 60, los_rate)]
