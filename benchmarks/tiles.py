"""Whether simulated tiles are made fast enough to train on the fly: tiles a second beside training steps a second.

    python benchmarks/tiles.py [--dems FOLDER] [--count 60]

One thread each, in turns within one run: making a tile of 256 × 256 pixels, scaling its channels, and one step of the
compact network on it (bfloat16, batches of 16). A ratio above 1 means that one process that makes tiles keeps one that
trains busy.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from ada_mapper.core.learning import bundled_card, dice_cross_entropy_loss, to_input
from ada_mapper.core.models import build_network
from ada_mapper.core.simulation import TileGenerator

BATCH = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dems", type=Path)
    parser.add_argument("--count", type=int, default=4, help="batches")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    card = bundled_card()
    make_tile = TileGenerator(1, dem_paths=arguments.dems)
    for index in range(BATCH):  # fills the generator's caches
        make_tile(index)
    network = build_network(card.architecture, len(card.band_names)).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters())
    seconds = {"tiles": 0.0, "scaling": 0.0, "training": 0.0}
    for batch in range(arguments.count):
        start = time.perf_counter()
        tiles = [make_tile(BATCH * (batch + 1) + index) for index in range(BATCH)]
        made = time.perf_counter()
        inputs = [to_input(tile, card) for tile in tiles]
        scaled = time.perf_counter()
        bands = torch.from_numpy(np.stack([bands for bands, _ in inputs])).contiguous(memory_format=torch.channels_last)
        labels = torch.from_numpy(np.stack([labels for _, labels in inputs]))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(bands)
        optimiser.zero_grad()
        dice_cross_entropy_loss(logits, labels).backward()
        optimiser.step()
        seconds["tiles"] += made - start
        seconds["scaling"] += scaled - made
        seconds["training"] += time.perf_counter() - scaled
    count = BATCH * arguments.count
    for name, spent in seconds.items():
        print(f"{name:10} {1e3 * spent / count:6.1f} ms a tile   {count / spent:6.1f} a second")
    print(
        f"tiles made and scaled a second over tiles trained on: "
        f"{seconds['training'] / (seconds['tiles'] + seconds['scaling']):.2f}"
    )


if __name__ == "__main__":
    main()
