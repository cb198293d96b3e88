"""Bands side by side that are read as one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Callable, Union

import numpy as np

from ..types import Array
from .grid import Grid, Window
from .reading import Band, BandReader


@dataclass(frozen=True)
class MosaicPart:
    """A band of a mosaic: the pixels of the mosaic's grid that it reaches, and what is added to its values."""

    band: Band
    window: Window
    shift: float = 0.0


@dataclass(frozen=True)
class Mosaic:
    """Bands side by side on one grid; where they overlap, the value is the mean of those that have one."""

    parts: tuple[MosaicPart, ...]
    grid: Grid

    @property
    def label(self) -> str:
        """The name of the first file for messages."""
        return self.parts[0].band.label


BandOrMosaic = Union[Band, Mosaic]
OpenBand = Callable[[Band], AbstractContextManager[BandReader]]


class MosaicReader:
    """Reads windows of a mosaic as ``BandReader`` does those of a band, on the mosaic's own grid or on another.

    ``open_band`` gives the reader of a band on that grid; bands that a window doesn't reach are not opened.
    """

    def __init__(self, mosaic: Mosaic, grid: Grid | None = None, open_band: OpenBand | None = None) -> None:
        self.source = mosaic
        self.grid = mosaic.grid if grid is None else grid
        self._open = open_band or (lambda band: BandReader(band, self.grid))
        self._offset = mosaic.grid.offset_of(self.grid)

    @property
    def block_size(self) -> tuple[int, int]:
        """(width, height) of the blocks that the first file is stored in."""
        with self._open(self.source.parts[0].band) as reader:
            return reader.block_size

    def read(self, window: Window | None = None, out: Array | None = None) -> Array:
        """The window of the grid (the whole of it by default), float32 with NaN where no band has a value.

        ``out``: a float32 array of that shape that is filled and returned instead of a new one.
        """
        wanted = Window(0, 0, self.grid.width, self.grid.height) if window is None else window
        result = np.empty((wanted.height, wanted.width), np.float32) if out is None else out
        parts = [part for part in self.source.parts if self._reaches(part.window, wanted)]
        if not parts:
            result.fill(np.nan)
        elif len(parts) == 1:
            self._read_part(parts[0], wanted, result)
        else:
            total, count = np.zeros(result.shape), np.zeros(result.shape, np.uint16)
            for part in parts:
                self._read_part(part, wanted, result)
                known = np.isfinite(result)
                np.add(total, result, out=total, where=known)
                count += known
            with np.errstate(invalid="ignore"):
                result[...] = total / count
        return result

    def _read_part(self, part: MosaicPart, window: Window, out: Array) -> None:
        with self._open(part.band) as reader:
            reader.read(window, out)
        if part.shift:
            out += np.float32(part.shift)

    def _reaches(self, part: Window, wanted: Window) -> bool:
        if self._offset is None:
            return True
        column, row = wanted.column + self._offset[0], wanted.row + self._offset[1]
        return (
            part.column < column + wanted.width
            and column < part.column + part.width
            and part.row < row + wanted.height
            and row < part.row + part.height
        )

    def close(self) -> None:
        """Nothing stays open between reads."""

    def __enter__(self) -> MosaicReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def reader_of_any(source: BandOrMosaic, grid: Grid | None = None) -> BandReader | MosaicReader:
    """The reader of a band or of a mosaic of bands."""
    return MosaicReader(source, grid) if isinstance(source, Mosaic) else BandReader(source, grid)
