"""Rates and their errors against known truth, and real stacks beside MintPy's SBAS; prints Markdown tables.

    python benchmarks/rates.py [--side 140] [--mintpy PYTHON]        simulated stacks
    python benchmarks/rates.py FOLDER … [--mintpy PYTHON]            stacks of real interferograms

PYTHON is an interpreter that has MintPy 1.6 (``python -m venv …; pip install mintpy``); without it its columns are
left out. Simulated: dates every 12 days, each paired with the next three; date noise σ_d (air) and pair noise σ_p
(decorrelation) in rad, white in space and time; whole stacks, and stacks where each pixel lacks 30 % of its pairs at
random. ``ideal`` is generalised least squares with the covariance that made the noise. ``spread`` is the standard
deviation of the rate's error over the pixels, ``claimed : true`` the root mean square of the standard errors over it,
``covered`` the share of pixels whose true rate lies within 1.96 standard errors.

Real: all pairs of a folder, and those of the default limits; the median of the pixels that all pairs have is the
reference of every pair; the same phases go into all estimators, without weights. Seconds are of the processor for the
estimate from phases in memory, megabytes what is allocated meanwhile.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ada_mapper.core.interferograms import PairLimits, Stack, find_stack, select_pairs
from ada_mapper.core.satellite import DAYS_PER_YEAR, SENTINEL1_WAVELENGTH, los_factor
from ada_mapper.core.stacking import ReaderPool, network_rates, noise_of_network, read_pixels
from ada_mapper.core.types import Double

NOISES = ((1.0, 0.3), (1.0, 1.0), (0.3, 1.0), (0.0, 1.0))
LENGTHS = (31, 92)
LOST = 0.3
# Where pixels lack different pairs MintPy inverts them one by one: of these it gets so many.
_FEW = 4900


@dataclass(frozen=True)
class Network:
    """Days of the dates and the two dates' indices of each pair."""

    days: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    @classmethod
    def regular(cls, dates: int, reach: int = 3) -> Network:
        """Each date, 12 days after the one before, with the ``reach`` dates after it."""
        pairs = [(one, other) for one in range(dates) for other in range(one + 1, min(one + 1 + reach, dates))]
        first, second = np.array(pairs).T
        return cls(12 * np.arange(dates), first, second)

    @classmethod
    def of(cls, stack: Stack) -> Network:
        """Of a stack's pairs."""
        dates = list(stack.dates)
        days = np.array([day.toordinal() for day in dates])
        first = np.array([dates.index(pair.first_date) for pair in stack.interferograms])
        second = np.array([dates.index(pair.second_date) for pair in stack.interferograms])
        return cls(days - days[0], first, second)

    @property
    def years(self) -> Double:
        return (self.days[self.second] - self.days[self.first]) / DAYS_PER_YEAR

    @property
    def incidence(self) -> Double:
        """(pairs, dates): −1 at the earlier, +1 at the later date."""
        rows = np.arange(len(self.first))
        matrix = np.zeros((len(rows), len(self.days)))
        matrix[rows, self.first], matrix[rows, self.second] = -1, 1
        return matrix


@dataclass(frozen=True)
class Answer:
    """Rate and error in mm/yr (pixels,), processor seconds, megabytes."""

    rate: Double
    error: Double
    seconds: float
    megabytes: float


Estimator = Callable[[Double, Network, bool], Answer]


def measured(estimate: Callable[[], tuple[Double, Double]], with_memory: bool) -> Answer:
    """Once for the time, and once for the memory where that is wanted."""
    begun = time.process_time()
    rate, error = estimate()
    seconds = time.process_time() - begun
    if not with_memory:
        return Answer(rate, error, seconds, math.nan)
    tracemalloc.start()
    estimate()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return Answer(rate, error, seconds, peak)


def by_equation_1(phases: Double, network: Network, with_memory: bool) -> Answer:
    """Ours, Eq. 1."""

    def estimate() -> tuple[Double, Double]:
        found = network_rates(phases, network.years, network.incidence, None)
        return found.rate, found.standard_error

    return measured(estimate, with_memory)


