"""Moving bodies of the second family: geometry first, velocity from mechanics.

Flows follow a centreline and carry ice-, mud- or rock-mass as a flux h·u of thickness and speed, whose divergence
lifts or lowers the surface (conservation of mass: ∂h/∂t = −∇·(h u)). Slumps are what a sphere cuts off the ground, and
rotate in it as rigid bodies. Slabs are bounded by joints and glide as one or as a few blocks. Sagging slopes are what
a front reaches that spreads from a point within one hillside.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...types import Array, Mask
from ..terrain import Terrain
from .centreline import Centreline, descend, piece_with, rough_edge, window_around

KINDS = ("translational", "slump", "earthflow", "sagging slope", "rock glacier", "complex")
_SHARES = (0.27, 0.2, 0.2, 0.1, 0.08, 0.15)
# Median and σ_ln of the area (km²), and of the peak speed (mm/yr) with its limits.
_AREAS = {
    "translational": (0.06, 0.9),
    "slump": (0.06, 0.8),
    "earthflow": (0.06, 0.8),
    "sagging slope": (0.9, 0.6),
    "rock glacier": (0.1, 0.6),
    "complex": (0.16, 0.7),
}
_SPEEDS = {
    "translational": (28.0, 0.8),
    "slump": (30.0, 0.8),
    "earthflow": (130.0, 1.2),
    "sagging slope": (11.0, 0.35),
    "rock glacier": (260.0, 0.9),
    "complex": (55.0, 0.9),
}
_LEAST_AREA, _MOST_AREA = 0.01, 3.0
_LEAST_SPEED, _MOST_SPEED = 3.0, 3000.0
_SLOWEST_SAG, _FASTEST_SAG = 3.0, 20.0
_TRIES = 8


@dataclass(frozen=True)
class Body:
    """A landslide in a ``window`` of the ground.

    ``inside``: its pixels; ``velocity`` (3, h, w): east, north, up in mm/yr, 0 outside; ``thickness`` (h, w) in metres.
    """

    kind: str
    window: tuple[slice, slice]
    inside: Mask
    velocity: Array
    thickness: Array

    def scaled(self, peak: float) -> Body:
        """The same body with that peak speed in mm/yr."""
        speed = np.sqrt((self.velocity**2).sum(axis=0))
        factor = np.float32(peak / max(float(speed.max()), 1e-9))
        return replace(self, velocity=self.velocity * factor)

    def los_rate(self, to_satellite: tuple[float, float, float]) -> Array:
        """mm/yr toward the satellite, (h, w) of the window."""
        east, north, up = (np.float32(part) for part in to_satellite)
        rate: Array = self.velocity[0] * east + self.velocity[1] * north + self.velocity[2] * up
        return rate


def draw_bodies(rng: np.random.Generator, terrain: Terrain, count: int) -> tuple[Body, ...]:
    """Up to ``count`` bodies that don't touch each other, each with at least 0.01 km²."""
    taken = np.zeros(terrain.dem.shape, bool)
    bodies: list[Body] = []
    for _ in range(count):
        kind = str(rng.choice(KINDS, p=_SHARES))
        for _ in range(_TRIES):
            body = _draw_body(rng, terrain, kind)
            if body is None:
                continue
            pixels = int(body.inside.sum())
            if pixels * terrain.pixel_size**2 < _LEAST_AREA * 1e6 or (taken[body.window] & body.inside).any():
                continue
            bodies.append(body)
            _take(taken, body)
            break
    return tuple(bodies)


def draw_flow(rng: np.random.Generator, terrain: Terrain, area: float) -> Body | None:
    """An earthflow of about so many km², somewhere; None where the ground has no room for it at the place tried."""
    place = _start(rng, terrain, "earthflow")
    body = None if place is None else _earthflow(rng, terrain, place, area * 1e6)
    return None if body is None else replace(body, kind="earthflow")


def _take(taken: Mask, body: Body) -> None:
    from scipy.ndimage import binary_dilation

    alone = np.zeros_like(taken)
    alone[body.window] = body.inside
    taken |= binary_dilation(alone, iterations=3)


