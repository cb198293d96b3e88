"""What other motion is drawn on: the terrain's units, valleys and textures, and the patches that are put there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..satellite import Viewing
from ..types import Array
from .atmosphere import FieldPool, as_float32, smooth, smoothstep
from .network import PairNetwork
from .terrain import Terrain

Window = tuple[slice, slice]
Mask = NDArray[np.bool_]
_LATTICE = 2
_NEIGHBOURS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


class Patch(NamedTuple):
    """What one thing does in a window of the terrain; arrays of the window's shape, None where it does nothing.

    ``where``: the pixels it holds. ``los_rate`` (mm/yr, positive toward) is true motion, ``apparent_rate`` (rad/yr,
    positive away) none; ``coherence`` a factor; ``gaps`` pixels without data; ``unclosed`` the share of triplets that
    don't close.
    """

    window: Window
    where: Mask
    los_rate: Array | None = None
    apparent_rate: Array | None = None
    coherence: Array | None = None
    gaps: Mask | None = None
    unclosed: Array | None = None


class Units(NamedTuple):
    """Watersheds (or, of the terrain upside down, hills): labels on every other pixel, and of each unit its area (m²),
    mean slope (°) and whether the terrain's edge cuts it."""

    labels: NDArray[np.int64]
    areas: NDArray[np.float64]
    slopes: NDArray[np.float64]
    cut: Mask


class Corridor(NamedTuple):
    """A window along paths: distance from them (m), rise above their nearest point (m), share of its path there."""

    window: Window
    distance: Array
    rise: Array
    along: Array


