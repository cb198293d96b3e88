"""What a second orbit is worth: ways to make one probability of two, on the same slopes seen from both orbits.

    python benchmarks/two_orbits.py MODEL [--dems FOLDER] [--tiles 60] [--seed 71] [--choose]

Tiles of the second family, each seen from the ascending and from the descending orbit with noise of its own. Judged are
pixels that either orbit measured; a landslide is asked for where either could see it. ``--choose`` searches the
constants of the fusion on the first half of the tiles and judges on the second.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ada_mapper.core.accuracy import area_pixels, tile_objects
from ada_mapper.core.detection import FusionRule, fused_probability
from ada_mapper.core.models import IGNORED, ModelCard, network_input, open_backend, read_card
from ada_mapper.core.simulation.held_apart import SecondFamilyTiles

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Pair:
    """Both orbits' probabilities (NaN where not measured) and LOS sensitivities, the truth and how large pixels are."""

    probabilities: tuple[Array, Array]
    sensitivities: tuple[Array, Array]
    label: NDArray[np.uint8]
    pixel_size: float

    def areas(self, card: ModelCard, probability: Array) -> Mask:
        return area_pixels(probability, card, self.pixel_size)


Way = Callable[[Pair, ModelCard], Mask]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dems", type=Path)
    parser.add_argument("--tiles", type=int, default=60)
    parser.add_argument("--seed", type=int, default=71)
    parser.add_argument("--choose", action="store_true")
    arguments = parser.parse_args()
    dems = sorted(arguments.dems.glob("*.tif")) if arguments.dems else []
    card, pairs = read_card(arguments.model), seen_from_both(arguments.model, arguments.tiles, arguments.seed, dems)
    rule = FusionRule()
    if arguments.choose:
        half = len(pairs) // 2
        rule, pairs = best_rule(pairs[:half], card), pairs[half:]
    print(f"{card.name} {card.version}; {len(pairs)} tiles; {rule}")
    print(f"{'':28} {'IoU':>6} {'found':>6} {'right':>6} {'areas':>6}")
    for name, way in ways(rule).items():
        iou, found, right, areas = score(pairs, card, way)
        print(f"{name:28} {iou:6.3f} {found:6.3f} {right:6.3f} {areas:6}")


def seen_from_both(model: Path, tiles: int, seed: int, dems: list[Path]) -> list[Pair]:
    """The model's answers to tiles of both orbits."""
    card, backend = read_card(model), open_backend(model, "onnxruntime")
    make = SecondFamilyTiles(seed, dems)
    pairs = []
    for index in range(tiles):
        views = make.both_orbits(index)
        probabilities = []
        for tile in views:
            bands, measured = network_input(tile, card)
            probabilities.append(np.where(measured, backend.predict(bands[np.newaxis])[0], np.nan).astype(np.float32))
        first, second = (tile.layers["los_sensitivity"] for tile in views)
        seen = (views[0].label == 1) | (views[1].label == 1)
        unsure = (views[0].label == IGNORED) | (views[1].label == IGNORED)
        label = np.where(seen, 1, np.where(unsure, IGNORED, 0)).astype(np.uint8)
        pairs.append(Pair((probabilities[0], probabilities[1]), (first, second), label, views[0].pixel_size))
    return pairs


def ways(rule: FusionRule) -> dict[str, Way]:
    """Found pixels of a pair of tiles, by what they are found with."""

    def of(join: Callable[[Array, Array], Array]) -> Way:
        return lambda pair, card: pair.areas(card, join(*pair.probabilities))

    return {
        "ascending alone": of(lambda first, second: first),
        "descending alone": of(lambda first, second: second),
        "maximum": of(np.fmax),
        "mean": of(mean),
        "noisy or": of(lambda first, second: np.fmax(np.fmax(first, second), 1 - (1 - first) * (1 - second))),
        "areas of both, merged": lambda pair, card: np.logical_or(*(pair.areas(card, p) for p in pair.probabilities)),
        "fused by sensitivity": of_rule(rule),
    }


def mean(first: Array, second: Array) -> Array:
    """The mean of what is known."""
    return np.where(np.isnan(first), second, np.where(np.isnan(second), first, (first + second) / 2))


def of_rule(rule: FusionRule) -> Way:
    """Fusion with given constants."""

    def found(pair: Pair, card: ModelCard) -> Mask:
        return pair.areas(card, fused_probability(*pair.probabilities, *pair.sensitivities, rule))

    return found


def score(pairs: list[Pair], card: ModelCard, way: Way) -> tuple[float, float, float, int]:
    """Pixel IoU, share of true areas found, share of found ones right, true areas."""
    hits = union = true = matched_true = guessed = matched = 0
    for pair in pairs:
        measured = np.isfinite(pair.probabilities[0]) | np.isfinite(pair.probabilities[1])
        counted = measured & (pair.label != IGNORED)
        found, truth = way(pair, card) & counted, (pair.label == 1) & counted
        hits += int((found & truth).sum())
        union += int((found | truth).sum())
        objects = tile_objects(found, pair.label, counted, card.min_area / pair.pixel_size**2)
        true, matched_true = true + objects.true_count, matched_true + objects.matched_true
        guessed, matched = guessed + objects.found_count, matched + objects.matched_found
    return hits / max(union, 1), matched_true / max(true, 1), matched / max(guessed, 1), true


def best_rule(pairs: list[Pair], card: ModelCard) -> FusionRule:
    """The constants with the largest sum of IoU and the F1 score of areas, one after the other, twice."""
    choices: dict[str, tuple[float, ...]] = {
        "power": (0.1, 0.2, 0.35, 0.5, 0.7),
        "prior": (0.05, 0.1, 0.2, 0.3),
        "correlation": (0.2, 0.4, 0.6, 0.8, 0.9),
        "clear": (0.3, 0.4, 0.6, 0.8),
        "blind": (0.0, 0.1, 0.2),
    }
    rule, best = FusionRule(), -1.0
    for _ in range(2):
        for name, values in choices.items():
            for value in values:
                tried = replace(rule, **{name: value})
                iou, found, right, _ = score(pairs, card, of_rule(tried))
                sum_of_both = iou + 2 * found * right / max(found + right, 1e-9)
                if sum_of_both > best:
                    best, rule = sum_of_both, tried
    return rule


if __name__ == "__main__":
    main()
