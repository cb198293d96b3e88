"""Plots of an area: values lie where the axes say, gaps stay gaps, texts follow the locale, messages replace data."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from qgis.PyQt.QtCore import QLocale, QPointF
from qgis.PyQt.QtGui import QImage

from ada_mapper.core.evidence import Profile, TimeSeries
from ada_mapper.ui.plots import ProfilePlot, SeriesPlot
from ada_mapper.ui.plots.area_plots import RATE, runs
from ada_mapper.ui.plots.numbers import padded


def profile(**changes: Any) -> Profile:
    """500 m down a slope of 45°, moving by -20 mm/yr in its middle."""
    distance = np.linspace(0, 500, 101)
    inside = (distance > 150) & (distance < 350)
    values: dict[str, Any] = {
        "distance": distance,
        "elevation": 1000 - distance,
        "los_rate": np.where(inside, -20.0, 0.0),
        "inside": inside,
        "sign": "toward",
        "ends": ((9.0, 45.0), (9.0, 44.995)),
        "azimuth": 180.0,
        "is_downslope": True,
    }
    return Profile(**{**values, **changes})


def series(components: tuple[int, ...] = (0,) * 6) -> TimeSeries:
    """Six dates, 30 days apart, -3 mm each."""
    dates = tuple(date(2022, 1, 1) + timedelta(days=30 * index) for index in range(6))
    return TimeSeries(
        dates, -3.0 * np.arange(6), np.full(6, 1.5), np.array(components), -36.5, 2.0, 9, 9, (), 100, 400, (60.0, 460.0)
    )


def picture(widget: Any) -> QImage:
    """What the widget looks like."""
    widget.resize(380, 300)
    return widget.grab().toImage()


def colours(image: QImage) -> set[str]:
    """All colours of a picture."""
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def test_tracks_lie_below_each_other_and_values_where_the_axes_say(qgis_app: Any) -> None:
    plot = ProfilePlot()
    plot.show_profile(profile())
    picture(plot)
    rate, ground = plot.rate, plot.ground
    assert rate.plot_area().left() == ground.plot_area().left()
    assert rate.plot_area().right() == ground.plot_area().right()
    assert ground.y(1000) < ground.y(500)
    assert rate.y(0) < rate.y(-20) <= rate.plot_area().bottom()
    assert rate.hit(QPointF(rate.x(250), rate.plot_area().center().y())) == 50
    assert rate.hit(QPointF(1, 1)) is None


def test_a_gap_is_not_bridged(qgis_app: Any) -> None:
    """Where the rate is missing nothing is drawn in its colour."""
    values = np.full(101, -20.0)
    values[30:60] = np.nan
    plot = ProfilePlot()
    plot.show_profile(profile(los_rate=values))
    picture(plot)
    image, row = plot.rate.grab().toImage(), round(plot.rate.y(-20))

    def is_blue(distance: float) -> bool:
        return image.pixelColor(round(plot.rate.x(distance)), row).saturation() > 60

    assert is_blue(100) and is_blue(400)
    assert not is_blue(230)


def test_what_is_missing_is_said_or_left_out(qgis_app: Any) -> None:
    plot = ProfilePlot()
    nothing = np.full(101, np.nan)
    plot.show_profile(profile(elevation=nothing))
    assert plot.ground.isHidden() and plot.rate.has_axes()
    plot.show_profile(profile(los_rate=nothing))
    assert not plot.ground.isHidden() and not plot.rate.has_axes()
    plot.show_profile(profile())
    assert plot.ground.has_axes() and plot.rate.has_axes()
    plot.set_message("The DEM is gone.")
    assert not plot.rate.has_axes() and plot.ground.isHidden()
    picture(plot)


def test_hovering_marks_both_tracks(qgis_app: Any) -> None:
    plot = ProfilePlot()
    plot.show_profile(profile())
    told: list[Any] = []
    plot.sample_hovered.connect(told.append)
    before = picture(plot)
    plot.rate.hovered.emit(50)
    assert told == [50]
    assert picture(plot) != before
    plot.rate.hovered.emit(None)
    assert picture(plot) == before


def test_dates_are_hit_and_told(qgis_app: Any) -> None:
    plot = SeriesPlot()
    plot.show_series(series())
    picture(plot)
    place = QPointF(plot.x(date(2022, 3, 2).toordinal()), plot.y(-6.0))
    assert plot.hit(place) == 2
    assert plot.hit(place + QPointF(0, 40)) is None
    assert "2022-03-02" in plot.hint(2)


def test_groups_are_not_joined(qgis_app: Any) -> None:
    """Between two groups of dates there is no line, as their distance was not measured."""
    images = []
    for components in ((0,) * 6, (0, 0, 0, 1, 1, 1)):
        plot = SeriesPlot()
        plot.show_series(series(components))
        picture(plot)
        middle = QPointF(plot.x(date(2022, 3, 17).toordinal()), plot.y(-7.5)).toPoint()
        images.append(plot.grab().toImage().copy(middle.x() - 3, middle.y() - 3, 7, 7))
    assert len(colours(images[0])) > 1
    assert RATE.name() not in colours(images[1])
    assert images[0] != images[1]


def test_a_series_without_errors_has_no_bars_and_no_sign_of_them(qgis_app: Any) -> None:
    plot = SeriesPlot()
    plot.show_series(replace(series(), spread=np.full(6, np.nan), rate_error=math.nan))
    assert RATE.name() in colours(picture(plot))
    assert "±" not in plot.hint(2)
    assert "±" in hint_of(series(), 2)


def hint_of(shown: TimeSeries, item: int) -> str:
    """What the plot says of a date."""
    plot = SeriesPlot()
    plot.show_series(shown)
    return plot.hint(item)


@pytest.mark.parametrize("name, written", [("de", "−36,5 ± 2,0"), ("en", "−36.5 ± 2.0")])
def test_numbers_follow_the_locale(qgis_app: Any, name: str, written: str) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale(name))
    try:
        plot = SeriesPlot()
        plot.show_series(series())
        assert any(written in entry.text for entry in plot._legend)
    finally:
        QLocale.setDefault(before)


def test_stretches_and_axes() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.zeros(3, bool)) == []
    low, high = padded(np.array([-20.0, np.nan, -5.0]), 4.0, with_zero=True)
    assert low < -20 and high > 0
    low, high = padded(np.array([3.0, 3.0]), 4.0)
    assert (low, high) == (1.0, 5.0)
