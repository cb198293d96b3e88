"""The metadata of an ONNX file, read without the onnx package."""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Union

from ..errors import InputError
from ..types import PathLike

Buffer = Union[bytes, mmap.mmap]


@contextlib.contextmanager
def opened(path: PathLike) -> Iterator[Buffer]:
    """The content of a model file; InputError, naming it, when it can't be read or isn't a complete ONNX model."""
    name = os.fspath(path)
    require_file(name)
    try:
        with open(name, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content
    except OSError as error:
        raise InputError("The model file {name} can't be read ({error}).", name=name, error=error) from None
    except ValueError:
        raise InputError(
            "{name} is not an ONNX model, or it is damaged. Download or export it again.", name=name
        ) from None


def require_file(path: PathLike) -> None:
    """InputError for a model file that isn't named, doesn't exist or is a folder or another thing than a file."""
    name = os.fspath(path)
    if not name.strip():
        raise InputError("No model file is named. Choose one.")
    try:
        mode = Path(name).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise InputError("The model file {name} doesn't exist.", name=name) from None
    except (OSError, ValueError) as error:
        raise InputError("The model file {name} can't be read ({error}).", name=name, error=error) from None
    if stat.S_ISDIR(mode):
        raise InputError("{name} is a folder, and a model is a file. Choose the file.", name=name)
    if not stat.S_ISREG(mode):
        raise InputError("{name} is no file. Choose a model file.", name=name)


def read_metadata(path: PathLike) -> dict[str, str]:
    """All texts that an ONNX file carries, by name; InputError for a file that is absent, unreadable, none, or
    that carries two texts of one name."""
    with opened(path) as content:
        texts = _onnx_metadata(content)
    metadata: dict[str, str] = {}
    for name, text in texts:
        if metadata.setdefault(name, text) != text:
            raise InputError(
                "{path} carries {key} twice in its metadata, with different contents. Export the model again.",
                path=os.fspath(path),
                key=name,
            )
    return metadata


# Field numbers of onnx.proto: ModelProto.ir_version, .graph, .metadata_props; StringStringEntryProto.key, .value.
_IR_VERSION, _GRAPH, _METADATA, _KEY, _VALUE = 1, 7, 14, 1, 2


def _onnx_metadata(content: Buffer) -> list[tuple[str, str]]:
    """The metadata_props of an ONNX model; ValueError when the bytes aren't one, or end early."""
    seen: set[int] = set()
    metadata = []
    for number, start, stop in protobuf_fields(content, 0, len(content)):
        seen.add(number)
        if number == _METADATA:
            entry = content[start:stop]
            parts = {key: entry[first:last] for key, first, last in protobuf_fields(entry, 0, len(entry))}
            metadata.append((parts.get(_KEY, b"").decode(), parts.get(_VALUE, b"").decode()))
    if not {_IR_VERSION, _GRAPH} <= seen:
        raise ValueError("not an ONNX model")
    return metadata


def protobuf_fields(content: Buffer, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(field number, start, stop) of each field of a protobuf message, skipping over the contents.

    See protobuf.dev/programming-guides/encoding. ValueError for what isn't a complete message.
    """
    while position < end:
        tag, position = _varint(content, position, end)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == 0:
            start, position = position, _varint(content, position, end)[1]
        elif wire_type == 2:
            length, start = _varint(content, position, end)
            position = start + length
        elif wire_type in (1, 5):
            start, position = position, position + (8 if wire_type == 1 else 4)
        else:
            raise ValueError("unknown wire type")
        if number == 0 or position > end:
            raise ValueError("incomplete message")
        yield number, start, position


def _varint(content: Buffer, position: int, end: int) -> tuple[int, int]:
    """The variable-length integer at the position, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            break
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("incomplete integer")
