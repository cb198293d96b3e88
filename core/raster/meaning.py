"""What a band is meant to be: its unit, the units that it may come in, the numbers that it can hold."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..texts import Message
from .units import METRES, YEARLY_METRES

HUGE = 1e30
"""Numbers of this size and more stand for no data in any band: no measure is so large."""
MARKERS = (-9999.0, 9999.0, -99999.0, 99999.0, -32768.0, -32767.0, 32767.0, 65535.0, -1e10, -1e20, 1e20)
"""What stands for no data undeclared, besides numbers of the size of HUGE, in a band that can't hold such a number."""

_Span = tuple[float, float]


@dataclass(frozen=True)
class BandKind:
    """What the numbers of a band mean, and what follows from that.

    ``unit``: what they are read in, assumed where a file names none. ``units``: (name, factor to ``unit``) of those
    that a file may have, ``wanted`` in words. ``usual``: outside of it a number is warned of. ``believed``: outside of
    it lie stray pixels at most. ``possible``: outside of it no number can lie, so that it is a marker for no data or a
    mistake of the file. ``advice`` says what is to be looked at then. ``least``: what 1 % of the numbers should
    exceed, and the unit in which they wouldn't. ``zeros_are_missing``: 0 is no data where it is frequent and no other
    value is declared. ``is_share``: 0 to 1, which files give in percent or as 0 to 255, too. ``is_measured``: it can't
    be 0 and 1 alone. ``small``: the unit that is assumed where the file names none and half of the numbers are so
    small.
    """

    label: Message
    unit: str
    units: tuple[tuple[str, float], ...]
    wanted: Message
    usual: _Span
    believed: _Span
    possible: _Span
    advice: Message
    least: tuple[float, str] = (0.0, "")
    zeros_are_missing: bool = False
    is_share: bool = False
    is_measured: bool = True
    small: tuple[str, float] | None = None

    def times(self, factor: float, unit: str) -> BandKind:
        """The kind for numbers that are ``factor`` times as large, in another unit."""

        def span(limits: _Span) -> _Span:
            low, high = sorted((limits[0] * factor, limits[1] * factor))
            return low, high

        return replace(
            self,
            unit=unit,
            usual=span(self.usual),
            believed=span(self.believed),
            possible=span(self.possible),
            least=(self.least[0] * abs(factor), self.least[1]),
        )


def impossible(label: str, kind: BandKind, lowest: float, highest: float) -> Message:
    """What to tell of numbers that a band of the kind can't hold."""
    return Message(
        "{label} can't be used as {kind}: its numbers reach from {lowest:.4g} to {highest:.4g}{unit}. {advice}",
        label=label,
        kind=kind.label,
        lowest=lowest,
        highest=highest,
        unit=f" {kind.unit}" if kind.unit not in ("", "1") else "",
        advice=kind.advice,
    )


def _both(limit: float) -> _Span:
    return -limit, limit


_ANGLES = (("degree", 1.0), ("rad", math.degrees(1)))
_PARTS = (("1", 1.0), ("percent", 0.01))
_DEGREES = Message("degrees or radians")
_ADVICE = Message("Check its byte order and unit, and which value stands for no data in it.")

PHASE = BandKind(
    Message("unwrapped phase"),
    "rad",
    (("rad", 1.0), ("1", 1.0), ("degree", math.radians(1)), ("cycle", 2 * math.pi)),
    Message("radians"),
    _both(2000.0),
    _both(5000.0),
    _both(30000.0),
    _ADVICE,
    least=(0.05, "m"),
)
PHASE_RATE = BandKind(
    Message("phase rate"),
    "rad/yr",
    (("rad/yr", 1.0),),
    Message("rad/yr"),
    _both(500.0),
    _both(2e5),
    _both(2e5),
    _ADVICE,
    zeros_are_missing=True,
)
LOS_RATE = BandKind(
    Message("LOS rate"),
    "mm/yr",
    tuple((unit, metres * 1000) for unit, metres in YEARLY_METRES.items()),
    Message("mm/yr or m/yr"),
    _both(3000.0),
    _both(1e6),
    _both(1e6),
    _ADVICE,
    least=(0.2, "m/yr"),
    zeros_are_missing=True,
)
STANDARD_ERROR = BandKind(
    Message("standard error"),
    "mm/yr",
    LOS_RATE.units,
    Message("mm/yr or m/yr"),
    (0.0, 1000.0),
    (0.0, 1e6),
    (-1e-4, 1e6),
    Message("Choose the standard error of the LOS rate, from Stack interferograms."),
    least=(0.01, "m/yr"),
    zeros_are_missing=True,
)
HEIGHTS = BandKind(
    Message("DEM"),
    "m",
    tuple(METRES.items()),
    Message("metres or feet"),
    (-500.0, 9000.0),
    (-12000.0, 9000.0),
    (-12000.0, 30000.0),
    _ADVICE,
)
DELAY = BandKind(
    Message("delay of the air"),
    "m",
    tuple((unit, METRES[unit]) for unit in ("m", "cm", "mm")),
    Message("metres, centimetres or millimetres"),
    (-2.0, 4.0),
    (-10.0, 10.0),
    (-10.0, 10.0),
    Message("Along the vertical the air delays by about 2.3 m at the height of the sea. Check unit and byte order."),
    zeros_are_missing=True,
)
SLOPE = BandKind(
    Message("slope"),
    "degree",
    _ANGLES,
    _DEGREES,
    (0.0, 90.0),
    (0.0, 89.5),
    (-0.01, 90.01),
    Message("Was it made of a DEM with degrees for metres, or with numbers that stand for no data?"),
    least=(math.pi / 2, "rad"),
)
INCIDENCE = BandKind(
    Message("incidence angle"),
    "degree",
    _ANGLES,
    _DEGREES,
    (0.0, 90.0),
    (0.0, 90.0),
    (-0.01, 90.01),
    _ADVICE,
    small=("rad", math.pi / 2),
)
LOS_SENSITIVITY = BandKind(
    Message("LOS sensitivity"), "1", _PARTS, Message("parts of 1"), _both(1.0), _both(1.0), _both(1.001), _ADVICE
)
COHERENCE = BandKind(
    Message("coherence"), "1", _PARTS, Message("0 to 1"), (0.0, 1.0), (0.0, 1.02), (-0.1, 1.1), _ADVICE, is_share=True
)
CLOSURE = BandKind(
    Message("closure"),
    "1",
    _PARTS,
    Message("0 to 1"),
    (0.0, 1.0),
    (0.0, 1.0),
    (-1e-4, 1.0001),
    Message("Choose the share of triplets that don't close, from Stack interferograms."),
    is_share=True,
    is_measured=False,
)
# Sums of a softmax in float32 may pass 1 by a little.
PROBABILITY = BandKind(
    Message("probability"),
    "1",
    _PARTS,
    Message("0 to 1"),
    (0.0, 1.0),
    (-1e-4, 1.0001),
    (-1e-4, 1.0001),
    Message("Choose the result of Detect active deformation areas."),
    is_share=True,
    is_measured=False,
)
