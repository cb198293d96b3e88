"""Training tiles whose noise is real: landslides on slopes, seen through fields of other places' rates."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ..models import IGNORED
from ..satellite import to_los_rate, to_phase_rate
from ..types import Array, Mask, PathLike
from .atmosphere import smooth
from .fast_motion import SeenMotion, seen_motion
from .landslides import LANDSLIDES_PER_KM2, ignore_drowned
from .network import PairNetwork
from .other_motion import DRAWN, OCCURRENCE, Occurrence, OtherMotion
from .rate_weights import RateWeights
from .real_noise import DrawnNoise, NoiseDraws, NoiseField, draw_noise, read_noise_fields
from .terrain import Terrain
from .tiles import Tile, landslide_facts, seen_share
from .wide_scene import WideScenes

_DRAWS = NoiseDraws()
RARER = Occurrence(**{kind: 0.5 * getattr(OCCURRENCE, kind) for kind in DRAWN})
"""Half of what is no landslide elsewhere."""
_MASKED = 0.25


class RealNoiseTiles(WideScenes):
    """Tile number ``index`` of the endless set of ``seed``: ground and landslides simulated, noise real.

    ``fields``: a folder with ``fields.json``, of which those of ``roles`` are used (see real_noise). ``draws``: how
    crops of them become noise. ``added_air``: share of tiles that get a delay by height and a ramp on top.
    ``occurrence``: of what is no landslide; less than elsewhere, since the fields have some of their own. The layers
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
        occurrence: Occurrence = RARER,
        landslides_per_km2: float = LANDSLIDES_PER_KM2,
    ) -> None:
        super().__init__(seed, size, pixel_size, dem_paths, landslides_per_km2=landslides_per_km2)
        self.fields, self.roles, self.draws, self.added_air = fields, tuple(roles), draws, added_air
        self.occurrence = occurrence
        self._fields: list[NoiseField] = []

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_fields": []}

    def __call__(self, index: int) -> Tile:
        """Tile number ``index`` ≥ 0."""
        if not self._fields:
            self._fields = read_noise_fields(self.fields, self.roles)
        rng = np.random.default_rng([self.seed, 41, index])
        terrain, region, source = self._terrain(rng)
        moves = self._scene(rng, terrain, self.occurrence)
        viewing, network, landslides, slides = moves.viewing, moves.network, moves.landslides, moves.slides
        hidden, other = moves.hidden, moves.other
        noise = draw_noise(rng, self._fields, self.size, self.pixel_size, self.draws)
        moving = to_phase_rate(slides + other.los_rate)
        weights = RateWeights.equation_1(network)
        seen = seen_motion(rng, moving, landslides.identity, landslides.count, weights, self._pools["shapes"])
        air = self._air(rng, terrain, network)
        layers = self._layers(rng, hidden, seen, other, noise, air)
        layers["dem"], layers["slope"] = terrain.dem, terrain.slope
        layers["los_sensitivity"] = seen_share(rng, terrain, viewing)
        errors = np.nan_to_num(noise.layers["phase_rate"] + air)
        label, prominence = ignore_drowned(moves.label, landslides, to_phase_rate(slides), errors, self.pixel_size)
        label[np.isnan(layers["phase_rate"]) & (label == 1)] = IGNORED
        metadata = {
            **self._facts(index, region, source, viewing),
            "noise": noise.fields,
            "noise_gain": noise.gain,
            **landslide_facts(landslides, moves.peaks, prominence),
            "kinds": landslides.kinds,
        }
        return Tile(layers, label, slides, other.los_rate, self.pixel_size, metadata, other.kind)

    def _layers(
        self,
        rng: np.random.Generator,
        hidden: Mask,
        seen: SeenMotion,
        other: OtherMotion,
        noise: DrawnNoise,
        air: Array,
    ) -> dict[str, Array]:
        """The layers that are measured; ``air`` (rad/yr) is what comes on top of the noise's own."""
        signal = seen.phase_rate + other.apparent_rate
        phase = noise.layers["phase_rate"] + air + signal
        # The LOS rate of every other tile is filtered like the source's, that of the others has all of the air.
        own = noise.layers["los_rate"] if rng.random() < 0.5 else to_los_rate(noise.layers["phase_rate"])
        los = self._lightly_filtered(rng, own + to_los_rate(air)) + to_los_rate(signal)
        coherence = noise.layers["coherence"] * seen.coherence * other.coherence
        gaps = ~np.isfinite(phase) | other.gaps
        if rng.random() < 0.5:
            gaps |= hidden
        # Each processor's coherence has a scale of its own: no limit takes more than a part of a tile.
        limit = rng.uniform(0.15, 0.5)
        if np.isfinite(coherence).any():
            limit = min(limit, float(np.nanquantile(coherence[::4, ::4], _MASKED)))
        los[gaps | (coherence < limit)] = np.nan
        middle = np.nanmedian(los) if np.isfinite(los).any() else 0.0
        layers: dict[str, Array] = {
            "phase_rate": phase + np.float32(rng.uniform(-5, 5)),
            "los_rate": los - np.float32(middle + rng.normal(0, 1.5)),
            "standard_error": noise.layers["standard_error"].copy(),
            "coherence": coherence,
            "closure": np.float32(1) - (1 - noise.layers["closure"]) * (1 - other.unclosed) * (1 - seen.unclosed),
        }
        for values in layers.values():
            values[gaps] = np.nan
        return layers

    def _lightly_filtered(self, rng: np.random.Generator, los_rate: Array) -> Array:
        """A LOS rate (mm/yr) without a part of what is wide in it, sometimes."""
        if rng.random() < 0.5:
            return los_rate
        known = np.isfinite(los_rate)
        width = math.exp(rng.uniform(math.log(500), math.log(3000))) / self.pixel_size
        total, weight = smooth(np.where(known, los_rate, 0), width), smooth(known, width)
        wide: Array = total / np.maximum(weight, np.float32(1e-3))
        return los_rate - np.float32(rng.uniform(0.2, 0.95)) * wide

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
