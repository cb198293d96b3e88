"""Labelled tiles without torch: what a network gets of one, the areas in its answer, and what they are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..areas import counting_pixels, labelled
from ..models import IGNORED, LabelledTile, Labels, ModelCard
from ..types import Array, Mask
from .figures import Column, Counts
from .matching import MATCH_IOU
from .scores import ObjectScores, confusion


def area_pixels(probability: Array, card: ModelCard, pixel_size: float) -> Mask:
    """The pixels of areas by the card's rules: 8-connected at the low threshold, with one at the threshold, large
    enough; NaN belongs to none."""
    candidates, seeds = probability >= card.low_threshold, probability >= card.threshold
    return counting_pixels(candidates, seeds, card.min_area / pixel_size**2)


def tile_objects(
    found: Mask,
    label_map: Labels,
    counted: Mask,
    min_pixels: float,
    motion: Array | None = None,
    min_rate: float = 0.0,
) -> ObjectScores:
    """Found areas (h, w) against the true ones, which ``label_map`` marks by 1, on the ``counted`` pixels of a tile.

    Areas are 8-connected pixels and match from an intersection over union of MATCH_IOU on. True areas are taken whole,
    so that a gap doesn't make two of one; only those of which half and ``min_pixels`` are counted are asked for. Found
    ones that are smaller, or lie mostly on other pixels, or match an area that isn't asked for, count for nothing.
    With the true LOS rate ``motion`` (h, w; mm/yr) only areas that reach ``min_rate`` are asked for.
    """
    truth, true_count = labelled(label_map == 1)
    guess, found_count = labelled(found)
    shape = (true_count + 1, found_count + 1)
    pairs = truth[counted].astype(np.int64) * shape[1] + guess[counted]
    overlap = np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
    true_sizes, found_sizes = overlap.sum(axis=1), overlap.sum(axis=0)
    asked = _mostly_counted(truth, true_sizes, min_pixels)
    if motion is not None:
        asked &= np.isin(np.arange(true_count + 1), truth[np.abs(motion) >= min_rate])
    judged = _mostly_counted(guess, found_sizes, min_pixels)
    union = true_sizes[:, None] + found_sizes[None, :] - overlap
    matched = overlap >= MATCH_IOU * np.maximum(union, 1)
    matched[0] = matched[:, 0] = False
    right = matched[asked].any(axis=0)
    judged &= right | ~matched.any(axis=0)
    return ObjectScores(
        true_count=int(asked.sum()),
        found_count=int(judged.sum()),
        matched_true=int((matched.any(axis=1) & asked).sum()),
        matched_found=int((right & judged).sum()),
    )


def _mostly_counted(labels: NDArray[Any], sizes: NDArray[np.float64], min_pixels: float) -> Mask:
    """Which labels have at least that many counted pixels, and half of all of theirs; never label 0."""
    result = (sizes >= min_pixels) & (sizes >= 0.5 * np.bincount(labels.ravel(), minlength=len(sizes)))
    result[0] = False
    return np.asarray(result, bool)


def tile_counts(found: Mask, tile: LabelledTile, measured: Mask, min_area: float) -> Counts:
    """The counts of one tile, shape (9,) by ``tally.Column``; pixels that are ignored or not measured count nowhere."""
    counted = measured & (tile.label != IGNORED)
    pixels = confusion(found, tile.label == 1, counted)
    objects = tile_objects(found & counted, tile.label, counted, min_area / tile.pixel_size**2)
    counts = np.zeros(len(Column))
    counts[:4] = (pixels.true_positive, pixels.false_positive, pixels.false_negative, pixels.true_negative)
    counts[4:8] = (objects.true_count, objects.matched_true, objects.found_count, objects.matched_found)
    counts[Column.MAPPED_KM2] = np.count_nonzero(counted) * tile.pixel_size**2 / 1e6
    return counts
