"""The networks: two of Wu et al. 2024 (section 2.3.2, tables 3 and 4) and one that is quick on a laptop.

All take float32 of shape (n, C, h, w), h and w multiples of the class's ``stride``, and return logits of shape
(n, classes, h, w). Skips run from the encoder to the decoder stage of the same size.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import InputError


class Network(nn.Module):
    """Base of the networks: a name for model cards, a stride, and a last layer on features."""

    architecture: ClassVar[str]
    stride: ClassVar[int]
    outputs_a_place: ClassVar[int] = 1
    """How many pixels of an answer lie in a pixel of the features; more where the last layer enlarges."""
    head: nn.Conv2d

    def __init__(self, channels: int, classes: int = 2) -> None:
        super().__init__()
        self.channels = channels
        self.classes = classes

    def features(self, x: Tensor) -> Tensor:
        """What the last layer sees."""
        raise NotImplementedError

    def answer(self, head: nn.Module, features: Tensor) -> Tensor:
        """What a last layer makes of features, at the input's size."""
        values: Tensor = head(features)
        return values

    def forward(self, x: Tensor) -> Tensor:
        return self.answer(self.head, self.features(x))

    def _initialise(self) -> None:
        """He initialisation, which the layers without batch normalisation need to train at all."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def parameter_count(network: nn.Module) -> int:
    """The number of trained numbers; running statistics of batch normalisation don't count."""
    return sum(parameter.numel() for parameter in network.parameters())


class Bottleneck(nn.Module):
    """ResNet-50's residual block: 1×1, 3×3 (with the stride), 1×1 to four times the width."""

    def __init__(self, inputs: int, width: int, stride: int = 1) -> None:
        super().__init__()
        outputs = 4 * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(self.bn3(self.conv3(y)) + self.shortcut(x))


class BasicBlock(nn.Module):
    """ResNet-18's residual block: two 3×3 convolutions, the first with the stride."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class PaperDecoderStage(nn.Module):
    """Wu et al.'s decoder stage: bilinear ×2, the skip beside it, two 3×3 convolutions with bias and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, below: Tensor, skip: Tensor | None) -> Tensor:
        x = functional.interpolate(below, scale_factor=2.0, mode="bilinear", align_corners=True)
        if skip is not None:
            x = torch.cat((skip, x), dim=1)
        return functional.relu(self.conv2(functional.relu(self.conv1(x))))


class ResNet50UNet(Network):
    """The paper's network: a U-Net on a ResNet-50 encoder. 43 926 594 parameters at C = 1."""

    architecture = "resnet50_unet"
    stride = 32

    def __init__(self, channels: int, classes: int = 2) -> None:
        super().__init__(channels, classes)
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = _bottlenecks(64, 64, 3, 1)
        self.layer2 = _bottlenecks(256, 128, 4, 2)
        self.layer3 = _bottlenecks(512, 256, 6, 2)
        self.layer4 = _bottlenecks(1024, 512, 3, 2)
        self.up1 = PaperDecoderStage(2048 + 1024, 512)
        self.up2 = PaperDecoderStage(512 + 512, 256)
        self.up3 = PaperDecoderStage(256 + 256, 128)
        self.up4 = PaperDecoderStage(128 + 64, 64)
        self.up5 = PaperDecoderStage(64, 64)
        self.head = nn.Conv2d(64, classes, 1)
        self._initialise()

    def features(self, x: Tensor) -> Tensor:
        half = functional.relu(self.bn1(self.conv1(x)))
        quarter = self.layer1(functional.max_pool2d(half, 3, 2, ceil_mode=True))
        eighth = self.layer2(quarter)
        sixteenth = self.layer3(eighth)
        y = self.up1(self.layer4(sixteenth), sixteenth)
        y = self.up2(y, eighth)
        y = self.up3(y, quarter)
        y = self.up4(y, half)
        last: Tensor = self.up5(y, None)
        return last


def _bottlenecks(inputs: int, width: int, count: int, stride: int) -> nn.Sequential:
    rest = (Bottleneck(4 * width, width) for _ in range(count - 1))
    return nn.Sequential(Bottleneck(inputs, width, stride), *rest)


class VGG16UNet(Network):
    """The paper's comparison ("VCNN"): the same decoder on VGG-16. 24 890 050 parameters at C = 1."""

    architecture = "vgg16_unet"
    stride = 16

    def __init__(self, channels: int, classes: int = 2) -> None:
        super().__init__(channels, classes)
        self.block1 = _vgg_block(channels, 64, 2)
        self.block2 = _vgg_block(64, 128, 2)
        self.block3 = _vgg_block(128, 256, 3)
        self.block4 = _vgg_block(256, 512, 3)
        self.block5 = _vgg_block(512, 512, 3)
        self.up1 = PaperDecoderStage(512 + 512, 512)
        self.up2 = PaperDecoderStage(512 + 256, 256)
        self.up3 = PaperDecoderStage(256 + 128, 128)
        self.up4 = PaperDecoderStage(128 + 64, 64)
        self.head = nn.Conv2d(64, classes, 1)
        self._initialise()

    def features(self, x: Tensor) -> Tensor:
        full = self.block1(x)
        half = self.block2(functional.max_pool2d(full, 2))
        quarter = self.block3(functional.max_pool2d(half, 2))
        eighth = self.block4(functional.max_pool2d(quarter, 2))
        y = self.block5(functional.max_pool2d(eighth, 2))
        y = self.up1(y, eighth)
        y = self.up2(y, quarter)
        y = self.up3(y, half)
        last: Tensor = self.up4(y, full)
        return last


