"""What the layers say of each area: size, rate, slope, aspect, sensitivity."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType

import numpy as np

from ..areas import Layers
from ..gdal_errors import gdal_raises
from ..progress import Progress
from ..raster import LOS_SENSITIVITY, BandReader, TrueNorth, Window, checked_band, row_blocks
from ..satellite import Viewing
from ..terrain import gradient
from ..types import Array, Mask, PathLike
from ..vectors import Burner, GroundMeasures, burn
from .ground import JudgedGround

_RATE_PERCENTILE = 95.0

_BLOCK_PIXELS = 4_000_000


@dataclass(frozen=True)
class Properties:
    """What is measured of one outline, NaN where unknown.

    ``los_rate``: 95th percentile of |LOS rate| (mm/yr) over its pixels. ``los_sensitivity``: the share of downslope
    motion that the line of sight sees, −1…1. ``aspect``: direction of the mean downhill gradient, degrees clockwise
    from true north. ``mapped``: the share of its pixels that was mapped. ``place``: its centroid as (row, column).
    """

    area_km2: float
    los_rate: float
    los_sensitivity: float
    aspect: float
    mapped: float
    place: tuple[float, float]
    longitude: float
    latitude: float


class AreaMeasurer:
    """Measures outlines on the layers below them. Holds open files: use as a context manager, from one thread.

    ``los_sensitivity``: a raster of it; without one it comes from the DEM's mean gradient and ``viewing``.
    """

    def __init__(
        self,
        ground: JudgedGround,
        los_rate: PathLike | None,
        dem: PathLike | None,
        los_sensitivity: PathLike | None,
        viewing: Viewing | None,
        progress: Progress,
    ) -> None:
        self._ground, self._viewing, self._files = ground, viewing, ExitStack()
        self._readers = Layers(los_rate=los_rate, dem=dem).readers(ground.grid, self._files, progress)
        if los_sensitivity is not None:
            band = checked_band(los_sensitivity, LOS_SENSITIVITY, progress)
            self._readers["los_sensitivity"] = self._files.enter_context(BandReader(band, ground.grid))
        self._true_north = TrueNorth(ground.grid)
        self._on_ground = GroundMeasures(ground.grid.crs)

    @gdal_raises()
    def measure(self, outlines: Burner, progress: Progress) -> list[Properties]:
        """The properties of each outline, in order."""
        result = []
        for index in range(len(outlines.geometries)):
            if index % 64 == 0:
                progress.report(index / len(outlines.geometries))
            result.append(self._measured(outlines, index))
        return result

    def _measured(self, outlines: Burner, index: int) -> Properties:
        geometry, window = outlines.geometries[index], outlines.window(index)
        x, dx, _, y, _, dy = self._ground.grid.transform
        centre = geometry.Centroid()
        longitude, latitude = self._on_ground.inner_point(geometry)
        sums = _Sums()
        for block in _blocks(window):
            self._add(sums, block, burn([geometry], self._ground.grid, block))
        if not sums.pixels and window.width and window.height:
            # Smaller than a pixel, and no centre inside: the pixels that it touches stand for it.
            self._add(sums, window, np.ones((window.height, window.width), bool))
        sensitivity, aspect = self._orientation(sums)
        return Properties(
            area_km2=self._on_ground.area(geometry) / 1e6,
            los_rate=float(np.percentile(np.concatenate(sums.rates), _RATE_PERCENTILE)) if sums.rates else math.nan,
            los_sensitivity=sensitivity,
            aspect=aspect,
            mapped=sums.mapped / sums.pixels if sums.pixels else 0.0,
            place=((centre.GetY() - y) / dy, (centre.GetX() - x) / dx),
            longitude=longitude,
            latitude=latitude,
        )

    def _add(self, sums: _Sums, window: Window, mask: Mask) -> None:
        """What a window of the layers says about the pixels of the mask."""
        if not mask.any():
            return
        sums.pixels += int(mask.sum())
        sums.mapped += int(self._ground.mapped(window)[mask].sum())
        for name, keep in (("los_rate", sums.rates), ("los_sensitivity", sums.sensitivities)):
            if name in self._readers:
                values = self._readers[name].read(window)[mask]
                values = values[np.isfinite(values)]
                if values.size:
                    keep.append(np.abs(values) if name == "los_rate" else values)
        if "dem" in self._readers:
            padded = Window(window.column - 1, window.row - 1, window.width + 2, window.height + 2)
            heights = self._readers["dem"].read(padded)
            dx, dy = self._ground.grid.metres_per_pixel(np.arange(window.row, window.row + window.height))
            right, down = gradient(heights, dx, dy)
            to_east, to_north = self._true_north.over(window).turned(right, -down)
            sums.east.append(to_east[mask])
            sums.north.append(to_north[mask])

    def _orientation(self, sums: _Sums) -> tuple[float, float]:
        """Sensitivity of the line of sight, and aspect."""
        east, north = _mean(sums.east), _mean(sums.north)
        aspect = math.nan if east == north == 0 else math.degrees(math.atan2(-east, -north)) % 360
        if sums.sensitivities:
            return _mean(sums.sensitivities), aspect
        if self._viewing is None or not math.isfinite(aspect):
            return math.nan, aspect
        seen = self._viewing.downslope_sensitivity(np.array([east], np.float32), np.array([north], np.float32))
        return float(seen[0]), aspect

    def __enter__(self) -> AreaMeasurer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()


@dataclass
class _Sums:
    """What is collected of one outline: numbers of pixels, and the values of the layers at them."""

    pixels: int = 0
    mapped: int = 0
    rates: list[Array] = field(default_factory=list)
    sensitivities: list[Array] = field(default_factory=list)
    east: list[Array] = field(default_factory=list)
    north: list[Array] = field(default_factory=list)


def _blocks(window: Window) -> Iterator[Window]:
    """The window in rows of blocks: a dissolved inventory has a bounding box as large as the scene."""
    for first, rows in row_blocks(window.height, max(1, _BLOCK_PIXELS // max(window.width, 1))):
        yield Window(window.column, window.row + first, window.width, rows)


def _mean(parts: Sequence[Array]) -> float:
    values = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else math.nan
