"""Glaciers: tongues that fill high valleys, where the phase of pairs is noise."""

from __future__ import annotations

import numpy as np

from ..satellite import to_phase_rate
from ..types import Array
from .atmosphere import as_float32, portable, smooth, smoothstep
from .ground import Ground, Mask, Patch, Window, loguniform

LEAST_RELIEF = 400.0
LARGEST_RATE = 50.0
_LEAST_AREA = 0.03e6


def draw_glacier(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """One tongue from a high hollow down its valley; none where the relief is below 400 m."""
    outline = _outline(rng, ground)
    if outline is None:
        return []
    window, cover, fill = outline
    inside = cover > 0.5
    if inside.sum() * ground.terrain.pixel_size**2 < _LEAST_AREA:
        return []
    los_rate = np.zeros_like(cover)
    flows = rng.random() < 0.2
    if flows:  # slow, covered by debris: coherent enough to be measured
        los_rate += ground.downslope_los(window, cover * fill * np.float32(loguniform(rng, 15, 200)))
    if rng.random() < 0.35:  # ice under debris melts along the margins
        los_rate += ground.los(0.0, 0.0, -4 * cover * (1 - cover) * np.float32(rng.uniform(5, 40)))
    strength = np.float32(rng.uniform(2, 8) if flows else rng.uniform(8, 28))
    apparent = np.clip(cover * strength * incoherent(rng, ground, window), -LARGEST_RATE, LARGEST_RATE)
    darkness = rng.uniform(0.2, 0.5) if flows else rng.uniform(0.5, 0.9)
    gaps = None
    if not flows and rng.random() < 0.7:
        core = fill + np.float32(0.25) * ground.texture(rng, window, 800.0)
        gaps = inside & (smooth(cover, 1.5) > 0.75) & (core > rng.uniform(0.1, 1.2))
    return [
        Patch(
            window,
            inside,
            los_rate if los_rate.any() else None,
            to_phase_rate(apparent),
            as_float32(1 - np.float32(darkness) * smooth(cover, 1.0)),
            gaps,
            cover * np.float32(rng.uniform(0.05, 0.2) if flows else rng.uniform(0.2, 0.7)),
        )
    ]


def incoherent(rng: np.random.Generator, ground: Ground, window: Window) -> Array:
    """What pairs without coherence make of a rate: patches of noise, about unit variance, shape of the window."""
    fine = ground.speckle(rng, window, rng.uniform(0.5, 1.2))
    patches = ground.speckle(rng, window, rng.uniform(1.5, 4.0))
    share = rng.uniform(0.2, 0.8)
    bias = np.float32(rng.uniform(-0.7, 0.7))
    mixed = np.sqrt(share) * fine + np.sqrt(1 - share) * patches + bias
    return as_float32(mixed * portable(np.exp, np.float32(0.3) * ground.texture(rng, window, 1500.0)))


def _outline(rng: np.random.Generator, ground: Ground) -> tuple[Window, Array, Array] | None:
    """The window of a tongue, its cover (0–1) and how far inside it a pixel lies (0 at the margin, 1 amid)."""
    if ground.relief < LEAST_RELIEF:
        return None
    dem, slope = ground.terrain.dem, ground.terrain.motion_slope
    high = float(dem.min()) + ground.relief * rng.uniform(0.4, 0.75)

    def cirque(lattice: Window) -> Mask:
        fitting = (dem[lattice] > high) & (slope[lattice] < 30) & (ground.hollow[lattice] > 8)
        return np.asarray(fitting, np.bool_)

    heads = [head for head in [ground.site(rng, cirque)] if head is not None]
    if not heads:
        return None
    longest = loguniform(rng, 1000, 8000)
    around = ground.window(*heads[0], 0.4 * longest)
    for _ in range(int(rng.integers(0, 3)) if longest > 2500 else 0):  # tributaries
        near = ground.site(rng, lambda lattice: cirque(lattice) & _within(ground, around)[lattice])
        heads += [] if near is None else [near]
    lowest = float(dem.min()) + ground.relief * rng.uniform(0.05, 0.4)
    paths = [ground.way_down(*head, longest) for head in heads]
    paths = [path[: max(2, int((ground.broad_dem[path[:, 0], path[:, 1]] > lowest).sum()))] for path in paths]
    half_width, depth = loguniform(rng, 150, 600), rng.uniform(30, 100)
    corridor = ground.corridor(paths, 1.5 * half_width)
    # Widest below its cirque, and narrowing to the snout.
    taper = 1 - np.float32(0.55) * corridor.along + np.float32(0.35) * smoothstep(corridor.along, 0.35, 0.0)
    noise = portable(np.exp, np.float32(0.18) * ground.texture(rng, corridor.window, 900.0))
    sideways = corridor.distance / (np.float32(half_width) * taper) * noise
    upward = np.maximum(corridor.rise, 0) / (np.float32(depth) * taper) * noise
    margin = np.maximum(sideways, upward)
    steep = smoothstep(slope[corridor.window], 36.0, 28.0)
    return corridor.window, smoothstep(margin, 1.12, 0.88) * steep, smoothstep(margin, 1.0, 0.0)


def _within(ground: Ground, window: Window) -> Mask:
    mask = np.zeros(ground.shape, np.bool_)
    mask[window] = True
    return mask
