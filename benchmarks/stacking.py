"""Stacking against only reading the same files with GDAL, in one run.

    python benchmarks/stacking.py            30 interferograms of 2000 × 2000 pixels, from the page cache
    python benchmarks/stacking.py --large    6 interferograms of 10 000 × 10 000 pixels, with the peak memory

Both read the same windows with the same number of threads into reused memory. The files are tiled and compressed
(DEFLATE), as products are; ``--uncompressed`` makes reading a mere copy of memory, so that the sums count most.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

from ada_mapper.core.interferograms import Interferogram, Stack
from ada_mapper.core.parallel import map_ordered, thread_count
from ada_mapper.core.progress import QUIET
from ada_mapper.core.raster import Band, Grid, Window, limited_cache, row_blocks
from ada_mapper.core.stacking import ReaderPool, StackingOptions, StackOutputs, plan_windows, stack_to_files


def make_stack(folder: Path, size: int, pairs: int, holes: float, coherence: bool, compressed: bool = False) -> Stack:
    """Write ``pairs`` interferograms of noise, of which a share of ``holes`` is nodata 0."""
    strip = np.random.default_rng(1).normal(5, 1, (256, size)).astype(np.float32)
    strip[np.random.default_rng(2).random(strip.shape) < holes] = 0
    interferograms = []
    with limited_cache():
        for index in range(pairs):
            first = date(2020, 1, 1) + timedelta(days=12 * index)
            values = np.roll(strip, 37 * index, axis=1)
            phase = Band(_write(folder / f"pair{index:03d}.tif", values, size, compressed), nodata=(0.0,))
            coherent = (
                Band(_write(folder / f"coherence{index:03d}.tif", values / 10, size, compressed)) if coherence else None
            )
            interferograms.append(
                Interferogram(phase, first, first + timedelta(days=24), "geotiff", coherence=coherent)
            )
    return Stack(tuple(interferograms), Grid.of(interferograms[0].phase.path), 0.055465763)


def _write(path: Path, strip: np.ndarray, size: int, compressed: bool) -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    options = ["TILED=YES", *(["COMPRESS=DEFLATE"] if compressed else [])]
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), size, size, 1, gdal.GDT_Float32, options)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform((500000, 30, 0, 5000000, 0, -30))
    for row, count in row_blocks(size, len(strip)):
        dataset.GetRasterBand(1).WriteArray(strip[:count], 0, row)
    dataset = None
    return str(path)


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


def seconds(function: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time of one call; the latter is what counts where others use the machine too."""
    wall, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - processor


def measure(stack: Stack, folder: Path, rounds: int) -> None:
    """Print a table of the stacking with its usual outputs, beside only reading."""
    cases = {
        "phase rate and LOS rate": StackOutputs(folder / "p.tif", folder / "r.tif"),
        "with standard error and count": StackOutputs(
            folder / "p.tif", folder / "r.tif", folder / "e.tif", folder / "c.tif"
        ),
    }
    values = stack.grid.width * stack.grid.height * len(stack.interferograms)
    options = StackingOptions(min_coherence=0.1 if stack.interferograms[0].coherence else 0.0)
    read_only(stack)
    times: dict[str, list[tuple[float, float]]] = {"only reading (GDAL)": []}
    for _ in range(rounds):
        # Side by side in every round, so that other load on the machine meets both.
        times["only reading (GDAL)"].append(seconds(lambda: read_only(stack)))
        for name, outputs in cases.items():
            elapsed = seconds(lambda outputs=outputs: stack_to_files(stack, outputs, options=options))
            times.setdefault(name, []).append(elapsed)
    reading = times["only reading (GDAL)"]
    for name, found in times.items():
        wall, processor = (statistics.median(column) for column in zip(*found))
        ratios = [statistics.median(one[kind] / other[kind] for one, other in zip(found, reading)) for kind in range(2)]
        print(
            f"{name:<30} {wall:8.3f} s wall (ratio {ratios[0]:4.2f})   {processor:8.3f} s processor "
            f"(ratio {ratios[1]:4.2f})   {values / wall:.2e} pixels × interferograms / s"
        )


def main() -> None:
    """Make the stack, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--size", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--holes", type=float, default=0.0, help="share of pixels without data, 0 to 1")
    parser.add_argument("--uncompressed", action="store_true")
    parser.add_argument("--coherence", action="store_true", help="also read coherence, for the mask of the LOS rate")
    arguments = parser.parse_args()
    size = arguments.size or (10_000 if arguments.large else 2000)
    pairs = arguments.pairs or (6 if arguments.large else 30)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stack = make_stack(folder, size, pairs, arguments.holes, arguments.coherence, not arguments.uncompressed)
        kind = "uncompressed" if arguments.uncompressed else "compressed"
        print(f"{pairs} {kind} interferograms of {size} × {size} pixels, {thread_count()} threads")
        measure(stack, folder, arguments.rounds or (1 if arguments.large else 5))
    if arguments.large:
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
