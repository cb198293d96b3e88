"""The share of a motion down the slope that the line of sight sees, and where it could see nothing.

Ground is taken to move down the slope smoothed over about 90 m, as landslides do in simulated scenes. The share is
−1 to 1, positive where that motion comes toward the satellite; 0 on level ground, where no slope tells a direction.
Metres are those of each row, whatever the grid's units; north is true north at each pixel.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import (
    HEIGHTS,
    INCIDENCE,
    Band,
    BandDescription,
    BandReader,
    Grid,
    RasterWriter,
    TrueNorth,
    Window,
    checked_band,
    limited_cache,
    read_sample,
    row_blocks,
    smoothed,
    smoothing_reach,
)
from ..satellite import Viewing, downslope_sensitivity, viewing_tags
from ..types import Array, PathLike
from .slope import gradient, slope_degrees

MOTION_SCALE = 90.0
"""Ground moves down the slope of terrain smoothed by a Gaussian of this standard deviation in metres."""
LEVEL_SLOPE = 1.0
"""Below so many degrees ground is level, and no slope tells where it would move."""
POORLY_SEEN = 0.2
VISIBILITY_CLASSES = {1: "seen well", 2: "poorly seen", 3: "layover or shadow", 4: "level ground"}
"""The classes of visibility; 0 is no data."""

_BLOCK_PIXELS = 2**20
# Below this share of the look direction across the columns, rays cross the rows too steeply to follow one.
_ALONG_ROWS = 0.5
_HIGHEST_INCIDENCE = 50.0


def motion_gradient(
    padded: Array, dx: NDArray[np.float64] | float, dy: NDArray[np.float64] | float, sigmas: tuple[float, float]
) -> tuple[Array, Array]:
    """Gradient to the right and up the columns, (h, w) each, smoothed: in its direction ground on a slope moves.

    ``padded``: elevations (h + 2, w + 2) in metres with their halo, NaN for no data; ``dx``, ``dy``: metres of a pixel
    to the east and to the south, numbers or one per row (h,); ``sigmas`` as in ``smoothed``.
    """
    right, down = gradient(padded, dx, dy)
    return smoothed(right, sigmas), -smoothed(down, sigmas)


def los_sensitivity(
    east: Array, north: Array, viewing: Viewing, incidence: Array | None = None
) -> tuple[Array, NDArray[np.bool_]]:
    """The sensitivity (h, w) from a smoothed gradient, 0 on level ground, and where the ground is level.

    ``incidence``: of each pixel in degrees, where it is known; else the viewing's holds everywhere.
    """
    if incidence is None:
        share = viewing.downslope_sensitivity(east, north)
    else:
        angle = np.radians(incidence)
        sine, (look_east, look_north) = np.sin(angle), viewing.look
        to_satellite = -sine * np.float32(look_east), -sine * np.float32(look_north), np.cos(angle)
        share = downslope_sensitivity(to_satellite, east, north)
    level = slope_degrees(east, north) < LEVEL_SLOPE
    share[level & np.isfinite(share)] = 0
    return share, level


def visibility(share: Array, level: NDArray[np.bool_], hidden: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The class of each pixel (VISIBILITY_CLASSES), 0 where ``share`` is NaN."""
    classes = np.where(np.abs(share) < POORLY_SEEN, 2, 1)
    classes[level] = 4
    classes[hidden] = 3
    classes[np.isnan(share)] = 0
    return classes.astype(np.uint8)


