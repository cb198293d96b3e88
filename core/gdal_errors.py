"""GDAL, OGR and OSR raise their errors inside core, and nothing of that is left behind.

Without exceptions GDAL's Python bindings answer a failure with None or a code that nobody reads. But their switch is
not ours alone: QGIS and every other plugin of the process find it as the last one left it. So no file switches them on
when it is loaded. Every function of core that calls GDAL stands in ``gdal_raises()``, as a decorator or a block, and
behaves the same however the switch was. What only runs inside such a function needs none of its own, except in threads:
what map_ordered or another executor runs has its own.

From GDAL 3.7 on a block turns the switch for its thread alone. Before, the switch is one for the whole process, which
sees it on for as long as a block runs, in whatever thread; the last block puts it back. So blocks are short: around
calls of GDAL, not around a training. A generator must not yield inside a block, for its caller would go on inside it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from types import ModuleType


class _Blocks(threading.local):
    """How many blocks this thread is in."""

    depth = 0


class _Process:
    """The switch of the whole process, before GDAL 3.7: how many blocks run, and what they switched on."""

    lock = threading.Lock()
    blocks = 0
    switched: list[ModuleType] = []


_blocks = _Blocks()


@contextlib.contextmanager
def gdal_raises() -> Iterator[None]:
    """Errors of GDAL, OGR and OSR are raised as RuntimeError inside; afterwards the switch is as it was."""
    from osgeo import gdal, ogr, osr

    switch = _in_this_thread if hasattr(gdal, "ExceptionMgr") else _in_the_process
    with switch((gdal, ogr, osr)):
        _blocks.depth += 1
        try:
            yield
        finally:
            _blocks.depth -= 1


@contextlib.contextmanager
def quiet_gdal() -> Iterator[None]:
    """Keep GDAL's own messages off the console; errors are still raised."""
    from osgeo import gdal

    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        yield
    finally:
        gdal.PopErrorHandler()


def is_raising() -> bool:
    """Whether this thread is in a block."""
    return _blocks.depth > 0


@contextlib.contextmanager
def _in_this_thread(modules: tuple[ModuleType, ...]) -> Iterator[None]:
    if _blocks.depth:
        yield
        return
    managers = [module.ExceptionMgr() for module in modules]
    for manager in managers:
        manager.__enter__()
    try:
        yield
    finally:
        # Leaving raises an error that GDAL still remembers.
        modules[0].ErrorReset()
        for manager in reversed(managers):
            manager.__exit__(None, None, None)


@contextlib.contextmanager
def _in_the_process(modules: tuple[ModuleType, ...]) -> Iterator[None]:
    with _Process.lock:
        _Process.blocks += 1
        for module in modules:
            if not module.GetUseExceptions():
                module.UseExceptions()
                _Process.switched.append(module)
    try:
        yield
    finally:
        with _Process.lock:
            _Process.blocks -= 1
            if not _Process.blocks:
                _switch_back()


def _switch_back() -> None:
    """The last one first; one that GDAL refuses, because another was switched on after it, waits for the next time."""
    for module in reversed(_Process.switched):
        with contextlib.suppress(RuntimeError):
            module.DontUseExceptions()
    _Process.switched[:] = [module for module in _Process.switched if module.GetUseExceptions()]