def _vgg_block(inputs: int, outputs: int, count: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index in range(count):
        layers += [nn.Conv2d(outputs if index else inputs, outputs, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


class CompactDecoderStage(nn.Module):
    """Bilinear ×2, the skip beside it, two normalised 3×3 convolutions.

    Pixel centres are kept (align_corners=False), so that an answer doesn't depend on the tile's size.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        up = functional.interpolate(below, scale_factor=2.0, mode="bilinear", align_corners=False)
        y = functional.relu(self.bn1(self.conv1(torch.cat((skip, up), dim=1))))
        return functional.relu(self.bn2(self.conv2(y)))


class CompactUNet(Network):
    """A U-Net on a ResNet-18 of half the width whose decoder ends at half resolution: 3.6 million parameters.

    The last layer gives each pixel at half resolution the logits of its four (sub-pixel convolution, Shi et al.
    2016): outlines of full resolution at nearly no cost, where logits enlarged bilinearly would round them off.
    ``width``: channels of the first layers; parameters and work grow with its square.
    """

    architecture = "compact"
    stride = 32
    outputs_a_place = 4
    width: ClassVar[int] = 32

    def __init__(self, channels: int, classes: int = 2) -> None:
        super().__init__(channels, classes)
        w = self.width
        self.conv1 = nn.Conv2d(channels, w, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(w)
        self.layer1 = nn.Sequential(BasicBlock(w, w), BasicBlock(w, w))
        self.layer2 = nn.Sequential(BasicBlock(w, 2 * w, 2), BasicBlock(2 * w, 2 * w))
        self.layer3 = nn.Sequential(BasicBlock(2 * w, 4 * w, 2), BasicBlock(4 * w, 4 * w))
        self.layer4 = nn.Sequential(BasicBlock(4 * w, 8 * w, 2), BasicBlock(8 * w, 8 * w))
        self.up1 = CompactDecoderStage(8 * w + 4 * w, 4 * w)
        self.up2 = CompactDecoderStage(4 * w + 2 * w, 2 * w)
        self.up3 = CompactDecoderStage(2 * w + w, w)
        self.up4 = CompactDecoderStage(w + w, w)
        self.head = nn.Conv2d(w, self.outputs_a_place * classes, 3, padding=1)
        self._initialise()

    def features(self, x: Tensor) -> Tensor:
        half = functional.relu(self.bn1(self.conv1(x)))
        quarter = self.layer1(functional.max_pool2d(half, 3, 2, padding=1))
        eighth = self.layer2(quarter)
        sixteenth = self.layer3(eighth)
        y = self.up1(self.layer4(sixteenth), sixteenth)
        y = self.up2(y, eighth)
        y = self.up3(y, quarter)
        last: Tensor = self.up4(y, half)
        return last

    def answer(self, head: nn.Module, features: Tensor) -> Tensor:
        return functional.pixel_shuffle(head(features), 2)


class HalfCompactUNet(CompactUNet):
    """About half as many parameters (0.56 ×; oneDNN computes multiples of eight channels best)."""

    architecture = "compact_half"
    width = 24


class DoubleCompactUNet(CompactUNet):
    """About twice as many parameters (2.25 ×)."""

    architecture = "compact_double"
    width = 48


class QuadrupleCompactUNet(CompactUNet):
    """Four times as many parameters."""

    architecture = "compact_quadruple"
    width = 64


NETWORKS: Mapping[str, type[Network]] = MappingProxyType(
    {network.architecture: network for network in (CompactUNet, ResNet50UNet, VGG16UNet)}
)
"""What users choose from."""
COMPACT_WIDTHS: Mapping[str, type[Network]] = MappingProxyType(
    {
        network.architecture: network
        for network in (HalfCompactUNet, CompactUNet, DoubleCompactUNet, QuadrupleCompactUNet)
    }
)
"""The compact network narrower and wider: a card may name each of them."""


def build_network(architecture: str, channels: int, classes: int = 2) -> Network:
    """A network with fresh weights by its name in model cards; InputError for an unknown name."""
    known = {**COMPACT_WIDTHS, **NETWORKS}
    if architecture not in known:
        raise InputError(
            "There is no network called {architecture!r}. Choose one of: {networks}.",
            architecture=architecture,
            networks=", ".join(NETWORKS),
        )
    return known[architecture](channels, classes)
