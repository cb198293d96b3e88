"""Training tiles of a wider world: landslides of all kinds, what is none, two families of air, products of all pixels.

Beside the rates there is what a stack says of them: standard error, share of open triplets, coherence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..models import IGNORED
from ..satellite import DAYS_PER_YEAR, to_los_rate, to_phase_rate
from ..types import Array, Mask, PathLike
from .atmosphere import FieldPool, as_float32, portable, smooth
from .evidence import PairNoise, counted_share, no_data, told_error
from .fast_motion import SeenMotion, seen_motion
from .fine_noise import amplitude, seam_steps, unit_noise
from .ground import loguniform
from .holes import draw_holes
from .landslides import LANDSLIDES_PER_KM2, Landslides, ignore_drowned
from .matern import Matern, MaternPool
from .network import PairNetwork
from .other_motion import OCCURRENCE, Occurrence, OtherMotion
from .product_kinds import ProductKind, draw_product
from .product_pixels import ProductPixels
from .rate_weights import RateWeights
from .surface import WATER, LandCover, draw_land_cover, estimated_coherence, unwrapping_errors
from .terrain import Terrain
from .tiles import FADING_BY_CLASS, Tile, landslide_facts, seen_share
from .wide_air import Air, Networks, draw_air
from .wide_scene import WideScenes

POWER_LAW, MATERN = "power law", "Matérn"
_COVARIANCES = (
    Matern(0.5, 1_500.0),
    Matern(0.5, 6_000.0, 2.0, 0.6),
    Matern(0.5, 20_000.0),
    Matern(1.0, 2_500.0, 1.5, 2.2),
    Matern(1.0, 8_000.0),
    Matern(1.5, 2_000.0),
    Matern(1.5, 10_000.0, 2.5, 1.4),
)
# Of the phases of pairs, at least and at most; other products average more, or filter their rates.
_LOOKS = (3.0, 3_000.0)
_HIDDEN_COHERENCE = 0.45
_TIME_SERIES, _OTHER_ERRORS, _SEAMS = 0.25, 0.25, 0.08
_LARGEST_ERROR, _MOST_GAPS = 1_000.0, 0.75
_LOCAL_METRES = 1_500.0
# Above this factor of coherence noise is as without it.
_UNDISTURBED = 0.97


@dataclass(frozen=True)
class _Scene:
    """What a tile shows, before anything is measured.

    ``claimed``: factor by which other processing claims a larger or a smaller error.
    """

    terrain: Terrain
    hidden: Mask
    landslides: Landslides
    slides: Array
    other: OtherMotion
    seen: SeenMotion
    cover: LandCover
    networks: Networks
    product: ProductKind
    pixels: ProductPixels
    claimed: np.float32


class WideTiles(WideScenes):
    """Tile number ``index`` of the endless set of ``seed``.

    ``dem_paths`` and ``landslides_per_km2`` as of TileGenerator; ``occurrence``: of what is no landslide; ``noise``
    multiplies all noise of the rates. Layers beside those of TileGenerator: standard_error (mm/yr, of the LOS rate)
    and closure (share 0–1 of open triplets); all but dem, slope and los_sensitivity are NaN where there is no data.
    """

    def __init__(
        self,
        seed: int,
        size: int = 256,
        pixel_size: float = 30.0,
        dem_paths: PathLike | Sequence[PathLike] | None = (),
        occurrence: Occurrence = OCCURRENCE,
        landslides_per_km2: float = LANDSLIDES_PER_KM2,
        noise: float = 1.0,
    ) -> None:
        super().__init__(seed, size, pixel_size, dem_paths, landslides_per_km2=landslides_per_km2, noise=noise)
        self.occurrence = occurrence
        extent = max(1024, 2 * size)
        self._air_pools: dict[str, FieldPool] = {
            POWER_LAW: self._pools["turbulence"],
            MATERN: MaternPool(seed + 3, pixel_size, extent, covariances=_COVARIANCES),
        }
        self._spreads: dict[str, tuple[float, float]] = {}

    def __call__(self, index: int) -> Tile:
        """Tile number ``index`` ≥ 0."""
        rng = np.random.default_rng([self.seed, 43, index])
        terrain, region, source = self._wide_terrain(rng)
        moves = self._scene(rng, terrain, self.occurrence)
        viewing, network, landslides, slides = moves.viewing, moves.network, moves.landslides, moves.slides
        hidden, other = moves.hidden, moves.other
        ratio = None if rng.random() < 0.5 else loguniform(rng, 0.1, 2.0)
        weights = RateWeights.equation_1(network) if ratio is None else RateWeights.best(network, ratio)
        networks = Networks.drawn(rng, weights, ratio, self._pools["texture"].draw(rng, self.size))
        cover = draw_land_cover(rng, terrain, self._pools["texture"])
        shapes, moving = self._pools["shapes"], to_phase_rate(slides + other.los_rate)
        seen = seen_motion(rng, moving, landslides.identity, landslides.count, weights, shapes)
        product = draw_product(rng, self.pixel_size)
        pixels = ProductPixels.drawn(rng, self.size, product.metres / self.pixel_size, product.way)
        claimed = np.float32(loguniform(rng, 0.2, 3.0) if rng.random() < _OTHER_ERRORS else 1.0)
        scene = _Scene(terrain, hidden, landslides, slides, other, seen, cover, networks, product, pixels, claimed)
        family = POWER_LAW if rng.random() < 0.5 else MATERN
        layers, noise, signal = self._rates(rng, scene, family)
        layers["los_sensitivity"] = seen_share(rng, terrain, viewing)
        label, prominence = ignore_drowned(moves.label, landslides, signal, noise, self.pixel_size)
        label[np.isnan(layers["phase_rate"]) & (label == 1)] = IGNORED
        metadata = {
            **self._facts(index, region, source, viewing),
            "years": float(network.days[-1] / DAYS_PER_YEAR),
            "pairs": len(network.first),
            "estimator": "equation 1" if ratio is None else "network",
            "date_gain": weights.date_gain,
            "noise_family": family,
            "product": product.name,
            "claimed": float(claimed),
            "product_metres": product.metres,
            **landslide_facts(landslides, moves.peaks, prominence),
            "kinds": landslides.kinds,
        }
        return Tile(layers, label, slides, other.los_rate, self.pixel_size, metadata, other.kind)

    def _wide_terrain(self, rng: np.random.Generator) -> tuple[Terrain, str, str]:
        """Ground as of TileGenerator, sometimes higher or lower, sometimes as a coarser DEM has it."""
        terrain, region, source = self._terrain(rng)
        dem = terrain.dem
        if rng.random() < 0.4:
            gain = loguniform(rng, 0.5, 1.8)
            steepest = float(np.quantile(terrain.slope[::4, ::4], 0.95))
            # No ground stands steeper than about 45° over many pixels.
            gain = min(gain, max(1.0, math.tan(math.radians(45)) / math.tan(math.radians(max(steepest, 1.0)))))
            dem = dem.min() + (dem - dem.min()) * np.float32(gain)
            source += ", relief changed"
        if rng.random() < 0.2:
            dem = smooth(dem, rng.uniform(0.7, 2.5) * 30 / self.pixel_size)
            source += ", coarse"
        if dem is terrain.dem:
            return terrain, region, source
        return Terrain(np.ascontiguousarray(dem, np.float32), self.pixel_size), region, source

    def _spread(self, family: str) -> tuple[float, float]:
        """Standard deviation of the crops of a pool, in the mean of many: of all, and above their mean over 3 km."""
        if family not in self._spreads:
            rng = np.random.default_rng([self.seed, 44])
            crops = [self._air_pools[family].draw(rng, self.size) for _ in range(24)]
            width = _LOCAL_METRES / self.pixel_size
            variances = [(crop.var(), (crop - smooth(crop, width)).var()) for crop in crops]
            whole, local = np.sqrt(np.mean(variances, axis=0))
            self._spreads[family] = float(whole), float(local)
        return self._spreads[family]

    def _rates(self, rng: np.random.Generator, scene: _Scene, family: str) -> tuple[dict[str, Array], Array, Array]:
        """The layers of a stack, all noise of the phase rate and what it shows of landslides (rad/yr)."""
        networks, pixels, fine = scene.networks, scene.pixels, scene.product.fine
        usual = networks.usual
        level, opened, coherence = self._pair_noise(rng, scene)
        level *= amplitude(fine, self._pools["texture"].draw(rng, self.size))
        level = pixels.mean(level)
        steps = np.zeros_like(coherence)
        if rng.random() < 0.5:
            steps = unwrapping_errors(rng, scene.terrain, coherence, self._pools["texture"], usual.network)
        seams = seam_steps(rng, self.size) if rng.random() < _SEAMS else np.float32(0)
        errors = pixels.mean(steps + to_phase_rate(self._fading(rng, scene.cover) + seams))
        errors += level * unit_noise(rng, fine, level.shape)
        pool, spreads = self._air_pools[family], self._spread(family)
        air = draw_air(rng, scene.terrain.dem, self.pixel_size, pool, spreads, scene.product.parts[1], networks)
        air = Air(pixels.mean(air.rate), pixels.mean(air.error))
        strength = np.float32(self.noise)
        ground = pixels.mean(scene.seen.phase_rate + scene.other.apparent_rate) + strength * errors
        kept_air, left = self._less_air(rng, strength * air.rate, pixels)
        error = np.hypot(level, np.float32(left) * air.error) * strength
        coherence = pixels.mean(coherence)
        shown = self._shown_coherence(rng, coherence)
        gaps = self._holes(rng, scene, coherence, pixels)
        lost = 1 - (1 - scene.other.unclosed) * (1 - scene.seen.unclosed) * (1 - _opened_by(steps, usual.network))
        lost = pixels.mean(as_float32(lost))
        closure = self._closure(rng, (1 - pixels.mean(opened)) * (1 - lost), usual.network)
        # A cycle in one of three pairs is what an open triplet tells of their noise.
        error = np.sqrt(error**2 + np.float32(4 / 3 * math.pi**2 * usual.pair_gain**2) * lost)
        error = to_los_rate(told_error(rng, error, rng.uniform(10, 50), fine.widths[1]))
        phase = ground + strength * air.rate
        los = to_los_rate(ground + kept_air)
        layers = {
            "phase_rate": phase + np.float32(rng.uniform(-5, 5)),
            "los_rate": los,
            "standard_error": np.minimum(np.abs(error), np.float32(_LARGEST_ERROR)) * scene.claimed,
            "coherence": shown,
            "closure": closure,
        }
        weak = gaps | (shown < self._masked_below(rng, shown))
        no_los = pixels.brought_gaps(weak)
        missing = pixels.brought_gaps(gaps)
        layers = {name: pixels.brought(values, gaps) for name, values in layers.items()}
        layers["coherence"] = np.clip(layers["coherence"], 0, 1)
        layers["closure"] = np.clip(layers["closure"], 0, 1)
        layers["standard_error"] = np.maximum(layers["standard_error"], np.float32(1e-3))
        no_data(layers, missing)
        los = layers["los_rate"]
        los[no_los] = np.nan
        los -= np.float32((np.nanmedian(los) if np.isfinite(los).any() else 0.0) + rng.normal(0, 1.5))
        layers["dem"], layers["slope"] = scene.terrain.dem, scene.terrain.slope
        noise = pixels.brought(errors + air.rate)
        return layers, noise, pixels.brought(pixels.mean(to_phase_rate(scene.slides)))

    def _pair_noise(self, rng: np.random.Generator, scene: _Scene) -> tuple[Array, Array, Array]:
        """Standard deviation of the rate (rad/yr), share of open triplets and coherence, of what pairs have each."""
        cover, networks = scene.cover, scene.networks
        disturbed = scene.other.coherence * scene.seen.coherence
        factor = cover.texture * disturbed
        factor[scene.hidden] *= np.float32(_HIDDEN_COHERENCE)
        usual, wanted = self._usual_noise(scene)
        level = usual.at(usual.rate, cover.classes, cover.texture)
        if networks.poorer is not None:
            poorer = PairNoise.of(networks.poorer, cover.climate, usual.looks, False)
            level = np.asarray(networks.mixed(level, poorer.at(poorer.rate, cover.classes, cover.texture)), np.float32)
        # Where pairs can't have that much noise, fading and errors of unwrapping are beside it.
        louder = max(1.0, scene.product.parts[0] / wanted)
        contrast = portable(np.power, level / np.float32(wanted), np.float32(scene.product.contrast))
        level = np.float32(wanted * louder) * contrast
        where = disturbed < _UNDISTURBED
        if where.any():
            classes, before = cover.classes[where], cover.texture[where]
            after = usual.at(usual.rate, classes, before * disturbed[where])
            level[where] *= after / usual.at(usual.rate, classes, before)
        if rng.random() < 0.6:
            level[scene.hidden] *= np.float32(rng.uniform(1, 3))
        opened = usual.at(usual.open, cover.classes, factor)
        return level, opened, usual.at(usual.coherence, cover.classes, factor)

    def _usual_noise(self, scene: _Scene) -> tuple[PairNoise, float]:
        """The noise of pairs of so many looks that its median is what is wanted of the product (rad/yr), which is told.

        Where no number of looks makes it so, it is nearly so.
        """
        cover, weights = scene.cover, scene.networks.usual
        wanted, middle = scene.product.parts[0], cover.classes[::4, ::4]
        looks = 20.0
        for _ in range(2):
            noise = PairNoise.of(weights, cover.climate, looks)
            median = float(np.median(noise.at(noise.rate, middle, cover.texture[::4, ::4])))
            looks = float(np.clip(looks * (median / wanted) ** 2, *_LOOKS))
        noise = PairNoise.of(weights, cover.climate, looks)
        return noise, float(np.median(noise.at(noise.rate, middle, cover.texture[::4, ::4])))

    def _closure(self, rng: np.random.Generator, closed: Array, network: PairNetwork) -> Array:
        """Share of open triplets that is counted where a share ``closed`` is not; 0 in products of a time series."""
        if not len(network.triplets) or rng.random() < _TIME_SERIES:
            return np.zeros_like(closed)
        return counted_share(rng, as_float32(np.clip(1 - closed, 0, 1)), len(network.triplets))

    def _fading(self, rng: np.random.Generator, cover: LandCover) -> Array:
        """Bias (mm/yr) that short pairs leave, by land cover: seldomer and smoother than elsewhere."""
        if rng.random() < 0.65:
            return np.zeros_like(cover.texture)
        bias = rng.uniform(-4, 4, len(FADING_BY_CLASS)) * FADING_BY_CLASS
        return smooth(bias.astype(np.float32)[cover.classes], rng.uniform(1.0, 3.0))

    def _less_air(self, rng: np.random.Generator, air: Array, pixels: ProductPixels) -> tuple[Array, float]:
        """The air (rad/yr) that a filter by date leaves, and its share of the standard deviation."""
        share = 0.0 if rng.random() < 0.25 else rng.uniform(0.2, 0.95)
        if not share:
            return air, 1.0
        width = loguniform(rng, 500, 3000) / self.pixel_size * air.shape[0] / self.size
        kept = air - np.float32(share) * smooth(air, width)
        return kept, float(kept.std()) / max(float(air.std()), 1e-9)

    def _shown_coherence(self, rng: np.random.Generator, coherence: Array) -> Array:
        seen = estimated_coherence(coherence, loguniform(rng, 15, 200))
        seen += rng.standard_normal(seen.shape, dtype=np.float32) * np.float32(rng.uniform(0.005, 0.04))
        return as_float32(np.clip(seen, 0, 1))

    def _masked_below(self, rng: np.random.Generator, coherence: Array) -> float:
        """The limit below which the LOS rate is masked, of a part of the tile at most."""
        if rng.random() < 0.4:
            return 0.0
        return min(rng.uniform(0.15, 0.5), float(np.quantile(coherence[::4, ::4], 0.3 * rng.random())))

    def _holes(self, rng: np.random.Generator, scene: _Scene, coherence: Array, pixels: ProductPixels) -> Mask:
        """Pixels of the product without data."""
        sure = scene.other.gaps.copy()
        if rng.random() < 0.5:
            sure |= scene.hidden
        if rng.random() < 0.6:
            sure |= scene.cover.classes == WATER
        patches = pixels.mean(self._pools["texture"].draw(rng, self.size))
        known = np.asarray(pixels.mean(sure.astype(np.float32)) > 0.5, np.bool_)
        gaps = known | draw_holes(rng, coherence, patches, scene.product.holes)
        return gaps if gaps.mean() < _MOST_GAPS else known


def _opened_by(steps: Array, network: PairNetwork) -> Array:
    """Share of triplets that pairs open which lost a cycle each and so make these steps of a rate (rad/yr)."""
    mean = float(np.mean(network.intervals)) / DAYS_PER_YEAR
    pairs = np.abs(steps) * np.float32(network.squared_sum / (2 * math.pi * mean))
    # Each pair is in up to three of the sides of a triplet.
    return as_float32(np.clip(3 * pairs / max(len(network.first), 1), 0, 1))
