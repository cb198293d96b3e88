"""Grids, and block-wise reading of rasters on any grid.

All reading yields float32 with NaN where there is no data. GDAL's geotransform order is used throughout:
(x of the left edge, pixel width, 0, y of the top edge, 0, minus pixel height).

"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType

import numpy as np
from osgeo import gdal

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..types import Array, PathLike
from .grid import Grid, Window
from .meaning import HUGE, MARKERS, BandKind, impossible
from .opening import open_raster
from .warping import flipped, flips_of, source_windows, warped_layers

# GDAL takes so many layers over each other for a loop.
_MOST_LAYERS = 32
_GONE = re.compile(r"([^\s:'\"]+)['\"]?:? (?:No such file|does not exist)")
_COLOURS = (gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand)


@dataclass(frozen=True)
class Band:
    """One band of a raster file and how its stored numbers become physical ones.

    value = (stored · file's scale + file's offset) · ``scale``, where a file that declares neither has 1 and 0;
    stored values equal to the band's declared nodata or to one of ``nodata`` are no data. ``path`` is anything that
    GDAL opens (a file, a subdataset, the XML of a VRT); ``name`` is what messages call it where the path doesn't read
    well. ``kind`` is what the values are meant to be, where a check (``checked_band``) has made sure of it. ``mask`` is
    another band, on any grid: values are no data where it has none, or no number above 0.
    """

    path: str
    index: int = 1
    scale: float = 1.0
    nodata: tuple[float, ...] = ()
    name: str = ""
    kind: BandKind | None = None
    mask: Band | None = None

    @property
    def label(self) -> str:
        """The file's name for messages."""
        return self.name or self.path

    def in_unit(self, scale: float, unit: str) -> Band:
        """The same band with another scale, which makes of its stored numbers those of another unit."""
        kind = None if self.kind is None else self.kind.times(scale / self.scale, unit)
        return replace(self, scale=scale, kind=kind)


