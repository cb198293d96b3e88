"""The chance that an area is right, from the mean probability of its pixels and its size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..channels import is_number
from ..errors import InputError
from ..texts import Message

AREA_CALIBRATION_TAG = "AREA_CALIBRATION"
"""The tag of a band of probabilities that holds ``AreaCalibration.text``."""
HECTARE = 10_000.0
_SUREST = 1e-6


@dataclass(frozen=True)
class AreaCalibration:
    """What the mean probability p of an area's pixels and its size A (m²) say of it, as measured on judged areas.

    The chance that it is right is 1 / (1 + exp(−z)) with z = ``slope`` · ln(p / (1 − p)) + ``offset`` + ``size`` ·
    ln(A / 1 hectare): the logistic of Platt (1999), with the size beside the score. InputError for numbers that are
    none, and where a surer model would mean a smaller chance.
    """

    slope: float
    offset: float
    size: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not is_number(value) or (name == "slope" and value < 0):
                raise InputError(
                    "The calibration of areas can't have the {name} {value}.", name=name, value=repr(value)[:100]
                )

    @property
    def text(self) -> str:
        """The three numbers, as the tag of a band holds them."""
        return f"{self.slope:.10g} {self.offset:.10g} {self.size:.10g}"

    @classmethod
    def from_text(cls, text: str) -> AreaCalibration | None:
        """What ``text`` gave; None for anything else."""
        try:
            slope, offset, size = (float(word) for word in text.split())
            return cls(slope, offset, size)
        except (ValueError, InputError):
            return None

    def coarser(self, factor: float) -> AreaCalibration:
        """The calibration for data whose pixels are ``factor`` times as wide: as many of them say as much."""
        return replace(self, offset=self.offset - self.size * 2 * math.log(factor))

    def chance(self, mean_probability: float, square_metres: float) -> float:
        """The chance, 0 to 1, that an area of that mean probability and size (above 0) is right."""
        z = self.slope * log_odds(mean_probability) + self.offset + self.size * math.log(square_metres / HECTARE)
        # The side of the sum that can't overflow.
        return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def log_odds(probability: float) -> float:
    """ln(p / (1 − p)), finite for probabilities of 0 and 1, too."""
    inside = min(max(probability, _SUREST), 1 - _SUREST)
    return math.log(inside / (1 - inside))


def told_chance(calibration: AreaCalibration | None, chosen_rules: bool) -> Message:
    """What the probability of areas means."""
    if calibration is None:
        return Message("The model isn't calibrated for areas: their probability is the mean of their pixels.")
    if chosen_rules:
        return Message(
            "The probability of an area is the chance that it is right. It was measured with the thresholds that the "
            "model advises; with others it holds roughly."
        )
    return Message("The probability of an area is the chance that it is right, as measured when the model was made.")
