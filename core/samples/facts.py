"""What ``samples.json`` of a sample set tells, checked value by value: the file may have been changed by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Callable

from ..channels import ChannelKind, is_number, minmax_channel
from ..errors import InputError
from ..json_texts import read_json
from ..models import LARGEST_TILE
from ..raster import Grid
from ..texts import Message

SET_FORMAT = 1
SET_FILE = "samples.json"
ROLES = ("training", "validation", "test")
NAME = re.compile(r"[\w-]+", re.UNICODE)
"""What a scene or a tile may be called: nothing that leads out of the folder."""


def stored_unit(kind: ChannelKind) -> tuple[str, str]:
    """Unit and sign in which the tiles of a set hold a layer: what training wants."""
    channel = minmax_channel(kind, 0.0, 1.0)
    return channel.unit, channel.sign


@dataclass(frozen=True)
class TileRecord:
    """What ``samples.json`` tells of one tile. ``row`` and ``column``: of its first pixel on its scene's grid.

    ``valid_pixels`` have a rate; the other numbers count labels, which are ignored where there is no rate.
    """

    name: str
    scene: str
    block: str
    role: str
    row: int
    column: int
    area_pixels: int
    background_pixels: int
    ignored_pixels: int
    valid_pixels: int


@dataclass(frozen=True)
class SetFacts:
    """What a training needs of ``samples.json``; ``all`` is the file as it is. ``pixel_sizes`` (m) by scene."""

    all: Mapping[str, Any]
    layers: tuple[ChannelKind, ...]
    pixel_size: float
    tile_size: int
    records: tuple[TileRecord, ...]
    pixel_sizes: Mapping[str, float]


def read_facts(folder: Path) -> SetFacts:
    """The facts of the set in a folder; InputError, naming file and value, when there is no ``samples.json``, it
    holds something else than a set, or a newer plugin wrote it."""
    path = folder / SET_FILE
    if not path.is_file():
        raise InputError(
            "{folder} is no sample set: it has no {set_file}. Make one with Create samples.",
            folder=folder,
            set_file=SET_FILE,
        )
    try:
        facts = read_json(path.read_text("utf-8"))
        version = _value(facts, "format", _INTEGER)
    except (OSError, ValueError) as error:
        raise InputError("{path} can't be read ({error}). Make the sample set again.", path=path, error=error) from None
    if version > SET_FORMAT:
        raise InputError(
            "{path} has format {version}, and this version of ADA Mapper reads up to {set_format}: update the plugin.",
            path=path,
            version=version,
            set_format=SET_FORMAT,
        )
    try:
        return _checked(facts)
    except (InputError, ValueError) as error:
        raise _damaged(path, error) from None


def _checked(facts: Mapping[str, Any]) -> SetFacts:
    scenes = {_value(scene, "name", _NAME): scene for scene in _value(facts, "scenes", _LIST)}
    layers = tuple(_layer(layer) for layer in _value(facts, "layers", _LIST))
    records = tuple(_record(tile, scenes) for tile in _value(facts, "tiles", _LIST))
    if len(scenes) < len(facts["scenes"]):
        raise ValueError(Message("a scene is there twice"))
    if not layers or len(set(layers)) < len(layers):
        raise ValueError(Message("a layer is there twice, or none is"))
    if len({record.name.casefold() for record in records}) < len(records):
        raise ValueError(Message("a tile is there twice"))
    _value(facts, "statistics", _OBJECT)
    return SetFacts(
        all=facts,
        layers=layers,
        pixel_size=_value(facts, "pixel_size", _SIZE),
        tile_size=_value(facts, "tile_size", _TILE),
        records=records,
        pixel_sizes={name: _value(scene, "pixel_size", _SIZE) for name, scene in scenes.items()},
    )


def _layer(layer: Any) -> ChannelKind:
    name = _value(layer, "kind", _TEXT)
    if name not in {kind.value for kind in ChannelKind}:
        raise ValueError(Message("there is no layer called {name}", name=name[:50]))
    kind = ChannelKind(name)
    if (layer.get("unit"), layer.get("sign")) != stored_unit(kind):
        raise ValueError(Message("the {label} isn't in the unit and sign of training", label=kind.label))
    return kind


def _record(tile: Any, scenes: Mapping[str, Any]) -> TileRecord:
    texts, corner = {"scene", "block", "role"}, {"row", "column"}
    kinds = {
        field.name: _NAME
        if field.name == "name"
        else _TEXT
        if field.name in texts
        else _INTEGER
        if field.name in corner
        else _COUNT
        for field in fields(TileRecord)
    }
    record = TileRecord(**{name: _value(tile, name, kind) for name, kind in kinds.items()})
    if record.role not in ROLES:
        raise ValueError(Message("the tile {name} has the role {role}", name=record.name, role=record.role[:50]))
    if record.scene not in scenes:
        raise ValueError(Message("the tile {name} is of an unknown scene", name=record.name))
    return record


def places_of(folder: Path, facts: Mapping[str, Any]) -> tuple[str, tuple[Grid, ...]]:
    """The CRS of a set's index and the grids of its scenes, which only a further scene needs; InputError as above."""
    try:
        return _value(facts, "crs", _TEXT), tuple(_grid(scene) for scene in facts["scenes"])
    except (InputError, ValueError) as error:
        raise _damaged(folder / SET_FILE, error) from None


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError("{path} is damaged ({error}). Make the sample set again.", path=path, error=error)


def _grid(scene: Mapping[str, Any]) -> Grid:
    for role in ROLES:
        _value(_value(scene, "areas", _OBJECT), role, _COUNT)
    transform = _value(scene, "transform", _TRANSFORM)
    return Grid(
        _value(scene, "crs", _TEXT), tuple(transform), _value(scene, "width", _COUNT), _value(scene, "height", _COUNT)
    )


_Kind = tuple[str, Callable[[Any], bool]]


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


_TEXT: _Kind = Message("a text"), lambda value: isinstance(value, str)
_NAME: _Kind = Message("a name"), lambda value: isinstance(value, str) and bool(NAME.fullmatch(value))
_LIST: _Kind = Message("a list"), lambda value: isinstance(value, list)
_OBJECT: _Kind = Message("an object"), lambda value: isinstance(value, dict)
_INTEGER: _Kind = Message("an integer"), _is_integer
_COUNT: _Kind = Message("a number of pixels or areas"), lambda value: _is_integer(value) and value >= 0
_SIZE: _Kind = Message("a size in metres"), lambda value: is_number(value) and 0 < value < 1e6
_TILE: _Kind = Message("a size in pixels"), lambda value: _is_integer(value) and 0 < value <= LARGEST_TILE
_TRANSFORM: _Kind = (
    Message("six numbers"),
    lambda value: isinstance(value, list) and len(value) == 6 and all(map(is_number, value)),
)


def _value(values: Any, key: str, kind: _Kind) -> Any:
    """A value of an object; ValueError where it is missing or of another kind."""
    if not isinstance(values, dict):
        raise ValueError(Message("it holds {value} where an object is needed", value=_shown(values)))
    if key not in values:
        raise ValueError(Message("there is no {key}", key=key))
    what, holds = kind
    if not holds(values[key]):
        raise ValueError(Message("{key} must be {what}, not {value}", key=key, what=what, value=_shown(values[key])))
    return values[key]


def _shown(value: Any) -> str:
    """A value as a sentence shows it: short ones themselves, of others what they are."""
    if isinstance(value, dict):
        return Message("an object")
    text = repr(value)
    if len(text) <= 40:
        return text
    return Message("a list") if isinstance(value, list) else Message("a long value")
