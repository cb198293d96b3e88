"""The atmospheric filter's phases of dates, by elimination, against NumPy's least squares, in one run.

    python benchmarks/date_phases.py                  simulated networks
    python benchmarks/date_phases.py FOLDER …         stacks of interferograms, with the gaps that they have

Each cell lacks other pairs, and of each the solution of smallest norm is asked for. ``lstsq`` is called once for each
set of valid pairs that occurs, ``solve`` for all cells together, with the groups of dates that hang together (by SciPy)
made regular. Times are of the processor and stand beside the elimination's; also the largest difference from it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.raster import Window, cell_means
from ada_mapper.core.stacking import ReaderPool
from ada_mapper.core.stacking.atmosphere_filter import network
from ada_mapper.core.stacking.network_solver import date_phases
from ada_mapper.core.stacking.reading import read_phases
from ada_mapper.core.types import Double

Solver = Callable[[Double, Double], Double]
MISSING = 0.3
_BYTES = 4 * 2**20


def lstsq_by_pattern(phases: Double, incidence: Double) -> Double:
    """One call of numpy.linalg.lstsq for all cells that have the same valid pairs."""
    valid = np.isfinite(phases)
    _, first, pattern = np.unique(np.packbits(valid, axis=0), axis=1, return_index=True, return_inverse=True)
    order = np.argsort(pattern.ravel(), kind="stable")
    bounds = np.searchsorted(pattern.ravel()[order], np.arange(len(first) + 1))
    found = np.zeros((incidence.shape[1], phases.shape[1]))
    for start, stop in zip(bounds[:-1], bounds[1:]):
        cells = order[start:stop]
        known = valid[:, cells[0]]
        if known.any():
            found[:, cells] = np.linalg.lstsq(incidence[known], phases[known][:, cells], rcond=1e-10)[0]
    return found


def solved_together(phases: Double, incidence: Double) -> Double:
    """Normal equations of many cells in one call of numpy.linalg.solve; a few cells at a time, as they are large."""
    dates = incidence.shape[1]
    found = np.zeros((dates, phases.shape[1]))
    step = max(64, _BYTES // (8 * dates**2))
    for start in range(0, phases.shape[1], step):
        found[:, start : start + step] = _solved(phases[:, start : start + step], incidence)
    return found


def _solved(phases: Double, incidence: Double) -> Double:
    (pairs, cells), dates = phases.shape, incidence.shape[1]
    valid = np.isfinite(phases)
    first, second = np.argmin(incidence, axis=1), np.argmax(incidence, axis=1)
    normal = np.zeros((cells, dates, dates))
    for pair in range(pairs):
        one, other, known = first[pair], second[pair], valid[pair]
        normal[:, one, other] -= known
        normal[:, other, one] -= known
        normal[:, one, one] += known
        normal[:, other, other] += known
    pair, cell = np.nonzero(valid)
    links = coo_matrix(
        (np.ones(len(pair)), (cell * dates + first[pair], cell * dates + second[pair])), (cells * dates,) * 2
    )
    group = connected_components(links, directed=False)[1].reshape(cells, dates)
    # Each group's mean, which the pairs leave open, becomes zero.
    normal += group[:, :, None] == group[:, None, :]
    right = incidence.T @ np.where(valid, phases, 0)
    return np.linalg.solve(normal, right.T[:, :, None])[:, :, 0].T


def simulated(dates: int, later: int, cells: int, gaps: str) -> tuple[Double, Double]:
    """(phases (pairs, cells), incidence) of each date with the ``later`` dates after it."""
    rng = np.random.default_rng(1)
    pairs = [(one, other) for one in range(dates) for other in range(one + 1, min(one + 1 + later, dates))]
    incidence = np.zeros((len(pairs), dates))
    for row, (one, other) in zip(incidence, pairs):
        row[one], row[other] = -1, 1
    phases = incidence @ rng.normal(size=(dates, cells)) + 0.1 * rng.normal(size=(len(pairs), cells))
    if gaps == "scattered":
        phases[rng.random(phases.shape) < MISSING] = np.nan
    elif gaps == "blocks":
        for values in phases:
            start = rng.integers(0, cells)
            values[start : start + int(MISSING * cells)] = np.nan
    return phases, incidence


def of_folder(folder: Path, cell: int) -> tuple[Double, Double]:
    """(phases (pairs, cells), incidence) of a folder's stack, on cells of so many pixels."""
    stack = find_stack(folder)
    with ReaderPool(stack.grid) as pool:
        phases = read_phases(stack, pool, Window(0, 0, stack.grid.width, stack.grid.height))
    means: NDArray[np.float64] = cell_means(phases, cell)
    return means.reshape(len(means), -1), network(stack)[1]


def measure(name: str, phases: Double, incidence: Double, rounds: int) -> None:
    """Print a line a way."""
    missing = 1 - np.isfinite(phases).mean()
    patterns = len(np.unique(np.packbits(np.isfinite(phases), axis=0), axis=1).T)
    print(
        f"{name}: {incidence.shape[1]} dates, {len(incidence)} pairs, {phases.shape[1]} cells, {missing:.0%} missing, "
        f"{patterns} sets of valid pairs"
    )
    ways: dict[str, Solver] = {"elimination": date_phases, "lstsq": lstsq_by_pattern, "solve": solved_together}
    times: dict[str, list[float]] = {way: [] for way in ways}
    answers = {}
    for _ in range(rounds):
        # Side by side in every round, so that other load on the machine meets all.
        for way, solver in ways.items():
            start = time.process_time()
            answers[way] = solver(phases, incidence)
            times[way].append(time.process_time() - start)
    for way, own in times.items():
        ratio = statistics.median(one / other for one, other in zip(own, times["elimination"]))
        apart = np.abs(answers[way] - answers["elimination"]).max()
        print(f"  {way:<12} {statistics.median(own):8.4f} s   {ratio:8.2f} × the elimination's time   {apart:.1e} rad")


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--cell", type=int, default=1, help="pixels on a side of the cells of a folder's stack")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for folder in arguments.folders:
        measure(folder.name, *of_folder(folder, arguments.cell), arguments.rounds)
    if not arguments.folders:
        for dates, later, cells in ((12, 3, 6000), (30, 3, 3000), (60, 4, 1000)):
            for gaps in ("none", "blocks", "scattered"):
                measure(f"gaps: {gaps}", *simulated(dates, later, cells, gaps), arguments.rounds)


if __name__ == "__main__":
    main()
