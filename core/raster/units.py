"""The units that rasters come in, in the spellings of common software."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..errors import InputError
from ..progress import Progress
from ..types import PathLike

METRES: Mapping[str, float] = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "ft": 0.3048, "us-ft": 1200 / 3937}
"""Metres of each unit of length."""
YEARLY_METRES: Mapping[str, float] = {
    **{f"{unit}/yr": metres for unit, metres in METRES.items()},
    **{f"{unit}/d": metres * 365.25 for unit, metres in METRES.items()},
}
"""Metres a year of each unit of a LOS rate."""

_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "mm": ("mm", "millimetre", "millimetres", "millimeter", "millimeters"),
    "cm": ("cm", "centimetre", "centimetres", "centimeter", "centimeters"),
    "m": ("m", "metre", "metres", "meter", "meters"),
    "ft": ("ft", "foot", "feet"),
    "us-ft": ("us-ft", "ftus", "ussurveyfoot", "ussurveyfeet", "footus", "foot_us"),
    "rad": ("rad", "radian", "radians"),
    "degree": ("degree", "degrees", "deg", "°"),
    "cycle": ("cycle", "cycles", "fringe", "fringes"),
    "percent": ("percent", "%"),
    "1": ("1",),
}
_NAMES = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_SPANS = {"yr": ("years", "year", "yr", "y", "a"), "d": ("days", "day", "d")}
_PER_SPAN = tuple(
    (form.format(word), span)
    for span, words in _SPANS.items()
    for word in words
    for form in ("/{}", "per{}", "{}-1", "{}^-1", "{}⁻¹")
)


def unit_of(text: str) -> str | None:
    """The unit that a text means: "m", "mm/yr", "m/d", "degree" and so on; None for one that isn't known."""
    compact = text.lower().replace(" ", "").replace("·", "").replace("*", "").replace(".", "")
    for ending, span in _PER_SPAN:
        if compact.endswith(ending) and compact[: -len(ending)] in _NAMES:
            return f"{_NAMES[compact[: -len(ending)]]}/{span}"
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
            "{path} can't be used as {label}: its unit is “{text}”. Choose a raster in {wanted}, or correct the unit "
            "of its band.",
            path=path,
            label=label,
            text=text,
            wanted=wanted,
        )
    return unit
