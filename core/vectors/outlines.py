"""Outlines: polygons as WKB or from a file as valid MultiPolygons in the CRS that is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from osgeo import gdal, ogr, osr

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..raster import EQUAL_AREA_CRS, same_crs, spatial_reference
from ..types import PathLike
from .ogr_memory import quiet_gdal


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
    return in_crs(geometries, reference.ExportToWkt(), target_crs)


@gdal_raises()
def in_crs(geometries: Sequence[ogr.Geometry], source: str, target: str) -> list[ogr.Geometry]:
    """The geometries, which are transformed in place, as valid MultiPolygons in the target CRS."""
    return [as_valid_multipolygon(geometry) for geometry in transformed(geometries, source, target)]


@gdal_raises()
def transformed(geometries: Sequence[ogr.Geometry], source: str, target: str) -> list[ogr.Geometry]:
    """Geometries of any shape, transformed in place from one CRS to another; RuntimeError where that can't be."""
    if geometries and not same_crs(source, target):
        transformation = osr.CoordinateTransformation(spatial_reference(source), spatial_reference(target))
        for geometry in geometries:
            geometry.Transform(transformation)
    return list(geometries)


@dataclass(frozen=True)
class Outlines:
    """Polygons as WKB in one CRS."""

    polygons: tuple[bytes, ...]
    crs: str

    @gdal_raises()
    def geometries(self, crs: str) -> list[ogr.Geometry]:
        """Valid MultiPolygons in another CRS, in the same order."""
        return in_crs([ogr.CreateGeometryFromWkb(polygon) for polygon in self.polygons], self.crs, crs)


@gdal_raises()
def to_crs(geometries: Sequence[bytes], crs: str, target: str) -> list[ogr.Geometry | None]:
    """WKB polygons of one CRS as valid MultiPolygons in another; None for empty and for unprojectable ones."""
    if not crs:
        raise InputError(
            "The polygon layer has no coordinate reference system. Assign it first (Layer > Set CRS of layer)."
        )
    transformation = osr.CoordinateTransformation(spatial_reference(crs), spatial_reference(target))
    return [_usable(wkb, transformation) for wkb in geometries]


def _usable(wkb: bytes, transformation: Any) -> ogr.Geometry | None:
    try:
        with quiet_gdal():
            geometry = ogr.CreateGeometryFromWkb(wkb)
            geometry.Transform(transformation)
            geometry = as_valid_multipolygon(geometry)
    except (RuntimeError, InputError, AttributeError):
        return None
    return None if geometry.IsEmpty() else geometry


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
