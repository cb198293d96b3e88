"""Scenes and tiles with a known truth, and landslides put into real rates.

Enters: a seed, a DEM, real rates; nothing that was learned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .atmosphere import smooth
    from .held_apart import HeldApartTile, SecondFamilyInRealNoise, SecondFamilyTiles
    from .landslides import LANDSLIDES_PER_KM2
    from .real_noise import NoiseDraws
    from .real_noise_tiles import RealNoiseTiles
    from .scene import SceneOptions
    from .semi_real import SemiRealOptions, simulate_semi_real
    from .semi_real_tiles import SemiRealTiles
    from .stack import simulate_scene
    from .surface import LandCover
    from .terrain import Terrain
    from .tiles import Tile, TileGenerator
    from .wide_tiles import WideTiles
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "LANDSLIDES_PER_KM2",
    "HeldApartTile",
    "LandCover",
    "NoiseDraws",
    "RealNoiseTiles",
    "SceneOptions",
    "SecondFamilyInRealNoise",
    "SecondFamilyTiles",
    "SemiRealOptions",
    "SemiRealTiles",
    "Terrain",
    "Tile",
    "TileGenerator",
    "WideTiles",
    "simulate_scene",
    "simulate_semi_real",
    "smooth",
]
