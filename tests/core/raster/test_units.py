"""The spellings of units, and that a constant is defined once."""

from __future__ import annotations

import pytest

from ada_mapper.core.errors import InputError
from ada_mapper.core.progress import QUIET, Progress
from ada_mapper.core.raster import METRES, YEARLY_METRES, band_unit, unit_of


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
        ("mm/day", "mm/d"),
        ("m d-1", "m/d"),
        ("mm/month", None),
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


@pytest.mark.parametrize(
    ("text", "unit", "told"),
    [
        ("mm/yr", "mm/yr", []),
        ("cm per year", "cm/yr", []),
        (" ", "mm/yr", ["f.tif: the LOS rate has no unit in the file; mm/yr is assumed."]),
        (
            "furlong",
            "mm/yr",
            ["f.tif: the unit “furlong” of the LOS rate isn't known to ADA Mapper; mm/yr is assumed."],
        ),
    ],
)
def test_a_missing_or_unknown_unit_is_assumed_and_told(text: str, unit: str, told: list[str]) -> None:
    said: list[str] = []
    progress = Progress(on_info=said.append, on_warning=said.append)
    assert band_unit(text, "f.tif", "LOS rate", "mm/yr", progress, YEARLY_METRES, "mm/yr or m/yr") == unit
    assert said == told


def test_a_unit_of_something_else_is_refused_unless_any_will_do() -> None:
    with pytest.raises(InputError, match=r"f\.tif can't be used as DEM: its unit is “rad/yr”\. Choose a raster in m"):
        band_unit("rad/yr", "f.tif", "DEM", "m", QUIET, METRES, "metres or feet")
    assert band_unit("rad/yr", "f.tif", "DEM", "m", QUIET) == "rad/yr"
