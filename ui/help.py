"""The guide in a window of its own, offline, opened at the section that is asked for."""

from __future__ import annotations

import re
from pathlib import Path

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QByteArray, Qt, QTimer, QUrl
from qgis.PyQt.QtGui import (
    QCloseEvent,
    QDesktopServices,
    QIcon,
    QImage,
    QPalette,
    QTextBlock,
    QTextDocument,
    QTextTable,
)
from qgis.PyQt.QtWidgets import QListWidget, QListWidgetItem, QSplitter, QTextBrowser, QVBoxLayout, QWidget

from ..processing.algorithm import ICONS, ROOT
from ..processing.texts import tr

GUIDE = ROOT / "docs" / "guide.md"
# Where each window's help begins: the first of these headings that the guide has.
SECTIONS = {
    "panel": ("The panel", "Your interferograms"),
    "data": ("Data", "Your interferograms"),
    "stacking": ("Your interferograms",),
    "channels": ("Channels", "What the satellite can see"),
    "detect": ("Detect", "The results"),
    "review": ("Review", "How far to trust a map"),
    "field": ("Field", "Field survey", "How far to trust a map"),
}
_GEOMETRY = "ada_mapper/help/geometry"
_windows: list[HelpWindow] = []


def open_help(topic: str = "panel") -> HelpWindow:
    """Show the guide at a topic (a key of SECTIONS, or a heading); the window stays one and the same."""
    if not _windows:
        _windows.append(HelpWindow())
    window = _windows[0]
    window.show()
    window.raise_()
    window.activateWindow()
    window.go_to(*SECTIONS.get(topic, (topic,)))
    return window


def close_help() -> None:
    """Close the window, for good."""
    while _windows:
        window = _windows.pop()
        window.close()
        window.deleteLater()


def slug(heading: str) -> str:
    """A heading as links in Markdown name it: “How good is it?” → “how-good-is-it”."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class GuideBrowser(QTextBrowser):
    """Shows Markdown files of one folder; pictures are never wider than the window, links in the file work."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.anchorClicked.connect(self.follow)
        self._folder = GUIDE.parent
        self._page: Path | None = None
        self._position = 0
        self._scrolling = QTimer(self)
        self._scrolling.setSingleShot(True)
        self._scrolling.timeout.connect(self._scroll)

    def show_file(self, path: Path) -> None:
        """Read a Markdown file, unless it is the one that is shown."""
        if path == self._page:
            return
        self._page = path
        self._folder = path.parent
        self.setMarkdown(path.read_text("utf-8"))
        self.document().setDocumentMargin(16)
        for frame in self.document().rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                style = frame.format()
                style.setCellPadding(4)
                style.setCellSpacing(0)
                style.setBorderBrush(self.palette().brush(QPalette.ColorRole.Mid))
                style.setBottomMargin(10)
                frame.setFormat(style)

    def headings(self) -> list[tuple[int, str, int]]:
        """Level, text and position of every heading."""
        found = []
        block = self.document().firstBlock()
        while block.isValid():
            if block.blockFormat().headingLevel() > 0:
                found.append((block.blockFormat().headingLevel(), block.text(), block.position()))
            block = block.next()
        return found

    def go_to(self, position: int) -> None:
        """Scroll so that the text at a position is on top, once a window just shown has its size."""
        self._position = position
        self._scrolling.start()

    def _scroll(self) -> None:
        block: QTextBlock = self.document().findBlock(self._position)
        top = self.document().documentLayout().blockBoundingRect(block).top()
        self.verticalScrollBar().setValue(round(top) - 8)

    def follow(self, url: QUrl) -> None:
        """Links to headings and to other pages of the guide stay in the window; all others go to the browser."""
        if url.isRelative():
            target = (self._folder / url.path()).resolve() if url.path() else None
            if target is not None and target.suffix == ".md" and target.exists():
                self.show_file(target)
            wanted = url.fragment()
            position = next((at for _, text, at in self.headings() if slug(text) == wanted), 0)
            self.go_to(position)
        else:
            QDesktopServices.openUrl(url)

    def loadResource(self, kind: int, url: QUrl) -> object:
        if kind != QTextDocument.ResourceType.ImageResource or not url.isRelative():
            return super().loadResource(kind, url)
        image = QImage(str(self._folder / url.path()))
        width = max(200, self.viewport().width() - 60)
        if image.width() > width:
            return image.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation)
        return image


class HelpWindow(QWidget):
    """The guide with its contents beside it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle(tr("ADA Mapper guide"))
        self.setWindowIcon(QIcon(str(ICONS / "ada_mapper.svg")))
        self.contents = QListWidget()
        self.contents.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.contents.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.browser = GuideBrowser()
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.contents)
        splitter.addWidget(self.browser)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([260, 700])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self.resize(960, 680)
        self.restoreGeometry(QgsSettings().value(_GEOMETRY, QByteArray()))
        self.browser.show_file(GUIDE)
        for level, text, position in self.browser.headings():
            if level > 1:
                item = QListWidgetItem("    " * (level - 2) + text)
                item.setToolTip(text)
                item.setData(Qt.ItemDataRole.UserRole, position)
                self.contents.addItem(item)
        self.contents.currentItemChanged.connect(self._on_chosen)
        self.contents.itemClicked.connect(self._on_chosen)

    def go_to(self, *headings: str) -> bool:
        """Show the section of the first heading that the guide has; the beginning, and False, where it has none."""
        for heading in headings:
            for row in range(self.contents.count()):
                if slug(self.contents.item(row).text()) == slug(heading):
                    self.contents.setCurrentRow(row)
                    self._on_chosen(self.contents.item(row))
                    return True
        self.browser.show_file(GUIDE)
        self.browser.go_to(0)
        return False

    def closeEvent(self, event: QCloseEvent) -> None:
        QgsSettings().setValue(_GEOMETRY, self.saveGeometry())
        super().closeEvent(event)

    def _on_chosen(self, item: QListWidgetItem | None, *_: object) -> None:
        if item is not None:
            self.browser.show_file(GUIDE)
            self.browser.go_to(item.data(Qt.ItemDataRole.UserRole))
