"""Areas of the ascending and of the descending orbit as one set, each with the attributes of both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Callable

import numpy as np
from numpy.typing import NDArray
from osgeo import ogr

from ..errors import InputError
from ..fields import Field
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import placed_reference
from ..texts import Message
from ..vectors import GroundMeasures, as_valid_multipolygon, boxes_that_meet
from .agreement import OrbitLayers, merged_agreement, visible_shares
from .area import FIELDS, Area, numbered, outlines_of
from .connected import connected_groups

ORBITS = ("ascending", "descending")
_OWN = ("id", "orbit", "agreement", "longitude", "latitude")
_KEPT = tuple(field for field in FIELDS if field.name not in _OWN)

MERGED_FIELDS = (
    Field("id", "int", "", "Number of the area, the largest first"),
    Field("seen_from", "str", "", "Orbits that see it: ascending, descending or both"),
    *(field for field in FIELDS if field.name == "agreement"),
    Field("area_km2", "float", "km²", "Area of its outline on the ellipsoid, both orbits together"),
    *(field for field in FIELDS if field.name in ("longitude", "latitude")),
    *(
        field
        for orbit in ORBITS
        for field in (
            Field(
                f"ids_{orbit}",
                "str",
                "",
                Message("Numbers of the areas of the {orbit} orbit that it was made of", orbit=orbit),
            ),
            *(replace(kept, name=f"{kept.name}_{orbit}") for kept in _KEPT),
        )
    ),
)


@gdal_raises()
def merge_orbits(
    ascending: Sequence[Area],
    descending: Sequence[Area],
    ascending_crs: str,
    descending_crs: str | None = None,
    progress: Progress = QUIET,
    names: tuple[str, str] = ("", ""),
    layers: Mapping[str, OrbitLayers] | None = None,
) -> tuple[Area, ...]:
    """Areas of both orbits with overlapping ones made one, in the CRS of the ascending areas, the largest first.

    Two areas belong together when they share ground or a stretch of their outlines; touching at a point is not
    enough. Whole groups that hang together this way become one MultiPolygon, the union of their outlines. The
    attributes of each orbit are kept under MERGED_FIELDS. Where a group holds several areas of one orbit, areas
    add up, minima and maxima stay such, the chance of being right is that of the surest, means are weighted by area,
    and what can't be combined (aspect, elongation) is that of the largest. ``descending_crs`` defaults to the CRS of
    the ascending areas; ``names`` are the two layers for messages. ``layers``: of the orbits (ORBITS) of which it is
    known where they could see motion, which tells whether one contradicts what only the other found. Areas that say to
    be of the other orbit are warned of. Raises InputError for an unknown CRS or a geometry that is no polygon.
    """
    target = ascending_crs
    second = ascending_crs if descending_crs is None else descending_crs
    if ascending and target:
        placed_reference(target, names[0])
    geometries = _in_crs(ascending, ascending_crs, target, names[0])
    geometries += _in_crs(descending, second, target, names[1])
    areas = [*ascending, *descending]
    if not areas:
        return ()
    for layer, orbit, name in zip((ascending, descending), ORBITS, names):
        _check_orbit(layer, orbit, name, progress)
    orbits = [ORBITS[0]] * len(ascending) + [ORBITS[1]] * len(descending)
    ground = GroundMeasures(target, names[0])
    merged = []
    groups = _groups(geometries, progress.part(0.0, 0.8))
    for number, members in enumerate(groups):
        if number % 256 == 0:
            progress.report(0.8 + 0.2 * number / len(groups))
        outline = _union([geometries[index] for index in members])
        longitude, latitude = ground.inner_point(outline)
        attributes: dict[str, Any] = {
            "area_km2": ground.area(outline) / 1e6,
            "longitude": longitude,
            "latitude": latitude,
        }
        seen = []
        for orbit in ORBITS:
            own = [areas[index].attributes for index in members if orbits[index] == orbit]
            if own:
                seen.append(orbit)
                attributes.update({f"{name}_{orbit}": value for name, value in _combined(own).items()})
        attributes["seen_from"] = "both" if len(seen) == 2 else seen[0]
        attributes["agreement"] = merged_agreement(seen, None)
        merged.append(Area(bytes(outline.ExportToWkb()), attributes))
    if layers:
        merged = _with_agreement(merged, target, layers, progress)
    progress.report(1.0)
    return numbered(merged, [field.name for field in MERGED_FIELDS])


def _with_agreement(
    merged: Sequence[Area], crs: str, layers: Mapping[str, OrbitLayers], progress: Progress
) -> list[Area]:
    """The areas with what the orbit says of each that found nothing there."""
    visible = {
        orbit: visible_shares(outlines_of(merged, crs), own, replace(progress, on_fraction=QUIET.on_fraction))
        for orbit, own in layers.items()
    }
    result = []
    for number, area in enumerate(merged):
        seen = [orbit for orbit in ORBITS if area.attributes["seen_from"] in (orbit, "both")]
        silent = [orbit for orbit in visible if orbit not in seen]
        share = float(visible[silent[0]][number]) if silent else None
        result.append(replace(area, attributes={**area.attributes, "agreement": merged_agreement(seen, share)}))
    return result


def _check_orbit(areas: Sequence[Area], orbit: str, name: str, progress: Progress) -> None:
    other = ORBITS[1 - ORBITS.index(orbit)]
    count = sum(str(area.attributes.get("orbit") or "").strip().casefold() == other for area in areas)
    if count:
        progress.warning(
            "{count} of {number} areas in {name}, which was given as that of the {orbit} orbit, say that they are of "
            "the {other} one. Check that the two layers are the right ones: else areas count as seen from both orbits "
            "that were seen from one.",
            count=count,
            number=len(areas),
            name=name or orbit,
            orbit=orbit,
            other=other,
        )


def _groups(geometries: Sequence[ogr.Geometry], progress: Progress) -> list[NDArray[np.intp]]:
    """Indices of the geometries that hang together, by group."""
    first, second = boxes_that_meet(np.array([geometry.GetEnvelope() for geometry in geometries]))
    together = np.zeros(len(first), bool)
    for pair, (one, other) in enumerate(zip(first, second)):
        if pair % 256 == 0:
            progress.report(pair / len(first))
        together[pair] = _belong_together(geometries[one], geometries[other])
    first, second = first[together], second[together]
    group = connected_groups(first, second, len(geometries))
    order = np.argsort(group, kind="stable")
    return np.split(order, np.searchsorted(group[order], np.arange(1, group.max() + 1)))


def _belong_together(one: ogr.Geometry, other: ogr.Geometry) -> bool:
    """True when two outlines share more than points."""
    if not one.Intersects(other):
        return False
    shared = one.Intersection(other)
    return not shared.IsEmpty() and bool(shared.GetDimension() > 0)


def _union(geometries: Sequence[ogr.Geometry]) -> ogr.Geometry:
    if len(geometries) == 1:
        return geometries[0]
    parts = ogr.Geometry(ogr.wkbMultiPolygon)
    for geometry in geometries:
        for index in range(geometry.GetGeometryCount()):
            parts.AddGeometry(geometry.GetGeometryRef(index))
    return as_valid_multipolygon(parts.UnionCascaded())


def _combined(members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One value of each kept attribute for all areas of one orbit in a group, and their ids as text."""
    largest_first = sorted(members, key=lambda area: -(area.get("area_km2") or 0.0))
    ids = [area["id"] for area in largest_first if area.get("id") is not None]
    result: dict[str, Any] = {"ids": ", ".join(str(number) for number in sorted(ids)) or None}
    for field in _KEPT:
        known = [area for area in largest_first if area.get(field.name) is not None]
        values = [area[field.name] for area in known]
        weights = [area.get("area_km2") or 0.0 for area in known]
        result[field.name] = _RULES.get(field.name, _of_largest)(values, weights) if values else None
    if result["elevation_range"] is not None and None not in (result["elevation_min"], result["elevation_max"]):
        result["elevation_range"] = result["elevation_max"] - result["elevation_min"]
    return result


