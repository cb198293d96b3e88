"""Detection beside a loop that takes one tile after the other, as the QGIS plugin Deepness does, on the same network.

    python benchmarks/tile_by_tile.py [--size 4096] [--model FILE] [--repeats 3] [--local-cells N]

The loop is written anew after how Deepness works, not its code: it is given a finished composite (detection makes its
own from the layers), reads each tile through GDAL, fills gaps, runs ONNX Runtime with its default threads, keeps the
class of the larger probability where it reaches the threshold, and puts the middle of the tile into one array of the
whole scene, which is written at the end. It neither blends nor keeps probabilities. Prints the processor seconds of
both for each repeat, and the median of their ratio (below 1: detection takes less).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
from inference import detection, scene, with_cells

from ada_mapper.core.detection import DEFAULT_OVERLAP, Composite
from ada_mapper.core.models import ModelCard, open_backend, read_card
from ada_mapper.core.raster import Band, BandDescription, BandReader, RasterWriter, Window


def main() -> None:
    """Run the comparison and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--local-cells", type=int)
    arguments = parser.parse_args()
    card = with_cells(read_card(arguments.model), arguments.local_cells)
    with tempfile.TemporaryDirectory() as folder:
        layers = scene(Path(folder), arguments.size)
        with Composite(layers, card) as composite:
            composite.write(Path(folder) / "composite.tif")
        backend = open_backend(arguments.model, "onnxruntime")
        session = onnxruntime.InferenceSession(str(arguments.model), providers=["CPUExecutionProvider"])
        ratios = []
        for repeat in range(arguments.repeats):
            (_, ours), _ = detection(layers, backend, card, folder, DEFAULT_OVERLAP)
            theirs = _tile_by_tile(Path(folder), session, card)
            ratios.append(ours / theirs)
            print(
                f"{repeat + 1}: detection {ours:.2f} s, tile by tile {theirs:.2f} s of processor: {ours / theirs:.3f}"
            )
    print(f"median {statistics.median(ratios):.3f}")


def _tile_by_tile(folder: Path, session: onnxruntime.InferenceSession, card: ModelCard) -> float:
    start = time.process_time()
    side, margin = card.tile_size, round(card.tile_size * DEFAULT_OVERLAP) // 2
    fills = np.array(card.fills, np.float32)[:, np.newaxis, np.newaxis]
    name = session.get_inputs()[0].name
    readers = [BandReader(Band(str(folder / "composite.tif"), index + 1)) for index in range(len(card.fills))]
    grid = readers[0].grid
    classes = np.zeros((grid.height, grid.width), np.uint8)
    for row in range(-margin, grid.height, side - 2 * margin):
        for column in range(-margin, grid.width, side - 2 * margin):
            bands = np.stack([reader.read(Window(column, row, side, side)) for reader in readers])
            answer = session.run(None, {name: np.where(np.isnan(bands), fills, bands)[np.newaxis]})[0]
            answer[answer < card.threshold] = 0
            found = np.argmax(answer, axis=1)[0]
            target = classes[row + margin : row + side - margin, column + margin : column + side - margin]
            target[...] = found[margin : margin + target.shape[0], margin : margin + target.shape[1]]
    description = [BandDescription("classes")]
    with RasterWriter(folder / "classes.tif", grid, description, "uint8", nodata=None, compress=False) as writer:
        writer.write(classes)
    for reader in readers:
        reader.close()
    return time.process_time() - start


if __name__ == "__main__":
    main()
