"""Texts in the user's language: those of the windows and tools, and core's messages put into words."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import QCoreApplication

from ..core.errors import AdaMapperError
from ..core.texts import in_words


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("AdaMapper", text)


def words_of(message: Any) -> str:
    """A message or an error of core in the user's language."""
    return str(in_words(message, tr))


def missing_package(error: ImportError) -> str:
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
        return missing_package(error)
    return otherwise.format(error)
