"""Closure of triplets: whether the unwrapped phases of three pairs of three dates add up.

For dates i < j < k, (φ_ij + φ_jk − φ_ik) / 2π is near a whole number, as motion and air cancel out: what is left is
noise, which does not close, and whole cycles where one of the three was unwrapped wrongly. Each unwrapped pair has a
constant of its own, so that a triplet has an offset: the median of its closure over the scene, which is right as long
as the errors of the triplet are on less than half of the ground. The integer closure of a triplet in a pixel is its
closure less that offset, rounded; a triplet is open there where that isn't 0. It is the test of the phase-closure
method of Yunjun, Fattahi & Amelung (2019, Computers & Geosciences 133, 104331), who read phases relative to a reference
pixel in place of the median.

An open triplet doesn't tell which of its pairs is wrong. Suspect is the one of which most of the other triplets don't
close either; several where that is undecided, as in a triplet that stands alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..types import Array, Double, Mask

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# Closures of triplets in pixels that are held at once.
_AT_ONCE = 2**20

Triplets = NDArray[np.intp]
"""Numbers of pairs (triplets, 3), as ``triplets_of`` gives them."""

_Phases = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class PairClosures:
    """Shares of each pair's pixels, (pairs,) of 0 to 1, among those that are valid in a triplet of it; NaN without.

    ``is_open``: where any triplet of the pair is open. ``suspect``: where the pair is suspect of it.
    """

    is_open: Double
    suspect: Double


def closures(phases: _Phases, triplets: Triplets) -> _Phases:
    """Closure in cycles (triplets, ...) of phases (pairs, ...) in rad, NaN where one of the three has no phase."""
    cycles: _Phases = phases[triplets[:, 0]]
    cycles += phases[triplets[:, 1]]
    cycles -= phases[triplets[:, 2]]
    cycles *= 1 / (2 * math.pi)
    return cycles


def closure_offsets(phases: Array, triplets: Triplets) -> Array:
    """The offset of each triplet in cycles, (triplets,), from phases (pairs, pixels) in rad; 0 where none is known."""
    offsets = np.zeros(len(triplets), np.float32)
    for part in _parts(len(triplets), math.prod(phases.shape[1:])):
        for number, cycles in enumerate(closures(phases, triplets[part]), part.start):
            known = cycles[np.isfinite(cycles)]
            if known.size:
                offsets[number] = np.median(known)
    return offsets


def integer_closures(phases: _Phases, triplets: Triplets, offsets: Array | None = None) -> _Phases:
    """Integer closure (triplets, ...) of phases (pairs, ...) in rad, NaN where one of the three has no phase.

    ``offsets`` (triplets,) in cycles; without them the phases are taken as relative to one reference.
    """
    cycles = closures(phases, triplets)
    if offsets is not None:
        cycles -= offsets.reshape(-1, *[1] * (phases.ndim - 1))
    return np.rint(cycles, out=cycles)


def open_share(phases: _Phases, triplets: Triplets, offsets: Array | None = None) -> Array:
    """Share of a pixel's complete triplets that are open, float32 (...) of phases (pairs, ...); NaN without any.

    ``offsets`` as for ``integer_closures``.
    """
    shape = phases.shape[1:]
    is_open, complete = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for part in _parts(len(triplets), math.prod(shape)):
        integers = integer_closures(phases, triplets[part], None if offsets is None else offsets[part])
        complete += np.isfinite(integers).sum(axis=0)
        is_open += (np.abs(integers, out=integers) >= 1).sum(axis=0)
    share = np.full(shape, np.nan, np.float32)
    np.divide(is_open, complete, out=share, where=complete > 0, casting="unsafe")
    return share


def pair_closures(phases: Array, triplets: Triplets) -> PairClosures:
    """The shares of open and suspect pixels of each pair, from phases (pairs, pixels) in rad, NaN for no data."""
    pairs, pixels = phases.shape
    if not len(triplets):
        return PairClosures(np.full(pairs, np.nan), np.full(pairs, np.nan))
    offsets = closure_offsets(phases, triplets)
    members = [_incidence(triplets[:, k], pairs) for k in range(3)]
    in_any = sum(members[1:], members[0])
    seen, is_open, suspect = (np.zeros(pairs, np.int64) for _ in range(3))
    for part in _parts(pixels, len(triplets)):
        integers = integer_closures(phases[:, part], triplets, offsets)
        complete = np.isfinite(integers)
        opened = np.abs(integers) >= 1
        seen += _any(in_any, complete)
        touched = opened.any(axis=0)
        complete, opened = complete[:, touched], opened[:, touched]
        is_open += _any(in_any, opened)
        # Open less closed triplets of each pair.
        score = 2 * (in_any @ opened.astype(np.int32)) - in_any @ complete.astype(np.int32)
        of_members = [score[triplets[:, k]] for k in range(3)]
        worst = np.maximum.reduce(of_members)
        blamed = [member @ (opened & (own == worst)).astype(np.int32) for member, own in zip(members, of_members)]
        suspect += (sum(blamed) > 0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return PairClosures(is_open / seen, suspect / seen)


def _any(in_any: csr_matrix, of_triplets: Mask) -> NDArray[np.int64]:
    """In how many pixels a pair is in one of the triplets (triplets, pixels), (pairs,)."""
    return np.asarray((in_any @ of_triplets.astype(np.int32) > 0).sum(axis=1), np.int64)


def _incidence(numbers: NDArray[np.intp], pairs: int) -> csr_matrix:
    """(pairs, triplets): 1 where a triplet has the pair of that number."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(numbers), np.int32)
    return csr_matrix((ones, (numbers, np.arange(len(numbers)))), (pairs, len(numbers)))


def _parts(length: int, cost: int) -> Iterator[slice]:
    """Slices of 0..length that hold few enough numbers where each step costs so many."""
    step = max(1, _AT_ONCE // max(cost, 1))
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))
