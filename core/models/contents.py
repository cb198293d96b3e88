"""What a model file holds, looked at before any library opens it: its operators, and the files that it refers to.

A file may come from anywhere. One with a loop may never come to an end, and one may name any file of the computer as
the place of its weights. Reads the file's outer structure only, without the onnx package.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..errors import InputError
from ..types import PathLike
from .metadata import Buffer, opened, protobuf_fields

_ENDLESS, _STANDARD = ("Loop", "Scan"), ("", "ai.onnx")
"""Operators that may never end, and the domains of ONNX' own."""
_MOST_NODES, _DEEPEST = 1_000_000, 200
"""Steps of a network, and functions within functions."""
_GRAPH = ("", "")
"""What stands for the graph where others are called by the name of their function."""
_LARGEST = 2**31
"""Bytes of a model that protobuf can hold in one piece."""

# The messages of onnx.proto that hold other messages: field number → what it holds. A tensor holds the names of files.
_TENSOR = "tensor"
_MESSAGES: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: _TENSOR, 15: "sparse tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: _TENSOR, 6: "graph", 10: _TENSOR, 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: _TENSOR, 2: _TENSOR},
    _TENSOR: {13: "entry"},
}
_OPERATOR, _DOMAIN, _FUNCTION_NAME, _FUNCTION_DOMAIN = 4, 7, 1, 10


@dataclass
class _Contents:
    """``external``: what each tensor outside of the file tells of its place. ``calls``: by function ("" for the
    graph), how often it uses each operator (domain, name)."""

    external: list[dict[str, str]] = field(default_factory=list)
    calls: dict[tuple[str, str], dict[tuple[str, str], int]] = field(default_factory=dict)


def require_harmless(path: PathLike) -> tuple[Path, ...]:
    """The files beside a model that hold weights of it; none for most models.

    InputError, naming the file, when it can't be read or is no model, holds a loop, grows without measure when its
    functions are put in place, or keeps weights in a file that is missing, too short or outside of its folder.
    """
    name = os.fspath(path)
    with opened(name) as content:
        contents = _read(content)
    operators = {operator for used in contents.calls.values() for domain, operator in used if domain in _STANDARD}
    for operator in _ENDLESS:
        if operator in operators:
            raise InputError(
                "{name} holds a loop ({operator}), of which nobody can tell whether it ends. Export the network "
                "without loops.",
                name=name,
                operator=operator,
            )
    if _size(contents) > _MOST_NODES:
        raise InputError("{name} has more than a million steps: it is damaged, or no network for tiles.", name=name)
    return tuple(dict.fromkeys(_file_of(name, entry) for entry in contents.external))


def require_in_one_piece(path: PathLike, files: tuple[Path, ...]) -> None:
    """InputError for a model that, with these files of weights, is more than a file can hold."""
    if sum(file.stat().st_size for file in (Path(path), *files)) >= _LARGEST:
        raise InputError(
            "{path} has more than 2 GB of weights, which a model file can't hold. Choose a smaller network.",
            path=os.fspath(path),
        )


def _read(content: Buffer) -> _Contents:
    contents = _Contents()
    todo: list[tuple[str, int, int, tuple[str, str]]] = [("model", 0, len(content), _GRAPH)]
    while todo:
        kind, start, stop, owner = todo.pop()
        if kind == "function":
            owner = _texts(content, start, stop, _FUNCTION_DOMAIN, _FUNCTION_NAME)
        elif kind == "node":
            used = contents.calls.setdefault(owner, {})
            operator = _texts(content, start, stop, _DOMAIN, _OPERATOR)
            used[operator] = used.get(operator, 0) + 1
        inside = _MESSAGES[kind]
        entries: dict[str, str] = {}
        for number, first, last in protobuf_fields(content, start, stop):
            if number not in inside:
                continue
            if kind == _TENSOR:
                key, value = _texts(content, first, last, 1, 2)
                entries[key] = value
            else:
                todo.append((inside[number], first, last, owner))
        if entries:
            contents.external.append(entries)
    return contents


def _texts(content: Buffer, start: int, stop: int, first: int, second: int) -> tuple[str, str]:
    """Two texts of a message by their field numbers, "" where they are absent."""
    wanted = [part for part in protobuf_fields(content, start, stop) if part[0] in (first, second)]
    found = {number: content[begin:end] for number, begin, end in wanted}
    return found.get(first, b"").decode(errors="replace"), found.get(second, b"").decode(errors="replace")


def _size(contents: _Contents) -> int:
    """How many nodes the graph has once its functions are put in place; too many for those that call themselves."""
    sizes: dict[tuple[str, str], int] = {}

    def size_of(name: tuple[str, str], depth: int) -> int:
        if depth > _DEEPEST:
            return _MOST_NODES + 1
        if name not in sizes:
            sizes[name] = _MOST_NODES + 1  # what a function that leads back here finds
            used = contents.calls[name].items()
            sizes[name] = sum(n * (size_of(other, depth + 1) if other in contents.calls else 1) for other, n in used)
        return sizes[name]

    return size_of(_GRAPH, 0) if _GRAPH in contents.calls else 0


def _file_of(name: str, entry: Mapping[str, str]) -> Path:
    """The file that holds a tensor; InputError where it can't be used."""
    location = entry.get("location", "")
    folder = Path(name).absolute().parent
    parts = (*PurePosixPath(location).parts, *PureWindowsPath(location).parts)
    leaves = ".." in parts or PurePosixPath(location).is_absolute() or bool(PureWindowsPath(location).anchor)
    try:
        file = (folder / location).resolve()
        if leaves or not location or folder.resolve() not in file.parents:
            raise ValueError(location)
        size = file.stat().st_size if file.is_file() else -1
        begin = int(entry.get("offset") or 0)
        end = begin + int(entry.get("length") or 0)
    except (OSError, RuntimeError, ValueError):
        raise InputError(
            "{name} keeps weights outside of its folder or at no usable place ({location!r}), which is refused. "
            "Export the network as one file.",
            name=name,
            location=location[:200],
        ) from None
    if size < 0:
        raise InputError(
            "{name} keeps its weights in the file {location}, which is not beside it. Put both into one folder.",
            name=name,
            location=location,
        )
    if not 0 <= begin <= end <= size:
        raise InputError(
            "{location}, the weights of {name}, is not complete. Copy both again.", name=name, location=location
        )
    return file
