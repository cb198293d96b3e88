"""Phases of dates from a network of pairs, for many pixels that lack different pairs.

The normal equations A'WA + ρI of a network are those of conductors: a pair of weight w is a conductor between its two
dates, and ρ one from each date to the ground. They are solved by eliminating one date after the other (star-mesh
transform); conductances are only added, multiplied and divided, so that no pixel's solution loses digits by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Double

# Memory of the links between dates while the phases of dates are solved for.
_SOLVER_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Network:
    """Which dates the pairs join: ``first`` and ``second`` (pairs,) number the earlier and the later of ``dates``."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    dates: int

    @classmethod
    def of(cls, incidence: Double) -> Network:
        """The network of an incidence matrix (pairs, dates): −1 at a pair's earlier, +1 at its later date."""
        return cls(np.argmin(incidence, axis=1), np.argmax(incidence, axis=1), incidence.shape[1])

    def of_pairs(self, phases: Double) -> Double:
        """A x: what pairs (pairs, ...) show of the phases of dates (dates, ...)."""
        return phases[self.second] - phases[self.first]

    def of_dates(self, phases: Double) -> Double:
        """A'x: for each date (dates, ...) the sum over the pairs (pairs, ...) that end there less those that begin."""
        total = np.zeros((self.dates, *phases.shape[1:]))
        for values, first, second in zip(phases, self.first.tolist(), self.second.tolist()):
            total[second] += values
            total[first] -= values
        return total

    @cached_property
    def elimination(self) -> _Elimination:
        """The order that eliminates a date with the fewest links first, so that few new ones arise."""
        around: dict[int, set[int]] = {day: set() for day in range(self.dates)}
        for one, other in zip(self.first.tolist(), self.second.tolist()):
            around[one].add(other)
            around[other].add(one)
        link = np.full((self.dates,) * 2, -1, np.intp)
        steps, links = [], 0
        while around:
            day = min(around, key=lambda item: len(around[item]))
            later = sorted(around.pop(day))
            numbers = np.arange(links, links + len(later))
            link[day, later] = link[later, day] = numbers
            links += len(later)
            for other in later:
                around[other] |= set(later)
                around[other] -= {day, other}
            steps.append((day, np.array(later, np.intp), numbers))
        return _Elimination(tuple(steps), link, links)

    def factored(self, weights: NDArray[Any], ground: float | Double = 0.0) -> Factors:
        """A'WA + ρI ready to be solved with, for ``weights`` W (pairs, pixels) ≥ 0 and ``ground`` ρ ≥ 0.

        ``ground`` is one for all pixels, or above 0 and of each (pixels,).
        """
        grounded = bool(np.any(ground))
        plan = self.elimination
        links = np.zeros((plan.links, weights.shape[1]))
        for link, weight in zip(plan.link[self.first, self.second], weights):
            links[link] += weight
        pivots = np.tile(np.asarray(ground, np.float64), (self.dates, weights.shape[1] if np.ndim(ground) == 0 else 1))
        scratch = np.empty(pivots.shape[1])
        for day, later, numbers in plan.steps:
            leak = pivots[day].copy() if grounded else None
            for number in numbers.tolist():
                pivots[day] += links[number]
            inverse = 1 / np.where(pivots[day] > 0, pivots[day], 1)
            for index, (other, number) in enumerate(zip(later.tolist(), numbers.tolist())):
                # Row by row: choosing several rows at once would copy them.
                share = links[number] * inverse
                for beyond in range(index + 1, len(later)):
                    np.multiply(share, links[numbers[beyond]], out=scratch)
                    links[plan.link[other, later[beyond]]] += scratch
                if leak is not None:
                    np.multiply(share, leak, out=scratch)
                    pivots[other] += scratch
                links[number] = share
        return Factors(self, links, pivots, grounded)


@dataclass(frozen=True)
class _Elimination:
    """In which order dates are eliminated: (date, its dates yet to come, their links with it), and links in all.

    ``link`` (dates, dates) numbers the links between dates, those included that arise on the way.
    """

    steps: tuple[tuple[int, NDArray[np.intp], NDArray[np.intp]], ...]
    link: NDArray[np.intp]
    links: int


