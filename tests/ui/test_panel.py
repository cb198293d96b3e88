"""The panel: it leads from step to step, shows what is there and missing, and what runs."""

from __future__ import annotations

import numpy as np
import pytest
from qgis.core import QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import Qt, QUrl
from qgis.PyQt.QtGui import QPalette
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QPushButton

from ada_mapper.processing.layers import ROLE_PROPERTY
from ada_mapper.ui.help import SECTIONS, close_help, open_help, slug
from ada_mapper.ui.panel import Panel, RunStrip, make_steps
from ada_mapper.ui.project import ProjectState
from ada_mapper.ui.project.state import SCOPE
from ada_mapper.ui.step import Step, StepStatus
from ada_mapper.ui.theme import text_colour
from shared_data import shared_data
from small_rasters import write
from survey_areas import area_layer


class Counting(Step):
    """A step that counts what is asked of it."""

    def __init__(self, context, name, status):
        super().__init__(context)
        self.NAME = name
        self.shown = status
        self.done, self.refreshed = 0, 0

    def title(self):
        return self.NAME.capitalize()

    def status(self):
        return self.shown

    def do_next(self):
        self.done += 1

    def refresh(self):
        self.refreshed += 1


@pytest.fixture
def panel(context):
    steps = [
        Counting(context, "data", StepStatus("done", "86 pairs")),
        Counting(context, "detect", StepStatus("ready", "Nothing <yet>", "A & B are missing", "Map active areas")),
    ]
    instance = Panel(context, steps=steps)
    instance.show()
    yield instance
    instance.close()
    instance.deleteLater()


def primary(panel):
    return panel.findChild(QPushButton, "primary")


def test_the_chosen_step_shows_what_is_there_and_one_button(panel, state):
    assert panel.current.NAME == "data" and not primary(panel).isVisible()
    QTest.mouseClick(panel._bar.buttons[1], Qt.MouseButton.LeftButton)
    assert panel.current.NAME == "detect" and state.get("step") == "detect"
    assert primary(panel).isVisible() and primary(panel).text() == "Map active areas"
    assert "Nothing &lt;yet>" in panel._status.there.text() and panel._status.missing.isVisible()
    QTest.mouseClick(primary(panel), Qt.MouseButton.LeftButton)
    assert panel.current.done == 1


def test_the_keyboard_goes_through_the_steps(panel):
    QApplication.setActiveWindow(panel)
    panel._bar.buttons[0].setFocus()
    QTest.keyClick(panel._bar.buttons[0], Qt.Key.Key_Right)
    assert panel.current.NAME == "detect"


def test_a_step_follows_the_project_and_its_own_change(panel, project, wait_until):
    step = panel.steps[0]
    before = step.refreshed
    for number in range(5):
        project.addMapLayer(QgsVectorLayer("Point?crs=EPSG:4326", str(number), "memory"))
    wait_until(lambda: step.refreshed > before)
    assert step.refreshed == before + 1, "changes that come together are one"
    step.shown = StepStatus("problem", "The folder is gone")
    step.changed.emit()
    assert "gone" in panel._status.there.text() and panel._bar.buttons[0].state == "problem"


def test_the_project_remembers_the_step(panel, project, tmp_path, wait_until):
    panel.choose("detect")
    project.write(str(tmp_path / "project.qgz"))
    project.clear()
    wait_until(lambda: panel.current.NAME == "data")
    project.read(str(tmp_path / "project.qgz"))
    wait_until(lambda: panel.current.NAME == "detect")


