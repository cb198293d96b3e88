"""Losses on logits of two classes, with pixels that belong to neither."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Callable

from torch import Tensor
from torch.nn import functional

from ..models import IGNORED

Loss = Callable[[Tensor, Tensor], Tensor]


def dice_loss(logits: Tensor, labels: Tensor, smooth: float = 1.0) -> Tensor:
    """1 − dice of the area class: the paper's loss (section 2.3.2), after softmax.

    ``logits`` (n, 2, h, w); ``labels`` (n, h, w) of 0, 1 and 255 = ignored. The batch is one set of pixels, so
    that tiles without any area have a meaning; ``smooth`` pixels are added above and below.
    """
    valid = labels != IGNORED
    probability = functional.softmax(logits.float(), dim=1)[:, 1] * valid
    truth = (labels == 1).to(probability.dtype)
    overlap = (probability * truth).sum()
    return 1 - (2 * overlap + smooth) / (probability.sum() + truth.sum() + smooth)


def dice_cross_entropy_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Dice loss plus the mean cross-entropy of the valid pixels.

    The cross-entropy makes probabilities mean what they say, which dice alone doesn't.
    """
    valid = (labels != IGNORED).sum().clamp(min=1)
    entropy = functional.cross_entropy(logits.float(), labels.long(), ignore_index=IGNORED, reduction="sum")
    return dice_loss(logits, labels) + entropy / valid


LOSSES: Mapping[str, Loss] = MappingProxyType({"dice": dice_loss, "dice_cross_entropy": dice_cross_entropy_loss})
