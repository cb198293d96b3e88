"""Words, numbers and dates for people, in the language and the way of writing that QGIS is set to."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from qgis.PyQt.QtCore import QCoreApplication, QLocale

from ..core.errors import AdaMapperError
from ..core.texts import in_words

_UNKNOWN = "–"


def tr(text: str) -> str:
    """The text in the user's language."""
    return str(QCoreApplication.translate("AdaMapper", text))


def words_of(message: Any) -> str:
    """A message or an error of core in the user's language."""
    return str(in_words(message, tr))


def missing_package_text(error: ImportError) -> str:
    """What to do when a Python package of the scientific part is missing."""
    message = tr(
        "This tool needs the Python package {}, which this QGIS does not have. Install it with the Python of QGIS "
        "(Windows: python -m pip install {} in the OSGeo4W Shell; Debian and Ubuntu: apt install python3-{}), then "
        "start QGIS again."
    )
    name = (error.name or str(error)).split(".")[0]
    return message.format(name, name, name)


def sentence_of(error: Exception, otherwise: str) -> str:
    """What is told of an error that ended a calculation; ``otherwise``, with a place for its text, for unknown ones."""
    if isinstance(error, AdaMapperError):
        return words_of(error)
    if isinstance(error, ImportError):
        return missing_package_text(error)
    return otherwise.format(error)


def number(value: float | None, decimals: int = 0) -> str:
    """A number as people here write it, with a true minus and never a minus zero; a dash where it isn't known."""
    if value is None or not math.isfinite(value):
        return _UNKNOWN
    shown = 0.0 if abs(value) < 0.5 * 10.0**-decimals else float(value)
    return str(QLocale().toString(shown, "f", decimals)).replace("-", "−")


def rounded(value: float, digits: int) -> str:
    """A number with that many significant digits as people here write it, with a true minus."""
    return str(QLocale().toString(float(value), "g", digits)).replace("-", "−")


def date_text(day: date) -> str:
    """A date as 2022-03-05, which reads the same everywhere."""
    return day.isoformat()


def compass(degrees: float) -> str:
    """One of eight directions, clockwise from north in degrees."""
    names = (
        tr("north"), tr("north-east"), tr("east"), tr("south-east"), tr("south"), tr("south-west"), tr("west"),
        tr("north-west"),
    )  # fmt: skip
    return names[round(degrees % 360 / 45) % 8]