def _draw_body(rng: np.random.Generator, terrain: Terrain, kind: str) -> Body | None:
    place = _start(rng, terrain, kind)
    if place is None:
        return None
    median, spread = _AREAS[kind]
    area = 1e6 * float(np.clip(median * math.exp(spread * rng.normal()), 1.2 * _LEAST_AREA, _MOST_AREA))
    body = _MAKERS[kind](rng, terrain, place, area)
    if body is None:
        return None
    median, spread = _SPEEDS[kind]
    low, high = (_SLOWEST_SAG, _FASTEST_SAG) if kind == "sagging slope" else (_LEAST_SPEED, _MOST_SPEED)
    peak = float(np.clip(median * math.exp(spread * rng.normal()), low, high))
    return replace(body, kind=kind).scaled(peak)


def _start(rng: np.random.Generator, terrain: Terrain, kind: str) -> tuple[int, int] | None:
    """A pixel on a slope that suits the kind."""
    slope = terrain.motion_slope
    low, high = {"earthflow": (7.0, 28.0), "rock glacier": (8.0, 35.0), "sagging slope": (14.0, 42.0)}.get(
        kind, (9.0, 38.0)
    )
    suits = (slope > low) & (slope < high)
    if kind == "rock glacier":
        suits &= terrain.dem > np.quantile(terrain.dem[::4, ::4], 0.6)
    suits[:6], suits[-6:], suits[:, :6], suits[:, -6:] = False, False, False, False
    places = np.flatnonzero(suits)
    if len(places) < 50:
        return None
    row, column = divmod(int(rng.choice(places)), suits.shape[1])
    return row, column


