"""What a change that doesn't touch the landslides does to the areas found: offsets, ramps, noise, pixel size, orbit,
edges, tile position, holes. Simulated scenes, detected through files as a user would.

    python benchmarks/invariance.py MODEL [--dems FOLDER --held-out NAMES] [--scenes 12] [--seed 4001]
                                          [--only positions …] [--json FILE]

Each line compares two detections of the same ground, pixel by pixel where both have an answer: the pixel IoU of the
areas by the card's rules without and with the change, and of the change of the probability the mean, the largest, and
the share of pixels with 0.02 and more. Scenes of 512² pixels of 30 m hold four times as many landslides as usual;
those for the pixel sizes are made at 15 m and averaged as a processor would with more looks. “labels too” leaves out
what drowns in the changed noise. For edges and positions four scenes are laid side by side. With --dems three scenes
in four show terrain of the DEMs whose names start with NAMES; else all terrain is generated.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ada_mapper.core.accuracy import Confusion, confusion, pixel_scores
from ada_mapper.core.channels import UNITS, ChannelKind
from ada_mapper.core.detection import Composite, detect
from ada_mapper.core.models import Backend, ModelCard, open_backend, read_card
from ada_mapper.core.raster import BandDescription, BandReader, Grid, write_array
from ada_mapper.core.satellite import to_los_rate
from ada_mapper.core.simulation import LANDSLIDES_PER_KM2, TileGenerator
from ada_mapper.core.types import Array

SIZE = 512
LEFT, TOP = 399_960.0, 2_200_080.0  # a corner of the lattices of all pixel sizes
PIXEL_SIZES = (15.0, 20.0, 40.0, 60.0)
SHIFTS = (1, 7, 16, 100)
IGNORED = 255
NOTICED = 0.02
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Ground:
    """Layers of a scene and its labels (0, 1, 255 = ignored); ``cut`` pixels are missing at its top and left, and it
    lies ``moved`` pixels of its lattice farther to the lower right than it did."""

    layers: dict[ChannelKind, Array]
    label: NDArray[np.uint8]
    pixel_size: float = 30.0
    cut: int = 0
    moved: int = 0
    orbit: str = ""

    @property
    def grid(self) -> Grid:
        """Where the scene lies."""
        height, width = next(iter(self.layers.values())).shape
        x, y = LEFT + (self.cut + self.moved) * self.pixel_size, TOP - (self.cut + self.moved) * self.pixel_size
        return Grid("EPSG:32614", (x, self.pixel_size, 0.0, y, 0.0, -self.pixel_size), width, height)

    def with_rates(self, change: Callable[[Array], Array]) -> Ground:
        """``change`` (rad/yr, away; same shape as the rate) added to both rates, in each one's unit and sign."""
        layers = dict(self.layers)
        for kind in (ChannelKind.PHASE_RATE, ChannelKind.LOS_RATE):
            if kind in layers:
                added = change(layers[kind])
                layers[kind] = layers[kind] + (added if kind is ChannelKind.PHASE_RATE else to_los_rate(added))
        return replace(self, layers=layers)

    def viewed(self, view: Callable[[Array], Array]) -> Ground:
        """The scene with all layers and labels changed alike."""
        layers = {kind: np.ascontiguousarray(view(layer)) for kind, layer in self.layers.items()}
        return replace(self, layers=layers, label=np.ascontiguousarray(view(self.label)))


@dataclass(frozen=True)
class Found:
    """Probability, the areas by the card's rules, and the labels on the same pixels."""

    probability: Array
    areas: Mask
    label: NDArray[np.uint8]


@dataclass(frozen=True)
class Line:
    """One comparison. IoUs are NaN without any true or found area."""

    name: str
    pixels: int
    iou_without: float
    iou_with: float
    mean_change: float
    largest_change: float
    share_noticed: float