class BandReader:
    """Reads windows of one band as float32 with NaN for no data, on the band's own grid or on another.

    No data are the declared value and the band's own ones, what a mask band or an alpha band leaves out, infinities,
    numbers as large as HUGE, and, where the band's kind is known, the usual markers (MARKERS) that it can't hold.
    InputError for complex numbers, an alpha band, and numbers that the kind can't hold. A reader that isn't
    ``guarded`` leaves numbers that can't be as they are, but for infinities.

    Where the pixels of the two grids coincide, the windows are only shifted, with NaN outside the band, and every
    value is the stored one; otherwise the band is resampled (``is_resampled``).

    Holds an open file: use as a context manager, from one thread at a time.
    """

    @gdal_raises()
    def __init__(
        self,
        band: Band | PathLike,
        grid: Grid | None = None,
        resampling: str = "bilinear",
        guarded: bool = True,
    ) -> None:
        self._is_guarded = guarded
        self.source = band if isinstance(band, Band) else Band(os.fspath(band))
        self._layers: list[gdal.Dataset] = []
        self._cover: BandReader | None = None
        self._dataset = open_raster(self.source.path, self.source.label)
        if not 1 <= self.source.index <= self._dataset.RasterCount:
            raise InputError("{label} has no band {index}.", label=self.source.label, index=self.source.index)
        stored = self._dataset.GetRasterBand(self.source.index)
        check_measure(stored, self.source.label)
        self._factor, self._shift = _linear_terms(stored, self.source.scale)
        self.has_scale = _linear_terms(stored, 1.0) != (1.0, 0.0)
        self.is_byte = stored.DataType == gdal.GDT_Byte
        self.is_picture = self.is_byte and stored.GetColorInterpretation() in _COLOURS
        self.band_count = self._dataset.RasterCount - (alpha_index(self._dataset) > 0)
        declared = stored.GetNoDataValue()
        self.declares_nodata = declared is not None
        self._declared = _as_float32(() if declared is None else (declared,))
        self._nodata = _as_float32((*self.source.nodata, *self._declared))
        self._mask = mask_of(self._dataset, stored)
        self._stored = self._band = stored
        try:
            self._own = Grid.of_dataset(self._dataset, self.source.label)
        except InputError as error:
            self.close()
            # Without the frames that hold the file open for as long as somebody keeps the error.
            raise error.with_traceback(None) from None
        self._resampling = resampling
        self.grid = self._own if grid is None else grid
        offset = self._own.offset_of(self.grid)
        self.is_resampled = offset is None
        self._column, self._row = offset or (0, 0)
        self._flips = flips_of(self._dataset)
        goes_on = offset is not None and self._own.goes_on_at_its_other_side(self.grid)
        if goes_on:
            # Where a raster around the whole Earth only goes on at its other side, the nearest value is the stored one.
            self._resampling = "near"
            self._column = self._row = 0
        self._is_warped = self.is_resampled or goes_on
        if self._is_warped:
            self._warp()
        if self.source.mask is not None:
            self._cover = BandReader(self.source.mask, self.grid, "near")

    def _warp(self) -> None:
        """Put the band on the grid, without what stands for no data in it."""
        if not self._own.crs or not self.grid.crs:
            raise InputError(
                "{label} has another grid than the layer it is used with, and one of the two has no "
                "coordinate reference system. Assign it first (Raster > Projections > Assign projection).",
                label=self.source.label,
            )
        if len(self._nodata) > _MOST_LAYERS:
            raise InputError(
                "{label} holds many different numbers that can't be, such as {lowest:g} and {highest:g}, so it can't "
                "be put on another grid. Set them to no data first (Raster > Raster calculator).",
                label=self.source.label,
                lowest=min(self._nodata),
                highest=max(self._nodata),
            )
        mask = None if self._mask is None else alpha_index(self._dataset) or "auto"
        try:
            self._layers = warped_layers(
                self._dataset,
                self.source.index,
                mask,
                self._nodata,
                self._own,
                self.grid,
                self._resampling,
                self._has_clean_overviews,
            )
        except RuntimeError:
            raise InputError(
                "{label} can't be put on the grid of the layer it is used with. Check that both show the same place "
                "and that their coordinate reference systems are right.",
                label=self.source.label,
            ) from None
        self._band = self._layers[-1].GetRasterBand(1)

    @property
    def _has_clean_overviews(self) -> bool:
        """Whether what was left out when overviews were made is all that is to be left out."""
        return set(self._nodata) <= set(self._declared)

    @property
    @gdal_raises()
    def block_size(self) -> tuple[int, int]:
        """(width, height) of the blocks that the file is stored in."""
        return tuple(self._band.GetBlockSize())

    @gdal_raises()
    def read(self, window: Window | None = None, out: Array | None = None) -> Array:
        """The window of the grid (the whole of it by default), shape (window.height, window.width); NaN outside.

        ``out``: a float32 array of that shape that is filled and returned instead of a new one.
        """
        wanted = Window(0, 0, self.grid.width, self.grid.height) if window is None else window
        values = self._placed(wanted, out)
        if self._cover is not None:
            # Not "<=": where the mask has no data, there is none either.
            values[~(self._cover.read(wanted) > 0)] = np.nan
        return values

    def _placed(self, wanted: Window, out: Array | None) -> Array:
        """A window of the grid, NaN outside the band."""
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
        if self._is_warped:
            self._leave_out_before_resampling(window)
            values = self._numbers(self._band, window, out)
        else:
            values = self._known(window, out)
        values = self._to_physical(values)
        self._leave_out_impossible(values)
        return values

    def _numbers(self, band: gdal.Band, window: Window, out: Array | None = None) -> Array:
        """The numbers of a window as they are stored."""
        corner_and_size = (window.column, window.row, window.width, window.height)
        try:
            values: Array = band.ReadAsArray(*corner_and_size, buf_type=gdal.GDT_Float32, buf_obj=out)
        except RuntimeError as error:
            raise self._unreadable(str(error)) from None
        return values

    def _unreadable(self, error: str) -> InputError:
        gone = _GONE.search(error)
        if gone is not None and gone[1] not in (self.source.path, self.source.label):
            return InputError(
                "{label} can't be read, because {file}, which it refers to, isn't there. Put it back, or make the file "
                "anew.",
                label=self.source.label,
                file=gone[1],
            )
        return InputError(
            "{label} can't be read to its end: it is cut short or damaged. Copy or download it again.",
            label=self.source.label,
        )

    def _known(self, window: Window, out: Array | None = None) -> Array:
        """The stored numbers of a window of the band's own grid, with NaN for what is known to be no data."""
        turned = any(self._flips)
        if turned:
            window = flipped(window, self._own, self._flips)
        values = self._numbers(self._stored, window, out)
        if self._mask is not None:
            values[self._numbers(self._mask, window, np.empty_like(values)) == 0] = np.nan
        if turned:
            values[:] = np.flip(values, [axis for axis in (0, 1) if self._flips[axis]]).copy()
        # One pass instead of one for each value, where all are far below the data (NaN in it makes this false).
        if len(self._nodata) > 1 and values.size and values.min() > max(self._nodata):
            return values
        for nodata in self._nodata:
            # As large as HUGE, a declared value was often rounded when it was written; a guard leaves out all of these.
            is_rounded = not self._is_guarded and abs(nodata) >= HUGE
            missing = np.abs(values) >= HUGE if is_rounded else values == nodata
            if missing.any():
                values[missing] = np.nan
        return values

    def _leave_out_impossible(self, values: Array) -> None:
        """Make NaN of what can't be, in place; InputError for numbers that are no marker either."""
        if not self._is_unusual(values):
            return
        values[np.abs(values) >= (HUGE if self._is_guarded else np.inf)] = np.nan
        kind = self.source.kind
        if kind is None or not self._is_guarded:
            return
        suspect = (values < kind.usual[0]) | (values > kind.usual[1])
        values[suspect & np.isin(values, [self.physical(marker) for marker in MARKERS])] = np.nan
        lowest, highest = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
        if lowest < kind.possible[0] or highest > kind.possible[1]:
            raise InputError(impossible(self.source.label, kind, float(lowest), float(highest)))

    def _is_unusual(self, values: Array) -> bool:
        """Whether any number lies beyond those that the band usually has."""
        if not values.size:
            return False
        low, high = (-HUGE, HUGE) if self.source.kind is None else self.source.kind.usual
        lowest = values.min()
        if math.isnan(lowest):
            lowest, highest = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
        else:
            highest = values.max()
        return bool(lowest < low or highest > high)

    def _leave_out_before_resampling(self, window: Window) -> None:
        """Add what stands for no data undeclared to what the layers leave out, before it spoils its neighbours.

        GDAL then resamples blocks that it has just read, so this costs little; clean overviews are resampled as they
        are.
        """
        is_coarser = self.grid.pixel_size > self._own.pixel_size
        uses_overviews = is_coarser and self._has_clean_overviews and self._stored.GetOverviewCount()
        if not self._is_guarded or uses_overviews:
            return
        found: set[float] = set()
        for part in source_windows(self._own, self.grid, window):
            stored = self._known(part)
            values = self._to_physical(stored.copy())
            if self._is_unusual(values):
                before = np.isfinite(values)
                self._leave_out_impossible(values)
                found.update(np.unique(stored[before & np.isnan(values)]).tolist())
        if found:
            self._nodata = (*self._nodata, *found)
            self._warp()

    def _to_physical(self, stored: Array) -> Array:
        if self._factor != 1.0:
            stored *= np.float32(self._factor)
        if self._shift != 0.0:
            stored += np.float32(self._shift)
        return stored

    def physical(self, stored: float) -> float:
        """The number that ``read`` gives for a stored one."""
        return float(self._to_physical(np.full(1, stored, np.float32))[0])

    def stored(self, physical: float) -> float:
        """A stored number for which ``read`` gives that one, or one very near to it."""
        exact = (physical - self._shift) / self._factor
        whole = float(round(exact)) if math.isfinite(exact) else exact
        return whole if self.physical(whole) == physical else exact

    @gdal_raises()
    def sample(self, side: int) -> Array:
        """At most about ``side`` × ``side`` of the band's own pixels, evenly spread over it, in bounded memory."""
        width, height = min(side, self._band.XSize), min(side, self._band.YSize)
        window, out = Window(0, 0, self._band.XSize, self._band.YSize), np.empty((height, width), np.float32)
        values = self._numbers(self._band, window, out) if self._is_warped else self._known(window, out)
        self._leave_out_impossible(self._to_physical(values))
        return values

    @property
    @gdal_raises()
    def tags(self) -> dict[str, str]:
        """The band's metadata, with its unit as ``unit`` and its name as ``description`` where they are set."""
        return {
            **self._stored.GetMetadata(),
            "unit": self._stored.GetUnitType() or "",
            "description": self._stored.GetDescription() or "",
        }

    @property
    @gdal_raises()
    def file_tags(self) -> dict[str, str]:
        """The metadata of the band's file."""
        return dict(self._dataset.GetMetadata())

    def rest(self) -> bool:
        """Close the file until it ``wakes``, where that costs less than a new reader; whether it was closed."""
        if self._is_warped or self._mask is not None or self._cover is not None:
            return False
        self._band = self._stored = self._dataset = None
        return True

    @gdal_raises()
    def wake(self) -> None:
        """Open the file again after a ``rest``, without asking anew what is known of it."""
        if self._dataset is not None:
            return
        dataset = open_raster(self.source.path, self.source.label)
        if (dataset.RasterXSize, dataset.RasterYSize) != (self._own.width, self._own.height):
            raise self._unreadable("")
        self._dataset = dataset
        self._band = self._stored = dataset.GetRasterBand(self.source.index)

    def close(self) -> None:
        """Close the file, and that of the mask."""
        self._band = self._stored = self._mask = self._dataset = None
        while self._layers:
            self._layers.pop()
        if self._cover is not None:
            self._cover.close()

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