@dataclass(frozen=True)
class Landforms:
    """A terrain with its units and valleys, and a pool of shapes as large as the terrain at least."""

    terrain: Terrain
    shapes: FieldPool

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.terrain.dem.shape
        return height, width

    @property
    def everywhere(self) -> Window:
        return slice(0, self.shape[0]), slice(0, self.shape[1])

    @cached_property
    def broad_dem(self) -> Array:
        """Heights (m) smoothed over 60 m."""
        return smooth(self.terrain.dem, 60.0 / self.terrain.pixel_size)

    @cached_property
    def hollow(self) -> Array:
        """Metres below the mean height within about 500 m; negative on crests."""
        return smooth(self.terrain.dem, 500.0 / self.terrain.pixel_size) - self.broad_dem

    @cached_property
    def relief(self) -> float:
        """Metres between the lowest and the highest ground."""
        return float(self.terrain.dem.max() - self.terrain.dem.min())

    def pixels(self, metres: float) -> float:
        return metres / self.terrain.pixel_size

    def window(self, row: int, column: int, reach: float) -> Window:
        """The pixels within ``reach`` metres of a pixel, along rows and columns."""
        pixels = math.ceil(self.pixels(reach))
        height, width = self.shape
        return (
            slice(max(0, row - pixels), min(height, row + pixels + 1)),
            slice(max(0, column - pixels), min(width, column + pixels + 1)),
        )

    def offsets(self, window: Window, row: float, column: float) -> tuple[Array, Array]:
        """Metres east (1, w) and north (h, 1) of a pixel."""
        size = self.terrain.pixel_size
        east = (np.arange(window[1].start, window[1].stop) - column) * size
        north = (row - np.arange(window[0].start, window[0].stop)) * size
        return east.astype(np.float32)[None, :], north.astype(np.float32)[:, None]

    def turned(self, window: Window, row: float, column: float, azimuth: float) -> tuple[Array, Array]:
        """Metres along an azimuth (rad clockwise from north) and to its right of a pixel, shape (h, w)."""
        east, north = self.offsets(window, row, column)
        sine, cosine = np.float32(math.sin(azimuth)), np.float32(math.cos(azimuth))
        return east * sine + north * cosine, east * cosine - north * sine

    def texture(self, rng: np.random.Generator, window: Window, longest: float | None = None) -> Array:
        """Noise of unit variance in the window's shape, without what is longer than ``longest`` metres."""
        height, width = (part.stop - part.start for part in window)
        noise = self.shapes.draw(rng, max(height, width))[:height, :width]
        if longest is not None:
            noise = noise - smooth(noise, max(1.0, self.pixels(longest / 2)))
            noise = noise / np.float32(max(float(noise.std()), 1e-6))
        return noise

    def speckle(self, rng: np.random.Generator, window: Window, width: float) -> Array:
        """White noise of unit variance in the window's shape, blurred over ``width`` pixels."""
        shape = tuple(part.stop - part.start for part in window)
        noise = smooth(rng.standard_normal(shape, dtype=np.float32), width)
        return noise / np.float32(max(float(noise.std()), 1e-6))

    def site(self, rng: np.random.Generator, suits: Callable[[Window], Mask], step: int = 4) -> tuple[int, int] | None:
        """A pixel at random where ``suits`` (asked of every ``step``-th pixel) holds; None where there is none."""
        start = int(rng.integers(step))
        height, width = self.shape
        lattice = slice(start, height, step), slice(start, width, step)
        sites = np.argwhere(suits(lattice))
        if not len(sites):
            return None
        row, column = sites[rng.integers(len(sites))] * step + start
        return int(row), int(column)

    @cached_property
    def small_units(self) -> Units:
        """Gullies and small side valleys."""
        return self._units(90.0, 350.0)

    @cached_property
    def large_units(self) -> Units:
        """Side valleys and cirques."""
        return self._units(180.0, 1200.0)

    @cached_property
    def hills(self) -> Units:
        """Ridges and spurs, each up to the valleys around it."""
        return self._units(150.0, 900.0, -1.0)

    def _units(self, detail: float, longest: float, sign: float = 1.0) -> Units:
        """Watersheds of the heights between two wavelengths (m): each drains to one low point."""
        return self.described(watersheds(np.float32(sign) * self.heights_between(detail, longest)))

    def heights_between(self, detail: float, longest: float) -> Array:
        """Heights (m) between two wavelengths (m), on every other pixel."""
        heights, pixels = self.terrain.dem[::_LATTICE, ::_LATTICE], self.pixels(1.0) / _LATTICE
        return as_float32(smooth(heights, detail * pixels) - smooth(heights, longest * pixels))

    def described(self, labels: NDArray[np.int64]) -> Units:
        """Units of these labels, which count from 0, on every other pixel."""
        counts = np.bincount(labels.ravel())
        cell = (_LATTICE * self.terrain.pixel_size) ** 2
        steepness = self.terrain.motion_slope[::_LATTICE, ::_LATTICE]
        slopes = np.bincount(labels.ravel(), steepness.ravel()) / np.maximum(counts, 1)
        cut = np.zeros(len(counts), np.bool_)
        for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            cut[edge] = True
        return Units(labels, counts * cell, slopes, cut)

    def unit_cover(self, rng: np.random.Generator, units: Units, label: int) -> tuple[Window, Array]:
        """The window around a unit, and 1 inside it, 0 outside, soft at its border, which is a little rough."""
        from scipy import ndimage

        rows, columns = np.nonzero(units.labels == label)
        height, width = self.shape
        window = (
            slice(max(0, _LATTICE * (int(rows.min()) - 3)), min(height, _LATTICE * (int(rows.max()) + 4))),
            slice(max(0, _LATTICE * (int(columns.min()) - 3)), min(width, _LATTICE * (int(columns.max()) + 4))),
        )
        coarse = tuple(slice(part.start // _LATTICE, -(-part.stop // _LATTICE)) for part in window)
        own = (units.labels[coarse] == label).astype(np.float32)
        fine = ndimage.zoom(own, _LATTICE, order=1, mode="nearest", grid_mode=True)
        fine = smooth(fine[: window[0].stop - window[0].start, : window[1].stop - window[1].start], 1.2)
        fine += np.float32(0.08) * self.speckle(rng, window, 1.0)
        return window, smoothstep(fine, 0.4, 0.6)

    def way_down(self, row: int, column: int, longest: float) -> NDArray[np.int64]:
        """Pixels (n, 2) of the way that water takes from a pixel, over at most ``longest`` metres, without jumps."""
        stops, walked = [(row, column)], 0.0
        while walked < longest:
            found = self._lower(row, column)
            if found is None:
                break
            walked += self.terrain.pixel_size * math.hypot(found[0] - row, found[1] - column)
            row, column = found
            stops.append(found)
        return joined(np.array(stops))

    def _lower(self, row: int, column: int) -> tuple[int, int] | None:
        """The lowest pixel close by, from farther away where the pixel lies in a pit; None in a wide one."""
        for reach in (2, 4, 8):
            top, left = max(0, row - reach), max(0, column - reach)
            around = self.broad_dem[top : row + reach + 1, left : column + reach + 1]
            down, right = divmod(int(around.argmin()), around.shape[1])
            if (top + down, left + right) != (row, column):
                return top + down, left + right
        return None

    def corridor(self, paths: Sequence[NDArray[np.int64]], reach: float) -> Corridor:
        """The ground within ``reach`` metres of paths of pixels (n, 2)."""
        from scipy import ndimage

        margin = math.ceil(self.pixels(reach))
        path = np.concatenate(paths)
        shares = np.concatenate([np.linspace(0, 1, len(one), dtype=np.float32) for one in paths])
        (top, left), (bottom, right) = path.min(axis=0), path.max(axis=0)
        height, width = self.shape
        window = (
            slice(max(0, int(top) - margin), min(height, int(bottom) + margin + 1)),
            slice(max(0, int(left) - margin), min(width, int(right) + margin + 1)),
        )
        own = path - (window[0].start, window[1].start)
        shape = tuple(part.stop - part.start for part in window)
        away, number = np.ones(shape, np.bool_), np.zeros(shape, np.float32)
        away[own[:, 0], own[:, 1]] = False
        number[own[:, 0], own[:, 1]] = shares
        distance, nearest = ndimage.distance_transform_edt(away, return_indices=True)
        heights = self.broad_dem[window]
        rise = heights - heights[nearest[0], nearest[1]]
        return Corridor(window, as_float32(distance * self.terrain.pixel_size), rise, number[nearest[0], nearest[1]])


@dataclass(frozen=True)
class Ground(Landforms):
    """Landforms with how they are seen, and the pairs of the stack."""

    viewing: Viewing
    network: PairNetwork

    def los(self, east: Array | float, north: Array | float, up: Array | float) -> Array:
        """LOS rate (mm/yr, positive toward) of a motion in mm/yr."""
        look_east, look_north, look_up = (np.float32(part) for part in self.viewing.to_satellite)
        return np.asarray(look_east * east + look_north * north + look_up * up, np.float32)

    def downslope_los(self, window: Window, speed: Array) -> Array:
        """LOS rate (mm/yr, positive toward) of what moves down the smoothed slope at ``speed`` mm/yr."""
        east, north = (values[window] for values in self.terrain.motion_gradient)
        return as_float32(speed * self.viewing.downslope_sensitivity(east, north))


def watersheds(heights: Array) -> NDArray[np.int64]:
    """Labels from 0 of the basins of a surface (h, w): cells from which the steepest way leads to one low point."""
    rows, columns = heights.shape
    padded = np.pad(heights, 1, constant_values=np.inf)
    index = np.arange(heights.size).reshape(heights.shape)
    receiver, steepest = index.copy(), np.zeros_like(heights)
    for down, right in _NEIGHBOURS:
        fall = heights - padded[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]
        fall /= np.float32(math.hypot(down, right))
        better = fall > steepest
        steepest[better] = fall[better]
        receiver[better] = index[better] + down * columns + right
    bottom = receiver.ravel()
    while True:
        further = bottom[bottom]
        if np.array_equal(further, bottom):
            break
        bottom = further
    labels: NDArray[np.int64] = np.unique(bottom, return_inverse=True)[1].reshape(heights.shape)
    return labels


def joined(stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Every pixel (n, 2) on the straight lines from stop to stop."""
    parts = [stops[:1]]
    for start, end in zip(stops[:-1], stops[1:]):
        count = int(np.abs(end - start).max())
        shares = np.arange(1, count + 1)[:, None] / max(count, 1)
        parts.append(np.rint(start + shares * (end - start)).astype(np.int64))
    return np.concatenate(parts)


def main_direction(east: Array, north: Array, weights: Array | None = None) -> tuple[np.float32, np.float32]:
    """East and north part of the unit vector, east or due north, along which vectors (h, w) lie or oppose most."""
    share = np.ones_like(east) if weights is None else weights
    total = max(float(share.sum()), 1e-6)
    east, north = (values - float((values * share).sum()) / total for values in (east, north))
    mixed, difference = float((share * east * north).sum()), float((share * (east * east - north * north)).sum())
    angle = 0.5 * math.atan2(2 * mixed, difference)
    return np.float32(math.cos(angle)), np.float32(math.sin(angle))


def loguniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number from ``low`` to ``high``, every factor between them as likely."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def polygon(rng: np.random.Generator, along: Array, right: Array, radius: float, corners: int) -> Array:
    """Share of the way from the centre to the straight sides of a random polygon, 1 on them, shape (h, w).

    ``along`` and ``right``: metres from the centre; ``radius`` (m): the mean distance of the sides.
    """
    angles = (np.arange(corners) + rng.uniform(-0.35, 0.35, corners)) * (2 * math.pi / corners)
    share = np.zeros(np.broadcast_shapes(along.shape, right.shape), np.float32)
    for angle in angles:
        reach = radius * rng.uniform(0.7, 1.3)
        side = along * np.float32(math.cos(angle) / reach) + right * np.float32(math.sin(angle) / reach)
        np.maximum(share, side, out=share)
    return share
