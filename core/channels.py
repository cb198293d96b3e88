"""The layers that a network sees: kinds, units, and the scaling that each model stores and gets exactly at use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .errors import InputError
from .raster import Array
from .relief import above_local_mean


class ChannelKind(str, Enum):
    """What a channel holds; the values are the names of bands and parameters everywhere.

    LOS_SENSITIVITY is the share of a motion down the slope that the line of sight sees, −1 to 1, positive where it
    comes toward the satellite.
    """

    PHASE_RATE = "phase_rate"
    PHASE_RATE_WRAPPED = "phase_rate_wrapped"
    LOS_RATE = "los_rate"
    DEM = "dem"
    SLOPE = "slope"
    COHERENCE = "coherence"
    LOS_SENSITIVITY = "los_sensitivity"

    @property
    def layer(self) -> ChannelKind:
        """The kind of the layer that the channel is computed from."""
        return ChannelKind.PHASE_RATE if self is ChannelKind.PHASE_RATE_WRAPPED else self

    @property
    def label(self) -> str:
        """The name in a sentence."""
        return _LABELS[self]

    @property
    def is_rate(self) -> bool:
        """True for the kinds that tell how fast the ground moves."""
        return self in _RATES


_LABELS = {
    ChannelKind.PHASE_RATE: "phase rate",
    ChannelKind.PHASE_RATE_WRAPPED: "wrapped phase rate",
    ChannelKind.LOS_RATE: "LOS rate",
    ChannelKind.DEM: "DEM",
    ChannelKind.SLOPE: "slope",
    ChannelKind.COHERENCE: "coherence",
    ChannelKind.LOS_SENSITIVITY: "LOS sensitivity",
}
_RATES = (ChannelKind.PHASE_RATE, ChannelKind.PHASE_RATE_WRAPPED, ChannelKind.LOS_RATE)

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

_METHODS = ("minmax", "clip", "asinh", "wrap")
_PARAMETERS = {"minmax": ("low", "high"), "clip": ("scale",), "asinh": ("scale",), "wrap": ("cycle",)}


@dataclass(frozen=True)
class Scaling:
    """How physical values become the numbers that a network sees.

    minmax: (x − low) / (high − low), cut off to [0, 1] (the paper's). clip: x / scale, cut off to [−1, 1].
    asinh: asinh(x / scale). wrap: the angle 2π·x / cycle, of which the channel takes sine and cosine.
    ``local_radius`` (metres): the mean over the valid pixels within that distance in x and in y is subtracted
    first, so that a height becomes the relief above its surroundings and a rate loses its offset and ramps.
    Raises InputError when numbers are missing, not finite or meaningless for the method.
    """

    method: str
    low: float | None = None
    high: float | None = None
    scale: float | None = None
    cycle: float | None = None
    local_radius: float | None = None

    def __post_init__(self) -> None:
        if self.method not in _METHODS:
            raise InputError(f"Scaling “{self.method}” is unknown; known are {', '.join(_METHODS)}.")
        for name in ("low", "high", "scale", "cycle"):
            value = getattr(self, name)
            if name in _PARAMETERS[self.method]:
                if not _is_number(value):
                    raise InputError(f"Scaling “{self.method}” needs the number “{name}”, not {value!r}.")
            elif value is not None:
                raise InputError(f"Scaling “{self.method}” has no number “{name}”.")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise InputError(f"Scaling “minmax” needs low < high, not {self.low:g} and {self.high:g}.")
        for name in ("scale", "cycle", "local_radius"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and value > 0):
                raise InputError(f"Scaling “{self.method}” needs “{name}” above 0, not {value!r}.")

    def halo(self, pixel_size: float) -> int:
        """How many pixels around a pixel its scaled value depends on, at that pixel size in metres."""
        return 0 if self.local_radius is None else max(1, round(self.local_radius / pixel_size))

    def apply(self, values: ArrayLike, pixel_size: float) -> Array:
        """Scaled float32 of the same shape (…, h, w); NaN stays NaN. ``pixel_size`` is in metres.

        The method "wrap" gives the angle in radians.
        """
        result = np.array(values, np.float32)
        if self.local_radius is not None:
            result = above_local_mean(result, self.halo(pixel_size))
        return self.squeeze(result)

    def squeeze(self, result: Array) -> Array:
        """What follows the local mean, done in place on float32 values of any shape."""
        if self.low is not None and self.high is not None:
            result -= np.float32(self.low)
            result *= np.float32(1 / (self.high - self.low))
            _cut_off(result, 0.0, 1.0)
        elif self.cycle is not None:
            result *= np.float32(2 * math.pi / self.cycle)
        elif self.scale is not None:
            result *= np.float32(1 / self.scale)
            if self.method == "asinh":
                np.arcsinh(result, out=result)
            else:
                _cut_off(result, -1.0, 1.0)
        return result

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that the method doesn't use are left out."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Scaling:
        """The scaling written by ``to_json``; InputError when the values don't describe one."""
        return cls(**known_fields(values, cls, "a scaling"))


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
        units = UNITS[self.kind]
        if self.unit not in units:
            raise InputError(
                f"The channel {self.kind.label} can't have the unit “{self.unit}”; known are {', '.join(units)}."
            )
        if self.sign not in (("away", "toward") if self.kind.is_rate else ("",)):
            raise InputError(f"The channel {self.kind.label} can't have the sign “{self.sign}”.")
        if (self.scaling.method == "wrap") != (self.kind is ChannelKind.PHASE_RATE_WRAPPED):
            raise InputError(f"The channel {self.kind.label} can't be scaled by “{self.scaling.method}”.")
        if not _is_number(self.fill):
            raise InputError(f"The channel {self.kind.label} can't be filled with {self.fill!r}.")

    @property
    def band_names(self) -> tuple[str, ...]:
        """The names of the bands that the channel expands to."""
        if self.kind is ChannelKind.PHASE_RATE_WRAPPED:
            return f"{self.kind.value}_sine", f"{self.kind.value}_cosine"
        return (self.kind.value,)

    def bands(self, values: ArrayLike, pixel_size: float) -> Array:
        """What the network sees of a layer (h, w) in this channel's unit and sign: float32 (bands, h, w).

        NaN stays NaN: filling is left to whoever needs it.
        """
        return self.expand(self.scaling.apply(values, pixel_size))

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
        known = known_fields(values, cls, "a channel")
        try:
            known["kind"] = ChannelKind(known.get("kind"))
        except ValueError:
            raise InputError(f"The channel kind “{known.get('kind')}” is unknown.") from None
        known["scaling"] = Scaling.from_json(known.get("scaling", {}))
        return cls(**known)


_RATE_UNITS = ("rad/yr", "mm/yr", "m/yr")
UNITS: Mapping[ChannelKind, tuple[str, ...]] = {
    ChannelKind.PHASE_RATE: _RATE_UNITS,
    ChannelKind.PHASE_RATE_WRAPPED: _RATE_UNITS,
    ChannelKind.LOS_RATE: _RATE_UNITS,
    ChannelKind.DEM: ("m",),
    ChannelKind.SLOPE: ("degree",),
    ChannelKind.COHERENCE: ("1",),
    ChannelKind.LOS_SENSITIVITY: ("1",),
}
"""The units that a channel of each kind may have, the usual one first (but mm/yr for the LOS rate)."""


def _cut_off(values: Array, low: float, high: float) -> None:
    """np.clip in place, but several times faster in numpy 1; NaN stays."""
    np.maximum(values, np.float32(low), out=values)
    np.minimum(values, np.float32(high), out=values)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def known_fields(values: Mapping[str, Any], cls: type, what: str) -> dict[str, Any]:
    """The values as keyword arguments; InputError for unknown or missing names."""
    if not isinstance(values, Mapping):
        raise InputError(f"{values!r} doesn't describe {what}.")
    fields = cls.__dataclass_fields__  # type: ignore[attr-defined]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise InputError(f"{what.capitalize()} has no “{unknown[0]}”.")
    required = [name for name, field in fields.items() if field.default is field.default_factory]
    missing = [name for name in required if name not in values]
    if missing:
        raise InputError(f"{what.capitalize()} needs “{missing[0]}”.")
    return dict(values)


def minmax_channel(kind: ChannelKind, low: float, high: float, **options: Any) -> Channel:
    """A channel scaled to [0, 1] as in the paper, in the usual unit and sign; no data becomes a scaled 0."""
    scaling = Scaling("minmax", low=low, high=high)
    unit = "mm/yr" if kind is ChannelKind.LOS_RATE else UNITS[kind][0]
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
}
"""The paper's scaling to [0, 1]. It doesn't give its limits: these span its rates (136 mm/yr and more; 35 rad/yr
are 154 mm/yr at C band) and its terrain."""
