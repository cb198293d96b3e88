"""Phases that are read without the delays of the air that maps tell for their dates."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Callable

import numpy as np

from ..raster import Band, BandOrMosaic, BandReader, MosaicReader, Window
from ..types import Array

OpenBand = Callable[[Band], AbstractContextManager[BandReader]]

# Maps that each thread keeps: pairs follow each other by their first date, and their second dates are few.
_KEPT_MAPS = 8


@dataclass(frozen=True)
class DateDelay:
    """A map of delay on any grid, and what makes phase in radians along the line of sight of its metres."""

    band: Band
    factor: float


class PairDelays:
    """The delays of the two dates of each pair, by the source of its phase."""

    def __init__(self, pairs: Mapping[BandOrMosaic, tuple[DateDelay, DateDelay]]) -> None:
        self._pairs = pairs
        self._recent = threading.local()

    def __contains__(self, source: object) -> bool:
        return source in self._pairs

    def take_from(self, source: BandOrMosaic, values: Array, window: Window, open_band: OpenBand) -> None:
        """Subtract the delay from the phases of a window, in place; NaN where a date has none."""
        first, second = (self._of_date(delay, window, open_band) for delay in self._pairs[source])
        values -= second - first

    def _of_date(self, delay: DateDelay, window: Window, open_band: OpenBand) -> Array:
        if not hasattr(self._recent, "maps"):
            self._recent.maps = OrderedDict()
        maps: OrderedDict[tuple[DateDelay, Window], Array] = self._recent.maps
        key = delay, window
        if key not in maps:
            with open_band(delay.band) as reader:
                maps[key] = reader.read(window) * np.float32(delay.factor)
            while len(maps) > _KEPT_MAPS:
                maps.popitem(last=False)
        maps.move_to_end(key)
        return maps[key]


@dataclass(frozen=True)
class DelayedReader:
    """Reads the phases of ``source`` without the delays of the air; ``open_band`` opens their maps on the same grid."""

    reader: BandReader | MosaicReader
    source: BandOrMosaic
    delays: PairDelays
    open_band: OpenBand

    @property
    def block_size(self) -> tuple[int, int]:
        """(width, height) of the blocks that the phase is stored in."""
        return self.reader.block_size

    def read(self, window: Window | None = None, out: Array | None = None) -> Array:
        """The corrected phases of a window of the reader's grid (the whole of it by default)."""
        grid = self.reader.grid
        wanted = Window(0, 0, grid.width, grid.height) if window is None else window
        values = self.reader.read(wanted, out)
        self.delays.take_from(self.source, values, wanted, self.open_band)
        return values
