"""What the layers of one scene have in common: that they meet, hold data and differ from each other."""

from __future__ import annotations

import numpy as np
from osgeo import osr

from ..raster import BandReader, Grid, Window, row_blocks, same_crs, spatial_reference
from ..types import Array
from .layers import UNREAL

RESAMPLING_TOLERANCE = 1.2


def has_data(reader: BandReader) -> bool:
    """True when any pixel is finite; stops at the first block that has one."""
    for row, rows in row_blocks(reader.grid.height, 256):
        if np.isfinite(reader.read(Window(0, row, reader.grid.width, rows))).any():
            return True
    return False


def constant_ratio(first: Array, second: Array) -> float | None:
    """k where second = k · first to within 0.1 % of its spread, at no less than 100 pixels; else None."""
    both = np.isfinite(first) & np.isfinite(second)
    x, y = first[both].astype(float), second[both].astype(float)
    size = float(np.abs(y).max()) if len(y) else 0.0
    if len(x) < 100 or size == 0 or not x.any():
        return None
    factor = float(x @ y / (x @ x))
    return factor if np.abs(y - factor * x).max() <= 1e-3 * size else None


def without_unreal(values: Array) -> Array:
    """The values with NaN for infinities and for the huge numbers that some files use for no data, in place."""
    low, high = values.min(), values.max()
    # Comparisons with NaN are false, so this also goes on when there is any NaN.
    if not (low > -UNREAL and high < UNREAL):
        values[~(np.abs(values) < UNREAL)] = np.nan
    return values


def intersection(window: Window, grid: Grid) -> Window | None:
    """The part of the window inside the grid, None when there is none."""
    column, row = max(window.column, 0), max(window.row, 0)
    width = min(window.column + window.width, grid.width) - column
    height = min(window.row + window.height, grid.height) - row
    return Window(column, row, width, height) if width > 0 and height > 0 else None


def grids_overlap(first: Grid, second: Grid) -> bool:
    """True when the two grids share ground, or when that can't be told for want of a CRS."""
    bounds = second.bounds
    if first.crs and second.crs and not same_crs(first.crs, second.crs):
        transformation = osr.CoordinateTransformation(spatial_reference(second.crs), spatial_reference(first.crs))
        x = np.linspace(bounds[0], bounds[2], 11)
        y = np.linspace(bounds[1], bounds[3], 11)
        try:
            points = np.array(
                transformation.TransformPoints(
                    [(px, py) for px in x for py in y],
                ),
                dtype=float,
            )
        except RuntimeError:
            return False
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            return False
        bounds = (points[:, 0].min(), points[:, 1].min(), points[:, 0].max(), points[:, 1].max())
    ours = first.bounds
    return bool(ours[0] < bounds[2] and bounds[0] < ours[2] and ours[1] < bounds[3] and bounds[1] < ours[3])
