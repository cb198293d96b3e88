"""One large earthflow in quiet noise, its velocities scaled: how fast may it be and still be found?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...models import IGNORED
from ...satellite import DAYS_PER_YEAR, Viewing, to_los_rate, to_phase_rate
from ...types import Array, PathLike
from ..terrain import Terrain
from .bodies import Body, draw_flow
from .cosines import exponential_field, speckle
from .ground import Ground, drawn_viewing, given_sensitivity
from .pairs import motion_phases
from .tiles import HeldApartTile, Slides

PEAKS = (20.0, 80.0, 240.0, 480.0, 800.0, 2300.0)
"""Peak speeds along the line of sight, mm/yr."""
_INTERVALS = (6.0, 12.0, 12.0, 18.0, 24.0, 24.0, 36.0)
_LEAST_KM2, _LEAST_SEEN = 0.25, 0.3


@dataclass
class FastEarthflows:
    """Tile number ``index``: flow number index // 6 at the peak number index % 6 of PEAKS.

    ``aliased``: as unwrapped pairs of 6–36 days show it, else as it moves. Noise is 1 mm/yr of air and 0.7 of speckle.
    """

    seed: int
    dem_paths: Sequence[PathLike] = ()
    aliased: bool = True
    size: int = 256
    pixel_size: float = 30.0
    _ground: Ground | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_ground": None}

    def __call__(self, index: int) -> HeldApartTile:
        """Tile number ``index`` ≥ 0."""
        flow, peak = divmod(index, len(PEAKS))
        rng = np.random.default_rng([self.seed, 5503, flow])
        if self._ground is None:
            self._ground = Ground(self.seed, self.size, self.pixel_size, tuple(map(str, self.dem_paths)))
        terrain, region, viewing, body = self._flow(rng, self._ground)
        shape = terrain.dem.shape
        seen = np.abs(body.los_rate(viewing.to_satellite)).max()
        scaled = body.scaled(PEAKS[peak] * float(np.sqrt((body.velocity**2).sum(axis=0)).max() / seen))
        slides = Slides.of((scaled,), viewing, shape)
        signal, kept = to_phase_rate(slides.los_rate), np.ones(shape, np.float32)
        if self.aliased:
            intervals = np.array(_INTERVALS)
            years = intervals / DAYS_PER_YEAR
            pairs = motion_phases(rng, slides.los_rate, slides.identity, intervals)
            signal = np.einsum("i,ijk->jk", years, pairs.phases).astype(np.float32) / np.float32(years @ years)
            kept = pairs.coherence
        noise = exponential_field(rng, shape, self.pixel_size, 4000.0) + np.float32(0.7) * speckle(rng, shape, 0.8)
        phase_rate = signal + to_phase_rate(noise)
        hidden = viewing.hidden(terrain.dem, self.pixel_size)
        label = np.where(slides.identity > 0, np.where(hidden, IGNORED, 1), 0).astype(np.uint8)
        layers: dict[str, Array] = {
            "phase_rate": phase_rate,
            "los_rate": to_los_rate(phase_rate),
            "coherence": np.float32(0.7) * kept,
            "dem": terrain.dem,
            "slope": terrain.slope,
            "los_sensitivity": given_sensitivity(rng, terrain, viewing),
        }
        metadata = {"region": region, "orbit": viewing.orbit, "peak": PEAKS[peak], **slides.facts(self.pixel_size)}
        return HeldApartTile(
            layers,
            label,
            slides.los_rate,
            np.zeros_like(terrain.dem),
            self.pixel_size,
            metadata,
            identity=slides.identity,
            other_kinds=np.zeros(shape, np.uint8),
        )

    def _flow(self, rng: np.random.Generator, ground: Ground) -> tuple[Terrain, str, Viewing, Body]:
        """A large flow that the satellite sees well."""
        while True:
            terrain, region = ground.draw(rng)
            viewing = drawn_viewing(rng)
            for _ in range(10):
                body = draw_flow(rng, terrain, rng.uniform(0.4, 1.0))
                if body is None or body.inside.sum() * (terrain.pixel_size / 1000) ** 2 < _LEAST_KM2:
                    continue
                hidden = viewing.hidden(terrain.dem, terrain.pixel_size)[body.window]
                share = float(np.abs(body.los_rate(viewing.to_satellite)).max())
                speed = float(np.sqrt((body.velocity**2).sum(axis=0)).max())
                if share > _LEAST_SEEN * speed and (hidden & body.inside).sum() < 0.2 * body.inside.sum():
                    return terrain, region, viewing, body
