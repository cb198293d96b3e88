"""A profile of elevation and LOS rate downslope through an area, from rasters on any grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from osgeo import ogr

from ..channels import ChannelKind, open_layer
from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import (
    HEIGHTS,
    PIXELS_AT_A_TIME,
    YEARLY_METRES,
    BandReader,
    Grid,
    Transformation,
    TrueNorth,
    Window,
    checked_band,
    row_blocks,
    sample,
)
from ..terrain import gradient
from ..types import Double, PathLike
from ..vectors import Burner, GroundMeasures, Outlines

# The line reaches beyond both rims by this share of its length inside, and by so many pixels at least.
_BEYOND, _PIXELS_BEYOND = 0.25, 4
_MOST_SAMPLES = 1000
# Mean gradients below this (0.3 degrees) tell no direction.
_LEVEL = 0.005


@dataclass(frozen=True)
class Profile:
    """Samples along a straight line through an area, from its upper to its lower end; arrays of shape (n,).

    ``distance`` in metres on the ground; ``elevation`` in metres and ``los_rate`` in mm/yr, NaN where there is no data
    or no layer; ``inside`` is True within the area. ``sign`` is the direction of positive rates, "toward" or "away"
    from the satellite. ``ends`` are (longitude, latitude) of both ends; ``azimuth`` is the direction of the line in
    degrees clockwise from north. ``is_downslope`` is False where the ground is level or nothing tells how it falls:
    the line then follows the longest axis of the area.
    """

    distance: Double
    elevation: Double
    los_rate: Double
    inside: NDArray[np.bool_]
    sign: str
    ends: tuple[tuple[float, float], tuple[float, float]]
    azimuth: float
    is_downslope: bool


@gdal_raises()
def area_profile(
    outline: bytes,
    crs: str,
    los_rate: PathLike | None = None,
    dem: PathLike | None = None,
    aspect: float | None = None,
    progress: Progress = QUIET,
) -> Profile:
    """The profile through an area along the mean direction in which its ground falls.

    ``outline`` is a polygon or multipolygon as WKB in ``crs``. The direction is that of the mean gradient of the DEM
    inside the area, else ``aspect`` (degrees clockwise from true north). Samples lie half a pixel apart, at
    most 1000 of them, and are bilinear between the pixels of each raster's own grid; memory is bounded, whatever the
    size of the rasters. Raises InputError without any raster, CRS or polygon.
    """
    if los_rate is None and dem is None:
        raise InputError("A profile needs a LOS rate or a digital elevation model. Choose at least one of them.")
    if not crs:
        raise InputError("The areas have no coordinate reference system. Set it first (layer properties > Source).")
    outlines = Outlines((outline,), crs)
    polygon = outlines.geometries("EPSG:4326")[0]
    if polygon.IsEmpty():
        raise InputError("The area has no polygon, so there is no profile through it.")
    local = _LocalMetres(*GroundMeasures("EPSG:4326").inner_point(polygon))
    area = outlines.geometries(local.crs)[0]
    rate = None if los_rate is None else open_layer(ChannelKind.LOS_RATE, los_rate, progress)
    if rate is not None and rate.unit not in YEARLY_METRES:
        raise InputError(
            "{path} is in {unit}, so it is no LOS rate. Choose a raster in mm/yr or m/yr.",
            path=rate.path,
            unit=rate.unit,
        )
    grids = [Grid.of(path) for path in (los_rate, dem) if path is not None]
    direction = _downslope(outlines, dem, aspect, progress)
    along = _longest_axis(area) if direction is None else direction
    start, stop = _reach(area, along, _PIXELS_BEYOND * max(grid.pixel_size for grid in grids))
    spacing = max(min(grid.pixel_size for grid in grids) / 2, (stop - start) / (_MOST_SAMPLES - 1))
    count = max(2, math.ceil((stop - start) / spacing) + 1)
    positions = np.linspace(start, stop, count)
    points = positions[:, None] * np.array(along)
    elevation, los = np.full(count, np.nan), np.full(count, np.nan)
    if dem is not None:
        with BandReader(checked_band(dem, HEIGHTS, progress)) as reader:
            elevation = sample(reader, local.to(reader.grid.crs, points), progress)
    if rate is not None:
        with BandReader(rate.source) as reader:
            los = sample(reader, local.to(reader.grid.crs, points), progress)
    degrees = local.to("EPSG:4326", points[[0, -1]])
    return Profile(
        distance=positions - start,
        elevation=elevation,
        los_rate=los,
        inside=_inside(area, points),
        sign="toward" if rate is None else rate.sign,
        ends=((float(degrees[0, 0]), float(degrees[0, 1])), (float(degrees[1, 0]), float(degrees[1, 1]))),
        azimuth=math.degrees(math.atan2(along[0], along[1])) % 360,
        is_downslope=direction is not None,
    )


class _LocalMetres:
    """A plane in metres east and north of a place, true to distances and directions from it."""

    def __init__(self, longitude: float, latitude: float) -> None:
        self.crs = f"+proj=aeqd +lat_0={latitude:.9f} +lon_0={longitude:.9f} +datum=WGS84 +units=m +no_defs"

    def to(self, crs: str, points: Double) -> Double:
        """Points (n, 2) of the plane in another CRS."""
        if not crs:
            raise InputError(
                "A raster of the profile has no coordinate reference system. Assign it first (Raster > Projections > "
                "Assign projection)."
            )
        return Transformation(self.crs, crs).points(points)


def _downslope(
    outlines: Outlines, dem: PathLike | None, aspect: float | None, progress: Progress
) -> tuple[float, float] | None:
    """The unit vector (east, north) in which the ground of the area falls; None where it is level or unknown."""
    if dem is not None:
        east, north = _mean_gradient(outlines, dem, progress)
        length = math.hypot(east, north)
        if length > _LEVEL:
            return -east / length, -north / length
    if aspect is not None and math.isfinite(aspect):
        angle = math.radians(aspect)
        return math.sin(angle), math.cos(angle)
    return None


def _mean_gradient(outlines: Outlines, dem: PathLike, progress: Progress) -> tuple[float, float]:
    """Mean rise over run to true east and north inside the area; 0 where the DEM has nothing there."""
    total, count = np.zeros(2), 0
    with BandReader(checked_band(dem, HEIGHTS)) as reader:
        grid = reader.grid
        burner, true_north = Burner(outlines, grid), TrueNorth(grid)
        window = burner.window(0)
        for first, rows in row_blocks(window.height, max(1, PIXELS_AT_A_TIME // max(window.width, 1))):
            progress.check()
            row = window.row + first
            padded = reader.read(Window(window.column - 1, row - 1, window.width + 2, rows + 2))
            right, down = gradient(padded, *grid.metres_per_pixel(np.arange(row, row + rows)))
            part = Window(window.column, row, window.width, rows)
            slopes = np.stack(true_north.over(part).turned(right, -down))
            # An area smaller than a few pixels may cover no pixel's centre.
            is_tiny = window.width * window.height < 4
            valid = np.isfinite(slopes).all(axis=0) & (burner.mask(part) | is_tiny)
            total += slopes[:, valid].sum(axis=1, dtype=np.float64)
            count += int(valid.sum())
    east, north = total / max(count, 1)
    return float(east), float(north)


def _longest_axis(area: ogr.Geometry) -> tuple[float, float]:
    """The direction of the longest spread of the outline's points, southwards where it can be."""
    # Each corner once: the first of a ring closes it, too.
    points = np.unique(_points(area), axis=0)
    _, vectors = np.linalg.eigh(np.cov((points - points.mean(axis=0)).T))
    x, y = vectors[:, -1]
    return (float(x), float(y)) if y <= 0 else (-float(x), -float(y))


