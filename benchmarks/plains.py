"""Whether subsidence and uplift of level ground are kept out: simulated tiles over plains without any landslide.

    python benchmarks/plains.py MODEL [--dems FOLDER --held-out NAME…] [--tiles 400] [--seed 41]

A bowl is ground of less than 5° that moves by at least 10 mm/yr along the line of sight over 0.02 km² or more and of
which most was measured; it counts as reported where an area covers a tenth of it. Also false alarms of any kind, and
the same of the classical detector at its default rules with and without its rule for slopes, and of downhill motion.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from ada_mapper.core.accuracy import area_pixels
from ada_mapper.core.areas import ClassicalRules, classical_mask
from ada_mapper.core.channels import COMBINATIONS
from ada_mapper.core.models import network_input, open_backend, read_card
from ada_mapper.core.simulation import Tile, TileGenerator

LEAST_RATE, LEAST_PIXELS, LEVEL = 10.0, 22, 5.0
CORNERS = np.ones((3, 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dems", type=Path)
    parser.add_argument("--held-out", nargs="*", default=[])
    parser.add_argument("--tiles", type=int, default=400)
    parser.add_argument("--seed", type=int, default=41)
    arguments = parser.parse_args()
    dems = [path for name in arguments.held_out for path in sorted(arguments.dems.glob(f"{name}*.tif"))]
    make_tile = TileGenerator(arguments.seed, dem_paths=dems, landslides_per_km2=0.0)
    card, backend = read_card(arguments.model), open_backend(arguments.model, "onnxruntime")
    kinds = {channel.kind for channel in card.channels}
    given = {"all channels": kinds, **{name: set(COMBINATIONS[name]) for name in ("phase_rate+los_rate", "phase_rate")}}
    names = [*given, "classical detector", "classical detector with slopes", "… of downhill motion with slopes"]
    reported, alarms = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    bowls, km2 = 0, 0.0
    for tile in map(make_tile, range(arguments.tiles)):
        measured = np.isfinite(tile.layers["phase_rate"])
        objects = _bowls(tile, measured)
        bowls += len(objects)
        km2 += measured.sum() * tile.pixel_size**2 / 1e6
        for name in names:
            if name in given:
                bands, measured_there = network_input(tile, card, kinds - given[name])
                probability = np.where(measured_there, backend.predict(bands[np.newaxis])[0], np.nan)
                found = area_pixels(probability, card, tile.pixel_size)
            else:
                slope = tile.layers["slope"] if "slopes" in name else None
                seen = tile.layers["los_sensitivity"] if "downhill" in name else None
                found = classical_mask(tile.layers["los_rate"], tile.pixel_size, ClassicalRules(), slope, seen)
            reported[name] += sum(bool(found[bowl].mean() >= 0.1) for bowl in objects)
            alarms[name] += label(found, CORNERS)[1]
    print(f"{card.name} {card.version}; {arguments.tiles} tiles, {km2:.0f} km² measured, {bowls} bowls")
    for name in names:
        share = reported[name] / max(bowls, 1)
        rate = 100 * alarms[name] / km2
        print(f"{name:34} reported {reported[name]:4d} ({share:.1%})  false alarms per 100 km² {rate:.2f}")


def _bowls(tile: Tile, measured: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The masks of the bowls in a tile."""
    moving = (np.abs(tile.other_motion) >= LEAST_RATE) & (tile.layers["slope"] < LEVEL)
    regions, count = label(moving, CORNERS)
    masks = [(regions == number) & measured for number in range(1, count + 1)]
    sizes = np.bincount(regions.ravel(), minlength=count + 1)[1:]
    return [mask for mask, size in zip(masks, sizes) if mask.sum() >= max(LEAST_PIXELS, size / 2)]


if __name__ == "__main__":
    main()
