"""The Review step: area by area, with what speaks for each.

Enters: a layer of areas and the rasters behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .review_step import ReviewStep
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "ReviewStep",
]
