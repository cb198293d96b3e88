"""ONNX Runtime and PyTorch behind one small protocol. Neither is imported before a backend is opened."""

from __future__ import annotations

import os

from ..errors import DependencyError, InputError
from ..progress import Progress
from ..types import PathLike
from .backend import Backend
from .card import read_card
from .onnx_runtime import OnnxRuntimeBackend
from .torch_backend import TorchBackend

PREFERENCES = ("auto", "onnxruntime", "torch")


def open_backend(
    model_path: PathLike,
    preference: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Backend:
    """Load a model file; "auto" takes ONNX Runtime where it is installed, else PyTorch. Tells which one is used.

    ``threads`` is the number of processor threads (all by default). Raises InputError for a file that isn't a
    usable model and DependencyError when no package can run it.
    """
    if preference not in PREFERENCES:
        raise InputError(f"The backend “{preference}” is unknown; known are {', '.join(PREFERENCES)}.")
    progress = progress or Progress()
    card = read_card(model_path)
    count = threads or _processors()
    backend: Backend
    try:
        backend = (TorchBackend if preference == "torch" else OnnxRuntimeBackend)(model_path, card, count, progress)
    except DependencyError as error:
        if preference != "auto":
            raise
        try:
            backend = TorchBackend(model_path, card, count, progress)
        except DependencyError:
            raise error from None
    progress.info(f"The model “{card.name}” {card.version} runs on {backend.name}.")
    return backend


def _processors() -> int:
    """The processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
