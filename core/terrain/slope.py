"""Slope and aspect of a digital elevation model by Horn's method, in metres whatever the grid's units.

Horn, B. K. P. (1981): Hill shading and the reflectance map, Proc. IEEE 69(1). Its eight weighted neighbours are
the weighted least-squares plane (weights 2 beside, 1 across corners). So where neighbours are missing, at the
raster's edges and beside holes, the same plane is fitted to the neighbours that exist: a plane keeps its slope
up to its last pixel. A pixel without elevation, or without any neighbour, has neither slope nor aspect.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import ExitStack, closing

import numpy as np
from numpy.typing import NDArray

from ..parallel import map_ordered
from ..progress import QUIET, Progress
from ..raster import (
    HEIGHTS,
    Band,
    BandDescription,
    BandReader,
    Grid,
    RasterWriter,
    TrueNorth,
    Window,
    checked_band,
    limited_cache,
    row_blocks,
)
from ..types import Array, PathLike

_BLOCK_PIXELS = 2**20
_CHUNK_PIXELS = 2**16
# Neighbours as (row, column, weight).
_NEIGHBOURS = [(r, c, 2.0 if 0 in (r, c) else 1.0) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)]

Metres = NDArray[np.float64]


def gradient(padded: Array, dx: Metres | float, dy: Metres | float) -> tuple[Array, Array]:
    """Rise over run to the east and to the south, (h, w) each, of elevations (h + 2, w + 2) with their halo."""
    height = padded.shape[0] - 2
    dx_rows = np.broadcast_to(np.asarray(dx, np.float64), (height,))
    dy_rows = np.broadcast_to(np.asarray(dy, np.float64), (height,))
    across = padded[:, 2:] - padded[:, :-2]
    east = across[:-2] + across[2:]
    across = across[1:-1]
    east += across
    east += across
    down = padded[2:] - padded[:-2]
    south = down[:, :-2] + down[:, 2:]
    down = down[:, 1:-1]
    south += down
    south += down
    east *= (1 / (8 * dx_rows)).astype(np.float32)[:, None]
    south *= (1 / (8 * dy_rows)).astype(np.float32)[:, None]
    centre = padded[1:-1, 1:-1]
    # The sum is NaN where any neighbour is; only a missing centre has to be looked for by itself.
    incomplete = np.isnan(east + south)
    missing = np.isnan(centre)
    if missing.any():
        east[missing] = south[missing] = np.nan
        incomplete &= ~missing
    if incomplete.any():
        rows, columns = np.nonzero(incomplete)
        fitted = _fit_existing(padded, rows, columns, dx_rows[rows], dy_rows[rows])
        east[rows, columns], south[rows, columns] = fitted
    return east, south


def _fit_existing(
    padded: Array, rows: NDArray[np.intp], columns: NDArray[np.intp], dx: Metres, dy: Metres
) -> tuple[Metres, Metres]:
    """The least-squares plane through each of the given pixels and the neighbours that it has."""
    centre = padded[rows + 1, columns + 1].astype(np.float64)
    xx, xy, yy, xz, yz = (np.zeros(len(rows)) for _ in range(5))
    for row, column, weight in _NEIGHBOURS:
        rise = padded[rows + 1 + row, columns + 1 + column] - centre
        exists = np.isfinite(rise) * weight
        rise = np.nan_to_num(rise)
        x, y = column * dx, row * dy
        xx += exists * x * x
        xy += exists * x * y
        yy += exists * y * y
        xz += exists * x * rise
        yz += exists * y * rise
    trace, determinant = xx + yy, xx * yy - xy * xy
    on_a_line = determinant <= 1e-6 * trace * trace
    with np.errstate(divide="ignore", invalid="ignore"):
        east = np.where(on_a_line, (xx * xz + xy * yz) / trace**2, (yy * xz - xy * yz) / determinant)
        south = np.where(on_a_line, (xy * xz + yy * yz) / trace**2, (xx * yz - xy * xz) / determinant)
    return east, south


def slope_degrees(east: Array, south: Array) -> Array:
    """Slope in degrees of a gradient; the arrays are left as they are."""
    steepness = east * east
    steepness += south * south
    np.sqrt(steepness, out=steepness)
    np.arctan(steepness, out=steepness)
    steepness *= np.float32(180 / np.pi)
    return steepness


def aspect_degrees(east: Array, south: Array) -> Array:
    """Direction of descent in degrees clockwise, in [0, 360), from the north that the gradient is measured from; NaN
    where it is zero."""
    degrees: Array = np.degrees(np.arctan2(-east, south)).astype(np.float32)
    degrees[degrees < 0] += np.float32(360)
    degrees[degrees >= 360] = 0
    degrees[(east == 0) & (south == 0)] = np.nan
    return degrees


def slope_to_file(
    dem: PathLike,
    output: PathLike,
    aspect_output: PathLike | None = None,
    progress: Progress = QUIET,
) -> None:
    """Write the slope (and the aspect, where asked for) of a DEM in degrees, on the DEM's own grid.

    Aspect is the direction of descent, clockwise from true north, wherever the grid's columns point.
    Heights in feet or another length (band unit) are converted, undeclared nodata is recognised; pixels of a grid in
    degrees get their metres row by row. Raises InputError for a DEM without CRS, in a unit of no length, or
    unreadable; OutputError when writing fails.
    """
    band = checked_band(dem, HEIGHTS, progress)
    with BandReader(band) as reader:
        grid, block_height = reader.grid, reader.block_size[1]
        grid.metres_per_pixel(np.array([0]))
    rows = _rows_per_block(grid.width, block_height)
    with ExitStack() as stack:
        stack.enter_context(limited_cache())
        writers = [stack.enter_context(_writer(output, grid, "slope"))]
        if aspect_output is not None:
            writers.append(stack.enter_context(_writer(aspect_output, grid, "aspect")))
        blocks = _computed_blocks(band, grid, rows, aspect_output is not None, progress)
        for row, layers in stack.enter_context(closing(blocks)):
            for writer, values in zip(writers, layers):
                writer.write(values, row)


def _writer(path: PathLike, grid: Grid, name: str) -> RasterWriter:
    return RasterWriter(path, grid, [BandDescription(name, "degree")], compress=False)


def _rows_per_block(width: int, block_height: int) -> int:
    """As many rows as the memory allows, in whole blocks of the file where these are not too high."""
    rows = max(1, _BLOCK_PIXELS // width)
    return rows if block_height > rows else rows // block_height * block_height


def _computed_blocks(
    dem: Band, grid: Grid, rows: int, with_aspect: bool, progress: Progress
) -> Generator[tuple[int, list[Array]], None, None]:
    """(first row, [slope, aspect]) of the blocks in order, computed in threads a little ahead of the writing."""
    own = threading.local()
    north = TrueNorth(grid) if with_aspect else None

    def compute(block: tuple[int, int]) -> list[Array]:
        # Each thread opens its own reader: a virtual raster must be read by the thread that opened it.
        if not hasattr(own, "reader"):
            own.reader = opened.enter_context(BandReader(dem))
        first, count = block
        padded = own.reader.read(Window(-1, first - 1, grid.width + 2, count + 2))
        return _layers(padded, grid, first, north)

    # The readers close after the threads have ended, however they end: Windows can't replace a file that is open.
    with ExitStack() as opened:
        blocks = map_ordered(compute, row_blocks(grid.height, rows), progress)
        for (first, _), layers in opened.enter_context(closing(blocks)):
            yield first, layers


def _layers(padded: Array, grid: Grid, first: int, north: TrueNorth | None) -> list[Array]:
    """Slope, and aspect where north is given, of a block, computed in groups of rows that fit the processor's cache."""
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    layers = [np.empty((height, width), np.float32) for _ in range(1 if north is None else 2)]
    directions = None if north is None else north.over(Window(0, first, width, height))
    dx, dy = grid.metres_per_pixel(np.arange(first, first + height))
    for row, count in row_blocks(height, max(1, _CHUNK_PIXELS // width)):
        part = slice(row, row + count)
        east, south = gradient(padded[row : row + count + 2], dx[part], dy[part])
        layers[0][part] = slope_degrees(east, south)
        if directions is not None:
            to_east, to_north = directions.turned(east, -south, row)
            layers[1][part] = aspect_degrees(to_east, -to_north)
    return layers
