"""The axes of all plots: places and values, marks, texts that stay inside, what the mouse finds."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest
from qgis.PyQt.QtCore import QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QColor, QPalette
from qgis.PyQt.QtTest import QTest

from ada_mapper.ui.plots.plot import Axis, LegendEntry, PlotWidget


class OnePoint(PlotWidget):
    """A point at (20, 5) that the mouse finds."""

    def hit(self, position: QPointF) -> str | None:
        near = abs(position.x() - self.x(20)) < 5 and abs(position.y() - self.y(5)) < 5
        return "point" if self.has_axes() and near else None


@pytest.fixture
def plot(qgis_app):
    widget = OnePoint()
    widget.resize(400, 300)
    widget.set_axes(Axis("Days (d)", 0, 100), Axis("Height (m)", -10, 30))
    widget.show()
    yield widget
    widget.deleteLater()


def test_places_and_values_are_each_others_inverse(plot):
    area = plot.plot_area()
    assert (plot.x(0), plot.x(100)) == pytest.approx((area.left(), area.right()))
    assert (plot.y(-10), plot.y(30)) == pytest.approx((area.bottom(), area.top()))
    for value in (0, 12.5, 100):
        assert plot.x_value(plot.x(value)) == pytest.approx(value)
        assert plot.y_value(plot.y(value)) == pytest.approx(value)
    before = plot.x(50)
    plot.resize(800, 300)
    assert plot.x(50) > before + 100


def test_an_axis_goes_up():
    with pytest.raises(ValueError, match="must go up"):
        Axis("Days", 5, 5)


@pytest.mark.parametrize("size", [(320, 280), (640, 360), (2560, 1440)])
def test_the_data_keeps_within_the_widget(plot, size):
    plot.resize(*size)
    plot.set_legend(*(LegendEntry(f"a longer text {index}", QColor("#2a7fbf")) for index in range(4)))
    plot.set_note("A sentence above the plot that tells how to read it, in more words than fit one line.")
    area = plot.plot_area()
    assert area.left() > 0 and area.right() < size[0] and area.bottom() < size[1]
    assert plot.minimumSizeHint().width() <= 220


def test_dates_that_need_less_room_are_marked_more_often(plot):
    years = (date(2016, 1, 1).toordinal(), date(2020, 1, 1).toordinal())
    plot.set_axes(Axis("", *years, is_date=True), Axis("", 0, 1))
    room = 5 * (plot.fontMetrics().horizontalAdvance("2018") + 18)
    assert [text for _, text in plot._ticks(plot._axis(0), room, 130)] == ["2016", "2017", "2018", "2019", "2020"]


def test_a_short_title_stands_in_where_there_is_no_room(plot):
    plot.resize(400, 160)
    pictures = []
    for title, short in (
        ("Height (m)", ""),
        ("A much longer title than this short axis has room for (m)", "Height (m)"),
    ):
        plot.set_axes(Axis("Days (d)", 0, 100), Axis(title, -10, 30, short_title=short))
        pictures.append(plot.grab().toImage())
    assert pictures[0] == pictures[1]


def test_a_title_that_is_too_long_does_not_cover_the_legend(plot):
    plot.resize(400, 160)
    plot.set_legend(LegendEntry("", QColor("#2a7fbf")))
    pictures = []
    for title in ("Height (m)", "A much longer title than this short axis has room for (m)"):
        plot.set_axes(Axis("Days (d)", 0, 100), Axis(title, -10, 30))
        legend = plot._note_space().bottom()
        pictures.append(plot.grab().toImage().copy(0, 0, 400, int(legend) - 1))
    assert pictures[0] == pictures[1]


def test_numbers_of_marks_follow_the_locale(plot, other_locale):
    plot.set_axes(Axis("Rate (mm/yr)", 0, 1), Axis("", 0, 1))
    texts = [text for _, text in plot._ticks(plot._axis(0), 400, 60)]
    assert other_locale.toString(0.2, "f", 1) in texts
    assert ("0,2" in texts) == (other_locale.decimalPoint() in (",", ord(",")))


def test_dates_are_marked_in_one_way_everywhere(plot, other_locale):
    days = (date(2018, 1, 6).toordinal(), date(2018, 7, 17).toordinal())
    plot.set_axes(Axis("", *days, is_date=True), Axis("", 0, 1))
    assert [text for _, text in plot._ticks(plot._axis(0), 300, 130)] == ["2018-03", "2018-05", "2018-07"]


def test_the_mouse_finds_what_the_subclass_says(plot):
    clicked, hovered = [], []
    plot.clicked.connect(clicked.append)
    plot.hovered.connect(hovered.append)
    place = QPoint(round(plot.x(20)), round(plot.y(5)))
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place + QPoint(60, 0))
    assert clicked == ["point", None]
    plot._hover(QPointF(place))
    plot._hover(QPointF(place))
    plot._hover(None)
    assert hovered[-2:] == ["point", None] and plot.hovered_item is None


def test_a_message_stands_instead_of_data(plot):
    plot.set_message("Nothing is known yet.")
    assert not plot.has_axes()
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton)
    assert not plot.grab().isNull()
    with pytest.raises(ValueError, match="no axes"):
        plot.x(1)


def test_colours_follow_the_theme(plot):
    dark = QPalette()
    dark.setColor(QPalette.ColorRole.Base, QColor("#202020"))
    dark.setColor(QPalette.ColorRole.Text, QColor("#f0f0f0"))
    plot.setPalette(dark)
    assert plot.is_dark() and plot.text_colour().lightness() > 200 and plot.text_colour(0).lightness() < 60
    assert plot.grab().toImage().pixelColor(2, 2).lightness() < 60


def test_plots_need_no_part_of_qgis_but_its_qt():
    code = (
        "import sys; sys.modules['qgis.core'] = sys.modules['qgis.gui'] = None; "
        "import ada_mapper.ui.plots.network_plot, ada_mapper.ui.plots.histogram_plot; "
        "sys.exit(any(name in sys.modules for name in ('scipy', 'osgeo', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
