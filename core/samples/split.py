"""Which ground is for training, validation and test: blocks of tiles, drawn so that each role gets labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models import IGNORED
from ..raster import Grid
from .facts import ROLES
from .sample_set import AREA, BACKGROUND


@dataclass(frozen=True)
class TilePlace:
    """A tile on its scene's grid: row and column of its first pixel (which may lie outside), number and block."""

    row: int
    column: int
    number: tuple[int, int]
    block: str


@dataclass(frozen=True)
class Tiling:
    """Tiles of ``size`` × ``size`` pixels in blocks of ``per_block`` × ``per_block`` tiles.

    Both are counted from the origin of the CRS, not from the scene's corner, so that scenes with the same pixels
    have the same blocks.
    """

    grid: Grid
    size: int
    per_block: int

    @classmethod
    def of(cls, grid: Grid, size: int, block_size: float) -> Tiling:
        """Blocks of at least ``block_size`` metres: whole tiles."""
        return cls(grid, size, max(1, math.ceil(block_size / (size * grid.pixel_size) - 0.05)))

    @property
    def block_metres(self) -> float:
        """The side of a block in metres."""
        return self.per_block * self.size * self.grid.pixel_size

    def _numbers(self, corner: float, step: float, count: int) -> tuple[int, int, int]:
        """Number of the first tile, its first pixel (≤ 0) and the number of tiles along one axis."""
        first, inside = divmod(round(corner / step), self.size)
        return first, -inside, math.ceil((count + inside) / self.size)

    def __iter__(self) -> Iterator[TilePlace]:
        """The tiles that touch the scene, by rows."""
        x, dx, _, y, _, dy = self.grid.transform
        first_row, row, rows = self._numbers(y, dy, self.grid.height)
        first_column, column, columns = self._numbers(x, dx, self.grid.width)
        for i in range(rows):
            for j in range(columns):
                block = f"{(first_column + j) // self.per_block}_{(first_row + i) // self.per_block}"
                yield TilePlace(row + i * self.size, column + j * self.size, (i, j), block)

    def block_at(self, place: TilePlace, down: int, right: int) -> str:
        """The block of the tile that many tiles further down and to the right."""
        x, dx, _, y, _, dy = self.grid.transform
        first_row = self._numbers(y, dy, self.grid.height)[0] + place.number[0] + down
        first_column = self._numbers(x, dx, self.grid.width)[0] + place.number[1] + right
        return f"{first_column // self.per_block}_{first_row // self.per_block}"

    def tile_grid(self, place: TilePlace) -> Grid:
        """The grid of one tile."""
        x, dx, _, y, _, dy = self.grid.transform
        corner = (x + place.column * dx, dx, 0.0, y + place.row * dy, 0.0, dy)
        return Grid(self.grid.crs, corner, self.size, self.size)


def draw_roles(
    held: Mapping[str, int], shares: Mapping[str, float], seed: int, fixed: Mapping[str, str]
) -> dict[str, str]:
    """A role for each block, given how much of the areas it holds; those in ``fixed`` keep theirs.

    Blocks are taken in an order drawn by ``seed``, and each goes to the role that lacks most of its share: of what
    the blocks with labels hold, of the number of blocks among the others. A role that would get no labels
    takes the block with the fewest from a role that has another.
    """
    random = np.random.default_rng((seed, 1))
    wanted = [role for role in ROLES if shares[role] > 0]
    roles = {block: fixed[block] for block in held if block in fixed}
    for has_labels in (True, False):
        weights = {b: max(n, 1) for b, n in sorted(held.items()) if (n > 0) == has_labels}
        lacking = {role: shares[role] * sum(weights.values()) for role in ROLES}
        for block in weights.keys() & roles.keys():
            lacking[roles[block]] -= weights[block]
        free = [block for block in weights if block not in roles]
        for index in random.permutation(len(free)).tolist():
            role = max(wanted, key=lambda name: lacking[name])
            roles[free[index]] = role
            lacking[role] -= weights[free[index]]
    _share_labels(roles, {b: n for b, n in sorted(held.items()) if n > 0}, wanted, fixed)
    return roles


def _share_labels(
    roles: dict[str, str], labelled: Mapping[str, int], wanted: list[str], fixed: Mapping[str, str]
) -> None:
    """Give roles without labels the smallest block of a role that has several, in place."""
    for role in wanted:
        counts = {name: sum(roles[block] == name for block in labelled) for name in ROLES}
        free = [block for block in labelled if block not in fixed and counts[roles[block]] > 1]
        if counts[role] == 0 and free:
            roles[min(free, key=lambda block: labelled[block])] = role


def near_other_roles(tiling: Tiling, place: TilePlace, roles: Mapping[str, str], gap_pixels: int) -> NDArray[np.bool_]:
    """Pixels of a tile (size, size) closer than the gap to a neighbouring tile of another role."""
    near = np.zeros((tiling.size, tiling.size), bool)
    if gap_pixels < 1:
        return near
    edge = {-1: slice(0, gap_pixels), 0: slice(None), 1: slice(-gap_pixels, None)}
    own = roles[place.block]
    for down in edge:
        for right in edge:
            if roles.get(tiling.block_at(place, down, right), own) != own:
                near[edge[down], edge[right]] = True
    return near


def label_pixels(
    areas: NDArray[np.bool_],
    kept: NDArray[np.bool_],
    surveyed: NDArray[np.bool_],
    ignored: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Labels of a tile from masks of one shape: 1 in ``kept`` areas, 255 in other areas, where not surveyed
    outside areas, and in ``ignored``; else 0."""
    label = np.where(surveyed, BACKGROUND, IGNORED).astype(np.uint8)
    label[areas] = IGNORED
    label[kept] = AREA
    label[ignored] = IGNORED
    return label
