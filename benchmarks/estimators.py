"""Which estimator of the rate finds landslides better: equation 1 or the network's; prints Markdown tables.

    python benchmarks/estimators.py MODEL [--scenes 6] [--seed 6001] [--dems FOLDER --held-out NAME…]
    python benchmarks/estimators.py MODEL --real FOLDER … [--dem FILE]

Simulated scenes (512 × 512 pixels of 30 m, 24 dates every 12 days, four times as many landslides as usual) are stacked
from their interferograms with the defaults of the tools, after 0, 20, 40 and 60 % of the pairs were lost: whole pairs,
or patches of each pair by themselves. Per share and way both estimators, the network of the plugin and the classical
detector with slopes; figures are pooled over the scenes. Areas match from an intersection over union of 0.3 on.

With --real the noise is that of real interferograms: simulated landslides on generated ground are added to the phases
of all pairs of each folder, mirrored where it is smaller than a scene. What moves in the real phases counts as noise.
With --dem the folder's own ground is given instead and nothing is added: it prints how many areas are found.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ada_mapper.core.accuracy import Confusion, area_pixels, confusion, pixel_scores, tile_objects
from ada_mapper.core.areas import ClassicalRules, classical_mask, labelled
from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.detection import Composite, detect
from ada_mapper.core.interferograms import Interferogram, PairLimits, Stack, find_stack, select_pairs
from ada_mapper.core.models import Backend, ModelCard, open_backend, read_card
from ada_mapper.core.raster import Band, BandDescription, BandReader, Grid, RasterWriter, write_array
from ada_mapper.core.satellite import DAYS_PER_YEAR, find_viewing, to_phase_rate
from ada_mapper.core.simulation import LANDSLIDES_PER_KM2, SceneOptions, smooth
from ada_mapper.core.simulation.scene import OrbitView, Scene, make_scene
from ada_mapper.core.simulation.stack import PairSimulator, scene_network
from ada_mapper.core.stacking import (
    AtmosphereFilter,
    Corrections,
    Reference,
    StackingOptions,
    StackOutputs,
    stack_to_files,
)
from ada_mapper.core.terrain import los_sensitivity_to_file, slope_to_file
from ada_mapper.core.types import Array

ESTIMATORS = ("eq1", "network")
SHARES = (0.0, 0.2, 0.4, 0.6)
WAYS = ("whole pairs", "patches")
ORBIT = "descending"
SIZE, MARGIN = 512, 16
PATCH_PIXELS = 6.0
IGNORED = 255


@dataclass
class Tally:
    """Figures pooled over scenes."""

    pixels: Confusion = field(default_factory=lambda: Confusion(0, 0, 0, 0))
    true: int = 0
    found: int = 0
    matched_true: int = 0
    matched_found: int = 0

    def add(
        self, found: NDArray[np.bool_], label: NDArray[np.uint8], measured: NDArray[np.bool_], least: float
    ) -> None:
        """Count a scene."""
        counted = measured & (label != IGNORED)
        own = confusion(found, label == 1, counted)
        self.pixels = Confusion(*(one + other for one, other in zip(_parts(self.pixels), _parts(own))))
        objects = tile_objects(found & counted, label, counted, least)
        self.true += objects.true_count
        self.found += objects.found_count
        self.matched_true += objects.matched_true
        self.matched_found += objects.matched_found

    def __str__(self) -> str:
        recall = self.matched_true / max(self.true, 1)
        precision = self.matched_found / max(self.found, 1)
        return f"{pixel_scores(self.pixels).iou:.3f} | {recall:.2f} of {self.true} | {precision:.2f} of {self.found}"


def _parts(counts: Confusion) -> tuple[int, int, int, int]:
    return counts.true_positive, counts.false_positive, counts.false_negative, counts.true_negative


@dataclass(frozen=True)
class Ground:
    """Files that both estimators share."""

    dem: Path
    slope: Path
    sensitivity: Path

    @classmethod
    def of(cls, dem: Path, folder: Path, orbit: str = ORBIT) -> Ground:
        """Slope and sensitivity beside a DEM."""
        slope, sensitivity = folder / "slope.tif", folder / "sensitivity.tif"
        slope_to_file(dem, slope)
        view = find_viewing(orbit)
        assert view is not None
        los_sensitivity_to_file(dem, sensitivity, view)
        return cls(dem, slope, sensitivity)


@dataclass(frozen=True)
class Detector:
    """Stacks and detects as the tools do by default."""

    card: ModelCard
    backend: Backend
    outlier_sigma: float | None

    def rates(self, stack: Stack, estimator: str, folder: Path) -> tuple[Path, Path]:
        """(phase rate, LOS rate)."""
        files = folder / "phase_rate.tif", folder / "los_rate.tif"
        has_coherence = all(pair.coherence is not None for pair in stack.interferograms)
        options = StackingOptions(
            estimator=estimator,
            min_pairs=min(3, len(stack.interferograms)),
            min_coherence=0.3 if has_coherence else 0.0,
            outlier_sigma=self.outlier_sigma,
        )
        stack_to_files(
            stack, StackOutputs(*files), Corrections(Reference("auto"), atmosphere=AtmosphereFilter()), options
        )
        return files

    def found(self, rates: tuple[Path, Path], ground: Ground, folder: Path) -> dict[str, NDArray[np.bool_]]:
        """The areas' pixels, by the network and by the classical detector."""
        layers = {
            ChannelKind.PHASE_RATE: rates[0],
            ChannelKind.LOS_RATE: rates[1],
            ChannelKind.DEM: ground.dem,
            ChannelKind.SLOPE: ground.slope,
            ChannelKind.LOS_SENSITIVITY: ground.sensitivity,
        }
        probability = folder / "probability.tif"
        with Composite({kind: path for kind, path in layers.items() if kind in self.card.layers}, self.card) as scene:
            detect(scene, self.backend, self.card, probability)
            pixel_size = scene.pixel_size
        los_rate, slope = _read(rates[1]), _read(ground.slope)
        by_network = area_pixels(_read(probability)[: los_rate.shape[0], : los_rate.shape[1]], self.card, pixel_size)
        return {"network": by_network, "classical": classical_mask(los_rate, pixel_size, ClassicalRules(), slope)}


