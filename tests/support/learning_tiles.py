"""Tiny labelled tiles and a card for the tests of core/learning: a moving disc on a slope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ada_mapper.core.channels import Channel, ChannelKind, Scaling
from ada_mapper.core.models import Labels, ModelCard
from ada_mapper.core.types import Array

KIND = ChannelKind
CHANNELS = (
    Channel(KIND.PHASE_RATE, "rad/yr", "away", Scaling("asinh", scale=2.0)),
    Channel(KIND.LOS_RATE, "mm/yr", "toward", Scaling("clip", scale=40.0), optional=True, fill=0.25),
    Channel(KIND.DEM, "m", "", Scaling("clip", scale=300.0, local_radius=300.0), optional=True),
    Channel(KIND.SLOPE, "degree", "", Scaling("minmax", low=0.0, high=60.0), optional=True, fill=-0.5),
)


def make_card(architecture: str = "compact", channels: tuple[Channel, ...] = CHANNELS) -> ModelCard:
    stride = 16 if architecture == "vgg16_unet" else 32
    return ModelCard("test", "1", "a test", channels, architecture=architecture, stride=stride, min_area=9_000.0)


@dataclass(frozen=True)
class DiscTile:
    layers: Mapping[str, Array]
    label: Labels
    pixel_size: float = 30.0


@dataclass(frozen=True)
class DiscTiles:
    """Tile number ``index``: noise, and a disc of 6 rad/yr that is the area."""

    seed: int = 0
    size: int = 64

    def __call__(self, index: int) -> DiscTile:
        random = np.random.default_rng((self.seed, index))
        rows, columns = np.indices((self.size, self.size))
        centre = random.uniform(16, self.size - 16, 2)
        disc = np.hypot(rows - centre[0], columns - centre[1]) < random.uniform(6, 12)
        phase_rate = random.normal(0, 0.3, disc.shape) + 6.0 * disc
        layers = {
            "phase_rate": phase_rate,
            "los_rate": -4.41 * phase_rate,
            "dem": 10.0 * columns,
            "slope": np.full(disc.shape, 18.4),
            "los_sensitivity": np.full(disc.shape, -0.9),
        }
        return DiscTile({name: values.astype(np.float32) for name, values in layers.items()}, disc.astype(np.uint8))
