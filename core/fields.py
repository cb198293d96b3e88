"""Fields: the attributes of areas, sites and reports as tables that files and windows share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One attribute: its name, type ("int", "float" or "str"), unit ("" for none) and meaning."""

    name: str
    type: str
    unit: str
    description: str
