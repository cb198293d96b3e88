"""The kinds of channels, and the paper's seven combinations of them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from ..texts import Message


class ChannelKind(str, Enum):
    """What a channel holds; the values are the names of bands and parameters everywhere.

    LOS_SENSITIVITY is the share of a motion down the slope that the line of sight sees, −1 to 1, positive where it
    comes toward the satellite. STANDARD_ERROR is one standard deviation of the LOS rate (mm/yr), CLOSURE the share of a
    pixel's triplets that don't close.
    """

    PHASE_RATE = "phase_rate"
    PHASE_RATE_WRAPPED = "phase_rate_wrapped"
    LOS_RATE = "los_rate"
    DEM = "dem"
    SLOPE = "slope"
    COHERENCE = "coherence"
    LOS_SENSITIVITY = "los_sensitivity"
    STANDARD_ERROR = "standard_error"
    CLOSURE = "closure"

    @property
    def layer(self) -> ChannelKind:
        """The kind of the layer that the channel is computed from."""
        return ChannelKind.PHASE_RATE if self is ChannelKind.PHASE_RATE_WRAPPED else self

    @property
    def label(self) -> Message:
        """The name in a sentence."""
        return _LABELS[self]

    @property
    def is_rate(self) -> bool:
        """True for the kinds that tell how fast the ground moves."""
        return self in _RATES

    @property
    def is_evidence(self) -> bool:
        """True for the kinds that tell how far a rate can be trusted."""
        return self in _EVIDENCE


_LABELS = {
    ChannelKind.PHASE_RATE: Message("phase rate"),
    ChannelKind.PHASE_RATE_WRAPPED: Message("wrapped phase rate"),
    ChannelKind.LOS_RATE: Message("LOS rate"),
    ChannelKind.DEM: Message("DEM"),
    ChannelKind.SLOPE: Message("slope"),
    ChannelKind.COHERENCE: Message("coherence"),
    ChannelKind.LOS_SENSITIVITY: Message("LOS sensitivity"),
    ChannelKind.STANDARD_ERROR: Message("standard error"),
    ChannelKind.CLOSURE: Message("closure"),
}

_RATES = (ChannelKind.PHASE_RATE, ChannelKind.PHASE_RATE_WRAPPED, ChannelKind.LOS_RATE)
_EVIDENCE = (ChannelKind.STANDARD_ERROR, ChannelKind.COHERENCE, ChannelKind.CLOSURE)

_PHASE_RATE, _LOS_RATE, _DEM, _SLOPE = (
    ChannelKind.PHASE_RATE,
    ChannelKind.LOS_RATE,
    ChannelKind.DEM,
    ChannelKind.SLOPE,
)

COMBINATIONS: Mapping[str, tuple[ChannelKind, ...]] = {
    "los_rate": (_LOS_RATE,),
    "phase_rate": (_PHASE_RATE,),
    "phase_rate+los_rate": (_PHASE_RATE, _LOS_RATE),
    "phase_rate+dem": (_PHASE_RATE, _DEM),
    "phase_rate+slope": (_PHASE_RATE, _SLOPE),
    "phase_rate+dem+slope": (_PHASE_RATE, _DEM, _SLOPE),
    "phase_rate+los_rate+dem+slope": (_PHASE_RATE, _LOS_RATE, _DEM, _SLOPE),
}
"""The seven channel combinations of Wu et al. 2024, tables 5 and 6, in the order of the tables."""
