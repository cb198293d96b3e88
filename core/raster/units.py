"""The units that rasters come in, in the spellings of common software."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..errors import InputError
from ..progress import Progress
from ..texts import Message
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


def band_unit(
    text: str,
    path: PathLike,
    label: str,
    default: str,
    progress: Progress,
    possible: Collection[str] | None = None,
    wanted: str = "",
) -> str:
    """The unit of a band's numbers from the ``text`` that names it; ``default`` where it is missing or unknown.

    ``label`` is what messages call the layer. What is assumed is told. InputError for a unit that isn't ``possible``
    (None: any is), which says what is ``wanted``.
    """
    unit = unit_of(text)
    if not text.strip():
        progress.info(
            "{path}: the {label} has no unit in the file; {default} is assumed.",
            path=path,
            label=label,
            default=default,
        )
        return default
    if unit is None:
        progress.warning(
            "{path}: the unit “{text}” of the {label} isn't known to ADA Mapper; {default} is assumed.",
            path=path,
            text=text,
            label=label,
            default=default,
        )
        return default
    if possible is not None and unit not in possible:
        raise InputError(
            "{path} can't be a {label}: its unit is “{text}”. Choose a raster in {wanted}, or correct the unit of its "
            "band.",
            path=path,
            label=label,
            text=text,
            wanted=wanted,
        )
    return unit


def los_rate_factor(reader: BandReader, progress: Progress) -> float:
    """What turns the numbers of a LOS rate band into mm/yr, which is assumed and told where its unit isn't known.

    InputError for a unit that is no rate of a length.
    """
    text, path = reader.tags["unit"].strip(), reader.source.label
    unit = band_unit(text, path, Message("LOS rate"), "mm/yr", progress, YEARLY_METRES, Message("mm/yr or m/yr"))
    return YEARLY_METRES[unit] * 1000


def metres_per_unit(reader: BandReader, progress: Progress) -> float:
    """Metres of one unit of a DEM band's heights; metres where the unit is missing or unknown, which is told.

    InputError for a unit that is none of length.
    """
    text, path = reader.tags["unit"], reader.source.label
    unit = band_unit(text, path, Message("DEM"), "m", progress, METRES, Message("metres or feet"))
    if unit != "m":
        progress.info(
            "{path} gives its heights in {unit}; they were multiplied by {metres:.7g} to metres.",
            path=path,
            unit=unit,
            metres=METRES[unit],
        )
    return METRES[unit]
