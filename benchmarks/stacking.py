"""Stacking against only reading the same files with GDAL: time, memory and growth with pairs and pixels, in one run.

    python benchmarks/stacking.py [--mintpy PYTHON]         all three tables
    python benchmarks/stacking.py speed --holes 0.1         30 interferograms of 2000 × 2000 pixels, from the page cache
    python benchmarks/stacking.py memory                    500 of 1000 × 1000 and 30 of 10 000 × 10 000, 24 GB of disk
    python benchmarks/stacking.py growth                    pixels over four decades, pairs over two

Both read the same windows with the same number of threads into reused memory; what a case reads, phases alone or
coherence, too, is what it is compared with. The files are tiled and compressed (DEFLATE), as products are;
``--uncompressed`` makes reading a mere copy of memory, so that the sums count most. PYTHON is an interpreter that has
MintPy 1.6; its inversion and velocity run on phases in memory, a tenth of the scene, and are counted ten times.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

from ada_mapper.core.interferograms import Interferogram, Stack, select_pairs
from ada_mapper.core.parallel import map_ordered, thread_count
from ada_mapper.core.progress import QUIET
from ada_mapper.core.raster import Band, Grid, Window, limited_cache, row_blocks
from ada_mapper.core.stacking import (
    AtmosphereFilter,
    Corrections,
    ReaderPool,
    Reference,
    StackingOptions,
    StackOutputs,
    plan_windows,
    stack_to_files,
)

FIRST = date(2020, 1, 1)
# Files that differ; more pairs are links to them.
_DIFFERENT = 30
_PATCH = 16
_DEFAULTS = Corrections(Reference("auto"), atmosphere=AtmosphereFilter())
_ROUNDS = 5


def days_of(pairs: int) -> Iterator[tuple[int, int]]:
    """(first, second) day of pairs of each date with the next three, twelve days apart."""
    for index in range(pairs):
        yield 12 * (index // 3), 12 * (index // 3 + 1 + index % 3)


def make_stack(folder: Path, size: int, pairs: int, holes: float = 0.0, compressed: bool = True) -> Stack:
    """Write interferograms of noise and their coherence, of which a share of ``holes`` is nodata 0 in patches.

    The noise is 1 rad of each date and 0.3 rad of each pair.
    """
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(1)
    interferograms = []
    with limited_cache():
        for index, (first, second) in enumerate(days_of(pairs)):
            phase, coherence = (folder / f"{name}{index:03d}.tif" for name in ("pair", "coherence"))
            if index >= _DIFFERENT:
                for path in (phase, coherence):
                    os.link(path.with_name(path.name.replace(f"{index:03d}", f"{index % _DIFFERENT:03d}")), path)
            else:
                strip = random.normal(5, 0.3, (256, size)).astype(np.float32)
                for sign, day in ((-1, first), (1, second)):
                    strip += sign * np.random.default_rng(day).standard_normal(strip.shape, np.float32)
                lost = random.random((256 // _PATCH, -(-size // _PATCH))) < holes
                strip[np.kron(lost, np.ones((_PATCH, _PATCH), bool))[:, :size]] = 0
                _write(phase, strip, size, compressed)
                _write(coherence, np.abs(strip) % 1, size, compressed)
            interferograms.append(
                Interferogram(
                    Band(str(phase), nodata=(0.0,)),
                    FIRST + timedelta(days=first),
                    FIRST + timedelta(days=second),
                    "geotiff",
                    coherence=Band(str(coherence)),
                )
            )
    return Stack(tuple(interferograms), Grid.of(interferograms[0].phase.path), 0.055465763)


def without_coherence(stack: Stack) -> Stack:
    """The same stack of which only the phases are read."""
    pairs = tuple(dataclasses.replace(pair, coherence=None) for pair in stack.interferograms)
    return dataclasses.replace(stack, interferograms=pairs)


def _write(path: Path, strip: np.ndarray, size: int, compressed: bool) -> None:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    options = ["TILED=YES", *(["COMPRESS=DEFLATE"] if compressed else [])]
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), size, size, 1, gdal.GDT_Float32, options)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform((500000, 30, 0, 5000000, 0, -30))
    for row, count in row_blocks(size, len(strip)):
        dataset.GetRasterBand(1).WriteArray(strip[:count], 0, row)
    dataset = None


def read_only(stack: Stack) -> None:
    """Read all files with bare GDAL calls, in the windows and threads of the stacking."""
    with ReaderPool(stack.grid) as pool:
        windows = plan_windows(stack, pool)
    bands = [band for pair in stack.interferograms for band in (pair.phase, pair.coherence) if band]
    datasets = [[gdal.Open(band.path) for band in bands] for _ in range(thread_count() + 1)]
    buffers = [np.empty((windows[0].height, windows[0].width), np.float32) for _ in datasets]
    free = list(range(len(datasets)))

    def read(window: Window) -> None:
        own = free.pop()
        for dataset in datasets[own]:
            target = buffers[own][: window.height, : window.width]
            dataset.GetRasterBand(1).ReadAsArray(window.column, window.row, window.width, window.height, buf_obj=target)
        free.append(own)

    with limited_cache():
        for _ in map_ordered(read, windows, QUIET):
            pass


def options_of(estimator: str, **more: object) -> StackingOptions:
    """Options of an estimator, where there is a choice."""
    names = {field.name for field in dataclasses.fields(StackingOptions)}
    return StackingOptions(**({"estimator": estimator} if "estimator" in names else {}), **more)


def estimators() -> tuple[str, ...]:
    """The estimators that can be chosen; the first is Eq. 1."""
    has_choice = any(field.name == "estimator" for field in dataclasses.fields(StackingOptions))
    return ("eq1", "network") if has_choice else ("eq1",)


def seconds(function: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time of one call; the latter is what counts where others use the machine too."""
    wall, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - processor


