"""Dates and pairs of an interferogram network, and what Eq. 1 makes of the noise of each date and pair."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..satellite import DAYS_PER_YEAR


@dataclass(frozen=True)
class PairNetwork:
    """Pairs of acquisitions: ``days`` since the first date, and the indices of each pair's two dates.

    Eq. 1, p = Σ Δt φ / Σ Δt², is linear, so a phase a_k at date k enters p with weight c_k and a noise e_j of
    pair j with d_j (both 1/yr).
    """

    days: NDArray[np.float64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(self.first) == 0:
            raise InputError("A network needs at least one pair of dates.")

    def only(self, kept: NDArray[np.bool_]) -> PairNetwork:
        """The same dates with some of the pairs."""
        return PairNetwork(self.days, self.first[kept], self.second[kept])

    @property
    def intervals(self) -> NDArray[np.float64]:
        """Temporal baseline of each pair in days."""
        return self.days[self.second] - self.days[self.first]

    @property
    def squared_sum(self) -> float:
        """S = Σ Δt² in yr²."""
        return float(np.sum((self.intervals / DAYS_PER_YEAR) ** 2))

    @property
    def date_weights(self) -> NDArray[np.float64]:
        """c_k: weight of each date's phase in p, 1/yr."""
        years = self.intervals / DAYS_PER_YEAR
        count = len(self.days)
        later = np.bincount(self.second, years, count)
        earlier = np.bincount(self.first, years, count)
        return (later - earlier) / self.squared_sum

    @property
    def date_gain(self) -> float:
        """‖c‖: standard deviation in p (rad/yr) per rad of independent noise of each date."""
        return float(np.linalg.norm(self.date_weights))

    @cached_property
    def triplets(self) -> NDArray[np.int64]:
        """Pairs that close: rows of the indices of i–j, j–k and i–k, shape (triplets, 3)."""
        order = np.argsort(self.first, kind="stable")
        starts = np.searchsorted(self.first[order], self.second, "left")
        counts = np.searchsorted(self.first[order], self.second, "right") - starts
        leading = np.repeat(np.arange(len(self.first)), counts)
        within = np.arange(len(leading)) - np.repeat(np.cumsum(counts) - counts, counts)
        following = order[np.repeat(starts, counts) + within]
        keys = self.first * len(self.days) + self.second
        by_key = np.argsort(keys, kind="stable")
        wanted = self.first[leading] * len(self.days) + self.second[following]
        place = np.minimum(np.searchsorted(keys[by_key], wanted), len(keys) - 1)
        spanning = by_key[place]
        closes = keys[spanning] == wanted
        return np.stack([leading[closes], following[closes], spanning[closes]], axis=1)

    def interval_groups(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The distinct temporal baselines in days and the number of pairs of each."""
        values, counts = np.unique(self.intervals, return_counts=True)
        return values, counts


def regular_network(
    years: float,
    repeat: int = 12,
    longest: int = 40,
    lost: float = 0.0,
    rng: np.random.Generator | None = None,
) -> PairNetwork:
    """All pairs up to ``longest`` days of dates every ``repeat`` days, a random share ``lost`` of them dropped."""
    days = np.arange(0, max(years * DAYS_PER_YEAR, repeat + 1), repeat, dtype=np.float64)
    steps = range(1, max(1, math.floor(longest / repeat)) + 1)
    first = np.concatenate([np.arange(len(days) - step) for step in steps if step < len(days)])
    second = np.concatenate([np.arange(step, len(days)) for step in steps if step < len(days)])
    if lost and rng is not None:
        kept = rng.random(len(first)) >= lost
        kept[rng.integers(len(first))] = True
        first, second = first[kept], second[kept]
    return PairNetwork(days, first, second)
