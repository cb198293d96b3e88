"""The Data step: a folder is read in the background, limits and exclusions act at once, and all is remembered."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pytest
from qgis.core import QgsRasterLayer, QgsSettings
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, QPointF, Qt
from qgis.PyQt.QtGui import QMouseEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QWidget

from ada_mapper.processing.layers import RUN_PROPERTY
from ada_mapper.ui.data import DataStep
from ada_mapper.ui.data.pair_choice import MOST_DAYS, MOST_METRES, MOST_SUSPECT
from ada_mapper.ui.panel import Panel
from ada_mapper.ui.project import ProjectState, chain_inputs
from ada_mapper.ui.step import StepContext
from bracketed_texts import bracketed, outside
from shared_data import shared_data
from small_rasters import write

START = date(2020, 1, 1)


@pytest.fixture
def folder(tmp_path):
    """Pairs of 12 and 24 days between six dates, with coherence."""
    place = tmp_path / "stack"
    place.mkdir()
    noise = np.random.default_rng(1)
    for first in range(5):
        for second in range(first + 1, min(first + 3, 6)):
            days = [START + timedelta(12 * index) for index in (first, second)]
            name = "_".join(f"{day:%Y%m%d}" for day in days)
            write(place / f"{name}_unw.tif", noise.normal(0, 1, (24, 24)), "phase", "rad")
            write(place / f"{name}_cc.tif", np.full((24, 24), 0.5 + 0.05 * first), "coherence", "1")
    return place


@pytest.fixture
def step(context):
    instance = DataStep(context)
    yield instance
    if instance.window_of_pairs is not None:
        instance.window_of_pairs.close()
    instance.choice.stop()
    instance.deleteLater()


@pytest.fixture
def read(step, folder, wait_until):
    """The step with its folder read."""
    step.choose_folder(str(folder))
    wait_until(lambda: not step.choice.is_scanning)
    assert step.choice.problem == ""
    return step


def names(step):
    return [pair.name for pair in step.choice.used]


def test_an_empty_project_asks_for_a_folder(step, monkeypatch, folder):
    status = step.status()
    assert status.state == "empty" and "folder" in status.missing and status.next_action == "Choose interferograms"
    monkeypatch.setattr("ada_mapper.ui.data.data_step.QFileDialog.getExistingDirectory", lambda *_: str(folder))
    step.do_next()
    assert step.context.state.get("folder") == str(folder) and step.choice.is_scanning
    assert step.status().state == "running"


def test_a_chosen_folder_is_read_in_the_background_and_judged(read, state):
    assert len(read.choice.pairs) == 9 and len(names(read)) == 9
    assert read.choice.pairs[0].mean_coherence == pytest.approx(0.5)
    assert read.status().there == "9 of 9 pairs used, 2020-01-01 to 2020-03-01"
    assert read.status().state == "ready" and "elevation" in read.status().missing
    assert "9 pairs of 6 dates" in read.summary.text() and "baselines are not known" in read.summary.text()


def test_a_limit_is_typed_kept_and_applied(read, state):
    read.days.setValue(12)
    assert len(names(read)) == 5 and state.get("max_temporal_baseline", 40.0) == 12
    read.days.lineEdit().selectAll()
    QTest.keyClicks(read.days.lineEdit(), "24")
    QTest.keyClick(read.days.lineEdit(), Qt.Key.Key_Return)
    assert len(names(read)) == 9 and state.get("max_temporal_baseline", 40.0) == 24


def test_what_core_says_of_pairs_is_a_text_of_qt_in_the_users_language(read):
    with bracketed():
        read.days.setValue(12)
        reasons = [reason for reason in read.choice.reasons.values() if reason]
        read.days.setValue(1)
        told = read.status().missing
    assert len(reasons) == 4 and all(reason.startswith("⟦") and not outside(reason) for reason in reasons)
    # Qt takes a kind of str of one's own for an unknown object and shows nothing of it in a table.
    assert {type(reason) for reason in reasons} == {str}
    assert told.startswith("⟦") and not outside(told)


def test_a_folder_is_read_once_it_is_typed_to_its_end(step, folder, state, wait_until):
    step.show()
    QApplication.setActiveWindow(step)
    edit = step.folder.lineEdit()
    edit.setFocus()
    begun = []
    step.choice.scanned.connect(lambda: begun.append(step.choice.is_scanning))
    QTest.keyClicks(edit, str(folder)[:-2])
    step.refresh()
    QTest.keyClicks(edit, str(folder)[-2:])
    assert not begun and state.get("folder") is None and step.folder.filePath() == str(folder)
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert state.get("folder") == str(folder) and begun == [True]
    wait_until(lambda: not step.choice.is_scanning)
    assert len(names(step)) == 9


def test_limits_with_a_decimal_comma(other_locale, step, state):
    state.set(MOST_METRES, 99.5)
    step.refresh()
    assert step.metres.text().startswith(f"99{other_locale.decimalPoint()}5")
    assert state.get(MOST_METRES, 120.0) == 99.5


def test_a_pair_is_left_out_in_the_table_and_taken_back_in_the_network(read, state):
    read.open_pairs()
    window = read.window_of_pairs
    name = read.choice.pairs[2].name
    window.table.chosen.emit(name)
    assert window.network.selected() == name
    QTest.keyClick(window.table, Qt.Key.Key_Space)
    assert state.get("excluded_pairs", []) == [name] and name not in names(read)
    assert "8 of 9" in window.counts.text() and "8 of 9" in read.status().there and not window.take_back.isHidden()
    other = read.choice.pairs[4].name
    window.network.chosen.emit(other)
    assert window.table.selected() == other
    window.network.toggled.emit(name)
    assert state.get("excluded_pairs", []) == [] and len(names(read)) == 9
    window.network.toggled.emit(name)
    window.take_back.click()
    assert state.get("excluded_pairs", []) == [] and window.take_back.isHidden()


def test_dragging_a_threshold_shows_at_once_and_keeps_at_the_end(read, state):
    read.open_pairs()
    window = read.window_of_pairs
    histogram = window.histograms[MOST_DAYS]

    def send(kind, value):
        place = QPointF(histogram.x(value), histogram.plot_area().center().y())
        left, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        event = QMouseEvent(kind, place, QPointF(histogram.mapToGlobal(place.toPoint())), left, left, keys)
        QApplication.sendEvent(histogram, event)

    send(QEvent.Type.MouseButtonPress, 40)
    send(QEvent.Type.MouseMove, 30)
    send(QEvent.Type.MouseMove, 15)
    assert len(names(read)) == 5 and "5 of 9" in window.counts.text() and window.boxes[MOST_DAYS].value() < 20
    read.refresh()
    assert len(names(read)) == 5, "a refresh of the panel does not disturb the drag"
    assert state.get(MOST_DAYS, 40.0) == 40
    send(QEvent.Type.MouseButtonRelease, 15)
    assert state.get(MOST_DAYS, 40.0) == pytest.approx(read.days.value()) and state.get(MOST_DAYS, 40.0) < 20


def test_a_pair_that_does_not_close_is_seen_and_left_out_by_its_limit(step, tmp_path, state, wait_until):
    air = np.random.default_rng(5).normal(0, 1, (6, 24, 24))
    for first in range(5):
        for second in range(first + 1, min(first + 4, 6)):
            days = [START + timedelta(12 * index) for index in (first, second)]
            values = air[second] - air[first] + 10 * first
            if (first, second) == (2, 3):
                values[:12, :12] += 2 * np.pi
            write(tmp_path / f"{'_'.join(f'{day:%Y%m%d}' for day in days)}_unw.tif", values, "phase", "rad")
    step.choose_folder(str(tmp_path))
    wait_until(lambda: not step.choice.is_scanning)
    wrong = f"{START + timedelta(24):%Y%m%d}_{START + timedelta(36):%Y%m%d}"
    facts = {pair.name: pair for pair in step.choice.pairs}
    assert facts[wrong].closure == facts[wrong].suspect == pytest.approx(0.25)
    assert {pair.suspect for pair in facts.values() if pair.name != wrong} == {0}
    step.open_pairs()
    window, count = step.window_of_pairs, len(facts)
    box = window.boxes[MOST_SUSPECT]
    assert box.value() == 100 and len(names(step)) == count and state.get("stacking") is None
    box.setValue(10)
    assert wrong not in names(step) and len(names(step)) == count - 1
    assert state.get("stacking", {}) == {"MAX_CLOSURE": 10} and chain_inputs(state)["MAX_CLOSURE"] == 10
    assert "closure" in step.choice.rules[wrong]
    # As it may be typed among the choices of stacking.
    state.set("stacking", {"MAX_CLOSURE": 30, "MIN_PAIRS": 2})
    step.refresh()
    assert box.value() == 30 and len(names(step)) == count
    box.setValue(100)
    assert state.get("stacking", {}) == {"MIN_PAIRS": 2} and "MAX_CLOSURE" not in chain_inputs(state)


def test_pixels_outside_components_do_not_count_where_they_are_masked(step, tmp_path, state, wait_until):
    block = np.zeros((24, 24), bool)
    block[:12, :12] = True
    for number, (first, second) in enumerate(((0, 12), (12, 24), (0, 24))):
        days = "_".join(f"{START + timedelta(day):%Y%m%d}" for day in (first, second))
        values = (
            np.full((24, 24), 3.0 + number)
            + np.arange(24) * (second - first) / 12
            + (2 * np.pi * block if number == 0 else 0)
        )
        name = f"S1_136231_IW1_{days}_VV_INT80_8E81"
        write(tmp_path / f"{name}_unw_phase.tif", values, "phase", "rad")
        write(tmp_path / f"{name}_conncomp.tif", np.where(block, 0.0, 1.0), "components", "1")
    step.choose_folder(str(tmp_path))
    wait_until(lambda: not step.choice.is_scanning)
    assert [pair.closure for pair in step.choice.pairs] == pytest.approx([0.25] * 3)
    state.set("stacking", {"MASK_COMPONENTS": True})
    step.refresh()
    assert step.choice.is_scanning
    wait_until(lambda: not step.choice.is_scanning)
    assert [pair.closure for pair in step.choice.pairs] == [0.0] * 3


def test_when_no_pair_is_left_the_nearest_limit_is_told(read):
    read.days.setValue(3)
    status = read.status()
    assert status.state == "problem" and "12 days" in status.missing and status.next_action == "Look at the pairs"
    read.do_next()
    assert read.window_of_pairs.isVisible() and "12 days" in read.window_of_pairs.trouble.text()


def test_a_broken_network_is_told(read):
    read.days.setValue(12)
    read.choice.toggle(read.choice.used[2].name)
    assert "2 groups" in read.summary.text()


def test_a_saved_project_reopens_with_the_same_choice(read, state, project, folder, tmp_path, context, wait_until):
    name = read.choice.pairs[0].name
    read.choice.toggle(name)
    read.days.setValue(12)
    project.write(str(tmp_path / "project.qgz"))
    project.clear()
    read.refresh()
    assert read.status().state == "empty" and not read.choice.pairs
    project.read(str(tmp_path / "project.qgz"))
    read.refresh()
    assert read.folder.filePath() == str(folder) and read.days.value() == 12 and read.choice.is_scanning
    wait_until(lambda: not read.choice.is_scanning)
    assert len(names(read)) == 4 and read.choice.excluded == {name}
    read.choose_folder(str(tmp_path))
    assert not read.choice.excluded, "exclusions belong to their folder"


def test_reading_can_be_cancelled_and_done_again(step, folder, wait_until):
    step.choose_folder(str(folder))
    step.cancel_button.click()
    assert not step.choice.is_scanning and "cancelled" in step.status().there
    step.again_button.click()
    wait_until(lambda: not step.choice.is_scanning)
    assert len(names(step)) == 9


def test_another_folder_replaces_the_one_that_is_still_read(step, folder, tmp_path, wait_until):
    empty = tmp_path / "empty"
    empty.mkdir()
    step.choose_folder(str(folder))
    step.choose_folder(str(empty))
    wait_until(lambda: not step.choice.is_scanning)
    assert step.status().state == "problem" and not step.choice.pairs
    step.choose_folder(str(tmp_path / "nowhere"))
    assert "is not there" in step.status().there


def test_the_pairs_are_stacked_and_the_next_is_the_channels(read, state, project, tmp_path, wait_until):
    dem = write(tmp_path / "dem.tif", 30 * np.random.default_rng(2).random((24, 24)), "dem", "m")
    state.set_layer("dem", project.addMapLayer(QgsRasterLayer(dem, "dem")))
    read.choice.toggle(read.choice.pairs[0].name)
    read.refresh()
    assert read.status().next_action == "Stack the interferograms"
    read.do_next()
    assert read.status().state == "running"
    wait_until(lambda: read.status().state != "running", 60)
    for role in ("phase_rate", "los_rate", "slope"):
        assert state.layer(role) is not None, role
    assert read.status().state == "done" and state.layer("phase_rate").name() in read.summary.text()
    read.do_next()
    assert state.get("step") == "channels"


def test_rates_without_a_folder_are_enough(step, state, project, tmp_path):
    rate = write(tmp_path / "phase_rate.tif", np.zeros((24, 24)), "phase rate", "rad/yr")
    state.set_layer("phase_rate", project.addMapLayer(QgsRasterLayer(rate, "my rates")))
    step.refresh()
    assert step.status().state == "done" and "my rates" in step.status().there


def test_the_window_goes_with_the_step(context, qgis_app):
    main = QWidget()
    step = DataStep(context, main)
    step.open_pairs()
    window = step.window_of_pairs
    assert window.parent() is main
    step.deleteLater()
    for _ in range(2):
        qgis_app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert sip.isdeleted(step) and sip.isdeleted(window)


def test_the_window_remembers_its_size(read):
    read.open_pairs()
    read.window_of_pairs.resize(750, 555)
    read.window_of_pairs.close()
    assert QgsSettings().value("ada_mapper/pairs/geometry") is not None
    read.window_of_pairs.deleteLater()
    read.window_of_pairs = None
    read.open_pairs()
    assert abs(read.window_of_pairs.height() - 555) < 40


def test_mexico_city_in_the_panel(context, state, wait_until):
    folder = shared_data("stacks/mexico_city_s1")
    step = DataStep(context)
    panel = Panel(context, steps=[step])
    step.choose_folder(str(folder))
    wait_until(lambda: not step.choice.is_scanning)
    assert step.status().there == "12 of 30 pairs used, 2018-01-06 to 2018-06-11"
    assert state.get("orbit") == "ascending" and all(0.3 < pair.mean_coherence < 0.9 for pair in step.choice.pairs)
    assert "30 pairs of 13 dates" in step.summary.text()
    step.metres.setValue(50)
    step.choice.toggle("20180307_20180331")
    wait_until(lambda: "pairs used" in panel._status.there.text())
    assert step.status().there.startswith(f"{len(step.choice.used)} of 30")
    assert all(abs(pair.perpendicular_baseline) <= 50 and pair.days <= 40 for pair in step.choice.used)
    panel.close()
    panel.deleteLater()


def test_another_folder_brings_its_own_orbit_and_no_old_rates(read, state, project, tmp_path, folder, wait_until):
    state.set("orbit", "ascending")
    dem = write(tmp_path / "dem.tif", np.ones((24, 24)), "dem", "m")
    state.set_layer("dem", project.addMapLayer(QgsRasterLayer(dem, "dem")))
    rate = QgsRasterLayer(write(tmp_path / "rate.tif", np.ones((24, 24)), "phase_rate", "rad/yr"), "rate")
    made = {"algorithm": "adamapper:stackinterferograms", "parameters": {"INPUT_FOLDER": str(folder)}}
    rate.setCustomProperty(RUN_PROPERTY, json.dumps(made))
    state.set_layer("phase_rate", project.addMapLayer(rate))
    read.refresh()
    assert read.status().next_action == "Go on to the channels"
    folder.rename(tmp_path / "descending")
    read.choose_folder(str(tmp_path / "descending"))
    assert state.get("orbit", "unknown") == "unknown", "that of the files before says nothing of these"
    wait_until(lambda: not read.choice.is_scanning)
    assert read.status().next_action == "Stack the interferograms"


def test_a_second_step_on_the_same_project_shows_the_same(read, context):
    other = DataStep(StepContext(ProjectState(), context.runner, context.iface))
    assert other.folder.filePath() == read.folder.filePath()
    other.choice.stop()
    other.context.state.close()
    other.deleteLater()
