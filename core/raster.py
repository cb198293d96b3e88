"""Grids, and block-wise reading of rasters on any grid.

All reading yields float32 with NaN where there is no data. GDAL's geotransform order is used throughout:
(x of the left edge, pixel width, 0, y of the top edge, 0, minus pixel height).

Importing this module lets GDAL and OSR raise exceptions in the whole process, for without it failures go unseen; so
nothing that QGIS loads at its start may import it, only a tool that runs.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, osr

from .errors import InputError

gdal.UseExceptions()
osr.UseExceptions()

Array = NDArray[np.float32]
PathLike = Union[str, "os.PathLike[str]"]

_WGS84_A = 6378137.0
_WGS84_E2 = 0.0066943799901413165
EQUAL_AREA_CRS = "EPSG:6933"


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels; may reach outside its grid, where reads give NaN."""

    column: int
    row: int
    width: int
    height: int


def spatial_reference(crs: str) -> osr.SpatialReference:
    """The CRS as an OSR object with x/longitude first."""
    reference = osr.SpatialReference()
    reference.SetFromUserInput(crs)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


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
            raise InputError(f"A grid of {self.width} × {self.height} pixels has no pixels.")
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
            raise InputError(f"{path}: {error}") from None

    @classmethod
    def of_dataset(cls, dataset: gdal.Dataset) -> Grid:
        """The grid of an open GDAL dataset."""
        return cls(
            dataset.GetProjection(),
            tuple(dataset.GetGeoTransform()),
            dataset.RasterXSize,
            dataset.RasterYSize,
        )

    @cached_property
    def is_geographic(self) -> bool:
        """True for degrees of longitude and latitude. InputError when the CRS is unknown."""
        return bool(self._reference.IsGeographic())

    @cached_property
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
    def centre_lonlat(self) -> tuple[float, float]:
        """Longitude and latitude of the grid's centre in degrees (WGS 84)."""
        x_min, y_min, x_max, y_max = self.bounds
        to_degrees = osr.CoordinateTransformation(self._reference, spatial_reference("EPSG:4326"))
        longitude, latitude, _ = to_degrees.TransformPoint((x_min + x_max) / 2, (y_min + y_max) / 2)
        return longitude, latitude

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


def same_crs(first: str, second: str) -> bool:
    """True when two CRS texts mean the same, whatever their form; unknown equals only unknown."""
    if first == second:
        return True
    if not first or not second:
        return False
    return bool(spatial_reference(first).IsSame(spatial_reference(second)))


