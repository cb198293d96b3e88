"""What is no landslide but looks as if it were: ground that moves for other reasons, and ground that seems to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..satellite import Viewing
from ..types import Array
from .atmosphere import FieldPool
from .biased_patches import draw_snow, draw_vegetation
from .deep_sources import draw_fault, draw_groundwater_bowl, draw_volcanic_source
from .deposits import draw_debris_cone, draw_fan, draw_peat, draw_soil, draw_valley_fill
from .glaciers import draw_glacier
from .ground import Ground, Patch
from .linear_works import draw_dam, draw_road
from .lost_cycle_blocks import draw_lost_cycle_block
from .mining import draw_dump, draw_longwall, draw_open_pit, draw_quarry
from .network import PairNetwork
from .terrain import Terrain


@dataclass(frozen=True)
class Occurrence:
    """How many of each kind are tried on 100 km², in the mean over many tiles; where no ground suits, none is placed.

    A tile's own rates are drawn: each kind's times a gamma variate of mean 1 and standard deviation ``spread``, so
    that most tiles hold none of a kind and some hold several.
    """

    lost_cycle_block: float = 1.3
    glacier: float = 0.45
    snow: float = 0.2
    vegetation: float = 0.2
    longwall: float = 0.15
    open_pit: float = 0.15
    quarry: float = 0.15
    dump: float = 0.2
    road: float = 0.4
    dam: float = 0.15
    fan: float = 0.3
    debris_cone: float = 0.3
    valley_fill: float = 0.25
    peat: float = 0.15
    soil: float = 0.2
    groundwater_bowl: float = 0.4
    volcanic_source: float = 0.12
    fault: float = 0.1
    spread: float = 1.5

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InputError("{name} is {value}; give a number from 0 on.", name=name, value=value)

    def counts(self, rng: np.random.Generator, area: float) -> dict[str, int]:
        """How many of each kind to try on a tile of ``area`` km²."""
        shape = 1 / max(self.spread, 1e-3) ** 2
        rates = rng.gamma(shape, 1 / shape, len(DRAWN)) * [getattr(self, kind) for kind in DRAWN]
        return {kind: int(count) for kind, count in zip(DRAWN, rng.poisson(rates * (area / 100)))}


DRAWN: dict[str, Callable[[np.random.Generator, Ground], list[Patch]]] = {
    "volcanic_source": draw_volcanic_source,
    "fault": draw_fault,
    "groundwater_bowl": draw_groundwater_bowl,
    "vegetation": draw_vegetation,
    "snow": draw_snow,
    "soil": draw_soil,
    "peat": draw_peat,
    "valley_fill": draw_valley_fill,
    "fan": draw_fan,
    "debris_cone": draw_debris_cone,
    "longwall": draw_longwall,
    "dump": draw_dump,
    "quarry": draw_quarry,
    "open_pit": draw_open_pit,
    "road": draw_road,
    "dam": draw_dam,
    "glacier": draw_glacier,
    "lost_cycle_block": draw_lost_cycle_block,
}
"""Each kind and what draws one, the widest first: where two meet, the later one names the pixel."""
OTHER_KINDS = ("none", *DRAWN)
OCCURRENCE = Occurrence()


@dataclass(frozen=True)
class OtherMotion:
    """What is no landslide in a tile; arrays of shape (h, w).

    ``los_rate``: true motion, mm/yr, positive toward. ``apparent_rate``: what lost cycles and surfaces without
    coherence add to the phase rate, rad/yr, positive away, and is no motion. ``coherence``: a factor, 0–1, for what
    isn't due to ``los_rate``. ``gaps``: no data. ``unclosed``: the share of triplets that don't close, 0–1.
    ``kind``: index into OTHER_KINDS, 0 for none.
    """

    los_rate: Array
    apparent_rate: Array
    coherence: Array
    gaps: NDArray[np.bool_]
    unclosed: Array
    kind: NDArray[np.uint8]


def draw_other_motion(
    rng: np.random.Generator,
    terrain: Terrain,
    viewing: Viewing,
    network: PairNetwork,
    shapes: FieldPool,
    occurrence: Occurrence = OCCURRENCE,
) -> OtherMotion:
    """Other motion of every kind, as often as ``occurrence`` says; ``shapes`` is as large as the terrain at least."""
    return other_motion_on(rng, Ground(terrain, shapes, viewing, network), occurrence)


def other_motion_on(rng: np.random.Generator, ground: Ground, occurrence: Occurrence = OCCURRENCE) -> OtherMotion:
    """The same on ground whose units and valleys are known already."""
    dem, size = ground.terrain.dem, ground.terrain.pixel_size
    counts = occurrence.counts(rng, dem.size * (size / 1000) ** 2)
    patches = [
        (number, patch)
        for number, (kind, draw) in enumerate(DRAWN.items(), 1)
        for _ in range(counts[kind])
        for patch in draw(rng, ground)
    ]
    return _put_together(dem.shape, patches)


def _put_together(shape: tuple[int, ...], patches: list[tuple[int, Patch]]) -> OtherMotion:
    los_rate, apparent_rate, unclosed = (np.zeros(shape, np.float32) for _ in range(3))
    coherence, gaps, kind = np.ones(shape, np.float32), np.zeros(shape, np.bool_), np.zeros(shape, np.uint8)
    for number, patch in patches:
        window = patch.window
        kind[window][patch.where] = number
        if patch.los_rate is not None:
            los_rate[window] += patch.los_rate
        if patch.apparent_rate is not None:
            apparent_rate[window] += patch.apparent_rate
        if patch.coherence is not None:
            coherence[window] *= patch.coherence
        if patch.gaps is not None:
            gaps[window] |= patch.gaps
        if patch.unclosed is not None:
            unclosed[window] = 1 - (1 - unclosed[window]) * (1 - patch.unclosed)
    return OtherMotion(los_rate, apparent_rate, coherence, gaps, unclosed, kind)
