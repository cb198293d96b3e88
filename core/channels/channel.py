"""The layers that a network sees: kinds, units, and the scaling that each model stores and gets exactly at use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..texts import Message
from ..types import Array
from .kinds import ChannelKind
from .scaling import Scaling, is_number, known_fields


@dataclass(frozen=True)
class Channel:
    """One layer as a network sees it: physical unit and sign, then scaling, then ``fill`` where there is no data.

    ``sign`` is "away" or "toward" for rates (what positive means), "" for all else. An ``optional`` channel was
    dropped at random in training, so it may be missing at use: all of it is then ``fill``.
    """

    kind: ChannelKind
    unit: str
    sign: str
    scaling: Scaling
    optional: bool = False
    fill: float = 0.0

    def __post_init__(self) -> None:
        units = CHANNEL_UNITS[self.kind]
        if self.unit not in units:
            raise InputError(
                "The channel {label} can't have the unit “{unit}”; known are {units}.",
                label=self.kind.label,
                unit=self.unit,
                units=", ".join(units),
            )
        if self.sign not in (("away", "toward") if self.kind.is_rate else ("",)):
            raise InputError("The channel {label} can't have the sign “{sign}”.", label=self.kind.label, sign=self.sign)
        if (self.scaling.method == "wrap") != (self.kind is ChannelKind.PHASE_RATE_WRAPPED):
            raise InputError(
                "The channel {label} can't be scaled by “{method}”.", label=self.kind.label, method=self.scaling.method
            )
        if not is_number(self.fill):
            raise InputError(
                "The channel {label} can't be filled with {fill}.", label=self.kind.label, fill=repr(self.fill)[:100]
            )
        if not isinstance(self.optional, bool):
            raise InputError(
                "The channel {label} is optional or not (true or false), not {value}.",
                label=self.kind.label,
                value=repr(self.optional)[:100],
            )

    @property
    def band_names(self) -> tuple[str, ...]:
        """The names of the bands that the channel expands to."""
        if self.kind is ChannelKind.PHASE_RATE_WRAPPED:
            return f"{self.kind.value}_sine", f"{self.kind.value}_cosine"
        return (self.kind.value,)

    def bands(self, values: ArrayLike, pixel_size: float, origin: tuple[int, int] = (0, 0)) -> Array:
        """What the network sees of a layer (h, w) in this channel's unit and sign: float32 (bands, h, w).

        NaN stays NaN: filling is left to whoever needs it. ``origin``: as Scaling.apply has it.
        """
        return self.expand(self.scaling.apply(values, pixel_size, origin))

    def expand(self, scaled: Array) -> Array:
        """The bands (bands, h, w) of what the scaling gave (h, w)."""
        if self.kind is ChannelKind.PHASE_RATE_WRAPPED:
            return np.stack([np.sin(scaled), np.cos(scaled)])
        return scaled[np.newaxis]

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "kind": self.kind.value, "scaling": self.scaling.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Channel:
        """The channel written by ``to_json``; InputError when the values don't describe one."""
        known = known_fields(values, cls, Message("a channel"))
        try:
            known["kind"] = ChannelKind(known.get("kind"))
        except ValueError:
            raise InputError("The channel kind “{get}” is unknown.", get=repr(known.get("kind"))[:100]) from None
        known["scaling"] = Scaling.from_json(known.get("scaling", {}))
        return cls(**known)


_RATE_UNITS = ("rad/yr", "mm/yr", "m/yr")
CHANNEL_UNITS: Mapping[ChannelKind, tuple[str, ...]] = {
    ChannelKind.PHASE_RATE: _RATE_UNITS,
    ChannelKind.PHASE_RATE_WRAPPED: _RATE_UNITS,
    ChannelKind.LOS_RATE: _RATE_UNITS,
    ChannelKind.DEM: ("m",),
    ChannelKind.SLOPE: ("degree",),
    ChannelKind.COHERENCE: ("1",),
    ChannelKind.LOS_SENSITIVITY: ("1",),
    ChannelKind.STANDARD_ERROR: ("mm/yr", "m/yr"),
    ChannelKind.CLOSURE: ("1",),
}
"""The units that a channel of each kind may have, the usual one first (but mm/yr for the LOS rate)."""


def minmax_channel(kind: ChannelKind, low: float, high: float, **options: Any) -> Channel:
    """A channel scaled to [0, 1] as in the paper, in the usual unit and sign; no data becomes a scaled 0."""
    scaling = Scaling("minmax", low=low, high=high)
    unit = "mm/yr" if kind is ChannelKind.LOS_RATE else CHANNEL_UNITS[kind][0]
    sign = {ChannelKind.PHASE_RATE: "away", ChannelKind.LOS_RATE: "toward"}.get(kind, "")
    fill = float(np.clip(-low / (high - low), 0, 1))
    return Channel(kind, unit, sign, scaling, **{"fill": fill, **options})


MINMAX_CHANNELS: Mapping[ChannelKind, Channel] = {
    ChannelKind.PHASE_RATE: minmax_channel(ChannelKind.PHASE_RATE, -35.0, 35.0),
    ChannelKind.LOS_RATE: minmax_channel(ChannelKind.LOS_RATE, -150.0, 150.0),
    ChannelKind.DEM: minmax_channel(ChannelKind.DEM, 0.0, 6000.0),
    ChannelKind.SLOPE: minmax_channel(ChannelKind.SLOPE, 0.0, 70.0),
    ChannelKind.COHERENCE: minmax_channel(ChannelKind.COHERENCE, 0.0, 1.0),
    ChannelKind.LOS_SENSITIVITY: minmax_channel(ChannelKind.LOS_SENSITIVITY, -1.0, 1.0),
    ChannelKind.STANDARD_ERROR: minmax_channel(ChannelKind.STANDARD_ERROR, 0.0, 30.0),
    ChannelKind.CLOSURE: minmax_channel(ChannelKind.CLOSURE, 0.0, 1.0),
}
"""The paper's scaling to [0, 1]. It doesn't give its limits: these span its rates (136 mm/yr and more; 35 rad/yr
are 154 mm/yr at C band) and its terrain."""
