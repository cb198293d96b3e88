"""Sentences in QGIS' message bar."""

import gc
from pathlib import Path

import pytest
from qgis.core import Qgis
from qgis.gui import QgsMessageBar
from qgis.PyQt.QtWidgets import QApplication, QMainWindow, QTextBrowser, QVBoxLayout, QWidget

from ada_mapper.ui.runs.message_bar import show_message, with_short_paths

LONG = "The pairs can't be used, because they lie elsewhere. " * 9


@pytest.fixture
def bar(qgis_app):
    instance = QgsMessageBar()
    instance.resize(900, 40)
    instance.show()
    yield instance
    instance.hide()
    instance.deleteLater()


def shown(bar: QgsMessageBar, text: str) -> QTextBrowser:
    """The text as it stands in the bar."""
    show_message(bar, "Slope", text, Qgis.MessageLevel.Critical)
    QApplication.processEvents()
    return bar.findChild(QTextBrowser)


def test_a_long_sentence_is_shown_whole(bar):
    browser = shown(bar, LONG[:320])
    line = browser.fontMetrics().lineSpacing()
    assert browser.document().size().height() >= 3 * line
    assert browser.viewport().height() >= browser.document().size().height() - 1
    assert browser.verticalScrollBar().maximum() <= 1


def test_the_bar_grows_when_it_becomes_narrow_and_has_an_end(bar):
    browser = shown(bar, LONG)
    wide = browser.height()
    bar.resize(420, 40)
    QApplication.processEvents()
    assert wide < browser.height() < 8 * browser.fontMetrics().lineSpacing()


def test_signs_of_html_are_shown_as_they_are(bar):
    assert shown(bar, "A rate of <5 & >3 in <b>.tif.").toPlainText().endswith("A rate of <5 & >3 in <b>.tif.")


def test_files_are_named_from_the_folder_that_they_lie_in():
    paths = [Path("/home/anna/my work/stack/dem.tif"), Path("/home/anna/my work/pairs"), Path("relative/dem.tif")]
    text = "/home/anna/my work/stack/dem.tif doesn't fit /home/anna/my work/pairs/sub/a_unw.tif (/home/other.tif)."
    assert with_short_paths(text, paths) == "…/stack/dem.tif doesn't fit …/pairs/sub/a_unw.tif (/home/other.tif)."


def test_a_file_at_the_root_shortens_nothing():
    assert with_short_paths("/dem.tif and /data/dem.tif are gone.", [Path("/dem.tif"), Path("/data/dem.tif")]) == (
        "/dem.tif and /data/dem.tif are gone."
    )


def test_messages_behind_each_other_come_forth_when_one_is_closed(qgis_app):
    """A text that was laid out while it was hidden, then shown at another width: this once ended the program."""
    window, bar, centre = QMainWindow(), QgsMessageBar(), QWidget()
    window.setCentralWidget(centre)
    QVBoxLayout(centre).addWidget(bar)
    window.resize(900, 400)
    window.show()
    for number in range(3):
        show_message(bar, "First", "word " * 40, Qgis.MessageLevel.Warning)
        bar.pushMessage("Of QGIS", "text " * 50, Qgis.MessageLevel.Info)
        show_message(bar, "Second", "word " * 80, Qgis.MessageLevel.Success)
        QApplication.processEvents()
        gc.collect()
        window.resize(700 + 10 * number, 400)
        QApplication.processEvents()
        bar.clearWidgets()
        QApplication.processEvents()
        assert bar.currentItem() is None
    window.deleteLater()
