"""The histogram: bins that keep what a limit keeps, and a threshold moved by mouse and keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qgis.PyQt.QtCore import QEvent, QPointF, Qt
from qgis.PyQt.QtGui import QColor, QMouseEvent, QPalette
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication

from ada_mapper.ui.plots import HistogramPlot
from ada_mapper.ui.plots.histogram_plot import THRESHOLD, _bins

VALUES = [12, 24, 24, 36, 48, 60, 96]


@pytest.fixture
def plot(qgis_app):
    widget = HistogramPlot()
    widget.resize(500, 300)
    widget.set_values(VALUES, "Temporal baseline", "days")
    widget.set_threshold(40.0)
    widget.show()
    yield widget
    widget.deleteLater()


@pytest.fixture
def told(plot):
    """What was sent: ("changed" or "set", value)."""
    sent: list[tuple[str, float]] = []
    plot.threshold_changed.connect(lambda value: sent.append(("changed", value)))
    plot.threshold_set.connect(lambda value: sent.append(("set", value)))
    return sent


def mouse(plot: HistogramPlot, kind: QEvent.Type, value: float) -> None:
    place = QPointF(plot.x(value), plot.plot_area().center().y())
    is_move = kind == QEvent.Type.MouseMove
    button = Qt.MouseButton.NoButton if is_move else Qt.MouseButton.LeftButton
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
    anywhere = QPointF(plot.mapToGlobal(place.toPoint()))
    event = QMouseEvent(kind, place, anywhere, button, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(plot, event)


def test_dragging_tells_every_step_and_the_end_once(plot, told):
    mouse(plot, QEvent.Type.MouseButtonPress, 40)
    mouse(plot, QEvent.Type.MouseMove, 50)
    mouse(plot, QEvent.Type.MouseMove, 60)
    assert [kind for kind, _ in told] == ["changed", "changed"]
    mouse(plot, QEvent.Type.MouseButtonRelease, 60)
    assert told[-1] == ("set", pytest.approx(60, abs=2)) and [kind for kind, _ in told].count("set") == 1
    assert plot.threshold() == told[-1][1]


def test_escape_gives_a_drag_up(plot, told):
    mouse(plot, QEvent.Type.MouseButtonPress, 40)
    mouse(plot, QEvent.Type.MouseMove, 70)
    QTest.keyClick(plot, Qt.Key.Key_Escape)
    mouse(plot, QEvent.Type.MouseButtonRelease, 70)
    assert plot.threshold() == 40 and ("set", 70) not in told and told[-1] == ("changed", 40)


def test_a_press_beside_the_line_moves_nothing(plot, told):
    mouse(plot, QEvent.Type.MouseButtonPress, 80)
    mouse(plot, QEvent.Type.MouseMove, 90)
    mouse(plot, QEvent.Type.MouseButtonRelease, 90)
    assert told == [] and plot.threshold() == 40


def test_arrow_keys_move_by_a_step_and_stay_on_the_axis(plot, told):
    step = plot.step()
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert told == [("changed", 40 + step), ("set", 40 + step)]
    QTest.keyClick(plot, Qt.Key.Key_Left)
    assert plot.threshold() == 40
    for _ in range(100):
        QTest.keyClick(plot, Qt.Key.Key_PageDown)
    assert 0 < plot.threshold() <= step


def test_setting_it_by_program_sends_nothing(plot, told):
    plot.set_threshold(72.0)
    assert told == [] and plot.threshold() == 72
    plot.set_threshold(float("nan"))
    assert plot.threshold() is None and plot.hit(QPointF(plot.x(72), plot.plot_area().center().y())) != THRESHOLD


def test_a_value_at_the_threshold_counts_as_within(plot):
    plot.set_threshold(24.0)
    assert plot.accessibleDescription() == "threshold: 24 days; within: 3; beyond: 4"


def test_the_threshold_is_written_as_people_here_write_it(plot, other_locale):
    plot.set_threshold(37.5)
    written = other_locale.toString(37.5, "f", 1)
    assert f"threshold: {written} days" in plot.accessibleDescription()
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert plot.threshold() == 40


@pytest.mark.parametrize("value", [1.0, 48.0, 95.0, 96.0, 150.0])
def test_the_value_is_never_cut_off(plot, value):
    plot.resize(240, 150)
    plot.set_threshold(value)
    label = plot._label(plot.x(value))
    assert plot.plot_area().contains(label)
    assert not label.intersects(plot._handle(plot.x(value)))


def test_the_cursor_tells_what_can_be_dragged(plot):
    for value, shape in ((40, Qt.CursorShape.SplitHCursor), (80, Qt.CursorShape.ArrowCursor)):
        place = QPointF(plot.x(value), plot.plot_area().center().y())
        none = Qt.MouseButton.NoButton
        position = plot.mapToGlobal(place.toPoint())
        event = QMouseEvent(QEvent.Type.MouseMove, place, QPointF(position), none, none, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(plot, event)
        assert plot.cursor().shape() == shape


def test_the_legend_has_the_colours_of_the_bars_in_any_theme(plot):
    for base in ("#202020", "#ffffff"):
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Base, QColor(base))
        plot.setPalette(palette)
        assert [entry.colour for entry in plot._legend] == [plot._colour(), plot._pale()]


def test_a_threshold_beyond_all_values_is_on_the_axis(plot):
    plot.set_threshold(400.0)
    assert plot.plot_area().left() < plot.x(400) < plot.plot_area().right()


def test_without_values_a_sentence_stands_for_them(plot):
    plot.set_values([], "Perpendicular baseline", "m")
    assert not plot.has_axes() and "no values" in plot.accessibleDescription()
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert plot.threshold() == 40


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=80))
def test_every_value_is_in_one_bin_that_holds_its_upper_edge(values):
    array = np.array(values, float)
    width, edges, counts = _bins(array)
    assert counts.sum() == len(values) and np.allclose(np.diff(edges), width)
    inner = [int(((array > low + 1e-6) & (array <= high + 1e-6)).sum()) for low, high in zip(edges, edges[1:])]
    inner[0] += int((array <= edges[0] + 1e-6).sum())
    assert inner == counts.tolist()
