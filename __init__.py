"""ADA Mapper: active deformation areas of potential landslides from satellite radar."""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:
    """Called by QGIS when the plugin is loaded."""
    from ada_mapper.plugin import AdaMapperPlugin

    return AdaMapperPlugin(iface)
