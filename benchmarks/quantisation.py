"""A model beside its quantised copies: accuracy on held-out simulated tiles, invariance, size, and speed in one run.

    python benchmarks/quantisation.py MODEL [--dems FOLDER --held-out NAME…] [--tiles 60] [--calibration 40]
        [--repeats 25] [--copies NAME…] [--keep FOLDER]

For the model and each copy: pixel IoU at the card's threshold with its change in points (a copy is called lossless
where it loses less than 0.3); the pixels over the threshold that both agree on (IoU of the two); the mean and the
largest difference of a probability; how much a pixel's probability changes when the tile is shifted by 13 pixels (mean
of the 0.1 % largest); the largest probability where nothing moves (all rates 0 on a plain); the file's size. Then the
median time of a tile on one thread, and the throughput as a ratio to the model; the copies take turns, so that
whatever else runs on the machine slows all of them. COPY is one of the names in the table. Calibration tiles are of
another seed and of generated terrain alone.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from ada_mapper.core.accuracy import Confusion, confusion, pixel_scores
from ada_mapper.core.learning import QuantisationOptions, quantise, simulated_inputs, to_input
from ada_mapper.core.models import IGNORED, ModelCard, read_card
from ada_mapper.core.simulation import TileGenerator
from ada_mapper.core.types import Array

SEED = 1_000_004
SIZE, SHIFT, MARGIN = 256, 13, 96
FLOAT = "float32"
COPIES: Mapping[str, QuantisationOptions] = {
    "default": QuantisationOptions(),
    "8-bit weights": QuantisationOptions(weight_bits=8),
    "head quantised": QuantisationOptions(float_head=False),
    "first layer float": QuantisationOptions(float_stem=True),
    "signed activations": QuantisationOptions(weight_bits=8, signed=True),
    "percentile": QuantisationOptions(calibration="percentile"),
    "entropy": QuantisationOptions(calibration="entropy"),
}


@dataclass(frozen=True)
class Results:
    """What a model gives: probabilities (tiles, h, w), those of the tiles shifted, and of a plain without motion."""

    probability: Array
    shifted: Array
    at_rest: float


def main() -> None:
    """Measure and print a table."""
    arguments = _arguments()
    card = read_card(arguments.model)
    inputs, labels = _tiles(arguments, card)
    calibration = list(simulated_inputs(card, arguments.calibration))
    print(f"{card.name} {card.version}, {len(inputs)} tiles, {len(calibration)} calibration tiles, one thread")
    print("                     pixel IoU  change   agree  mean |Δp|  max |Δp|  shifted  at rest     MB", flush=True)
    sessions = {FLOAT: _session(arguments.model)}
    reference = _results(sessions[FLOAT], inputs, card)
    _print_line(FLOAT, reference, reference, labels, card, arguments.model)
    with contextlib.ExitStack() as stack:
        folder = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in arguments.copies:
            path = folder / f"{name.replace(' ', '_')}.onnx"
            quantise(arguments.model, calibration, path, COPIES[name])
            sessions[name] = _session(path)
            _print_line(name, _results(sessions[name], inputs, card), reference, labels, card, path)
    milliseconds = _speed(sessions, inputs[:1, :, :SIZE, :SIZE], arguments.repeats)
    for name, median in milliseconds.items():
        print(f"{name:20} {median:7.1f} ms a tile   {milliseconds[FLOAT] / median:5.2f} × the model's throughput")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dems", type=Path, help="a folder of DEMs; without it all terrain is generated")
    parser.add_argument("--held-out", nargs="+", default=[""], help="beginnings of the names of the DEMs to judge on")
    parser.add_argument("--tiles", type=int, default=60)
    parser.add_argument("--calibration", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--copies", nargs="+", choices=COPIES, default=list(COPIES), metavar="COPY")
    parser.add_argument("--keep", type=Path, help="a folder that keeps the quantised copies")
    return parser.parse_args()


def _tiles(arguments: argparse.Namespace, card: ModelCard) -> tuple[Array, np.ndarray]:
    """Bands (tiles, bands, h, w) of tiles larger than SIZE by a stride, and labels of their first SIZE pixels."""
    names = tuple(arguments.held_out)
    dems = sorted(arguments.dems.glob("*.tif")) if arguments.dems else []
    make_tile = TileGenerator(SEED, SIZE + 32, dem_paths=[path for path in dems if path.name.startswith(names)])
    samples = [to_input(make_tile(index), card) for index in range(arguments.tiles)]
    return np.stack([bands for bands, _ in samples]), np.stack([labels[:SIZE, :SIZE] for _, labels in samples])


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _predict(session: onnxruntime.InferenceSession, inputs: Array) -> Array:
    name = session.get_inputs()[0].name
    return np.stack([session.run(None, {name: np.ascontiguousarray(bands[None])})[0][0, 1] for bands in inputs])


def _results(session: onnxruntime.InferenceSession, inputs: Array, card: ModelCard) -> Results:
    shifted = _predict(session, inputs[:, :, SHIFT : SIZE + SHIFT, SHIFT : SIZE + SHIFT])
    still = np.stack(list(_still(card)))
    inner = slice(MARGIN, -MARGIN)
    at_rest = _predict(session, still[np.newaxis])[0, inner, inner]
    return Results(_predict(session, inputs[:, :, :SIZE, :SIZE]), shifted, float(at_rest.max()))


def _still(card: ModelCard) -> Iterator[Array]:
    """The bands of a plain where nothing moves."""
    for channel in card.channels:
        yield from channel.bands(np.zeros((SIZE, SIZE), np.float32), card.pixel_size)


def _print_line(
    name: str, result: Results, reference: Results, labels: np.ndarray, card: ModelCard, path: Path
) -> None:
    counted = labels != IGNORED
    mine, theirs = result.probability >= card.threshold, reference.probability >= card.threshold
    iou, before = (_iou(found, labels == 1, counted) for found in (mine, theirs))
    difference = np.abs(result.probability - reference.probability)[counted]
    inner = slice(MARGIN, SIZE - MARGIN)
    moved = slice(MARGIN - SHIFT, SIZE - MARGIN - SHIFT)
    shift = np.sort(np.abs(result.probability[:, inner, inner] - result.shifted[:, moved, moved]).ravel())
    largest = float(shift[-max(1, len(shift) // 1000) :].mean())
    print(
        f"{name:20} {iou:9.4f} {100 * (iou - before):+7.2f} {_iou(mine, theirs, counted):7.4f} "
        f"{difference.mean():10.5f} {difference.max():9.3f} {largest:8.3f} {result.at_rest:8.4f} "
        f"{path.stat().st_size / 1e6:6.2f}",
        flush=True,
    )


def _iou(found: np.ndarray, truth: np.ndarray, counted: np.ndarray) -> float:
    counts = Confusion(0, 0, 0, 0)
    for one, other, where in zip(found, truth, counted):
        counts = counts + confusion(one, other, where)
    return pixel_scores(counts).iou


def _speed(sessions: Mapping[str, onnxruntime.InferenceSession], inputs: Array, repeats: int) -> dict[str, float]:
    """Median milliseconds of a tile."""
    seconds: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(repeats + 2):
        for name, session in sessions.items():
            start = time.perf_counter()
            session.run(None, {session.get_inputs()[0].name: inputs})
            seconds[name].append(time.perf_counter() - start)
    return {name: 1e3 * statistics.median(times[2:]) for name, times in seconds.items()}


if __name__ == "__main__":
    main()
