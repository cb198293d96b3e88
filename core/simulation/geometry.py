"""The satellite's view, as simulation uses it (see core/viewing.py)."""

from __future__ import annotations

from ..viewing import ASCENDING_HEADING, DESCENDING_HEADING, Viewing, to_los_rate, to_phase_rate

__all__ = ["ASCENDING_HEADING", "DESCENDING_HEADING", "Viewing", "to_los_rate", "to_phase_rate"]
