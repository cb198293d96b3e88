"""What runs a network: the protocol that all backends keep."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..errors import InputError
from ..types import Array
from .card import ModelCard

GPU_BATCH = 8
_ROUNDING = 1e-3
"""So far outside of 0 to 1 a probability may lie: sums of rounded numbers do."""


def checked(answer: Array, batch: Array, card: ModelCard) -> Array:
    """The probabilities of two classes (n, 2, h, w) for tiles (n, bands, h, w) → those of areas, float32 (n, h, w).

    InputError, naming the model, for an answer of another shape, with values that are no numbers, or beyond 0 to 1.
    """
    wanted = (len(batch), len(card.classes), *batch.shape[2:])
    if answer.shape != wanted:
        raise InputError(
            "The model “{name}” answers with {shape} values where {wanted} are needed, so it is not the network that "
            "its card describes. Choose another model.",
            name=card.name,
            shape=" × ".join(map(str, answer.shape)),
            wanted=" × ".join(map(str, wanted)),
        )
    probability = np.ascontiguousarray(answer[:, 1], np.float32)
    lowest, highest = float(probability.min()), float(probability.max())
    if np.isnan(lowest):
        raise InputError(
            "The model “{name}” gives values that are no numbers (NaN): its weights are damaged, or its training "
            "failed. Choose another model.",
            name=card.name,
        )
    if lowest < -_ROUNDING or highest > 1 + _ROUNDING:
        raise InputError(
            "The model “{name}” gives values from {lowest:g} to {highest:g}, so they are no probabilities between 0 "
            "and 1. If it was imported, import it again and say that the network gives logits.",
            name=card.name,
            lowest=lowest,
            highest=highest,
        )
    return probability


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