@dataclass(frozen=True)
class Factors:
    """A'WA + ρI of many pixels, decomposed: ``shares`` (links, pixels) and ``pivots`` (dates, pixels)."""

    network: Network
    shares: Double
    pivots: Double
    grounded: bool

    @property
    def rank(self) -> NDArray[np.intp]:
        """How many dates the pairs of each pixel determine, (pixels,)."""
        return np.asarray(np.count_nonzero(self.pivots > 0, axis=0), np.intp)

    def square(self, right: Double, way: NDArray[np.intp] | None = None) -> Double:
        """r'(A'WA + ρI)⁺r for the columns r of ``right`` (dates, pixels), which is used up: (pixels,).

        ``way`` (pixels,) numbers the factors of each pixel; without it they are its own, or all have the only ones.
        Where ``right`` is A'Wφ this is what the phases of dates explain of φ'Wφ.
        """
        total, scratch = np.zeros(right.shape[1]), np.empty(right.shape[1])
        inverse = 1 / np.where(self.pivots > 0, self.pivots, np.inf)
        for day, later, links in self.network.elimination.steps:
            here = right[day]
            for other, link in zip(later.tolist(), links.tolist()):
                share = self.shares[link]
                np.multiply(share if way is None else share.take(way), here, out=scratch)
                right[other] += scratch
            np.multiply(here, here, out=scratch)
            scratch *= inverse[day] if way is None else inverse[day].take(way)
            total += scratch
        return total

    def solve(self, right: Double) -> Double:
        """x of (A'WA + ρI) x = right, (dates, pixels); factors of one pixel serve for all of ``right``.

        Without ground, the solution of smallest norm: each group of dates that valid pairs connect has mean zero, and
        ``right`` must be A' of something.
        """
        shape = right.shape[0], max(right.shape[1], self.pivots.shape[1])
        solution = np.array(np.broadcast_to(right, shape))
        steps = self.network.elimination.steps
        for day, later, links in steps:
            solution[later] += self.shares[links] * solution[day]
            solution[day] /= np.where(self.pivots[day] > 0, self.pivots[day], np.inf)
        # Backwards from the last date of each group, which is held at zero where there is no ground.
        for day, later, links in reversed(steps):
            solution[day] += np.einsum("ij,ij->j", np.broadcast_to(self.shares[links], (len(links), shape[1])),
                                       solution[later])  # fmt: skip
        return solution if self.grounded else solution - self._group_means(solution)

    def pair_variances(self) -> Double:
        """Variance of the difference of each pair's dates in units of a pair's of weight 1, (pairs, pixels).

        The diagonal of A (A'WA + ρI)⁻¹ A'. Without ground, of no meaning where the valid pairs don't connect the dates.
        1 minus it is the redundancy of a pair of weight 1: 0 where no loop of others checks it.
        """
        # The inverse at the links alone, backwards from the last date (Takahashi et al. 1973).
        plan, network = self.network.elimination, self.network
        inverse = np.zeros((plan.links + network.dates, self.pivots.shape[1]))
        for day, later, links in reversed(plan.steps):
            share = self.shares[links]
            between = plan.link[np.ix_(later, later)]
            np.fill_diagonal(between, plan.links + later)
            inverse[links] = np.einsum("ik,ijk->jk", share, inverse[between])
            pivot = np.where(self.pivots[day] > 0, self.pivots[day], np.inf)
            inverse[plan.links + day] = 1 / pivot + np.einsum("ij,ij->j", share, inverse[links])
        first, second = network.first, network.second
        variances: Double = inverse[plan.links + first] + inverse[plan.links + second]
        variances -= 2 * inverse[plan.link[first, second]]
        return variances

    def _group_means(self, values: Double) -> Double:
        """The mean of each pixel's values of the same group, (dates, pixels)."""
        group = np.empty(self.pivots.shape, np.intp)
        for day, later, links in reversed(self.network.elimination.steps):
            group[day] = np.where(self.shares[links] > 0, group[later], -1).max(axis=0, initial=-1)
            group[day] = np.where(group[day] < 0, day, group[day])
        if group.shape[1] == 1:
            means = np.empty(values.shape)
            for number in np.unique(group):
                members = group[:, 0] == number
                means[members] = values[members].mean(axis=0)
            return means
        key = group * values.shape[1] + np.arange(values.shape[1])
        total = np.bincount(key.ravel(), values.ravel(), values.size)
        return np.asarray((total / np.maximum(np.bincount(key.ravel(), minlength=values.size), 1))[key])


def date_phases(phases: NDArray[np.floating[Any]], incidence: Double) -> Double:
    """Least-squares phase of each date, (dates, cells), from pairs (pairs, cells) of which some may be NaN.

    Of smallest norm: in each cell, each group of dates that its valid pairs connect has mean zero, and dates without a
    valid pair are 0.
    """
    # By hand: numpy.linalg.lstsq takes up to 90 times as long where cells lack different pairs (docs/benchmarks.md).
    network = Network.of(incidence)
    solution = np.zeros((incidence.shape[1], phases.shape[1]))
    step = max(64, _SOLVER_BYTES // (8 * max(network.elimination.links, 1)))
    for start in range(0, phases.shape[1], step):
        part = phases[:, start : start + step].astype(np.float64)
        valid = np.isfinite(part)
        factors = network.factored(valid.astype(np.float64))
        solution[:, start : start + step] = factors.solve(network.of_dates(np.where(valid, part, 0.0)))
    return solution
