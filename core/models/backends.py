"""ONNX Runtime and PyTorch behind one small protocol. Neither is imported before a backend is opened."""

from __future__ import annotations

import threading
from pathlib import Path
from weakref import WeakValueDictionary

from ..errors import DependencyError, InputError
from ..parallel import processors
from ..progress import QUIET, Progress
from ..types import PathLike
from .backend import Backend
from .card import ModelCard, read_card
from .onnx_runtime import OnnxRuntimeBackend
from .torch_backend import TorchBackend

PREFERENCES = ("auto", "onnxruntime", "torch")
_open_models: WeakValueDictionary[object, OnnxRuntimeBackend | TorchBackend] = WeakValueDictionary()


def open_backend(
    model_path: PathLike,
    preference: str = "auto",
    threads: int | None = None,
    progress: Progress = QUIET,
) -> Backend:
    """Load a model file; "auto" takes ONNX Runtime where it is installed, else PyTorch. Tells which one is used.

    ``threads`` is the number of processor threads (all by default). A model that this thread holds open already is
    shared, so that who checks it before long work needn't load it again. Raises InputError for a file that isn't a
    usable model and DependencyError when no package can run it.
    """
    if preference not in PREFERENCES:
        raise InputError(
            "The backend “{preference}” is unknown; known are {preferences}.",
            preference=preference,
            preferences=", ".join(PREFERENCES),
        )
    card = read_card(model_path)
    count = threads or processors()
    # Only within a thread: the warnings of a shared model go to who opened it last.
    key = (threading.get_ident(), _identity(model_path), preference, count)
    backend = _open_models.get(key)
    if backend is None:
        backend = _open_models[key] = _opened(model_path, preference, card, count, progress)
    backend.progress = progress
    progress.info(
        "The model “{name}” {version} runs on {backend}.",
        name=card.name,
        version=card.version,
        backend=backend.name,
    )
    return backend


def _opened(
    model_path: PathLike, preference: str, card: ModelCard, threads: int, progress: Progress
) -> OnnxRuntimeBackend | TorchBackend:
    try:
        return (TorchBackend if preference == "torch" else OnnxRuntimeBackend)(model_path, card, threads, progress)
    except DependencyError as error:
        if preference != "auto":
            raise
        try:
            return TorchBackend(model_path, card, threads, progress)
        except DependencyError:
            raise error from None


def _identity(path: PathLike) -> tuple[str, int, int]:
    """What tells a file from others, and from itself after a change."""
    file = Path(path)
    status = file.stat()
    return str(file.resolve()), status.st_mtime_ns, status.st_size
