"""The satellite's view and equation 2, which turns phase rates into LOS rates.

Enters: angles, rates, wavelengths and signs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .rates import (
        DAYS_PER_YEAR,
        SENTINEL1_WAVELENGTH,
        SHORTEST_PAIR_TAG,
        SPEED_OF_LIGHT,
        WAVELENGTH_TAG,
        fastest_measurable,
        los_factor,
        metres_away,
        to_los_rate,
        to_phase_rate,
    )
    from .viewing import (
        ASCENDING_HEADING,
        DESCENDING_HEADING,
        HEADING_TAG,
        INCIDENCE_TAG,
        LEFT,
        LOOK_SIDE_TAG,
        LOOK_SIDES,
        RIGHT,
        USUAL_INCIDENCE,
        Viewing,
        downslope_sensitivity,
        find_viewing,
        orbit_of,
        told_side,
        viewing_tags,
    )
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "ASCENDING_HEADING",
    "DAYS_PER_YEAR",
    "DESCENDING_HEADING",
    "HEADING_TAG",
    "INCIDENCE_TAG",
    "LEFT",
    "LOOK_SIDES",
    "LOOK_SIDE_TAG",
    "RIGHT",
    "SENTINEL1_WAVELENGTH",
    "SHORTEST_PAIR_TAG",
    "SPEED_OF_LIGHT",
    "USUAL_INCIDENCE",
    "WAVELENGTH_TAG",
    "Viewing",
    "downslope_sensitivity",
    "fastest_measurable",
    "find_viewing",
    "los_factor",
    "metres_away",
    "orbit_of",
    "to_los_rate",
    "to_phase_rate",
    "told_side",
    "viewing_tags",
]
