"""How physical values become the numbers that a network sees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..raster import Cells, RunningLatticeRelief, RunningRelief, above_lattice_mean, above_local_mean
from ..texts import Message
from ..types import Array
from .inverse_sine import arcsinh_in_place

_LARGEST = 1e30
"""Beyond it float32, in which channels are scaled, comes to its end."""
_WIDEST = 100_000.0
"""Metres of the radius of a local mean, whose rows are held in memory."""
_MOST_CELLS = 100
_METHODS = ("minmax", "clip", "asinh", "wrap")

_PARAMETERS = {"minmax": ("low", "high"), "clip": ("scale",), "asinh": ("scale",), "wrap": ("cycle",)}


@dataclass(frozen=True)
class Scaling:
    """How physical values become the numbers that a network sees.

    minmax: (x − low) / (high − low), cut off to [0, 1] (the paper's). clip: x / scale, cut off to [−1, 1].
    asinh: asinh(x / scale). wrap: the angle 2π·x / cycle, of which the channel takes sine and cosine.
    ``local_radius`` (metres): the mean over the valid pixels within that distance in x and in y is subtracted
    first, so that a height becomes the relief above its surroundings and a rate loses its offset and ramps.
    ``local_cells``: that mean is taken over whole cells of the map's lattice, so many on each side of the one in the
    middle, and interpolated between their centres, which is cheaper and nearly the same; without it, pixel by pixel.
    ``limit``, of asinh alone and in the channel's unit: what then lies beyond ±limit is taken for it, so that a network
    sees no larger numbers than those that it was trained with.
    Raises InputError when numbers are missing, not finite or meaningless for the method.
    """

    method: str
    low: float | None = None
    high: float | None = None
    scale: float | None = None
    cycle: float | None = None
    local_radius: float | None = None
    limit: float | None = None
    local_cells: int | None = None

    def __post_init__(self) -> None:
        if self.method not in _METHODS:
            raise InputError(
                "Scaling “{method}” is unknown; known are {methods}.", method=self.method, methods=", ".join(_METHODS)
            )
        for name in ("low", "high", "scale", "cycle"):
            value = getattr(self, name)
            if name in _PARAMETERS[self.method]:
                if not is_number(value):
                    raise InputError(
                        "Scaling “{method}” needs the number “{name}”, not {value}.",
                        method=self.method,
                        name=name,
                        value=repr(value)[:100],
                    )
            elif value is not None:
                raise InputError("Scaling “{method}” has no number “{name}”.", method=self.method, name=name)
        if self.low is not None and self.high is not None and not self.high - self.low > 1 / _LARGEST:
            raise InputError(
                "Scaling “minmax” needs low < high, not {low:g} and {high:g}.", low=self.low, high=self.high
            )
        if self.limit is not None and self.method != "asinh":
            raise InputError("Scaling “{method}” has no number “{name}”.", method=self.method, name="limit")
        for name in ("scale", "cycle", "local_radius", "limit"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and value > 1 / _LARGEST):
                raise InputError(
                    "Scaling “{method}” needs “{name}” above 0, not {value}.",
                    method=self.method,
                    name=name,
                    value=repr(value)[:100],
                )
        if self.local_radius is not None and self.local_radius > _WIDEST:
            raise InputError(
                "A local mean within {radius:g} km can't be computed; choose at most {most:g} km.",
                radius=self.local_radius / 1000,
                most=_WIDEST / 1000,
            )

        if self.local_cells is not None:
            self._check_cells(self.local_cells)

    def _check_cells(self, cells: object) -> None:
        if self.local_radius is None:
            raise InputError("“local_cells” needs “local_radius”.")
        if not isinstance(cells, int) or isinstance(cells, bool) or not 1 <= cells <= _MOST_CELLS:
            raise InputError(
                "“local_cells” must be a whole number from 1 to {most}, not {value}.",
                most=_MOST_CELLS,
                value=repr(cells)[:100],
            )

    def halo(self, pixel_size: float) -> int:
        """How many pixels around a pixel its scaled value depends on, at that pixel size in metres."""
        cells = self._cells(pixel_size)
        return self._radius(pixel_size) if cells is None else cells.halo

    def apply(self, values: ArrayLike, pixel_size: float, origin: tuple[int, int] = (0, 0)) -> Array:
        """Scaled float32 of the same shape (…, h, w); NaN stays NaN. ``pixel_size`` is in metres.

        ``origin`` is the (column, row) of the first pixel on the lattice of the map, where its local means lie. The
        method "wrap" gives the angle in radians.
        """
        result = np.array(values, np.float32)
        cells = self._cells(pixel_size)
        if cells is not None:
            result = above_lattice_mean(result, cells, origin)
        elif self.local_radius is not None:
            result = above_local_mean(result, self._radius(pixel_size))
        return self.squeeze(result)

    def running_relief(
        self, pixel_size: float, width: int, origin: tuple[int, int] = (0, 0)
    ) -> RunningRelief | RunningLatticeRelief | None:
        """What subtracts the local mean from rows that come from top to bottom; None where none is subtracted."""
        cells = self._cells(pixel_size)
        if cells is not None:
            return RunningLatticeRelief(cells, width, origin)
        return None if self.local_radius is None else RunningRelief(self._radius(pixel_size), width)

    def _radius(self, pixel_size: float) -> int:
        return 0 if self.local_radius is None else max(1, round(self.local_radius / pixel_size))

    def _cells(self, pixel_size: float) -> Cells | None:
        return None if self.local_cells is None else Cells.of_radius(self._radius(pixel_size), self.local_cells)

    def squeeze(self, result: Array) -> Array:
        """What follows the local mean, done in place on float32 values of any shape."""
        if self.low is not None and self.high is not None:
            if self.low:
                result -= np.float32(self.low)
            result *= np.float32(1 / (self.high - self.low))
            _cut_off(result, 0.0, 1.0)
        elif self.cycle is not None:
            result *= np.float32(2 * math.pi / self.cycle)
        elif self.scale is not None:
            if self.limit is not None:
                _cut_off(result, -self.limit, self.limit)
            result *= np.float32(1 / self.scale)
            if self.method == "asinh":
                arcsinh_in_place(result)
            else:
                _cut_off(result, -1.0, 1.0)
        return result

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that the method doesn't use are left out."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Scaling:
        """The scaling written by ``to_json``; InputError when the values don't describe one."""
        return cls(**known_fields(values, cls, Message("a scaling")))


def _cut_off(values: Array, low: float, high: float) -> None:
    """np.clip in place, but several times faster in numpy 1; NaN stays."""
    np.maximum(values, np.float32(low), out=values)
    np.minimum(values, np.float32(high), out=values)


def is_number(value: object) -> bool:
    """True for numbers that can be computed with, so neither infinite nor near it; JSON's true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST


def known_fields(values: Mapping[str, Any], cls: type, what: str) -> dict[str, Any]:
    """The values as keyword arguments; InputError for unknown or missing names."""
    if not isinstance(values, Mapping):
        raise InputError("{values} doesn't describe {what}.", values=repr(values)[:100], what=what)
    fields = cls.__dataclass_fields__  # type: ignore[attr-defined]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise InputError("“{unknown}” is no part of {what}.", unknown=unknown[0], what=what)
    required = [name for name, field in fields.items() if field.default is field.default_factory]
    missing = [name for name in required if name not in values]
    if missing:
        raise InputError("“{missing}” is missing in {what}.", missing=missing[0], what=what)
    return dict(values)
