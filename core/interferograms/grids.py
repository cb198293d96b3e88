"""The one grid that all interferograms of a stack are read on."""

from __future__ import annotations

from collections.abc import Sequence

from osgeo import osr

from ..gdal_errors import gdal_raises
from ..raster import Grid, same_crs, spatial_reference

# A common grid may be at most this many times as large as the largest single one; beyond it, frames differ so much
# that most of the common grid would be empty.
_LARGEST_GROWTH = 2.0


@gdal_raises()
def common_grid(grids: Sequence[Grid]) -> tuple[Grid, tuple[bool, ...]]:
    """The common grid and, for each grid, whether its pixels coincide with it.

    The most frequent lattice of pixels wins (the first one among equals). On it, the grid covers all members;
    where that would be mostly empty, the most frequent extent.
    """
    lattices: list[list[Grid]] = []
    lattice_of = []
    for grid in grids:
        index = next((i for i, members in enumerate(lattices) if members[0].offset_of(grid) is not None), None)
        if index is None:
            index = len(lattices)
            lattices.append([])
        lattices[index].append(grid)
        lattice_of.append(index)
    best = max(range(len(lattices)), key=lambda i: len(lattices[i]))
    members = lattices[best]
    union = _union(members)
    if _pixels(union) > _LARGEST_GROWTH * max(_pixels(member) for member in members):
        union = _most_frequent(members)
    return union, tuple(index == best for index in lattice_of)


def _pixels(grid: Grid) -> int:
    return grid.width * grid.height


def _offset(first: Grid, other: Grid) -> tuple[int, int]:
    offset = first.offset_of(other)
    if offset is None:
        raise ValueError("The grids are not of one lattice of pixels.")
    return offset


def _union(members: Sequence[Grid]) -> Grid:
    """The smallest grid that covers all members of one lattice, with exactly the first member's pixels."""
    first = members[0]
    offsets = [_offset(first, member) for member in members]
    left, top = (min(values) for values in zip(*offsets))
    right = max(column + member.width for (column, _), member in zip(offsets, members))
    bottom = max(row + member.height for (_, row), member in zip(offsets, members))
    x, dx, _, y, _, dy = first.transform
    return Grid(first.crs, (x + left * dx, dx, 0.0, y + top * dy, 0.0, dy), right - left, bottom - top)


def _most_frequent(members: Sequence[Grid]) -> Grid:
    first = members[0]
    extents = [(*_offset(first, member), member.width, member.height) for member in members]
    return members[max(range(len(members)), key=lambda i: (extents.count(extents[i]), _pixels(members[i]), -i))]


@gdal_raises()
def overlaps(grid: Grid, other: Grid) -> bool:
    """True when two grids share an area; grids of two CRS are compared in the first one's."""
    a, b = grid.bounds, other.bounds
    if not same_crs(grid.crs, other.crs):
        transformation = osr.CoordinateTransformation(spatial_reference(other.crs), spatial_reference(grid.crs))
        b = transformation.TransformBounds(*b, 21)
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
