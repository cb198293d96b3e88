"""Training tiles: rates, terrain, coherence and labels of a simulated stack, drawn in closed form.

Eq. 1 is linear in the phases, so the noise of a whole stack is one random field per source, scaled by what the
network of pairs makes of it (network.py); no interferogram is ever made.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..raster import Grid
from ..satellite import (
    ASCENDING_HEADING,
    DAYS_PER_YEAR,
    DESCENDING_HEADING,
    SENTINEL1_WAVELENGTH,
    Viewing,
    to_los_rate,
    to_phase_rate,
)
from ..terrain import LEVEL_SLOPE
from ..types import Array, PathLike
from .atmosphere import FieldPool, random_view, smooth, smoothstep
from .landslides import (
    LANDSLIDES_PER_KM2,
    Landslides,
    bowl_los_rate,
    draw_bowl,
    draw_landslides,
    ignore_drowned,
    label_landslides,
    landslide_los_rate,
)
from .network import PairNetwork, regular_network
from .surface import (
    WATER,
    LandCover,
    draw_land_cover,
    estimated_coherence,
    lost_cycle_rate,
    motion_coherence,
    stack_noise_by_class,
    unit_speckle,
    unwrapping_errors,
)
from .terrain import Terrain, eroded_terrain, read_dem, with_plain
from .wide_landslides import label_whole_landslides

REAL_TERRAIN_SHARE = 0.75
# Tiles hold more landslides than land does, so that a network sees enough of them; some tiles hold a cluster.
CROWDING = 2.0
FADING_BY_CLASS = np.array([0.15, 0.8, 1.0, 1.0, 0.1, 0.0], np.float32)


_LARGEST_TILE = 4096


@dataclass(frozen=True)
class Tile:
    """A training sample.

    ``layers``: phase_rate (rad/yr, positive away, unfiltered), los_rate (mm/yr, positive toward, atmosphere
    reduced, NaN where coherence is low), dem (m), slope (degrees), coherence (0–1), los_sensitivity (−1 to 1); each
    float32 (h, w). ``label``: uint8 (h, w), 1 = active deformation area, 0 = none, 255 = neither. ``motion`` and
    ``other_motion``: the true LOS rates (mm/yr, positive toward) of landslides and of what moves but is none.
    ``other_kind``: uint8 (h, w), what a pixel is that is no landslide, an index into OTHER_KINDS; None where unknown.
    """

    layers: Mapping[str, Array]
    label: NDArray[np.uint8]
    motion: Array
    other_motion: Array
    pixel_size: float
    metadata: Mapping[str, Any]
    other_kind: NDArray[np.uint8] | None = None


@dataclass
class TileGenerator:
    """Makes tile number ``index`` of the endless set that ``seed`` stands for; the same pair, the same tile.

    ``dem_paths`` are DEM files of any CRS and resolution, or folders of GeoTIFFs; three tiles in four are cut
    from them, the others from generated terrain. Without them all terrain is generated. ``landslides_per_km2`` may
    be raised for training, so that fewer tiles are empty. ``noise`` multiplies all noise of the rates and
    ``atmosphere`` that of the air alone; labels stay those of 1 unless ``labels_follow_noise``. ``whole_labels``: areas
    are whole landslides, as those of the wider world. Pickles without its caches, so that every worker process fills
    its own.
    """

    seed: int
    size: int = 256
    pixel_size: float = 30.0
    dem_paths: PathLike | Sequence[PathLike] | None = ()
    terrain_count: int = 4
    landslides_per_km2: float = LANDSLIDES_PER_KM2
    noise: float = 1.0
    atmosphere: float = 1.0
    labels_follow_noise: bool = False
    whole_labels: bool = False
    _pools: dict[str, FieldPool] = field(default_factory=dict, repr=False)
    _terrains: list[Array] = field(default_factory=list, repr=False)
    _dems: list[tuple[Array, float, str]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        if not 64 <= self.size <= _LARGEST_TILE or not 5 <= self.pixel_size <= 200:
            raise InputError(
                "Simulated tiles have from 64 to {most} pixels a side, of 5–200 m each; not {size} of "
                "{pixel_size:g} m.",
                most=_LARGEST_TILE,
                size=self.size,
                pixel_size=self.pixel_size,
            )
        if self.seed < 0:
            raise InputError("The seed {seed} is negative; choose a whole number from 0 on.", seed=self.seed)
        self.dem_paths = _dem_files(self.dem_paths)
        extent = max(1024, 2 * self.size)
        self._pools = {
            "turbulence": FieldPool(self.seed, self.pixel_size, extent),
            "texture": FieldPool(self.seed + 1, self.pixel_size, extent, 6, (-2.4, -2.8), 900.0, 5_000.0),
            "shapes": FieldPool(self.seed + 2, self.pixel_size, extent, 4, (-2.8, -3.2), 600.0, 4_000.0),
        }

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_terrains": [], "_dems": []}

    def __call__(self, index: int) -> Tile:
        """Tile number ``index`` ≥ 0."""
        rng = np.random.default_rng([self.seed, 1, index])
        terrain, region, source = self._terrain(rng)
        viewing = draw_viewing(rng)
        hidden = viewing.hidden(terrain.dem, terrain.pixel_size)
        landslides = draw_landslides(rng, terrain, self._pools["shapes"], self._landslide_count(rng))
        slides = landslide_los_rate(landslides, terrain, viewing)
        if self.whole_labels:
            label, peaks = label_whole_landslides(landslides, slides, hidden, self.pixel_size)
        else:
            label, peaks = label_landslides(landslides, slides, hidden)
        other = self._other_motion(rng, terrain, viewing)
        network = draw_network(rng)
        cover = draw_land_cover(rng, terrain, self._pools["texture"])
        layers, noise = self._measured(rng, terrain, viewing, hidden, slides + other, network, cover)
        layers["los_sensitivity"] = seen_share(rng, terrain, viewing)
        label, prominence = ignore_drowned(label, landslides, to_phase_rate(slides), noise, self.pixel_size)
        metadata = {
            **self._facts(index, region, source, viewing),
            "years": float(network.days[-1] / DAYS_PER_YEAR),
            "pairs": len(network.first),
            "date_gain": network.date_gain,
            **landslide_facts(landslides, peaks, prominence),
        }
        return Tile(layers, label, slides, other, self.pixel_size, metadata)

    def _facts(self, index: int, region: str, source: str, viewing: Viewing) -> dict[str, Any]:
        """What the metadata of a tile tell of its place and view."""
        return {
            "seed": self.seed,
            "index": index,
            "region": region,
            "terrain": source,
            "heading": viewing.heading,
            "incidence": viewing.incidence,
            "orbit": viewing.orbit,
        }

    def _landslide_count(self, rng: np.random.Generator) -> int:
        expected = self.landslides_per_km2 * (self.size * self.pixel_size / 1000) ** 2
        return 0 if rng.random() < 0.08 else int(rng.poisson(expected * rng.gamma(1.5, CROWDING / 1.5)))

    def _terrain(self, rng: np.random.Generator) -> tuple[Terrain, str, str]:
        """A crop of real or generated ground, flipped, with its relief changed and sometimes a plain.

        Also the region that it is of, and what was done to it.
        """
        crop, region, source = None, "generated", "generated"
        if self.dem_paths and rng.random() < REAL_TERRAIN_SHARE:
            crop, region = self._dem_crop(rng)
            source = "dem"
        if crop is None:
            crop, region, source = self._generated_crop(rng), "generated", "generated"
        dem = random_view(rng, crop)
        kind = rng.random()
        lowest = np.float32(dem.min())
        if kind < 0.12:
            dem = lowest + (dem - lowest) * np.float32(math.exp(rng.uniform(math.log(0.005), math.log(0.12))))
            source += ", gentle"
        else:
            dem = lowest + (dem - lowest) * np.float32(rng.uniform(0.7, 1.4))
        if 0.12 < kind < 0.42:
            relief = self._pools["turbulence"].draw(rng, self.size) * np.float32(rng.uniform(2, 20))
            dem = with_plain(dem, rng.uniform(0.1, 0.7), rng.uniform(3, 25), relief)
            source += ", plain"
        return Terrain(np.ascontiguousarray(dem, np.float32), self.pixel_size), region, source

    def _generated_crop(self, rng: np.random.Generator) -> Array:
        if not self._terrains:
            source = np.random.default_rng([self.seed, 2])
            extent = max(768, 2 * self.size)
            self._terrains = [eroded_terrain(source, extent, self.pixel_size) for _ in range(self.terrain_count)]
        terrain = self._terrains[rng.integers(len(self._terrains))]
        row, column = rng.integers(0, terrain.shape[0] - self.size + 1, 2)
        return terrain[row : row + self.size, column : column + self.size]

    def _dem_crop(self, rng: np.random.Generator) -> tuple[Array | None, str]:
        """A crop without gaps and the name of its DEM, or None when eight tries hit gaps."""
        if not self._dems:
            for path in self.dem_paths:  # type: ignore[union-attr]
                dem = read_dem(path, self.pixel_size)
                if min(dem.shape) >= self.size:
                    own = Grid.of(path)
                    self._dems.append((dem, math.sqrt(own.width * own.height), Path(path).stem))
            if not self._dems:
                raise InputError(
                    "None of the given DEMs covers a tile of {size} × {size} pixels of "
                    "{pixel_size:g} m. Give a larger DEM, or none for generated terrain.",
                    size=self.size,
                    pixel_size=self.pixel_size,
                )
        weights = np.array([weight for _, weight, _ in self._dems])  # by real detail, not by resampled size
        for _ in range(8):
            dem, _, name = self._dems[rng.choice(len(weights), p=weights / weights.sum())]
            row = rng.integers(0, dem.shape[0] - self.size + 1)
            column = rng.integers(0, dem.shape[1] - self.size + 1)
            crop = dem[row : row + self.size, column : column + self.size]
            if np.isfinite(crop).all():
                return crop, name
        return None, ""

    def _other_motion(self, rng: np.random.Generator, terrain: Terrain, viewing: Viewing) -> Array:
        """LOS rate (mm/yr, toward) of what moves but is no landslide: bowls, heaves, fans and soils."""
        shapes = self._pools["shapes"]
        rate = np.zeros_like(terrain.dem)
        has_plain = float(terrain.level_ground.mean()) > 0.05
        bowls = int(rng.poisson(1.0)) if has_plain and rng.random() < 0.75 else 0
        for _ in range(bowls):
            vertical = draw_bowl(rng, terrain, shapes, uplift=rng.random() < 0.2)
            rate += bowl_los_rate(vertical, terrain.pixel_size, viewing, rng.uniform(0, 0.4))
        if rng.random() < 0.05:
            vertical = draw_bowl(rng, terrain, shapes, on_slopes=True)
            rate += bowl_los_rate(vertical, terrain.pixel_size, viewing, rng.uniform(0.1, 0.5))
        if rng.random() < 0.25:
            relative = smooth(terrain.dem - smooth(terrain.dem, 600 / self.pixel_size), 2.0)
            foot = smoothstep(relative, 0.0, -15.0) * smoothstep(terrain.slope, 14.0, 6.0)
            lobes = smoothstep(shapes.draw(rng, self.size), 0.2, 1.0)
            rate += foot * lobes * np.float32(rng.uniform(-9, 9))
        return rate

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
        """The layers that a stack over this ground would give, from its true LOS rate (mm/yr, toward).

        Also the noise of the phase rate (rad/yr) that labels are judged by.
        """
        looks = math.exp(rng.uniform(math.log(6), math.log(60)))
        deviation, mean_coherence = stack_noise_by_class(network, cover.climate, looks)
        coherence = mean_coherence[cover.classes] * cover.texture
        noise_level = deviation[cover.classes] / np.maximum(cover.texture, 0.3)
        if float(np.abs(motion).max()) > 50:
            days, counts = network.interval_groups()
            share = sum(
                motion_coherence(motion, float(day), SENTINEL1_WAVELENGTH) * np.float32(number / counts.sum())
                for day, number in zip(days, counts)
            )
            coherence *= share
            noise_level = noise_level + (1 - share) * np.float32(2.0)
        coherence[hidden] *= np.float32(0.45)
        noise_level[hidden] = np.maximum(noise_level[hidden] * 2, 0.5)
        coherence = np.clip(coherence, 0.02, 0.98)
        signal = to_phase_rate(motion)
        if float(np.abs(signal).max()) > 20:
            patchy = smoothstep(self._pools["shapes"].draw(rng, self.size), -0.2, 0.8)
            signal += lost_cycle_rate(signal, network) * patchy
        # Coarse products that are brought to finer pixels have noise as wide as their own.
        blur = rng.uniform(0.35, 1.3) if rng.random() < 0.85 else rng.uniform(1.3, 2.5)
        errors = noise_level * unit_speckle(rng, self.size, blur)
        errors += to_phase_rate(self._fading(rng, cover))
        errors += unwrapping_errors(rng, terrain, coherence, self._pools["texture"], network)
        air = self._atmosphere(rng, terrain, network.date_gain)
        noise = errors + air
        errors *= np.float32(self.noise)
        air *= np.float32(self.noise * self.atmosphere)
        if self.labels_follow_noise:
            noise = errors + air
        ground = signal + errors
        seen = estimated_coherence(coherence, math.exp(rng.uniform(math.log(15), math.log(200))))
        seen += rng.standard_normal(seen.shape, dtype=np.float32) * np.float32(rng.uniform(0.005, 0.04))
        seen = np.clip(seen, 0, 1).astype(np.float32)
        gaps = self._gaps(rng, cover, coherence, hidden)
        phase_rate = ground + air + np.float32(rng.uniform(-5, 5))
        phase_rate[gaps] = np.nan
        los_rate = self._filtered(rng, ground, air)
        los_rate[gaps | (seen < rng.uniform(0.15, 0.5))] = np.nan
        middle = np.nanmedian(los_rate) if np.isfinite(los_rate).any() else 0.0
        los_rate -= np.float32(middle + rng.normal(0, 1.5))
        layers = {
            "phase_rate": phase_rate.astype(np.float32),
            "los_rate": los_rate.astype(np.float32),
            "dem": terrain.dem,
            "slope": terrain.slope,
            "coherence": seen,
        }
        return layers, noise

    def _fading(self, rng: np.random.Generator, cover: LandCover) -> Array:
        """Bias (mm/yr) that short pairs leave, by land cover."""
        strength = rng.uniform(0, 8) if rng.random() < 0.6 else 0.0
        by_class = (rng.uniform(-1, 1, len(FADING_BY_CLASS)) * FADING_BY_CLASS * strength).astype(np.float32)
        return smooth(by_class[cover.classes], 0.8)

    def _atmosphere(self, rng: np.random.Generator, terrain: Terrain, gain: float) -> Array:
        """Turbulence, delay by height and a ramp (rad/yr) in a stack of this date gain."""
        turbulence = math.exp(rng.uniform(math.log(0.5), math.log(4))) * gain
        stratified = math.exp(rng.uniform(math.log(0.5), math.log(4))) * gain * rng.normal(0, 1)
        field_ = self._pools["turbulence"].draw(rng, self.size) * np.float32(turbulence)
        heights = (terrain.dem - terrain.dem.mean()) / np.float32(1000)
        field_ += heights * np.float32(stratified)
        across = (np.arange(self.size, dtype=np.float32) - self.size / 2) * np.float32(self.pixel_size / 10_000)
        slopes = rng.normal(0, 0.3, 2).astype(np.float32)
        field_ += slopes[0] * across[:, None] + slopes[1] * across[None, :]
        return field_

    def _filtered(self, rng: np.random.Generator, ground: Array, air: Array) -> Array:
        """LOS rate (mm/yr) after a filter by date has taken most of the long-wave atmosphere."""
        # Of a scene of 24 dates, the filter of 60 days and 2 km takes 25 % at 200 m and 50 % at 4 km.
        share = 0.0 if rng.random() < 0.15 else rng.uniform(0.2, 0.95)
        width = math.exp(rng.uniform(math.log(500), math.log(3000))) / self.pixel_size
        return to_los_rate(ground + air - np.float32(share) * smooth(air, width))

    def _gaps(
        self, rng: np.random.Generator, cover: LandCover, coherence: Array, hidden: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Pixels with no phase in too many pairs: water, layover, weak patches, the border of the scene."""
        gaps = np.zeros(hidden.shape, np.bool_)
        if rng.random() < 0.5:
            gaps |= hidden
        if rng.random() < 0.6:
            gaps |= cover.classes == WATER
        kind = rng.random()
        if kind < 0.75:
            share = 0.03 * rng.random() ** 2 if kind < 0.5 else rng.uniform(0.0, 0.55) ** 1.5
            score = smooth(coherence, 1.0) + np.float32(0.06) * self._pools["texture"].draw(rng, self.size)
            gaps |= score < np.quantile(score[::4, ::4], share)
        if rng.random() < 0.04:
            rows, columns = np.indices(gaps.shape, np.float32)
            angle = rng.uniform(0, 2 * math.pi)
            along = rows * np.float32(math.sin(angle)) + columns * np.float32(math.cos(angle))
            gaps |= along < np.quantile(along[::4, ::4], rng.uniform(0.05, 0.4))
        return gaps


