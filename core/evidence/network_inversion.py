"""One series of displacement from the pairs of a network: its dates, its rate, their errors, and pairs that don't fit.

The noise of the pairs' displacements has the covariance C = σ_d²·A·Aᵀ + σ_p²·I: a noise of each date (air), which
closes around every loop of pairs, and one of each pair (decorrelation, unwrapping), which doesn't. A (pairs, dates)
is −1 at a pair's first and +1 at its second date.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..robust import MAD_TO_SIGMA
from ..satellite import DAYS_PER_YEAR
from ..stacking import network_rates, noise_of_network
from ..types import Double

if TYPE_CHECKING:
    from ..interferograms import Interferogram

# How much a bend of the series counts beside a misfit of a pair in the search for pairs that don't fit: only so much
# that of pairs which may equally be wrong the one is taken that leaves the steadier motion.
_BEND = 0.02


@dataclass(frozen=True)
class DateNetwork:
    """Pairs between dates: ``years`` of each date since the first, indices of each pair's two dates, groups of dates.

    ``component`` (dates,) numbers the groups that pairs connect, from 0.
    """

    dates: tuple[date, ...]
    years: Double
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    component: NDArray[np.intp]

    @classmethod
    def of(cls, pairs: Sequence[Interferogram]) -> DateNetwork:
        """The network of some pairs."""
        from ..interferograms import connected_dates

        dates = tuple(sorted({day for pair in pairs for day in (pair.first_date, pair.second_date)}))
        number = {day: index for index, day in enumerate(dates)}
        component = np.zeros(len(dates), np.intp)
        for index, days in enumerate(connected_dates(pairs)):
            component[[number[day] for day in days]] = index
        years = np.array([(day - dates[0]).days for day in dates]) / DAYS_PER_YEAR
        first = np.array([number[pair.first_date] for pair in pairs], np.intp)
        second = np.array([number[pair.second_date] for pair in pairs], np.intp)
        return cls(dates, years, first, second, component)

    @property
    def spans(self) -> Double:
        """Time span of each pair in years."""
        return np.asarray(self.years[self.second] - self.years[self.first])

    @property
    def incidence(self) -> Double:
        """A, (pairs, dates)."""
        rows = np.arange(len(self.first))
        matrix = np.zeros((len(rows), len(self.dates)))
        matrix[rows, self.first], matrix[rows, self.second] = -1, 1
        return matrix

    @property
    def redundancy(self) -> int:
        """How many pairs there are more than the groups of dates need: independent loops."""
        return len(self.first) - len(self.dates) + int(self.component.max()) + 1

    def members(self) -> list[NDArray[np.intp]]:
        """Indices of the dates of each group, in order."""
        return [np.flatnonzero(self.component == group) for group in range(int(self.component.max()) + 1)]


def invert_network(network: DateNetwork, motion: Double) -> Double:
    """Displacement of the dates (dates, ...) from those of pairs (pairs, ...), 0 at the first date.

    Least squares; the velocities between neighbouring dates have the least norm, so that nothing moves between groups
    that follow each other.
    """
    spans = np.diff(network.years)
    between = np.arange(len(spans))
    covers = (network.first[:, None] <= between) & (between < network.second[:, None])
    velocity = np.linalg.lstsq(covers * spans, motion, rcond=None)[0]
    start = np.zeros((1, *motion.shape[1:]))
    return np.concatenate([start, np.cumsum((velocity.T * spans).T, axis=0)])


def series_rate(network: DateNetwork, motion: Double) -> tuple[float, float]:
    """The constant rate that fits the displacements of pairs (pairs,) best, and its standard error, a year.

    Generalised least squares with the noise of dates and pairs that the residuals tell of; where no pair checks another
    equation 1, and NaN for the error.
    """
    pairs = motion[:, None]
    noise = noise_of_network(pairs, network.spans, network.incidence)
    found = network_rates(pairs, network.spans, network.incidence, noise)
    error = math.nan if found.standard_error is None else float(found.standard_error[0])
    return float(found.rate[0]), error


def series_errors(network: DateNetwork, motion: Double) -> Double:
    """Standard error of each date (dates,) against its group's first, 0 there; NaN where no pair checks another.

    σ_p² comes from what doesn't close, σ_d² from what each date deviates from the line between its neighbours, so that
    motion that is not steady is hardly taken for noise. Both are unbiased where both noises are white.
    """
    if network.redundancy < 1:
        return np.full(len(network.dates), np.nan)
    incidence = network.incidence
    # Least-norm displacements of the dates.
    inverse = np.linalg.pinv(incidence)
    open_part = motion - incidence @ (inverse @ motion)
    pair_variance = float(open_part @ open_part) / network.redundancy
    bends = _bends(network)
    squares = float(np.sum((bends @ (inverse @ motion)) ** 2)) - pair_variance * float(np.sum((bends @ inverse) ** 2))
    date_variance = max(0.0, squares / float(np.sum(bends**2)))
    since = np.zeros(len(network.dates))
    for dates in network.members():
        own = (inverse[dates] - inverse[dates[0]])[1:]
        since[dates[1:]] = 2 * date_variance + pair_variance * np.sum(own**2, axis=1)
    return np.sqrt(since)


def unfitting_pairs(network: DateNetwork, motion: Double, sigma: float, least: float) -> NDArray[np.bool_]:
    """True for pairs (pairs,) whose displacement the others contradict, as one that was unwrapped wrongly.

    The dates are fitted by least absolute deviations, which a few wrong pairs can't pull away; a pair stands out that
    deviates by more than ``sigma`` robust standard deviations and by more than ``least``. Each group of dates stays
    connected. A motion that is not steady contradicts no pair.
    """
    from scipy.optimize import linprog

    pairs, dates = len(motion), len(network.dates)
    if network.redundancy < 1:
        return np.zeros(pairs, bool)
    bends = _bends(network)
    # Variables: dates, free; absolute deviations of pairs and of bends, which bound the deviations from both sides.
    design = np.vstack([network.incidence, bends])
    values = np.concatenate([motion, np.zeros(len(bends))])
    slack = np.eye(len(design))
    cost = np.concatenate([np.zeros(dates), np.ones(pairs), np.full(len(bends), _BEND)])
    solved = linprog(
        cost,
        A_ub=np.block([[design, -slack], [-design, -slack]]),
        b_ub=np.concatenate([values, -values]),
        bounds=[(None, None)] * dates + [(0, None)] * len(design),
        method="highs",
    )
    if not solved.success:
        return np.zeros(pairs, bool)
    deviation = np.abs(motion - network.incidence @ solved.x[:dates])
    # As many pairs as there are dates to place deviate by nothing.
    loose = np.sort(deviation)[pairs - network.redundancy :]
    return np.asarray(deviation > max(sigma * MAD_TO_SIGMA * float(np.median(loose)), least))


def _bends(network: DateNetwork) -> Double:
    """Rows (…, dates) that take each date's deviation from the line between its neighbours in the same group."""
    rows = []
    for dates in network.members():
        for before, here, after in zip(dates[:-2], dates[1:-1], dates[2:]):
            row = np.zeros(len(network.dates))
            share = (network.years[here] - network.years[before]) / (network.years[after] - network.years[before])
            row[[before, here, after]] = share - 1, 1, -share
            rows.append(row)
    return np.array(rows).reshape(-1, len(network.dates))