def _flow(
    rng: np.random.Generator,
    terrain: Terrain,
    line: Centreline,
    widths: NDArray[np.float64],
    speeds: NDArray[np.float64],
    plug: float,
    depth: float,
) -> Body | None:
    """A flow along a line with half-widths and relative speeds at its points, each (points,).

    The speed is that of a plug, 1 − |n/w|^plug, the thickness that of a parabola across.
    """
    reach = int(2 * widths.max() / terrain.pixel_size) + 3
    window = window_around(line.points[:, 0], line.points[:, 1], reach, terrain.dem.shape)
    rows, columns = np.mgrid[window]
    places = line.coordinates(rows.ravel(), columns.ravel(), terrain.pixel_size)
    at = np.arange(len(widths)) * line.step
    sides = [widths * rough_edge(rng, len(widths), line.step, 0.16) for _ in range(2)]
    right, left = (np.interp(places.along, at, side, left=0, right=0) for side in sides)
    half = np.where(places.across > 0, right, left)
    share = np.abs(places.across) / np.maximum(half, 1e-6)
    inside = ((share < 1) & (half > 0)).reshape(rows.shape)
    middle = round(line.points[len(line.points) // 2, 0]), round(line.points[len(line.points) // 2, 1])
    inside = piece_with(inside, (middle[0] - window[0].start, middle[1] - window[1].start))
    if inside.sum() < 8:
        return None
    thickness = (
        depth * np.interp(places.along, at, np.sqrt(widths / widths.max())) * np.sqrt(np.clip(1 - share**2, 0, 1))
    )
    speed = np.interp(places.along, at, speeds) * np.clip(1 - share**plug, 0.08, 1)
    shape = rows.shape
    thickness, speed = (np.where(inside, values.reshape(shape), 0) for values in (thickness, speed))
    east, north = places.east.reshape(shape) * speed, places.north.reshape(shape) * speed
    return _with_mass(terrain, window, inside, east, north, thickness)


def _with_mass(
    terrain: Terrain,
    window: tuple[slice, slice],
    inside: Mask,
    east: NDArray[np.float64],
    north: NDArray[np.float64],
    thickness: NDArray[np.float64],
) -> Body:
    """A body whose surface follows the ground and sinks or rises by the divergence of its flux."""
    slope_east, slope_north = (part[window] for part in terrain.motion_gradient)
    up = east * slope_east + north * slope_north + thickening(thickness, east, north, inside, terrain.pixel_size)
    velocity = np.stack([east, north, up]).astype(np.float32)
    velocity[:, ~inside] = 0
    return Body("", window, inside, velocity, thickness.astype(np.float32))


def thickening(
    thickness: NDArray[np.float64],
    east: NDArray[np.float64],
    north: NDArray[np.float64],
    inside: Mask,
    pixel_size: float,
) -> NDArray[np.float64]:
    """∂h/∂t = −∇·(h u) in the unit of the speeds, by finite volumes; nothing flows through the edge of what is inside,
    so that its sum is 0."""
    change = np.zeros(thickness.shape)
    for axis, flux in ((1, thickness * east), (0, -thickness * north)):
        first, second = [slice(None)] * 2, [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        one, other = tuple(first), tuple(second)
        through = np.where(inside[one] & inside[other], (flux[one] + flux[other]) / (2 * pixel_size), 0)
        change[one] -= through
        change[other] += through
    return change


def _earthflow(rng: np.random.Generator, terrain: Terrain, place: tuple[int, int], area: float) -> Body | None:
    """A bowl at the head, a narrow neck, a spreading toe; reaches of unlike speed with steps between them."""
    slenderness = rng.uniform(5, 14)
    length = math.sqrt(area * slenderness)
    line = descend(terrain, place, length, rng.uniform(0.3, 0.7))
    if line is None:
        return None
    s = np.linspace(0, 1, len(line.points))
    form = 0.55 + 0.9 * np.exp(-(((s - 0.1) / 0.12) ** 2)) + rng.uniform(0.2, 1.0) * np.exp(-(((s - 0.9) / 0.12) ** 2))
    widths = area / line.length / 2 * form * _round_ends(s)
    steps = np.sort(rng.uniform(0.1, 0.9, rng.integers(1, 4)))
    levels = rng.uniform(0.2, 1.0, len(steps) + 1)
    speeds = levels[np.searchsorted(steps, s)]
    return _flow(rng, terrain, line, widths, _softened(speeds, 3), rng.uniform(5, 16), rng.uniform(4, 18))


def _rock_glacier(rng: np.random.Generator, terrain: Terrain, place: tuple[int, int], area: float) -> Body | None:
    """A tongue that widens to a blunt front, fastest in the middle of its course."""
    length = math.sqrt(area * rng.uniform(1.8, 5))
    line = descend(terrain, place, length, rng.uniform(0.5, 0.8))
    if line is None:
        return None
    s = np.linspace(0, 1, len(line.points))
    widths = area / line.length / 2 * (0.7 + 0.6 * s) * np.sqrt(np.clip(1 - ((s - 0.5) / 0.5) ** 6, 0, 1))
    speeds = 0.35 + 0.65 * np.exp(-(((s - rng.uniform(0.3, 0.7)) / 0.3) ** 2))
    return _flow(rng, terrain, line, widths, speeds, rng.uniform(2.5, 4), rng.uniform(15, 40))


def _round_ends(s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.clip(np.minimum(s, 1 - s) / 0.06, 0, 1)))


def _softened(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    padded = np.pad(values, width, mode="edge")
    return np.convolve(padded, np.ones(2 * width + 1) / (2 * width + 1), mode="valid")


def _axes(terrain: Terrain, place: tuple[int, int]) -> tuple[float, float, float]:
    """The direction down the slope to the east and north, and the tangent of the slope there."""
    east, north = (float(part[place]) for part in terrain.motion_gradient)
    steepness = math.hypot(east, north)
    return -east / steepness, -north / steepness, steepness


def _along_across(
    terrain: Terrain, place: tuple[int, int], reach: float
) -> tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.float64], tuple[float, float, float]]:
    """A window around a pixel, with metres down the slope and across it from there."""
    axes = _axes(terrain, place)
    rows, columns = np.array([place[0]]), np.array([place[1]])
    window = window_around(rows, columns, int(reach / terrain.pixel_size) + 2, terrain.dem.shape)
    down, right = np.mgrid[window]
    x = (right - place[1]) * terrain.pixel_size
    y = -(down - place[0]) * terrain.pixel_size
    return window, x * axes[0] + y * axes[1], x * axes[1] - y * axes[0], axes


def _slump(rng: np.random.Generator, terrain: Terrain, place: tuple[int, int], area: float) -> Body | None:
    """What a sphere, flattened or drawn out across the slope, cuts off the ground; it turns about the sphere's axis."""
    aspect = rng.uniform(0.7, 1.6)
    length = math.sqrt(4 / math.pi * area / aspect)
    window, along, across, (east, north, steepness) = _along_across(terrain, place, 0.8 * length * max(1, aspect))
    up = terrain.dem[window].astype(np.float64) - float(terrain.dem[place])
    lift = length * rng.uniform(0.55, 1.2)
    tilt = math.atan(steepness)
    centre = lift * math.sin(tilt), lift * math.cos(tilt)
    radius = math.hypot(length / 2, lift)
    a, u = along - centre[0], up - centre[1]
    beside = across / aspect
    inside = piece_with(a * a + u * u + beside * beside < radius * radius,
                        (place[0] - window[0].start, place[1] - window[1].start))  # fmt: skip
    # Where the ground is rough, the sphere may cut off half a mountain.
    if not inside.any() or inside.sum() * terrain.pixel_size**2 > 3 * area:
        return None
    bottom = centre[1] - np.sqrt(np.clip(radius**2 - a * a - beside * beside, 0, None))
    thickness = np.where(inside, np.clip(up - bottom, 0, None), 0)
    turn = np.ones_like(a)
    if rng.random() < 0.3:
        # A second block behind the first one follows it at another pace.
        turn = np.where(along < rng.uniform(-0.15, 0.2) * length, rng.uniform(0.25, 0.7), 1.0)
    forward, rise = -u * turn, a * turn
    velocity = np.stack([forward * east, forward * north, rise]).astype(np.float32)
    velocity[:, ~inside] = 0
    return Body("", window, inside, velocity, thickness.astype(np.float32))


def _slab(rng: np.random.Generator, terrain: Terrain, place: tuple[int, int], area: float) -> Body | None:
    """Ground between straight joints, gliding along one plane, whole or as blocks of unlike speed."""
    stretch = math.exp(rng.normal(0.25, 0.35))
    size = math.sqrt(area / math.pi)
    window, along, across, (east, north, _) = _along_across(terrain, place, 2.2 * size * max(stretch, 1 / stretch))
    x, y = along / size / math.sqrt(stretch), across / size * math.sqrt(stretch)
    inside = np.ones(x.shape, bool)
    count = int(rng.integers(5, 9))
    for number in range(count):
        angle = 2 * math.pi * (number + rng.uniform(-0.35, 0.35)) / count
        inside &= x * math.cos(angle) + y * math.sin(angle) < rng.uniform(0.72, 1.15)
    inside &= terrain.motion_slope[window] > 4
    inside = piece_with(inside, (place[0] - window[0].start, place[1] - window[1].start))
    if inside.sum() < 8:
        return None
    pace = np.ones_like(x)
    if rng.random() < 0.45:
        seeds = rng.uniform(-0.8, 0.8, (int(rng.integers(2, 5)), 2))
        nearest = np.argmin([(x - one) ** 2 + (y - other) ** 2 for one, other in seeds], axis=0)
        pace = np.append(rng.uniform(0.2, 0.9, len(seeds) - 1), 1.0)[nearest]
    dip = math.tan(math.radians(float(np.median(terrain.motion_slope[window][inside])) * rng.uniform(0.7, 1.05)))
    velocity = np.stack([pace * east, pace * north, -pace * dip]).astype(np.float32)
    velocity[:, ~inside] = 0
    return Body("", window, inside, velocity, np.where(inside, rng.uniform(3, 30), 0).astype(np.float32))


def _sagging(rng: np.random.Generator, terrain: Terrain, place: tuple[int, int], area: float) -> Body | None:
    """A hillside that a front has reached from its middle; the head sinks, the foot bulges, the edges are weak."""
    wanted = int(area / terrain.pixel_size**2)
    arrival = _front(rng, terrain, place, wanted)
    rows, columns = np.nonzero(np.isfinite(arrival))
    if len(rows) < 0.7 * wanted:
        return None
    window = window_around(rows, columns, 2, terrain.dem.shape)
    inside = piece_with(np.isfinite(arrival[window]), (place[0] - window[0].start, place[1] - window[1].start))
    time = np.where(inside, np.where(np.isfinite(arrival[window]), arrival[window], 0), 0)
    pace = 1 - 0.93 * (time / max(float(time.max()), 1e-9)) ** rng.uniform(1.5, 4)
    dem = terrain.dem[window].astype(np.float64)
    low, high = np.quantile(dem[inside], [0.02, 0.98])
    height = np.clip((dem - low) / max(high - low, 1.0), 0, 1)
    slope_east, slope_north = (part[window].astype(np.float64) for part in terrain.motion_gradient)
    steepness = np.maximum(np.hypot(slope_east, slope_north), 1e-3)
    dip = np.arctan(steepness) * 0.6 + np.radians(rng.uniform(15, 45)) * (height - 0.35)
    flat = pace * np.cos(dip)
    velocity = np.stack([-flat * slope_east / steepness, -flat * slope_north / steepness, -pace * np.sin(dip)])
    velocity = velocity.astype(np.float32)
    velocity[:, ~inside] = 0
    return Body("", window, inside, velocity, np.where(inside, rng.uniform(50, 200), 0).astype(np.float32))


def _front(rng: np.random.Generator, terrain: Terrain, place: tuple[int, int], pixels: int) -> NDArray[np.float64]:
    """When a front from a pixel reaches each of the first ``pixels`` pixels; infinite elsewhere.

    It is slow where the ground faces another way than at its start, and on level ground.
    """
    from scipy.ndimage import gaussian_filter

    east, north = terrain.motion_gradient
    steepness = np.maximum(np.hypot(east, north), 1e-3)
    facing = (east * east[place] + north * north[place]) / (steepness * steepness[place])
    rough = gaussian_filter(rng.standard_normal(east.shape), 5)
    cost = np.exp(3.0 * (1 - facing) + 0.5 * rough / rough.std()) * np.where(steepness < 0.1, 6.0, 1.0)
    height, width = cost.shape
    arrival = np.full(cost.shape, np.inf)
    queue, reached = [(0.0, place)], 0
    while queue and reached < pixels:
        time, (row, column) = heapq.heappop(queue)
        if np.isfinite(arrival[row, column]):
            continue
        arrival[row, column] = time
        reached += 1
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)):
            r, c = row + down, column + right
            if 0 <= r < height and 0 <= c < width and not np.isfinite(arrival[r, c]):
                heapq.heappush(queue, (time + float(cost[r, c]) * math.hypot(down, right), (r, c)))
    return arrival


