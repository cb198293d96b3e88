"""The units that rasters come in, in the spellings of common software, and the wavelength that rates refer to."""

from __future__ import annotations

from collections.abc import Mapping

from .interferograms.model import SENTINEL1_WAVELENGTH

__all__ = ["METRES", "SENTINEL1_WAVELENGTH", "YEARLY_METRES", "unit_of"]

METRES: Mapping[str, float] = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "ft": 0.3048, "us-ft": 1200 / 3937}
"""Metres of each unit of length."""
YEARLY_METRES: Mapping[str, float] = {f"{unit}/yr": metres for unit, metres in METRES.items()}
"""Metres a year of each unit of a LOS rate."""

_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "mm": ("mm", "millimetre", "millimetres", "millimeter", "millimeters"),
    "cm": ("cm", "centimetre", "centimetres", "centimeter", "centimeters"),
    "m": ("m", "metre", "metres", "meter", "meters"),
    "ft": ("ft", "foot", "feet"),
    "us-ft": ("us-ft", "ftus", "ussurveyfoot", "ussurveyfeet", "footus", "foot_us"),
    "rad": ("rad", "radian", "radians"),
    "degree": ("degree", "degrees", "deg", "°"),
    "percent": ("percent", "%"),
    "1": ("1",),
}
_NAMES = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_PER_YEAR = tuple(
    form.format(year)
    for year in ("years", "year", "yr", "y", "a")
    for form in ("/{}", "per{}", "{}-1", "{}^-1", "{}⁻¹")
)


def unit_of(text: str) -> str | None:
    """The unit that a text means: "m", "mm/yr", "rad/yr", "degree" and so on; None for one that isn't known."""
    compact = text.lower().replace(" ", "").replace("·", "").replace("*", "").replace(".", "")
    for ending in _PER_YEAR:
        if compact.endswith(ending) and compact[: -len(ending)] in _NAMES:
            return f"{_NAMES[compact[: -len(ending)]]}/yr"
    return _NAMES.get(compact)
