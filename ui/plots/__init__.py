"""Plots drawn with Qt alone.

Enters: arrays and texts; no layer and no project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .area_plots import ProfilePlot, SeriesPlot
    from .histogram_plot import HistogramPlot
    from .network_plot import NetworkPlot, PlotPair
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "HistogramPlot",
    "NetworkPlot",
    "PlotPair",
    "ProfilePlot",
    "SeriesPlot",
]
