"""How a radar satellite sees motion of the ground: line of sight, layover and shadow.

Vectors are (east, north, up); angles are in degrees, headings clockwise from north; rates toward the satellite
are positive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..progress import QUIET, Progress
from ..texts import Message
from ..types import Array

ASCENDING_HEADING = 348.0
DESCENDING_HEADING = 192.0
USUAL_INCIDENCE = 38.0
RIGHT, LEFT = "right", "left"
LOOK_SIDES = (RIGHT, LEFT)
"""To which side of its flight a radar looks; right, where nothing tells it."""
HEADING_TAG, INCIDENCE_TAG, LOOK_SIDE_TAG = "HEADING_DEGREES", "INCIDENCE_DEGREES", "LOOK_SIDE"
"""Tags of a rate's band: the direction of flight clockwise from north, the incidence angle in mid-scene, and the side
of its flight to which the radar looks."""
_POSSIBLE = {HEADING_TAG: (-360.0, 360.0), INCIDENCE_TAG: (5.0, 70.0)}
_HEADINGS = {"ascending": ASCENDING_HEADING, "descending": DESCENDING_HEADING}

Component = Union[float, Array]


def orbit_of(heading: float) -> str:
    """ "ascending" for a heading (degrees clockwise from north) that leads northward, else "descending"."""
    return "ascending" if math.cos(math.radians(heading)) > 0 else "descending"


@dataclass(frozen=True)
class Viewing:
    """The direction of flight and the incidence angle, both in degrees, and the side to which the radar looks.

    On one heading, radars that look to the right and to the left see a slope from opposite sides.
    """

    heading: float
    incidence: float
    look_side: str = RIGHT

    def __post_init__(self) -> None:
        if not math.isfinite(self.heading):
            raise InputError(
                "A heading of {heading}° is impossible; give degrees clockwise from north.", heading=self.heading
            )
        if not 0 < self.incidence < 90:
            raise InputError(
                "An incidence angle of {incidence}° is impossible; Sentinel-1 has 30–46°.", incidence=self.incidence
            )
        if self.look_side not in LOOK_SIDES:
            raise InputError("A radar looks to the right or to the left, not to “{side}”.", side=self.look_side)

    @classmethod
    def usual(cls, orbit: str) -> Viewing:
        """Sentinel-1's middle view, to the right, from the "ascending" or the "descending" orbit."""
        return cls(_HEADINGS[orbit], USUAL_INCIDENCE)

    @property
    def orbit(self) -> str:
        """ "ascending" when the satellite flies northward, else "descending"."""
        return orbit_of(self.heading)

    @property
    def mirrored(self) -> Viewing:
        """The view that an east–west flip of the scene makes of this one."""
        return replace(self, heading=(540 - self.heading) % 360)

    @property
    def look(self) -> tuple[float, float]:
        """(east, north) of the horizontal unit vector away from the satellite, 90° off the heading."""
        azimuth = math.radians(self.heading + (90 if self.look_side == RIGHT else -90))
        return math.sin(azimuth), math.cos(azimuth)

    @property
    def to_satellite(self) -> tuple[float, float, float]:
        """The unit vector from the ground to the satellite."""
        incidence = math.radians(self.incidence)
        east, north = self.look
        return -math.sin(incidence) * east, -math.sin(incidence) * north, math.cos(incidence)

    def downslope_sensitivity(self, gradient_east: Array, gradient_north: Array) -> Array:
        """LOS motion toward the satellite per unit of motion down the steepest slope, in [-1, 1].

        The gradients are dz/d(east) and dz/d(north), dimensionless; 0 where the ground is level.
        """
        return downslope_sensitivity(self.to_satellite, gradient_east, gradient_north)

    def hidden(self, dem: Array, pixel_size: float | NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Layover and shadow, active and passive, along the rows of a DEM (metres, row 0 in the north).

        ``pixel_size``: metres of a pixel along the row, one number or one per row (h,). The ray is followed along
        the row although the orbit is inclined by about 12°, which misplaces the far ends of a mask by a fifth of
        its length at most. The ray's slant range falls, or its height over the wave front falls, behind a point
        that hides what follows.
        """
        incidence = math.radians(self.incidence)
        east = self.look[0]
        heights = dem if east > 0 else dem[:, ::-1]
        step = (np.asarray(pixel_size, np.float64) * abs(east)).astype(np.float32).reshape(-1, 1)
        ground = np.arange(dem.shape[1], dtype=np.float32) * step
        slant_range = ground * math.sin(incidence) - heights * math.cos(incidence)
        front = ground * math.cos(incidence) + heights * math.sin(incidence)
        layover = slant_range < np.maximum.accumulate(slant_range, axis=1)
        layover |= slant_range > np.minimum.accumulate(slant_range[:, ::-1], axis=1)[:, ::-1]
        shadow = front < np.maximum.accumulate(front, axis=1)
        mask = layover | shadow
        return mask if east > 0 else np.ascontiguousarray(mask[:, ::-1])


def downslope_sensitivity(
    to_satellite: tuple[Component, Component, Component], gradient_east: Array, gradient_north: Array
) -> Array:
    """``Viewing.downslope_sensitivity`` for a unit vector to the satellite that may differ from pixel to pixel."""
    east, north, up = to_satellite
    squared = gradient_east**2 + gradient_north**2
    length = np.sqrt(squared * (1 + squared))
    along = -(east * gradient_east + north * gradient_north + up * squared)
    sensitivity: Array = (along / np.maximum(length, 1e-9)).astype(np.float32)
    return sensitivity


def viewing_tags(viewing: Viewing | None) -> tuple[tuple[str, str], ...]:
    """Tags for a rate's band, from which ``find_viewing`` gets the view again; none for an unknown one."""
    if viewing is None:
        return ()
    return (
        (HEADING_TAG, f"{viewing.heading % 360:.10g}"),
        (INCIDENCE_TAG, f"{viewing.incidence:.10g}"),
        (LOOK_SIDE_TAG, viewing.look_side),
    )


def find_viewing(
    orbit: str = "unknown",
    heading: float | None = None,
    incidence: float | None = None,
    tags: Mapping[str, str] | None = None,
    progress: Progress = QUIET,
    look_side: str | None = None,
) -> Viewing | None:
    """The view from what is given, else from a rate's tags, else Sentinel-1's usual one of the orbit.

    ``orbit`` is "ascending", "descending" or anything else for unknown, ``look_side`` "right", "left" or None for
    unknown. None where neither the heading nor the orbit is known. What was read and assumed is told, and where what
    is given contradicts the tags; InputError for impossible angles.
    """
    tags = tags or {}
    told = {name: _number(tags, name, progress) for name in _POSSIBLE}
    side_of_tags = told_side(tags, progress)
    sources = [Message("as given"), Message("as given")]
    if heading is None:
        heading, sources[0] = told[HEADING_TAG], Message("from the products")
    elif side_of_tags is not None and look_side is None:
        _warn_of_side(heading, told[HEADING_TAG], side_of_tags, progress)
    if heading is None:
        heading, sources[0] = _HEADINGS.get(orbit), Message("assumed for the {orbit} orbit of Sentinel-1", orbit=orbit)
    if heading is None:
        return None
    if incidence is None:
        incidence, sources[1] = told[INCIDENCE_TAG], Message("from the products")
    if incidence is None:
        incidence, sources[1] = USUAL_INCIDENCE, Message("assumed, the middle of Sentinel-1's swath")
    viewing = Viewing(heading % 360, incidence, look_side or side_of_tags or RIGHT)
    progress.info(
        "The satellite flies along a heading of {heading:.4g}° ({heading_source}; {orbit}) and looks to the {side} at "
        "an incidence angle of {incidence:.4g}° ({incidence_source}).",
        heading=viewing.heading,
        heading_source=sources[0],
        orbit=viewing.orbit,
        side=viewing.look_side,
        incidence=viewing.incidence,
        incidence_source=sources[1],
    )
    if look_side is not None and side_of_tags not in (None, look_side):
        progress.warning(
            "The rates say that the satellite looks to the {told}, but {given} was given and is used. Check the look "
            "side: with the wrong one each slope is seen from the opposite side.",
            told=side_of_tags,
            given=look_side,
        )
    if orbit in _HEADINGS and orbit != viewing.orbit:
        progress.warning(
            "The orbit was given as {orbit}, but the heading of {heading:.4g}° ({heading_source}) is "
            "{orbit_of_heading}: the heading was used. Check the orbit.",
            orbit=orbit,
            heading=viewing.heading,
            heading_source=sources[0],
            orbit_of_heading=viewing.orbit,
        )
    return viewing


def told_side(tags: Mapping[str, str], progress: Progress = QUIET) -> str | None:
    """The look side of a tag; None without one, and where it is neither, which is told."""
    text = tags.get(LOOK_SIDE_TAG, "").strip()
    if text.lower() in LOOK_SIDES:
        return text.lower()
    if text:
        progress.warning(
            "The tag {name} of the rates, “{text}”, is neither right nor left; it is skipped.",
            name=LOOK_SIDE_TAG,
            text=text,
        )
    return None


def _warn_of_side(heading: float, told: float | None, side: str, progress: Progress) -> None:
    """Tell of a heading given for rates of a radar that looks to the left, where it may be the opposite one."""
    if side == LEFT and told is not None and math.cos(math.radians(heading - told)) < 0:
        progress.warning(
            "The heading of {heading:.4g}° was given, but the rates tell {told:.4g}° of a satellite that looks to the "
            "left, which is kept. If you gave the opposite heading for it, give the satellite's own, or choose the "
            "look side, too.",
            heading=heading,
            told=told,
        )


def _number(tags: Mapping[str, str], name: str, progress: Progress) -> float | None:
    """The number of a tag; None without one, and where it can't be right, which is told."""
    text = tags.get(name, "").strip()
    least, most = _POSSIBLE[name]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if least <= value <= most:
        return value
    if text:
        progress.warning(
            "The tag {name} of the rates, “{text}”, isn't a number from {least:g} to {most:g} °; it is skipped.",
            name=name,
            text=text,
            least=least,
            most=most,
        )
    return None
