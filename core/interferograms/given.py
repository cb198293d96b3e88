"""What a user says of the radar and its view, which takes the place of what products tell."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..errors import InputError
from ..satellite import LOOK_SIDES
from ..texts import Message
from .model import Acquisition, Interferogram
from .readers import HEADING, INCIDENCE, WAVELENGTH, Quantity

# What differs by less is told alike: rounded frequencies, headings and angles of different places in the scene.
_SAME_WAVELENGTH = 0.005
_SAME_ANGLE = 5.0
_QUANTITIES = {"wavelength": WAVELENGTH, "heading": HEADING, "incidence": INCIDENCE}

Told = TypeVar("Told", Acquisition, Interferogram)


def _check(quantity: Quantity, value: float | None) -> None:
    """InputError where this can't be right."""
    if value is not None and not quantity.holds(value):
        raise InputError(
            "The {quantity} {value:g} {unit} is impossible; give a number from {least:g} to {most:g} {unit}.",
            quantity=quantity.title,
            value=value,
            unit=quantity.unit,
            least=quantity.least,
            most=quantity.most,
        )


@dataclass(frozen=True)
class GivenView:
    """Wavelength in metres, heading and incidence angle in degrees, look side ("right" or "left"); None: as told.

    InputError for what can't be.
    """

    wavelength: float | None = None
    heading: float | None = None
    incidence: float | None = None
    look_side: str | None = None

    def __post_init__(self) -> None:
        for name, quantity in _QUANTITIES.items():
            _check(quantity, getattr(self, name))
        if self.look_side is not None and self.look_side not in LOOK_SIDES:
            raise InputError("A radar looks to the right or to the left, not to “{side}”.", side=self.look_side)

    @property
    def angles(self) -> GivenView:
        """The same without the wavelength."""
        return replace(self, wavelength=None)

    def over(self, told: Told, path: Path, notes: list[str]) -> Told:
        """What a product or a pair tells, with what is given in its place; where the two contradict, ``notes`` say so.

        ``path`` is for the notes.
        """
        for name, given in vars(self).items():
            known = getattr(told, name)
            if given is None:
                continue
            if known is not None and _differ(name, given, known):
                notes.append(_contradiction(path, name, given, known))
            told = replace(told, **{name: given})
        return told


def is_wavelength(value: float) -> bool:
    """Whether so many metres can be the wavelength of a radar satellite."""
    return WAVELENGTH.holds(value)


AS_TOLD = GivenView()
"""Nothing is given: all is as the products tell it."""


def _differ(name: str, given: float | str, known: float | str) -> bool:
    if isinstance(given, str) or isinstance(known, str):
        return given != known
    if name == "wavelength":
        return abs(given / known - 1) > _SAME_WAVELENGTH
    return math.cos(math.radians(given - known)) < math.cos(math.radians(_SAME_ANGLE))


def _contradiction(path: Path, name: str, given: float | str, known: float | str) -> Message:
    if name == "look_side":
        return Message(
            "{path}: its metadata say that the radar looks to the {known}, but {given} was given and is used.",
            path=path,
            known=known,
            given=given,
        )
    quantity = _QUANTITIES[name]
    return Message(
        "{path}: its metadata tell a {quantity} of {known:.6g} {unit}, but {given:.6g} {unit} was given and is used.",
        path=path,
        quantity=quantity.title,
        known=known,
        given=given,
        unit=quantity.unit,
    )
