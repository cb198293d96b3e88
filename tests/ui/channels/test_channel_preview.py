"""The pictures of the bands: colours that mean what the maps' colours mean, no data hatched, texts, layout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qgis.PyQt.QtCore import QEvent, QLocale, QPoint, QPointF, QRectF
from qgis.PyQt.QtGui import QColor, QHelpEvent, QPalette
from qgis.PyQt.QtWidgets import QApplication, QToolTip

from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.detection import PreviewBand
from ada_mapper.processing.styles import DIVERGING
from ada_mapper.ui.channels.channel_preview import ChannelPreview, channel_title, described, picture, ramp_of

_VALUES = np.array([[-2.0, 0.0, 2.0, np.nan]], np.float32).repeat(4, axis=0)
_BAND = PreviewBand("los_rate", ChannelKind.LOS_RATE, "toward", _VALUES, -0.5, True, (-2.0, 2.0), True)


def _colour(band: PreviewBand, column: int) -> QColor:
    return picture(band).pixelColor(column, 0)


def test_motion_away_is_red_and_toward_blue_whatever_the_sign() -> None:
    assert _colour(_BAND, 0) == QColor(DIVERGING[0]) and _colour(_BAND, 2) == QColor(DIVERGING[-1])
    away = replace(_BAND, sign="away")
    assert _colour(away, 0) == QColor(DIVERGING[-1]) and _colour(away, 2) == QColor(DIVERGING[0])
    assert _colour(_BAND, 1) == _colour(away, 1) == QColor(DIVERGING[4])


def test_what_lies_on_one_side_is_grey_and_no_data_transparent() -> None:
    grey = replace(_BAND, is_diverging=False, limits=(0.0, 1.0))
    assert ramp_of(grey)[0] < ramp_of(grey)[-1]
    assert [_colour(grey, column).saturation() for column in range(3)] == [0, 0, 0]
    assert [_colour(_BAND, column).alpha() for column in range(4)] == [255, 255, 255, 0]


@pytest.fixture
def widget(qgis_app: Any) -> ChannelPreview:
    preview = ChannelPreview()
    preview.resize(700, 400)
    return preview


@pytest.mark.parametrize("is_dark", [False, True])
def test_five_bands_fit_and_no_data_is_hatched(widget: ChannelPreview, is_dark: bool) -> None:
    if is_dark:
        palette = QPalette(QColor("#303030"))
        palette.setColor(QPalette.ColorRole.WindowText, QColor("#eeeeee"))
        widget.setPalette(palette)
    widget.show_bands([_BAND] * 5)
    image = widget.grab().toImage()
    cells = widget._cells()
    assert len(cells) == 5 and all(QRectF(widget.rect()).contains(cell) for cell in cells)
    assert not any(one.intersects(other) for one in cells for other in cells if one != other)
    frame = widget._frame(cells[0])
    assert abs(frame.width() - frame.height()) < 1, "a square scene stays square"
    hatched = {
        image.pixelColor(int(frame.x() + 0.87 * frame.width()) + dx, int(frame.center().y()) + dy).name()
        for dx in range(-8, 8)
        for dy in range(-8, 8)
    }
    assert len(hatched) > 1, "lines on the ground"
    toward = image.pixelColor(int(frame.x() + 0.62 * frame.width()), int(frame.center().y()))
    assert toward == QColor(DIVERGING[-1])


@pytest.mark.parametrize("size", [(260, 180), (2000, 300), (300, 900)])
def test_it_paints_at_any_size(widget: ChannelPreview, size: tuple[int, int]) -> None:
    widget.resize(*size)
    widget.show_bands([_BAND, replace(_BAND, values=np.full((4, 4), np.nan, np.float32), is_given=False)])
    assert not widget.grab().isNull()
    assert all(widget.rect().contains(cell.toRect()) for cell in widget._cells())


def test_the_tooltip_tells_the_value_under_the_mouse(widget: ChannelPreview) -> None:
    widget.show_bands([_BAND])
    frame = widget._frame(widget._cells()[0])
    y = frame.center().y()
    assert "here: 2.00" in widget.text_at(QPointF(frame.x() + 0.6 * frame.width(), y))
    assert "here: no data, seen as −0.50" in widget.text_at(QPointF(frame.x() + 0.9 * frame.width(), y))
    assert "LOS rate" in widget.text_at(frame.center()) and widget.text_at(QPointF(-5, -5)) == ""
    spot = QPoint(int(frame.center().x()), int(y))
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, spot, widget.mapToGlobal(spot)))
    assert "−2.00 to 2.00" in QToolTip.text()


def test_numbers_follow_the_users_language(other_locale: QLocale) -> None:
    expected = "−0,50" if other_locale.decimalPoint() == "," else "−0.50"
    assert expected in described(_BAND)


def test_a_sentence_stands_where_there_are_no_bands(widget: ChannelPreview) -> None:
    widget.show_sentence("The map shows another place.")
    assert widget.accessibleDescription() == "The map shows another place."
    blank = ChannelPreview()
    blank.resize(widget.size())
    assert widget.grab().toImage() != blank.grab().toImage()


def test_titles() -> None:
    assert channel_title("phase_rate_wrapped_sine") == "Phase rate, sine"
    assert channel_title("something_new") == "something_new"
    assert all(channel_title(kind.value) != kind.value for kind in ChannelKind)