def _metres_per_degree(latitude: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Metres a degree of longitude and of latitude on WGS 84 at latitudes in degrees."""
    sin2 = np.sin(np.radians(latitude)) ** 2
    w = np.sqrt(1 - _WGS84_E2 * sin2)
    east = np.radians(1.0) * _WGS84_A * np.cos(np.radians(latitude)) / w
    north = np.radians(1.0) * _WGS84_A * (1 - _WGS84_E2) / w**3
    return east, north


def open_raster(path: PathLike, name: str = "") -> gdal.Dataset:
    """Open a raster for reading; InputError names the file and the reason when GDAL can't.

    ``path`` may be the XML of a VRT; ``name`` is then what messages call it.
    """
    try:
        with _raw_sources_allowed():
            return gdal.Open(os.fspath(path), gdal.GA_ReadOnly)
    except RuntimeError as error:
        raise InputError(
            f"{name or path} can't be read as a raster ({error}). Check that the file is complete."
        ) from None


@contextlib.contextmanager
def _raw_sources_allowed() -> Iterator[None]:
    """Let a VRT of this thread describe raw files wherever they lie, which GDAL 3.12 and later refuse by default."""
    if not hasattr(gdal, "GetThreadLocalConfigOption"):  # older than the restriction
        yield
        return
    key = "GDAL_VRT_RAWRASTERBAND_ALLOWED_SOURCE"
    before = gdal.GetThreadLocalConfigOption(key)
    gdal.SetThreadLocalConfigOption(key, "ALL")
    try:
        yield
    finally:
        gdal.SetThreadLocalConfigOption(key, before)


@dataclass(frozen=True)
class Band:
    """One band of a raster file and how its stored numbers become physical ones.

    value = (stored · file's scale + file's offset) · ``scale``, where a file that declares neither has 1 and 0;
    stored values equal to the band's declared nodata or to one of ``nodata`` are no data. ``path`` is anything that
    GDAL opens (a file, a subdataset, the XML of a VRT); ``name`` is what messages call it where the path doesn't read
    well.
    """

    path: str
    index: int = 1
    scale: float = 1.0
    nodata: tuple[float, ...] = ()
    name: str = ""

    @property
    def label(self) -> str:
        """The file's name for messages."""
        return self.name or self.path


class BandReader:
    """Reads windows of one band as float32 with NaN for no data, on the band's own grid or on another.

    Where the pixels of the two grids coincide, the windows are only shifted, with NaN outside the band, and every
    value is the stored one; otherwise the band is resampled (``is_resampled``).

    Holds an open file: use as a context manager, from one thread at a time.
    """

    def __init__(self, band: Band | PathLike, grid: Grid | None = None, resampling: str = "bilinear") -> None:
        self.source = band if isinstance(band, Band) else Band(os.fspath(band))
        self._layers: list[gdal.Dataset] = []
        self._dataset = open_raster(self.source.path, self.source.label)
        if not 1 <= self.source.index <= self._dataset.RasterCount:
            raise InputError(f"{self.source.label} has no band {self.source.index}.")
        stored = self._dataset.GetRasterBand(self.source.index)
        self._factor, self._shift = _linear_terms(stored, self.source.scale)
        declared = stored.GetNoDataValue()
        self.declares_nodata = declared is not None
        self._nodata = _as_float32((*self.source.nodata, *(() if declared is None else (declared,))))
        own = self._own_grid()
        self.grid = own if grid is None else grid
        offset = own.offset_of(self.grid)
        self.is_resampled = offset is None
        self._column, self._row = offset or (0, 0)
        if self.is_resampled:
            self._dataset = self._warped(own, self.grid, resampling)
            self._nodata = ()
            stored = self._dataset.GetRasterBand(1)
        self._band = stored

    def _own_grid(self) -> Grid:
        try:
            return Grid.of_dataset(self._dataset)
        except InputError as error:
            raise InputError(f"{self.source.label}: {error}") from None

    def _warped(self, own: Grid, grid: Grid, resampling: str) -> gdal.Dataset:
        if not own.crs or not grid.crs:
            raise InputError(
                f"{self.source.label} has another grid than the layer it is used with, and one of the two has no "
                "coordinate reference system. Assign it first (Raster > Projections > Assign projection)."
            )
        # GDAL warps with one value for no data at most, so each becomes NaN before, in one virtual layer each. The
        # layers must outlive the one on top of them.
        self._layers = [self._dataset]
        options = {"format": "VRT", "bandList": [self.source.index], "outputType": gdal.GDT_Float32, "noData": "nan"}
        self._layers.append(gdal.Translate("", self._dataset, **options))
        for nodata in self._nodata:
            self._layers.append(gdal.BuildVRT("", [self._layers[-1]], srcNodata=repr(nodata), VRTNodata="nan"))
        factor = grid.pixel_size / own.pixel_size
        options = gdal.WarpOptions(
            format="VRT",
            dstSRS=spatial_reference(grid.crs).ExportToWkt(),
            outputBounds=grid.bounds,
            width=grid.width,
            height=grid.height,
            outputType=gdal.GDT_Float32,
            dstNodata=float("nan"),
            resampleAlg="average" if factor > 1.5 and resampling == "bilinear" else resampling,
            warpMemoryLimit=64,
            errorThreshold=0.05,
        )
        try:
            return gdal.Warp("", self._layers[-1], options=options)
        except RuntimeError as error:
            raise InputError(
                f"{self.source.label} can't be put on the grid of the layer it is used with ({error}). Check that both "
                "show the same place and that their coordinate reference systems are right."
            ) from None

    @property
    def block_size(self) -> tuple[int, int]:
        """(width, height) of the blocks that the file is stored in."""
        return tuple(self._band.GetBlockSize())

    def read(self, window: Window | None = None, out: Array | None = None) -> Array:
        """The window of the grid (the whole of it by default), shape (window.height, window.width); NaN outside.

        ``out``: a float32 array of that shape that is filled and returned instead of a new one.
        """
        wanted = Window(0, 0, self.grid.width, self.grid.height) if window is None else window
        left = max(wanted.column, 0, -self._column)
        top = max(wanted.row, 0, -self._row)
        right = min(wanted.column + wanted.width, self.grid.width, self._band.XSize - self._column)
        bottom = min(wanted.row + wanted.height, self.grid.height, self._band.YSize - self._row)
        if (right - left, bottom - top) == (wanted.width, wanted.height):
            return self._read(Window(left + self._column, top + self._row, wanted.width, wanted.height), out)
        result = np.empty((wanted.height, wanted.width), np.float32) if out is None else out
        result.fill(np.nan)
        if bottom > top and right > left:
            inside = self._read(Window(left + self._column, top + self._row, right - left, bottom - top))
            row, column = top - wanted.row, left - wanted.column
            result[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
        return result

    def _read(self, window: Window, out: Array | None = None) -> Array:
        corner_and_size = (window.column, window.row, window.width, window.height)
        try:
            values: Array = self._band.ReadAsArray(*corner_and_size, buf_type=gdal.GDT_Float32, buf_obj=out)
        except RuntimeError as error:
            raise InputError(
                f"{self.source.label} can't be read to its end ({error}). It is probably truncated: copy or "
                "download it again."
            ) from None
        # One pass instead of one for each value, where all are far below the data (NaN in it makes this false).
        if len(self._nodata) > 1 and values.size and values.min() > max(self._nodata):
            return self._to_physical(values)
        for nodata in self._nodata:
            missing = values == nodata
            if missing.any():
                values[missing] = np.nan
        return self._to_physical(values)

    def _to_physical(self, stored: Array) -> Array:
        if self._factor != 1.0:
            stored *= np.float32(self._factor)
        if self._shift != 0.0:
            stored += np.float32(self._shift)
        return stored

    def physical(self, stored: float) -> float:
        """The number that ``read`` gives for a stored one."""
        return float(self._to_physical(np.full(1, stored, np.float32))[0])

    def sample(self, side: int) -> Array:
        """At most about ``side`` × ``side`` of the band's own pixels, evenly spread over it, in bounded memory."""
        width, height = min(side, self._band.XSize), min(side, self._band.YSize)
        return self._read(Window(0, 0, self._band.XSize, self._band.YSize), np.empty((height, width), np.float32))

    @property
    def tags(self) -> dict[str, str]:
        """The band's metadata, with its unit as ``unit`` and its name as ``description`` where they are set."""
        dataset = open_raster(self.source.path, self.source.label)
        band = dataset.GetRasterBand(self.source.index)
        return {
            **band.GetMetadata(),
            "unit": band.GetUnitType() or "",
            "description": band.GetDescription() or "",
        }

    def close(self) -> None:
        """Close the file."""
        self._band = self._dataset = None
        while self._layers:
            self._layers.pop()

    def __enter__(self) -> BandReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _linear_terms(band: gdal.Band, scale: float) -> tuple[float, float]:
    """Factor and shift from stored to physical values; a declared scale of 0 can only be one that was never set."""
    factor, shift = band.GetScale() or 1.0, band.GetOffset() or 0.0
    return factor * scale, shift * scale


def _as_float32(values: Sequence[float]) -> tuple[float, ...]:
    with np.errstate(over="ignore"):
        return tuple({float(np.float32(value)) for value in values if not math.isnan(value)})


class _CacheLimit:
    """What the runs that stream at this moment share: how many they are, and GDAL's cache before the first."""

    lock = threading.Lock()
    runs = 0
    before = 0


@contextlib.contextmanager
def limited_cache(megabytes: int = 128) -> Iterator[None]:
    """Keep GDAL's block cache small while a large raster streams through it.

    The cache belongs to the whole process: of several runs at a time the last one gives it back its size.
    """
    with _CacheLimit.lock:
        if _CacheLimit.runs == 0:
            _CacheLimit.before = gdal.GetCacheMax()
        _CacheLimit.runs += 1
        gdal.SetCacheMax(min(gdal.GetCacheMax(), megabytes * 2**20))
    try:
        yield
    finally:
        with _CacheLimit.lock:
            _CacheLimit.runs -= 1
            if _CacheLimit.runs == 0:
                gdal.SetCacheMax(_CacheLimit.before)


def row_blocks(height: int, rows: int) -> Iterator[tuple[int, int]]:
    """(first row, number of rows) of consecutive blocks that cover ``height`` rows."""
    for first in range(0, height, rows):
        yield first, min(rows, height - first)
