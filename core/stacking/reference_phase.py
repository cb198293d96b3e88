"""The reference of each interferogram: phases are known only relative to a place that is held to be stable."""

from __future__ import annotations

import math
import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from osgeo import ogr

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..parallel import map_ordered
from ..progress import QUIET
from ..raster import DEGREES, Band, Grid, Transformation, box_mean
from ..robust import robust_spread, row_medians
from ..texts import Message, joined
from ..types import Array, Double, PathLike
from ..vectors import burn, transformed
from .gathering import StackSample
from .rate import stack_phases
from .reading import Positions, ReaderPool, read_pixels
from .trends import Surfaces

if TYPE_CHECKING:
    from ..interferograms import Stack

MODES = ("none", "auto", "point", "area", "median")
_DIMENSIONS = re.compile(r"^(\s*[A-Za-z]+?)(ZM|Z|M)(?=[\s(])", re.IGNORECASE)
# Pixels on a side: of the automatic window, at least; around a point.
_AUTO_PIXELS = 16
_AUTO_SAMPLES = 4
_POINT_PIXELS = 5
_AREA_SAMPLES = 2**16


@dataclass(frozen=True)
class Reference:
    """Which phase is subtracted from each pair.

    ``mode``: "none"; "auto", a stable window of high coherence; "point", the 5 × 5 pixels around a point; "area", the
    pixels of a polygon; "median" of the scene. The value is the median of the place's valid pixels. ``geometry_wkt`` is
    the point or polygon in ``geometry_crs`` (None: the CRS of the interferograms).
    """

    mode: str = "none"
    geometry_wkt: str | None = None
    geometry_crs: str | None = None

    @gdal_raises()
    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(
                "The reference must be one of {modes}, not “{mode}”.", modes=", ".join(MODES), mode=self.mode
            )
        if self.mode in ("point", "area"):
            kind = "point" if self.mode == "point" else "polygon"
            if not self.geometry_wkt:
                raise InputError(
                    "The reference {mode} is missing. Give a {kind} on stable ground.", mode=self.mode, kind=kind
                )
            if not self._geometry().GetGeometryName().upper().endswith(kind.upper()):
                raise InputError(
                    "The reference {mode} must be a {kind}. Choose a layer of {kind}s.", mode=self.mode, kind=kind
                )

    def _geometry(self) -> ogr.Geometry:
        """The geometry in two dimensions."""
        # QGIS writes "PointZ (...)" where GDAL wants a space.
        wkt = _DIMENSIONS.sub(r"\1 \2", self.geometry_wkt or "")
        try:
            geometry = ogr.CreateGeometryFromWkt(wkt)
        except RuntimeError:
            geometry = None
        if geometry is None or geometry.IsEmpty():
            raise InputError(
                "The reference {mode} can't be read as a geometry ({geometry}). Draw it again.",
                mode=self.mode,
                geometry=textwrap.shorten(wkt, 40, placeholder="…"),
            )
        geometry.FlattenTo2D()
        return geometry

    @property
    def needs_sample(self) -> bool:
        """True when the place is found from a sample of the scene."""
        return self.mode in ("auto", "median")

    @gdal_raises()
    def on_grid(self, grid: Grid) -> ogr.Geometry:
        """The geometry in the CRS of a grid."""
        geometry = self._geometry()
        if not self.geometry_crs:
            return geometry
        if not grid.crs:
            raise InputError(
                "The interferograms have no coordinate reference system, so the reference can't be placed on them. "
                "Assign it first (Raster > Projections > Assign projection)."
            )
        name = Message("The reference {mode}", mode=self.mode)
        return transformed([geometry], self.geometry_crs, grid, name)[0]


class ReferencePhases(NamedTuple):
    """Phase of each pair (pairs,), NaN where it has none; the place in words; its (row, column) where it has one."""

    phases: Double
    place: str
    position: tuple[float, float] | None


