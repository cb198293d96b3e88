"""The networks trained from scratch on the same simulated tiles, with the paper's four channels.

    python benchmarks/architectures.py --dems FOLDER --validation NAME… --test NAME… [--samples 2400] [--networks NAME…]

Each sees the same number of tiles in the same order, with its own usual learning rate (a residual encoder of 44 million
numbers without normalisation in the decoder doesn't bear the compact network's). Printed are the minutes that it took,
the pixel IoU on test tiles at the thresholds that validation tiles ask for, and that of the tuned classical detector.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from ada_mapper.core.channels import COMBINATIONS
from ada_mapper.core.learning import (
    TEST_SEED,
    TRAINING_DENSITY,
    VALIDATION_SEED,
    TrainingOptions,
    best_classical,
    bundled_card,
    choose_thresholds,
    judge,
    judge_classical,
    judged_tiles,
    split_terrain,
    train,
)
from ada_mapper.core.models import NETWORKS, parameter_count
from ada_mapper.core.simulation import LANDSLIDES_PER_KM2, TileGenerator

LEARNING_RATES = {"compact": 2e-3, "resnet50_unet": 3e-4, "vgg16_unet": 1e-4}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dems", type=Path, required=True)
    parser.add_argument("--validation", nargs="+", required=True)
    parser.add_argument("--test", nargs="+", required=True)
    parser.add_argument("--samples", type=int, default=2400)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tiles", type=int, default=120)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=["compact", "resnet50_unet"])
    arguments = parser.parse_args()
    split = split_terrain(arguments.dems, arguments.validation, arguments.test)
    source = TileGenerator(21, dem_paths=split.training, landslides_per_km2=TRAINING_DENSITY * LANDSLIDES_PER_KM2)
    parts = ((VALIDATION_SEED + 20, split.validation), (TEST_SEED + 20, split.test))
    validation, test = (
        list(map(TileGenerator(seed, dem_paths=paths), range(arguments.tiles))) for seed, paths in parts
    )
    four = COMBINATIONS["phase_rate+los_rate+dem+slope"]
    channels = tuple(replace(c, optional=False) for c in bundled_card().channels if c.kind in four)
    print(
        f"{arguments.samples} tiles of training; pixel IoU on {arguments.tiles} test tiles; channels {'+'.join(four)}"
    )
    for name in arguments.networks:
        stride = NETWORKS[name].stride
        card = replace(bundled_card(), architecture=name, stride=stride, channels=channels)
        options = TrainingOptions(
            steps=arguments.samples // 8,
            batch_size=8,
            learning_rate=LEARNING_RATES[name],
            threads=arguments.threads,
            evaluate_every=1.0,
            seed=21,
        )
        network, state = train(card, source, validation[:4], options)
        known, answers = judged_tiles(network, card, validation), judged_tiles(network, card, test)
        threshold, low = choose_thresholds(card, known)
        scores = judge(replace(card, threshold=threshold, low_threshold=low), answers)
        million = parameter_count(network) / 1e6
        print(
            f"{name:15} {million:5.1f} M parameters  {state.seconds / 60:5.1f} min  IoU {scores['iou']:.3f}", flush=True
        )
        classical = judge_classical(best_classical(validation, known), card, test, answers)
    print(f"{'classical':15} IoU {classical['iou']:.3f}")


if __name__ == "__main__":
    main()
