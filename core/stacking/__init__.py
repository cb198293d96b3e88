"""From phases to rates: corrections, Eq. 1 or least squares of the network, the error, streamed through memory.

Enters: a stack of selected pairs, a DEM, a mask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .atmosphere_filter import AtmosphereFilter
    from .corrections import Corrections
    from .network_rate import network_rates, noise_of_network
    from .noise import NoiseLevels
    from .options import DEFAULT_ESTIMATOR, ESTIMATORS, StackingOptions, StackOutputs
    from .rate import stack_phases
    from .reading import ReaderPool, plan_windows, read_pixels
    from .reference_phase import Reference
    from .report import write_report
    from .stacking import stack_to_files
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "DEFAULT_ESTIMATOR",
    "ESTIMATORS",
    "AtmosphereFilter",
    "Corrections",
    "NoiseLevels",
    "ReaderPool",
    "Reference",
    "StackOutputs",
    "StackingOptions",
    "network_rates",
    "noise_of_network",
    "plan_windows",
    "read_pixels",
    "stack_phases",
    "stack_to_files",
    "write_report",
]
