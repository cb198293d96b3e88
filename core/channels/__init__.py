"""Channels: what a network can see, how it is scaled, and a scene's layers on one grid.

Enters: layers with their units and signs; nothing of the networks that see them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .channel import CHANNEL_UNITS, MINMAX_CHANNELS, Channel, minmax_channel
    from .kinds import COMBINATIONS, ChannelKind
    from .layers import Layer, open_layer
    from .scaling import Scaling, is_number, known_fields
    from .scene import RESAMPLING_TOLERANCE, SceneLayers, intersection, read_layer, require_resampling
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "CHANNEL_UNITS",
    "COMBINATIONS",
    "MINMAX_CHANNELS",
    "RESAMPLING_TOLERANCE",
    "Channel",
    "ChannelKind",
    "Layer",
    "Scaling",
    "SceneLayers",
    "intersection",
    "is_number",
    "known_fields",
    "minmax_channel",
    "open_layer",
    "read_layer",
    "require_resampling",
]
