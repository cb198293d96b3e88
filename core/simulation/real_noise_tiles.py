"""Training tiles whose noise is real: landslides on slopes, seen through fields of other places' rates."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..satellite import SENTINEL1_WAVELENGTH, Viewing, to_los_rate, to_phase_rate
from ..types import Array, PathLike
from .atmosphere import smooth, smoothstep
from .landslides import LANDSLIDES_PER_KM2
from .network import PairNetwork
from .real_noise import DrawnNoise, NoiseDraws, NoiseField, draw_noise, read_noise_fields
from .surface import LandCover, lost_cycle_rate, motion_coherence
from .terrain import Terrain
from .tiles import Tile, TileGenerator

_DRAWS = NoiseDraws()
_OTHER_MOTION = 0.5
_FAST, _ALIASED = 50.0, 20.0


class RealNoiseTiles(TileGenerator):
    """Tile number ``index`` of the endless set of ``seed``: ground and landslides simulated, noise real.

    ``fields``: a folder with ``fields.json``, of which those of ``roles`` are used (see real_noise). ``draws``: how
    crops of them become noise. ``added_air``: share of tiles that get a delay by height and a ramp on top. The layers
    standard_error, coherence and closure are NaN where a field has none. Raises InputError at the first tile for
    fields that can't be used.
    """

    def __init__(
        self,
        fields: PathLike,
        dem_paths: PathLike | Sequence[PathLike] | None = (),
        seed: int = 1,
        size: int = 256,
        pixel_size: float = 30.0,
        roles: Collection[str] = ("train",),
        draws: NoiseDraws = _DRAWS,
        added_air: float = 0.3,
        landslides_per_km2: float = LANDSLIDES_PER_KM2,
    ) -> None:
        super().__init__(seed, size, pixel_size, dem_paths, landslides_per_km2=landslides_per_km2)
        self.fields, self.roles, self.draws, self.added_air = fields, tuple(roles), draws, added_air
        self._fields: list[NoiseField] = []
        self._drawn: DrawnNoise | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_fields": [], "_drawn": None}

    def __call__(self, index: int) -> Tile:
        """Tile number ``index`` ≥ 0."""
        tile = super().__call__(index)
        assert self._drawn is not None
        told = {"noise": self._drawn.fields, "noise_gain": self._drawn.gain}
        return replace(tile, metadata={**tile.metadata, **told})

    def _other_motion(self, rng: np.random.Generator, terrain: Terrain, viewing: Viewing) -> Array:
        """That of other tiles, but rarer: the fields have some of their own."""
        if rng.random() < _OTHER_MOTION:
            return super()._other_motion(rng, terrain, viewing)
        return np.zeros_like(terrain.dem)

    def _measured(
        self,
        rng: np.random.Generator,
        terrain: Terrain,
        viewing: Viewing,
        hidden: NDArray[np.bool_],
        motion: Array,
        network: PairNetwork,
        cover: LandCover,
    ) -> tuple[dict[str, Array], Array]:
        """The layers: real noise plus what moves (``motion``, mm/yr toward), and the real phase rate."""
        if not self._fields:
            self._fields = read_noise_fields(self.fields, self.roles)
        self._drawn = draw_noise(rng, self._fields, self.size, self.pixel_size, self.draws)
        noise = dict(self._drawn.layers)
        air = self._air(rng, terrain, network)
        phase = noise["phase_rate"] + air
        # The LOS rate of every other tile is filtered like the source's, that of the others has all of the air.
        los = noise["los_rate"] if rng.random() < 0.5 else to_los_rate(noise["phase_rate"])
        los = self._lightly_filtered(rng, los + to_los_rate(air))
        signal, kept = self._seen_motion(rng, motion, network)
        noise["coherence"] = noise["coherence"] * kept
        phase, los = phase + signal, los + to_los_rate(signal)
        gaps = ~np.isfinite(phase)
        if rng.random() < 0.5:
            gaps |= hidden
        limit = rng.uniform(0.15, 0.5)
        with np.errstate(invalid="ignore"):
            los[gaps | (noise["coherence"] < limit)] = np.nan
        for values in (phase, *noise.values()):
            values[gaps] = np.nan
        middle = np.nanmedian(los) if np.isfinite(los).any() else 0.0
        noise["phase_rate"] = phase + np.float32(rng.uniform(-5, 5))
        noise["los_rate"] = los - np.float32(middle + rng.normal(0, 1.5))
        seen = np.where(gaps, np.float32(0), np.nan_to_num(self._drawn.layers["phase_rate"] + air))
        return {**noise, "dem": terrain.dem, "slope": terrain.slope}, seen

    def _lightly_filtered(self, rng: np.random.Generator, los_rate: Array) -> Array:
        """A LOS rate (mm/yr) without a part of what is wide in it, sometimes."""
        if rng.random() < 0.5:
            return los_rate
        known = np.isfinite(los_rate)
        width = math.exp(rng.uniform(math.log(500), math.log(3000))) / self.pixel_size
        total, weight = smooth(np.where(known, los_rate, 0), width), smooth(known, width)
        wide: Array = total / np.maximum(weight, np.float32(1e-3))
        return los_rate - np.float32(rng.uniform(0.2, 0.95)) * wide

    def _seen_motion(self, rng: np.random.Generator, motion: Array, network: PairNetwork) -> tuple[Array, Array]:
        """The phase rate (rad/yr) that pairs make of a LOS rate, and the share of coherence that is left."""
        signal, kept = to_phase_rate(motion), np.ones_like(motion)
        if float(np.abs(motion).max()) > _FAST:
            days, counts = network.interval_groups()
            each = [motion_coherence(motion, float(day), SENTINEL1_WAVELENGTH) for day in days]
            kept = np.average(each, axis=0, weights=counts).astype(np.float32)
        if float(np.abs(signal).max()) > _ALIASED:
            patchy = smoothstep(self._pools["shapes"].draw(rng, self.size), -0.2, 0.8)
            signal += lost_cycle_rate(signal, network) * patchy
        return signal, kept

    def _air(self, rng: np.random.Generator, terrain: Terrain, network: PairNetwork) -> Array:
        """Delay by height and a ramp (rad/yr) that the fields, of other ground, don't have."""
        if rng.random() >= self.added_air:
            return np.zeros_like(terrain.dem)
        stratified = math.exp(rng.uniform(math.log(0.5), math.log(4))) * network.date_gain * rng.normal(0, 1)
        across = (np.arange(self.size, dtype=np.float32) - self.size / 2) * np.float32(self.pixel_size / 10_000)
        slopes = rng.normal(0, 0.3, 2).astype(np.float32)
        heights = (terrain.dem - terrain.dem.mean()) / np.float32(1000)
        air: Array = heights * np.float32(stratified) + slopes[0] * across[:, None] + slopes[1] * across[None, :]
        return air
