"""Pixels without data as real products have them: none, thousands of single ones, masks with blunt edges, swaths."""

from __future__ import annotations

import math

import numpy as np

from ..types import Array, Mask
from .atmosphere import smooth

_KINDS = ("none", "small", "blunt", "wide")
_SWATH = 0.07


def draw_holes(
    rng: np.random.Generator, coherence: Array, patches: Array, shares: tuple[float, float, float, float]
) -> Mask:
    """Holes, oftener where ``coherence`` and the field ``patches`` of unit variance are low, (h, w) all.

    ``shares``: how often there are none, small ones, masks with blunt edges, wide blobs.
    """
    kind = str(rng.choice(_KINDS, p=shares))
    height, width = coherence.shape
    gaps = np.zeros(coherence.shape, np.bool_)
    if kind != "none":
        share = 0.01 + 0.35 * rng.random() ** 1.5 if kind == "small" else 0.5 * rng.random() ** 2
        spread = np.float32(max(float(coherence.std()), 1e-3))
        score = coherence / spread + np.float32(rng.uniform(0.2, 0.8)) * patches
        if kind == "small":
            score += np.float32(rng.uniform(0.7, 2.0)) * _speckle(rng, coherence.shape, rng.choice([0.0, 0.0, 0.6]))
        elif kind == "blunt":
            score += _speckle(rng, coherence.shape, 0.8)
        else:
            score = smooth(score, 1.0)
        gaps |= score < np.quantile(score[::3, ::3], share)
        if kind == "blunt":
            gaps = _blunted(rng, gaps)
    if rng.random() < _SWATH:
        gaps |= _beyond_swath(rng, height, width)
    return gaps


def _speckle(rng: np.random.Generator, shape: tuple[int, ...], width: float) -> Array:
    noise = rng.standard_normal(shape, dtype=np.float32)
    return smooth(noise, width) * np.float32(1 + 2 * width) if width else noise


def _blunted(rng: np.random.Generator, gaps: Mask) -> Mask:
    """Closed and opened by a square, as masks of coherence are; then, sometimes, without small remains of data."""
    from scipy import ndimage

    side = int(rng.integers(2, 6))
    # A majority does both at once.
    gaps = np.asarray(ndimage.uniform_filter(gaps.astype(np.float32), side, mode="nearest") > 0.5, np.bool_)
    if rng.random() < 0.5:
        parts, count = ndimage.label(~gaps)
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        gaps = np.asarray(gaps | (sizes < rng.integers(20, 400))[parts], np.bool_)
    return gaps


def _beyond_swath(rng: np.random.Generator, height: int, width: int) -> Mask:
    """A straight edge along an orbit's track or across it."""
    rows, columns = np.ogrid[:height, :width]
    angle = math.radians(rng.choice([12, -12, 78, -78]) + rng.uniform(-3, 3)) + math.pi * int(rng.integers(2))
    along = rows * math.sin(angle) + columns * math.cos(angle)
    return np.asarray(along < np.quantile(along[::4, ::4], rng.uniform(0.03, 0.35)), np.bool_)
