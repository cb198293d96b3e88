"""The ends of the axes of plots."""

from __future__ import annotations

import numpy as np

from ...core.types import Double


def padded(values: Double, least: float, with_zero: bool = False) -> tuple[float, float]:
    """Ends of an axis with some room around finite values, at least ``least`` apart."""
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    if with_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = max(0.08 * (high - low), (least - (high - low)) / 2)
    return low - room, high + room
