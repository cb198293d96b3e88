"""Labelled tiles without torch: what a network gets of one, the areas in its answer, and what they are worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..areas import counting_pixels, labelled
from ..models import IGNORED, LabelledTile, Labels, ModelCard
from ..types import Array, Mask
from .figures import Column, Counts
from .matching import MATCH_IOU
from .scores import ObjectScores, confusion

_FEW_PAIRS = 4_000_000


@dataclass(frozen=True)
class JudgedPixels:
    """A found area: its pixels (h, w), and whether it matches a true area that is asked for."""

    pixels: Mask
    is_right: bool


@dataclass(frozen=True)
class _Judgement:
    """``guess`` (h, w): numbers of the found areas. By number of a true area: ``asked``, ``is_found``; the others by
    that of a found one."""

    guess: NDArray[Any]
    asked: Mask
    is_found: Mask
    judged: Mask
    right: Mask


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
    judgement = _judge(found, label_map, counted, min_pixels, motion, min_rate)
    return ObjectScores(
        true_count=int(judgement.asked.sum()),
        found_count=int(judgement.judged.sum()),
        matched_true=int((judgement.is_found & judgement.asked).sum()),
        matched_found=int((judgement.right & judgement.judged).sum()),
    )


def judged_areas(found: Mask, label_map: Labels, counted: Mask, min_pixels: float) -> Iterator[JudgedPixels]:
    """The found areas of a tile that count, one after the other, as ``tile_objects`` counts them."""
    judgement = _judge(found, label_map, counted, min_pixels)
    for number in np.flatnonzero(judgement.judged):
        yield JudgedPixels(judgement.guess == number, bool(judgement.right[number]))


def _judge(
    found: Mask,
    label_map: Labels,
    counted: Mask,
    min_pixels: float,
    motion: Array | None = None,
    min_rate: float = 0.0,
) -> _Judgement:
    """What ``tile_objects`` counts."""
    truth, true_count = labelled(label_map == 1)
    guess, found_count = labelled(found)
    true_sizes = np.bincount(truth[counted], minlength=true_count + 1).astype(float)
    found_sizes = np.bincount(guess[counted], minlength=found_count + 1).astype(float)
    asked = _mostly_counted(truth, true_sizes, min_pixels)
    if motion is not None:
        asked &= np.isin(np.arange(true_count + 1), truth[np.abs(motion) >= min_rate])
    judged = _mostly_counted(guess, found_sizes, min_pixels)
    true, other = _matches(truth[counted], guess[counted], true_sizes, found_sizes)
    is_found, matches, right = np.zeros(true_count + 1, bool), np.zeros(found_count + 1, bool), np.zeros_like(judged)
    is_found[true] = matches[other] = True
    right[other[asked[true]]] = True
    judged &= right | ~matches
    return _Judgement(guess, asked, is_found, judged, right)


def _matches(
    truth: NDArray[Any], guess: NDArray[Any], true_sizes: NDArray[np.float64], found_sizes: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs of a true and a found area that match, from the two numbers of each pixel (n,)."""
    columns = len(found_sizes)
    pairs = truth.astype(np.int64) * columns + guess
    if len(true_sizes) * columns <= _FEW_PAIRS:
        sizes = np.bincount(pairs)
        pairs = np.flatnonzero(sizes)
        overlap = sizes[pairs].astype(float)
    else:  # a table of all would grow with the product of both numbers
        pairs, counts = np.unique(pairs, return_counts=True)
        overlap = counts.astype(float)
    true, found = np.divmod(pairs, columns)
    union = true_sizes[true] + found_sizes[found] - overlap
    good = (true > 0) & (found > 0) & (overlap >= MATCH_IOU * np.maximum(union, 1))
    return true[good], found[good]


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
