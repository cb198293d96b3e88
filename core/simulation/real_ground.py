"""The ground under real rates: pixels that are square in metres, and the heights of their place or of another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from ..raster import HEIGHTS, BandReader, Grid, checked_band
from ..types import Array, PathLike
from .landslides import SLOPE_LIMITS
from .terrain import Terrain, read_dem

# Pixels this much wider than high count as square.
_SQUARE = 0.02
_FOREIGN_CROPS = 24


@dataclass(frozen=True)
class Columns:
    """Which columns of an array with square pixels make those of the rates' grid."""

    own: int
    square: int

    @property
    def _position(self) -> NDArray[np.float64]:
        centres = (np.arange(self.own) + 0.5) * self.square / self.own - 0.5
        return np.clip(centres, 0, self.square - 1)

    def linear(self, values: Array) -> Array:
        """Values between columns."""
        if self.own == self.square:
            return values
        left = np.floor(self._position).astype(np.intp)
        right = np.minimum(left + 1, self.square - 1)
        share = (self._position - left).astype(np.float32)
        between: Array = values[:, left] * (1 - share) + values[:, right] * share
        return between

    def nearest(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of the nearest columns."""
        return values if self.own == self.square else values[:, np.rint(self._position).astype(np.intp)]

    def to_square(self, values: NDArray[Any]) -> NDArray[Any]:
        """The other way: each square pixel has the value of the nearest one of the grid."""
        if self.own == self.square:
            return values
        centres = (np.arange(self.square) + 0.5) * self.own / self.square - 0.5
        return values[:, np.clip(np.rint(centres), 0, self.own - 1).astype(np.intp)]


def square_grid(grid: Grid) -> tuple[Grid, float]:
    """The grid with its columns made as wide as its rows are high in metres, and the side of its pixels."""
    dx, dy = (float(size[0]) for size in grid.metres_per_pixel(np.array([grid.height // 2])))
    if abs(dx / dy - 1) <= _SQUARE:
        return grid, math.sqrt(dx * dy)
    width = max(1, round(grid.width * dx / dy))
    x, step, _, y, _, down = grid.transform
    return Grid(grid.crs, (x, step * grid.width / width, 0.0, y, 0.0, down), width, grid.height), dy


def heights_under(grid: Grid, dem: PathLike, progress: Progress) -> Array:
    """Heights in metres on a grid, NaN where the DEM has none; its undeclared nodata and its unit are recognised."""
    with BandReader(checked_band(dem, HEIGHTS, progress), grid, "cubic") as reader:
        return reader.read()


def foreign_heights(path: PathLike, shape: tuple[int, int], pixel_size: float, rng: np.random.Generator) -> Array:
    """Heights of another place: of a few crops that with the most slopes; a small place is mirrored at its edges."""
    dem = read_dem(path, pixel_size)
    if not np.isfinite(dem).any():
        return np.full(shape, np.nan, np.float32)
    dem = reflected(dem, shape)
    slope = Terrain(without_gaps(dem), pixel_size).motion_slope
    fits = (slope > SLOPE_LIMITS[0]) & (slope < SLOPE_LIMITS[1]) & np.isfinite(dem)
    height, width = shape
    crops = []
    for _ in range(_FOREIGN_CROPS):
        row, column = (int(rng.integers(0, have - want + 1)) for have, want in zip(dem.shape, shape))
        crops.append((int(fits[row : row + height, column : column + width].sum()), row, column))
    _, row, column = max(crops)
    return dem[row : row + height, column : column + width]


def reflected(values: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """The array, mirrored at its edges as often as it takes to have at least that shape."""
    missing = [max(0, want - have) for want, have in zip(shape, values.shape)]
    return np.pad(values, [(0, count) for count in missing], mode="symmetric") if any(missing) else values


def without_gaps(values: Array) -> Array:
    """Each missing value from the nearest one that exists."""
    from scipy import ndimage

    missing = ~np.isfinite(values)
    if not missing.any():
        return values
    nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    filled: Array = values[tuple(nearest)]
    return filled
