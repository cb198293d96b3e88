"""The Field step: sites, sheets, package, results.

Enters: the panel's state and runner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .field_step import FieldStep
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "FieldStep",
]