def by_network(phases: Double, network: Network, with_memory: bool) -> Answer:
    """Ours, generalised least squares with the noise that the stack's own residuals tell of."""

    def estimate() -> tuple[Double, Double]:
        noise = noise_of_network(phases, network.years, network.incidence)
        found = network_rates(phases, network.years, network.incidence, noise)
        return found.rate, found.standard_error

    return measured(estimate, with_memory)


def by_mintpy(python: str) -> Estimator:
    """MintPy in another interpreter."""

    def estimate(phases: Double, network: Network, with_memory: bool) -> Answer:
        with tempfile.TemporaryDirectory() as folder:
            given, found = Path(folder) / "in.npz", Path(folder) / "out.npz"
            np.savez(given, phases=phases, days=network.days, first=network.first, second=network.second)
            script = Path(__file__).with_name("mintpy_sbas.py")
            subprocess.run(
                [python, str(script), str(given), str(found), *(["memory"] if with_memory else [])],
                check=True,
                capture_output=True,
            )
            answer = np.load(found)
            return Answer(answer["rate"], answer["error"], float(answer["seconds"]), float(answer["megabytes"]))

    return estimate


def ideal(date_noise: float, pair_noise: float) -> Estimator:
    """Generalised least squares that knows the covariance."""

    def of_pixels(phases: Double, network: Network) -> tuple[Double, Double]:
        covariance = date_noise**2 * network.incidence @ network.incidence.T + pair_noise**2 * np.eye(len(phases))
        rate, error = np.full((2, phases.shape[1]), np.nan)
        finite = np.isfinite(phases)
        _, start, pattern = np.unique(np.packbits(finite, axis=0), axis=1, return_index=True, return_inverse=True)
        order = np.argsort(pattern.ravel(), kind="stable")
        bounds = np.searchsorted(pattern.ravel()[order], np.arange(len(start) + 1))
        for begin, end in zip(bounds[:-1], bounds[1:]):
            pixels = order[begin:end]
            known = finite[:, pixels[0]]
            weights = np.linalg.solve(covariance[np.ix_(known, known)], network.years[known])
            information = weights @ network.years[known]
            rate[pixels] = weights @ phases[known][:, pixels] / information
            error[pixels] = information**-0.5
        return rate, error

    return lambda phases, network, with_memory: measured(lambda: of_pixels(phases, network), with_memory)


def simulated(network: Network, noise: tuple[float, float], lost: float, pixels: int, seed: int) -> Double:
    """Phases (pairs, pixels) of ground that does not move."""
    rng = np.random.default_rng(seed)
    air = rng.normal(0, 1, (len(network.days), pixels)) * noise[0]
    phases = air[network.second] - air[network.first]
    phases += rng.normal(0, 1, phases.shape) * noise[1]
    phases[rng.random(phases.shape) < lost] = np.nan
    return phases


def truth_table(estimators: dict[str, Estimator], side: int) -> None:
    """A row a case."""
    names = [*estimators, "ideal"]
    print("| dates | σ_d, σ_p (rad) | pairs lost | " + " | ".join(f"{name}" for name in names) + " |")
    print("|---" * (3 + len(names)) + "|")
    scale = los_factor(SENTINEL1_WAVELENGTH)
    for dates in LENGTHS:
        network = Network.regular(dates)
        for noise in NOISES:
            for lost in (0.0, LOST):
                phases = simulated(network, noise, lost, side * side, seed=dates)
                cells = []
                for name, estimate in {**estimators, "ideal": ideal(*noise)}.items():
                    pixels = _FEW if lost and name == "MintPy" else None
                    answer = estimate(phases[:, :pixels], network, False)
                    cells.append(_against_zero(abs(scale) * answer.rate, abs(scale) * answer.error))
                print(f"| {dates} | {noise[0]:g}, {noise[1]:g} | {lost:.0%} | " + " | ".join(cells) + " |", flush=True)


