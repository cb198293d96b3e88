"""Whether one network for all channel combinations costs accuracy: the shipped network beside networks that were
specialised for one combination.

    python benchmarks/specialists.py MODEL --dems FOLDER --validation NAME… --test NAME… [--minutes 3] [--tiles 240]

Each specialist starts from the shipped weights and goes on training for MINUTES on nothing but its combination. So does
the control, with all channels dropped at random as before: what it gains is the longer training, not specialising.
Thresholds of each are chosen on the validation tiles, pixel IoU is that on the test tiles. Simulated tiles; terrain of
regions that neither was trained on.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ada_mapper.core.channels import COMBINATIONS, ChannelKind
from ada_mapper.core.learning import (
    TEST_SEED,
    TRAINING_DENSITY,
    VALIDATION_SEED,
    TrainingOptions,
    choose_thresholds,
    judge,
    judged_tiles,
    split_terrain,
    train,
)
from ada_mapper.core.models import ModelCard, Network, load_network, read_card
from ada_mapper.core.simulation import LANDSLIDES_PER_KM2, Tile, TileGenerator


@dataclass(frozen=True)
class WithoutLayers:
    """Tiles whose layers of some kinds hold nothing."""

    source: TileGenerator
    missing: Collection[ChannelKind]

    def __call__(self, index: int) -> Tile:
        tile = self.source(index)
        layers = dict(tile.layers)
        for kind in self.missing:
            layers[kind.value] = np.full_like(layers[kind.value], np.nan)
        return replace(tile, layers=layers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dems", type=Path, required=True)
    parser.add_argument("--validation", nargs="+", required=True)
    parser.add_argument("--test", nargs="+", required=True)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--tiles", type=int, default=240)
    parser.add_argument("--combinations", nargs="+", choices=COMBINATIONS, default=list(COMBINATIONS))
    arguments = parser.parse_args()
    card, shipped = read_card(arguments.model), load_network(arguments.model)
    split = split_terrain(arguments.dems, arguments.validation, arguments.test)
    source = TileGenerator(11, dem_paths=split.training, landslides_per_km2=TRAINING_DENSITY * LANDSLIDES_PER_KM2)
    options = TrainingOptions(
        minutes=arguments.minutes, learning_rate=3e-4, average=0.99, workers=1, evaluate_every=1.0, seed=11
    )
    judges = [
        TileGenerator(seed, dem_paths=paths)
        for seed, paths in ((VALIDATION_SEED + 10, split.validation), (TEST_SEED + 10, split.test))
    ]
    validation, test = ([make(index) for index in range(arguments.tiles)] for make in judges)
    control, _ = train(card, source, validation[:4], options, start=shipped)
    kinds = {channel.kind for channel in card.channels}
    own_card = replace(card, channels=tuple(replace(channel, optional=False) for channel in card.channels))
    print(f"pixel IoU on {arguments.tiles} tiles; {arguments.minutes:g} min of further training each")
    print(f"{'combination':32} shipped  control  specialist")
    for name in arguments.combinations:
        missing = frozenset(kinds - set(COMBINATIONS[name]))
        specialist, _ = train(own_card, WithoutLayers(source, missing), validation[:4], options, start=shipped)
        scores = [_iou(network, card, validation, test, missing) for network in (shipped, control, specialist)]
        print(f"{name:32} {scores[0]:7.3f}  {scores[1]:7.3f}  {scores[2]:10.3f}", flush=True)


def _iou(
    network: Network, card: ModelCard, validation: list[Tile], test: list[Tile], missing: frozenset[ChannelKind]
) -> float:
    """Pixel IoU on the test tiles at the thresholds that the validation tiles ask for."""
    threshold, low = choose_thresholds(card, judged_tiles(network, card, validation, missing))
    chosen = replace(card, threshold=threshold, low_threshold=low)
    return judge(chosen, judged_tiles(network, card, test, missing))["iou"]


if __name__ == "__main__":
    main()
