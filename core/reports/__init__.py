"""The parts of reports: pages, charts, maps, ticks.

Enters: numbers and texts; nothing of what they mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .charts import COLOURS, Bar, Frame, grouped_bars, legend
    from .drawing import svg, svg_line, svg_text
    from .html import bullet_list, number, table, write_page
    from .maps import MapFrame, png, scale_bar
    from .ticks import date_ticks, round_step, round_ticks
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "COLOURS",
    "Bar",
    "Frame",
    "MapFrame",
    "bullet_list",
    "date_ticks",
    "grouped_bars",
    "legend",
    "number",
    "png",
    "round_step",
    "round_ticks",
    "scale_bar",
    "svg",
    "svg_line",
    "svg_text",
    "table",
    "write_page",
]
