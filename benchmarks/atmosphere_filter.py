"""What the atmospheric filter takes off the noise of the rate; prints the table of the guide.

    python benchmarks/atmosphere_filter.py

Simulated stacks in which nothing moves, 200² pixels of 100 m: dates every 12 days over one and three years, each paired
with the next three; air of 1 rad a date, independent from date to date, whose amplitude falls with the power 4/3 of the
wave number; 0.3 rad of noise in each pixel of each pair; all pairs, and without 30 % of them. Reference: the median.
Printed is the standard deviation of the LOS rate in mm/yr.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ada_mapper.core.interferograms import Interferogram, Stack
from ada_mapper.core.raster import Band, BandDescription, BandReader, Grid, write_array
from ada_mapper.core.satellite import SENTINEL1_WAVELENGTH
from ada_mapper.core.stacking import (
    AtmosphereFilter,
    Corrections,
    Reference,
    StackingOptions,
    StackOutputs,
    stack_to_files,
)

SIDE, PIXEL = 200, 100.0
DATES = {"1 year": 31, "3 years": 92}
LOST = (0.0, 0.3)
REACH = 3
FIRST = date(2020, 1, 1)
AIR, NOISE, POWER = 1.0, 0.3, 4 / 3


def main() -> None:
    """Measure all cases and print a row each."""
    sys.stdout.write("| length | pairs lost | *eq1* | *eq1*, filtered | *network* | *network*, filtered |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    for length, dates in DATES.items():
        for lost in LOST:
            spreads = " | ".join(f"{spread:.2f}" for spread in measured(dates, lost))
            sys.stdout.write(f"| {length} | {lost:.0%} | {spreads} |\n")


def measured(dates: int, lost: float) -> list[float]:
    """The spreads of both estimators, without and with the filter (mm/yr)."""
    rng = np.random.default_rng(dates)
    air = [AIR * smooth_field(rng) for _ in range(dates)]
    pairs = [(i, j) for i in range(dates) for j in range(i + 1, min(i + 1 + REACH, dates))]
    if lost:
        pairs = [pair for pair, is_kept in zip(pairs, rng.random(len(pairs)) > lost) if is_kept]
    phases = [air[j] - air[i] + rng.normal(0, NOISE, (SIDE, SIDE)) for i, j in pairs]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        stack = stack_of(folder, phases, pairs)
        outputs = StackOutputs(folder / "phase_rate.tif", folder / "los_rate.tif")
        spreads = []
        for estimator in ("eq1", "network"):
            for atmosphere in (None, AtmosphereFilter()):
                corrections = Corrections(reference=Reference("median"), atmosphere=atmosphere)
                options = StackingOptions(estimator=estimator, min_coherence=0)
                stack_to_files(stack, outputs, corrections=corrections, options=options)
                with BandReader(folder / "los_rate.tif") as reader:
                    spreads.append(float(np.nanstd(reader.read())))
        return spreads


def stack_of(folder: Path, phases: Sequence[NDArray[np.float64]], pairs: Sequence[tuple[int, int]]) -> Stack:
    """The pairs of dates by their numbers, as files."""
    grid = Grid("EPSG:32632", (500_000.0, PIXEL, 0.0, 5_000_000.0, 0.0, -PIXEL), SIDE, SIDE)
    found = []
    for values, (first, second) in zip(phases, pairs):
        path = folder / f"{first:03d}_{second:03d}.tif"
        write_array(path, grid, values.astype(np.float32), BandDescription("phase", "rad"))
        days = [FIRST + timedelta(days=12 * number) for number in (first, second)]
        found.append(Interferogram(Band(str(path)), *days, "geotiff"))
    return Stack(tuple(found), grid, SENTINEL1_WAVELENGTH)


def smooth_field(rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise of mean 0 and standard deviation 1 whose amplitude falls with the power of the wave number."""
    wave = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE))
    wave[0, 0] = np.inf
    field = np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIDE, SIDE))) * wave**-POWER).real
    return np.asarray(field / field.std())


if __name__ == "__main__":
    main()
