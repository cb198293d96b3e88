"""A network of a few hundred weights with batch normalisation, for tests that train."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ada_mapper.core.channels import Channel
from ada_mapper.core.models import ModelCard, Network, build_network, networks
from learning_tiles import CHANNELS, make_card


class TinyNetwork(networks.Network):
    """A wide and a narrow look at a quarter of the resolution, brought up bilinearly."""

    architecture = "tiny"
    stride = 4

    def __init__(self, channels: int, classes: int = 2) -> None:
        super().__init__(channels, classes)
        self.conv1 = nn.Conv2d(channels, 8, 5, 2, padding=2, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.head = nn.Conv2d(8, classes, 1)
        self._initialise()

    def features(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)))

    def answer(self, head: nn.Module, features: Tensor) -> Tensor:
        return nn.functional.interpolate(head(features), scale_factor=2.0, mode="bilinear", align_corners=False)


def use_tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the architecture "tiny" known."""
    monkeypatch.setattr(networks, "NETWORKS", {**networks.NETWORKS, "tiny": TinyNetwork})


def tiny_card(channels: tuple[Channel, ...] = CHANNELS) -> ModelCard:
    """A card for the tiny network on tiles of 64 pixels."""
    return replace(make_card(channels=channels), architecture="tiny", stride=4, tile_size=64)


def trained_network(architecture: str, channels: int) -> Network:
    """A network whose normalisation statistics are those of noise, as training would leave them."""
    torch.manual_seed(0)
    network = build_network(architecture, channels)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # a plain mean over what it sees
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    with torch.no_grad():
        network(torch.randn(2, channels, 64, 64))
    return network.eval()
