"""The displacement of an area date by date, from the unwrapped phases of a network of interferograms.

Small-baseline inversion (Berardino et al. 2002) of one series for the whole area: the mean phase of each pair inside
the area, less that of a ring of ground around it, becomes velocities between neighbouring dates by least squares.
Where the network falls apart, each connected group is solved by its own pairs and the solution of least norm places
the groups: no motion between groups that follow each other.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..parallel import map_ordered
from ..progress import QUIET, Progress
from ..raster import Grid, Window, limited_cache
from ..satellite import DAYS_PER_YEAR, los_factor
from ..stacking import ReaderPool, read_pixels, stack_phases
from ..types import Array, Double, PathLike
from ..vectors import Burner, Outlines

if TYPE_CHECKING:
    from ..interferograms import Interferogram, PairLimits, Stack
from ..robust import robust_spread, row_statistics

# The ring begins a quarter of the area's radius outside its outline, two pixels at least, and is as wide as that
# radius, but at least this wide.
_GAP, _GAP_PIXELS, _RING_METRES = 0.25, 2, 400.0
_SECTORS = 8
_MOST_CELLS = 2**20
_MOST_PIXELS = 4096
_FEWEST_RING_PIXELS = 16
# Pixels that have no phase in more of the pairs are left out, and so are pairs that have fewer of the pixels.
_VALID_PAIRS, _VALID_PIXELS = 0.8, 0.5


@dataclass(frozen=True)
class TimeSeries:
    """Displacement of an area along the line of sight, arrays of shape (dates,).

    ``displacement`` in mm, positive toward the satellite, 0 at the first date. ``spread`` in mm, one standard
    deviation: what the ground of the ring, which is held to be stable, shows at that date from one side of the area to
    the other, together with the misfit of the network; 0 at the first date of a group. ``component`` numbers the groups
    of dates that pairs connect, from 0; how groups lie to each other is not measured. ``rate`` and ``rate_error``
    (mm/yr, positive toward the satellite) are equation 1 over the same pairs; the error is NaN for a single one.
    ``pairs`` are used of ``pairs_found``; ``pixels`` lie in the area, ``reference_pixels`` in the ring between
    ``ring`` (inner, outer) metres outside the outline.
    """

    dates: tuple[date, ...]
    displacement: Double
    spread: Double
    component: NDArray[np.intp]
    rate: float
    rate_error: float
    pairs: int
    pairs_found: int
    pixels: int
    reference_pixels: int
    ring: tuple[float, float]


def network_of(
    folder: PathLike,
    product: str,
    limits: PairLimits | None = None,
    excluded: Collection[str] = (),
    progress: Progress = QUIET,
) -> Stack:
    """The interferograms of a folder that are within the limits, for ``area_time_series``.

    ``excluded`` are names of pairs (YYYYMMDD_YYYYMMDD) that are left out. Coherence is only looked at where the limits
    ask for it. Raises InputError as ``find_stack`` and ``select_pairs`` do, and where all pairs are left out.
    """
    from ..interferograms import PairLimits, find_stack, select_pairs

    chosen = limits or PairLimits()
    stack = find_stack(folder, product, progress=progress.part(0, 0.5))
    pairs = [pair for pair in stack.interferograms if pair.name not in excluded]
    if not pairs:
        raise InputError(
            "All {count} interferograms of {folder} were left out by hand.",
            count=len(stack.interferograms),
            folder=folder,
        )
    if chosen.min_coherence is None:
        # Their mean would be read from every file.
        pairs = [replace(pair, coherence=None) for pair in pairs]
    return select_pairs(replace(stack, interferograms=tuple(pairs)), chosen, progress.part(0.5, 1)).stack


def area_time_series(
    stack: Stack, outline: bytes, crs: str, others: Sequence[bytes] = (), progress: Progress = QUIET
) -> TimeSeries:
    """The time series of one area, a polygon or multipolygon as WKB in ``crs``.

    ``others`` are outlines of other moving ground, which the ring leaves out. Only the window around the area is read,
    and of a large one a regular sample. No correction is applied but the ring itself, which takes away what both have
    in common: reference, orbits, most of the atmosphere. Raises InputError for an area outside the interferograms
    or without phases in them.
    """
    if not crs:
        raise InputError("The areas have no coordinate reference system. Set it first (layer properties > Source).")
    place = _Place.around(stack.grid, Outlines((outline,), crs), Outlines((outline, *others), crs))
    rows, columns = np.concatenate([place.area, place.ring]).T
    with limited_cache(), ReaderPool(stack.grid) as pool:

        def read(pair: Interferogram) -> Array:
            return read_pixels(pool, pair.phase, rows, columns)

        phases = np.stack([values for _, values in map_ordered(read, stack.interferograms, progress)])
    moving, stable = phases[:, : len(place.area)], phases[:, len(place.area) :]
    used, moving = _valid(moving)
    if not used.any():
        raise InputError("The interferograms have no phases in this area (too little coherence, or none at all).")
    level = row_statistics(np.median, stable[used])
    known = np.isfinite(level)
    if stable.shape[1] < _FEWEST_RING_PIXELS or not known.any():
        raise InputError("The interferograms have no phases on the ground around this area to compare it with.")
    pairs = [pair for pair, use in zip(stack.interferograms, used) if use]
    pairs = [pair for pair, use in zip(pairs, known) if use]
    factor = los_factor(stack.wavelength)
    motion = factor * (row_statistics(np.mean, moving[used][known]) - level[known])
    around = factor * (_sectors(stable[used][known], place.sector) - level[known, None])
    dates, displacement, misfit, component = invert_network(pairs, motion)
    years = np.array([pair.years for pair in pairs])
    estimate = stack_phases(motion[:, None], years)
    error = estimate.standard_error
    return TimeSeries(
        dates=dates,
        displacement=displacement,
        spread=np.hypot(misfit, _spread_around(pairs, around, component)),
        component=component,
        rate=float(estimate.rate[0]),
        rate_error=math.nan if error is None else float(error[0]),
        pairs=len(pairs),
        pairs_found=len(stack.interferograms),
        pixels=moving.shape[1],
        reference_pixels=stable.shape[1],
        ring=place.reach,
    )


def invert_network(
    pairs: Sequence[Interferogram], motion: Double
) -> tuple[tuple[date, ...], Double, Double, NDArray[np.intp]]:
    """Dates, displacement, its standard error and group of each date, from the displacements of pairs (pairs,).

    The displacement is 0 at the first date; the error is that within the group, from the residuals (0 where no pair
    is more than the group needs). The velocities between neighbouring dates have the least norm.
    """
    from ..interferograms import connected_dates

    dates = tuple(sorted({day for pair in pairs for day in (pair.first_date, pair.second_date)}))
    number = {day: index for index, day in enumerate(dates)}
    spans = np.diff([day.toordinal() for day in dates]) / DAYS_PER_YEAR
    design = np.zeros((len(pairs), len(spans)))
    for row, pair in zip(design, pairs):
        part = slice(number[pair.first_date], number[pair.second_date])
        row[part] = spans[part]
    velocity = np.linalg.lstsq(design, motion, rcond=None)[0]
    displacement = np.concatenate([[0.0], np.cumsum(velocity * spans)])
    residual = motion - design @ velocity
    error, component = np.zeros(len(dates)), np.zeros(len(dates), np.intp)
    for index, days in enumerate(connected_dates(pairs)):
        members = [number[day] for day in days]
        component[members] = index
        own = [row for row, pair in enumerate(pairs) if pair.first_date in days]
        error[members[1:]] = _errors([pairs[row] for row in own], days, residual[own])
    return dates, displacement, error, component


def _errors(pairs: Sequence[Interferogram], days: Sequence[date], residual: Double) -> Double:
    """Standard error of each date of a connected group but its first, relative to that one."""
    surplus = len(pairs) - (len(days) - 1)
    if surplus < 1:
        return np.zeros(len(days) - 1)
    number = {day: index for index, day in enumerate(days)}
    design = np.zeros((len(pairs), len(days)))
    for row, pair in zip(design, pairs):
        row[number[pair.first_date]], row[number[pair.second_date]] = -1, 1
    reduced = design[:, 1:]
    variance = float(residual @ residual) / surplus
    return np.asarray(np.sqrt(variance * np.diag(np.linalg.inv(reduced.T @ reduced))))


def _spread_around(pairs: Sequence[Interferogram], around: Double, component: NDArray[np.intp]) -> Double:
    """Robust standard deviation, since its group's first date, of the ring's sectors (pairs, sectors) at each date."""
    complete = around[:, np.isfinite(around).all(axis=0)]
    if complete.shape[1] < 3:
        return np.zeros(len(component))
    series = np.stack([invert_network(pairs, motion)[1] for motion in complete.T])
    series -= series[:, [int(np.argmax(component == group)) for group in component]]
    return np.array([robust_spread(sectors) for sectors in series.T])


def _valid(phases: Array) -> tuple[NDArray[np.bool_], Array]:
    """Which pairs (pairs,) have most of the pixels that most pairs have; and those pixels, (pairs, pixels)."""
    finite = np.isfinite(phases)
    share = finite.mean(axis=0)
    kept = share >= _VALID_PAIRS * share.max(initial=0)
    kept &= share > 0
    if not kept.any():
        return np.zeros(len(phases), bool), phases
    return finite[:, kept].mean(axis=1) >= _VALID_PIXELS, phases[:, kept]


def _sectors(values: Array, sector: NDArray[np.intp]) -> Double:
    """Mean of each row's finite values (pairs, pixels) in each sector of the ring, (pairs, sectors)."""
    return np.stack([row_statistics(np.mean, values[:, sector == index]) for index in range(_SECTORS)], axis=1)


