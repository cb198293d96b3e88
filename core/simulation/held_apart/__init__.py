"""A second family of scenes, for judging only: nothing of it is ever learned from.

Landslides, other motion and noise are constructed in other ways than those of the outer room, of which only terrain,
networks of pairs and the form of a tile are used. What a model scores here tells how it holds where the simulator that
it was trained on made nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...doors import opened_when_asked

if TYPE_CHECKING:
    from .bodies import KINDS, Body
    from .fast import FastEarthflows
    from .fields import JudgingField, read_judging_fields
    from .surroundings import OTHER_KINDS
    from .tiles import HeldApartTile, SecondFamilyInRealNoise, SecondFamilyTiles
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "KINDS",
    "OTHER_KINDS",
    "Body",
    "FastEarthflows",
    "HeldApartTile",
    "JudgingField",
    "SecondFamilyInRealNoise",
    "SecondFamilyTiles",
    "read_judging_fields",
]