def _read(path: Path) -> Array:
    with BandReader(path) as reader:
        return reader.read()


def stacked_arrays(
    pairs: Sequence[tuple[Interferogram, Array, Array | None]], grid: Grid, wavelength: float, folder: Path
) -> Stack:
    """A stack of phases and coherences, 0 where there are none, that are written to a folder."""
    folder.mkdir(exist_ok=True)
    written = []
    for pair, phase, coherence in pairs:
        own = {}
        for name, values in (("phase", phase), ("coherence", coherence)):
            if values is None:
                own[name] = None
                continue
            path = folder / f"{pair.name}_{name}.tif"
            with RasterWriter(
                path, grid, [BandDescription(name, "rad" if name == "phase" else "1")], nodata=0.0
            ) as file:
                file.write(values)
            own[name] = Band(str(path), nodata=(0.0,))
        written.append(replace(pair, phase=own["phase"], coherence=own["coherence"]))
    return Stack(tuple(written), grid, wavelength)


def simulated_pairs(scene: Scene, view: OrbitView) -> Iterator[tuple[Interferogram, Array, Array]]:
    """The pairs within the default limit of days, with phase and coherence."""
    options = scene.options
    network, simulator = scene_network(options.dates, options.repeat_days), PairSimulator(scene, view)
    dates = options.acquisition_dates
    for first, second in zip(network.first.tolist(), network.second.tolist()):
        if (dates[second] - dates[first]).days <= PairLimits.max_temporal_baseline:
            phase, coherence = simulator.pair(first, second)
            yield Interferogram(Band("none"), dates[first], dates[second], "geotiff"), phase, coherence


def with_losses(
    pairs: Sequence[tuple[Interferogram, Array, Array]], way: str, share: float, seed: int
) -> list[tuple[Interferogram, Array, Array]]:
    """The pairs that are left, or all with holes."""
    rng = np.random.default_rng(seed)
    if not share:
        return list(pairs)
    if way == "whole pairs":
        kept = np.sort(rng.permutation(len(pairs))[: round((1 - share) * len(pairs))])
        return [pairs[index] for index in kept]
    holed = []
    for pair, phase, coherence in pairs:
        field_ = smooth(rng.standard_normal(phase.shape).astype(np.float32), PATCH_PIXELS)
        holed.append((pair, np.where(field_ < np.quantile(field_, share), np.float32(0), phase), coherence))
    return holed


