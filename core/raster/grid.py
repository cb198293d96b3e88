"""Grids: where the pixels of a raster lie, and how large they are on the ground."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, osr

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..types import PathLike
from .crs import same_crs, spatial_reference
from .opening import open_raster


def require_crs(grid: Grid, path: PathLike) -> None:
    """Raise InputError, naming the file, when the grid has no usable CRS."""
    if not grid.crs:
        raise InputError(
            "{path} has no coordinate reference system, so areas can't be measured. Assign it first "
            "(Raster > Projections > Assign projection).",
            path=path,
        )


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

    ``crs`` is WKT (or any text that GDAL takes); "" means unknown. Raises InputError for an empty, rotated or
    south-up grid.
    """

    crs: str
    transform: tuple[float, float, float, float, float, float]
    width: int
    height: int

    def __post_init__(self) -> None:
        _, dx, row_skew, _, column_skew, dy = self.transform
        if self.width < 1 or self.height < 1:
            raise InputError("A grid of {width} × {height} pixels has no pixels.", width=self.width, height=self.height)
        if row_skew or column_skew or dx <= 0 or dy >= 0:
            raise InputError(
                "The raster is rotated, stored south-up or not georeferenced. Warp it to a north-up grid first "
                "(Raster > Projections > Warp)."
            )

    @classmethod
    def of(cls, path: PathLike) -> Grid:
        """The grid of a raster file; InputError names the file when it can't be read."""
        dataset = open_raster(path)
        try:
            return cls.of_dataset(dataset)
        except InputError as error:
            raise InputError("{path}: {error}", path=path, error=error) from None

    @classmethod
    @gdal_raises()
    def of_dataset(cls, dataset: gdal.Dataset) -> Grid:
        """The grid of an open GDAL dataset."""
        return cls(
            dataset.GetProjection(),
            tuple(dataset.GetGeoTransform()),
            dataset.RasterXSize,
            dataset.RasterYSize,
        )

    @cached_property
    @gdal_raises()
    def is_geographic(self) -> bool:
        """True for degrees of longitude and latitude. InputError when the CRS is unknown."""
        return bool(self._reference.IsGeographic())

    @cached_property
    @gdal_raises()
    def _reference(self) -> osr.SpatialReference:
        if not self.crs:
            raise InputError(
                "The raster has no coordinate reference system, so its pixels have no size in metres. Assign its "
                "CRS first (Raster > Projections > Assign projection)."
            )
        return spatial_reference(self.crs)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(x_min, y_min, x_max, y_max) in the units of the CRS."""
        x, dx, _, y, _, dy = self.transform
        return x, y + dy * self.height, x + dx * self.width, y

    @cached_property
    @gdal_raises()
    def centre_lonlat(self) -> tuple[float, float]:
        """Longitude and latitude of the grid's centre in degrees (WGS 84)."""
        x_min, y_min, x_max, y_max = self.bounds
        to_degrees = osr.CoordinateTransformation(self._reference, spatial_reference("EPSG:4326"))
        longitude, latitude, _ = to_degrees.TransformPoint((x_min + x_max) / 2, (y_min + y_max) / 2)
        return longitude, latitude

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
            east, north = _metres_per_degree(ys * to_degrees)
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
        transformer = osr.CoordinateTransformation(self._reference, spatial_reference("EPSG:4326"))

        def degrees(px: float, py: float) -> NDArray[np.float64]:
            points = [(px, y + py) for y in sample]
            return np.array(transformer.TransformPoints(points))[:, :2]

        unit = self._reference.GetLinearUnits()
        scales = []
        for px, py, nominal in ((dx / 2, 0.0, dx * unit), (0.0, -dy / 2, -dy * unit)):
            ends = degrees(x + px, py), degrees(x - px, -py)
            mean_latitude = (ends[0][:, 1] + ends[1][:, 1]) / 2
            east, north = _metres_per_degree(mean_latitude)
            difference = ends[0] - ends[1]
            true = np.hypot(difference[:, 0] * east, difference[:, 1] * north)
            scale = np.interp(ys, sample, nominal / true)
            scales.append(np.where(abs(scale - 1) < 0.01, 1.0, scale))
        return scales[0], scales[1]

    @property
    def pixel_size(self) -> float:
        """Mean side of a pixel in metres at the grid's middle row."""
        dx, dy = self.metres_per_pixel(np.array([self.height // 2]))
        return float(math.sqrt(dx[0] * dy[0]))

    def same_as(self, other: Grid) -> bool:
        """True when pixels coincide to within a hundredth of a pixel and the CRS is the same."""
        tolerance = 0.01 * self.transform[1], -0.01 * self.transform[5]
        close = all(abs(a - b) < tolerance[i % 2] for i, (a, b) in enumerate(zip(self.bounds, other.bounds)))
        return close and (self.width, self.height) == (other.width, other.height) and same_crs(self.crs, other.crs)

    def offset_of(self, other: Grid) -> tuple[int, int] | None:
        """(column, row) in this grid of the other's top left pixel, or None when the pixels of the two don't coincide.

        Coinciding means the same CRS, and every corner of ``other`` on a corner of a pixel of this (endless) grid
        to within a hundredth of a pixel.
        """
        _, dx, _, _, _, dy = self.transform
        ours, theirs = self.bounds, other.bounds
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


def _metres_per_degree(latitude: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
