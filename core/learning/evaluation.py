"""How good a network is on labelled tiles, and the thresholds and probabilities that follow from it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..accuracy import Confusion, ObjectScores, PixelScores, pixel_scores
from ..baseline import ClassicalRules, classical_mask
from ..channels import ChannelKind
from ..model_card import ModelCard
from ..raster import Array
from .losses import IGNORED
from .networks import Network
from .samples import LabelledTile, Labels, to_input

_BINS = 1000
MATCH_IOU = 0.3


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


def detected(probability: Array, threshold: float, low_threshold: float, min_pixels: float) -> NDArray[np.bool_]:
    """The pixels of areas: 8-connected at the low threshold, with a pixel at the threshold, and large enough."""
    from scipy.ndimage import label

    labels, count = label(probability >= low_threshold, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    kept = sizes >= min_pixels
    seeds = np.zeros(count + 1, bool)
    seeds[np.unique(labels[probability >= threshold])] = True
    kept &= seeds
    kept[0] = False
    return np.asarray(kept[labels], bool)


def object_scores(found: NDArray[np.bool_], labels: Labels, min_pixels: float) -> ObjectScores:
    """Found areas against the true ones of at least ``min_pixels`` in one tile, both of shape (h, w).

    Areas are 8-connected pixels, matched where their intersection over union is at least MATCH_IOU. Ignored
    pixels are left out; a found area that lies mostly on them counts for nothing.
    """
    from scipy.ndimage import label

    truth, _ = label(labels == 1, structure=np.ones((3, 3)))
    guess, _ = label(found, structure=np.ones((3, 3)))
    overlap = np.zeros((truth.max() + 1, guess.max() + 1))
    np.add.at(overlap, (truth.ravel(), guess.ravel()), 1)
    ignored = np.bincount(guess.ravel(), weights=(labels == IGNORED).ravel(), minlength=overlap.shape[1])
    true_sizes, found_sizes = overlap.sum(axis=1), overlap.sum(axis=0) - ignored
    judged = (ignored <= found_sizes)[1:]
    wanted = (true_sizes >= min_pixels)[1:]
    union = true_sizes[1:, None] + found_sizes[None, 1:] - overlap[1:, 1:]
    matched = overlap[1:, 1:] >= MATCH_IOU * np.maximum(union, 1)
    return ObjectScores(
        true_count=int(wanted.sum()),
        found_count=int(judged.sum()),
        matched_true=int((matched.any(axis=1) & wanted).sum()),
        matched_found=int((matched.any(axis=0) & judged).sum()),
    )


def pooled(scores: Sequence[ObjectScores]) -> ObjectScores:
    """The sums over tiles."""
    return ObjectScores(
        sum(s.true_count for s in scores),
        sum(s.found_count for s in scores),
        sum(s.matched_true for s in scores),
        sum(s.matched_found for s in scores),
    )


def choose_thresholds(
    network: Network, card: ModelCard, tiles: Sequence[LabelledTile]
) -> tuple[float, float, ObjectScores]:
    """(threshold, low threshold, scores) of the highest object F1 on the tiles, for areas of card.min_area."""
    min_pixels = card.min_area / card.pixel_size**2
    prepared = [to_input(tile, card) for tile in tiles]
    results = [(predict(network, bands[np.newaxis])[0], labels) for bands, labels in prepared]
    best = (0.5, 0.3, ObjectScores(0, 0, 0, 0))
    for low in np.arange(0.1, 0.65, 0.1):
        for high in np.arange(low, 0.95, 0.1):
            found = [detected(probability, high, low, min_pixels) for probability, _ in results]
            scores = pooled([object_scores(mask, labels, min_pixels) for mask, (_, labels) in zip(found, results)])
            if np.nan_to_num(scores.f1) > np.nan_to_num(best[2].f1):
                best = (round(float(high), 2), round(float(low), 2), scores)
    return best


def calibrate(
    network: Network,
    card: ModelCard,
    tiles: Sequence[LabelledTile],
    missing: Sequence[Collection[ChannelKind]] = ((),),
) -> tuple[float, float]:
    """Make probabilities mean what they say: fit p = sigmoid(a·z + b) to the tiles' labels, z being the difference
    of the two logits, and fold a and b into the network's last layer. Returns (a, b).

    ``missing`` lists the channel sets to go without, each with the same weight (Platt 1999, on pooled pixels).
    """
    edges = np.linspace(-20, 20, 801)
    counts = np.zeros((2, len(edges) - 1))
    for dropped in missing:
        for tile in tiles:
            bands, labels = to_input(tile, card, dropped)
            probability = np.clip(predict(network, bands[np.newaxis])[0].astype(np.float64), 1e-8, 1 - 1e-8)
            logit = np.clip(np.log(probability / (1 - probability)), -19.99, 19.99)
            for truth in (0, 1):
                counts[truth] += np.histogram(logit[labels == truth], edges)[0]
    a, b = _logistic_fit((edges[1:] + edges[:-1]) / 2, counts)
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


def judge(
    network: Network, card: ModelCard, tiles: Sequence[LabelledTile], missing: Collection[ChannelKind] = ()
) -> dict[str, float]:
    """Pixel and object scores at the card's thresholds, pooled over the tiles."""
    maps = []
    for tile in tiles:
        bands, labels = to_input(tile, card, missing)
        maps.append((predict(network, bands[np.newaxis])[0], labels))
    min_pixels = card.min_area / card.pixel_size**2
    found = [detected(values, card.threshold, card.low_threshold, min_pixels) for values, _ in maps]
    return _scores(found, [labels for _, labels in maps], card)


