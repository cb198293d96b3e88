"""The network of pairs: what a click finds, keys, what is told, and how it looks without baselines."""

from __future__ import annotations

from datetime import date, timedelta
from time import thread_time

import pytest
from qgis.PyQt.QtCore import QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QColor, QPalette
from qgis.PyQt.QtTest import QTest

from ada_mapper.ui.plots import NetworkPlot, PlotPair

DAYS = [date(2018, 1, 6) + timedelta(12 * index) for index in range(5)]
METRES = [0.0, 40.0, -30.0, 20.0, 5.0]
USES = ("used", "rule", "hand", "used")


def pair(first: int, second: int, use: str = "used", known: bool = True) -> PlotPair:
    days, metres = (DAYS[first], DAYS[second]), (METRES[first], METRES[second]) if known else (None, None)
    return PlotPair("_".join(f"{day:%Y%m%d}" for day in days), *days, *metres, use)


PAIRS = [pair(index, index + 1, use) for index, use in enumerate(USES)]


@pytest.fixture
def plot(qgis_app):
    widget = NetworkPlot()
    widget.resize(700, 400)
    widget.set_pairs(PAIRS)
    widget.show()
    yield widget
    widget.deleteLater()


def middle(plot: NetworkPlot, shown: PlotPair) -> QPoint:
    """A place upon the edge of a pair."""
    first = QPointF(plot.x(shown.first.toordinal()), plot.y(shown.first_position))
    second = QPointF(plot.x(shown.second.toordinal()), plot.y(shown.second_position))
    return ((first + second) / 2).toPoint()


def click(plot: NetworkPlot, place: QPoint, twice: bool = False) -> None:
    press = QTest.mouseDClick if twice else QTest.mouseClick
    press(plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


@pytest.mark.parametrize("index", range(len(PAIRS)))
def test_a_click_on_an_edge_chooses_its_pair(plot, index):
    chosen = []
    plot.chosen.connect(chosen.append)
    click(plot, middle(plot, PAIRS[index]))
    assert chosen == [PAIRS[index].name] and plot.selected() == PAIRS[index].name


def test_a_click_beside_all_edges_changes_nothing(plot):
    plot.set_selected(PAIRS[1].name)
    click(plot, plot.plot_area().bottomLeft().toPoint() + QPoint(15, -15))
    assert plot.selected() == PAIRS[1].name


def test_a_double_click_or_the_space_key_asks_to_leave_a_pair_out(plot):
    toggled = []
    plot.toggled.connect(toggled.append)
    click(plot, middle(plot, PAIRS[2]), twice=True)
    plot.set_selected(PAIRS[0].name)
    QTest.keyClick(plot, Qt.Key.Key_Space)
    assert toggled == [PAIRS[2].name, PAIRS[0].name]


def test_arrow_keys_walk_through_the_pairs_and_stop_at_the_ends(plot):
    chosen = []
    plot.chosen.connect(chosen.append)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_End):
        QTest.keyClick(plot, key)
    assert chosen == [PAIRS[index].name for index in (0, 1, 0, 0, 3)]


def test_a_pair_that_is_no_longer_there_is_not_marked(plot):
    plot.set_selected(PAIRS[3].name)
    plot.set_pairs(PAIRS[:2])
    assert plot.selected() is None
    plot.set_selected("20000101_20000113")
    assert plot.selected() is None


def test_the_uses_are_counted_in_words(plot):
    assert plot.accessibleDescription() == "used: 2; left out by a rule: 1; left out by hand: 1"
    text = plot.hint(PAIRS[1].name)
    assert "2018-01-18 – 2018-01-30" in text and "12" in text and "−70" in text and "by a rule" in text


def test_without_baselines_arcs_and_a_sentence_stand_for_them(plot):
    plot.set_pairs([pair(0, 1, known=False), pair(1, 3, "rule", known=False)])
    assert "not known" in plot._note
    assert plot.hit(QPointF((plot.x(DAYS[0].toordinal()) + plot.x(DAYS[1].toordinal())) / 2, plot.y(0))) is None
    above, below = plot.y(0.99), plot.y(-0.99)
    x = (plot.x(DAYS[1].toordinal()) + plot.x(DAYS[3].toordinal())) / 2
    assert plot.hit(QPointF(x, below)) == pair(1, 3).name and plot.hit(QPointF(x, above)) is None
    assert not plot.grab().isNull()


def test_in_a_narrow_window_the_legend_says_it_shorter(plot):
    wide = [entry.text for entry in plot._legend]
    plot.resize(300, 200)
    narrow = [entry.text for entry in plot._legend]
    assert "left out by hand: 1" in wide and "hand 1" in narrow
    plot.resize(700, 400)
    assert [entry.text for entry in plot._legend] == wide


def test_the_legend_has_the_colours_of_the_edges_in_any_theme(plot):
    for base, text in (("#202020", "#f0f0f0"), ("#ffffff", "#000000")):
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Base, QColor(base))
        palette.setColor(QPalette.ColorRole.Text, QColor(text))
        plot.setPalette(palette)
        assert [entry.colour for entry in plot._legend] == [plot.colour_of(use) for use in ("used", "rule", "hand")]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("size", [(320, 180), (600, 300)])
def test_the_dates_of_a_pair_are_written_without_covering_each_other(plot, size, known):
    """At both ends and in the middle, in windows of any shape."""
    plot.resize(*size)
    pairs = [pair(index, index + 1, known=known) for index in range(4)]
    plot.set_pairs(pairs)
    for shown in pairs:
        labels = plot._labels(shown)
        assert all(plot.plot_area().contains(label) for label in labels)
        assert not labels[0].intersects(labels[1])


def test_no_pairs_are_told_and_no_click_fails(plot):
    plot.set_pairs([])
    assert not plot.has_axes()
    click(plot, QPoint(100, 100))
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert plot.selected() is None


def test_a_pair_of_unknown_use_is_refused():
    with pytest.raises(ValueError, match="none of"):
        pair(0, 1, "perhaps")


def test_500_pairs_are_fluent(plot):
    days = [date(2016, 1, 1) + timedelta(12 * index) for index in range(127)]
    pairs = [
        PlotPair(f"{days[i]:%Y%m%d}_{days[j]:%Y%m%d}", days[i], days[j], i % 7 * 9.0, j % 7 * 9.0, USES[(i + j) % 4])
        for i in range(127)
        for j in range(i + 1, min(i + 5, 127))
    ][:500]
    plot.set_pairs(pairs)
    plot.grab()
    start = thread_time()
    plot.set_pairs(pairs)
    plot.grab()
    assert len(pairs) > 490 and thread_time() - start < 0.3