def stacked(stack: Stack, folder: Path, corrections: Corrections, options: StackingOptions) -> Callable[[], object]:
    """What stacks with all results."""
    names = ("phase_rate", "los_rate", "standard_error", "count")
    outputs = StackOutputs(*(folder / f"result_{name}.tif" for name in names))
    return lambda: stack_to_files(stack, outputs, corrections, options)


def with_defaults(stack: Stack, folder: Path, estimator: str) -> Callable[[], object]:
    """Stacking as the dialog does it: reference, atmosphere, mask of coherence, rejection of outliers."""
    return stacked(stack, folder, _DEFAULTS, options_of(estimator, min_pairs=3, min_coherence=0.3, outlier_sigma=3.5))


def speed(folder: Path, arguments: argparse.Namespace) -> None:
    """Print times beside only reading what each case reads."""
    stack = make_stack(folder, arguments.size, arguments.pairs, arguments.holes, not arguments.uncompressed)
    phases = without_coherence(stack)
    simple = StackOutputs(folder / "result_phase_rate.tif", folder / "result_los_rate.tif")
    cases: dict[str, tuple[str, Callable[[], object]]] = {}
    for name in estimators():
        options = options_of(name)
        cases[name] = "phases", lambda options=options: stack_to_files(phases, simple, options=options)
        cases[f"{name}, error and count"] = "phases", stacked(phases, folder, Corrections(), options)
    for name in estimators():
        cases[f"{name}, default corrections"] = "phases and coherence", with_defaults(stack, folder, name)
    cases["choosing the pairs"] = "phases and coherence", lambda: select_pairs(stack)
    bases = {"phases": phases, "phases and coherence": stack}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in (*bases, *cases)}
    for base in bases.values():
        read_only(base)
    for _ in range(arguments.rounds):
        # Side by side in every round, so that other load on the machine meets both.
        for name, base in bases.items():
            times[name].append(seconds(lambda base=base: read_only(base)))
        for name, (_, function) in cases.items():
            times[name].append(seconds(function))
    print(
        f"\n{arguments.pairs} {'un' if arguments.uncompressed else ''}compressed interferograms of {arguments.size} × "
        f"{arguments.size} pixels, {arguments.holes:.0%} without data, {thread_count()} threads, median of "
        f"{arguments.rounds} rounds\n"
    )
    print("| | against only reading | wall s | × | processor s | × |\n|---|---|---|---|---|---|")
    for name, found in times.items():
        base = cases[name][0] if name in cases else name
        ratios = [statistics.median(a[kind] / b[kind] for a, b in zip(found, times[base])) for kind in range(2)]
        wall, processor = (statistics.median(column) for column in zip(*found))
        label = name if name in cases else f"only reading {name}"
        print(f"| {label} | {base} | {wall:.2f} | {ratios[0]:.2f} | {processor:.2f} | {ratios[1]:.2f} |")
    if arguments.mintpy:
        processor = _mintpy(phases, arguments.mintpy)
        ratio = processor / statistics.median(found[1] for found in times["phases"])
        print(f"| MintPy's SBAS and velocity, without reading | phases | | | {processor:.1f} | {ratio:.1f} |")


