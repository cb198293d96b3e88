"""A second last layer, which only training has: what it learns of outlines shapes the features that both layers share.

The exported model is the network alone, so nothing is paid for it at use.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..models import IGNORED, Network
from .losses import Loss, dice_cross_entropy_loss

SECOND_WEIGHT = 0.5
"""What the second loss counts beside the first."""
REACH = 6
"""Pixels from an outline within which distances are told apart."""


class SecondHead(nn.Module):
    """Gives each pixel one number, (n, h, w), from the features that the network's own last layer sees."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.layer = nn.Conv2d(network.head.in_channels, network.outputs_a_place, 3, padding=1)

    def forward(self, network: Network, features: Tensor) -> Tensor:
        return network.answer(self.layer, features)[:, 0]


def outline_distance(labels: Tensor, reach: int = REACH) -> Tensor:
    """Pixels from each pixel's centre to the nearest outline of an area, float32 (n, h, w): positive inside.

    ``labels`` (n, h, w); ignored pixels are outside. In the metric of a chessboard, from ±0.5 beside an outline to
    ±(reach + 0.5), which stands for all that is farther. The edge of the tile is no outline.
    """
    area = (labels == 1).to(torch.float32).unsqueeze(1)
    distance = torch.zeros_like(area)
    for side, sign in ((area, -1.0), (1 - area, 1.0)):
        grown = side
        distance += sign * 0.5 * (1 - side)
        for _ in range(reach):
            grown = functional.max_pool2d(grown, 3, 1, padding=1)
            distance += sign * (1 - grown)
    return distance.squeeze(1)


def distance_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Smooth L1 of tanh(outputs) from the signed distance to the outline, scaled to [−1, 1].

    Pixels within reach of an outline and those beyond count as much as each other, so that empty ground doesn't drown
    the outlines. Ignored pixels count nowhere.
    """
    scaled = outline_distance(labels) / (REACH + 0.5)
    error = functional.smooth_l1_loss(torch.tanh(outputs.float()), scaled, reduction="none", beta=0.25)
    valid = labels != IGNORED
    near = valid & (scaled.abs() < 1)
    parts = [(error * where).sum() / where.sum().clamp(min=1) for where in (near, valid & ~near)]
    return 0.5 * (parts[0] + parts[1])


def edge_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Dice and cross-entropy of the pixels on either side of an outline, outputs being logits of these."""
    edge = (outline_distance(labels, reach=1).abs() < 1).to(torch.uint8)
    edge[labels == IGNORED] = IGNORED
    return dice_cross_entropy_loss(torch.stack((torch.zeros_like(outputs), outputs), dim=1), edge)


SECOND_LOSSES: Mapping[str, Loss] = MappingProxyType({"distance": distance_loss, "edge": edge_loss})
