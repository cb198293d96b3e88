"""A band on another grid: virtual layers of GDAL, and the part of the file that a window of them comes from."""

from __future__ import annotations

import math
from collections.abc import Sequence

from osgeo import gdal

from ..errors import InputError
from ..gdal_errors import gdal_raises
from .crs import Bounds, Transformation, same_crs, spatial_reference
from .grid import Grid, Window, row_blocks

_PIXELS_AT_A_TIME = 2**22
# Pixels around a window that cubic resampling looks at, counted in those of the coarser grid.
_KERNEL = 3


@gdal_raises()
def warped_layers(
    dataset: gdal.Dataset,
    index: int,
    mask: int | str | None,
    nodata: Sequence[float],
    own: Grid,
    grid: Grid,
    resampling: str,
    uses_overviews: bool,
) -> list[gdal.Dataset]:
    """A band on another grid as float32 with NaN for no data: the last of the layers, which must outlive it.

    ``mask``: which mask is heeded, the number of an alpha band or "auto" for that of the file. ``uses_overviews``: a
    coarser grid is made from those of the file.
    """
    # GDAL warps with one value for no data or one mask, so each becomes NaN before, in one layer each.
    flips = flips_of(dataset)
    layers = [dataset]
    options = {"format": "VRT", "bandList": [index], "outputType": gdal.GDT_Float32, "noData": "nan"}
    if mask is not None:
        masked = gdal.Translate("", dataset, **{**options, "noData": "none", "maskBand": mask})
        layers.append(_as_pixels(masked, flips))
        layers.append(gdal.BuildVRT("", [layers[-1]], VRTNodata="nan"))
        options.update(bandList=[1], maskBand="none")
    layers.append(_as_pixels(gdal.Translate("", layers[-1], **options), flips))
    for value in nodata:
        layers.append(gdal.BuildVRT("", [layers[-1]], srcNodata=repr(value), VRTNodata="nan"))
    turns = own.turns_from(grid)
    if turns or any(flips):
        x, *others = dataset.GetGeoTransform()
        layers[-1].SetGeoTransform((x - 360 * turns, *others))
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
        options=["-ovr", "AUTO" if uses_overviews else "NONE"],
    )
    layers.append(gdal.Warp("", layers[-1], options=options))
    return layers


def _as_pixels(layer: gdal.Dataset, flips: tuple[bool, bool]) -> gdal.Dataset:
    """A virtual layer without its place where its rows run north or its columns west, which BuildVRT refuses."""
    if any(flips):
        layer.SetGeoTransform((0.0, 1.0, 0.0, 0.0, 0.0, -1.0))
    return layer


@gdal_raises()
def flips_of(dataset: gdal.Dataset) -> tuple[bool, bool]:
    """Whether the rows of a file run north and its columns west; a grid's never do."""
    transform = dataset.GetGeoTransform()
    return transform[5] > 0, transform[1] < 0


def flipped(window: Window, grid: Grid, flips: tuple[bool, bool]) -> Window:
    """The window of a file whose rows run north or columns west (``flips``) that is this one of its grid."""
    row = grid.height - window.row - window.height if flips[0] else window.row
    column = grid.width - window.column - window.width if flips[1] else window.column
    return Window(column, row, window.width, window.height)


@gdal_raises()
def source_windows(own: Grid, grid: Grid, window: Window) -> list[Window]:
    """The part of ``own`` that a window of another grid is resampled from, in blocks of rows; a little more than that.

    Nothing where the window can't be brought into the CRS of ``own``.
    """
    x, dx, _, y, _, dy = grid.transform
    left, right = x + dx * window.column, x + dx * (window.column + window.width)
    top, bottom = y + dy * window.row, y + dy * (window.row + window.height)
    bounds = left, bottom, right, top
    if not same_crs(own.crs, grid.crs):
        try:
            bounds = Transformation(grid.crs, own.crs, grid.name).bounds(bounds)
        except InputError:
            return []
    if bounds[2] < bounds[0]:
        bounds = bounds[0], bounds[1], bounds[2] + 360, bounds[3]
    turns = (-360, 0, 360) if own.is_in_degrees else (0,)
    boxes = [(bounds[0] + turn, bounds[1], bounds[2] + turn, bounds[3]) for turn in turns]
    return [part for box in boxes for part in _blocks(own, grid, box)]


def _blocks(own: Grid, grid: Grid, bounds: Bounds) -> list[Window]:
    x, dx, _, y, _, dy = own.transform
    margin = _KERNEL * max(1.0, grid.pixel_size / own.pixel_size)
    edges = ((bounds[0] - x) / dx, (bounds[3] - y) / dy, (bounds[2] - x) / dx, (bounds[1] - y) / dy)
    column, row = max(0, math.floor(edges[0] - margin)), max(0, math.floor(edges[1] - margin))
    width = min(own.width, math.ceil(edges[2] + margin)) - column
    height = min(own.height, math.ceil(edges[3] + margin)) - row
    if width < 1 or height < 1:
        return []
    blocks = row_blocks(height, max(1, _PIXELS_AT_A_TIME // width))
    return [Window(column, row + first, width, rows) for first, rows in blocks]
