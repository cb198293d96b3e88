"""The network that pairs make of their dates: which dates hang together, and where the satellite was at each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class DatedPair(Protocol):
    """Two dates in order, and the perpendicular baseline (metres) of the second relative to the first, if known."""

    @property
    def first_date(self) -> date: ...

    @property
    def second_date(self) -> date: ...

    @property
    def perpendicular_baseline(self) -> float | None: ...


def connected_dates(pairs: Iterable[DatedPair]) -> tuple[tuple[date, ...], ...]:
    """The groups of dates that pairs connect, each in order, the groups by their first date."""
    group: dict[date, set[date]] = {}
    for pair in pairs:
        ends = group.get(pair.first_date, {pair.first_date}) | group.get(pair.second_date, {pair.second_date})
        for day in ends:
            group[day] = ends
    return tuple(sorted({tuple(sorted(dates)) for dates in group.values()}))


def baseline_positions(pairs: Sequence[DatedPair]) -> dict[date, float] | None:
    """Perpendicular position in metres of each date, by least squares from the pairs; the first date of each part is 0.

    None where no pair has a baseline; dates without any are left out.
    """
    known = [pair for pair in pairs if pair.perpendicular_baseline is not None]
    if not known:
        return None
    groups = connected_dates(known)
    index = {day: number for number, day in enumerate(day for dates in groups for day in dates)}
    matrix = np.zeros((len(known), len(index)))
    for row, pair in zip(matrix, known):
        row[index[pair.first_date]], row[index[pair.second_date]] = -1, 1
    baselines = np.array([pair.perpendicular_baseline for pair in known], np.float64)
    positions = np.linalg.lstsq(matrix, baselines, rcond=None)[0]
    return {day: float(positions[index[day]] - positions[index[dates[0]]]) for dates in groups for day in dates}


def linked(links: NDArray[np.bool_]) -> list[list[int]]:
    """The groups of the numbers 0..n that a matrix of links (n, n) connects, each in order, by their first number."""
    links = links | links.T
    waiting = np.ones(len(links), bool)
    groups = []
    for number in range(len(links)):
        if not waiting[number]:
            continue
        group = reached = np.arange(len(links)) == number
        while reached.any():
            reached = links[reached].any(axis=0) & ~group
            group = group | reached
        waiting &= ~group
        groups.append([int(member) for member in np.nonzero(group)[0]])
    return groups
