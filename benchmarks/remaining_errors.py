"""What the pixel IoU of a model loses, and to what: on simulated tiles over held-out terrain.

    python benchmarks/remaining_errors.py MODEL [--dems FOLDER --held-out NAME…] [--tiles 240] [--seed 51]

Shares of the union of true and found pixels: hits; rims that were missed or added around areas that were found; whole
areas missed; whole areas found where none is, apart by where they lie. Then by what the network of pairs makes of the
noise of a date (‖c‖) and by the peak LOS rate of an area.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, label

from ada_mapper.core.accuracy import area_pixels
from ada_mapper.core.models import IGNORED, network_input, open_backend, read_card
from ada_mapper.core.simulation import Tile, TileGenerator

CORNERS = np.ones((3, 3))
GAINS = (0.0, 0.3, 0.6, 1.0, 2.0, np.inf)
PEAKS = (8.0, 12.0, 20.0, 40.0, 80.0, np.inf)
HIT, MISSED_RIM, ADDED_RIM, MISSED = "hits", "missed rims", "added rims", "missed areas"
FALSE_MOTION, FALSE_NEAR, FALSE = "false: other motion", "false: at an ignored landslide", "false: noise"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dems", type=Path)
    parser.add_argument("--held-out", nargs="*", default=[])
    parser.add_argument("--tiles", type=int, default=240)
    parser.add_argument("--seed", type=int, default=51)
    arguments = parser.parse_args()
    dems = [path for name in arguments.held_out for path in sorted(arguments.dems.glob(f"{name}*.tif"))]
    make_tile = TileGenerator(arguments.seed, dem_paths=dems)
    card, backend = read_card(arguments.model), open_backend(arguments.model, "onnxruntime")
    total: Counter[str] = Counter()
    by_gain: dict[int, Counter[str]] = {}
    areas = []
    for tile in map(make_tile, range(arguments.tiles)):
        bands, measured = network_input(tile, card)
        probability = np.where(measured, backend.predict(bands[np.newaxis])[0], np.nan)
        counted = measured & (tile.label != IGNORED)
        found = area_pixels(probability, card, tile.pixel_size) & counted
        pixels = classes(tile, found, counted)
        total += pixels
        by_gain.setdefault(_class(tile.metadata["date_gain"], GAINS), Counter()).update(pixels)
        areas += true_areas(tile, found, counted)
    union = sum(total.values())
    print(f"{card.name} {card.version}; {arguments.tiles} tiles; pixel IoU {total[HIT] / union:.3f}")
    for name, count in total.most_common():
        print(f"  {name:32} {count / union:6.1%}")
    found_union = total[HIT] + total[MISSED_RIM] + total[ADDED_RIM]
    print(f"  IoU of the areas that were found at all {total[HIT] / found_union:.3f}")
    for place, counts in sorted(by_gain.items()):
        print(f"‖c‖ {GAINS[place]:g} to {GAINS[place + 1]:g}/yr: IoU {counts[HIT] / max(sum(counts.values()), 1):.3f}")
    for low, high in zip(PEAKS, PEAKS[1:]):
        chosen = [share for peak, share in areas if low <= peak < high]
        touched = np.mean([share >= 0.3 for share in chosen]) if chosen else np.nan
        print(f"peak {low:g} to {high:g} mm/yr: {len(chosen)} areas, {touched:.2f} of them found by 30 % or more")


def classes(tile: Tile, found: NDArray[np.bool_], counted: NDArray[np.bool_]) -> Counter[str]:
    """The pixels of the union by what is right or wrong with them."""
    truth = (tile.label == 1) & counted
    counts: Counter[str] = Counter({HIT: int((truth & found).sum())})
    for mask in _objects(truth):
        counts[MISSED_RIM if (mask & found).any() else MISSED] += int((mask & ~found).sum())
    near = binary_dilation(tile.label == IGNORED, CORNERS, iterations=2)
    for mask in _objects(found):
        if (mask & truth).any():
            kind = ADDED_RIM
        elif (np.abs(tile.other_motion[mask]) > 5).mean() > 0.5:
            kind = FALSE_MOTION
        else:
            kind = FALSE_NEAR if (mask & near).any() else FALSE
        counts[kind] += int((mask & ~truth).sum())
    return counts


def true_areas(tile: Tile, found: NDArray[np.bool_], counted: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Peak |LOS rate| (mm/yr) and found share of each true area of which at least 22 pixels count."""
    masks = [mask for mask in _objects(tile.label == 1) if (mask & counted).sum() >= 22]
    return [(float(np.abs(tile.motion[mask]).max()), float(found[mask & counted].mean())) for mask in masks]


def _objects(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    regions, count = label(mask, CORNERS)
    return [regions == number for number in range(1, count + 1)]


def _class(value: float, limits: tuple[float, ...]) -> int:
    return int(np.searchsorted(limits, value, side="right")) - 1


if __name__ == "__main__":
    main()
