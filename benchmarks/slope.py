"""Slope against ``gdaldem slope`` on the same raster, in one run.

python benchmarks/slope.py            4000 × 4000 pixels
python benchmarks/slope.py --large    10 000 × 10 000 pixels
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

from ada_mapper.core.raster import limited_cache, row_blocks
from ada_mapper.core.terrain import slope_to_file


def make_dem(path: Path, size: int) -> None:
    """Write hills with noise, tiled and uncompressed."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    columns = np.arange(size, dtype=np.float32)
    noise = np.random.default_rng(1).normal(0, 1, (256, size)).astype(np.float32)
    with limited_cache():
        dataset = gdal.GetDriverByName("GTiff").Create(str(path), size, size, 1, gdal.GDT_Float32, ["TILED=YES"])
        dataset.SetProjection(reference.ExportToWkt())
        dataset.SetGeoTransform((500000, 30, 0, 5000000, 0, -30))
        for row, count in row_blocks(size, 256):
            rows = np.arange(row, row + count, dtype=np.float32)[:, None]
            values = 1500 + 700 * np.sin(rows / 90) * np.cos(columns / 70) + noise[:count]
            dataset.GetRasterBand(1).WriteArray(values.astype(np.float32), 0, row)
        dataset = None


def _seconds(function: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time of one call, child processes included."""
    wall, before = time.perf_counter(), os.times()
    function()
    after = os.times()
    return time.perf_counter() - wall, sum(after[:4]) - sum(before[:4])


def main() -> None:
    """Make the DEM, run both in turn, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    size = 10_000 if arguments.large else 4000
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dem = folder / "dem.tif"
        make_dem(dem, size)
        for _ in range(arguments.rounds):
            ours.append(_seconds(lambda: slope_to_file(dem, folder / "ours.tif")))
            command = ["gdaldem", "slope", "-q", str(dem), str(folder / "theirs.tif")]
            theirs.append(_seconds(lambda command=command: subprocess.run(command, check=True)))
    print(f"{size} × {size} pixels, both to an uncompressed GeoTIFF, median of {arguments.rounds} rounds")
    for name, found in (("gdaldem slope", theirs), ("ADA Mapper", ours)):
        wall, processor = (statistics.median(column) for column in zip(*found))
        ratios = [statistics.median(one[kind] / other[kind] for one, other in zip(found, theirs)) for kind in range(2)]
        print(
            f"{name:<15} {wall:8.3f} s wall (ratio {ratios[0]:4.2f})   {processor:8.3f} s processor "
            f"(ratio {ratios[1]:4.2f})"
        )
    print(f"peak memory     {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")


if __name__ == "__main__":
    main()