class Finder:
    """Runs the model on scenes, through files."""

    def __init__(self, card: ModelCard, backend: Backend, folder: Path) -> None:
        self.card, self._backend, self._folder = card, backend, folder

    def files(self, ground: Ground) -> dict[ChannelKind, Path]:
        """The layers that the model uses, written in their usual unit and sign."""
        paths = {}
        for kind in self.card.layers:
            if kind in ground.layers:
                sign = {ChannelKind.PHASE_RATE: "away", ChannelKind.LOS_RATE: "toward"}.get(kind, "")
                unit = "mm/yr" if kind is ChannelKind.LOS_RATE else UNITS[kind][0]
                paths[kind] = self._folder / f"{kind.value}.tif"
                tags = (("SIGN", sign),) if sign else ()
                write_array(paths[kind], ground.grid, ground.layers[kind], BandDescription(kind.value, unit, tags))
        return paths

    def find(self, ground: Ground) -> Found:
        """Detect with the defaults that a user gets."""
        output = self._folder / "probability.tif"
        with Composite(self.files(ground), self.card) as composite:
            detect(composite, self._backend, self.card, output)
            smallest = self.card.min_area * composite.coarseness**2 / composite.pixel_size**2
        with BandReader(output) as reader:
            probability = reader.read()
        height, width = ground.label.shape
        probability = probability[:height, :width]
        return Found(probability, self._areas(probability, smallest), ground.label)

    def averaged(self, ground: Ground, pixel_size: float) -> Ground:
        """The scene as a processor would give it at larger pixels; labels stay."""
        if pixel_size == ground.pixel_size:
            return ground
        factor = pixel_size / ground.pixel_size
        height, width = (round(side / factor) for side in next(iter(ground.layers.values())).shape)
        grid = Grid("EPSG:32614", (LEFT, pixel_size, 0.0, TOP, 0.0, -pixel_size), width, height)
        layers = {}
        for kind, path in self.files(ground).items():
            with BandReader(path, grid, "average") as reader:
                layers[kind] = reader.read()
        return replace(ground, layers=layers, pixel_size=pixel_size)

    def _areas(self, probability: Array, smallest: float) -> Mask:
        labels, count = ndimage.label(probability >= self.card.low_threshold, structure=np.ones((3, 3)))
        kept = np.bincount(labels.ravel(), minlength=count + 1) >= smallest
        kept &= np.isin(np.arange(count + 1), labels[probability >= self.card.threshold])
        kept[0] = False
        areas: Mask = kept[labels]
        return areas


def compare(name: str, before: Sequence[Found], after: Sequence[Found], where: Mask | None = None) -> Line:
    """Both detections of the same pixels (those in ``where``)."""
    without, with_ = Confusion(), Confusion()
    changes = []
    for first, second in zip(before, after):
        known = np.isfinite(first.probability) & np.isfinite(second.probability)
        if where is not None:
            known &= where
        changes.append(np.abs(first.probability[known] - second.probability[known]))
        counted, truth = known & (first.label != IGNORED) & (second.label != IGNORED), first.label == 1
        without += confusion(first.areas, truth, counted)
        with_ += confusion(second.areas, truth, counted)
    change = np.concatenate(changes)
    ious = pixel_scores(without).iou, pixel_scores(with_).iou
    return Line(name, change.size, *ious, float(change.mean()), float(change.max()), float((change >= NOTICED).mean()))


def main() -> None:
    """Run all comparisons and print the table."""
    arguments = _arguments()
    start = time.perf_counter()
    card = read_card(arguments.model)
    backend = open_backend(arguments.model, "onnxruntime", arguments.threads)
    dems = _held_out(arguments)
    make = TileGenerator(
        arguments.seed, SIZE, dem_paths=dems, terrain_count=1, landslides_per_km2=4 * LANDSLIDES_PER_KM2
    )
    with tempfile.TemporaryDirectory() as folder:
        finder = Finder(card, backend, Path(folder))
        grounds = [_ground(make, index) for index in range(arguments.scenes)]
        plain = [finder.find(ground) for ground in grounds]
        terrain = f"{', '.join(path.stem for path in dems) or 'none'}, and generated"
        print(f"{card.name} {card.version} on {backend.name}; thresholds {card.threshold:g}, {card.low_threshold:g}")
        print(f"{arguments.scenes} scenes of {SIZE}² pixels of 30 m, seed {arguments.seed}; DEMs: {terrain}")
        print(f"{'change':44} {'pixels':>9} {'IoU without':>11} {'with':>6} {'mean |Δp|':>9} {'max':>7} {'≥ 0.02':>7}")
        lines = []
        for part in arguments.only or PARTS:
            lines += [_printed(line) for line in PARTS[part](finder, make, grounds, plain)]
    seconds = time.perf_counter() - start
    print(f"{seconds:.0f} s")
    if arguments.json:
        facts = {"model": f"{card.name} {card.version}", "scenes": arguments.scenes, "size": SIZE, "dems": terrain}
        facts.update(seed=arguments.seed, seconds=round(seconds), lines=[asdict(line) for line in lines])
        arguments.json.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dems", type=Path, help="a folder of DEMs; without it all terrain is generated")
    parser.add_argument("--held-out", nargs="+", default=[], help="beginnings of the names of DEMs never trained on")
    parser.add_argument("--scenes", type=int, default=12, help="at least 4")
    parser.add_argument("--seed", type=int, default=4001)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", nargs="+", choices=PARTS, help="some of the changes (default: all)")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    arguments = parser.parse_args()
    if arguments.dems and not arguments.held_out:
        parser.error("--dems needs --held-out: name the DEMs that the model was never trained on")
    if arguments.scenes < 4:
        parser.error("--scenes must be at least 4")
    return arguments


