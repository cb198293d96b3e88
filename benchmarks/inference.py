"""Detection over a large scene beside a bare ONNX Runtime loop over as many tiles from memory, in one run.

    python benchmarks/inference.py [--size 10000] [--model FILE] [--overlap 0.125] [--threads N] [--repeats 3]
                                   [--local-cells N]

Prints both times of each repeat, the ratio of throughputs (bare time / detection time, target 0.95 and more), the
same ratio of processor times (which other programs disturb less), and the peak memory of a process that only detects
(target under 1 GB). Rasters are made in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from ada_mapper.core.channels import COMBINATIONS, Channel, ChannelKind, Scaling
from ada_mapper.core.detection import DEFAULT_OVERLAP, Composite, detect
from ada_mapper.core.models import Backend, ModelCard, open_backend, read_card
from ada_mapper.core.raster import BandDescription, Grid, RasterWriter, Window, row_blocks
from ada_mapper.core.types import Array

TILES_IN_MEMORY = 64
_LAYERS = {
    ChannelKind.PHASE_RATE: BandDescription("phase_rate", "rad/yr", (("SIGN", "away"),)),
    ChannelKind.LOS_RATE: BandDescription("los_rate", "mm/yr", (("SIGN", "toward"),)),
    ChannelKind.DEM: BandDescription("dem", "m"),
    ChannelKind.SLOPE: BandDescription("slope", "degree"),
}


def main() -> None:
    """Run the comparison and print its figures, as one line of JSON at the end."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or _random_model(Path(folder))
        layers = scene(Path(folder), arguments.size)
        card = with_cells(read_card(model), arguments.local_cells)
        backend = open_backend(model, "onnxruntime", arguments.threads)
        print(f"{card.name} on {backend.name}, {arguments.size}² pixels, overlap {arguments.overlap:.1%}")
        ratios, processor_ratios, seconds = [], [], []
        for repeat in range(arguments.repeats):
            (ours, our_processor), tiles = detection(layers, backend, card, folder, arguments.overlap)
            bare, bare_processor = _bare_loop(layers, backend, card, tiles)
            ratios.append(bare / ours)
            processor_ratios.append(bare_processor / our_processor)
            seconds.append(ours)
            print(f"{repeat + 1}: detection {ours:.2f} s, bare loop {bare:.2f} s, {tiles} tiles: {bare / ours:.3f}")
        peak = _peak_memory(layers, str(model), folder, arguments)
    figures = {
        "size": arguments.size,
        "tiles": tiles,
        "seconds": round(min(seconds), 2),
        "throughput_ratio": round(statistics.median(ratios), 3),
        "processor_ratio": round(statistics.median(processor_ratios), 3),
        "peak_megabytes": round(peak),
    }
    print(json.dumps(figures))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--model", type=Path, help="a model file (default: the compact network, random weights)")
    parser.add_argument("--overlap", type=float, default=DEFAULT_OVERLAP)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--local-cells", type=int, help="take the model's local means on a lattice of such cells")
    return parser.parse_args()


def with_cells(card: ModelCard, cells: int | None) -> ModelCard:
    """The card, its local means taken on a lattice of cells where a number is given."""
    if cells is None:
        return card
    channels = [
        replace(channel, scaling=replace(channel.scaling, local_cells=cells))
        if channel.scaling.local_radius is not None
        else channel
        for channel in card.channels
    ]
    return replace(card, channels=tuple(channels))


