"""Sentences in QGIS' message bar: to be read at a glance, whole and without the way to each file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from html import escape
from pathlib import Path

from qgis.core import Qgis
from qgis.gui import QgsMessageBar
from qgis.PyQt.QtCore import QObject, QSizeF, QTimer
from qgis.PyQt.QtWidgets import QTextBrowser

_MOST_LINES = 6


def show_message(bar: QgsMessageBar, title: str, text: str, level: Qgis.MessageLevel) -> None:
    """Show a text as it is, over as many lines as it needs; QGIS alone takes it as HTML and shows only its first line.

    Beyond six lines it is scrolled.
    """
    bar.pushMessage(escape(title, quote=False), escape(text, quote=False), level)
    if isinstance(bar, QgsMessageBar):
        for browser in bar.findChildren(QTextBrowser):
            if browser.findChild(_Unfolded) is None:
                _Unfolded(browser)


def with_short_paths(text: str, paths: Iterable[Path]) -> str:
    """The text with these files and folders, and what lies in them, named from the folder that they lie in."""
    ways = {path.parent.parent for path in paths if path.is_absolute()}
    for way in sorted(ways, key=lambda way: len(way.parts), reverse=True):
        if way != way.parent:
            text = text.replace(f"{way}{os.sep}", f"…{os.sep}").replace(f"{way.as_posix()}/", "…/")
    return text


class _Unfolded(QObject):
    """Keeps a text in the bar as high as its lines, now and at another width; QGIS' style holds it to one.

    A change of style while the text is being laid out ends the program, so the height follows after that.
    """

    def __init__(self, browser: QTextBrowser) -> None:
        super().__init__(browser)
        self._browser, self._style = browser, browser.styleSheet()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self.fit)
        browser.document().documentLayout().documentSizeChanged.connect(self._follow)
        self.fit()

    def _follow(self, _: QSizeF) -> None:
        self._later.start()

    def fit(self) -> None:
        """Give the text the height of its lines."""
        browser = self._browser
        most = (_MOST_LINES + 0.5) * browser.fontMetrics().lineSpacing()
        height = round(min(browser.document().documentLayout().documentSize().height(), most))
        wanted = f"{self._style} QTextEdit {{ min-height: {height}px; max-height: {height}px; }}"
        if browser.styleSheet() != wanted:
            browser.setStyleSheet(wanted)