def _mintpy(stack: Stack, python: str) -> float:
    """Processor seconds of MintPy for the scene, from those of its first tenth."""
    grid, days = stack.grid, np.array(list(days_of(len(stack.interferograms))))
    window = Window(0, 0, grid.width, max(1, grid.height // 10))
    with ReaderPool(grid) as pool:
        values = []
        for pair in stack.interferograms:
            with pool.reader(pair.phase) as reader:
                values.append(reader.read(window).ravel())
    dates = np.unique(days)
    first, second = (np.searchsorted(dates, column) for column in days.T)
    with tempfile.TemporaryDirectory() as name:
        given, found = Path(name, "in.npz"), Path(name, "out.npz")
        np.savez(given, phases=np.stack(values), days=dates, first=first, second=second)
        script = Path(__file__).with_name("mintpy_sbas.py")
        subprocess.run([python, str(script), str(given), str(found)], check=True, stdout=subprocess.DEVNULL)
        return float(np.load(found)["seconds"]) * grid.height / window.height


def memory(folder: Path, arguments: argparse.Namespace) -> None:
    """Print the peak memory of large stacks with the default corrections, each in a process of its own."""
    print("\n| default corrections | estimator | peak MB | wall s | processor s |\n|---|---|---|---|---|", flush=True)
    for pairs, size in ((500, 1000), (30, 10_000)):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            make_stack(Path(name), size, pairs)
            for estimator in estimators():
                case = ["--folder", name, "--pairs", str(pairs), "--size", str(size), "--estimator", estimator]
                subprocess.run([sys.executable, __file__, "one", *case], check=True)


def one(folder: Path, arguments: argparse.Namespace) -> None:
    """The peak memory of this process after it has stacked what lies in the folder."""
    pairs = [
        Interferogram(
            Band(str(folder / f"pair{index:03d}.tif"), nodata=(0.0,)),
            FIRST + timedelta(days=first),
            FIRST + timedelta(days=second),
            "geotiff",
            coherence=Band(str(folder / f"coherence{index:03d}.tif")),
        )
        for index, (first, second) in enumerate(days_of(arguments.pairs))
    ]
    stack = Stack(tuple(pairs), Grid.of(pairs[0].phase.path), 0.055465763)
    wall, processor = seconds(with_defaults(stack, folder, arguments.estimator))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {arguments.pairs} × {arguments.size}² | {arguments.estimator} | {peak:.0f} | {wall:.0f} | {processor:.0f} |"
    )


def growth(folder: Path, arguments: argparse.Namespace) -> None:
    """Print how processor time grows with pixels and with pairs: it is as ``number`` to the exponent."""
    print(
        "\n| | " + " | ".join(f"{name}: s, exponent" for name in ("eq1", "default corrections")) + " |\n|---|---|---|"
    )
    pixels = [(math.isqrt(10**decade), 10) for decade in range(4, 9)]
    pairs = [(300, number) for number in (10, 32, 100, 320, 1000)]
    for row, cases in (("pixels", pixels), ("pairs", pairs)):
        before: tuple[float, float, float] | None = None
        for size, number in cases:
            with tempfile.TemporaryDirectory(dir=folder) as name:
                stack = make_stack(Path(name), size, number)
                functions = (
                    stacked(without_coherence(stack), Path(name), Corrections(), options_of("eq1")),
                    with_defaults(stack, Path(name), estimators()[-1]),
                )
                rounds = 1 if size > 5000 else 3
                times = [statistics.median(seconds(function)[1] for _ in range(rounds)) for function in functions]
            amount = float(size**2 if row == "pixels" else number)
            cells = [f"{found:.2f}" for found in times]
            if before is not None:
                grown = math.log(amount / before[0])
                cells = [f"{t}, {math.log(now / b) / grown:.2f}" for t, now, b in zip(cells, times, before[1:])]
            print(f"| {number} × {size}² | {' | '.join(cells)} |", flush=True)
            before = amount, times[0], times[1]


def main() -> None:
    """Make the stacks, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", choices=["speed", "memory", "growth", "one", []], default=[])
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--holes", type=float, default=0.0, help="share of pixels without data, 0 to 1")
    parser.add_argument("--uncompressed", action="store_true")
    parser.add_argument("--mintpy", metavar="PYTHON", help="an interpreter that has MintPy")
    parser.add_argument("--estimator", default="eq1", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    tables = {"speed": speed, "memory": memory, "growth": growth, "one": one}
    with tempfile.TemporaryDirectory() as name:
        for table in arguments.tables or ["speed", "memory", "growth"]:
            tables[table](arguments.folder or Path(name), arguments)


if __name__ == "__main__":
    main()
