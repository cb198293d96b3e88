"""A package that came back from the field: its sites, whatever somebody did to its form, and its photos."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from osgeo import gdal, ogr, osr

from ..errors import InputError
from ..fields import Field
from ..gdal_errors import gdal_raises
from ..raster import same_crs, spatial_reference
from ..texts import Message
from ..types import PathLike
from ..vectors import quiet_gdal
from .package import GEOPACKAGE
from .sites import FORM_FIELDS, SITE_FIELDS, Site

_INTERNAL = ("fid", "ogc_fid")
_KNOWN = {field.name: field for field in (*SITE_FIELDS, *FORM_FIELDS)}
_YES, _NO = ("1", "true", "t", "yes"), ("0", "false", "f", "no")


@dataclass(frozen=True)
class Copy:
    """The sites of one returned package in the master's CRS.

    ``fields`` are those of its layer that can be kept; ``notes`` tell how its form differs from the one that was given
    out. ``folder`` is where its photos' paths begin.
    """

    name: str
    folder: Path
    sites: tuple[Site, ...]
    fields: tuple[Field, ...]
    notes: tuple[str, ...]


def photo_file(folder: Path | None, path: str) -> Path | None:
    """The file of a path relative to the folder; None where there is none or it leads out of the folder."""
    if folder is None or not path:
        return None
    # A tablet with Windows may have written backslashes.
    root = os.path.realpath(folder)
    for text in (path, path.replace("\\", "/")):
        file = os.path.realpath(os.path.join(root, text))  # noqa: PTH118
        if file.startswith(root + os.sep) and Path(file).is_file():
            return Path(file)
    return None


def own_photo_file(folder: Path | None, path: str) -> Path | None:
    """The same for a layer of the user's own, whose photos may also lie elsewhere, by a full path."""
    return Path(path) if Path(path).is_absolute() and Path(path).is_file() else photo_file(folder, path)


@gdal_raises()
def read_copy(path: PathLike, target_crs: str) -> Copy:
    """Read the sites of a package's folder, its survey.gpkg, or another vector file with the field uid.

    Raises InputError for a file that can't be read, holds no such layer or has no CRS.
    """
    file = Path(path)
    if file.is_dir():
        file = file / GEOPACKAGE
    try:
        with quiet_gdal():
            dataset = gdal.OpenEx(str(file), gdal.OF_VECTOR | gdal.OF_READONLY)
    except RuntimeError as error:
        raise InputError(
            "{file} can't be read as a survey ({error}). Check that the whole folder came back.", file=file, error=error
        ) from None
    layer = _site_layer(dataset, file)
    reference = layer.GetSpatialRef()
    if reference is None:
        raise InputError("The sites in {file} have no coordinate reference system. Set it first.", file=file)
    fields, notes = _fields_of(layer)
    source = reference.ExportToWkt()
    to_target = None
    if not same_crs(source, target_crs):
        to_target = osr.CoordinateTransformation(spatial_reference(source), spatial_reference(target_crs))
    sites, unreadable = [], set()
    for feature in layer:
        place = _place(feature, to_target)
        if place is None:
            notes.append(Message("A site without a point is left out ({name}).", name=_name_of(feature)))
            continue
        attributes = {}
        for name, field in fields.items():
            attributes[name], understood = converted(
                feature[name] if feature.IsFieldSetAndNotNull(name) else None, field
            )
            if not understood:
                unreadable.add(name)
        sites.append(Site(*place, attributes))
    notes += _others(dataset)
    notes += [
        Message("Some values of the field {name} can't be understood and are left out.", name=name)
        for name in sorted(unreadable)
    ]
    label = f"{file.parent.name}/{file.name}" if file.name == GEOPACKAGE else file.name
    return Copy(label, file.parent, tuple(sites), tuple(fields.values()), tuple(notes))


def _site_layer(dataset: Any, file: Path) -> Any:
    """The layer “sites”, or else the first one that has the field uid."""
    named = dataset.GetLayerByName("sites")
    layers = [named] if named is not None else [dataset.GetLayer(index) for index in range(dataset.GetLayerCount())]
    for layer in layers:
        if layer.GetLayerDefn().GetFieldIndex("uid") >= 0:
            return layer
    raise InputError(
        "{file} has no layer of sites with the field uid, by which they are merged. Choose a package's survey.gpkg.",
        file=file,
    )


