"""The spellings of units, and that a constant is defined once."""

from __future__ import annotations

import pytest

from ada_mapper.core.interferograms import model
from ada_mapper.core.raster import METRES, YEARLY_METRES, unit_of, units


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("mm/yr", "mm/yr"),
        ("Millimetre/year", "mm/yr"),
        ("mm yr-1", "mm/yr"),
        ("mm a^-1", "mm/yr"),
        ("mm/a", "mm/yr"),
        ("cm/y", "cm/yr"),
        ("metres per year", "m/yr"),
        ("m/year", "m/yr"),
        ("rad yr⁻¹", "rad/yr"),
        ("radians/year", "rad/yr"),
        ("Metre", "m"),
        ("m", "m"),
        ("US survey foot", "us-ft"),
        ("°", "degree"),
        ("%", "percent"),
        ("1", "1"),
        ("furlong", None),
        ("mm/day", None),
        ("yr", None),
        ("", None),
    ],
)
def test_spellings(text, unit):
    assert unit_of(text) == unit
    assert unit_of(f" {text.upper()} ") == unit


def test_lengths():
    assert METRES["us-ft"] == pytest.approx(0.3048006)
    assert YEARLY_METRES["cm/yr"] == 0.01


def test_the_wavelength_is_that_of_the_interferograms():
    assert units.SENTINEL1_WAVELENGTH is model.SENTINEL1_WAVELENGTH
