"""An area with its attributes, and the table of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..fields import Field
from ..vectors import Outlines

FIELDS = (
    Field("id", "int", "", "Number of the area, the largest first"),
    Field("orbit", "str", "", "Orbit of the data: ascending, descending or unknown"),
    Field("agreement", "str", "", "Of both orbits: seen by both, not visible to one, or contradicted by one that sees"),
    Field("area_km2", "float", "km²", "Area of its pixels on the ellipsoid"),
    Field("probability_mean", "float", "1", "Mean probability of an active deformation area"),
    Field("probability_max", "float", "1", "Largest probability"),
    Field(
        "area_probability",
        "float",
        "1",
        "Chance that the area is right, where the model is calibrated for areas; else the mean probability",
    ),
    Field("los_rate_mean", "float", "mm/yr", "Mean LOS rate, with the sign of its layer"),
    Field("los_rate_extreme", "float", "mm/yr", "LOS rate of the largest magnitude, with the sign of its layer"),
    Field("fast_motion", "str", "", "Said where the LOS rate is faster than the shortest pair can measure"),
    Field("slope_min", "float", "degree", "Smallest slope"),
    Field("slope_mean", "float", "degree", "Mean slope"),
    Field("slope_max", "float", "degree", "Largest slope"),
    Field("elevation_min", "float", "m", "Lowest elevation"),
    Field("elevation_max", "float", "m", "Highest elevation"),
    Field("elevation_range", "float", "m", "Highest minus lowest elevation"),
    Field("aspect", "float", "degree", "Direction of the mean downhill gradient, clockwise from true north"),
    Field("longitude", "float", "degree", "Longitude of the centroid, or of a point inside where that lies outside"),
    Field("latitude", "float", "degree", "Latitude of the same point"),
    Field("elongation", "float", "1", "Length over width, from the second moments of its pixels"),
)


@dataclass(frozen=True)
class Area:
    """One area: a valid MultiPolygon as WKB, and its attributes by the names of FIELDS (None where unknown)."""

    geometry: bytes
    attributes: Mapping[str, Any]


def outlines_of(areas: Sequence[Area], crs: str, name: str = "") -> Outlines:
    """The outlines of areas that lie in that CRS; ``name`` is their file or layer for messages."""
    return Outlines(tuple(area.geometry for area in areas), crs, name)


def numbered(areas: list[Area], names: list[str]) -> tuple[Area, ...]:
    """The areas with the largest first, their ids 1, 2, … and the attributes in the order of ``names``.

    Areas that are equal to a thousandth of a square metre, the rounding of their measure, keep their order.
    """
    largest_first = sorted(areas, key=lambda area: -round(area.attributes["area_km2"], 9))
    result = []
    for number, area in enumerate(largest_first, 1):
        measured = {**area.attributes, "id": number}
        result.append(replace(area, attributes={name: measured.get(name) for name in names}))
    return tuple(result)
