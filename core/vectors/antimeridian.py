"""Geometries on both sides of 180°: in one piece beside a place, or in two parts that end there."""

from __future__ import annotations

from osgeo import ogr

from ..raster import EQUAL_AREA_CRS, Grid, quarter_turn

_EQUAL_AREA_TURN = 2 * 17367530.445161376
"""x of 180° less that of 180° W in EPSG:6933."""


def turn_of(crs: str) -> float:
    """How far x reaches around the Earth, in a CRS of degrees or in EPSG:6933; 0 in others, which end somewhere."""
    return _EQUAL_AREA_TURN if crs == EQUAL_AREA_CRS else 4 * (quarter_turn(crs) or 0.0)


def middle_of(target: str | Grid) -> float:
    """The x that geometries on a grid are to lie around: the grid's own middle; 0 for a CRS alone."""
    return 0.0 if isinstance(target, str) else (target.bounds[0] + target.bounds[2]) / 2


def beside(geometry: ogr.Geometry, turn: float, middle: float = 0.0, is_torn: bool = True) -> ogr.Geometry:
    """The geometry within half a turn of ``middle``, in two parts where it goes on beyond; itself where it lies there.

    ``is_torn``: one wider than half a turn is one that PROJ tore at 180°, and is put together again.
    """
    x_min, x_max, y_min, y_max = geometry.GetEnvelope()
    half = turn / 2
    if not turn or geometry.IsEmpty():
        return geometry
    if is_torn and x_max - x_min > half:
        _move(geometry, turn, (x_min + x_max) / 2)
        x_min, x_max, y_min, y_max = geometry.GetEnvelope()
    low, high = middle - half, middle + half
    slack = 1e-9 * turn
    if low - slack <= x_min and x_max <= high + slack:
        return geometry
    turns = round(((x_min + x_max) / 2 - middle) / turn)
    if turns:
        _move(geometry, -turn * turns)
        x_min, x_max = x_min - turn * turns, x_max - turn * turns
    if low - slack <= x_min and x_max <= high + slack:
        return geometry
    edge, back = (high, -turn) if x_max > high else (low, turn)
    west = geometry.Intersection(_box(x_min - 1, edge, y_min, y_max))
    east = geometry.Intersection(_box(edge, x_max + 1, y_min, y_max))
    _move(east if back < 0 else west, back)
    return west.Union(east)


def _box(x_min: float, x_max: float, y_min: float, y_max: float) -> ogr.Geometry:
    corners = ((x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max), (x_min, y_min))
    ring = ", ".join(f"{x!r} {y!r}" for x, y in corners)
    return ogr.CreateGeometryFromWkt(f"POLYGON (({ring}))")


def _move(geometry: ogr.Geometry, by: float, below: float | None = None) -> None:
    """Add to the x of all points, in place, or of those that lie below a value."""
    for index in range(geometry.GetGeometryCount()):
        _move(geometry.GetGeometryRef(index), by, below)
    for index in range(geometry.GetPointCount()):
        x, y, *_ = geometry.GetPoint(index)
        if below is None or x < below:
            geometry.SetPoint_2D(index, x + by, y)