def landslide_facts(landslides: Landslides, peaks: Array, prominence: Array) -> dict[str, Any]:
    """What the metadata of a tile tell of its landslides."""
    return {
        "landslides": landslides.count,
        "peaks": tuple(float(value) for value in peaks[1:]),
        "prominence": tuple(float(value) for value in prominence[1:]),
    }


def draw_network(rng: np.random.Generator) -> PairNetwork:
    """Pairs of up to 40 days over 9 months to 6 years of a date every 6, 12 or 24 days, up to 60 % of them lost."""
    years = math.exp(rng.uniform(math.log(0.75), math.log(6)))
    return regular_network(years, int(rng.choice([6, 12, 12, 12, 24])), lost=0.6 * rng.beta(1, 1.5), rng=rng)


def seen_share(rng: np.random.Generator, terrain: Terrain, viewing: Viewing) -> Array:
    """The LOS sensitivity that a user would give: every other time of the orbit's usual view, not of the true one."""
    if rng.random() < 0.5:
        viewing = Viewing.usual(viewing.orbit)
    share = viewing.downslope_sensitivity(*terrain.motion_gradient)
    return np.where(terrain.motion_slope < LEVEL_SLOPE, np.float32(0), share)


def draw_viewing(rng: np.random.Generator, orbit: str | None = None) -> Viewing:
    """A Sentinel-1 view of either orbit, its heading within 3° of the usual, incidence 30–46°."""
    ascending = rng.random() < 0.5 if orbit is None else orbit == "ascending"
    heading = ASCENDING_HEADING if ascending else DESCENDING_HEADING
    return Viewing(heading + rng.uniform(-3, 3), rng.uniform(30, 46))


def _dem_files(given: PathLike | Sequence[PathLike] | None) -> tuple[str, ...]:
    """The files given, with the GeoTIFFs of each folder given in its place, sorted by name."""
    if not given:
        return ()
    files: list[str] = []
    for path in map(Path, [given] if isinstance(given, (str, os.PathLike)) else given):
        if path.is_dir():
            found = sorted(str(file) for file in path.iterdir() if file.suffix.lower() in (".tif", ".tiff"))
            if not found:
                raise InputError("The folder {path} holds no GeoTIFF. Choose a folder of DEMs.", path=path)
            files += found
        else:
            files.append(str(path))
    return tuple(files)
