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
    """A magmatic source or a geothermal reservoir 0.4–6 km below, which swells or shrinks.

    High ground is farther from it. A reservoir is several sources side by side; a fault may end it on one side.
    """
    height, width = ground.shape
    row, column = rng.uniform(-0.1, 1.1) * height, rng.uniform(-0.1, 1.1) * width
    depth = loguniform(rng, 400, 6000)
    below = as_float32(np.maximum(ground.broad_dem - np.float32(ground.broad_dem.mean()) + depth, 0.4 * depth))
    source, count = (mogi, 1) if rng.random() < 0.4 else (point_sill, int(rng.integers(1, 5)))
    los_rate = np.zeros(ground.shape, np.float32)
    for _ in range(count):
        away = rng.normal(0, 0.6 * depth, 2) / ground.terrain.pixel_size if count > 1 else (0.0, 0.0)
        east, north = ground.offsets(ground.everywhere, row + away[0], column + away[1])
        los_rate += ground.los(*source(east, north, below, 1.0)) * np.float32(rng.uniform(0.3, 1.0))
    if count > 1 and rng.random() < 0.5:
        _, right = ground.turned(ground.everywhere, row, column, rng.uniform(0, 2 * math.pi))
        beyond = right + np.float32(60) * ground.texture(rng, ground.everywhere) - np.float32(rng.uniform(0, depth))
        los_rate *= 1 - np.float32(rng.uniform(0.4, 1.0)) * smoothstep(beyond, -rng.uniform(30, 400), 0.0)
    peak = loguniform(rng, 4, 100) * rng.choice([-1, 1])
    los_rate *= np.float32(peak / max(float(np.abs(los_rate).max()), 1e-30))
    return [Patch(ground.everywhere, np.abs(los_rate) > _SEEN, los_rate)]


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
