"""Roads, railways and dams: one or two pixels wide, settling or unwrapped on their own."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..satellite import to_phase_rate
from ..types import Array
from .atmosphere import as_float32, portable, smooth, smoothstep
from .ground import Ground, Mask, Patch, Window, joined, loguniform, main_direction

_STRIDE = 60.0


def draw_road(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """A road or a railway along contours, valleys and across plains, of which stretches move, or seem to."""
    slope = ground.terrain.motion_slope
    site = ground.site(rng, lambda lattice: slope[lattice] < 28)
    if site is None:
        return []
    track = _track(rng, ground, site, loguniform(rng, 900, 9000))
    if len(track) < 8:
        return []
    stretches = _stretches(rng, len(track))
    profile = stretches * np.float32(loguniform(rng, 3, 25) * rng.choice([-1, -1, -1, 1]))
    margin = 3
    (top, left), (bottom, right) = track.min(axis=0) - margin, track.max(axis=0) + margin + 1
    window = (
        slice(max(0, int(top)), min(ground.shape[0], int(bottom))),
        slice(max(0, int(left)), min(ground.shape[1], int(right))),
    )
    line = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.float32)
    own = track - (window[0].start, window[1].start)
    line[own[:, 0], own[:, 1]] = profile
    if rng.random() < 0.5:  # two pixels wide
        beside = np.minimum(own + np.eye(2, dtype=np.int64)[rng.integers(2)], np.array(line.shape) - 1)
        line[beside[:, 0], beside[:, 1]] = profile
    spread = rng.uniform(0.3, 0.6)
    rate = smooth(line, spread)
    rate *= np.float32(min(float(np.abs(line).max()) / max(float(np.abs(rate).max()), 1e-6), 2.0))
    where = np.abs(rate) > 1
    if rng.random() < 0.65:
        return [Patch(window, where, ground.los(0.0, 0.0, rate))]
    unclosed = as_float32(np.minimum(np.abs(rate) / 5, 1) * np.float32(rng.uniform(0, 0.4)))
    return [Patch(window, where, None, to_phase_rate(rate), None, None, unclosed)]


def draw_dam(rng: np.random.Generator, ground: Ground) -> list[Patch]:
    """An embankment across a valley, which settles most where it is highest, and its reservoir."""
    slope = ground.terrain.motion_slope
    high = float(np.quantile(ground.broad_dem[::8, ::8], 0.6))

    def valley(lattice: Window) -> Mask:
        fitting = (ground.hollow[lattice] > 5) & (slope[lattice] < 14) & (ground.broad_dem[lattice] < high)
        return np.asarray(fitting, np.bool_)

    site = ground.site(rng, valley)
    if site is None or ground.relief < 60:
        return []
    height = loguniform(rng, 12, 70)
    crest = float(ground.broad_dem[site]) + height
    window = ground.window(*site, 2500)
    dem = ground.terrain.dem[window]
    # The valley runs across the direction in which the ground rises to both sides.
    around = ground.window(*site, 400)
    across = main_direction(*(values[around] for values in ground.terrain.motion_gradient))
    azimuth = math.atan2(*across) + math.pi / 2
    along, _ = ground.turned(window, *site, azimuth)
    near = as_float32(np.maximum(crest - smooth(dem, 1.0), 0)) / np.float32(height)
    half = ground.terrain.pixel_size * rng.uniform(0.5, 1.3)
    wall = smoothstep(np.abs(along), half + 15, half - 15) * np.minimum(near, 1) * _joined_to(site, window, near, along)
    length = float((wall > 0.1).sum()) * ground.terrain.pixel_size**2 / (2 * half)
    if not 60 < length < 1500:
        return []
    settled = wall * portable(np.power, np.minimum(near, 1), np.float32(0.7)) * np.float32(loguniform(rng, 4, 30))
    pushed = np.float32(rng.uniform(0, 0.4)) * settled
    upstream = _upstream(ground, site, azimuth)
    east_push, north_push = -upstream * math.sin(azimuth), -upstream * math.cos(azimuth)
    los_rate = ground.los(np.float32(east_push) * pushed, np.float32(north_push) * pushed, -settled)
    patches = [Patch(window, wall > 0.2, los_rate)]
    if rng.random() < 0.75:
        patches += _reservoir(rng, ground, window, site, crest - height * rng.uniform(0.1, 0.5), along * upstream)
    return patches


def _joined_to(site: tuple[int, int], window: Window, near: Array, along: Array) -> Array:
    """1 on the part of the strip below the crest that holds the site, 0 elsewhere."""
    from scipy import ndimage

    strip = (near > 0) & (np.abs(along) < 90)
    parts = ndimage.label(strip)[0]
    own = parts[site[0] - window[0].start, site[1] - window[1].start]
    return as_float32((parts == own) & strip)


def _upstream(ground: Ground, site: tuple[int, int], azimuth: float) -> int:
    """Whether the valley comes down along (1) or against (-1) an azimuth."""
    step = ground.pixels(300)
    rows = [int(np.clip(site[0] - sign * step * math.cos(azimuth), 0, ground.shape[0] - 1)) for sign in (1, -1)]
    columns = [int(np.clip(site[1] + sign * step * math.sin(azimuth), 0, ground.shape[1] - 1)) for sign in (1, -1)]
    return 1 if ground.broad_dem[rows[0], columns[0]] > ground.broad_dem[rows[1], columns[1]] else -1


def _reservoir(
    rng: np.random.Generator,
    ground: Ground,
    window: Window,
    site: tuple[int, int],
    level: float,
    behind: Array,
) -> list[Patch]:
    """Water without coherence behind a dam, and a shore where its level biases the rate."""
    from scipy import ndimage

    drowned = (ground.terrain.dem[window] < level) & (behind > ground.terrain.pixel_size)
    lakes = ndimage.label(drowned)[0]
    close = lakes[np.hypot(*ground.offsets(window, *site)) < 250]
    own = np.bincount(close[close > 0], minlength=1)
    if own.sum() == 0:
        return []
    water = lakes == int(np.argmax(own))
    edge = np.ones_like(water)
    edge[_inner(window[0], ground.shape[0]), _inner(window[1], ground.shape[1])] = False
    if (water & edge).any():  # it would end at a line that no shore follows
        return []
    soft = smooth(water.astype(np.float32), 0.8)
    shore = smoothstep(ground.terrain.dem[window], level + rng.uniform(4, 15), level) * smooth(soft, 2.0) * ~water
    rate = shore * np.float32(rng.normal(0, 8)) + soft * np.float32(6) * ground.speckle(rng, window, 0.7)
    return [
        Patch(
            window,
            water | (shore > 0.3),
            None,
            to_phase_rate(as_float32(rate)),
            as_float32(1 - np.float32(0.9) * soft),
            water if rng.random() < 0.6 else None,
            as_float32(soft * np.float32(0.5)),
        )
    ]


def _inner(part: slice, size: int) -> slice:
    """What of a window's extent isn't its first or last pixel, unless the terrain ends there."""
    return slice(int(part.start > 0), part.stop - part.start - int(part.stop < size))


def _track(rng: np.random.Generator, ground: Ground, site: tuple[int, int], length: float) -> NDArray[np.int64]:
    """Pixels (n, 2) that a road takes from a site: along the contour at a grade, straight where it is level."""
    dem = ground.broad_dem
    gradient_east, gradient_north = ground.terrain.motion_gradient
    stride = ground.pixels(_STRIDE)
    row, column = float(site[0]), float(site[1])
    grade, azimuth = rng.uniform(-0.06, 0.06), rng.uniform(0, 2 * math.pi)
    hairpins = 0.03 if rng.random() < 0.35 else 0.0
    bend = 0.0
    stops = []
    for _ in range(int(length / _STRIDE)):
        if not (0 <= row <= dem.shape[0] - 1 and 0 <= column <= dem.shape[1] - 1):
            break
        pixel = (int(row), int(column))
        stops.append(pixel)
        east, north = float(gradient_east[pixel]), float(gradient_north[pixel])
        steep = math.hypot(east, north)
        if steep > 0.05:
            if rng.random() < hairpins:
                azimuth += math.pi
                grade = -grade
            # The azimuth along the contour nearer to the last one, turned upward by the grade.
            contour = math.atan2(north, -east)
            side = 1 if math.cos(contour - azimuth) >= 0 else -1
            tilt = math.asin(max(-0.9, min(0.9, grade / steep)))
            wanted = contour + (0 if side > 0 else math.pi)
            uphill = math.atan2(east, north)
            wanted += tilt * (1 if math.sin(uphill - wanted) > 0 else -1)
            turn = math.remainder(wanted - azimuth, 2 * math.pi)
            azimuth += max(-0.9, min(0.9, turn)) if hairpins == 0 else turn
        else:
            bend = 0.8 * bend + rng.normal(0, 0.04)
            azimuth += bend
        row -= stride * math.cos(azimuth)
        column += stride * math.sin(azimuth)
    return joined(np.array(stops, np.int64)) if len(stops) > 1 else np.zeros((0, 2), np.int64)


def _stretches(rng: np.random.Generator, count: int) -> Array:
    """What share (0–1) of the greatest rate each pixel of a line has: stretches of 5–60 pixels, quiet between."""
    profile = np.zeros(count, np.float32)
    position = -int(rng.integers(0, 10))
    quiet = rng.uniform(0, 2.5)
    while position < count:
        length = int(rng.integers(5, 60))
        bump = np.sin(np.linspace(0.15, math.pi - 0.15, length)) ** rng.uniform(0.3, 1.2) * rng.uniform(0.3, 1)
        start, stop = max(position, 0), min(position + length, count)
        if stop > start:
            profile[start:stop] = bump[start - position : stop - position]
        position += length + int(length * quiet * rng.random())
    return profile
