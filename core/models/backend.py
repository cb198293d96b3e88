"""What runs a network: the protocol that all backends keep."""

from __future__ import annotations

from typing import Protocol

from ..types import Array

GPU_BATCH = 8


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