@gdal_raises()
def reference_phases(
    stack: Stack,
    pool: ReaderPool,
    reference: Reference,
    sample: StackSample | None,
    surfaces: Surfaces | None,
    dem: Band | PathLike | None,
) -> ReferencePhases:
    """The phase of each pair at the reference, after its trends (``surfaces``) are taken away.

    ``sample`` is needed for the modes "auto" and "median", ``dem`` where the surfaces depend on elevation.
    """
    grid = stack.grid
    if reference.needs_sample:
        if sample is None:
            raise ValueError(f"The reference “{reference.mode}” needs a sample of the scene.")
        levelled = _sample_without(sample, surfaces)
        if reference.mode == "median":
            return ReferencePhases(
                row_medians(levelled.reshape(len(levelled), -1)), Message("median of the scene"), None
            )
        years = np.array([pair.years for pair in stack.interferograms])
        centre, side = _stable_window(levelled, years, sample)
        rows, columns = _square(centre, side, grid)
        place = Message("stable window of {side} × {side} pixels at {place}", side=side, place=_place(grid, *centre))
    elif reference.mode == "point":
        points = reference.on_grid(grid)
        centre = _point_pixel(points, grid)
        rows, columns = _square(centre, _POINT_PIXELS, grid)
        place = Message(
            "{point_pixels} × {point_pixels} pixels at {place}", point_pixels=_POINT_PIXELS, place=_place(grid, *centre)
        )
        if points.GetGeometryCount() > 1:
            first = Message("the first of {count} points", count=points.GetGeometryCount())
            place = joined([place, first], ", ")
    else:
        rows, columns = _polygon_pixels(reference.on_grid(grid), grid)
        place = Message(
            "{count} pixels of the area around {place}",
            count=len(rows),
            place=_place(grid, rows.mean(), columns.mean()),
        )
    phases = _read_pairs(stack, pool, rows, columns)
    if surfaces is not None:
        elevation = None if dem is None else read_pixels(pool, dem, rows, columns)
        phases = phases - surfaces(rows.astype(float), columns.astype(float), elevation)
    return ReferencePhases(row_medians(phases), place, (float(rows.mean()), float(columns.mean())))


def _sample_without(sample: StackSample, surfaces: Surfaces | None) -> Array:
    """The sample's phases (pairs, h, w) after their trends are taken away."""
    if surfaces is None:
        return sample.phases
    columns = sample.columns[None, :].astype(float)
    without = np.empty_like(sample.phases)
    # A row at a time: the surfaces of all pairs in double precision would take twice the sample's memory.
    for index, row in enumerate(sample.rows.astype(float)):
        elevation = None if sample.elevation is None else sample.elevation[index : index + 1]
        trend = surfaces(np.array([[row]]), columns, elevation)
        without[:, index] = sample.phases[:, index] - trend[:, 0]
    return without


def _stable_window(phases: Array, years: Double, sample: StackSample) -> tuple[tuple[int, int], int]:
    """((row, column) of the centre, side in pixels) of the window that moves least, where coherence is high.

    Candidates are valid in nearly all pairs and have a rate within one robust standard deviation of the scene's median,
    so that they don't sit on moving ground. Among them the best sum of ranks wins: mean coherence, spread of the rate
    inside the window, scatter of the pairs about the rate, and distance from the median rate.
    """
    from scipy.stats import rankdata

    levels = row_medians(phases.reshape(len(phases), -1)).astype(np.float32)
    levels[~np.isfinite(levels)] = 0
    estimate = stack_phases(phases - levels[:, None, None], years)
    rate = np.where(sample.excluded, np.nan, estimate.rate)
    if not np.isfinite(rate).any():
        raise InputError("No stable window was found: the interferograms have no valid pixel outside the mask.")
    side = min(max(_AUTO_SAMPLES, math.ceil(_AUTO_PIXELS / sample.step)), *rate.shape)
    mean = box_mean(rate, side)
    spread = np.sqrt(np.maximum(box_mean(rate * rate, side) - mean**2, 0))
    share = box_mean(np.where(sample.excluded, 0.0, np.isfinite(phases).mean(axis=0)), side)
    middle = float(np.nanmedian(rate))
    deviation = abs(mean - middle)
    limit = max(robust_spread(rate, middle), float(np.nanmin(deviation)))
    with np.errstate(invalid="ignore"):
        candidates = np.isfinite(mean) & (share >= 0.9 * np.nanmax(share))
        near = candidates & (deviation <= limit)
    chosen = near if near.any() else candidates
    measures = [spread[chosen], deviation[chosen]]
    scatter = np.zeros(rate.shape) if estimate.standard_error is None else estimate.standard_error
    measures.append(np.nan_to_num(box_mean(scatter, side)[chosen]))
    if sample.coherence is not None:
        measures.append(-np.nan_to_num(box_mean(sample.coherence, side)[chosen]))
    best = int(np.argmin(sum(rankdata(measure) for measure in measures)))
    row, column = (int(indices[best]) for indices in np.nonzero(chosen))
    centre = int(sample.rows[row]), int(sample.columns[column])
    return centre, max(_AUTO_PIXELS, min(side * sample.step, 2 * _AUTO_PIXELS))


