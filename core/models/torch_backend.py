"""Networks run by PyTorch, where ONNX Runtime is not installed."""

from __future__ import annotations

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
            raise missing_package("torch", Message("Detection with PyTorch"), error) from None
        from .export import load_network

        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        network = load_network(self.model_path).train(False)
        try:
            self._network = self._placed(network)
        except RuntimeError as error:
            self.progress.warning("CUDA can't be used ({error}); the CPU is used instead.", error=error)
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
        return GPU_BATCH if self._device == "cuda" else 1

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
                answer: Array = torch.softmax(self._network(tiles), dim=1).cpu().numpy()
        except RuntimeError as error:
            raise InputError("The model “{name}” can't be run ({error}).", name=self.card.name, error=error) from None
        finally:
            torch.set_num_threads(before)
        return checked(answer, batch, self.card)