def judge_classical(card: ModelCard, tiles: Sequence[LabelledTile]) -> dict[str, float]:
    """The same scores of the classical detector: the best of LOS and phase rate at 2, 3 and 4 standard deviations,
    with and without the slope rule, chosen by pixel IoU on these very tiles, which favours it."""
    labels = [to_input(tile, card)[1] for tile in tiles]
    best: dict[str, float] = {}
    for layer in ("los_rate", "phase_rate"):
        for sigma in (2.0, 3.0, 4.0):
            for with_slope in (True, False):
                rules = ClassicalRules(sigma=sigma)
                found = [
                    classical_mask(
                        tile.layers[layer],
                        tile.pixel_size,
                        rules,
                        tile.layers["slope"] if with_slope else None,
                    )
                    for tile in tiles
                ]
                scores = _scores(found, labels, card)
                if not best or scores["iou"] > best["iou"]:
                    best = {
                        **scores,
                        "sigma": sigma,
                        "on_los_rate": float(layer == "los_rate"),
                        "slope_rule": float(with_slope),
                    }
    return best


def _scores(found: Sequence[NDArray[np.bool_]], labels: Sequence[Labels], card: ModelCard) -> dict[str, float]:
    min_pixels = card.min_area / card.pixel_size**2
    objects = pooled([object_scores(mask, truth, min_pixels) for mask, truth in zip(found, labels)])
    right = sum(int((mask & (truth == 1)).sum()) for mask, truth in zip(found, labels))
    called = sum(int((mask & (truth != IGNORED)).sum()) for mask, truth in zip(found, labels))
    true = sum(int((truth == 1).sum()) for truth in labels)
    valid_km2 = sum(int((truth != IGNORED).sum()) for truth in labels) * card.pixel_size**2 / 1e6
    values = {
        "iou": right / max(called + true - right, 1),
        "precision": right / max(called, 1),
        "recall": right / max(true, 1),
        "object_recall": objects.recall,
        "object_precision": objects.precision,
        "false_alarms_per_100_km2": 100 * (objects.found_count - objects.matched_found) / max(valid_km2, 1e-9),
        "true_areas": float(objects.true_count),
    }
    return {name: round(value, 4) for name, value in values.items()}
