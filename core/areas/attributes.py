"""What is measured within each area: statistics of the layers below it, the way it faces, its elongation."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from ..raster import (
    HEIGHTS,
    LOS_RATE,
    PROBABILITY,
    SLOPE,
    Band,
    BandDescription,
    BandReader,
    Grid,
    RasterWriter,
    TrueNorth,
    Window,
    checked_band,
)
from ..satellite import fastest_measurable
from ..terrain import gradient
from ..texts import Message
from ..types import Array, PathLike
from .agreement import agreement
from .components import Components
from .connected import ComponentLabels

Floats = NDArray[np.float64]

TOO_FAST = Message("faster than these pairs can measure")
"""Said of an area that moves by more than a quarter of a wavelength between the dates of the shortest pair."""
_KINDS = {
    "probability": PROBABILITY,
    "los_rate": LOS_RATE,
    "slope": SLOPE,
    "dem": HEIGHTS,
    "first_orbit": PROBABILITY,
    "other_orbit": PROBABILITY,
}
_ORBITS = ("first_orbit", "other_orbit")


@dataclass(frozen=True)
class Layers:
    """The rasters below the areas, each on any grid; None where there is none.

    ``probability`` in 0..1, ``los_rate`` in the unit of its band (mm/yr where the band names none), ``slope`` in
    degrees, ``dem`` in metres unless its band says feet. ``first_orbit``, ``other_orbit``: what each of two orbits says
    where it sees, of a probability that was made of both.
    """

    probability: Band | PathLike | None = None
    los_rate: Band | PathLike | None = None
    slope: Band | PathLike | None = None
    dem: Band | PathLike | None = None
    first_orbit: Band | PathLike | None = None
    other_orbit: Band | PathLike | None = None

    def readers(self, grid: Grid, files: contextlib.ExitStack, progress: Progress) -> dict[str, BandReader]:
        """The given layers by name on a grid, rates in mm/yr and heights in metres; ``files`` closes them.

        What is assumed of them is told. InputError for a unit that can't be converted.
        """
        checked = self.checked(progress)
        return {name: files.enter_context(BandReader(band, grid)) for name, band in checked.items()}

    def checked(self, progress: Progress) -> dict[str, Band]:
        """The given layers by name, each checked to be what it is given as; what is assumed of them is told."""
        return {
            name: checked_band(source, _KINDS[name], progress, may_be_empty=True)
            for name, source in vars(self).items()
            if source is not None
        }


class _Groups:
    """The labelled pixels of a block, sorted by label, so that each statistic is one pass."""

    def __init__(self, labels: ComponentLabels) -> None:
        pixels = np.flatnonzero(labels)
        of_pixels = labels.ravel()[pixels]
        order = np.argsort(of_pixels, kind="stable")
        self.pixels, sorted_labels = pixels[order], of_pixels[order]
        self.starts = np.flatnonzero(np.diff(sorted_labels, prepend=0))
        self.labels = sorted_labels[self.starts]

    def sums(self, values: NDArray[Any]) -> Floats:
        """The sum of the values of each label present."""
        return np.asarray(np.add.reduceat(values, self.starts, dtype=np.float64))


@dataclass
class _Statistics:
    """Count, sum and extremes of one layer's finite values in each area; index 0 is unused."""

    count: Floats
    total: Floats
    lowest: Floats
    highest: Floats

    @classmethod
    def empty(cls, areas: int) -> _Statistics:
        zeros = np.zeros(areas + 1)
        return cls(zeros, zeros.copy(), np.full(areas + 1, np.inf), np.full(areas + 1, -np.inf))

    def add(self, groups: _Groups, values: NDArray[Any]) -> None:
        """Add the values (any shape) of the block that the groups were made of."""
        chosen = values.ravel()[groups.pixels].astype(np.float64)
        finite = np.isfinite(chosen)
        self.count[groups.labels] += groups.sums(finite)
        self.total[groups.labels] += groups.sums(np.where(finite, chosen, 0.0))
        lowest = np.minimum.reduceat(np.where(finite, chosen, np.inf), groups.starts)
        highest = np.maximum.reduceat(np.where(finite, chosen, -np.inf), groups.starts)
        self.lowest[groups.labels] = np.minimum(self.lowest[groups.labels], lowest)
        self.highest[groups.labels] = np.maximum(self.highest[groups.labels], highest)

    def mean(self, label: int) -> float | None:
        return None if self.count[label] == 0 else float(self.total[label] / self.count[label])

    def minimum(self, label: int) -> float | None:
        return None if self.count[label] == 0 else float(self.lowest[label])

    def maximum(self, label: int) -> float | None:
        return None if self.count[label] == 0 else float(self.highest[label])

    def extreme(self, label: int) -> float | None:
        """The value of the largest magnitude, with its sign."""
        if self.count[label] == 0:
            return None
        lowest, highest = float(self.lowest[label]), float(self.highest[label])
        return highest if highest >= -lowest else lowest


@dataclass
class _Shape:
    """Sums over the pixels of each area that give its second moments; index 0 is unused."""

    sums: Floats = field(repr=False)  # (6, areas + 1): 1, column, row, column², row², column·row

    def add(self, groups: _Groups, first_row: int, width: int) -> None:
        rows, columns = np.divmod(groups.pixels.astype(np.float64), width)
        rows += first_row
        terms = (np.ones_like(rows), columns, rows, columns**2, rows**2, columns * rows)
        for total, term in zip(self.sums, terms):
            total[groups.labels] += groups.sums(term)

    def elongation(self, label: int, metres: tuple[Floats, Floats]) -> float:
        """Length over width of the rectangle with the same second moments on the ground.

        ``metres`` are the east-west and north-south metres of the pixels of each row.
        """
        count, column, row, column2, row2, both = self.sums[:, label]
        column, row = column / count, row / count
        east, north = (float(sides[round(row)]) for sides in metres)
        # Each pixel is a square, not a point: its own spread of 1/12 makes a line of pixels as wide as a pixel.
        var_x = (column2 / count - column**2 + 1 / 12) * east**2
        var_y = (row2 / count - row**2 + 1 / 12) * north**2
        covariance = (both / count - column * row) * east * north
        middle, spread = (var_x + var_y) / 2, math.hypot((var_x - var_y) / 2, covariance)
        return math.sqrt((middle + spread) / max(middle - spread, 1e-12 * middle))


