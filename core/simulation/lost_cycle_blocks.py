"""Blocks of ground whose phase lost whole cycles: as large as a hillslope, a side valley or a ridge, straight-edged."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..satellite import DAYS_PER_YEAR, to_phase_rate
from ..types import Array
from .atmosphere import as_float32, smooth, smoothstep
from .ground import Ground, Patch, Units, Window, loguniform, main_direction
from .network import PairNetwork

STEP_LIMITS = (2.0, 22.0)
AREA_LIMITS = (0.015e6, 1.2e6)
RIDGE_SHARE, RIDGE_LIMITS = 0.15, (0.4e6, 4e6)
SCATTERED_SHARE, SCATTERED_LIMITS = 0.15, (0.003e6, 0.1e6)
CLOSED_SHARE = 0.25
_LEAST_SLOPE = 7.0


@dataclass(frozen=True)
class LostCycles:
    """How many whole cycles each pair of a network got too many in one block, shape (pairs,)."""

    cycles: NDArray[np.int64]

    def step(self, network: PairNetwork) -> float:
        """The block's step in Eq. 1 (rad/yr): 2π Σ n Δt / Σ Δt²."""
        years = network.intervals / DAYS_PER_YEAR
        return 2 * math.pi * float(self.cycles @ years) / network.squared_sum

    def unclosed(self, network: PairNetwork) -> float:
        """Share of the network's triplets that these cycles leave open; 0 without triplets."""
        leading, following, spanning = network.triplets.T
        if not len(spanning):
            return 0.0
        return float(np.mean(self.cycles[leading] + self.cycles[following] != self.cycles[spanning]))


def draw_lost_cycles(rng: np.random.Generator, network: PairNetwork) -> LostCycles:
    """Cycles that make a step of about 2–22 mm/yr; more where a single pair makes more.

    In one block of four every pair over a date lost one, so that all triplets close.
    """
    sign = int(rng.choice([-1, 1]))
    if rng.random() < CLOSED_SHARE:
        closed = _closed_cycles(rng, network)
        if closed is not None:
            return LostCycles(sign * closed.cycles)
    target = loguniform(rng, *_step_limits())
    years = network.intervals / DAYS_PER_YEAR
    order = np.argsort(rng.exponential(size=len(years)) / years, kind="stable")  # long pairs lose cycles first
    needed = target * network.squared_sum / (2 * math.pi)
    count = 1 + int(np.searchsorted(np.cumsum(years[order]), needed))
    cycles = np.zeros(len(years), np.int64)
    cycles[order[:count]] = sign
    return LostCycles(cycles)


def _step_limits() -> tuple[float, float]:
    """STEP_LIMITS in rad/yr."""
    lowest, highest = np.abs(to_phase_rate(np.array(STEP_LIMITS, np.float32))).tolist()
    return lowest, highest


def _closed_cycles(rng: np.random.Generator, network: PairNetwork) -> LostCycles | None:
    """Cycles of whole dates, or from a date on, whose step is within the limits; None when eight tries fail."""
    lowest, highest = _step_limits()
    for _ in range(8):
        of_dates = np.zeros(len(network.days), np.int64)
        date = int(rng.integers(1, max(2, len(network.days) - 1)))
        of_dates[date if rng.random() < 0.5 else slice(date, None)] = 1
        lost = LostCycles(of_dates[network.second] - of_dates[network.first])
        if lowest <= abs(lost.step(network)) <= highest:
            return lost
    return None


