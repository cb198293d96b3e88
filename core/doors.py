"""Doors: what a room names in its ``__init__`` is loaded when it is first asked for, and nothing before.

A room's ``__init__`` imports its names for the type checker only; this module reads those imports from its source, so
that each name stands there once. (The same idea as lazy_loader's ``attach_stub``, SPEC 1 of Scientific Python.)
"""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import Any, Callable


def opened_when_asked(room: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of the package ``room`` (PEP 562): imports the file of a name, hands the name over.

    AttributeError for names that the room's ``__init__`` doesn't import.
    """
    places: dict[str, str] = {}

    def attribute(name: str) -> Any:
        package = sys.modules[room]
        if not places and package.__file__ is not None:
            places.update(_places(Path(package.__file__).read_text(encoding="utf-8")))
        if name not in places:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        place = places[name]
        value = getattr(importlib.import_module(f"{room}.{place}"), name) if place else _file(room, name)
        setattr(package, name, value)
        return value

    return attribute


def _file(room: str, name: str) -> Any:
    return importlib.import_module(f"{room}.{name}")


def _places(source: str) -> dict[str, str]:
    """The file of each name that is imported from a file beside ``__init__``; "" for a whole file."""
    imports = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.level == 1)
    return {alias.name: node.module or "" for node in imports for alias in node.names}
