"""The Channels step and the dialog of channels, with what the network sees.

Enters: the panel's state; layers and a model for the dialog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .channels_step import ChannelsStep
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "ChannelsStep",
]