def check_measure(band: gdal.Band, label: PathLike) -> None:
    """InputError for a band that holds no measure at all."""
    if gdal.DataTypeIsComplex(band.DataType):
        raise InputError(
            "{label} holds complex numbers, as a wrapped interferogram or a radar image does, which are no measure. "
            "Choose the raster that was made of it, for an interferogram the unwrapped phase.",
            label=label,
        )
    if band.GetColorInterpretation() == gdal.GCI_AlphaBand:
        raise InputError("{label}: the chosen band is an alpha band, which holds no measure.", label=label)


def alpha_index(dataset: gdal.Dataset) -> int:
    """The number of a dataset's alpha band; 0 without one."""
    for index in range(dataset.RasterCount, 1, -1):
        if dataset.GetRasterBand(index).GetColorInterpretation() == gdal.GCI_AlphaBand:
            return index
    return 0


def mask_of(dataset: gdal.Dataset, band: gdal.Band) -> gdal.Band | None:
    """The mask or alpha band in which 0 is no data; None where there is none but what the value for no data says."""
    alpha = alpha_index(dataset)
    if alpha:  # GDAL itself heeds those of whole numbers only.
        return dataset.GetRasterBand(alpha)
    return None if band.GetMaskFlags() in (gdal.GMF_ALL_VALID, gdal.GMF_NODATA) else band.GetMaskBand()


def _as_float32(values: Sequence[float]) -> tuple[float, ...]:
    with np.errstate(over="ignore"):
        return tuple({float(np.float32(value)) for value in values if not math.isnan(value)})
