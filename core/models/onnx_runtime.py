"""Networks run by ONNX Runtime, the only door to it for detection."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import InputError
from ..packages import missing_package
from ..progress import Progress
from ..texts import Message
from ..types import Array, PathLike
from .backend import GPU_BATCH, checked
from .card import ModelCard
from .contents import require_harmless

_GPU_PROVIDERS = {
    "CUDAExecutionProvider": "CUDA",
    "DmlExecutionProvider": "DirectML",
    "CoreMLExecutionProvider": "CoreML",
}


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
        require_harmless(self.model_path)
        self._runtime = onnxruntime
        self._lock = threading.Lock()
        self._device = "CPU"
        available = onnxruntime.get_available_providers()
        provider = next((name for name in _GPU_PROVIDERS if name in available), None)
        self._session = self._open_on_gpu(provider) if provider else None
        if self._session is None:
            self._session = self._open(["CPUExecutionProvider"])
        self._input = self._check(self._session)
        side = self.card.stride
        self.predict(np.zeros((1, len(self.card.band_names), side, side), np.float32))
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
        return 1 if self._device == "CPU" or self._takes_one else GPU_BATCH

    def predict(self, batch: Array) -> Array:
        """See Backend."""
        session = self._session
        try:
            return self._run(session, batch)
        except Exception as error:
            if self._device == "CPU" and isinstance(error, InputError):
                raise
            if self._device == "CPU":
                raise InputError(
                    "The model “{name}” can't be run ({error}).", name=self.card.name, error=error
                ) from None
            self._leave_gpu(session, error)
        # One tile a call: what was a batch for a graphics card may be too much for the CPU's memory.
        return np.concatenate([self._run(self._session, tile[np.newaxis]) for tile in batch])

    def _run(self, session: Any, batch: Array) -> Array:
        return checked(session.run(None, {self._input: np.ascontiguousarray(batch)})[0], batch, self.card)

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
                "{path} can't be loaded by ONNX Runtime {version} ({error}). The file may be damaged, or need a "
                "newer onnxruntime.",
                path=os.fspath(self.model_path),
                version=self._runtime.__version__,
                error=error,
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
            self.progress.warning(
                "{device} can't be used ({error}); the CPU is used instead.",
                device=device,
                error=error,
            )
            return None
        self._device = device
        return session

    def _leave_gpu(self, failed: Any, error: Exception) -> None:
        with self._lock:
            if self._session is failed:
                self.progress.warning(
                    "{device} failed ({error}); the CPU goes on.",
                    device=self._device,
                    error=error,
                )
                self._session = self._open(["CPUExecutionProvider"])
                self._device = "CPU"

    def _check(self, session: Any) -> str:
        """The input's name; InputError when inputs or outputs aren't what the card says."""
        inputs, output = session.get_inputs(), session.get_outputs()[0]
        bands = len(self.card.band_names)
        shape = inputs[0].shape if len(inputs) == 1 else []
        if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != bands) or _is_of_several(shape[0]):
            raise InputError(
                "{path}: the network takes {taken}, which don't fit the bands of its card: {band_names}. Export the "
                "model again.",
                path=os.fspath(self.model_path),
                taken=_sizes(shape) if shape else Message("{count} inputs", count=len(inputs)),
                band_names=", ".join(self.card.band_names),
            )
        sides = {side for side in shape[2:] if isinstance(side, int)}
        if sides and (sides != {self.card.tile_size} or self.card.stride != self.card.tile_size):
            raise InputError(
                "{path}: the network takes tiles of {height} × {width} pixels only, and its card says that it takes "
                "others (up to {tile_size}, a multiple of {stride}). Import it again without its card.",
                path=os.fspath(self.model_path),
                height=shape[2],
                width=shape[3],
                tile_size=self.card.tile_size,
                stride=self.card.stride,
            )
        for what, value in ((Message("input"), inputs[0]), (Message("output"), output)):
            if value.type != "tensor(float)":
                raise InputError(
                    "{path}: the network's {what} is of the type {type}, and float is needed. Export the model again "
                    "in single precision.",
                    path=os.fspath(self.model_path),
                    what=what,
                    type=value.type.removeprefix("tensor(").removesuffix(")"),
                )
        result = output.shape
        if len(result) != 4 or (isinstance(result[1], int) and result[1] != len(self.card.classes)):
            raise InputError(
                "{path}: the network gives {given}, which aren't probabilities of two classes. Export the model again.",
                path=os.fspath(self.model_path),
                given=_sizes(result),
            )
        return str(inputs[0].name)


def _sizes(shape: Sequence[Any]) -> str:
    """What an input or output of a shape is, in words."""
    sizes = " × ".join("?" if size is None else str(size) for size in shape)
    return Message("arrays of {sizes} (tiles, bands, rows, columns)", sizes=sizes)


def _is_of_several(count: Any) -> bool:
    """Whether a network takes a fixed number of tiles at a time, other than one."""
    return isinstance(count, int) and count != 1
