"""Terrain for simulated scenes: eroded mountains with valleys and plains, crops of real DEMs, and gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..raster import HEIGHTS, BandReader, Grid, checked_band, utm_zone
from ..terrain import MOTION_SCALE, gradient
from ..types import Array, PathLike
from .atmosphere import as_float32, portable, power_law_field, smooth, smoothstep

_NEIGHBOURS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


def _gradient(dem: Array, pixel_size: float) -> tuple[Array, Array]:
    """dz/d(east) and dz/d(north) of a DEM without gaps; row 0 is in the north."""
    padded = np.pad(dem, 1, constant_values=np.nan)
    east, south = gradient(padded, pixel_size, pixel_size)
    return east, -south


def _slope(slopes: tuple[Array, Array]) -> Array:
    """Slope in degrees: terrain.slope_degrees, the same on every processor."""
    east, north = slopes
    return portable(np.arctan, np.sqrt(east * east + north * north)) * np.float32(180 / np.pi)


@dataclass(frozen=True)
class Terrain:
    """A DEM (metres, shape (h, w), no gaps) with square pixels of ``pixel_size`` metres."""

    dem: Array
    pixel_size: float

    @cached_property
    def gradient(self) -> tuple[Array, Array]:
        """dz/d(east) and dz/d(north)."""
        return _gradient(self.dem, self.pixel_size)

    @cached_property
    def slope(self) -> Array:
        """Slope in degrees."""
        return _slope(self.gradient)

    @cached_property
    def motion_gradient(self) -> tuple[Array, Array]:
        """The gradient smoothed over about 90 m: it guides the motion of a landslide."""
        east, north = (smooth(values, MOTION_SCALE / self.pixel_size) for values in self.gradient)
        return east, north

    @cached_property
    def motion_slope(self) -> Array:
        """Slope of the smoothed terrain in degrees."""
        return _slope(self.motion_gradient)

    @cached_property
    def level_ground(self) -> Array:
        """1 on wide ground of slope < 3°, 0 above 6°, smooth between."""
        steepness = smooth(np.minimum(self.slope, 20.0), 120.0 / self.pixel_size)
        return smoothstep(steepness, 6.0, 3.0)


def with_plain(terrain: Array, share: float, blend: float, relief: Array) -> Array:
    """Fill the lowest ``share`` of a DEM with sediment up to one level, ``blend`` metres thick at the shore.

    ``relief`` (metres) is the plain's own, added where it lies.
    """
    level = float(np.quantile(terrain, share))
    above = (terrain - np.float32(level)) / np.float32(blend)
    filled = portable(np.logaddexp, 0, above) * np.float32(blend)
    plain = 1 / (1 + portable(np.exp, np.clip(2 * above, -30, 30)))
    return as_float32(filled + np.float32(level) + plain * relief)


def eroded_terrain(rng: np.random.Generator, size: int, pixel_size: float) -> Array:
    """A mountain range with dendritic valleys, ridges, a main valley and a plain, shape (size, size), metres.

    Stream-power erosion in its steady state, slope = u·A^-0.45 (A: drained area), limited to the angle of
    repose, is integrated up the drainage tree on ever finer grids; plains and the main river are base level.
    """
    from scipy import ndimage

    finest = max(32, size // 2)
    steps = max(0, math.ceil(math.log2(finest / 64)))
    uplift_noise = power_law_field(rng, finest, 2 * pixel_size, (-3, -4), 4000.0, 25_000.0)
    base_noise = power_law_field(rng, finest, 2 * pixel_size, (-3.2, -4), 2000.0, 18_000.0)
    river_noise = power_law_field(rng, finest, 2 * pixel_size, (-3.4, -4), 3000.0, 15_000.0)
    plain_share, river_width = rng.uniform(0.06, 0.22), rng.uniform(0.02, 0.06)
    uplift = np.float32(rng.uniform(0.2, 0.5)) * portable(np.exp, 0.4 * uplift_noise)
    repose = portable(np.tan, np.radians(rng.uniform(28, 38) + 3 * uplift_noise))
    tilt = rng.uniform(-0.004, 0.004, 2)
    rows, columns = np.indices((finest, finest), np.float32) * np.float32(2 * pixel_size)
    floor = (tilt[0] * rows + tilt[1] * columns + 6 * river_noise).astype(np.float32)
    base = (base_noise < np.quantile(base_noise, plain_share)) | (abs(river_noise) < river_width)
    height = np.zeros((max(1, finest >> steps),) * 2, np.float32)
    for step in range(steps, -1, -1):
        factor = 1 << step
        shape = (finest // factor, finest // factor)
        height = ndimage.zoom(height, shape[0] / height.shape[0], order=1, mode="nearest", grid_mode=True)
        cell = 2 * pixel_size * factor
        height += rng.standard_normal(shape, dtype=np.float32) * np.float32(0.03 * cell)
        coarse = (
            slice(factor // 2, factor * shape[0], factor),
            slice(factor // 2, factor * shape[1], factor),
        )
        ground = (base[coarse], floor[coarse], uplift[coarse], repose[coarse])
        height = _erode(height, *ground, cell, rng, (12, 24, 40, 60)[min(step, 3)])
    height = ndimage.zoom(height, size / height.shape[0], order=3, mode="nearest", grid_mode=True)
    rough = power_law_field(rng, height.shape[0], pixel_size, (-2.6, -3.2), 500.0, 1500.0)
    steep = Terrain(height.astype(np.float32), pixel_size).slope / np.float32(30)
    height += rough * np.minimum(steep, 1.5) * np.float32(rng.uniform(2, 7))
    return as_float32(smooth(height, 0.7) - np.float32(height.min() - rng.uniform(100, 2000)))


def _erode(
    height: Array,
    base: NDArray[np.bool_],
    floor: Array,
    uplift: Array,
    repose: Array,
    cell: float,
    rng: np.random.Generator,
    iterations: int,
) -> Array:
    """Relax ``height`` toward the steady state of its own drainage tree, whose roots are the ``base`` cells."""
    height = np.where(base, floor, np.maximum(height, floor + 0.1)).astype(np.float32)
    for _ in range(iterations):
        receiver, distance, pit = _receivers(height, base, cell, rng)
        order, bounds = _levels(receiver)
        area = np.full(height.size, cell * cell / 1e5, np.float64)
        for start, stop in zip(bounds[-2:0:-1], bounds[:0:-1]):
            nodes = order[start:stop]
            np.add.at(area, receiver[nodes], area[nodes])
        steepness = np.minimum(uplift.ravel() * portable(np.power, area, -0.45), repose.ravel())
        rise = steepness * distance
        target = height.ravel().copy()
        target[pit] += np.float32(0.15 * cell)
        for start, stop in zip(bounds[1:-1], bounds[2:]):
            nodes = order[start:stop]
            target[nodes] = target[receiver[nodes]] + rise[nodes]
        height = (0.4 * height + 0.6 * target.reshape(height.shape)).astype(np.float32)
        height = np.where(base, floor, 0.6 * height + 0.4 * smooth(height, 1.0)).astype(np.float32)
    return smooth(height, 0.8)


def _receivers(
    height: Array, base: NDArray[np.bool_], cell: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Array, NDArray[np.int64]]:
    """Steepest lower neighbour of each cell (itself at base level and in pits), its distance, and the pits."""
    rows, columns = height.shape
    padded = np.pad(height, 1, constant_values=np.inf)
    index = np.arange(height.size).reshape(height.shape)
    best = np.zeros(height.shape, np.float32)
    receiver = index.copy()
    distance = np.zeros(height.shape, np.float32)
    for down, right in _NEIGHBOURS:
        step = np.float32(cell * math.hypot(down, right))
        fall = (height - padded[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]) / step
        # A little chance breaks the alignment of valleys with the eight directions of the grid.
        fall *= rng.uniform(0.7, 1.3, height.shape).astype(np.float32)
        better = (fall > best) & ~base
        best[better] = fall[better]
        receiver[better] = index[better] + down * columns + right
        distance[better] = step
    pits = np.flatnonzero((receiver == index) & ~base)
    return receiver.ravel(), distance.ravel(), pits


def _levels(receiver: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nodes ordered by their depth in the drainage tree, and where each depth begins (and the last ends)."""
    pointer = receiver
    depth = (receiver != np.arange(len(receiver))).astype(np.int32)
    while True:
        further = depth[pointer]
        if not further.any():
            break
        depth = depth + further
        pointer = pointer[pointer]
    order = np.argsort(depth, kind="stable")
    bounds = np.searchsorted(depth[order], np.arange(depth.max() + 2))
    return order, bounds


@gdal_raises()
def read_dem(path: PathLike, pixel_size: float) -> Array:
    """A DEM file of any CRS on a UTM grid of ``pixel_size`` metres; NaN where it has no data."""
    from ..raster import Transformation, spatial_reference

    own = Grid.of(path)
    crs = utm_zone(*own.centre_lonlat)
    x_min, y_min, x_max, y_max = Transformation(own.crs, crs, path).bounds(own.bounds)
    width, height = int((x_max - x_min) / pixel_size), int((y_max - y_min) / pixel_size)
    if width < 1 or height < 1:
        raise InputError(
            "{path} is smaller than one pixel of {pixel_size} m. Choose a larger DEM.", path=path, pixel_size=pixel_size
        )
    grid = Grid(spatial_reference(crs).ExportToWkt(), (x_min, pixel_size, 0, y_max, 0, -pixel_size), width, height)
    with BandReader(checked_band(path, HEIGHTS), grid, resampling="cubic") as reader:
        values = reader.read()
    values[(values < -500) | (values > 9000)] = np.nan
    return values
