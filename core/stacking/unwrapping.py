"""Errors of phase unwrapping corrected by the closure of triplets: whole cycles are added so that they close.

The phase-closure method of Yunjun, Fattahi & Amelung (2019, Computers & Geosciences 133, 104331): of all whole cycles u
that bring the integer closures k of a pixel to zero, T u = k, those with the least sum |u| are taken. Two costs make it
bear noise and short chains of triplets. A triplet may stay open, the cheaper the nearer its closure is to half a
cycle; and cycles that bring a pair nearer to the pixel's rate are cheaper than those that take it away. All costs are
positive, so phases that close are never touched, however unsteady the motion.

Pixels of a part of a window with the same integer closures are solved together, by their mean costs; only the pairs in
open triplets take part. The linear programs of many such clusters are one for the solver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..interferograms import Triplets, closures
from ..types import Array, Double
from .outliers import OutlierSearch, least_absolute_rate

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# Cost of a triplet that stays open, in cycles of one pair, at best and at worst.
_OPEN_COST, _WORST_OPEN_COST = 1.0, 2.0
# How much of the cost of a cycle is what it does to the pair's distance from the rate.
_RATE_SHARE = 0.8
# What even the cheapest cycle or open triplet costs: enough that none is there for nothing.
_LEAST_COST = 0.05
# Clusters whose linear programs are solved at once.
_AT_ONCE = 64
# A solution this near to whole numbers is one of whole cycles.
_WHOLE = 0.01
# Clusters of a part of a window that are solved, the largest first: so noise can't make it slow.
_MOST_CLUSTERS = 512
# Corrections of more pairs than this share of a pixel's are not believed.
_MOST = 1 / 3


@dataclass(frozen=True)
class CycleCorrection:
    """Finds the whole cycles by which pairs are wrong: ``offsets`` (triplets,) as for ``integer_closures``.

    ``search`` knows the network, and which pixels seem to hold errors.
    """

    search: OutlierSearch
    offsets: Array | None = None

    def cycles(self, phases: Double) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
        """(pairs, pixels, cycles) that are wrong in ``phases`` (pairs, pixels) in rad: φ − 2π·cycles is right."""
        pixels = self.search.suspects(phases) if len(self.search.triplets) else np.empty(0, np.intp)
        if not pixels.size:
            return np.empty(0, np.intp), pixels, np.empty(0, np.int64)
        phases = phases[:, pixels]
        valid = np.isfinite(phases)
        closure = closures(phases, self.search.triplets)
        if self.offsets is not None:
            closure -= self.offsets[:, None]
        whole = np.rint(closure)
        known = np.isfinite(whole)
        key = np.where(known, whole, -99).clip(-99, 99).astype(np.int8)
        _, first, cluster = np.unique(key, axis=1, return_index=True, return_inverse=True)
        solved = self._solved(phases, closure - whole, whole[:, first], cluster.reshape(-1))
        found = solved[:, cluster.reshape(-1)]
        found[~valid] = 0
        found[:, np.count_nonzero(found, axis=0) > _MOST * np.count_nonzero(valid, axis=0)] = 0
        pair, column = np.nonzero(found)
        return pair, pixels[column], found[pair, column]

    def _solved(self, phases: Double, rest: Double, target: Double, cluster: NDArray[np.intp]) -> NDArray[np.int64]:
        """The wrong cycles (pairs, clusters) of the largest clusters of pixels."""
        rate = least_absolute_rate(phases, self.search.years, np.isfinite(phases))
        distance = np.nan_to_num(phases - self.search.years[:, None] * rate) / (2 * np.pi)
        members = np.bincount(cluster)
        rest, distance = (_means(values, cluster, members) for values in (np.nan_to_num(rest), distance))
        solved = np.zeros(distance.shape, np.int64)
        chosen = np.argsort(-members, kind="stable")[:_MOST_CLUSTERS]
        for start in range(0, len(chosen), _AT_ONCE):
            part = chosen[start : start + _AT_ONCE]
            solved[:, part] = least_cycles(self.search.triplets, target[:, part], rest[:, part], distance[:, part])
        return solved


def least_cycles(triplets: Triplets, target: Double, rest: Double, distance: Double) -> NDArray[np.int64]:
    """The cheapest whole cycles (pairs, clusters) of which the triplets' sums are ``target`` (triplets, clusters).

    ``target`` is NaN where a triplet lacks a phase. ``rest``: what the closures are more than ``target``, in cycles;
    ``distance``: how far the pairs (pairs, clusters) are from the rate, in cycles. Zero where the solution is none of
    whole cycles.
    """
    from scipy.optimize import linprog

    pairs, clusters = distance.shape
    known = np.isfinite(target)
    wrong = known & (target != 0)
    asked = np.zeros((pairs, clusters), bool)
    for triplet, mask in zip(triplets, wrong):
        asked[triplet] |= mask
    rows = known & asked[triplets].any(axis=1)
    columns = int(asked.sum())
    result = np.zeros((pairs, clusters), np.int64)
    if not columns:
        return result
    less, more = (_RATE_SHARE * (np.abs(distance - step) - np.abs(distance)) for step in (1, -1))
    costs = [1 + less[asked], 1 + more[asked], *_costs_of_open(rest[rows])]
    solution = linprog(
        np.concatenate(costs), A_eq=_sums(triplets, asked, rows), b_eq=target[rows], bounds=(0, None), method="highs"
    )
    if solution.x is None:
        return result
    cycles = np.zeros((pairs, clusters))
    cycles[asked] = solution.x[:columns] - solution.x[columns : 2 * columns]
    whole = np.rint(cycles)
    whole[:, (np.abs(cycles - whole) > _WHOLE).any(axis=0)] = 0
    return whole.astype(np.int64)


def _sums(triplets: Triplets, asked: NDArray[np.bool_], rows: NDArray[np.bool_]) -> csr_matrix:
    """Sums of triplets where ``rows`` (triplets, clusters): of cycles up and down where ``asked`` (pairs, clusters).

    Behind them stand what each triplet keeps open, upwards and downwards.
    """
    from scipy.sparse import csr_matrix, eye, hstack

    column_of = np.cumsum(asked).reshape(asked.shape) - 1
    number = np.arange(int(rows.sum()))
    where, cluster = np.nonzero(rows)
    row, column, value = [], [], []
    for place, sign in ((0, 1.0), (1, 1.0), (2, -1.0)):
        pair = triplets[where, place]
        used = asked[pair, cluster]
        row.append(number[used])
        column.append(column_of[pair, cluster][used])
        value.append(np.full(int(used.sum()), sign))
    shape = len(number), int(asked.sum())
    cycles = csr_matrix((np.concatenate(value), (np.concatenate(row), np.concatenate(column))), shape)
    return hstack([cycles, -cycles, eye(len(number)), -eye(len(number))], "csr")


def _costs_of_open(rest: Double) -> tuple[Double, Double]:
    """What a triplet costs that keeps a closure of one cycle more, or less, than the solution's."""
    near = _OPEN_COST * (1 - 2 * np.abs(rest)) + _LEAST_COST
    return np.where(rest < 0, near, _WORST_OPEN_COST), np.where(rest > 0, near, _WORST_OPEN_COST)


def _means(values: Double, cluster: NDArray[np.intp], members: NDArray[np.intp]) -> Double:
    """Means over the pixels of each cluster, (rows, pixels) → (rows, clusters)."""
    return np.array([np.bincount(cluster, row, len(members)) for row in values]) / members