def _against_zero(error: Double, claimed: Double) -> str:
    """Spread in mm/yr; claimed : true; coverage; share of pixels without a rate where there are such."""
    known = np.isfinite(error)
    spread = error[known].std()
    both = known & np.isfinite(claimed)
    ratio = np.sqrt(np.mean(claimed[both] ** 2)) / error[both].std()
    covered = np.mean(np.abs(error[both]) <= 1.96 * claimed[both])
    without = f"; {1 - known.mean():.0%} without" if not known.all() else ""
    return f"{spread:.2f}; {ratio:.2f}; {covered:.3f}{without}"


def real_tables(folder: Path, estimators: dict[str, Estimator]) -> None:
    """Tables of a folder's stack: all pairs, and the pairs within the default limits."""
    stack = find_stack(folder)
    chosen = select_pairs(stack, PairLimits()).stack
    for part in [stack] if len(chosen.interferograms) == len(stack.interferograms) else [stack, chosen]:
        network = Network.of(part)
        phases = _referenced(part)
        print(f"\n{'/'.join(folder.parts[-2:])}, {len(part.interferograms)} pairs, {len(network.days)} dates:\n")
        factor = los_factor(part.wavelength)
        answers = {name: estimate(phases, network, True) for name, estimate in estimators.items()}
        rates = {name: factor * answer.rate for name, answer in answers.items()}
        _compared(rates, {name: abs(factor) * answer.error for name, answer in answers.items()}, answers)
        print(f"\nClosure of the network: {_closure(phases, network):.3f} rad (median over the pixels).")


def _referenced(stack: Stack) -> Double:
    """Phases (pairs, pixels), less the median of the pixels that all pairs have."""
    grid = stack.grid
    rows, columns = np.divmod(np.arange(grid.width * grid.height), grid.width)
    with ReaderPool(grid) as pool:
        phases = np.stack([read_pixels(pool, pair.phase, rows, columns) for pair in stack.interferograms])
    phases = phases.astype(np.float64)
    whole = np.isfinite(phases).all(axis=0)
    phases -= np.median(phases[:, whole], axis=1)[:, None]
    return phases


def _closure(phases: Double, network: Network) -> float:
    """Median of σ_p = ‖Qφ‖ / √tr Q over the pixels that have all pairs; NaN without redundancy."""
    incidence = network.incidence
    residual_of = np.eye(len(incidence)) - incidence @ np.linalg.pinv(incidence)
    freedom = np.trace(residual_of)
    whole = phases[:, np.isfinite(phases).all(axis=0)]
    if freedom < 0.5 or not whole.size:
        return float("nan")
    return float(np.median(np.linalg.norm(residual_of @ whole, axis=0) / np.sqrt(freedom)))


def _compared(rates: dict[str, Double], errors: dict[str, Double], answers: dict[str, Answer]) -> None:
    """Each against the last, which is MintPy where it is there."""
    base = list(rates)[-1]
    known = np.all([np.isfinite(rate) for rate in rates.values()], axis=0)
    print(f"| | pixels | correlation with {base} | slope | bias mm/yr | rms mm/yr | median SE mm/yr | s | MB |")
    print("|---" * 9 + "|")
    for name, rate in rates.items():
        own, other = rate[known], rates[base][known]
        slope = np.polyfit(other, own, 1)[0]
        apart = own - other
        print(
            f"| {name} | {np.isfinite(rate).sum()} | {np.corrcoef(own, other)[0, 1]:.4f} | {slope:.3f} "
            f"| {apart.mean():+.1f} | {np.sqrt(np.mean(apart**2)):.1f} | {np.nanmedian(errors[name]):.1f} "
            f"| {answers[name].seconds:.2f} | {answers[name].megabytes:.0f} |",
            flush=True,
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--side", type=int, default=140, help="pixels on a side of the simulated stacks")
    parser.add_argument("--mintpy", metavar="PYTHON", help="an interpreter that has MintPy")
    given = parser.parse_args(arguments)
    estimators: dict[str, Estimator] = {"eq1": by_equation_1, "network": by_network}
    if given.mintpy:
        estimators["MintPy"] = by_mintpy(given.mintpy)
    for folder in given.folders:
        real_tables(folder, estimators)
    if not given.folders:
        truth_table(estimators, given.side)


if __name__ == "__main__":
    main(sys.argv[1:])
