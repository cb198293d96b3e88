"""Numbers as reports write them, the same in every language."""

from __future__ import annotations

import math


def significant(value: float | None, digits: int = 4) -> str:
    """A number with that many significant digits, a dash where it isn't known."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}g}"
