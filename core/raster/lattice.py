"""Where a grid lies on the endless lattice of its pixels, so that the same ground gets the same pixels and the same
tiles however a scene is cut."""

from __future__ import annotations

import math

import numpy as np

from .grid import Grid

# Corners lie on whole pixels, or on halves or thirds of them: a limit that is none of these never falls on a corner
# that rounding moves to either side.
_BREAK = 1 - math.sqrt(0.5)


def lattice_origin(grid: Grid) -> tuple[int, int]:
    """(column, row) of the grid's first pixel, counted from the origin of its CRS, rows downward.

    Two grids whose pixels coincide count alike: the same ground pixel has the same sum of origin and index in both.
    """
    x, dx, _, y, _, dy = grid.transform
    return math.floor(x / dx + _BREAK), math.floor(y / dy + _BREAK)


def resampled_on_lattice(grid: Grid, pixel_size: float) -> Grid:
    """A grid of pixels of about that many metres that covers this one and begins at most a pixel before it.

    Its pixels are the same for any other cut of the same lattice. Where the size of a pixel in metres changes with
    the latitude, it is rounded for that to two digits, so only cuts that differ much in latitude may differ.
    """
    factor = pixel_size / grid.pixel_size
    east, north = grid.metres_per_pixel(np.array([0, grid.height + 1000]))
    if not np.allclose(east[0] * north[0], east[1] * north[1], rtol=1e-9):
        factor = float(f"{factor:.2g}")
    x, dx, _, y, _, dy = grid.transform
    column, row = (index - math.floor(index / factor + 1e-6) * factor for index in lattice_origin(grid))
    return Grid(
        grid.crs,
        (x - column * dx, dx * factor, 0.0, y - row * dy, 0.0, dy * factor),
        max(1, math.ceil((column + grid.width) / factor - 1e-6)),
        max(1, math.ceil((row + grid.height) / factor - 1e-6)),
    )
