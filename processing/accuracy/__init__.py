"""The tools of accuracy.

Enters: parameters; each tool calls core once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .assess_accuracy import AssessAccuracy
    from .compare_channels import CompareChannels
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "AssessAccuracy",
    "CompareChannels",
]
