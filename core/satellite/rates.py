"""Equation 2 of Wu et al. 2024: phase rate and LOS rate, their signs and the constants between them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..raster import YEARLY_METRES
from ..types import Array

SPEED_OF_LIGHT = 299_792_458.0

SENTINEL1_WAVELENGTH = 0.055465763

DAYS_PER_YEAR = 365.25

WAVELENGTH_TAG, SHORTEST_PAIR_TAG = "WAVELENGTH_METRES", "SHORTEST_PAIR_DAYS"
"""Tags of a band of rates: the radar's wavelength, and the days between the dates of the shortest pair."""


def metres_away(unit: str, sign: str, wavelength: float) -> float:
    """Metres a year away from the satellite that one such unit stands for (Wu et al. 2024, Eq. 2)."""
    metres = wavelength / (4 * math.pi) if unit == "rad/yr" else YEARLY_METRES[unit]
    return metres if sign == "away" else -metres


def los_factor(wavelength: float, unit: str = "mm/yr", sign: str = "toward") -> float:
    """The LOS rate, in that unit and sign, of a phase rate of 1 rad/yr (positive away)."""
    return metres_away("rad/yr", sign, wavelength) * (1 / YEARLY_METRES[unit])


def to_phase_rate(los_rate: Array, wavelength: float = SENTINEL1_WAVELENGTH) -> Array:
    """Phase rate (rad/yr, positive away) of a LOS rate (mm/yr, positive toward): p = -4πr/λ."""
    return los_rate * np.float32(1 / los_factor(wavelength))


def to_los_rate(phase_rate: Array, wavelength: float = SENTINEL1_WAVELENGTH) -> Array:
    """LOS rate (mm/yr, positive toward) of a phase rate (rad/yr, positive away): r = -λp/4π."""
    return phase_rate * np.float32(los_factor(wavelength))


def fastest_measurable(tags: Mapping[str, str]) -> float | None:
    """The LOS rate (mm/yr) at which the ground moves by λ/4 between the dates of the shortest pair, from a band's tags.

    Neighbouring pixels that move against each other by more than half a cycle of the two-way path (λ/4 along the line
    of sight) can't be told from such as move less: unwrapping loses cycles there. None where the tags don't tell.
    """
    try:
        wavelength, days = (float(tags[name]) for name in (WAVELENGTH_TAG, SHORTEST_PAIR_TAG))
    except (KeyError, ValueError):
        return None
    if not (0 < wavelength < 10 and 0 < days < math.inf):
        return None
    return 1000 * wavelength / 4 * DAYS_PER_YEAR / days