def _square(centre: tuple[int, int], side: int, grid: Grid) -> tuple[Positions, Positions]:
    """Rows and columns of the grid's pixels in a square around a pixel."""
    offsets = np.arange(side) - side // 2
    rows, columns = centre[0] + offsets, centre[1] + offsets
    rows = rows[(rows >= 0) & (rows < grid.height)]
    columns = columns[(columns >= 0) & (columns < grid.width)]
    mesh = np.meshgrid(rows, columns, indexing="ij")
    return mesh[0].ravel(), mesh[1].ravel()


@gdal_raises()
def _point_pixel(point: ogr.Geometry, grid: Grid) -> tuple[int, int]:
    if point.GetGeometryCount():
        point = point.GetGeometryRef(0)
    left, dx, _, top, _, dy = grid.transform
    row, column = math.floor((point.GetY() - top) / dy), math.floor((point.GetX() - left) / dx)
    if not (0 <= row < grid.height and 0 <= column < grid.width):
        raise InputError("The reference point lies outside the interferograms. Choose a point inside them.")
    return row, column


@gdal_raises()
def _polygon_pixels(polygon: ogr.Geometry, grid: Grid) -> tuple[Positions, Positions]:
    """Rows and columns of the pixels that a polygon touches; a regular sample of them when it is large."""
    left, dx, _, top, _, dy = grid.transform
    x_min, x_max, y_min, y_max = polygon.GetEnvelope()
    first = max(math.floor((y_max - top) / dy), 0), max(math.floor((x_min - left) / dx), 0)
    last = min(math.ceil((y_min - top) / dy), grid.height), min(math.ceil((x_max - left) / dx), grid.width)
    height, width = last[0] - first[0], last[1] - first[1]
    outside = InputError("The reference area lies outside the interferograms. Choose an area inside them.")
    if height < 1 or width < 1:
        raise outside
    step = max(1, math.ceil(math.sqrt(height * width / _AREA_SAMPLES)))
    transform = (left + first[1] * dx, dx * step, 0.0, top + first[0] * dy, 0.0, dy * step)
    sampled = Grid(grid.crs, transform, -(-width // step), -(-height // step))
    rows, columns = np.nonzero(burn([polygon], sampled, all_touched=True))
    if rows.size == 0:
        raise outside
    rows = np.minimum(first[0] + rows * step + step // 2, last[0] - 1)
    columns = np.minimum(first[1] + columns * step + step // 2, last[1] - 1)
    return rows, columns


def _read_pairs(stack: Stack, pool: ReaderPool, rows: Positions, columns: Positions) -> Array:
    """Phases of all pairs at pixels, (pairs, pixels)."""
    bands = [pair.phase for pair in stack.interferograms]
    read = map_ordered(lambda band: read_pixels(pool, band, rows, columns), bands, QUIET)
    return np.stack([values for _, values in read])


@gdal_raises()
def _place(grid: Grid, row: float, column: float) -> str:
    """Where a pixel lies, in words: longitude and latitude, or row and column where the CRS is unknown."""
    if not grid.crs:
        return Message("row {row:.0f}, column {column:.0f}", row=row, column=column)
    left, dx, _, top, _, dy = grid.transform
    to_degrees = Transformation(grid.crs, DEGREES, grid.name)
    longitude, latitude = to_degrees.point(left + (column + 0.5) * dx, top + (row + 0.5) * dy)
    return Message("longitude {longitude:.5f}, latitude {latitude:.5f}", longitude=longitude, latitude=latitude)