def simulated_table(detector: Detector, arguments: argparse.Namespace) -> None:
    """Scenes with losses."""
    dems = [path for name in arguments.held_out for path in sorted(arguments.dems.glob(f"{name}*.tif"))]
    tallies: dict[tuple[str, float, str, str], Tally] = defaultdict(Tally)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for index in range(arguments.scenes):
            dem = dems[index // 2 % len(dems)] if dems and index % 2 else None
            options = SceneOptions(
                arguments.seed + index, SIZE, dem=dem, dates=24, landslides=4 * LANDSLIDES_PER_KM2, orbit=ORBIT
            )
            scene = make_scene(options)
            view = scene.seen_from(ORBIT)
            write_array(folder / "dem.tif", scene.grid, scene.terrain.dem, BandDescription("dem", "m"))
            ground = Ground.of(folder / "dem.tif", folder)
            pairs = list(simulated_pairs(scene, view))
            for way in WAYS:
                for share in SHARES if way == WAYS[0] else SHARES[1:]:
                    left = with_losses(pairs, way, share, options.seed)
                    stack = stacked_arrays(left, scene.grid, 0.055465763, folder / "pairs")
                    for estimator in ESTIMATORS:
                        rates = detector.rates(stack, estimator, folder)
                        measured = np.isfinite(_read(rates[0]))
                        least = detector.card.min_area / options.pixel_size**2
                        for which, found in detector.found(rates, ground, folder).items():
                            tallies[way, share, estimator, which].add(found, view.label, measured, least)
            print(f"scene {index + 1} of {arguments.scenes}", flush=True)
    print_table(tallies, "lost")


def print_table(tallies: dict[tuple[str, float, str, str], Tally], title: str) -> None:
    """A row a share, estimator and detector."""
    print(f"\n| {title} | estimator | detector | pixel IoU | areas found | areas right |")
    print("|---" * 6 + "|")
    for (way, share, estimator, which), tally in sorted(tallies.items()):
        print(f"| {share:.0%} {way} | {estimator} | {which} | {tally} |")


def real_table(detector: Detector, arguments: argparse.Namespace) -> None:
    """Simulated landslides in real noise."""
    tallies: dict[tuple[str, float, str, str], Tally] = defaultdict(Tally)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for real in arguments.real:
            stack = find_stack(real)
            read = [_square(_read_phase(pair)) for pair in stack.interferograms]
            for index in range(arguments.scenes):
                options = SceneOptions(
                    arguments.seed + index, len(read[0]), landslides=4 * LANDSLIDES_PER_KM2, orbit=ORBIT
                )
                scene = make_scene(options)
                view = scene.seen_from(ORBIT)
                moving = view.label != IGNORED
                rate = to_phase_rate(np.where(moving, view.los_rate, 0)).astype(np.float32)
                write_array(folder / "dem.tif", scene.grid, scene.terrain.dem, BandDescription("dem", "m"))
                ground = Ground.of(folder / "dem.tif", folder)
                pairs = []
                for pair, phase in zip(stack.interferograms, read):
                    days = (pair.second_date - pair.first_date).days
                    turned = np.rot90(phase, index)
                    values = turned + rate * np.float32(days / DAYS_PER_YEAR)
                    pairs.append((replace(pair, coherence=None), np.nan_to_num(values).astype(np.float32), None))
                for share in SHARES[:3]:
                    left = with_losses(pairs, "whole pairs", share, options.seed)  # type: ignore[arg-type]
                    own = stacked_arrays(left, scene.grid, stack.wavelength, folder / "pairs")
                    for estimator in ESTIMATORS:
                        rates = detector.rates(own, estimator, folder)
                        measured = np.isfinite(_read(rates[0]))
                        least = detector.card.min_area / options.pixel_size**2
                        for which, found in detector.found(rates, ground, folder).items():
                            tallies["/".join(real.parts[-2:]), share, estimator, which].add(
                                found, view.label, measured, least
                            )
                print(f"{real.name}: scene {index + 1} of {arguments.scenes}", flush=True)
    print_table(tallies, "real noise, pairs lost")


def _read_phase(pair: Interferogram) -> Array:
    with BandReader(pair.phase) as reader:
        return reader.read()


def _square(phase: Array) -> Array:
    """The middle of a phase, or it mirrored, as a square of 256 to 512 pixels a side."""
    side = min(SIZE, max(256, min(phase.shape)))
    padded = np.pad(phase, [(0, max(0, side - length)) for length in phase.shape], mode="symmetric")
    top, left = ((length - side) // 2 for length in padded.shape)
    return padded[top : top + side, left : left + side]


def as_it_is(detector: Detector, arguments: argparse.Namespace) -> None:
    """How many areas are found in real stacks."""
    print("| stack | pairs | estimator | areas of the network | pixels | areas of the classical detector |")
    print("|---" * 6 + "|")
    for real in arguments.real:
        every = find_stack(real)
        for stack in (every, select_pairs(every, PairLimits()).stack):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                ground = Ground.of(arguments.dem, folder)
                for estimator in ESTIMATORS:
                    rates = detector.rates(stack, estimator, folder)
                    found = detector.found(rates, ground, folder)
                    counts = {which: labelled(mask)[1] for which, mask in found.items()}
                    print(
                        f"| {real.name} | {len(stack.interferograms)} | {estimator} | {counts['network']} "
                        f"| {found['network'].sum()} | {counts['classical']} |",
                        flush=True,
                    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--seed", type=int, default=6001)
    parser.add_argument("--dems", type=Path)
    parser.add_argument("--held-out", nargs="*", default=[])
    parser.add_argument("--outlier-sigma", type=float)
    parser.add_argument("--real", nargs="*", type=Path, default=[])
    parser.add_argument("--dem", type=Path)
    arguments = parser.parse_args()
    detector = Detector(
        read_card(arguments.model), open_backend(arguments.model, "onnxruntime"), arguments.outlier_sigma
    )
    if arguments.dem:
        as_it_is(detector, arguments)
    elif arguments.real:
        real_table(detector, arguments)
    else:
        simulated_table(detector, arguments)


if __name__ == "__main__":
    main()
