"""Interferograms of any processor as one stack, and the selection of its pairs.

Enters: folders and tables of files, each product through its reader; nothing of how rates are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .closure import Triplets, closure_offsets, closures, integer_closures, open_share, pair_closures
    from .components import note_components, within_components
    from .delay_files import DelayMap, find_delays
    from .finding import find_stack
    from .given import GivenView, is_wavelength
    from .limits import PairLimits
    from .model import Interferogram, Stack
    from .network import baseline_positions, connected_dates
    from .readers import PRODUCTS
    from .selection import (
        PairFacts,
        PairSelection,
        nothing_left,
        pair_facts,
        reasons_against,
        rules_against,
        select_pairs,
    )
    from .timing import SEASONAL_YEARS, timing_notes
    from .triplets import triplets_of
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "PRODUCTS",
    "SEASONAL_YEARS",
    "DelayMap",
    "GivenView",
    "Interferogram",
    "PairFacts",
    "PairLimits",
    "PairSelection",
    "Stack",
    "Triplets",
    "baseline_positions",
    "closure_offsets",
    "closures",
    "connected_dates",
    "find_delays",
    "find_stack",
    "integer_closures",
    "is_wavelength",
    "note_components",
    "nothing_left",
    "open_share",
    "pair_closures",
    "pair_facts",
    "reasons_against",
    "rules_against",
    "select_pairs",
    "timing_notes",
    "triplets_of",
    "within_components",
]
