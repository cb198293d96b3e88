"""Outlines: polygons as WKB or from a file as valid MultiPolygons in the CRS that is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from osgeo import gdal, ogr

from ..errors import InputError
from ..gdal_errors import gdal_raises, quiet_gdal
from ..progress import QUIET, Progress
from ..raster import EQUAL_AREA_CRS, Grid, Transformation, check_geometry, same_crs
from ..texts import Message
from ..types import PathLike
from .antimeridian import beside, middle_of, turn_of

_AT_ONCE = 5000
"""Polygons that are transformed before the user may stop it."""


@gdal_raises()
def read_polygons(path: PathLike, target_crs: str = EQUAL_AREA_CRS, layer: str | None = None) -> list[ogr.Geometry]:
    """The polygons of a vector file's layer (its first by default), valid MultiPolygons in the target CRS.

    Raises InputError for a file or layer that can't be read, has no CRS or holds no polygons but other shapes.
    """
    name = os.fspath(path)
    try:
        dataset = gdal.OpenEx(name, gdal.OF_VECTOR | gdal.OF_READONLY)
    except RuntimeError as error:
        raise InputError(
            "{name} can't be read as a vector file ({error}). Check that it is complete.", name=name, error=error
        ) from None
    source = dataset.GetLayer(0) if layer is None else dataset.GetLayerByName(layer)
    if source is None:
        if layer is None:
            raise InputError("{name} has no layer.", name=name)
        raise InputError("{name} has no layer {layer}.", name=name, layer=layer)
    reference = source.GetSpatialRef()
    if reference is None:
        raise InputError(
            "{name} has no coordinate reference system. Set it first (layer properties > Source).", name=name
        )
    geometries = [feature.GetGeometryRef().Clone() for feature in source if feature.GetGeometryRef() is not None]
    if any(geometry.GetDimension() < 2 for geometry in geometries):
        raise InputError("{name} holds points or lines where areas are needed. Choose a layer of polygons.", name=name)
    return in_crs(geometries, reference.ExportToWkt(), target_crs, name)


@gdal_raises()
def in_crs(
    geometries: Sequence[ogr.Geometry], source: str, target: str | Grid, name: PathLike = ""
) -> list[ogr.Geometry]:
    """The geometries, which are transformed in place, as valid MultiPolygons in the target CRS."""
    return [as_valid_multipolygon(geometry) for geometry in transformed(geometries, source, target, name)]


@gdal_raises()
def transformed(
    geometries: Sequence[ogr.Geometry], source: str, target: str | Grid, name: PathLike = ""
) -> list[ogr.Geometry]:
    """Geometries of any shape, transformed in place from one CRS to another, or to that of a grid.

    In degrees they lie beside the grid, or within ±180°. InputError, naming the file or layer ``name``, where one of
    them has no place in the other CRS.
    """
    if not geometries:
        return []
    way = _Way(source, target, name)
    return [way.led(geometry) for geometry in geometries]


class _Way:
    """From one CRS to another or to that of a grid, for many geometries."""

    def __init__(self, source: str, target: str | Grid, name: PathLike) -> None:
        crs = target if isinstance(target, str) else target.crs
        self._source, self._name = source, name
        self._transformation = None if same_crs(source, crs) else Transformation(source, crs, name)
        self._turn, self._middle = turn_of(crs), middle_of(target)
        self._widest = (turn_of(source) or turn_of(EQUAL_AREA_CRS)) / 2

    def led(self, geometry: ogr.Geometry) -> ogr.Geometry:
        """The geometry, which is transformed in place."""
        x_min, x_max, _, _ = geometry.GetEnvelope()
        if self._transformation is None:
            check_geometry(geometry, self._source, self._name)
        else:
            self._transformation.apply(geometry)
        return beside(geometry, self._turn, self._middle, is_torn=x_max - x_min < self._widest)


@dataclass(frozen=True)
class Outlines:
    """Polygons as WKB in one CRS; ``name`` is their file or layer for messages."""

    polygons: tuple[bytes, ...]
    crs: str
    name: str = ""

    @gdal_raises()
    def geometries(self, target: str | Grid, progress: Progress = QUIET) -> list[ogr.Geometry]:
        """Valid MultiPolygons in another CRS, or that of a grid, in the same order; CancelledError when the user
        stops."""
        result = []
        for first in range(0, len(self.polygons), _AT_ONCE):
            progress.check()
            polygons = [ogr.CreateGeometryFromWkb(polygon) for polygon in self.polygons[first : first + _AT_ONCE]]
            result += in_crs(polygons, self.crs, target, self.name)
        return result


@gdal_raises()
def to_crs(geometries: Sequence[bytes], crs: str, target: str | Grid, name: PathLike = "") -> list[ogr.Geometry | None]:
    """WKB polygons of one CRS as valid MultiPolygons in another, or that of a grid; None for empty and broken ones.

    InputError where none of them has a place there.
    """
    if not crs:
        raise InputError(
            "{name} has no coordinate reference system. Assign it first (Layer > Set CRS of layer).",
            name=name or Message("The polygon layer"),
        )
    way = _Way(crs, target, name)
    found: list[ogr.Geometry | None] = []
    problem = None
    for wkb in geometries:
        try:
            with quiet_gdal():
                geometry = as_valid_multipolygon(way.led(ogr.CreateGeometryFromWkb(wkb)))
        except (RuntimeError, AttributeError):
            geometry = None
        except InputError as error:
            geometry, problem = None, problem or error
        found.append(None if geometry is None or geometry.IsEmpty() else geometry)
    if problem is not None and all(geometry is None for geometry in found):
        raise problem
    return found


@gdal_raises()
def as_valid_multipolygon(geometry: ogr.Geometry) -> ogr.Geometry:
    """The polygons of a geometry as one valid MultiPolygon of the same area; lines and points are left out."""
    with quiet_gdal():
        if not geometry.IsValid():
            geometry = geometry.MakeValid()
            if geometry is None:
                raise InputError("A polygon can't be made valid; repair the layer first (Fix geometries).")
    geometry.FlattenTo2D()
    result = ogr.Geometry(ogr.wkbMultiPolygon)
    for polygon in _polygons(geometry):
        result.AddGeometry(polygon)
    return result


def _polygons(geometry: ogr.Geometry) -> Iterator[ogr.Geometry]:
    if ogr.GT_Flatten(geometry.GetGeometryType()) in (ogr.wkbPolygon, ogr.wkbCurvePolygon):
        yield geometry.GetLinearGeometry()
    else:
        for index in range(geometry.GetGeometryCount()):
            yield from _polygons(geometry.GetGeometryRef(index))
