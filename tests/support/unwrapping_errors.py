"""Networks with noise of dates and pairs, and errors of whole cycles on some of the phases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ada_mapper.core.interferograms import Interferogram, triplets_of
from ada_mapper.core.raster import Band
from stacks import FIRST, years_of

Simulated = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]


def pairs_of_days(days: Sequence[tuple[int, int]]) -> list[Interferogram]:
    """Pairs without files, from (first, second) day."""
    dates = [(FIRST + timedelta(days=int(first)), FIRST + timedelta(days=int(second))) for first, second in days]
    return [Interferogram(Band("none.tif"), first, second, "geotiff") for first, second in dates]


def triplets_of_days(days: Sequence[tuple[int, int]]) -> NDArray[np.intp]:
    """The triplets of pairs given by (first, second) day."""
    return triplets_of(pairs_of_days(days))


class NoisyNetwork:
    """Pairs by (first, second) day, ``incidence`` (pairs, dates), and what they would show."""

    def __init__(self, days: Sequence[tuple[int, int]]) -> None:
        self.days = list(days)
        dates = sorted({day for pair in days for day in pair})
        self.incidence = np.zeros((len(days), len(dates)))
        for row, (first, second) in zip(self.incidence, days):
            row[dates.index(first)], row[dates.index(second)] = -1, 1

    def simulated(
        self,
        pixels: int,
        date_noise: float,
        pair_noise: float,
        errors: int = 0,
        lost: float = 0.0,
        rate: float | None = None,
        motion: NDArray[np.float64] | None = None,
        seed: int = 0,
    ) -> Simulated:
        """(phases, wrong cycles (pairs, pixels), rates (pixels,)): ``errors`` pairs of each pixel are ±1 or ±2 off."""
        generator = np.random.default_rng(seed)
        pairs, dates = self.incidence.shape
        rates = generator.uniform(-30, 30, pixels) if rate is None else np.full(pixels, rate)
        of_dates = generator.normal(0, date_noise, (dates, pixels))
        if motion is not None:
            of_dates += motion[:, None]
        phases = years_of(self.days)[:, None] * rates + self.incidence @ of_dates
        phases += generator.normal(0, pair_noise, phases.shape)
        cycles = np.zeros(phases.shape, np.int64)
        for column in cycles.T:
            chosen = generator.choice(pairs, errors, replace=False)
            column[chosen] = generator.choice([-2, -1, 1, 2], errors)
        phases += 2 * np.pi * cycles
        missing = generator.random(phases.shape) < lost
        phases[missing] = np.nan
        cycles[missing] = 0
        return phases, cycles, rates


def shares(found: NDArray[np.bool_], cycles: NDArray[np.int64], phases: NDArray[np.float64]) -> tuple[float, float]:
    """(share of the errors that were found, share of the good phases taken for errors)."""
    good = np.isfinite(phases) & (cycles == 0)
    wrong = cycles != 0
    return float(found[wrong].mean()) if wrong.any() else 1.0, float(found[good].mean())
