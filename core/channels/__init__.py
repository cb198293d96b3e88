"""Channels: what a network can see, how it is scaled, and a scene's layers on one grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .channel import MINMAX_CHANNELS, UNITS, Channel, minmax_channel
    from .kinds import COMBINATIONS, ChannelKind
    from .layers import UNREAL, Layer, open_layer
    from .scaling import Scaling, known_fields
    from .scene import RESAMPLING_TOLERANCE, constant_ratio, grids_overlap, has_data, intersection, without_unreal
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "COMBINATIONS",
    "MINMAX_CHANNELS",
    "RESAMPLING_TOLERANCE",
    "UNITS",
    "UNREAL",
    "Channel",
    "ChannelKind",
    "Layer",
    "Scaling",
    "constant_ratio",
    "grids_overlap",
    "has_data",
    "intersection",
    "known_fields",
    "minmax_channel",
    "open_layer",
    "without_unreal",
]
