"""What is no landslide in the second family: ground that moves otherwise, and phases that lost cycles."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from ...satellite import Viewing
from ...types import Array, Mask
from ..terrain import Terrain
from .centreline import descend, window_around
from .cosines import exponential_field

OTHER_KINDS = (
    "none",
    "lost cycles",
    "glacier",
    "road",
    "mine",
    "fan",
    "subsidence",
    "snow",
)
# Mean number of each in a tile of 59 km².
_OCCURRENCE = {
    "lost cycles": 0.9,
    "glacier": 0.25,
    "road": 0.35,
    "mine": 0.12,
    "fan": 0.4,
    "subsidence": 0.3,
    "snow": 0.25,
}
_TILE_KM2 = 59.0


@dataclass(frozen=True)
class Surroundings:
    """All (h, w): ``los_rate`` of ground that is no landslide (mm/yr toward); ``apparent_rate``, no motion, in the
    same unit; a factor on ``coherence``; ``gaps``; the share of ``unclosed`` triplets; ``kind`` into OTHER_KINDS."""

    los_rate: Array
    apparent_rate: Array
    coherence: Array
    gaps: Mask
    unclosed: Array
    kind: Array

    @classmethod
    def quiet(cls, shape: tuple[int, ...]) -> Surroundings:
        """Nothing at all."""
        zero = np.zeros(shape, np.float32)
        return cls(zero, zero.copy(), np.ones(shape, np.float32), np.zeros(shape, bool), zero.copy(),
                   np.zeros(shape, np.uint8))  # fmt: skip

    def mark(self, where: Mask, kind: str) -> None:
        """Note of which kind pixels are."""
        self.kind[where] = OTHER_KINDS.index(kind)


def draw_surroundings(
    rng: np.random.Generator,
    terrain: Terrain,
    viewing: Viewing,
    taken: Mask,
    kinds: Collection[str] = OTHER_KINDS,
    found: Surroundings | None = None,
) -> Surroundings:
    """Other motion and lost cycles of a tile; glaciers, roads, mines and fans keep off the ``taken`` ground.

    Only those of the ``kinds``, added to what was ``found`` before.
    """
    found = found or Surroundings.quiet(terrain.dem.shape)
    share = terrain.dem.size * (terrain.pixel_size / 1000) ** 2 / _TILE_KM2
    for kind, mean in _OCCURRENCE.items():
        if kind not in kinds:
            continue
        for _ in range(int(rng.poisson(mean * share))):
            _MAKERS[kind](rng, terrain, viewing, taken, found)
    return found


def _lost_cycles(
    rng: np.random.Generator, terrain: Terrain, viewing: Viewing, taken: Mask, found: Surroundings
) -> None:
    """A block between a ridge, a valley and two lines down the slope, whose phase is a cycle off in some pairs."""
    slope = terrain.motion_slope
    places = np.flatnonzero(slope > 10)
    if len(places) < 100:
        return
    row, column = divmod(int(rng.choice(places)), slope.shape[1])
    east, north = (part[row, column] for part in terrain.motion_gradient)
    steep = math.hypot(east, north)
    reach = int(rng.uniform(200, 700) / terrain.pixel_size)
    window = window_around(np.array([row]), np.array([column]), reach, slope.shape)
    down, right = np.mgrid[window]
    x, y = (right - column) * terrain.pixel_size, -(down - row) * terrain.pixel_size
    across = (x * north - y * east) / steep
    own_east, own_north = (part[window] for part in terrain.motion_gradient)
    # The same side of the valley: the ground faces as it does in the middle.
    side = own_east * east + own_north * north > 0.25 * steep * np.hypot(own_east, own_north)
    heights = terrain.dem[window] - terrain.dem[row, column]
    fall = steep * terrain.pixel_size * reach
    skew = rng.normal(0, 0.15) * (x * east + y * north) / steep
    half = rng.uniform(50, 300)
    block = side & (np.abs(across + skew) < half)
    block &= (heights < rng.uniform(0.3, 1) * fall) & (heights > -rng.uniform(0.3, 1) * fall)
    if block.sum() < 6 or block.sum() * terrain.pixel_size**2 > 1.5e6:
        return
    rate = float(np.exp(rng.uniform(math.log(2.5), math.log(22)))) * rng.choice([-1, 1])
    found.apparent_rate[window][block] += np.float32(rate)
    # 2π in a share s of pairs of 24 days is 13.9 s rad in 24 days: about 420 s mm/yr.
    found.unclosed[window][block] = np.maximum(found.unclosed[window][block], np.float32(min(3 * abs(rate) / 420, 1)))
    found.coherence[window][block] *= np.float32(rng.uniform(0.6, 1))
    found.kind[window][block] = OTHER_KINDS.index("lost cycles")


def _glacier(rng: np.random.Generator, terrain: Terrain, viewing: Viewing, taken: Mask, found: Surroundings) -> None:
    """Ice in a high valley: no coherence, rates at random, its core and rim often without data."""
    from scipy.ndimage import binary_erosion

    high = terrain.dem > np.quantile(terrain.dem[::4, ::4], 0.7)
    places = np.flatnonzero(high & (terrain.motion_slope > 4) & (terrain.motion_slope < 25) & ~taken)
    if len(places) < 100:
        return
    row, column = divmod(int(rng.choice(places)), high.shape[1])
    line = descend(terrain, (row, column), rng.uniform(800, 3000), 0.6)
    if line is None:
        return
    half = rng.uniform(100, 350)
    window = window_around(line.points[:, 0], line.points[:, 1], int(half / terrain.pixel_size) + 1, high.shape)
    rows, columns = np.mgrid[window]
    places_on = line.coordinates(rows.ravel(), columns.ravel(), terrain.pixel_size)
    shape = rows.shape
    across, along = np.abs(places_on.across).reshape(shape), places_on.along.reshape(shape)
    ice = (across < half * (0.6 + 0.4 * np.sin(np.clip(along / line.length, 0, 1) * math.pi))) & (along > 0)
    ice &= ~taken[window]
    noise = exponential_field(rng, shape, terrain.pixel_size, rng.uniform(60, 250))
    found.apparent_rate[window][ice] += (rng.uniform(8, 40) * noise + np.float32(rng.normal(0, 12)))[ice]
    found.coherence[window][ice] *= np.float32(rng.uniform(0.1, 0.4))
    found.unclosed[window][ice] = np.float32(rng.uniform(0.2, 0.8))
    if rng.random() < 0.7:
        core = binary_erosion(ice, iterations=int(rng.integers(1, 4)))
        found.gaps[window][core & (noise > rng.uniform(-1.5, 1))] = True
    found.kind[window][ice] = OTHER_KINDS.index("glacier")


def _road(rng: np.random.Generator, terrain: Terrain, viewing: Viewing, taken: Mask, found: Surroundings) -> None:
    """A strip one or two pixels wide along a contour, sinking."""
    from scipy.ndimage import binary_dilation

    dem = terrain.dem
    level = float(np.quantile(dem[::4, ::4], rng.uniform(0.05, 0.5)))
    above = dem > level
    strip = above & ~np.roll(above, 1, 0) | above & ~np.roll(above, 1, 1)
    if rng.random() < 0.5:
        strip = binary_dilation(strip)
    # Only where a long wave lets it move.
    part = exponential_field(rng, dem.shape, terrain.pixel_size, 1500.0) > rng.uniform(0.6, 1.3)
    strip &= part & ~taken
    sinking = np.float32(-rng.uniform(4, 30) * math.cos(math.radians(viewing.incidence)))
    found.los_rate[strip] += sinking
    found.mark(strip, "road")


def _mine(rng: np.random.Generator, terrain: Terrain, viewing: Viewing, taken: Mask, found: Surroundings) -> None:
    """A row of longwall panels: rectangles with soft edges that sink, and draw the ground in."""
    from scipy.ndimage import gaussian_filter

    height, width = terrain.dem.shape
    rows, columns = np.mgrid[:height, :width]
    angle = rng.uniform(0, math.pi)
    middle = rng.uniform(0.1, 0.9, 2) * (height, width)
    x = ((columns - middle[1]) * math.cos(angle) + (rows - middle[0]) * math.sin(angle)) * terrain.pixel_size
    y = ((rows - middle[0]) * math.cos(angle) - (columns - middle[1]) * math.sin(angle)) * terrain.pixel_size
    panel, gap, length = rng.uniform(150, 300), rng.uniform(30, 80), rng.uniform(400, 1500)
    sunk = np.zeros(terrain.dem.shape, np.float32)
    for number in range(int(rng.integers(1, 4))):
        inside = (np.abs(x) < length / 2) & (np.abs(y - number * (panel + gap)) < panel / 2)
        sunk[inside] = rng.uniform(15, 120)
    sunk = gaussian_filter(sunk, 60 / terrain.pixel_size)
    south, east = np.gradient(sunk, terrain.pixel_size)
    pull = np.float32(0.15 * panel)
    look = viewing.to_satellite
    # Ground moves towards the middle of the trough, as far as the trough is steep.
    rate = look[0] * pull * east + look[1] * -pull * south - look[2] * sunk
    where = (sunk > 1.5) & ~taken
    found.los_rate[where] += rate[where].astype(np.float32)
    found.mark(sunk > 4, "mine")


def _fan(rng: np.random.Generator, terrain: Terrain, viewing: Viewing, taken: Mask, found: Surroundings) -> None:
    """A sector below a slope that settles or swells."""
    slope = terrain.motion_slope
    places = np.flatnonzero((slope > 5) & (slope < 14) & ~taken)
    if len(places) < 100:
        return
    row, column = divmod(int(rng.choice(places)), slope.shape[1])
    east, north = (part[row, column] for part in terrain.motion_gradient)
    reach = rng.uniform(250, 900)
    window = window_around(np.array([row]), np.array([column]), int(reach / terrain.pixel_size), slope.shape)
    down, right = np.mgrid[window]
    x, y = (right - column) * terrain.pixel_size, -(down - row) * terrain.pixel_size
    distance = np.hypot(x, y)
    forward = -(x * east + y * north) / math.hypot(east, north)
    sector = (distance < reach) & (forward > math.cos(math.radians(rng.uniform(25, 50))) * distance) & ~taken[window]
    rate = (
        rng.uniform(3, 12)
        * rng.choice([-1.0, -1.0, 1.0])
        * np.sqrt(np.clip(1 - distance / reach, 0, 1))
        * viewing.to_satellite[2]
    )
    found.los_rate[window][sector] += rate[sector].astype(np.float32)
    found.kind[window][sector] = OTHER_KINDS.index("fan")


def _subsidence(rng: np.random.Generator, terrain: Terrain, viewing: Viewing, taken: Mask, found: Surroundings) -> None:
    """A basin of soft, level ground that sinks as far as a long wave says."""
    wave = exponential_field(rng, terrain.dem.shape, terrain.pixel_size, rng.uniform(1500, 5000))
    depth = np.clip(wave - rng.uniform(-0.2, 0.8), 0, None) * terrain.level_ground
    rate = -depth * np.float32(rng.uniform(8, 70) * viewing.to_satellite[2])
    found.los_rate[:] += rate.astype(np.float32)
    found.mark(np.abs(rate) > 4, "subsidence")


def _snow(rng: np.random.Generator, terrain: Terrain, viewing: Viewing, taken: Mask, found: Surroundings) -> None:
    """Ground of one aspect above a height, biased and badly coherent."""
    east, north = terrain.motion_gradient
    angle = rng.uniform(0, 2 * math.pi)
    facing = (east * math.cos(angle) + north * math.sin(angle)) / np.maximum(np.hypot(east, north), 1e-3)
    patch = (terrain.dem > np.quantile(terrain.dem[::4, ::4], rng.uniform(0.6, 0.9))) & (facing > rng.uniform(0, 0.7))
    found.apparent_rate[patch] += np.float32(rng.normal(0, 4))
    found.coherence[patch] *= np.float32(rng.uniform(0.4, 0.9))
    found.mark(patch & (found.kind == 0), "snow")


_MAKERS: dict[str, Callable[[np.random.Generator, Terrain, Viewing, Mask, Surroundings], None]] = {
    "lost cycles": _lost_cycles,
    "glacier": _glacier,
    "road": _road,
    "mine": _mine,
    "fan": _fan,
    "subsidence": _subsidence,
    "snow": _snow,
}