def _complex(rng: np.random.Generator, terrain: Terrain, place: tuple[int, int], area: float) -> Body | None:
    """A slump or slab that feeds a flow from its foot."""
    share = rng.uniform(0.35, 0.7)
    head = (_slump if rng.random() < 0.6 else _slab)(rng, terrain, place, share * area)
    foot = _earthflow(rng, terrain, place, (1 - share) * area)
    if head is None or foot is None:
        return head or foot
    head, foot = head.scaled(1.0), foot.scaled(float(math.exp(rng.uniform(math.log(0.3), math.log(3)))))
    rows = [edge for body in (head, foot) for edge in (body.window[0].start, body.window[0].stop)]
    columns = [edge for body in (head, foot) for edge in (body.window[1].start, body.window[1].stop)]
    window = slice(min(rows), max(rows)), slice(min(columns), max(columns))
    shape = window[0].stop - window[0].start, window[1].stop - window[1].start
    inside, velocity, thickness = np.zeros(shape, bool), np.zeros((3, *shape), np.float32), np.zeros(shape, np.float32)
    for body in (foot, head):
        part = tuple(slice(own.start - whole.start, own.stop - whole.start) for own, whole in zip(body.window, window))
        inside[part] |= body.inside
        velocity[:, part[0], part[1]] = np.where(body.inside, body.velocity, velocity[:, part[0], part[1]])
        thickness[part] = np.where(body.inside, body.thickness, thickness[part])
    return Body("", window, inside, velocity, thickness)


_MAKERS: dict[str, Callable[[np.random.Generator, Terrain, tuple[int, int], float], Body | None]] = {
    "translational": _slab,
    "slump": _slump,
    "earthflow": _earthflow,
    "sagging slope": _sagging,
    "rock glacier": _rock_glacier,
    "complex": _complex,
}