def test_what_runs_is_shown_and_can_be_cancelled(panel, runner, monkeypatch):
    strip = panel.findChild(RunStrip)
    assert not strip.isVisible()
    cancelled = []
    monkeypatch.setattr(type(runner), "names", ["Valley", "Other"])
    monkeypatch.setattr(runner, "cancel", cancelled.append)
    runner.started.emit("Valley")
    runner.progress.emit("Valley", 42.4, "Tile 3 of 7")
    assert strip.isVisible() and "Valley (and 1 more) – 42 %" in strip.text.text() and strip.bar.value() == 42
    QTest.mouseClick(strip.cancel, Qt.MouseButton.LeftButton)
    assert cancelled == ["Valley"]
    monkeypatch.setattr(type(runner), "names", [])
    runner.finished.emit("Valley", True)
    assert not strip.isVisible()


def test_the_real_steps_are_there_in_the_order_of_the_work(context):
    steps = make_steps(context)
    order = ["data", "channels", "detect", "review", "field"]
    names = [step.NAME for step in steps]
    assert "detect" in names and names == [name for name in order if name in names]
    for step in steps:
        assert step.title() and step.status().there
        step.deleteLater()


def test_looking_at_a_saved_project_leaves_it_unchanged(context, project, tmp_path, wait_until):
    """Guesses, the step and the orbit that the files tell are shown, yet QGIS has nothing to ask for at its end."""
    for name, values in (("dem", 900.0), ("los_rate", -9.0)):
        raster = write(tmp_path / f"{name}.tif", np.linspace(0, values, 900).reshape(30, 30), name, "")
        project.addMapLayer(QgsRasterLayer(raster, name))
    areas = project.addMapLayer(area_layer(4))
    areas.setCustomProperty(ROLE_PROPERTY, "areas")
    project.writeEntry(SCOPE, "folder", f'"{shared_data("stacks") / "mexico_city_s1"}"')
    context.state.close()
    assert project.write(str(tmp_path / "project.qgz"))

    context.state = ProjectState()
    panel = Panel(context)
    panel.show()
    try:
        data = panel.steps[0]
        wait_until(lambda: data.choice.scan is not None)
        for step in panel.steps:
            panel.choose(step.NAME)
            wait_until(lambda: not panel._refresh_timer.isActive())
        panel.choose("channels")
        panel.current.open_dialog()
        panel.current.dialog.reject()
        for box in (data.days, data.metres):
            box.setFocus()
            box.clearFocus()
        assert context.state.layer("dem").name() == "dem" and context.state.layer("areas") is not None
        assert context.state.get("orbit") == "ascending" and context.state.get("step") == "channels"
        assert not project.isDirty()
    finally:
        data.choice.stop()
        panel.close()
        panel.deleteLater()
        context.state.close()


def test_colours_follow_a_style_sheet_where_the_palette_does_not(panel, qgis_app):
    before = qgis_app.styleSheet()
    try:
        qgis_app.setStyleSheet("QWidget { background: transparent; } QLabel { color: #b1c2d3; }")
        assert text_colour(panel._bar).name() == "#b1c2d3"
    finally:
        qgis_app.setStyleSheet(before)
    assert text_colour(panel._bar) == panel.palette().color(QPalette.ColorRole.WindowText)


def test_the_guide_opens_at_each_topic(qgis_app):
    try:
        for topic in SECTIONS:
            window = open_help(topic)
            heading = window.contents.currentItem()
            assert heading is not None, topic
            assert slug(heading.text()) in [slug(text) for text in SECTIONS[topic]]
        assert open_help("no such topic") is window
    finally:
        close_help()


def test_a_heading_of_the_contents_leads_back_from_the_page_of_a_tool(qgis_app):
    try:
        window = open_help("results")
        browser = window.browser
        browser.follow(QUrl("algorithms/index.md"))
        browser.follow(QUrl("mergeorbits.md"))
        assert browser.headings()[0][1] == "Merge orbits"
        window.contents.itemClicked.emit(window.contents.currentItem() or window.contents.item(0))
        assert browser.headings()[0][1] == "Guide"
        browser.follow(QUrl("algorithms/mergeorbits.md"))
        browser.follow(QUrl("../guide.md#map-sheets"))
        assert browser.headings()[0][1] == "Guide"
    finally:
        close_help()