def _of_largest(values: Sequence[float], _weights: Sequence[float]) -> float:
    return values[0]


def _weighted_mean(values: Sequence[float], weights: Sequence[float]) -> float:
    total = math.fsum(weights)
    if total == 0:
        return math.fsum(values) / len(values)
    return math.fsum(value * weight for value, weight in zip(values, weights)) / total


_RULES: Mapping[str, Callable[[Sequence[float], Sequence[float]], float]] = {
    "area_km2": lambda values, weights: math.fsum(values),
    "probability_mean": _weighted_mean,
    "probability_max": lambda values, weights: max(values),
    "area_probability": lambda values, weights: max(values),
    "los_rate_mean": _weighted_mean,
    "los_rate_extreme": lambda values, weights: max(values, key=abs),
    "slope_min": lambda values, weights: min(values),
    "slope_mean": _weighted_mean,
    "slope_max": lambda values, weights: max(values),
    "elevation_min": lambda values, weights: min(values),
    "elevation_max": lambda values, weights: max(values),
}


def _in_crs(areas: Sequence[Area], source: str, target: str, name: str) -> list[ogr.Geometry]:
    """The areas' valid outlines in the target CRS."""
    if areas and not (source and target):
        raise InputError(
            "The areas of one orbit have no coordinate reference system. Set it first (layer properties > Source)."
        )
    geometries = outlines_of(areas, source, name).geometries(target)
    if any(geometry.IsEmpty() for geometry in geometries):
        raise InputError("One of the areas has no polygon. Use the layers that Extract areas wrote.")
    return geometries