def _held_out(arguments: argparse.Namespace) -> list[Path]:
    if not arguments.dems:
        return []
    return [path for path in sorted(arguments.dems.glob("*.tif")) if path.name.startswith(tuple(arguments.held_out))]


def _printed(line: Line) -> Line:
    print(
        f"{line.name:44} {line.pixels:9d} {line.iou_without:11.3f} {line.iou_with:6.3f} {line.mean_change:9.5f} "
        f"{line.largest_change:7.4f} {line.share_noticed:7.2%}",
        flush=True,
    )
    return line


def _ground(make: TileGenerator, index: int) -> Ground:
    tile = make(index)
    layers = {ChannelKind(name): layer for name, layer in tile.layers.items()}
    return Ground(layers, tile.label, make.pixel_size, orbit=tile.metadata["orbit"])


def _rates(finder: Finder, make: TileGenerator, grounds: list[Ground], plain: list[Found]) -> list[Line]:
    lines = []
    for offset in (-5.0, 5.0):
        found = [finder.find(ground.with_rates(lambda rate, o=offset: np.full_like(rate, o))) for ground in grounds]
        lines.append(compare(f"offset {offset:+g} rad/yr", plain, found))
    for steepness in (0.3, 1.0):
        found = [finder.find(ground.with_rates(lambda rate, s=steepness: _ramp(rate, s))) for ground in grounds]
        lines.append(compare(f"ramp {steepness:g} rad/yr per 10 km", plain, found))
    return lines


def _ramp(rate: Array, steepness: float) -> Array:
    """A plane over 30 m pixels that rises toward the east-south-east, rad/yr per 10 km."""
    rows, columns = np.indices(rate.shape, np.float32)
    along = np.cos(np.pi / 6) * columns + np.sin(np.pi / 6) * rows
    return (along * (steepness * 30 / 10_000)).astype(np.float32)


def _noise(finder: Finder, make: TileGenerator, grounds: list[Ground], plain: list[Found]) -> list[Line]:
    lines = []
    for name, options in {
        "half the noise": {"noise": 0.5},
        "double noise": {"noise": 2.0},
        "double noise, labels too": {"noise": 2.0, "labels_follow_noise": True},
        "double atmosphere": {"atmosphere": 2.0},
        "double atmosphere, labels too": {"atmosphere": 2.0, "labels_follow_noise": True},
    }.items():
        other = replace(make, **options)
        found = [finder.find(_ground(other, index)) for index in range(len(grounds))]
        lines.append(compare(name, plain, found))
    return lines


def _orbits(finder: Finder, make: TileGenerator, grounds: list[Ground], plain: list[Found]) -> list[Line]:
    def mirror(layer: Array) -> Array:
        return layer[:, ::-1]

    found = [finder.find(ground.viewed(mirror)) for ground in grounds]
    back = [Found(mirror(one.probability), mirror(one.areas), mirror(one.label)) for one in found]
    lines = [compare("mirrored east–west: the other orbit", plain, back)]
    for orbit in ("ascending", "descending"):
        chosen = [index for index, ground in enumerate(grounds) if ground.orbit == orbit]
        if chosen:
            pairs = [plain[index] for index in chosen], [back[index] for index in chosen]
            lines.append(compare(f"  of the {len(chosen)} {orbit} scenes", *pairs))
    return lines


