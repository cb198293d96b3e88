"""The plugin without a window, once for all tests of a process: QGIS keeps one provider of an id and deletes others."""

from __future__ import annotations

from collections.abc import Iterator

from ada_mapper.plugin import AdaMapperPlugin

_loaded: list[AdaMapperPlugin] = []


def shared_plugin() -> Iterator[AdaMapperPlugin]:
    """The body of a session fixture: the plugin as qgis_process starts it."""
    if not _loaded:
        _loaded.append(AdaMapperPlugin(None))
        _loaded[0].initProcessing()
    yield _loaded[0]
    _loaded[0].unload()
