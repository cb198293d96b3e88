"""Sentences in QGIS' message bar: to be read at a glance, whole and without the way to each file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from html import escape
from pathlib import Path

from qgis.core import Qgis
from qgis.gui import QgsMessageBar
from qgis.PyQt.QtWidgets import QTextBrowser

_MOST_LINES = 6


def show_message(bar: QgsMessageBar, title: str, text: str, level: Qgis.MessageLevel) -> None:
    """Show a text as it is, over as many lines as it needs; QGIS alone takes it as HTML and shows only its first line.

    Beyond six lines it is scrolled.
    """
    bar.pushMessage(escape(title, quote=False), escape(text, quote=False), level)
    if isinstance(bar, QgsMessageBar):
        for browser in bar.findChildren(QTextBrowser):
            _unfold(browser)


def with_short_paths(text: str, paths: Iterable[Path]) -> str:
    """The text with these files and folders, and what lies in them, named from the folder that they lie in."""
    ways = {path.parent.parent for path in paths if path.is_absolute()}
    for way in sorted(ways, key=lambda way: len(way.parts), reverse=True):
        if way != way.parent:
            text = text.replace(f"{way}{os.sep}", f"…{os.sep}").replace(f"{way.as_posix()}/", "…/")
    return text


def _unfold(browser: QTextBrowser) -> None:
    """Give a text in the bar the height of its lines, now and at another width; QGIS' style holds it to one."""
    layout, style = browser.document().documentLayout(), browser.styleSheet()
    line = browser.fontMetrics().lineSpacing()

    def fit(*_: object) -> None:
        height = round(min(layout.documentSize().height(), (_MOST_LINES + 0.5) * line))
        wanted = f"{style} QTextEdit {{ min-height: {height}px; max-height: {height}px; }}"
        if browser.styleSheet() != wanted:
            browser.setStyleSheet(wanted)

    layout.documentSizeChanged.connect(fit)
    fit()