def _holes(finder: Finder, make: TileGenerator, grounds: list[Ground], plain: list[Found]) -> list[Line]:
    """Blobs without any rate, about 500 m wide."""
    lines = []
    for share in (0.1, 0.3, 0.6):
        found = []
        for index, ground in enumerate(grounds):
            noise = np.random.default_rng([make.seed, 3, index]).standard_normal(ground.label.shape)
            score = ndimage.gaussian_filter(noise, 6.0)
            hole = score < np.quantile(score, share)
            layers = {
                kind: np.where(hole & kind.is_rate, np.float32(np.nan), layer) for kind, layer in ground.layers.items()
            }
            found.append(finder.find(replace(ground, layers=layers)))
        lines.append(compare(f"holes over {share:.0%}", plain, found))
    return lines


def _positions(finder: Finder, make: TileGenerator, grounds: list[Ground], plain: list[Found]) -> list[Line]:
    """Cut at the top and left by some pixels; and the same scene elsewhere on the lattice of tiles."""
    mosaics = [_mosaic(grounds[first : first + 4]) for first in range(0, min(8, len(grounds) - 3), 4)]
    whole = [finder.find(mosaic) for mosaic in mosaics]
    card = finder.card
    reach = card.tile_size + max(channel.scaling.halo(30.0) for channel in card.channels)
    lines = []
    for cut in SHIFTS:
        cuts = [replace(mosaic.viewed(lambda layer, c=cut: layer[c:, c:]), cut=cut) for mosaic in mosaics]
        found = [finder.find(ground) for ground in cuts]
        same = [Found(one.probability[cut:, cut:], one.areas[cut:, cut:], one.label[cut:, cut:]) for one in whole]
        rows, columns = np.indices(found[0].label.shape)
        distance = np.minimum(rows, columns)
        lines.append(compare(f"cut by {cut}: ≥ {reach} pixels from the cut", same, found, distance >= reach))
        bounds = (0, 8, 32, 100, reach) if cut == max(SHIFTS) else (0, reach)
        for low, high in zip(bounds, bounds[1:]):
            where = (distance >= low) & (distance < high)
            lines.append(compare(f"  {low} to {high} pixels from the cut", same, found, where))
    for moved in SHIFTS:
        found = [finder.find(replace(mosaic, moved=moved)) for mosaic in mosaics]
        lines.append(compare(f"moved by {moved} on the lattice of tiles", whole, found))
    return lines


def _mosaic(parts: Sequence[Ground]) -> Ground:
    """Four scenes side by side."""

    def join(four: Sequence[Array]) -> Array:
        return np.block([[four[0], four[1]], [four[2], four[3]]])

    layers = {kind: join([part.layers[kind] for part in parts]) for kind in parts[0].layers}
    return Ground(layers, join([part.label for part in parts]))


def _pixel_sizes(finder: Finder, make: TileGenerator, grounds: list[Ground], plain: list[Found]) -> list[Line]:
    """Other scenes, of a quarter of the ground, made at 15 m; the labels are those of 30 m."""
    fine = replace(make, pixel_size=15.0, _terrains=[], _dems=[])
    masters = [_ground(fine, index) for index in range(len(grounds))]
    masters = [replace(master, label=_coarser(master.label)) for master in masters]
    plain = [finder.find(finder.averaged(master, 30.0)) for master in masters]
    return [
        compare(
            f"pixels of {size:g} m beside 30 m", plain, [finder.find(finder.averaged(one, size)) for one in masters]
        )
        for size in PIXEL_SIZES
    ]


def _coarser(label: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels of pixels twice as large: the majority, ignored where any of the four is."""
    four = label.reshape(label.shape[0] // 2, 2, -1, 2).swapaxes(1, 2).reshape(label.shape[0] // 2, -1, 4)
    result = ((four == 1).sum(axis=-1) >= 2).astype(np.uint8)
    result[(four == IGNORED).any(axis=-1)] = IGNORED
    return result


PARTS = {
    "rates": _rates,
    "noise": _noise,
    "orbits": _orbits,
    "holes": _holes,
    "positions": _positions,
    "pixel-sizes": _pixel_sizes,
}

if __name__ == "__main__":
    main()
