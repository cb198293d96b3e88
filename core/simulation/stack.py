"""Single interferograms of a simulated scene on disk, in the layout and the names of ASF HyP3."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..progress import QUIET, Progress
from ..raster import BandDescription, RasterWriter, write_array
from ..satellite import DAYS_PER_YEAR, SENTINEL1_WAVELENGTH, to_phase_rate
from ..texts import Message
from ..types import Array, PathLike
from .atmosphere import FieldPool, smooth, turbulence
from .folder import DONE, written_together
from .network import PairNetwork
from .scene import SCENE_ORBITS, OrbitView, Scene, SceneOptions, make_scene
from .surface import (
    WATER,
    estimated_coherence,
    lost_cycles,
    motion_coherence,
    phase_noise,
    unit_speckle,
    weak_patches,
)
from .truth import write_truth

CONNECTIONS = 4
LONGEST_PAIR = 60.0
BASELINE_SIGMA = 60.0
CRITICAL_BASELINE = 5_000.0
TURBULENCE, STRATIFIED = 1.1, 0.9
LOOKS = 24.0


@dataclass(frozen=True)
class SceneSummary:
    """What was written: the folder, interferograms by orbit, and numbers of landslides, true areas and bowls."""

    folder: Path
    stacks: dict[str, Path]
    pairs: int
    landslides: int
    true_areas: int
    bowls: int

    def __str__(self) -> str:
        return Message(
            "{pairs} simulated interferograms ({stacks}) in {folder}: {true_areas} true areas of {landslides} "
            "landslides, {bowls} subsidence bowls that are no landslides.",
            pairs=self.pairs,
            stacks=", ".join(self.stacks),
            folder=self.folder,
            true_areas=self.true_areas,
            landslides=self.landslides,
            bowls=self.bowls,
        )


def simulate_scene(
    output_folder: PathLike,
    options: SceneOptions = SceneOptions(),  # noqa: B008
    progress: Progress = QUIET,
) -> SceneSummary:
    """Write a simulated scene: a folder of interferograms for each orbit, ``dem.tif``, ``true_areas.gpkg``.

    The folder must be new, empty, or hold an earlier simulated scene, which is replaced. The same options give
    the same files. Nothing appears in the folder before all is written.
    """
    folder = Path(output_folder)
    with written_together(folder) as work:
        scene = make_scene(options, progress.part(0.0, 0.15))
        write_array(work / "dem.tif", scene.grid, scene.terrain.dem, BandDescription("dem", "m"))
        names = SCENE_ORBITS[options.orbit]
        views: list[OrbitView] = []
        pairs = 0
        for position, name in enumerate(names):
            view = scene.seen_from(name)
            part = progress.part(0.15 + 0.8 * position / len(names), 0.15 + 0.8 * (position + 1) / len(names))
            pairs += _write_stack(work / name, scene, view, part)
            views.append(view)
        true_areas = write_truth(work / "true_areas.gpkg", scene, views, progress.part(0.95, 1.0))
        summary = SceneSummary(
            folder,
            {name: folder / name for name in names},
            pairs,
            scene.landslides.count,
            true_areas,
            scene.bowl_count,
        )
        _write_description(work / DONE, options, summary)
    return summary


def _write_description(path: Path, options: SceneOptions, summary: SceneSummary) -> None:
    text = {
        "what": "A simulated scene made by ADA Mapper. Nothing in it is real.",
        "options": options.as_json(),
        "interferograms": summary.pairs,
        "landslides": summary.landslides,
        "true_areas": summary.true_areas,
        "subsidence_bowls": summary.bowls,
        "contents": sorted([*summary.stacks, "dem.tif", "true_areas.gpkg", DONE]),
    }
    path.write_text(json.dumps(text, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def scene_network(dates: int, repeat_days: int) -> PairNetwork:
    """Each date with the next four, at most 60 days later; neighbours always."""
    days = np.arange(dates, dtype=np.float64) * repeat_days
    pairs = [
        (i, i + step)
        for i in range(dates)
        for step in range(1, CONNECTIONS + 1)
        if i + step < dates and (step == 1 or step * repeat_days <= LONGEST_PAIR)
    ]
    first, second = np.array(pairs, np.int64).T
    return PairNetwork(days, first, second)


def _write_stack(folder: Path, scene: Scene, view: OrbitView, progress: Progress) -> int:
    options = scene.options
    network = scene_network(options.dates, options.repeat_days)
    simulator = PairSimulator(scene, view)
    elevation_angle = np.full((options.size,) * 2, math.radians(90 - view.viewing.incidence), np.float32)
    dates = options.acquisition_dates
    for position, (first, second) in enumerate(zip(network.first, network.second)):
        progress.report(position / len(network.first))
        phase, coherence = simulator.pair(int(first), int(second))
        name = _product_name(options, view.name, dates[first], dates[second])
        product = folder / name
        product.mkdir(parents=True)
        for suffix, values, band in (
            ("unw_phase", phase, BandDescription("unw_phase", "rad")),
            ("corr", coherence, BandDescription("corr", "1")),
            ("lv_theta", elevation_angle, BandDescription("lv_theta", "rad")),
        ):
            with RasterWriter(product / f"{name}_{suffix}.tif", scene.grid, [band], nodata=0.0) as writer:
                writer.write(values)
        baseline = simulator.baselines[second] - simulator.baselines[first]
        text = _parameters(view, dates[first], dates[second], float(baseline))
        (product / f"{name}.txt").write_text(text, encoding="utf-8")
    return len(network.first)


def _product_name(options: SceneOptions, orbit: str, first: date, second: date) -> str:
    """As HyP3 names a product: satellites, dates and UTC times, polarisation, days, spacing, job."""
    time = "T170812" if orbit == "ascending" else "T052401"
    job = f"{(options.seed * 7919 + first.toordinal() * 31 + second.toordinal()) % 0x10000:04X}"
    days = (second - first).days
    return f"S1AA_{first:%Y%m%d}{time}_{second:%Y%m%d}{time}_VVP{days:03d}_INT40_G_ueF_{job}"


def _parameters(view: OrbitView, first: date, second: date, baseline: float) -> str:
    """The product's text file, with the keys that readers of HyP3 use."""
    direction = view.name.upper()
    heading = (view.viewing.heading + 180) % 360 - 180
    lines = {
        "Reference Granule": f"SIMULATED_{first:%Y%m%d}",
        "Secondary Granule": f"SIMULATED_{second:%Y%m%d}",
        "Reference Pass Direction": direction,
        "Secondary Pass Direction": direction,
        "Baseline": f"{baseline:.4f}",
        "Heading": f"{heading:.4f}",
        "Spacecraft height": "698000.0",
        "Earth radius at nadir": "6371000.0",
        "Unwrapping type": "simulated",
    }
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


