"""Sample sets: labelled tiles of a user's own region, written, read, split.

Enters: layers and labels; nothing of the networks that learn from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .facts import SET_FILE, SET_FORMAT, stored_unit
    from .plan import SampleOptions
    from .sample_set import INDEX_FILE, TILE_FOLDER, RepeatedTiles, SampleSet, SampleTile, StoredTiles
    from .scene import Polygons, SceneInputs
    from .writer import create_samples
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "INDEX_FILE",
    "SET_FILE",
    "SET_FORMAT",
    "TILE_FOLDER",
    "Polygons",
    "RepeatedTiles",
    "SampleOptions",
    "SampleSet",
    "SampleTile",
    "SceneInputs",
    "StoredTiles",
    "create_samples",
    "stored_unit",
]
