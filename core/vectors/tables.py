"""Features of a table of fields, written through OGR."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from osgeo import ogr

from ..fields import Field

_TYPES = {
    "int": (ogr.OFTInteger, ogr.OFSTNone), "float": (ogr.OFTReal, ogr.OFSTNone), "str": (ogr.OFTString, ogr.OFSTNone),
    "bool": (ogr.OFTInteger, ogr.OFSTBoolean), "date": (ogr.OFTDate, ogr.OFSTNone),
}  # fmt: skip


def create_layer(dataset: Any, name: str, kind: int, table: Sequence[Field], reference: Any) -> Any:
    layer = dataset.CreateLayer(name, reference, kind)
    for field in table:
        definition = ogr.FieldDefn(field.name, _TYPES[field.type][0])
        definition.SetSubType(_TYPES[field.type][1])
        layer.CreateField(definition)
    return layer


def fill_feature(feature: Any, attributes: Any, table: Sequence[Field]) -> None:
    for field in table:
        value = attributes.get(field.name)
        if value is None:
            continue
        if isinstance(value, date):
            feature.SetField(field.name, value.year, value.month, value.day, 0, 0, 0, 0)
        else:
            feature.SetField(field.name, int(value) if field.type == "bool" else value)


def point_geometry(x: float, y: float) -> ogr.Geometry:
    point = ogr.Geometry(ogr.wkbPoint)
    point.AddPoint_2D(x, y)
    return point