@dataclass
class PairSimulator:
    """Makes any one interferogram of a scene as an orbit sees it; keeps the atmosphere of a few dates.

    ``baselines``: perpendicular baseline of each date against the first, metres.
    """

    scene: Scene
    view: OrbitView
    baselines: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        options = self.scene.options
        rng = self._rng(0, 0)
        self.baselines = rng.normal(0, BASELINE_SIGMA, options.dates)
        self.baselines -= self.baselines[0]
        years = np.arange(options.dates) * options.repeat_days / DAYS_PER_YEAR
        season = np.sin(2 * math.pi * (years + rng.random()))
        self._gains = options.noise * TURBULENCE * np.exp(0.4 * rng.standard_normal(options.dates))
        self._stratified = options.noise * STRATIFIED * (season + 0.7 * rng.standard_normal(options.dates))
        self._phase_rate = to_phase_rate(self.view.los_rate)
        self._fading = (options.noise * rng.uniform(-4, 4, 6) * (0.2, 0.8, 1.0, 1.0, 0.1, 0.0)).astype(np.float32)
        self._delays: OrderedDict[int, Array] = OrderedDict()
        self._patches: list[NDArray[np.intp]] = []
        if options.noise:
            size = max(1024, math.ceil(1.1 * options.size))
            textures = FieldPool(options.seed + 3, options.pixel_size, size, 2, (-2.4, -2.8), 900.0, 5_000.0)
            count = max(2, round(0.15 * (options.size * options.pixel_size / 1000) ** 2 / 10))
            weak = self.scene.cover.pair_coherence(24.0)
            self._patches = weak_patches(rng, self.scene.terrain, weak, textures, count)

    def _rng(self, kind: int, number: int) -> np.random.Generator:
        orbit = 1 if self.view.name == "ascending" else 2
        return np.random.default_rng([self.scene.options.seed, 20 + orbit, kind, number])

    def delay(self, index: int) -> Array:
        """The atmosphere's phase at one date, rad."""
        if index in self._delays:
            return self._delays[index]
        rng = self._rng(1, index)
        options, terrain = self.scene.options, self.scene.terrain
        values = turbulence(rng, options.size, options.pixel_size) * np.float32(self._gains[index])
        values += (terrain.dem - terrain.dem.mean()) * np.float32(self._stratified[index] / 1000)
        across = (np.arange(options.size, dtype=np.float32) - options.size / 2) * np.float32(
            options.noise * options.pixel_size / 10_000
        )
        slopes = rng.normal(0, 0.15, 2).astype(np.float32)
        values += slopes[0] * across[:, None] + slopes[1] * across[None, :]
        self._delays[index] = values
        if len(self._delays) > CONNECTIONS + 1:
            self._delays.popitem(last=False)
        return values

    def pair(self, first: int, second: int) -> tuple[Array, Array]:
        """Unwrapped phase (rad, positive away, 0 = no data) and coherence (0–1) of dates ``first`` < ``second``."""
        options = self.scene.options
        days = float((second - first) * options.repeat_days)
        phase = self._phase_rate * np.float32(days / DAYS_PER_YEAR)
        coherence = self.scene.cover.pair_coherence(days)
        coherence *= motion_coherence(self.view.los_rate, days, SENTINEL1_WAVELENGTH)
        coherence *= np.float32(max(0.1, 1 - abs(self.baselines[second] - self.baselines[first]) / CRITICAL_BASELINE))
        coherence[self.view.hidden] *= np.float32(0.45)
        if not options.noise:
            return _without_zero(phase), coherence
        rng = self._rng(2, first * options.dates + second)
        phase += self._lost_in_the_core(rng, phase)
        phase += self.delay(second) - self.delay(first)
        fading = self._fading * np.float32(-4e-3 * math.pi / SENTINEL1_WAVELENGTH * days / DAYS_PER_YEAR)
        phase += smooth(fading[self.scene.cover.classes], 0.8)
        phase += unit_speckle(rng, options.size, 0.8) * phase_noise(coherence, LOOKS) * np.float32(options.noise)
        for patch in self._patches:
            if rng.random() < 0.04:
                phase.ravel()[patch] += np.float32(2 * math.pi * rng.choice([-1, 1]))
        phase += np.float32(rng.normal(0, 2))  # the reference point of the unwrapping
        seen = estimated_coherence(coherence, 30.0)
        seen += unit_speckle(rng, options.size, 0.8) * np.float32(0.03)
        seen = np.clip(seen, 0.01, 1)
        holes = (self.scene.cover.classes == WATER) | (smooth(seen, 1.0) < rng.uniform(0.15, 0.21))
        phase = _without_zero(phase)
        phase[holes] = 0
        return phase, seen

    def _lost_in_the_core(self, rng: np.random.Generator, phase: Array) -> Array:
        """Cycles that unwrapping loses where a pair's motion passes λ/4, in some patches and not in others."""
        if float(np.abs(phase).max()) <= math.pi:
            return np.zeros((1, 1), np.float32)
        return np.where(unit_speckle(rng, phase.shape[0], 5.0) > 0, lost_cycles(phase), np.float32(0))


def _without_zero(phase: Array) -> Array:
    """The phase with exact zeros, which mean no data in the product, moved a little."""
    return np.where(phase == 0, np.float32(1e-6), phase)
