"""Numbers, dates and axes as the plots write them."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray
from qgis.PyQt.QtCore import QCoreApplication, QLocale

Double = NDArray[np.float64]


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("AdaMapper", text)


def number(value: float, decimals: int) -> str:
    """A number as people here write it."""
    return QLocale().toString(value + 0.0, "f", decimals)


def padded(values: Double, least: float, with_zero: bool = False) -> tuple[float, float]:
    """Ends of an axis with some room around finite values, at least ``least`` apart."""
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    if with_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = max(0.08 * (high - low), (least - (high - low)) / 2)
    return low - room, high + room


def date_text(day: date) -> str:
    """A date as 2022-03-05, which reads the same everywhere."""
    return day.isoformat()
