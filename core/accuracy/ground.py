"""The ground on which found and true areas are compared: its pixels, what of it is mapped, its regions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ..areas import rows_per_block
from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import (
    EQUAL_AREA_CRS,
    Band,
    BandReader,
    Grid,
    Window,
    block_sums,
    row_blocks,
    spatial_reference,
    utm_zone,
)
from ..types import Array, Mask, PathLike
from ..vectors import Burner, Outlines, boxes_of
from .figures import Counts

# Pixels of a comparison without any raster.
_FINEST, _MOST_PIXELS = 10.0, 50_000_000
_ONE_PLACE = 50_000.0
_WORLD_WIDTH = 2 * 17_367_530.45
"""Metres from −180 to 180 degrees in the equal-area CRS."""
MOST_REGIONS = 100_000
"""More regions than these make intervals no better."""


@dataclass(frozen=True)
class Regions:
    """Blocks of about ``side`` metres that a grid is divided into, numbered row by row."""

    grid: Grid
    side: float

    @classmethod
    def not_too_many(cls, grid: Grid, side: float, progress: Progress) -> Regions:
        """Regions of that side, or larger ones, which is told, where those would be too many to count with."""
        regions = cls(grid, side)
        while regions.count > MOST_REGIONS:
            regions = cls(grid, max(regions.side * math.sqrt(regions.count / MOST_REGIONS), regions.smallest) * 1.1)
        if regions.side != side:
            progress.warning(
                "Regions of {side:g} km would be too many on this ground: they are {larger:.3g} km wide instead.",
                side=side / 1000,
                larger=regions.side / 1000,
            )
        return regions

    @property
    def smallest(self) -> float:
        """The side of a pixel in metres, below which no region is smaller."""
        east, north = self.grid.metres_per_pixel(np.array([self.grid.height // 2]))
        return max(float(east[0]), float(north[0]))

    @property
    def _pixels(self) -> tuple[int, int]:
        """Rows and columns of a block."""
        east, north = self.grid.metres_per_pixel(np.array([self.grid.height // 2]))
        return max(1, round(self.side / float(north[0]))), max(1, round(self.side / float(east[0])))

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of blocks from north to south and from west to east."""
        rows, columns = self._pixels
        return math.ceil(self.grid.height / rows), math.ceil(self.grid.width / columns)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.shape[0] * self.shape[1]

    def at(self, row: float, column: float) -> int:
        """The block of a place in pixels, the nearest one outside the grid."""
        rows, columns = self._pixels
        down = min(max(int(row // rows), 0), self.shape[0] - 1)
        across = min(max(int(column // columns), 0), self.shape[1] - 1)
        return down * self.shape[1] + across

    def sums(self, values: NDArray[np.bool_], first_row: int, weights: Counts | None = None) -> Counts:
        """How many pixels of some full rows are true in each block, each row weighted; shape (count,)."""
        rows, columns = self._pixels
        by_row = block_sums(values, (1, columns), np.int64).astype(np.float64)
        if weights is not None:
            by_row *= weights[:, None]
        result = np.zeros(self.shape)
        np.add.at(result, (first_row + np.arange(len(values))) // rows, by_row)
        return result.ravel()


class JudgedGround:
    """The pixels that are compared. Holds open files: use as a context manager, from one thread.

    ``mapped`` tells where pixels were mapped: where the ``data`` rasters (probability, else LOS rate; may be none) are
    finite and inside the ``extent`` where one is given.
    """

    def __init__(
        self,
        grid: Grid,
        data: Band | PathLike | None,
        extent: Outlines | None,
        truth: Outlines,
        progress: Progress = QUIET,
    ) -> None:
        self.grid = grid
        self._files = ExitStack()
        self._data = None if data is None else self._files.enter_context(BandReader(data, grid))
        self._extent = None if extent is None else Burner(extent, grid, progress=progress)
        self.truth = Burner(truth, grid, progress=progress)

    @property
    def is_known(self) -> bool:
        """False where nothing tells which ground was mapped: all of the grid then counts as such."""
        return self._data is not None or self._extent is not None

    def blocks(self, progress: Progress) -> Iterator[tuple[int, Window]]:
        """(first row, window) of consecutive blocks of full rows."""
        for first, rows in row_blocks(self.grid.height, rows_per_block(self.grid)):
            progress.report(first / self.grid.height)
            yield first, Window(0, first, self.grid.width, rows)

    def data(self, window: Window) -> Array | None:
        """The values of the data raster, None without one."""
        return None if self._data is None else self._data.read(window)

    def mapped(self, window: Window, data: Array | None = None) -> Mask:
        """Where the window is mapped; ``data`` is what ``data`` gave for it, where it was read already."""
        values = self.data(window) if data is None else data
        inside = np.ones((window.height, window.width), bool) if values is None else np.isfinite(values)
        return inside if self._extent is None else inside & self._extent.mask(window)

    def __enter__(self) -> JudgedGround:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()


@gdal_raises()
def require_one_place(true: Outlines, found: Outlines) -> None:
    """InputError where true and found areas lie so far apart that they can't be of one place: more than 50 km, and
    more than each of the two sets is wide."""
    boxes = [boxes_of(outlines.geometries(EQUAL_AREA_CRS)) for outlines in (true, found)]
    boxes = [box[np.isfinite(box).all(axis=1)] for box in boxes]
    if not all(map(len, boxes)):
        return
    (left, right), (bottom, top) = (
        np.array([(box[:, low].min(), box[:, low + 1].max()) for box in boxes]).T for low in (0, 2)
    )
    between = max(float(left.max() - right.min()), 0.0)
    # The other way round the Earth may be shorter.
    across = min(between, max(_WORLD_WIDTH - float(right.max() - left.min()), 0.0))
    gap = math.hypot(across, max(float(bottom.max() - top.min()), 0.0))
    widest = float(np.hypot(right - left, top - bottom).max())
    if gap > max(_ONE_PLACE, widest):
        raise InputError(
            "The true areas lie {gap:.0f} km from the areas found: the two layers don't show the same place. Check "
            "that both are the right ones and that their coordinate reference systems are right.",
            gap=gap / 1000,
        )


@gdal_raises()
def grid_around(outlines: Sequence[Outlines]) -> Grid | None:
    """A UTM grid of 10 m pixels, or larger ones where those would be too many, around polygons; None without any."""
    geometries = [geometry for part in outlines for geometry in part.geometries("EPSG:4326")]
    if not geometries:
        return None
    boxes = np.array([geometry.GetEnvelope() for geometry in geometries])
    boxes[:, :2] -= 360 * np.round((boxes[:, :2] - boxes[0, 0]) / 360)
    longitude = (boxes[:, 0].min() + boxes[:, 1].max()) / 2
    crs = utm_zone(longitude, (boxes[:, 2].min() + boxes[:, 3].max()) / 2)
    boxes = np.array([geometry.GetEnvelope() for part in outlines for geometry in part.geometries(crs)])
    if not np.isfinite(boxes).all():
        raise InputError(
            "Polygons lie too far apart to be compared on one grid. Check that the layers show the same place and that "
            "their coordinate reference systems are right."
        )
    x_min, x_max, y_min, y_max = boxes[:, 0].min(), boxes[:, 1].max(), boxes[:, 2].min(), boxes[:, 3].max()
    size = max(_FINEST, math.sqrt((x_max - x_min) * (y_max - y_min) / _MOST_PIXELS))
    width, height = math.ceil((x_max - x_min) / size) + 2, math.ceil((y_max - y_min) / size) + 2
    transform = (float(x_min) - size, size, 0.0, float(y_max) + size, 0.0, -size)
    return Grid(spatial_reference(crs).ExportToWkt(), transform, width, height)