class AreaStatistics:
    """The statistics of every area, gathered in one pass over the rows; ``attributes`` gives those of one area."""

    def __init__(self, grid: Grid, areas: int) -> None:
        self._width = grid.width
        self._metres = grid.metres_per_pixel()
        self._layers = {
            name: _Statistics.empty(areas)
            for name in ("probability", "los_rate", "slope", "dem", "downslope_east", "downslope_north", *_ORBITS)
        }
        self._shape = _Shape(np.zeros((6, areas + 1)))
        self.fastest: float | None = None

    def add(self, first_row: int, groups: _Groups, layers: Mapping[str, Array]) -> None:
        self._shape.add(groups, first_row, self._width)
        for name, values in layers.items():
            self._layers[name].add(groups, values)

    def is_empty(self, layer: str) -> bool:
        """True when the layer had no data in any area."""
        return not self._layers[layer].count.any()

    def attributes(self, label: int) -> dict[str, float | str | None]:
        """The measured attributes of one area; None where its layer is missing or has no data there.

        ``fastest`` is the LOS rate (mm/yr) beyond which the pairs that it was made of can't be trusted, None where that
        isn't known.
        """
        probability, los_rate, slope, dem, east, north, *orbits = self._layers.values()
        lowest, highest = dem.minimum(label), dem.maximum(label)
        extreme = los_rate.extreme(label)
        is_too_fast = extreme is not None and self.fastest is not None and abs(extreme) > self.fastest
        return {
            "agreement": self._agreement(label, orbits),
            "probability_mean": probability.mean(label),
            "probability_max": probability.maximum(label),
            "los_rate_mean": los_rate.mean(label),
            "los_rate_extreme": extreme,
            "fast_motion": TOO_FAST if is_too_fast else None,
            "slope_min": slope.minimum(label),
            "slope_mean": slope.mean(label),
            "slope_max": slope.maximum(label),
            "elevation_min": lowest,
            "elevation_max": highest,
            "elevation_range": None if lowest is None or highest is None else highest - lowest,
            "aspect": _direction(east.mean(label), north.mean(label)),
            "elongation": self._shape.elongation(label, self._metres),
        }

    def _agreement(self, label: int, orbits: Sequence[_Statistics]) -> Message | None:
        pixels = self._shape.sums[0, label]
        first, other = ((float(orbit.count[label] / pixels), orbit.mean(label)) for orbit in orbits)
        return agreement((first[0], other[0]), (first[1], other[1]))


def _direction(east: float | None, north: float | None) -> float | None:
    """Degrees clockwise from true north; None for flat ground."""
    if east is None or north is None or math.hypot(east, north) < 1e-9:
        return None
    return math.degrees(math.atan2(east, north)) % 360.0


def measure(components: Components, layers: Layers, labels_path: PathLike, progress: Progress) -> AreaStatistics:
    """Write the components' numbers as a raster (int32, 0 elsewhere) and gather their statistics, in one pass.

    The layers are read on the components' grid, a block of rows at a time.
    """
    grid = components.source.grid
    north = TrueNorth(grid)
    statistics = AreaStatistics(grid, components.count)
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(RasterWriter(labels_path, grid, [BandDescription("area")], "int32", None))
        readers = layers.readers(grid, stack, progress)
        if "los_rate" in readers:
            statistics.fastest = fastest_measurable(readers["los_rate"].tags)
        for first, labels in components.blocks():
            progress.report(first / grid.height)
            writer.write(labels, first)
            if labels.any():
                statistics.add(first, _Groups(labels), _read(readers, grid, north, first, labels.shape[0]))
    for name, reader in readers.items():
        if components.count and name not in _ORBITS and statistics.is_empty(name):
            progress.warning(
                "{label}: the {labels} has no data below any area, so no area gets values from "
                "it. Check that it shows the same place.",
                label=reader.source.label,
                labels=_KINDS[name].label,
            )
    return statistics


def _read(readers: Mapping[str, BandReader], grid: Grid, north: TrueNorth, first: int, rows: int) -> dict[str, Array]:
    """The layers in some rows, with the downhill gradient where there is a DEM."""
    # Elevations reach one pixel further on all sides, for the gradient.
    windows = {"dem": Window(-1, first - 1, grid.width + 2, rows + 2)}
    inside = Window(0, first, grid.width, rows)
    values = {name: reader.read(windows.get(name, inside)) for name, reader in readers.items()}
    if "dem" in values:
        padded = values["dem"]
        values["dem"] = padded[1:-1, 1:-1]
        values["downslope_east"], values["downslope_north"] = _downslope(padded, grid, north, first)
    return values


def _downslope(padded: Array, grid: Grid, north: TrueNorth, first: int) -> tuple[Array, Array]:
    """True east and north parts of the downhill gradient of rows that start at ``first``; ``padded`` has their halo."""
    rows = np.arange(first, first + padded.shape[0] - 2)
    right, down = gradient(padded, *grid.metres_per_pixel(rows))
    return north.over(Window(0, first, grid.width, len(rows))).turned(-right, down)