@dataclass(frozen=True)
class _Place:
    """Pixels of an area and of the ring around it: rows and columns (n, 2) of the stack's grid.

    ``sector`` is the direction of each ring pixel from the area, one of eight; ``reach`` the ring's (inner, outer)
    metres from the outline.
    """

    area: NDArray[np.intp]
    ring: NDArray[np.intp]
    sector: NDArray[np.intp]
    reach: tuple[float, float]

    @classmethod
    def around(cls, grid: Grid, area: Outlines, moving: Outlines) -> _Place:
        """The place of the one polygon of ``area``; the ring leaves out all of ``moving``."""
        from scipy.ndimage import distance_transform_edt

        box = Burner(area, grid).window(0)
        if not box.width or not box.height:
            raise InputError("The area lies outside the interferograms.")
        east, north = (float(side[0]) for side in grid.metres_per_pixel(np.array([box.row + box.height // 2])))
        radius = math.sqrt(box.width * east * box.height * north / math.pi)
        gap = max(_GAP * radius, _GAP_PIXELS * max(east, north))
        outer = gap + max(radius, _RING_METRES)
        window = _grown(box, math.ceil(outer / east) + 1, math.ceil(outer / north) + 1, grid)
        step = math.ceil(math.sqrt(window.width * window.height / _MOST_CELLS))
        cells = _cells(grid, window, step)
        whole = Window(0, 0, cells.width, cells.height)
        inside = Burner(area, cells).mask(whole)
        if not inside.any():
            # Smaller than a pixel: the one in the middle of it.
            inside[(box.row - window.row + box.height // 2) // step, (box.column - window.column) // step] = True
        size = step * north, step * east
        distance = distance_transform_edt(~inside, sampling=size)
        elsewhere = distance_transform_edt(~(inside | Burner(moving, cells).mask(whole)), sampling=size)
        near = distance <= outer
        around = near & (elsewhere > gap)
        if np.count_nonzero(around) < _FEWEST_RING_PIXELS:
            around = near & (distance > gap)
        ring = _thinned(around)
        offset = ring - np.argwhere(inside).mean(axis=0)
        angle = np.arctan2(offset[:, 0] * north, offset[:, 1] * east)
        sector = (np.floor(angle / (2 * math.pi) * _SECTORS) % _SECTORS).astype(np.intp)
        corner, last = (window.row, window.column), (grid.height - 1, grid.width - 1)
        pixels = [np.minimum(found * step + step // 2 + corner, last) for found in (_thinned(inside), ring)]
        return cls(pixels[0], pixels[1], sector, (gap, outer))


def _thinned(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows and columns (n, 2) of the pixels of a mask, a regular sample of many."""
    found = np.argwhere(mask)
    return found[:: max(1, math.ceil(len(found) / _MOST_PIXELS))]


def _grown(window: Window, columns: int, rows: int, grid: Grid) -> Window:
    """The window with so many more pixels on each side, as far as the grid reaches."""
    left, top = max(window.column - columns, 0), max(window.row - rows, 0)
    right = min(window.column + window.width + columns, grid.width)
    bottom = min(window.row + window.height + rows, grid.height)
    return Window(left, top, right - left, bottom - top)


def _cells(grid: Grid, window: Window, step: int) -> Grid:
    """A grid over the window with cells of ``step`` pixels a side."""
    x, dx, _, y, _, dy = grid.transform
    transform = (x + window.column * dx, dx * step, 0.0, y + window.row * dy, 0.0, dy * step)
    return Grid(grid.crs, transform, -(-window.width // step), -(-window.height // step))