def _others(dataset: Any) -> list[str]:
    """What else was drawn in the field and stays in the package."""
    told: list[str] = []
    for name in ("notes", "tracks"):
        layer = dataset.GetLayerByName(name)
        if layer is not None and layer.GetFeatureCount():
            told.append(
                Message(
                    "Its layer {name} has {count} features; they stay there and aren't merged.",
                    name=name,
                    count=layer.GetFeatureCount(),
                )
            )
    return told


def _fields_of(layer: Any) -> tuple[dict[str, Field], list[str]]:
    """The fields that can be kept, by name, and what is to be told of the others and of those that are gone."""
    definition = layer.GetLayerDefn()
    notes: list[str] = []
    fields: dict[str, Field] = {}
    for index in range(definition.GetFieldCount()):
        column = definition.GetFieldDefn(index)
        name, kind = column.GetName(), _kind_of(column)
        if name.lower() in _INTERNAL:
            continue
        if name in _KNOWN:
            fields[name] = _KNOWN[name]
            if kind != _KNOWN[name].type and {kind, _KNOWN[name].type} != {"int", "float"}:
                notes.append(
                    Message(
                        "The field {name} is no longer of the type {type}; it is converted.",
                        name=name,
                        type=_KNOWN[name].type,
                    )
                )
        elif kind is None:
            notes.append(Message("The added field {name} is of a type that can't be kept.", name=name))
        else:
            fields[name] = Field(name, kind, "", "Added to the form")
            notes.append(Message("The form has an added field, {name}; it is kept.", name=name))
    notes += [
        Message("The form lost its field {name}.", name=field.name) for field in FORM_FIELDS if field.name not in fields
    ]
    return fields, notes


def _kind_of(column: Any) -> str | None:
    kind = column.GetType()
    if kind == ogr.OFTInteger and column.GetSubType() == ogr.OFSTBoolean:
        return "bool"
    return {
        ogr.OFTInteger: "int", ogr.OFTInteger64: "int", ogr.OFTReal: "float", ogr.OFTString: "str",
        ogr.OFTDate: "date", ogr.OFTDateTime: "date",
    }.get(kind)  # fmt: skip


def _place(feature: Any, to_target: Any) -> tuple[float, float] | None:
    geometry = feature.GetGeometryRef()
    if geometry is None or geometry.IsEmpty():
        return None
    geometry = geometry.Clone()
    geometry.FlattenTo2D()
    if to_target is not None:
        geometry.Transform(to_target)
    point = geometry.Centroid()
    return point.GetX(), point.GetY()


def _name_of(feature: Any) -> str:
    index = feature.GetFieldIndex("name")
    return str(feature.GetFID()) if index < 0 else str(feature.GetField(index))


def converted(value: Any, field: Field) -> tuple[Any, bool]:
    """A value of a file as the field's type, None for none, and whether it could be understood."""
    text = "" if value is None else str(value).strip()
    if not text:
        return None, True
    try:
        if field.type == "bool":
            return _truth(text)
        if field.type == "date":
            return date.fromisoformat(text[:10].replace("/", "-")), True
        if field.type == "int":
            return int(float(text)), True
        return (float(text), True) if field.type == "float" else (text, True)
    except (ValueError, OverflowError):
        return None, False


def _truth(text: str) -> tuple[bool | None, bool]:
    low = text.lower()
    return (low in _YES, True) if low in (*_YES, *_NO) else (None, False)


def table_with_added(master: Sequence[Field], copies: Sequence[Copy]) -> tuple[Field, ...]:
    """The master's fields, those of the form, and those that were added in copies; a text where copies disagree."""
    table: dict[str, Field] = {field.name: field for field in (*master, *FORM_FIELDS)}
    own = set(table)
    added: Mapping[str, list[Field]] = {}
    for copy in copies:
        for field in copy.fields:
            if field.name not in own:
                added = {**added, field.name: [*added.get(field.name, []), field]}
    for name, fields in added.items():
        agree = len({field.type for field in fields}) == 1
        table[name] = fields[0] if agree else Field(name, "str", "", fields[0].description)
    return tuple(table.values())
