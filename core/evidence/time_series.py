"""The displacement of an area date by date, from the unwrapped phases of a network of interferograms.

Small-baseline inversion (Berardino et al. 2002) of one series for the whole area: the mean phase of each pair inside
the area, less that of a ring of ground around it, becomes velocities between neighbouring dates by least squares.
Pairs that contradict the others are left out first. Where the network falls apart, each connected group is solved by
its own pairs and the solution of least norm places the groups: no motion between groups that follow each other.
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
from ..gdal_errors import gdal_raises
from ..parallel import map_ordered
from ..progress import QUIET, Progress
from ..raster import BandReader, Grid, Window, limited_cache
from ..robust import row_statistics
from ..satellite import los_factor
from ..stacking import ReaderPool, read_pixels
from ..types import Array, Double, PathLike
from ..vectors import Burner, Outlines
from .network_inversion import DateNetwork, invert_network, series_errors, series_rate, unfitting_pairs

if TYPE_CHECKING:
    from ..interferograms import Interferogram, PairLimits, Stack

# The ring begins a quarter of the area's radius outside its outline, two pixels at least, and is as wide as that
# radius, but at least this wide.
_GAP, _GAP_PIXELS, _RING_METRES = 0.25, 2, 400.0
_MOST_CELLS = 2**20
_MOST_PIXELS = 4096
_FEWEST_RING_PIXELS = 16
# Pixels that have no phase in more of the pairs are left out, and so are pairs that have fewer of the pixels.
_VALID_PAIRS, _VALID_PIXELS = 0.8, 0.5
OUTLIER_SIGMA = 3.5
# A pair that is left out deviates at least by so many radians.
_LEAST_OUTLIER = 1.0


@dataclass(frozen=True)
class TimeSeries:
    """Displacement of an area along the line of sight, arrays of shape (dates,).

    ``displacement`` in mm, positive toward the satellite, 0 at the first date. ``spread`` in mm is its standard error
    against the first date of its group, 0 there: of the pairs, from how their loops close, and of the dates, from how
    each deviates from its neighbours. ``component`` numbers the groups of dates that pairs connect, from 0; how groups
    lie to each other is not measured. ``rate`` and ``rate_error`` (mm/yr, positive toward the satellite) are the
    constant rate that fits the same pairs best and its standard error. Both errors are NaN where no pair checks
    another. ``pairs`` are used of ``pairs_found``; ``rejected`` names those that contradict the others; ``pixels`` lie
    in the area, ``reference_pixels`` in the ring between ``ring`` (inner, outer) metres outside the outline.
    """

    dates: tuple[date, ...]
    displacement: Double
    spread: Double
    component: NDArray[np.intp]
    rate: float
    rate_error: float
    pairs: int
    pairs_found: int
    rejected: tuple[str, ...]
    pixels: int
    reference_pixels: int
    ring: tuple[float, float]


def network_of(
    folder: PathLike,
    product: str,
    limits: PairLimits | None = None,
    excluded: Collection[str] = (),
    progress: Progress = QUIET,
    rate: PathLike | None = None,
    within_components_only: bool = False,
) -> Stack:
    """The interferograms of a folder that are within the limits, for ``area_time_series``.

    ``excluded`` are names of pairs (YYYYMMDD_YYYYMMDD) that are left out. Coherence and closure are only looked at
    where the limits ask for them. ``rate`` is a raster whose tag tells the wavelength with which it was made, in place
    of what the products tell. ``within_components_only``: pixels outside connected components are no data. Raises
    InputError as ``find_stack`` and ``select_pairs`` do, and where all pairs are left out.
    """
    from ..interferograms import GivenView, PairLimits, find_stack, select_pairs, within_components

    chosen = limits or PairLimits()
    stack = find_stack(folder, product, progress=progress.part(0, 0.5), view=GivenView(_wavelength_of(rate)))
    if within_components_only:
        stack = within_components(stack, progress)
    pairs = [pair for pair in stack.interferograms if pair.name not in excluded]
    if not pairs:
        raise InputError(
            "All {count} interferograms of {folder} were left out by hand.",
            count=len(stack.interferograms),
            folder=folder,
        )
    selection = select_pairs(
        replace(stack, interferograms=tuple(pairs)), chosen, progress.part(0.5, 1), only_needed=True
    )
    return selection.stack


@gdal_raises()
def _wavelength_of(rate: PathLike | None) -> float | None:
    """Metres, from the tag of a rate; None where it doesn't tell them."""
    from ..interferograms import is_wavelength

    if rate is None:
        return None
    try:
        with BandReader(rate) as reader:
            value = float(reader.tags.get("WAVELENGTH_METRES", "nan"))
    except (InputError, ValueError):
        return None
    return value if is_wavelength(value) else None


def area_time_series(
    stack: Stack,
    outline: bytes,
    crs: str,
    others: Sequence[bytes] = (),
    progress: Progress = QUIET,
    outlier_sigma: float | None = OUTLIER_SIGMA,
) -> TimeSeries:
    """The time series of one area, a polygon or multipolygon as WKB in ``crs``.

    ``others`` are outlines of other moving ground, which the ring leaves out. Only the window around the area is read,
    and of a large one a regular sample. No correction is applied but the ring itself, which takes away what both have
    in common: reference, orbits, most of the atmosphere. Pairs are left out that deviate from what the others make of
    the area's motion by more than ``outlier_sigma`` robust standard deviations and by more than 1 rad; None keeps all.
    Raises InputError for an area outside the interferograms or without phases in them.
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
    rejected: tuple[str, ...] = ()
    if outlier_sigma is not None:
        wrong = unfitting_pairs(DateNetwork.of(pairs), motion, outlier_sigma, abs(factor) * _LEAST_OUTLIER)
        rejected = tuple(pair.name for pair, out in zip(pairs, wrong) if out)
        pairs, motion = [pair for pair, out in zip(pairs, wrong) if not out], motion[~wrong]
    network = DateNetwork.of(pairs)
    rate, error = series_rate(network, motion)
    return TimeSeries(
        dates=network.dates,
        displacement=invert_network(network, motion),
        spread=series_errors(network, motion),
        component=network.component,
        rate=rate,
        rate_error=error,
        pairs=len(pairs),
        pairs_found=len(stack.interferograms),
        rejected=rejected,
        pixels=moving.shape[1],
        reference_pixels=stable.shape[1],
        ring=place.reach,
    )


def _valid(phases: Array) -> tuple[NDArray[np.bool_], Array]:
    """Which pairs (pairs,) have most of the pixels that most pairs have; and those pixels, (pairs, pixels)."""
    finite = np.isfinite(phases)
    share = finite.mean(axis=0)
    kept = share >= _VALID_PAIRS * share.max(initial=0)
    kept &= share > 0
    if not kept.any():
        return np.zeros(len(phases), bool), phases
    return finite[:, kept].mean(axis=1) >= _VALID_PIXELS, phases[:, kept]


@dataclass(frozen=True)
class _Place:
    """Pixels of an area and of the ring around it: rows and columns (n, 2) of the stack's grid.

    ``reach`` is the ring's (inner, outer) metres from the outline.
    """

    area: NDArray[np.intp]
    ring: NDArray[np.intp]
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
        corner, last = (window.row, window.column), (grid.height - 1, grid.width - 1)
        pixels = [np.minimum(found * step + step // 2 + corner, last) for found in (_thinned(inside), ring)]
        return cls(pixels[0], pixels[1], (gap, outer))


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
