"""Equation 2 by known answers: signs, units, there and back."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ada_mapper.core.satellite import SENTINEL1_WAVELENGTH, los_factor, metres_away, to_los_rate, to_phase_rate


def test_a_cycle_a_year_is_half_a_wavelength_of_range() -> None:
    assert los_factor(SENTINEL1_WAVELENGTH) * 2 * math.pi == pytest.approx(-SENTINEL1_WAVELENGTH / 2 * 1000)
    assert los_factor(0.24, "m/yr", "away") * 2 * math.pi == pytest.approx(0.12)
    assert los_factor(0.24, "cm/yr", "toward") * 2 * math.pi == pytest.approx(-12)


@pytest.mark.parametrize("wavelength", [0.031, SENTINEL1_WAVELENGTH, 0.24])
def test_there_and_back(wavelength: float) -> None:
    phase = np.float32([-20, 0, 3, np.nan])
    np.testing.assert_allclose(to_phase_rate(to_los_rate(phase, wavelength), wavelength), phase, rtol=1e-6)
    assert to_los_rate(np.float32(1), wavelength) == pytest.approx(1000 * metres_away("rad/yr", "toward", wavelength))
