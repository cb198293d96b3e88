"""Errors of unwrapping on simulated networks: how many are rejected or corrected, what the rate gains, what it costs.

    python benchmarks/unwrapping.py

Dates every 12 days, each pair with the next dates of its reach; noise of dates and pairs in rad; in each pixel other
pairs, chosen at random, are wrong by one or two cycles. "Good" are phases without an error that were taken for one.
"""

from __future__ import annotations

import argparse
import math
import time
from datetime import date, timedelta

import numpy as np

from ada_mapper.core.interferograms import Interferogram, triplets_of
from ada_mapper.core.raster import Band
from ada_mapper.core.stacking import stack_phases
from ada_mapper.core.stacking.outliers import OutlierSearch
from ada_mapper.core.stacking.unwrapping import CycleCorrection

MM_A_RAD = 55.465763 / (4 * math.pi)
CASES = [
    (12, 3, 1.0, 0.3, 0), (12, 3, 1.0, 0.3, 1), (12, 3, 1.0, 0.3, 4), (12, 3, 1.0, 0.3, 8), (12, 3, 1.0, 1.0, 4),
    (31, 2, 1.0, 0.3, 4), (31, 3, 1.0, 0.3, 0), (31, 3, 1.0, 0.3, 8), (31, 3, 1.0, 1.0, 0), (31, 3, 1.0, 1.0, 8),
    (6, 3, 0.3, 0.3, 4), (31, 1, 0.3, 0.3, 3),
]  # fmt: skip


def case(dates: int, reach: int, date_noise: float, pair_noise: float, errors: int, pixels: int) -> str:
    """One line of the table."""
    generator = np.random.default_rng(dates + errors)
    numbers = [(i, j) for i in range(dates) for j in range(i + 1, min(i + reach + 1, dates))]
    days = [[date(2020, 1, 1) + timedelta(days=12 * number) for number in pair] for pair in numbers]
    pairs = [Interferogram(Band("none"), first, second, "geotiff") for first, second in days]
    years = np.array([pair.years for pair in pairs])
    incidence = np.zeros((len(pairs), dates))
    for row, (first, second) in zip(incidence, numbers):
        row[first], row[second] = -1, 1
    rates = generator.uniform(-30, 30, pixels)
    phases = np.outer(years, rates) + incidence @ generator.normal(0, date_noise, (dates, pixels))
    phases += generator.normal(0, pair_noise, phases.shape)
    cycles = np.zeros(phases.shape, int)
    for column in cycles.T:
        column[generator.choice(len(pairs), errors, replace=False)] = generator.choice([-2, -1, 1, 2], errors)
    phases += 2 * np.pi * cycles
    search = OutlierSearch(years, incidence, triplets_of(pairs), 3.5)
    search(phases[:, :5])
    begin = time.process_time()
    rejected = search(phases)
    spent = time.process_time() - begin
    begin = time.process_time()
    where = CycleCorrection(search).cycles(phases)
    spent_correcting = time.process_time() - begin
    found = np.zeros(cycles.shape, int)
    found[where[:2]] = where[2]
    wrong = cycles != 0

    def error(values: np.ndarray) -> float:
        return MM_A_RAD * float((stack_phases(values, years, with_error=False).rate - rates).std())

    corrected = phases - 2 * np.pi * found
    spreads = [
        error(values)
        for values in (
            phases,
            np.where(rejected, np.nan, phases),
            np.where(search(corrected), np.nan, corrected),
            phases - 2 * np.pi * cycles,
        )
    ]
    shares = [f"{100 * hit[wrong].mean():.1f}" if errors else "–" for hit in (rejected, found == cycles)]
    false = [100 * hit[~wrong].mean() for hit in (rejected, found != 0)]
    return (
        f"| {errors} of {len(pairs)} | {dates}, {reach} | {date_noise:g}, {pair_noise:g} | "
        f"{shares[0]}, {false[0]:.2f} | {shares[1]}, {false[1]:.2f} | "
        f"{' / '.join(f'{spread:.1f}' for spread in spreads)} | "
        f"{1e9 * spent / phases.size:.0f} ns | {1e6 * spent_correcting / pixels:.0f} µs |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=int, default=500)
    pixels = parser.parse_args().pixels
    print(
        "| errors | dates, reach | noise of dates, pairs (rad) | rejected %, good % | corrected %, good % | "
        "spread of the rate (mm/yr): as it is / rejected / corrected and rejected / without errors | "
        "rejection, a phase | correction, a pixel |"
    )
    print("|---" * 8 + "|")
    for values in CASES:
        print(case(*values, pixels=pixels), flush=True)


if __name__ == "__main__":
    main()
