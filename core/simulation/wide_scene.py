"""What moves in a tile of the wider world and how it is seen, whatever its noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..satellite import Viewing
from ..types import Array, Mask
from .ground import Ground
from .landslides import Landslides, landslide_los_rate
from .network import PairNetwork
from .other_motion import Occurrence, OtherMotion, other_motion_on
from .terrain import Terrain
from .tiles import TileGenerator, draw_network, draw_viewing
from .wide_landslides import draw_wide_landslides, label_whole_landslides


@dataclass(frozen=True)
class WideScene:
    """Landslides of all kinds and what is none, all (h, w).

    ``hidden``: in layover or shadow. ``slides``: the landslides' LOS rate (mm/yr, positive toward). ``label`` before
    the noise is known; ``peaks``: each landslide's.
    """

    viewing: Viewing
    network: PairNetwork
    hidden: Mask
    landslides: Landslides
    slides: Array
    label: NDArray[np.uint8]
    peaks: Array
    other: OtherMotion


class WideScenes(TileGenerator):
    """A generator of tiles whose ground moves as in the wider world."""

    def _scene(self, rng: np.random.Generator, terrain: Terrain, occurrence: Occurrence) -> WideScene:
        viewing, network = draw_viewing(rng), draw_network(rng)
        hidden = viewing.hidden(terrain.dem, terrain.pixel_size)
        ground = Ground(terrain, self._pools["shapes"], viewing, network)
        landslides = draw_wide_landslides(rng, ground, self._landslide_count(rng))
        slides = landslide_los_rate(landslides, terrain, viewing)
        label, peaks = label_whole_landslides(landslides, slides, hidden, self.pixel_size)
        other = other_motion_on(rng, ground, occurrence)
        return WideScene(viewing, network, hidden, landslides, slides, label, peaks, other)
