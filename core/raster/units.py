"""The units that rasters come in, in the spellings of common software."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import InputError
from ..progress import QUIET, Progress
from ..types import PathLike
from .reading import BandReader

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


def los_rate_factor(reader: BandReader, progress: Progress) -> float:
    """What turns the numbers of a LOS rate band into mm/yr, which is assumed and told where its unit isn't known.

    InputError for a unit that is no rate of a length.
    """
    path, text = reader.source.label, reader.tags["unit"].strip()
    unit = unit_of(text)
    if not text:
        progress.info(f"{path} names no unit: its rates are taken as mm/yr.")
        return 1.0
    if unit is None:
        progress.warning(f"{path}: the unit “{text}” isn't known to ADA Mapper; its rates are taken as mm/yr.")
        return 1.0
    if unit not in YEARLY_METRES:
        raise InputError(
            f"{path} is in {text}, which is not a LOS rate in mm/yr or m/yr. Choose the LOS rate, or correct the unit "
            "of its band."
        )
    return YEARLY_METRES[unit] * 1000


def metres_per_unit(unit: str, path: PathLike, progress: Progress = QUIET) -> float:
    """Metres of one unit of a DEM's heights; metres where the unit is missing or unknown, which is told.

    InputError for a unit that is none of length.
    """
    if not unit.strip():
        progress.info(f"{path} does not say the unit of its heights; metres are assumed.")
        return 1.0
    known = unit_of(unit)
    if known is None:
        progress.warning(f"{path} gives its heights in “{unit}”, which isn't known to ADA Mapper; metres are assumed.")
        return 1.0
    if known not in METRES:
        raise InputError(
            f"{path} can't be a DEM: its unit is “{unit}”. Choose a raster of heights in metres or feet, or correct "
            "the unit of its band."
        )
    if known != "m":
        progress.info(f"{path} gives its heights in {unit}; they were multiplied by {METRES[known]:.7g} to metres.")
    return METRES[known]
