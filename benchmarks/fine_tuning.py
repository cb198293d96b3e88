"""What fine-tuning with a few labels gives in a region whose noise differs, and what it costs elsewhere.

    python benchmarks/fine_tuning.py MODEL --dems FOLDER --region NAME… --standard NAME… [--noise PHASE_RATE.tif]
        [--areas 20] [--seeds 1 2 3] [--steps 100 | --minutes 10] [--tiles 150] [--size 256]

The region lies on the DEMs whose names start with those of --region. Its rates are simulated with delay by height,
fading and moving fields stronger than the model was trained with or, with --noise, are real ones (of a stack of any
place) to which landslides are added. DEMs and real rates are cut in two: one half gives sample tiles that hold exactly
AREAS labelled areas and validation tiles that hold half as many, the other half the test tiles. Each seed draws other
labels. The training is that of the tool “Train a model” with its usual settings, but for the budget; its simulated
tiles lie on the DEMs that are left. Standard tiles are as the model was trained with, on the DEMs of --standard and
generated ground. Each model is judged at the thresholds of its card; the classical detector at the setting that is best
on the validation tiles. Areas match from an intersection over union of 0.3 on.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal

from ada_mapper.core.accuracy import ClassicalSetting
from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.learning import (
    SIMULATED_SHARE,
    Judged,
    Recipe,
    count_areas,
    judge,
    judge_classical,
    judged_tiles,
    split_terrain,
    train_model,
    usual_options,
)
from ada_mapper.core.models import ModelCard, load_network, read_card
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandDescription, Grid, RasterWriter, write_array
from ada_mapper.core.samples import SET_FILE, SET_FORMAT, TILE_FOLDER, stored_unit
from ada_mapper.core.satellite import Viewing
from ada_mapper.core.simulation import LandCover, SemiRealTiles, Terrain, Tile, TileGenerator, smooth
from ada_mapper.core.types import Array

KINDS = (ChannelKind.PHASE_RATE, ChannelKind.LOS_RATE, ChannelKind.DEM, ChannelKind.SLOPE, ChannelKind.LOS_SENSITIVITY)
REGION_SEED, STANDARD_SEED = 31_000, 32_000
DELAY = 2.5
FIELDS_PER_KM2, FIELD_SIDES, FIELD_RATE, FIELD_SLOPE = 1.0, (4, 14), 8.0, 10.0
FADING = (4.0, 12.0)
SCORES = {
    "pixel IoU": "iou",
    "area recall": "object_recall",
    "area precision": "object_precision",
    "false alarms / 100 km²": "false_alarms_per_100_km2",
}


class DifficultRegion(TileGenerator):
    """Simulated tiles of a region with noise of its own.

    A delay that grows with height by about DELAY rad/yr per km, a fading bias in every tile, and fields of a few
    hundred metres on gentle ground that rise or sink by FIELD_RATE mm/yr (standard deviation) and are no landslides.
    """

    def _atmosphere(self, rng: np.random.Generator, terrain: Terrain, gain: float) -> Array:
        heights = (terrain.dem - terrain.dem.mean()) / np.float32(1000)
        return super()._atmosphere(rng, terrain, gain) + heights * np.float32(DELAY * rng.uniform(0.8, 1.2))

    def _other_motion(self, rng: np.random.Generator, terrain: Terrain, viewing: Viewing) -> Array:
        rate = super()._other_motion(rng, terrain, viewing)
        for _ in range(rng.poisson(FIELDS_PER_KM2 * (self.size * self.pixel_size / 1000) ** 2)):
            height, width = rng.integers(*FIELD_SIDES, 2)
            row, column = rng.integers(0, self.size - height), rng.integers(0, self.size - width)
            field = slice(row, row + height), slice(column, column + width)
            rate[field] += np.float32(rng.normal(0, FIELD_RATE)) * (terrain.slope[field] < FIELD_SLOPE)
        return rate

    def _fading(self, rng: np.random.Generator, cover: LandCover) -> Array:
        by_class = rng.uniform(-1, 1, cover.classes.max() + 1) * rng.uniform(*FADING)
        return smooth(by_class.astype(np.float32)[cover.classes], 0.8)


@dataclass(frozen=True)
class Ground:
    """Where tiles of a region come from: half a DEM each, and half of the real rates if there are any."""

    dems: tuple[Path, ...]
    noise: Path | None
    size: int

    def tiles(self, seed: int) -> TileGenerator:
        """The endless tiles of a seed."""
        if self.noise is None:
            return DifficultRegion(seed, self.size, dem_paths=self.dems)
        return SemiRealTiles(self.noise, self.dems, seed, self.size)


def halves(path: Path, folder: Path) -> tuple[Path, Path]:
    """The two halves of a raster, cut across its longer side."""
    source = gdal.Open(str(path))
    width, height = source.RasterXSize, source.RasterYSize
    if width > height:
        windows = [(0, 0, width // 2, height), (width // 2, 0, width - width // 2, height)]
    else:
        windows = [(0, 0, width, height // 2), (0, height // 2, width, height - height // 2)]
    made = [folder / f"{path.stem}_{number}.tif" for number in (1, 2)]
    for target, window in zip(made, windows):
        gdal.Translate(str(target), source, srcWin=window)
    return made[0], made[1]


def with_areas(stream: Iterator[Tile], areas: int) -> list[Tile]:
    """The next tiles that hold exactly so many labelled areas, those without any between them included."""
    tiles, found = [], 0
    while found < areas:
        tile = next(stream)
        count = count_areas([tile])
        if found + count <= areas:
            tiles.append(tile)
            found += count
    return tiles


def write_samples(folder: Path, roles: dict[str, list[Tile]]) -> None:
    """A sample set as Create samples makes it, of tiles that lie apart."""
    (folder / TILE_FOLDER).mkdir(parents=True)
    records: list[dict[str, Any]] = []
    for role, tiles in roles.items():
        for number, tile in enumerate(tiles):
            name, size = f"{role}{number}", len(tile.label)
            grid = Grid("EPSG:32632", (0.0, tile.pixel_size, 0.0, 0.0, 0.0, -tile.pixel_size), size, size)
            bands = [BandDescription(kind.value, stored_unit(kind)[0]) for kind in KINDS]
            with RasterWriter(folder / TILE_FOLDER / f"{name}_layers.tif", grid, bands) as writer:
                for band, kind in enumerate(KINDS, 1):
                    writer.write(tile.layers[kind.value], band=band)
            path = folder / TILE_FOLDER / f"{name}_label.tif"
            write_array(path, grid, tile.label, BandDescription("label", ""))
            counts = {
                f"{kind}_pixels": int((tile.label == value).sum())
                for kind, value in (("background", 0), ("area", 1), ("ignored", 255))
            }
            valid = int(np.isfinite(tile.layers["phase_rate"]).sum())
            place = {"scene": "region", "block": name, "role": role, "row": 0, "column": 0}
            records.append({"name": name, **place, **counts, "valid_pixels": valid})
    facts = {
        "format": SET_FORMAT,
        "layers": [dict(zip(("kind", "unit", "sign"), (kind.value, *stored_unit(kind)))) for kind in KINDS],
        "pixel_size": 30.0,
        "tile_size": size,
        "scenes": [{"name": "region", "pixel_size": 30.0}],
        "statistics": {},
        "tiles": records,
    }
    (folder / SET_FILE).write_text(json.dumps(facts), encoding="utf-8")


def fine_tuned(
    arguments: argparse.Namespace, seed: int, ground: Ground, rest: Sequence[str], folder: Path
) -> tuple[Path, ModelCard]:
    """Label, train as the tool does, and tell what came of it: the model's file and card."""
    generator = ground.tiles(REGION_SEED + seed)
    stream = map(generator, range(10**9))
    roles = {
        "training": with_areas(stream, arguments.areas),
        "validation": with_areas(stream, arguments.areas // 2),
    }
    write_samples(folder / "samples", roles)
    (folder / "dems").mkdir()
    for dem in map(Path, rest):
        (folder / "dems" / dem.name).symlink_to(dem.resolve())
    output = folder / "tuned.onnx"
    budget = {"steps": arguments.steps} if arguments.minutes is None else {"minutes": arguments.minutes}
    given = {"learning_rate": arguments.rate} if arguments.rate else {}
    options = usual_options(
        read_card(arguments.model).architecture, True, seed=seed, threads=1, device="cpu", **budget, **given
    )
    recipe = Recipe(
        output,
        options,
        samples=(str(folder / "samples"),),
        simulated_share=arguments.share,
        dem_folder=str(folder / "dems"),
        start=str(arguments.model),
    )
    start = time.process_time()
    card = train_model(recipe, Progress(on_info=logging.info, on_warning=logging.warning))
    facts = card.training
    held = [f"{len(tiles)} {role} tiles with {count_areas(tiles)} areas" for role, tiles in roles.items()]
    print(
        f"seed {seed}: {', '.join(held)}; {facts['steps']} steps of {options.batch_size} tiles, learning rate "
        f"{options.learning_rate:g}, {facts['minutes']:.1f} min ({(time.process_time() - start) / 60:.1f} min of a "
        f"core with judging); {facts['fine_tuning']['chosen_share']:.0%} of the way to the tuned weights, thresholds "
        f"{card.threshold:g} / {card.low_threshold:g}",
        flush=True,
    )
    for candidate in facts["fine_tuning"]["candidates"]:
        logging.info(candidate)
    return output, card


def classical(card: ModelCard, tiles: Sequence[Tile], answers: Sequence[Judged]) -> dict[str, float]:
    """The scores of the classical detector at the setting that the training chose on its validation tiles."""
    choice = ClassicalSetting.from_facts(card.training["classical"])
    return judge_classical(choice, card, tiles, answers)


def print_table(results: dict[str, dict[str, list[dict[str, float]]]]) -> None:
    """Each score of each ground and detector: the mean over the seeds, and each seed's."""
    for ground, detectors in results.items():
        print(f"\n{ground}\n{'':11}" + "".join(f"{title:>33}" for title in SCORES))
        for name, scores in detectors.items():
            line = f"{name:11}"
            for key in SCORES.values():
                values = [score.get(key, float("nan")) for score in scores]
                each = " ".join(f"{value:.3f}" for value in values)
                line += f"{f'{np.mean(values):.3f} ({each})':>33}"
            print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dems", type=Path, required=True)
    parser.add_argument("--region", nargs="+", required=True)
    parser.add_argument("--standard", nargs="+", required=True)
    parser.add_argument("--noise", type=Path, help="a phase rate whose noise is the region's")
    parser.add_argument("--areas", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--minutes", type=float, help="in place of steps")
    parser.add_argument("--rate", type=float, help="learning rate, in place of the usual one")
    parser.add_argument("--share", type=float, default=SIMULATED_SHARE, help="share of simulated tiles")
    parser.add_argument("--tiles", type=int, default=150)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO if arguments.verbose else logging.WARNING, format="%(asctime)s %(message)s")
    gdal.UseExceptions()
    split = split_terrain(arguments.dems, arguments.region, arguments.standard)
    base = read_card(arguments.model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = [halves(Path(dem), folder) for dem in split.validation]
        rates = (None, None) if arguments.noise is None else halves(arguments.noise, folder)
        labelled, unseen = (Ground(tuple(part[half] for part in parts), rates[half], arguments.size) for half in (0, 1))
        standard = TileGenerator(STANDARD_SEED, arguments.size, dem_paths=split.test)
        grounds = {
            title: [source(index) for index in range(arguments.tiles)]
            for title, source in (("region", unseen.tiles(REGION_SEED)), ("standard", standard))
        }
        for title, tiles in grounds.items():
            print(f"{title}: {len(tiles)} test tiles of {arguments.size}² pixels, {count_areas(tiles)} areas")
        results: dict[str, dict[str, list[dict[str, float]]]] = {}
        for title, tiles in grounds.items():
            found = judge(base, judged_tiles(load_network(arguments.model), base, tiles))
            results[title] = {"base": [found], "tuned": [], "classical": []}
            logging.info("%s: %s", title, found)
        for seed in arguments.seeds:
            (folder / str(seed)).mkdir()
            model, card = fine_tuned(arguments, seed, labelled, split.training, folder / str(seed))
            for title, tiles in grounds.items():
                answers = judged_tiles(load_network(model), card, tiles)
                results[title]["tuned"].append(judge(card, answers))
                results[title]["classical"].append(classical(card, tiles, answers))
                logging.info("%s: %s", title, results[title]["tuned"][-1])
        print_table(results)


if __name__ == "__main__":
    main()
