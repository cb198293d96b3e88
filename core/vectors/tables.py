"""Features of a table of fields, written through OGR."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Optional

from osgeo import ogr

from ..fields import Field
from ..gdal_errors import gdal_raises
from ..raster import spatial_reference

_TYPES = {
    "int": (ogr.OFTInteger, ogr.OFSTNone), "float": (ogr.OFTReal, ogr.OFSTNone), "str": (ogr.OFTString, ogr.OFSTNone),
    "bool": (ogr.OFTInteger, ogr.OFSTBoolean), "date": (ogr.OFTDate, ogr.OFSTNone),
}  # fmt: skip


FeatureRows = Iterable[tuple[Optional[ogr.Geometry], Mapping[str, Any]]]
"""Features: a geometry, None for none, and attributes by the names of fields, None or left out where unknown."""


@gdal_raises()
def write_layer(
    dataset: Any,
    name: str,
    kind: int,
    table: Sequence[Field],
    crs: str,
    rows: FeatureRows = (),
    options: Sequence[str] = (),
) -> None:
    """Add a layer to an open OGR dataset: geometries of that ``kind`` (ogr.wkbPoint, …) in ``crs``, and the table."""
    layer = dataset.CreateLayer(name, spatial_reference(crs), kind, list(options))
    for field in table:
        definition = ogr.FieldDefn(field.name, _TYPES[field.type][0])
        definition.SetSubType(_TYPES[field.type][1])
        layer.CreateField(definition)
    layer.StartTransaction()
    for geometry, attributes in rows:
        feature = ogr.Feature(layer.GetLayerDefn())
        _fill(feature, attributes, table)
        feature.SetGeometry(geometry)
        layer.CreateFeature(feature)
    layer.CommitTransaction()


def _fill(feature: Any, attributes: Mapping[str, Any], table: Sequence[Field]) -> None:
    for field in table:
        value = attributes.get(field.name)
        if value is None:
            continue
        if isinstance(value, date):
            feature.SetField(field.name, value.year, value.month, value.day, 0, 0, 0, 0)
        else:
            feature.SetField(field.name, int(value) if field.type == "bool" else value)


@gdal_raises()
def point_geometry(x: float, y: float) -> ogr.Geometry:
    """A point without a height."""
    point = ogr.Geometry(ogr.wkbPoint)
    point.AddPoint_2D(x, y)
    return point
