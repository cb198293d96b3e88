"""Colours of the theme that QGIS shows: its dark themes are style sheets, of which the palette tells little."""

from __future__ import annotations

from qgis.PyQt.QtGui import QColor, QPalette
from qgis.PyQt.QtWidgets import QLabel, QWidget

_SAMPLE = "adaMapperThemeSample"


def text_colour(widget: QWidget) -> QColor:
    """The colour of a label's text in a window, as style sheet or palette make it; keeps a hidden label as a sample."""
    sample = widget.findChild(QLabel, _SAMPLE)
    if sample is None:
        sample = QLabel(widget)
        sample.setObjectName(_SAMPLE)
        sample.hide()
    sample.ensurePolished()
    return sample.palette().color(QPalette.ColorRole.WindowText)


def faint(colour: QColor, share: float) -> QColor:
    """The colour with a share (0 to 1) of its strength, for lines that stand back on any background."""
    faded = QColor(colour)
    faded.setAlphaF(share)
    return faded
