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
from ..gdal_errors import gdal_raises
from ..progress import Progress
from ..raster import Band, BandReader, Grid, Window, block_sums, row_blocks, spatial_reference, utm_zone
from ..types import Array, Mask, PathLike
from ..vectors import Burner, Outlines
from .figures import Counts

# Pixels of a comparison without any raster.
_FINEST, _MOST_PIXELS = 10.0, 50_000_000


@dataclass(frozen=True)
class Regions:
    """Blocks of about ``side`` metres that a grid is divided into, numbered row by row."""

    grid: Grid
    side: float

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

    def __init__(self, grid: Grid, data: Band | PathLike | None, extent: Outlines | None, truth: Outlines) -> None:
        self.grid = grid
        self._files = ExitStack()
        self._data = None if data is None else self._files.enter_context(BandReader(data, grid))
        self._extent = None if extent is None else Burner(extent, grid)
        self.truth = Burner(truth, grid)

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
    x_min, x_max, y_min, y_max = boxes[:, 0].min(), boxes[:, 1].max(), boxes[:, 2].min(), boxes[:, 3].max()
    size = max(_FINEST, math.sqrt((x_max - x_min) * (y_max - y_min) / _MOST_PIXELS))
    width, height = math.ceil((x_max - x_min) / size) + 2, math.ceil((y_max - y_min) / size) + 2
    transform = (float(x_min) - size, size, 0.0, float(y_max) + size, 0.0, -size)
    return Grid(spatial_reference(crs).ExportToWkt(), transform, width, height)
