"""The one grid that all interferograms of a stack are read on, and where each of them lies on it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ..gdal_errors import gdal_raises
from ..raster import Grid, Transformation, Window, quarter_turn, same_crs

# Bounds of another CRS lie on curves: points along each side whose extremes count.
_POINTS_A_SIDE = 21


@gdal_raises()
def common_grid(grids: Sequence[Grid]) -> tuple[Grid, tuple[bool, ...]]:
    """The common grid and, for each grid, whether its pixels coincide with it.

    The most frequent lattice of pixels wins, that of the most pixels among equals. On it, the grid covers all members.
    """
    lattices: list[list[Grid]] = []
    known: dict[Grid, int] = {}
    for grid, count in Counter(grids).items():
        index = next((i for i, members in enumerate(lattices) if members[0].offset_of(grid) is not None), None)
        if index is None:
            index = len(lattices)
            lattices.append([])
        lattices[index].extend([grid] * count)
        known[grid] = index
    best = max(range(len(lattices)), key=lambda i: (len(lattices[i]), sum(map(_pixels, lattices[i])), -i))
    return _union(lattices[best]), tuple(known[grid] == best for grid in grids)


def _pixels(grid: Grid) -> int:
    return grid.width * grid.height


def _union(members: Sequence[Grid]) -> Grid:
    """The smallest grid that covers all members of one lattice, with exactly the first member's pixels."""
    return _covering(members[0], [window_on(members[0], member) for member in dict.fromkeys(members)])


def _covering(grid: Grid, windows: Sequence[Window]) -> Grid:
    left, top = min(window.column for window in windows), min(window.row for window in windows)
    right = max(window.column + window.width for window in windows)
    bottom = max(window.row + window.height for window in windows)
    x, dx, _, y, _, dy = grid.transform
    return Grid(grid.crs, (x + left * dx, dx, 0.0, y + top * dy, 0.0, dy), right - left, bottom - top)


def grown(grid: Grid, others: Iterable[Grid]) -> Grid:
    """The grid, grown by whole pixels until it covers the others, too."""
    windows = [window_on(grid, other) for other in dict.fromkeys(others)]
    return _covering(grid, [Window(0, 0, grid.width, grid.height), *windows])


@lru_cache(maxsize=4096)
@gdal_raises()
def window_on(grid: Grid, other: Grid) -> Window:
    """The pixels of the (endless) grid that another grid covers, the smallest rectangle of them in another CRS.

    Longitudes are taken modulo 360, so that the two lie as near to each other as they do on the ground. InputError
    where the other one has no place in the grid's CRS.
    """
    offset = grid.offset_of(other)
    if offset is not None:
        return Window(*offset, other.width, other.height)
    left, bottom, right, top = _bounds_in(grid, other)
    x, dx, _, y, _, dy = grid.transform
    turn = 4 * (quarter_turn(grid.crs) or 0)
    if turn:
        right += turn if right < left else 0.0
        shift = turn * round((x + dx * grid.width / 2 - (left + right) / 2) / turn)
        left, right = left + shift, right + shift
    column, row = math.floor((left - x) / dx + 0.01), math.floor((top - y) / dy + 0.01)
    end, last = math.ceil((right - x) / dx - 0.01), math.ceil((bottom - y) / dy - 0.01)
    return Window(column, row, max(end - column, 1), max(last - row, 1))


def _bounds_in(grid: Grid, other: Grid) -> tuple[float, float, float, float]:
    """The bounds of another grid in this one's CRS."""
    bounds = other.bounds
    if same_crs(grid.crs, other.crs):
        return bounds
    return Transformation(other.crs, grid.crs, other.name).bounds(bounds, _POINTS_A_SIDE)


def shared(first: Window, other: Window, margin: int = 0) -> Window | None:
    """The pixels that two windows share, the first one wider by ``margin`` pixels on each side; None without any."""
    left, top = max(first.column - margin, other.column), max(first.row - margin, other.row)
    right = min(first.column + first.width + margin, other.column + other.width)
    bottom = min(first.row + first.height + margin, other.row + other.height)
    return Window(left, top, right - left, bottom - top) if right > left and bottom > top else None
