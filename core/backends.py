"""ONNX Runtime and PyTorch behind one small protocol. Neither is imported before a backend is opened."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .errors import DependencyError, InputError
from .model_card import ModelCard, read_card
from .progress import Progress
from .raster import Array, PathLike

PREFERENCES = ("auto", "onnxruntime", "torch")
_GPU_PROVIDERS = {
    "CUDAExecutionProvider": "CUDA",
    "DmlExecutionProvider": "DirectML",
    "CoreMLExecutionProvider": "CoreML",
}
_GPU_BATCH = 8


class Backend(Protocol):
    """A loaded network. ``predict`` may be called from ``parallel`` threads at once, ``batch_size`` tiles a call."""

    @property
    def name(self) -> str:
        """What runs the network, for the log: "ONNX Runtime (CPU, 2 threads)"."""

    @property
    def parallel(self) -> int:
        """How many concurrent calls of ``predict`` use the machine fully."""

    @property
    def batch_size(self) -> int:
        """How many tiles a call are fastest."""

    def predict(self, batch: Array) -> Array:
        """Probability of class 1: (n, channels, h, w) without NaN → (n, h, w), both float32."""


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


def missing_package(package: str, purpose: str, reason: ImportError) -> DependencyError:
    """The error that tells how to get a Python package into QGIS."""
    detail = "is not installed" if isinstance(reason, ModuleNotFoundError) else f"can't be loaded ({reason})"
    return DependencyError(
        f"{purpose} needs the Python package {package}, which {detail}. On Windows open the OSGeo4W shell and run "
        f"“python -m pip install {package}”; on Linux and macOS run “python3 -m pip install --user {package}” with "
        "the Python that QGIS uses. Then restart QGIS."
    )


@dataclass
class OnnxRuntimeBackend:
    """ONNX Runtime on the best device that works; a graphics card that fails is left for the CPU, with a warning.

    On the CPU one session with a single intra-op thread is shared by ``threads`` callers: as fast as a session
    with that many threads when the machine is idle, and it slows down gracefully when it is not.
    """

    model_path: PathLike
    card: ModelCard
    threads: int
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise missing_package("onnxruntime", "Detection", error) from None
        self._runtime = onnxruntime
        self._lock = threading.Lock()
        self._device = "CPU"
        available = onnxruntime.get_available_providers()
        provider = next((name for name in _GPU_PROVIDERS if name in available), None)
        self._session = self._open_on_gpu(provider) if provider else None
        if self._session is None:
            self._session = self._open(["CPUExecutionProvider"])
        self._input = self._check(self._session)
        self._takes_one = self._session.get_inputs()[0].shape[0] == 1

    @property
    def name(self) -> str:
        """Runtime and device."""
        threads = f", {self.threads} thread{'s' * (self.threads > 1)}" if self._device == "CPU" else ""
        return f"ONNX Runtime {self._runtime.__version__} ({self._device}{threads})"

    @property
    def parallel(self) -> int:
        """All threads on the CPU; on a graphics card two, so that one call prepares while the other computes."""
        return self.threads if self._device == "CPU" else 2

    @property
    def batch_size(self) -> int:
        """One tile on the CPU, and where the network takes no more."""
        return 1 if self._device == "CPU" or self._takes_one else _GPU_BATCH

    def predict(self, batch: Array) -> Array:
        """See Backend."""
        session = self._session
        try:
            return self._run(session, batch)
        except Exception as error:
            if self._device == "CPU":
                raise InputError(f"The model “{self.card.name}” can't be run ({_first_line(error)}).") from None
            self._leave_gpu(session, error)
        # One tile a call: what was a batch for a graphics card may be too much for the CPU's memory.
        return np.concatenate([self._run(self._session, tile[np.newaxis]) for tile in batch])

    def _run(self, session: Any, batch: Array) -> Array:
        probability: Array = session.run(None, {self._input: np.ascontiguousarray(batch)})[0]
        return np.ascontiguousarray(probability[:, 1])

    def _open(self, providers: list[str]) -> Any:
        options = self._runtime.SessionOptions()
        options.graph_optimization_level = self._runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # A waiting thread that spins takes the core that another program (or QGIS itself) could use.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if providers[0] == "DmlExecutionProvider":
            options.enable_mem_pattern = False
        try:
            return self._runtime.InferenceSession(os.fspath(self.model_path), options, providers=providers)
        except Exception as error:
            raise InputError(
                f"{os.fspath(self.model_path)} can't be loaded by ONNX Runtime {self._runtime.__version__} "
                f"({_first_line(error)}). The file may be damaged, or need a newer onnxruntime."
            ) from None

    def _open_on_gpu(self, provider: str) -> Any | None:
        """A session on the graphics card that has answered once, else None after a warning."""
        device = _GPU_PROVIDERS[provider]
        try:
            session = self._open([provider, "CPUExecutionProvider"])
            if session.get_providers()[0] != provider:
                raise InputError("its libraries can't be loaded")
            side = self.card.stride
            probe = np.zeros((1, len(self.card.band_names), side, side), np.float32)
            session.run(None, {session.get_inputs()[0].name: probe})
        except Exception as error:
            self.progress.warning(f"{device} can't be used ({_first_line(error)}); the CPU is used instead.")
            return None
        self._device = device
        return session

    def _leave_gpu(self, failed: Any, error: Exception) -> None:
        with self._lock:
            if self._session is failed:
                self.progress.warning(f"{self._device} failed ({_first_line(error)}); the CPU goes on.")
                self._session = self._open(["CPUExecutionProvider"])
                self._device = "CPU"

    def _check(self, session: Any) -> str:
        """The input's name; InputError when inputs or outputs aren't what the card says."""
        inputs, outputs = session.get_inputs(), session.get_outputs()
        bands = len(self.card.band_names)
        shape = inputs[0].shape if len(inputs) == 1 else []
        if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != bands):
            raise InputError(
                f"{os.fspath(self.model_path)}: the network's input {shape} isn't the {bands} bands that its card "
                f"describes ({', '.join(self.card.band_names)}). Export the model again."
            )
        result = outputs[0].shape
        if len(result) != 4 or (isinstance(result[1], int) and result[1] != len(self.card.classes)):
            raise InputError(
                f"{os.fspath(self.model_path)}: the network's output {result} isn't the probability of two classes. "
                "Export the model again."
            )
        return str(inputs[0].name)


@dataclass
class TorchBackend:
    """PyTorch on CUDA where present, else on the CPU with its own threads (one call at a time)."""

    model_path: PathLike
    card: ModelCard
    threads: int
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        try:
            import torch
        except ImportError as error:
            raise missing_package("torch", "Detection with PyTorch", error) from None
        from .learning.export import load_network

        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        network = load_network(self.model_path).train(False)
        try:
            self._network = self._placed(network)
        except RuntimeError as error:
            self.progress.warning(f"CUDA can't be used ({_first_line(error)}); the CPU is used instead.")
            self._device = "cpu"
            self._network = self._placed(network)

    def _placed(self, network: Any) -> Any:
        return network.to(device=self._device, memory_format=self._torch.channels_last)

    @property
    def name(self) -> str:
        """Version and device."""
        threads = f"CPU, {self.threads} thread{'s' * (self.threads > 1)}"
        return f"PyTorch {self._torch.__version__} ({'CUDA' if self._device == 'cuda' else threads})"

    @property
    def parallel(self) -> int:
        """One: PyTorch spreads each call over its own threads."""
        return 1

    @property
    def batch_size(self) -> int:
        """One tile on the CPU."""
        return _GPU_BATCH if self._device == "cuda" else 1

    def predict(self, batch: Array) -> Array:
        """See Backend."""
        torch = self._torch
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            with torch.inference_mode():
                tiles = torch.from_numpy(np.ascontiguousarray(batch)).to(
                    device=self._device, memory_format=torch.channels_last
                )
                probability: Array = torch.softmax(self._network(tiles), dim=1)[:, 1].cpu().numpy()
        except RuntimeError as error:
            raise InputError(f"The model “{self.card.name}” can't be run ({_first_line(error)}).") from None
        finally:
            torch.set_num_threads(before)
        return probability


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
