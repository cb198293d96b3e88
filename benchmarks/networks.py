"""The three networks in ONNX Runtime, side by side in one run: one thread, one tile of 256 × 256 × 4 at a time.

    python benchmarks/networks.py [--repeats 15]

Prints the median time of a tile and the throughput as a ratio to the paper's ResNet50 U-Net (target for the compact
network: 12 and more). The networks take turns, so that whatever else runs on the machine slows all of them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime

from ada_mapper.core.channels import COMBINATIONS, MINMAX_CHANNELS
from ada_mapper.core.models import NETWORKS, ModelCard, build_network, export_onnx, parameter_count

REFERENCE = "resnet50_unet"


def make_session(architecture: str, folder: Path) -> onnxruntime.InferenceSession:
    """An untrained network's session with the options that detection uses."""
    kinds = COMBINATIONS["phase_rate+los_rate+dem+slope"]
    channels = tuple(MINMAX_CHANNELS[kind] for kind in kinds)
    card = ModelCard(architecture, "0", "untrained", channels, architecture=architecture)
    path = folder / f"{architecture}.onnx"
    export_onnx(build_network(architecture, len(kinds)), card, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    tile = np.random.default_rng(0).normal(size=(1, 4, 256, 256)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        sessions = {name: make_session(name, Path(folder)) for name in NETWORKS}
    seconds: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(repeats + 1):
        for name, session in sessions.items():
            start = time.perf_counter()
            session.run(None, {"input": tile})
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    for name, median in medians.items():
        million = parameter_count(build_network(name, 4)) / 1e6
        ratio = medians[REFERENCE] / median
        print(f"{name:15} {million:5.1f} M parameters {median * 1e3:7.1f} ms a tile   {ratio:5.1f} × {REFERENCE}")


if __name__ == "__main__":
    main()
