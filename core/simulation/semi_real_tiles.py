"""Training tiles with a region's own noise: crops of real rates over slopes, with landslides added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..channels import ChannelKind, read_layer
from ..errors import InputError
from ..progress import QUIET
from ..satellite import SENTINEL1_WAVELENGTH, Viewing, to_phase_rate
from ..types import Array, PathLike
from .landslides import LANDSLIDES_PER_KM2
from .network import PairNetwork
from .real_ground import reflected
from .real_noise import full_window
from .real_rates import pixels_of, read_rates
from .surface import LandCover
from .terrain import Terrain
from .tiles import Tile, TileGenerator

_ENOUGH = 0.5
_OF_THE_NETWORK = ("years", "pairs", "date_gain")


class SemiRealTiles(TileGenerator):
    """Tile number ``index`` of the endless set of ``seed``: terrain and landslides as in TileGenerator, noise real.

    The rates of a tile are a random crop of ``phase_rate`` (and of ``los_rate``, else equation 2 of the phase rate
    without its median), flipped east–west at random and mirrored at its edges where it is smaller than a tile, plus
    the rate of the landslides. Whatever moves in the real rates counts as noise, except in ``excluded`` (WKT in
    ``excluded_crs``), which is made a hole. ``coherence``: of the same place; without it a tile's coherence is NaN.
    ``noise`` multiplies the real rates; labels are those of 1. The rates are read as they are where their pixels are
    within a fifth of ``pixel_size``. Raises InputError at the first tile for rates that can't be used.
    """

    def __init__(
        self,
        phase_rate: PathLike,
        dem_paths: PathLike | Sequence[PathLike] | None = (),
        seed: int = 1,
        size: int = 256,
        pixel_size: float = 30.0,
        los_rate: PathLike | None = None,
        coherence: PathLike | None = None,
        excluded: str = "",
        excluded_crs: str = "",
        landslides_per_km2: float = LANDSLIDES_PER_KM2,
        noise: float = 1.0,
    ) -> None:
        super().__init__(seed, size, pixel_size, dem_paths, landslides_per_km2=landslides_per_km2, noise=noise)
        self.phase_rate, self.los_rate, self.coherence = phase_rate, los_rate, coherence
        self.excluded, self.excluded_crs = excluded, excluded_crs
        self._real: dict[str, Array] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_real": {}}

    def __call__(self, index: int) -> Tile:
        """Tile number ``index`` ≥ 0."""
        tile = super().__call__(index)
        told = {name: value for name, value in tile.metadata.items() if name not in _OF_THE_NETWORK}
        return replace(tile, metadata={**told, "noise": Path(self.phase_rate).stem})

    def _other_motion(self, rng: np.random.Generator, terrain: Terrain, viewing: Viewing) -> Array:
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
        """The layers: real rates plus the landslides' (``motion``, mm/yr toward), and the real phase rate."""
        noise = self._crop(rng)
        phase_rate, los_rate = (np.float32(self.noise) * noise[name] for name in ("phase_rate", "los_rate"))
        layers = {
            "phase_rate": phase_rate + to_phase_rate(motion),
            "los_rate": los_rate + motion,
            "dem": terrain.dem,
            "slope": terrain.slope,
            "coherence": noise["coherence"],
        }
        middle = np.nanmedian(noise["phase_rate"])
        return layers, np.nan_to_num(noise["phase_rate"] - middle)

    def _crop(self, rng: np.random.Generator) -> dict[str, Array]:
        """The same window of all real layers: the first of a few that is half full, else the fullest."""
        if not self._real:
            self._real = self._read()
        known = np.isfinite(self._real["phase_rate"])
        window = full_window(rng, known, self.size, self.size, _ENOUGH)
        if not known[window].any():
            raise InputError(
                "{phase_rate} has hardly any data: no tile of {size} pixels holds some.",
                phase_rate=self.phase_rate,
                size=self.size,
            )
        step = -1 if rng.random() < 0.5 else 1
        return {name: np.ascontiguousarray(values[window][:, ::step]) for name, values in self._real.items()}

    def _read(self) -> dict[str, Array]:
        """The real layers at the tiles' pixel size, at least as large as a tile."""
        rates = read_rates(self.phase_rate, self.los_rate, QUIET, self.pixel_size)
        coherence = np.full_like(rates.phase_rate, np.nan)
        if self.coherence is not None:
            coherence = read_layer(ChannelKind.COHERENCE, self.coherence, rates.grid)
        scale = np.float32(rates.wavelength / SENTINEL1_WAVELENGTH)
        los_rate = rates.los_rate
        if self.los_rate is None:
            los_rate = los_rate - np.float32(np.nanmedian(los_rate))
        layers = {"phase_rate": rates.phase_rate * scale, "los_rate": los_rate, "coherence": coherence}
        if self.excluded:
            excluded = pixels_of(self.excluded, self.excluded_crs, rates.grid)
            for values in layers.values():
                values[excluded] = np.nan
        shape = self.size, self.size
        return {name: reflected(values.astype(np.float32), shape) for name, values in layers.items()}