def _points(geometry: ogr.Geometry) -> Double:
    """All corners of a geometry, (n, 2)."""
    if geometry.GetGeometryCount():
        parts = [_points(geometry.GetGeometryRef(index)) for index in range(geometry.GetGeometryCount())]
        return np.concatenate(parts)
    return np.array(geometry.GetPoints(), np.float64).reshape(-1, max(geometry.GetCoordinateDimension(), 2))[:, :2]


def _reach(area: ogr.Geometry, along: tuple[float, float], margin: float) -> tuple[float, float]:
    """From where to where, in metres from the local origin, the line runs: both rims, and a bit beyond."""
    far = float(np.abs(_points(area)).max()) * 2 + 1
    line = ogr.Geometry(ogr.wkbLineString)
    line.AddPoint_2D(-far * along[0], -far * along[1])
    line.AddPoint_2D(far * along[0], far * along[1])
    crossing = line.Intersection(area)
    ends = np.zeros(1) if crossing is None or crossing.IsEmpty() else _points(crossing) @ np.array(along)
    low, high = float(ends.min()), float(ends.max())
    beyond = max(_BEYOND * (high - low), margin)
    return low - beyond, high + beyond


def _inside(area: ogr.Geometry, points: Double) -> NDArray[np.bool_]:
    prepared = area.CreatePreparedGeometry()
    point = ogr.Geometry(ogr.wkbPoint)
    result = np.zeros(len(points), bool)
    for index, (x, y) in enumerate(points.tolist()):
        point.SetPoint_2D(0, x, y)
        result[index] = prepared.Intersects(point)
    return result
