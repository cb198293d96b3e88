"""Grids: where the pixels of a raster lie, and how large they are on the ground."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, osr

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..texts import Message
from ..types import Double, PathLike
from .crs import DEGREES, Bounds, Transformation, check_coordinates, placed_reference, quarter_turn, same_crs
from .opening import open_raster


def require_crs(grid: Grid, path: PathLike) -> None:
    """Raise InputError, naming the file, when the grid has no usable CRS."""
    if not grid.crs:
        raise InputError(
            "{path} has no coordinate reference system, so areas can't be measured. Assign it first "
            "(Raster > Projections > Assign projection).",
            path=path,
        )


# Smaller pixels than this share of the largest coordinate get lost in the rounding of double precision.
_LEAST_STEP = 1e-12

_WGS84_A = 6378137.0

_WGS84_E2 = 0.0066943799901413165


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels; may reach outside its grid, where reads give NaN."""

    column: int
    row: int
    width: int
    height: int


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a north-up raster lie.

    ``crs`` is WKT (or any text that GDAL takes); "" means unknown. ``name`` is the file or layer for messages. Raises
    InputError for an empty, rotated or south-up grid.
    """

    crs: str
    transform: tuple[float, float, float, float, float, float]
    width: int
    height: int
    name: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        _, dx, row_skew, _, column_skew, dy = self.transform
        if self.width < 1 or self.height < 1:
            raise InputError("A grid of {width} × {height} pixels has no pixels.", width=self.width, height=self.height)
        if row_skew or column_skew or dx <= 0 or dy >= 0 or not all(map(math.isfinite, self.transform)):
            raise InputError(
                "{name} is rotated or not georeferenced. Warp it to a north-up grid first (Raster > Projections > "
                "Warp).",
                name=self._label,
            )
        if not max(map(abs, self.bounds)) * _LEAST_STEP <= min(dx, -dy):
            raise InputError(
                "{name} has corners that are no coordinates. Check the file or the header that tells them.",
                name=self._label,
            )

    @property
    def _label(self) -> str:
        return self.name or Message("The raster")

    @classmethod
    def of(cls, path: PathLike) -> Grid:
        """The grid of a raster file; InputError names the file when it can't be read."""
        dataset = open_raster(path)
        try:
            return cls.of_dataset(dataset, os.fspath(path))
        except InputError as error:
            # Without the frames that hold the file open for as long as somebody keeps the error.
            raise error.with_traceback(None) from None
        finally:
            dataset = None

    @classmethod
    @gdal_raises()
    def of_dataset(cls, dataset: gdal.Dataset, name: str = "") -> Grid:
        """The grid of an open GDAL dataset, north-up where its rows run north or its columns west, too.

        Raises InputError, naming the file, for a grid that is rotated or can't lie in the CRS that it declares.
        """
        width, height = dataset.RasterXSize, dataset.RasterYSize
        x, dx, row_skew, y, column_skew, dy = dataset.GetGeoTransform()
        if (dx, dy) != (1.0, 1.0):  # as GDAL says where there is no georeference
            if dx < 0:
                x, dx = x + dx * width, -dx
            if dy > 0:
                y, dy = y + dy * height, -dy
        grid = cls(dataset.GetProjection(), (x, dx, row_skew, y, column_skew, dy), width, height, name)
        check_coordinates(grid.crs, grid.bounds, name or Message("The raster"), (dx, -dy))
        return grid

    @cached_property
    @gdal_raises()
    def is_geographic(self) -> bool:
        """True for degrees of longitude and latitude. InputError when the CRS is unknown."""
        return bool(self._reference.IsGeographic())

    @cached_property
    @gdal_raises()
    def _reference(self) -> osr.SpatialReference:
        return placed_reference(self._known_crs, self._label)

    @property
    def _known_crs(self) -> str:
        if not self.crs:
            raise InputError(
                "{name} has no coordinate reference system, so its pixels have no size in metres. Assign its CRS "
                "first (Raster > Projections > Assign projection).",
                name=self._label,
            )
        return self.crs

    @property
    def bounds(self) -> Bounds:
        """(x_min, y_min, x_max, y_max) in the units of the CRS."""
        x, dx, _, y, _, dy = self.transform
        return x, y + dy * self.height, x + dx * self.width, y

    @cached_property
    @gdal_raises()
    def centre_lonlat(self) -> tuple[float, float]:
        """Longitude and latitude of the grid's centre in degrees (WGS 84)."""
        x_min, y_min, x_max, y_max = self.bounds
        return self._to_degrees.point((x_min + x_max) / 2, (y_min + y_max) / 2)

    @property
    def _to_degrees(self) -> Transformation:
        return Transformation(self._known_crs, DEGREES, self._label)

    @gdal_raises()
    def metres_per_pixel(
        self, rows: NDArray[np.integer[Any]] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """East-west and north-south metres of the pixels of each row (WGS 84), two arrays of shape (rows,).

        In a projected CRS the nominal size holds, unless the projection stretches it by more than 1 % (as Web
        Mercator does); then the true size.
        """
        indices = np.arange(self.height) if rows is None else np.asarray(rows)
        _, dx, _, top, _, dy = self.transform
        ys = top + (indices + 0.5) * dy
        if self.is_geographic:
            to_degrees = math.degrees(self._reference.GetAngularUnits())
            east, north = metres_per_degree(ys * to_degrees)
            return east * dx * to_degrees, north * -dy * to_degrees
        unit = self._reference.GetLinearUnits()
        scale_x, scale_y = self._projection_scale(ys)
        return dx * unit / scale_x, -dy * unit / scale_y

    @gdal_raises()
    def _projection_scale(self, ys: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Nominal over true length in x and in y for each y; exactly 1 where they differ by less than 1 %."""
        _, dx, _, _, _, dy = self.transform
        x = (self.bounds[0] + self.bounds[2]) / 2
        sample = np.linspace(ys.min(), ys.max(), min(len(ys), 65)) if len(ys) else ys
        to_degrees = self._to_degrees

        def degrees(px: float, py: float) -> NDArray[np.float64]:
            return to_degrees.finite_points([(x + px, y + py) for y in sample])

        unit = self._reference.GetLinearUnits()
        scales = []
        for px, py, nominal in ((dx / 2, 0.0, dx * unit), (0.0, -dy / 2, -dy * unit)):
            ends = degrees(px, py), degrees(-px, -py)
            mean_latitude = (ends[0][:, 1] + ends[1][:, 1]) / 2
            east, north = metres_per_degree(mean_latitude)
            difference = ends[0] - ends[1]
            difference[:, 0] -= 360 * np.round(difference[:, 0] / 360)
            true = np.hypot(difference[:, 0] * east, difference[:, 1] * north)
            scale = np.interp(ys, sample, nominal / true)
            scales.append(np.where(abs(scale - 1) < 0.01, 1.0, scale))
        return scales[0], scales[1]

    @cached_property
    def pixel_size(self) -> float:
        """Mean side of a pixel in metres at the grid's middle row."""
        dx, dy = self.metres_per_pixel(np.array([self.height // 2]))
        return float(math.sqrt(dx[0] * dy[0]))

    def same_as(self, other: Grid) -> bool:
        """True when pixels coincide to within a hundredth of a pixel and the CRS is the same; longitudes may differ
        by whole turns."""
        tolerance = 0.01 * self.transform[1], -0.01 * self.transform[5]
        theirs = self._beside(other.bounds)
        close = all(abs(a - b) < tolerance[i % 2] for i, (a, b) in enumerate(zip(self.bounds, theirs)))
        return close and (self.width, self.height) == (other.width, other.height) and same_crs(self.crs, other.crs)

    @cached_property
    def is_in_degrees(self) -> bool:
        """True where the coordinates are longitude and latitude in degrees."""
        return bool(self.crs) and quarter_turn(self.crs) == 90

    def _beside(self, bounds: Bounds) -> Bounds:
        """Bounds of another grid in this CRS, where that is one of degrees moved by whole turns to lie nearest."""
        apart = (bounds[0] + bounds[2] - self.bounds[0] - self.bounds[2]) / 2
        if abs(apart) <= 180 or not self.is_in_degrees:
            return bounds
        turns = 360 * round(apart / 360)
        return bounds[0] - turns, bounds[1], bounds[2] - turns, bounds[3]

    def beside(self, x: Double) -> Double:
        """The x of points in this CRS, where that is one of degrees moved by whole turns to lie nearest this grid."""
        middle = (self.bounds[0] + self.bounds[2]) / 2
        far = np.abs(x - middle) > 180
        if not self.is_in_degrees or not far.any():
            return x
        return np.where(far, x - 360 * np.round((x - middle) / 360), x)

    def turns_from(self, other: Grid) -> int:
        """Whole turns that the longitudes of this grid lie east of another's, or of ±180° if that has none."""
        middle = (self.bounds[0] + self.bounds[2]) / 2
        theirs = (other.bounds[0] + other.bounds[2]) / 2 if other.is_in_degrees else 0.0
        return round((middle - theirs) / 360) if abs(middle - theirs) > 180 and self.is_in_degrees else 0

    def goes_on_at_its_other_side(self, other: Grid) -> bool:
        """True where a part of ``other``, which has the same CRS, lies a whole turn from a part of this grid."""
        if not self.is_in_degrees:
            return False
        ours, theirs = self.bounds, self._beside(other.bounds)
        dx = self.transform[1]
        beyond = theirs[2] - 360 > ours[0] + dx / 2, theirs[0] + 360 < ours[2] - dx / 2
        return any(beyond)

    def overlaps(self, other: Grid) -> bool:
        """True when the two share ground, or when that can't be told for want of a CRS; longitudes are compared
        modulo 360."""
        bounds = other.bounds
        if self.crs and other.crs and not same_crs(self.crs, other.crs):
            x, y = (np.linspace(bounds[i], bounds[i + 2], 11) for i in range(2))
            points = Transformation(other.crs, self.crs, other.name).points([(px, py) for px in x for py in y])
            points = points[np.isfinite(points).all(axis=1)]
            if not len(points):
                return False
            if self.is_in_degrees:
                points[:, 0] -= 360 * np.round((points[:, 0] - points[0, 0]) / 360)
            bounds = (points[:, 0].min(), points[:, 1].min(), points[:, 0].max(), points[:, 1].max())
        ours, theirs = self.bounds, self._beside(bounds)
        if not (ours[1] < theirs[3] and theirs[1] < ours[3]):
            return False
        turns = (-360, 0, 360) if self.is_in_degrees else (0,)
        return any(ours[0] < theirs[2] + turn and theirs[0] + turn < ours[2] for turn in turns)

    def offset_of(self, other: Grid) -> tuple[int, int] | None:
        """(column, row) in this grid of the other's top left pixel, or None when the pixels of the two don't coincide.

        Coinciding means the same CRS, and every corner of ``other`` on a corner of a pixel of this (endless) grid
        to within a hundredth of a pixel; longitudes may differ by whole turns.
        """
        _, dx, _, _, _, dy = self.transform
        ours, theirs = self.bounds, self._beside(other.bounds)
        column, row = (theirs[0] - ours[0]) / dx, (theirs[3] - ours[3]) / dy
        right, bottom = (theirs[2] - ours[0]) / dx, (theirs[1] - ours[3]) / dy
        expected = (round(column), round(row), round(column) + other.width, round(row) + other.height)
        found = (column, row, right, bottom)
        if any(abs(a - b) > 0.01 for a, b in zip(found, expected)) or not same_crs(self.crs, other.crs):
            return None
        return expected[0], expected[1]

    def resampled(self, pixel_size: float) -> Grid:
        """A grid of the same top left corner, at least the same extent and pixels of about that many metres."""
        factor = pixel_size / self.pixel_size
        x, dx, _, y, _, dy = self.transform
        return Grid(
            self.crs,
            (x, dx * factor, 0.0, y, 0.0, dy * factor),
            max(1, math.ceil(self.width / factor - 1e-6)),
            max(1, math.ceil(self.height / factor - 1e-6)),
        )


def metres_per_degree(latitude: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Metres a degree of longitude and of latitude on WGS 84 at latitudes in degrees."""
    sin2 = np.sin(np.radians(latitude)) ** 2
    w = np.sqrt(1 - _WGS84_E2 * sin2)
    east = np.radians(1.0) * _WGS84_A * np.cos(np.radians(latitude)) / w
    north = np.radians(1.0) * _WGS84_A * (1 - _WGS84_E2) / w**3
    return east, north


def row_blocks(height: int, rows: int) -> Iterator[tuple[int, int]]:
    """(first row, number of rows) of consecutive blocks that cover ``height`` rows."""
    for first in range(0, height, rows):
        yield first, min(rows, height - first)