def sigmas_of(grid: Grid) -> tuple[float, float]:
    """MOTION_SCALE in pixels along the columns and along the rows, at the grid's middle."""
    dx, dy = grid.metres_per_pixel(np.array([grid.height // 2]))
    return MOTION_SCALE / float(dy[0]), MOTION_SCALE / float(dx[0])


@gdal_raises()
def turned_to_grid(viewing: Viewing, grid: Grid, progress: Progress = QUIET) -> Viewing:
    """The viewing with its heading counted from the grid's columns instead of true north, at the grid's middle."""
    turn = TrueNorth(grid).angle(Window(0, 0, grid.width, grid.height))
    if abs(turn) >= 1:
        progress.info(
            "True north is {turn:.1f}° right of the grid's columns in mid-scene; the heading follows it.", turn=turn
        )
    return replace(viewing, heading=(viewing.heading + turn) % 360) if turn else viewing


@dataclass(frozen=True)
class _Input:
    """The DEM (its band and grid) and the incidence angles on its grid, in degrees."""

    dem: Band
    grid: Grid
    incidence: Band | None


def los_sensitivity_to_file(
    dem: PathLike,
    output: PathLike,
    viewing: Viewing,
    incidence: PathLike | None = None,
    visibility_output: PathLike | None = None,
    progress: Progress = QUIET,
) -> None:
    """Write the LOS sensitivity, and on demand the classes of visibility (uint8), on the DEM's own grid.

    ``incidence``: a raster of the angle between line of sight and vertical, in degrees or radians, on any grid, which
    takes the place of the viewing's; no sensitivity where it has no data. Memory is bounded by blocks of rows. Raises
    InputError for a DEM without CRS or in a unit of no length, and for angles that can't be; OutputError when writing
    fails.
    """
    source, mean = _open(dem, incidence, viewing, progress)
    grid = source.grid
    seen = replace(viewing, incidence=mean)
    north = TrueNorth(grid)
    follows_rows = abs(turned_to_grid(seen, grid, progress).look[0]) >= _ALONG_ROWS
    if visibility_output is not None and not follows_rows:
        progress.warning("The satellite looks along the columns of the grid: layover and shadow were not looked for.")
    sigmas = sigmas_of(grid)
    band = BandDescription("los_sensitivity", "1", viewing_tags(seen))
    with ExitStack() as stack:
        stack.enter_context(limited_cache())
        writer = stack.enter_context(RasterWriter(output, grid, [band], compress=False))
        classes = None
        if visibility_output is not None:
            legend = tuple((f"CLASS_{value}", text) for value, text in VISIBILITY_CLASSES.items())
            description = BandDescription("visibility", "", legend)
            classes = stack.enter_context(RasterWriter(visibility_output, grid, [description], "uint8", 0))
        reader = stack.enter_context(BandReader(source.dem))
        angles = stack.enter_context(BandReader(source.incidence, grid)) if source.incidence else None
        rows = max(_BLOCK_PIXELS // grid.width, 2 * smoothing_reach(sigmas[0]), 16)
        for first, count in row_blocks(grid.height, rows):
            progress.check()
            block = _Block.read(reader, grid, first, count, smoothing_reach(sigmas[0]))
            inside = Window(0, first, grid.width, count)
            to_east, to_north = north.over(inside).turned(*block.gradient(sigmas))
            angle = None if angles is None else angles.read(inside)
            share, level = los_sensitivity(to_east, to_north, seen, angle)
            share[np.isnan(block.heights)] = np.nan
            writer.write(share, first)
            if classes is not None:
                hidden = np.zeros(share.shape, bool)
                if follows_rows:
                    in_grid = replace(seen, heading=seen.heading + north.angle(inside))
                    hidden = in_grid.hidden(_without_gaps(block.heights), block.dx[block.inner])
                classes.write(visibility(share, level, hidden), first)
            progress.report((first + count) / grid.height)


def _open(dem: PathLike, incidence: PathLike | None, viewing: Viewing, progress: Progress) -> tuple[_Input, float]:
    """The opened inputs, and the incidence angle in mid-scene."""
    band = checked_band(dem, HEIGHTS, progress)
    with BandReader(band) as reader:
        grid = reader.grid
        grid.metres_per_pixel(np.array([0]))
    source = _Input(band, grid, None)
    if incidence is None:
        return source, viewing.incidence
    angles, mean = _incidence_band(incidence, grid, progress)
    return _Input(band, grid, angles), mean


def _incidence_band(path: PathLike, grid: Grid, progress: Progress) -> tuple[Band, float]:
    """The band of incidence angles in degrees, and their median on the grid."""
    band = checked_band(Band(os.fspath(path), nodata=(0.0,)), INCIDENCE, progress)
    with BandReader(replace(band, scale=1.0, kind=None), grid) as reader:
        sample = read_sample(reader)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        raise InputError("{path}: no incidence angle where the DEM is. Choose a raster that covers the DEM.", path=path)
    median = float(np.median(sample)) * band.scale
    if not 5 < median < 85:
        raise InputError(
            "{path} can't hold incidence angles: their median is {median:.3g}°, and Sentinel-1 has 30–46°. Choose "
            "another raster, or give one angle for the scene.",
            path=path,
            median=median,
        )
    if median > _HIGHEST_INCIDENCE:
        progress.warning(
            "{path}: a median incidence angle of {median:.3g}° is more than Sentinel-1 has. Check that it is measured "
            "from the vertical (HyP3's inc_map_ell), not from the horizontal (lv_theta).",
            path=path,
            median=median,
        )
    return band, median


@dataclass(frozen=True)
class _Block:
    """Rows of a DEM with those around them that smoothing needs: ``padded`` (h + 2, w + 2), ``dx``, ``dy`` (h,).

    ``inner``: the block's own rows among the h.
    """

    padded: Array
    dx: NDArray[np.float64]
    dy: NDArray[np.float64]
    inner: slice

    @classmethod
    def read(cls, reader: BandReader, grid: Grid, first: int, count: int, reach: int) -> _Block:
        """Read the block of ``count`` rows from ``first`` on, with ``reach`` rows around it where there are any."""
        top, bottom = max(0, first - reach), min(grid.height, first + count + reach)
        padded = reader.read(Window(-1, top - 1, grid.width + 2, bottom - top + 2))
        dx, dy = grid.metres_per_pixel(np.arange(top, bottom))
        return cls(padded, dx, dy, slice(first - top, first - top + count))

    @property
    def heights(self) -> Array:
        """Metres, of the block's own rows."""
        return self.padded[1:-1, 1:-1][self.inner]

    def gradient(self, sigmas: tuple[float, float]) -> tuple[Array, Array]:
        """``motion_gradient`` of the block's own rows."""
        right, up = motion_gradient(self.padded, self.dx, self.dy, sigmas)
        return right[self.inner], up[self.inner]


def _without_gaps(heights: NDArray[Any]) -> Array:
    """Each missing height from the last one before it in its row, else from the first one after it, else 0."""
    for _ in range(2):
        known = np.where(np.isfinite(heights), np.arange(heights.shape[1]), 0)
        nearest = np.maximum.accumulate(known, axis=1)
        heights = np.take_along_axis(heights, nearest, axis=1)[:, ::-1]
    return np.nan_to_num(heights)
