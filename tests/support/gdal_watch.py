"""Sees every call of GDAL that core makes, and whether an error of it would be raised or go unseen."""

from __future__ import annotations

import contextlib
import functools
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import BuiltinFunctionType
from typing import Any

CORE = str(Path(__file__).resolve().parents[2] / "core") + "/"
# They neither fail nor depend on the switch; it is read and set with them.
_HARMLESS = (
    "UseExceptions",
    "ExceptionsLocal",
    "ErrorReset",
    "ErrorHandler",
    "GetLastError",
    "delete_",
    "swigregister",
    "CacheMax",
    "ConfigOption",
)


def switches() -> tuple[bool, ...]:
    """Whether GDAL, OGR and OSR raise exceptions, once nothing runs in the background any more that turns them.

    Asked inside a block, it tells at once.
    """
    from osgeo import gdal, ogr, osr

    from ada_mapper.core.gdal_errors import _Process, is_raising

    deadline = time.monotonic() + 20
    while True:
        # The lock keeps a block of another thread from beginning between the questions.
        with _Process.lock:
            if not _Process.blocks or is_raising() or time.monotonic() > deadline:
                return tuple(bool(module.GetUseExceptions()) for module in (gdal, ogr, osr))
        time.sleep(0.01)


@contextlib.contextmanager
def unprotected_calls() -> Iterator[set[str]]:
    """The places of core that call GDAL outside gdal_raises(), gathered inside the block."""
    from osgeo import _gdal, _gdal_array, _ogr, _osr

    found: set[str] = set()
    before = [(module, dict(vars(module))) for module in (_gdal, _gdal_array, _ogr, _osr)]
    for module, names in before:
        for name, function in names.items():
            if isinstance(function, BuiltinFunctionType) and not any(word in name for word in _HARMLESS):
                setattr(module, name, _watched(function, found))
    try:
        yield found
    finally:
        for module, names in before:
            for name, function in names.items():
                setattr(module, name, function)


def _watched(function: Any, found: set[str]) -> Any:
    @functools.wraps(function)
    def watched(*arguments: Any, **named: Any) -> Any:
        from ada_mapper.core.gdal_errors import is_raising

        if not is_raising():
            frame = sys._getframe(1)
            while frame.f_back is not None and "/osgeo/" in frame.f_code.co_filename:
                frame = frame.f_back
            if frame.f_code.co_filename.startswith(CORE):
                place = frame.f_code.co_filename[len(CORE) :]
                found.add(f"{place}:{frame.f_lineno} {frame.f_code.co_name} calls {function.__name__}")
        return function(*arguments, **named)

    return watched
