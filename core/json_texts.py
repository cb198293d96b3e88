"""JSON of files that may come from anywhere."""

from __future__ import annotations

import json
from typing import Any

from .texts import Message

_DEEPEST = 100


def read_json(text: str | bytes) -> Any:
    """What a JSON text holds; ValueError for one that is none, names a key twice or is nested too deeply to be used."""
    try:
        value = json.loads(text, object_pairs_hook=_once_each)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise ValueError(Message("it is damaged in line {line}, or no JSON", line=error.lineno)) from None
    level = [value]
    for _ in range(_DEEPEST):
        lists = [part for part in level if isinstance(part, list)]
        objects = [part for part in level if isinstance(part, dict)]
        level = [inside for part in (*lists, *(list(part.values()) for part in objects)) for inside in part]
        if not level:
            return value
    raise ValueError(_TOO_DEEP)


_TOO_DEEP = Message("it is nested too deeply")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(Message("{key} is there twice", key=key))
        values[key] = value
    return values
