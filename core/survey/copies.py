"""A package that came back from the field: its sites, whatever somebody did to its form, and its photos."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from osgeo import gdal, ogr

from ..errors import InputError
from ..fields import Columns, Field, found_columns
from ..gdal_errors import gdal_raises, quiet_gdal
from ..raster import Transformation, same_crs
from ..texts import Message
from ..types import PathLike
from .answers import AnswerReader, has_unknown_result, labels_beside, style_labels, unknown_results
from .package import GEOPACKAGE
from .returned_file import settled, unreadable
from .sites import FORM_FIELDS, SITE_FIELDS, Site

_INTERNAL = ("fid", "ogc_fid")
_KNOWN = {field.name: field for field in (*SITE_FIELDS, *FORM_FIELDS)}


@dataclass(frozen=True)
class Copy:
    """The sites of one returned package in the master's CRS; NaN where one lost its point.

    ``fields`` are those of its layer that can be kept; ``notes`` tell how its form differs from the one that was given
    out, ``warnings`` what may be missing or could not be understood. ``folder`` is where its photos' paths begin.
    """

    name: str
    folder: Path
    sites: tuple[Site, ...]
    fields: tuple[Field, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()


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


def read_copy(path: PathLike, target_crs: str) -> Copy:
    """Read the sites of a package's folder, its survey.gpkg, or another vector file with the field uid.

    Raises InputError for a file that can't be read, holds no such layer or has no CRS.
    """
    file = Path(path)
    if file.is_dir():
        file = file / GEOPACKAGE
    with settled(file) as (readable, warnings):
        copy = _read_settled(readable, file, target_crs)
    return replace(copy, warnings=(*warnings, *copy.warnings))


@gdal_raises()
def _read_settled(readable: Path, file: Path, target_crs: str) -> Copy:
    """The copy in ``file``, read from where it can be."""
    try:
        with quiet_gdal():
            dataset = gdal.OpenEx(str(readable), gdal.OF_VECTOR | gdal.OF_READONLY)
            return _copy_of(dataset, file, target_crs)
    except RuntimeError as error:
        raise unreadable(file, error) from None
    finally:
        # What GDAL holds open can't be removed on Windows.
        dataset = None


def _copy_of(dataset: Any, file: Path, target_crs: str) -> Copy:
    layer = _site_layer(dataset, file)
    reference = layer.GetSpatialRef()
    if reference is None:
        raise InputError("The sites in {file} have no coordinate reference system. Set it first.", file=file)
    label = f"{file.parent.name}/{file.name}" if file.name == GEOPACKAGE else file.name
    fields, columns, notes = _fields_of(layer)
    told, warnings = columns.told(label), [columns.warned(label)]
    source = reference.ExportToWkt()
    to_target = None
    if not same_crs(source, target_crs):
        to_target = Transformation(source, target_crs, file)
    sites = []
    reader = AnswerReader({**labels_beside(file.parent), **style_labels(_styles(dataset))})
    texts = _texts_of(dataset, layer, {name: columns.names.get(name, name) for name in fields})
    for feature in layer:
        place = _place(feature, to_target)
        if place is None:
            warnings.append(
                Message("The site {name} has no point; its answers are taken.", name=_name_of(feature, columns))
            )
            place = (math.nan, math.nan)
        values = {}
        for name in fields:
            column = columns.names.get(name, name)
            values[name] = feature[column] if feature.IsFieldSetAndNotNull(column) else None
        values.update(texts.get(feature.GetFID(), {}))
        sites.append(Site(*place, reader.read(values, fields)))
    unknown = unknown_results(
        [(str(site.attributes.get("name")), site.attributes["result"]) for site in sites if has_unknown_result(site)]
    )
    notes += [*([told] if told else []), *_others(dataset)]
    warnings += [unknown, *reader.warnings()]
    return Copy(label, file.parent, tuple(sites), tuple(fields.values()), tuple(notes), tuple(filter(None, warnings)))


def _texts_of(dataset: Any, layer: Any, columns: Mapping[str, str]) -> dict[int, dict[str, str]]:
    """Texts in other fields of a GeoPackage, by feature and name; OGR makes 0 or nothing of them."""
    found: dict[int, dict[str, str]] = {}
    if dataset.GetDriver().ShortName != "GPKG":
        return found
    definition, key, table = layer.GetLayerDefn(), layer.GetFIDColumn(), layer.GetName()
    for name, column in columns.items():
        if definition.GetFieldDefn(definition.GetFieldIndex(column)).GetType() == ogr.OFTString:
            continue
        key_name, column_name, table_name = (text.replace('"', '""') for text in (key, column, table))
        rows = dataset.ExecuteSQL(
            f'SELECT CAST("{key_name}" AS INTEGER) AS number, CAST("{column_name}" AS TEXT) AS answer '
            f'FROM "{table_name}" WHERE typeof("{column_name}") = \'text\''
        )
        if rows is not None:
            for row in rows:
                found.setdefault(row["number"], {})[name] = row["answer"]
            dataset.ReleaseResultSet(rows)
    return found


def _styles(dataset: Any) -> list[str]:
    """The styles that a GeoPackage keeps of its layers (QML)."""
    layer = dataset.GetLayerByName("layer_styles")
    if layer is None or layer.GetLayerDefn().GetFieldIndex("styleQML") < 0:
        return []
    return [feature["styleQML"] for feature in layer if feature["styleQML"]]


def _site_layer(dataset: Any, file: Path) -> Any:
    """The layer “sites”, or else the first one that has the field uid."""
    named = dataset.GetLayerByName("sites")
    layers = [named] if named is not None else [dataset.GetLayer(index) for index in range(dataset.GetLayerCount())]
    for layer in layers:
        if any(name.casefold() == "uid" for name in _names_of(layer)):
            return layer
    raise InputError(
        "{file} has no layer of sites with the field uid, by which they are merged. Choose a package's survey.gpkg.",
        file=file,
    )


def _names_of(layer: Any) -> list[str]:
    definition = layer.GetLayerDefn()
    return [definition.GetFieldDefn(index).GetName() for index in range(definition.GetFieldCount())]


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


def _fields_of(layer: Any) -> tuple[dict[str, Field], Columns, list[str]]:
    """The fields that can be kept, by name, where they are, and what is to be told of the others and of lost ones."""
    definition = layer.GetLayerDefn()
    columns = found_columns(_names_of(layer), _KNOWN)
    own_names = {column: name for name, column in columns.names.items()}
    notes: list[str] = []
    fields: dict[str, Field] = {}
    for index in range(definition.GetFieldCount()):
        definition_of_field = definition.GetFieldDefn(index)
        column, kind = definition_of_field.GetName(), _kind_of(definition_of_field)
        name = own_names.get(column, column)
        if column.lower() in _INTERNAL:
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
    return fields, columns, notes


def _kind_of(column: Any) -> str | None:
    kind = column.GetType()
    if kind == ogr.OFTInteger and column.GetSubType() == ogr.OFSTBoolean:
        return "bool"
    return {
        ogr.OFTInteger: "int", ogr.OFTInteger64: "int", ogr.OFTReal: "float", ogr.OFTString: "str",
        ogr.OFTDate: "date", ogr.OFTDateTime: "date",
    }.get(kind)  # fmt: skip


def _place(feature: Any, to_target: Transformation | None) -> tuple[float, float] | None:
    geometry = feature.GetGeometryRef()
    if geometry is None or geometry.IsEmpty():
        return None
    geometry = geometry.Clone()
    geometry.FlattenTo2D()
    if to_target is not None:
        to_target.apply(geometry)
    point = geometry.Centroid()
    return point.GetX(), point.GetY()


def _name_of(feature: Any, columns: Columns) -> str:
    index = feature.GetFieldIndex(columns.names.get("name", "name"))
    return str(feature.GetFID()) if index < 0 else str(feature.GetField(index))


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
