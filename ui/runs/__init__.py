"""Algorithms run in the background, and their results on the map.

Enters: a tool's name and parameters; nothing of the step that asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .background import BackgroundCall
    from .message_bar import show_message
    from .places import free_place, result_files
    from .result_layers import inputs_of, plain
    from .runner import Runner
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "BackgroundCall",
    "Runner",
    "free_place",
    "inputs_of",
    "plain",
    "result_files",
    "show_message",
]