def draw_lost_cycle_block(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """One block: a unit of the terrain, whole or cut by a straight chord, whose pairs lost cycles.

    Some have two terraces, where other pairs lost a cycle on a part of it; strips along some edges are decorrelated
    or without data. Some are many small ones on a mountainside instead.
    """
    if rng.random() < SCATTERED_SHARE:
        return _scattered(rng, ground)
    found = _outline(rng, ground)
    if found is None:
        return []
    window, cover = found
    lost = draw_lost_cycles(rng, ground.network)
    rate = cover * np.float32(lost.step(ground.network))
    unclosed = cover * np.float32(lost.unclosed(ground.network))
    if rng.random() < 0.3:
        inner = cover * _chord(rng, ground, window, cover, rng.uniform(0.25, 0.75))
        second = draw_lost_cycles(rng, ground.network)
        if rng.random() < 0.5 and second.step(ground.network) * lost.step(ground.network) < 0:
            second = LostCycles(-second.cycles)
        both = LostCycles(lost.cycles + second.cycles)
        rate += inner * np.float32(second.step(ground.network))
        unclosed += inner * np.float32(both.unclosed(ground.network) - lost.unclosed(ground.network))
    blur = rng.uniform(0.0, 1.2)
    if blur > 0.4:
        rate = smooth(rate, blur)
    band = 4 * cover * (1 - cover) if blur > 0.4 else smooth(cover, 1.0) * (1 - smooth(cover, 1.0)) * 4
    # Edges are weakest where slopes rise steeply away from the satellite, as in layover.
    weak = ground.texture(rng, window, 900.0) + 2 * smoothstep(_rise(ground, window), 0.2, 0.6)
    broken = smoothstep(weak, rng.uniform(-1.0, 1.0), 1.2) * np.minimum(band, 1)
    coherence = (1 - np.float32(rng.uniform(0.2, 0.8)) * broken) * (1 - np.float32(rng.uniform(0, 0.4)) * cover)
    gaps = broken > rng.uniform(0.3, 0.7) if rng.random() < 0.5 else None
    return [Patch(window, cover > 0.5, None, rate, as_float32(coherence), gaps, np.clip(unclosed, 0, 1))]


def _scattered(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """Small blocks on one mountainside, of a few steps, where it rises steeply away from the satellite."""
    from scipy import ndimage

    slope = ground.terrain.motion_slope
    site = ground.site(rng, lambda lattice: slope[lattice] > 12)
    if site is None:
        return []
    window = ground.window(*site, loguniform(rng, 500, 3000))
    score = ground.texture(rng, window, 400.0) + np.float32(rng.uniform(1, 4)) * _rise(ground, window)
    regions, count = ndimage.label(score > np.quantile(score[::2, ::2], rng.uniform(0.85, 0.97)))
    sizes = np.bincount(regions.ravel(), minlength=count + 1) * ground.terrain.pixel_size**2
    kinds = [draw_lost_cycles(rng, ground.network) for _ in range(int(rng.integers(1, 4)))]
    of_regions = rng.integers(0, len(kinds) + 2, count + 1)
    lost = (of_regions < len(kinds)) & (sizes > SCATTERED_LIMITS[0]) & (sizes < SCATTERED_LIMITS[1])
    lost[0] = False
    steps, unclosed = np.zeros((2, count + 1), np.float32)
    steps[lost] = np.array([kind.step(ground.network) for kind in kinds])[of_regions[lost]]
    unclosed[lost] = np.array([kind.unclosed(ground.network) for kind in kinds])[of_regions[lost]]
    where = lost[regions]
    coherence = 1 - np.float32(rng.uniform(0, 0.6)) * smooth(where, 0.7)
    return [Patch(window, where, None, steps[regions], as_float32(coherence), None, unclosed[regions])]


def _rise(ground: Ground, window: Window) -> Array:
    """How steeply the smoothed ground rises away from the satellite, as the tangent."""
    east, north = (values[window] for values in ground.terrain.motion_gradient)
    look_east, look_north = ground.viewing.look
    return as_float32(east * np.float32(look_east) + north * np.float32(look_north))


def _outline(rng: np.random.Generator, ground: Ground) -> tuple[Window, Array] | None:
    """A window and the block's cover in it (0–1); None on ground without slopes."""
    if rng.random() < RIDGE_SHARE:
        units, area = ground.hills, loguniform(rng, *RIDGE_LIMITS)
    else:
        area = loguniform(rng, *(AREA_LIMITS if rng.random() < 0.6 else (0.1e6, AREA_LIMITS[1])))
        units = ground.small_units if area < 0.12e6 else ground.large_units
    label = _unit(rng, units, area)
    if label is None:
        return None
    window, cover = ground.unit_cover(rng, units, label)
    if rng.random() < 0.5 and units.areas[label] > 1.5 * area:
        cover = cover * _side(rng, ground, window, cover)
    own = float(cover.sum()) * ground.terrain.pixel_size**2
    if own > 1.3 * area:
        frayed = rng.uniform(0, 300) if rng.random() < 0.3 else 0.0
        cover = cover * _chord(rng, ground, window, cover, area / own, frayed)
    return (window, cover) if cover.max() > 0.5 else None


def _unit(rng: np.random.Generator, units: Units, area: float) -> int | None:
    """A unit on slopes that is large enough; if none is, the largest on slopes."""
    steep = units.slopes > _LEAST_SLOPE
    if rng.random() < 0.8 and (steep & ~units.cut).any():
        steep &= ~units.cut
    suited = np.flatnonzero(steep & (units.areas > 0.8 * area) & (units.areas < 8 * area))
    if len(suited):
        return int(rng.choice(suited))
    if not steep.any():
        return None
    return int(np.argmax(np.where(steep, units.areas, 0)))


def _side(rng: np.random.Generator, ground: Ground, window: Window, cover: Array) -> Array:
    """1 on one of the two sides of a valley or a ridge, 0 on the other: a hillslope from valley to crest."""
    east, north = (values[window] for values in ground.terrain.motion_gradient)
    across_east, across_north = main_direction(east, north, cover)
    sign = np.float32(rng.choice([-1, 1]))
    facing = smooth(sign * (east * across_east + north * across_north), 1.0)
    return smoothstep(facing, -0.02, 0.02)


def _chord(
    rng: np.random.Generator, ground: Ground, window: Window, cover: Array, share: float, frayed: float = 0.0
) -> Array:
    """1 on one side of a straight line that leaves ``share`` of the cover, 0 on the other.

    ``frayed`` (m): where pairs ended their block at lines of their own, the mean falls off over this width.

    Every other line runs along or across the flight, as the cuts of unwrapping do; every other one is rough by a
    pixel or two, as where noisy pixels were unwrapped one by one.
    """
    azimuth = rng.uniform(0, 2 * math.pi)
    if rng.random() < 0.5:
        azimuth = math.radians(ground.viewing.heading) + rng.integers(4) * math.pi / 2
    along, _ = ground.turned(window, window[0].start, window[1].start, azimuth)
    if rng.random() < 0.5:
        rough = rng.uniform(0.3, 1.5) * ground.terrain.pixel_size
        along = along + np.float32(rough) * ground.speckle(rng, window, rng.uniform(0.4, 1.0))
    inside = along[cover > 0.5]
    if not len(inside):
        return np.ones_like(cover)
    limit, half = float(np.quantile(inside, 1 - share)), (ground.terrain.pixel_size + frayed) / 2
    return smoothstep(along, limit - half, limit + half)
