"""How good a network is on labelled tiles, and the thresholds and probabilities that follow from it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..accuracy import (
    CLASSICAL_SETTINGS,
    ClassicalSetting,
    Confusion,
    ObjectScores,
    PixelScores,
    ProbabilityCounts,
    Reliability,
    area_pixels,
    best_setting,
    confusion,
    f1_score,
    pixel_scores,
    tile_objects,
    tuning_ious,
)
from ..channels import ChannelKind
from ..models import IGNORED, LabelledTile, Labels, ModelCard, Network, network_input
from ..progress import QUIET, Progress
from ..types import Array
from .inputs import to_input

_BINS = 1000
_TRIED = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_UNDECIDED = -4.0
"""Log odds below which pixels don't enter the calibration: 2 %."""
ASKED_AREA, ASKED_RATE = 20_000.0, 10.0
"""Areas (m²) and peak LOS rates (mm/yr) from which on an area counts as clear: it should not be missed."""


def predict(network: Network, bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability of the area class, (n, h, w), for scaled and filled input (n, bands, h, w)."""
    network.train(False)
    device = next(network.parameters()).device
    with torch.inference_mode():
        inputs = torch.from_numpy(np.ascontiguousarray(bands)).to(device).contiguous(memory_format=torch.channels_last)
        probability: NDArray[np.float32] = torch.softmax(network(inputs), dim=1)[:, 1].cpu().numpy()
    return probability


def probability_histogram(
    network: Network, card: ModelCard, tiles: Sequence[LabelledTile], missing: Collection[ChannelKind] = ()
) -> NDArray[np.int64]:
    """Numbers of valid pixels by class and probability, int64 (2, 1000), pooled over the tiles."""
    counts = np.zeros((2, _BINS), np.int64)
    for tile in tiles:
        bands, labels = to_input(tile, card, missing)
        probability = predict(network, bands[np.newaxis])[0]
        index = np.minimum((probability * _BINS).astype(np.int64), _BINS - 1)
        for truth in (0, 1):
            counts[truth] += np.bincount(index[labels == truth], minlength=_BINS)
    return counts


def scores_at(histogram: NDArray[np.int64], threshold: float) -> PixelScores:
    """The scores when probabilities of at least ``threshold`` (a multiple of 0.001) are called areas."""
    first = math.ceil(threshold * _BINS - 1e-9)
    negative, positive = histogram
    hits, false_alarms = int(positive[first:].sum()), int(negative[first:].sum())
    missed, rest = int(positive[:first].sum()), int(negative[:first].sum())
    return pixel_scores(Confusion(hits, false_alarms, missed, rest))


def best_threshold(histogram: NDArray[np.int64]) -> float:
    """The threshold of highest IoU, among hundredths."""
    candidates = np.arange(1, 100) / 100
    ious = [scores_at(histogram, float(threshold)).iou for threshold in candidates]
    return float(candidates[int(np.argmax(np.nan_to_num(ious)))])


@dataclass(frozen=True)
class Judged:
    """What one tile is judged by, all (h, w).

    ``probability``, NaN without a rate; ``label``: of the tile; ``counted``: where there is a rate and the label isn't
    ignored; ``motion``: the true LOS rate of areas (mm/yr), None where unknown.
    """

    probability: Array
    label: Labels
    counted: NDArray[np.bool_]
    motion: Array | None

    def found(self, card: ModelCard) -> NDArray[np.bool_]:
        """The areas by the card's rules."""
        return area_pixels(self.probability, card, card.pixel_size) & self.counted


def judged_tiles(
    network: Network,
    card: ModelCard,
    tiles: Sequence[LabelledTile],
    missing: Collection[ChannelKind] = (),
    progress: Progress = QUIET,
) -> list[Judged]:
    """The network's answers on tiles without the channels in ``missing``; ``progress`` may cancel at each tile."""
    results = []
    for tile in tiles:
        progress.check()
        height, width = tile.label.shape
        bands, measured = network_input(tile, card, missing)
        probability = predict(network, bands[np.newaxis])[0, :height, :width]
        # As in a mapped scene: no probability where there is no rate.
        probability[~measured] = np.nan
        counted = measured & (tile.label != IGNORED)
        results.append(Judged(probability, tile.label, counted, getattr(tile, "motion", None)))
    return results


def choose_thresholds(card: ModelCard, tiles: Sequence[Judged], progress: Progress = QUIET) -> tuple[float, float]:
    """(threshold, low threshold) of the highest sum of pixel IoU and object F1 on the tiles.

    ``progress`` may cancel at each tile.
    """
    best, chosen = -1.0, (0.5, 0.3)
    known: _Known = {}
    for low in np.arange(0.1, 0.65, 0.1):
        for high in np.arange(low, 0.95, 0.1):
            tried = replace(card, threshold=round(float(high), 2), low_threshold=round(float(low), 2))
            score = _score_of(tried, tiles, known, progress)
            if score > best:
                best, chosen = score, (tried.threshold, tried.low_threshold)
    return chosen


def pixel_and_area_score(card: ModelCard, tiles: Sequence[Judged], progress: Progress = QUIET) -> float:
    """The highest mean of pixel IoU and object F1 on the tiles at any single threshold of a few, 0 to 1.

    A few wide landslides decide a pixel IoU alone. ``progress`` may cancel at each tile.
    """
    known: _Known = {}
    tried = (replace(card, threshold=threshold, low_threshold=threshold) for threshold in _TRIED)
    return max(_score_of(rules, tiles, known, progress) for rules in tried) / 2


_Known = dict[tuple[int, bytes], tuple[ObjectScores, Confusion]]


def _score_of(card: ModelCard, tiles: Sequence[Judged], known: _Known, progress: Progress) -> float:
    """Pixel IoU plus object F1 by the card's thresholds; ``known`` keeps what was judged: most thresholds find the same
    in most tiles."""
    smallest = card.min_area / card.pixel_size**2
    objects, pixels = ObjectScores(), Confusion()
    for number, tile in enumerate(tiles):
        progress.check()
        found = tile.found(card)
        key = number, np.packbits(found).tobytes()
        if key not in known:
            areas = tile_objects(found, tile.label, tile.counted, smallest)
            known[key] = areas, confusion(found, tile.label == 1, tile.counted)
        objects += known[key][0]
        pixels += known[key][1]
    parts = (pixel_scores(pixels).iou, f1_score(_told(objects.precision), _told(objects.recall)))
    return sum(map(_told, parts))


def _told(value: float) -> float:
    """The score; 0 where it can't be told."""
    return value if math.isfinite(value) else 0.0


def calibrate(
    network: Network,
    card: ModelCard,
    tiles: Sequence[LabelledTile],
    missing: Sequence[Collection[ChannelKind]] = ((),),
    progress: Progress = QUIET,
) -> tuple[float, float]:
    """Make probabilities mean what they say: fit p = sigmoid(a·z + b) to the tiles' labels, z being the difference
    of the two logits, and fold a and b into the network's last layer. Returns (a, b).

    ``missing`` lists the channel sets to go without, each with the same weight (Platt 1999, on pooled pixels). Pixels
    of hardly any probability, most of them by far, don't count: they would fix the fit where nothing is decided.
    ``progress`` may cancel at each tile.
    """
    edges = np.linspace(-20, 20, 801)
    counts = np.zeros((2, len(edges) - 1))
    for dropped in missing:
        for tile in tiles:
            progress.check()
            bands, labels = to_input(tile, card, dropped)
            probability = np.clip(predict(network, bands[np.newaxis])[0].astype(np.float64), 1e-8, 1 - 1e-8)
            logit = np.clip(np.log(probability / (1 - probability)), -19.99, 19.99)
            for truth in (0, 1):
                counts[truth] += np.histogram(logit[labels == truth], edges)[0]
    centres = (edges[1:] + edges[:-1]) / 2
    a, b = _logistic_fit(centres, counts * (centres > _UNDECIDED))
    head = network.head
    if not isinstance(head, nn.Conv2d) or head.bias is None:
        raise TypeError("the network's last layer is not a convolution with bias")
    with torch.no_grad():
        head.weight *= a
        head.bias *= a
        # A head that ends in a pixel shuffle has several outputs a class, one after the other.
        head.bias[head.out_channels // network.classes :] += b
    return a, b


def _logistic_fit(z: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[float, float]:
    """Maximum-likelihood (a, b) of p = sigmoid(a·z + b) for counts (2, bins) at z; damped Newton steps."""
    design = np.stack([z, np.ones_like(z)])
    total = counts.sum(axis=0)
    weights = np.array([1.0, 0.0])
    for _ in range(100):
        p = 1 / (1 + np.exp(-weights @ design))
        gradient = design @ (total * p - counts[1])
        hessian = (design * (total * p * (1 - p))) @ design.T + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        weights -= step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-9:
            break
    a, b = (float(value) for value in weights)
    return (a, b) if a > 0.05 and math.isfinite(b) else (1.0, 0.0)


def judge(card: ModelCard, tiles: Sequence[Judged]) -> dict[str, float]:
    """Pixel and object scores at the card's thresholds, pooled over the tiles, and how true the probabilities are."""
    values = scores([tile.found(card) for tile in tiles], tiles, card)
    reliability = reliability_of(tiles)
    if reliability is not None:
        values |= {
            "calibration_error": round(reliability.calibration_error, 5),
            "brier_score": round(reliability.brier, 5),
        }
    return values


def reliability_of(tiles: Sequence[Judged]) -> Reliability | None:
    """How often pixels of a probability are areas; None without any pixel."""
    counts = ProbabilityCounts()
    for tile in tiles:
        counts.add(tile.probability, tile.label == 1, tile.counted)
    return counts.reliability()


def best_classical(
    tiles: Sequence[LabelledTile], judged: Sequence[Judged], progress: Progress = QUIET
) -> ClassicalSetting:
    """The classical detector of the highest pixel IoU on the tiles; the first setting where none can be told.

    ``progress`` may cancel at each tile, as below.
    """

    def counted() -> Iterator[tuple[LabelledTile, NDArray[np.bool_]]]:
        for tile, known in zip(tiles, judged):
            progress.check()
            yield tile, known.counted

    ious = tuning_ious(CLASSICAL_SETTINGS, counted())
    return CLASSICAL_SETTINGS[best_setting(ious)]


def judge_classical(
    choice: ClassicalSetting,
    card: ModelCard,
    tiles: Sequence[LabelledTile],
    judged: Sequence[Judged],
    progress: Progress = QUIET,
) -> dict[str, float]:
    """The scores of the classical detector on the same pixels and areas as the network's."""
    found = []
    for tile, known in zip(tiles, judged):
        progress.check()
        found.append(choice.found(tile) & known.counted)
    return scores(found, judged, card)


def scores(found: Sequence[NDArray[np.bool_]], tiles: Sequence[Judged], card: ModelCard) -> dict[str, float]:
    """Pixel scores, object scores of all areas and of clear ones, false alarms; those that can be told."""
    pixel = card.pixel_size**2
    everything, clear, counts = ObjectScores(), ObjectScores(), Confusion()
    for mask, tile in zip(found, tiles):
        everything += tile_objects(mask, tile.label, tile.counted, card.min_area / pixel)
        clear += tile_objects(mask, tile.label, tile.counted, ASKED_AREA / pixel, tile.motion, ASKED_RATE)
        counts += confusion(mask, tile.label == 1, tile.counted)
    pixels = pixel_scores(counts)
    valid_km2 = sum(int(tile.counted.sum()) for tile in tiles) * pixel / 1e6
    values = {
        "iou": pixels.iou,
        "precision": pixels.precision,
        "recall": pixels.recall,
        "object_recall": everything.recall,
        "object_precision": everything.precision,
        "false_alarms_per_100_km2": 100 * (everything.found_count - everything.matched_found) / max(valid_km2, 1e-9),
        "true_areas": float(everything.true_count),
        "clear_object_recall": clear.recall,
        "clear_object_precision": clear.precision,
        "clear_areas": float(clear.true_count),
    }
    return {name: round(value, 4) for name, value in values.items() if math.isfinite(value)}