def _random_model(folder: Path) -> Path:
    """The compact network on all four layers with random weights and local means, the dearest scaling."""
    from ada_mapper.core.models import build_network, export_onnx

    radius = 1500.0
    options = {
        ChannelKind.PHASE_RATE: ("rad/yr", "away", Scaling("asinh", scale=2.0, local_radius=radius)),
        ChannelKind.LOS_RATE: ("mm/yr", "toward", Scaling("asinh", scale=10.0, local_radius=radius)),
        ChannelKind.DEM: ("m", "", Scaling("clip", scale=500.0, local_radius=radius)),
        ChannelKind.SLOPE: ("degree", "", Scaling("minmax", low=0.0, high=60.0)),
    }
    kinds = COMBINATIONS["phase_rate+los_rate+dem+slope"]
    card = ModelCard("random", "0", "random weights", tuple(Channel(kind, *options[kind]) for kind in kinds))
    path = folder / "random.onnx"
    export_onnx(build_network("compact", len(kinds), 2), card, path)
    return path


def scene(folder: Path, size: int) -> dict[ChannelKind, Path]:
    """Four layers of smooth shapes and noise with 10 % holes in the LOS rate, written as this project writes them."""
    grid = Grid("EPSG:32614", (400000.0, 30.0, 0.0, 2200000.0, 0.0, -30.0), size, size)
    generator = np.random.default_rng(1)
    paths = {kind: folder / f"{kind.value}.tif" for kind in _LAYERS}
    noise = generator.standard_normal((256, size)).astype(np.float32)
    wave = np.sin(np.arange(size, dtype=np.float32) / 40)
    for kind, description in _LAYERS.items():
        with RasterWriter(paths[kind], grid, [description], compress=False) as writer:
            for row, rows in row_blocks(size, 256):
                shape = wave[row : row + rows, np.newaxis] * wave + 0.2 * np.roll(noise[:rows], row, axis=1)
                writer.write(_values(kind, shape), row)
    return paths


def _values(kind: ChannelKind, shape: Array) -> Array:
    if kind is ChannelKind.DEM:
        return np.round(1500 + 800 * shape)
    if kind is ChannelKind.SLOPE:
        return 15 + 10 * np.abs(shape)
    if kind is ChannelKind.PHASE_RATE:
        return 4 * shape
    return np.where(np.abs(shape) < 0.1, np.float32(np.nan), -15 * shape).astype(np.float32)


def detection(
    layers: dict[ChannelKind, Path], backend: Backend, card: ModelCard, folder: str, overlap: float
) -> tuple[tuple[float, float], int]:
    """Seconds and processor seconds from opening the layers to the finished file, and the tiles predicted."""
    start = _clocks()
    with Composite(layers, card) as composite:
        result = detect(composite, backend, card, Path(folder) / "probability.tif", overlap)
    return _since(start), result.tiles - result.skipped_tiles


def _bare_loop(layers: dict[ChannelKind, Path], backend: Backend, card: ModelCard, tiles: int) -> tuple[float, float]:
    """Seconds and processor seconds of the same session and threads for as many tiles from memory."""
    side = card.tile_size
    with Composite(layers, card) as composite:
        across = max(1, composite.grid.width // side)
        windows = [Window(i % across * side, i // across * side, side, side) for i in range(TILES_IN_MEMORY)]
        held = [np.nan_to_num(composite.read(window))[np.newaxis] for window in windows]
    session, name = backend._session, backend._input  # type: ignore[attr-defined]

    def run(index: int) -> None:
        session.run(None, {name: held[index % TILES_IN_MEMORY]})

    start = _clocks()
    with ThreadPoolExecutor(backend.parallel) as workers:
        for _ in workers.map(run, range(tiles)):
            pass
    return _since(start)


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(start: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - start[0], time.process_time() - start[1]


def _peak_memory(layers: dict[ChannelKind, Path], model: str, folder: str, arguments: argparse.Namespace) -> float:
    """Peak resident megabytes of a fresh process that detects."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_detect_alone, (layers, model, folder, arguments))


def _detect_alone(layers: dict[ChannelKind, Path], model: str, folder: str, arguments: argparse.Namespace) -> float:
    backend = open_backend(model, "onnxruntime", arguments.threads)
    card = with_cells(read_card(model), arguments.local_cells)
    detection(layers, backend, card, folder, arguments.overlap)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


if __name__ == "__main__":
    main()
