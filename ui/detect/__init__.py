"""The Detect step, from what would run to the areas on the map.

Enters: the panel's state and runner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .detect_step import DetectStep
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "DetectStep",
]
