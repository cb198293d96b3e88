"""The parts of reports: pages from templates, charts, maps, ticks.

Enters: numbers and texts; nothing of what they mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .charts import COLOURS, Bar, PlotFrame, grouped_bars, histogram, legend
    from .drawing import Drawing, element, svg, svg_line, svg_picture, svg_text
    from .html import Words, words, write_page
    from .maps import MapFrame, png, scale_bar
    from .numbers import significant
    from .tables import plain_cell, write_csv
    from .ticks import date_ticks, decimals_of, round_down, round_step, round_ticks, round_up
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "COLOURS",
    "Bar",
    "Drawing",
    "MapFrame",
    "PlotFrame",
    "Words",
    "date_ticks",
    "decimals_of",
    "element",
    "grouped_bars",
    "histogram",
    "legend",
    "plain_cell",
    "png",
    "round_down",
    "round_step",
    "round_ticks",
    "round_up",
    "scale_bar",
    "significant",
    "svg",
    "svg_line",
    "svg_picture",
    "svg_text",
    "words",
    "write_csv",
    "write_page",
]
