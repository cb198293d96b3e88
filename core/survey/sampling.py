"""Which areas are visited: a random sample, plain or stratified, seeded and without replacement."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from osgeo import ogr

from ..accuracy import BY_AREA, BY_RATE, UNKNOWN, Classes
from ..areas import Area
from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import DEGREES, Transformation, spatial_reference, utm_zone
from ..satellite import RIGHT
from ..texts import Message, joined
from ..vectors import GroundMeasures, Outlines, as_valid_multipolygon
from .advice import look_for
from .dissolved import undissolved
from .roads import Roads
from .sites import SITE_FIELDS, Site, key_of, located

STRATIFICATIONS = ("none", "orbit", "size", "rate", "district")
PAPER_COUNT = 56
"""As many as Wu et al. (2024) visited."""
ALL_AREAS, OUTSIDE = "all", "outside the districts"


@dataclass(frozen=True)
class SamplingRules:
    """How many sites, how areas are divided into strata, the seed of the draw, the largest distance to a road (m),
    the sign of the LOS rate (positive "toward" or "away" from the satellite) and the side to which the satellite looks.
    InputError for impossible ones."""

    count: int = PAPER_COUNT
    stratify: str = "none"
    seed: int = 1
    max_road_distance: float | None = None
    sign: str = "toward"
    look_side: str = RIGHT

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError("A sample of {count} sites is none. Ask for one or more.", count=self.count)
        if self.stratify not in STRATIFICATIONS:
            raise InputError(
                "Areas can't be divided by “{stratify}”; choose {stratifications}.",
                stratify=self.stratify,
                stratifications=", ".join(STRATIFICATIONS),
            )
        if self.max_road_distance is not None and not self.max_road_distance >= 0:
            raise InputError(
                "A distance to the road of {max_road_distance:g} m is impossible.",
                max_road_distance=self.max_road_distance,
            )


@dataclass(frozen=True)
class District:
    """A polygon (WKB, in the CRS given beside it) and its name."""

    name: str
    geometry: bytes


@dataclass(frozen=True)
class Sample:
    """The sites, in ``crs``, what should be known of them and what should be looked at.

    ``population`` counts the areas drawn from.
    """

    sites: tuple[Site, ...]
    crs: str
    population: int
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass
class _Candidate:
    """One area that may be drawn, its representative point as longitude and latitude."""

    attributes: dict[str, Any]
    point: tuple[float, float]
    place: tuple[float, float]
    stratum: str = ALL_AREAS
    stratum_size: int = 0


@gdal_raises()
def sample_sites(
    areas: Sequence[Area],
    crs: str,
    rules: SamplingRules = SamplingRules(),
    target_crs: str | None = None,
    districts: Sequence[District] = (),
    districts_crs: str = "",
    roads: Roads | None = None,
    progress: Progress = QUIET,
) -> Sample:
    """Draw sites among the areas (outlines in ``crs``, attributes of areas.FIELDS or orbits.MERGED_FIELDS).

    Areas that a review rejected are left out; parts that lie apart, as in a dissolved layer, are areas of their own.
    Points lie inside their areas, in ``target_crs`` (by default the UTM zone of the areas' centre), numbered from north
    to south. The same areas, rules and seed give the same sites with the same uids, whatever the order of the areas.
    Raises InputError without areas or CRS.
    """
    if not crs:
        raise InputError("The areas have no coordinate reference system. Set it first (layer properties > Source).")
    notes: list[str] = []
    areas, warnings = undissolved(areas, crs)
    candidates = _candidates(areas, crs, notes, progress.part(0.0, 0.3))
    if not candidates:
        raise InputError("There are no areas to draw from: the layer is empty, or a review rejected all of them.")
    candidates = _within_reach(candidates, roads, rules, notes, progress.part(0.3, 0.8))
    _stratify(candidates, rules.stratify, districts, districts_crs, crs, notes)
    drawn = _draw(candidates, rules, notes)
    target = target_crs or _default_crs(candidates, notes)
    sites = _as_sites(drawn, target, rules)
    progress.report(1.0)
    return Sample(sites, target, len(candidates), tuple(notes), warnings)


def _candidates(areas: Sequence[Area], crs: str, notes: list[str], progress: Progress) -> list[_Candidate]:
    ground = GroundMeasures(crs, Message("The layer of areas"))
    result, rejected = [], 0
    for index, area in enumerate(areas):
        if index % 64 == 0:
            progress.report(index / len(areas))
        if str(area.attributes.get("review") or "").strip().lower() == "rejected":
            rejected += 1
            continue
        geometry = as_valid_multipolygon(ogr.CreateGeometryFromWkb(area.geometry))
        if geometry.IsEmpty():
            continue
        place = _inside(geometry)
        own = _summary(area.attributes)
        if own["area_km2"] is None:
            own["area_km2"] = ground.area(geometry) / 1e6
        result.append(_Candidate(own, ground.inner_point(_point(*place)), place))
    if rejected:
        notes.append(Message("{rejected} areas that the review rejected are left out.", rejected=rejected))
    # A sample must not depend on the order in which a file happens to hold its areas.
    return sorted(result, key=lambda one: (str(one.attributes["area_id"]).zfill(12), one.point))


def _inside(geometry: ogr.Geometry) -> tuple[float, float]:
    """The centroid of the largest part, or a point inside it where that lies outside."""
    largest = max((geometry.GetGeometryRef(i) for i in range(geometry.GetGeometryCount())), key=lambda p: p.GetArea())
    point = largest.Centroid()
    if not largest.Contains(point):
        point = largest.PointOnSurface()
    return point.GetX(), point.GetY()


def _point(x: float, y: float) -> ogr.Geometry:
    point = ogr.Geometry(ogr.wkbPoint)
    point.AddPoint_2D(x, y)
    return point


def _summary(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What a site keeps of its area; of two orbits the rate of larger magnitude and what is known first."""

    def known(name: str) -> list[float]:
        values = (attributes.get(f"{name}{end}") for end in ("", "_ascending", "_descending"))
        return [float(value) for value in values if value is not None and math.isfinite(value)]

    lowest, highest = known("elevation_min"), known("elevation_max")
    return {
        "area_id": attributes.get("id"),
        "orbit": attributes.get("seen_from") or attributes.get("orbit") or UNKNOWN,
        "area_km2": next(iter(known("area_km2")), None),
        "los_rate": _rounded(max(known("los_rate_extreme"), key=abs, default=None)),
        "slope": _rounded(next(iter(known("slope_mean")), None)),
        "elevation": _rounded((min(lowest) + max(highest)) / 2 if lowest and highest else None),
        "road_distance": None,
    }


def _rounded(value: float | None) -> float | None:
    """To a tenth: what is read in the field."""
    return None if value is None else round(value, 1)


def _within_reach(
    candidates: list[_Candidate], roads: Roads | None, rules: SamplingRules, notes: list[str], progress: Progress
) -> list[_Candidate]:
    """The candidates with their distance to a road, those that are too far from one left out."""
    if roads is None:
        if rules.max_road_distance is not None:
            raise InputError("A largest distance to a road needs a layer of roads.")
        return candidates
    distances = roads.distances([candidate.point for candidate in candidates], progress)
    for candidate, distance in zip(candidates, distances):
        candidate.attributes["road_distance"] = round(distance, 1)
    if rules.max_road_distance is None:
        return candidates
    near = [one for one in candidates if one.attributes["road_distance"] <= rules.max_road_distance]
    if not near:
        raise InputError(
            "No area lies within {max_road_distance:g} m of a road; the nearest is {distances:.0f} m away. "
            "Allow a larger distance.",
            max_road_distance=rules.max_road_distance,
            distances=min(distances),
        )
    if len(near) < len(candidates):
        notes.append(
            Message(
                "{count} areas farther than {max_road_distance:g} m from a road are left out: "
                "the sample stands for the areas near roads only.",
                count=len(candidates) - len(near),
                max_road_distance=rules.max_road_distance,
            )
        )
    return near


def _stratify(
    candidates: list[_Candidate],
    stratify: str,
    districts: Sequence[District],
    districts_crs: str,
    crs: str,
    notes: list[str],
) -> None:
    if stratify == "orbit":
        for one in candidates:
            one.stratum = str(one.attributes["orbit"])
    elif stratify in ("size", "rate"):
        classes, unit = (BY_AREA, "km²") if stratify == "size" else (BY_RATE, "mm/yr")
        for one in candidates:
            value = one.attributes["area_km2" if stratify == "size" else "los_rate"]
            one.stratum = UNKNOWN if value is None else f"{_class_of(abs(value), classes)} {unit}"
    elif stratify == "district":
        _by_district(candidates, districts, districts_crs, crs)
    sizes = Counter(one.stratum for one in candidates)
    for one in candidates:
        one.stratum_size = sizes[one.stratum]
    if sizes.get(OUTSIDE):
        notes.append(
            Message("{sizes} areas lie outside all districts; they are a stratum of their own.", sizes=sizes[OUTSIDE])
        )
    if stratify in ("orbit", "rate") and sizes.get(UNKNOWN):
        notes.append(
            Message(
                "{sizes} areas have no known {stratify}; they are a stratum of their own.",
                sizes=sizes[UNKNOWN],
                stratify=stratify,
            )
        )


def _class_of(value: float, classes: Classes) -> str:
    return classes.labels[int(np.searchsorted(classes.limits, value, "right")) - 1]


def _by_district(candidates: list[_Candidate], districts: Sequence[District], source: str, target: str) -> None:
    if not districts:
        raise InputError("Dividing by district needs a layer of district polygons.")
    if not source:
        raise InputError("The districts have no coordinate reference system. Set it first (layer properties > Source).")
    outlines = Outlines(tuple(district.geometry for district in districts), source).geometries(target)
    shapes = [(district.name, outline) for district, outline in zip(districts, outlines)]
    for one in candidates:
        point = _point(*one.place)
        one.stratum = next((name for name, shape in shapes if shape.Contains(point)), OUTSIDE)
    if all(one.stratum == OUTSIDE for one in candidates):
        raise InputError(
            "None of the areas ({count}) lies in a district. Check that both layers show the same place, and that "
            "their coordinate reference systems are right.",
            count=len(candidates),
        )


def allocate(sizes: Sequence[int], total: int) -> list[int]:
    """How many are drawn of strata of those sizes: in proportion, at least one of each that has any, ``total`` in all.

    Fewer draws than strata go to the largest ones; more than there are take all.
    """
    everything = sum(sizes)
    if total >= everything:
        return list(sizes)
    if total <= sum(size > 0 for size in sizes):
        largest = sorted(range(len(sizes)), key=lambda index: -sizes[index])[:total]
        return [int(index in largest) for index in range(len(sizes))]
    quotas = [total * size / everything for size in sizes]
    shares = [min(size, max(1, math.floor(quota))) for size, quota in zip(sizes, quotas)]
    while sum(shares) != total:
        step = 1 if sum(shares) < total else -1
        open_ones = [i for i, share in enumerate(shares) if (share < sizes[i] if step > 0 else share > 1)]
        shares[max(open_ones, key=lambda i: step * (quotas[i] - shares[i]))] += step
    return shares


def _draw(candidates: list[_Candidate], rules: SamplingRules, notes: list[str]) -> list[_Candidate]:
    if len(candidates) <= rules.count:
        if len(candidates) < rules.count:
            notes.append(
                Message(
                    "Only {candidates_count} areas can be drawn, fewer than the {count} asked for: all are.",
                    candidates_count=len(candidates),
                    count=rules.count,
                )
            )
        return candidates
    strata: dict[str, list[_Candidate]] = {}
    for one in candidates:
        strata.setdefault(one.stratum, []).append(one)
    names = sorted(strata)
    shares = allocate([len(strata[name]) for name in names], rules.count)
    # The legacy generator's draws are promised to stay the same in every version of numpy.
    random = np.random.RandomState(rules.seed % 2**32)
    drawn = []
    for name, share in zip(names, shares):
        drawn += [strata[name][index] for index in sorted(random.permutation(len(strata[name]))[:share])]
    if len(names) > 1:
        said = [
            Message("{stratum}: {count} of {all}", stratum=name, count=share, all=len(strata[name]))
            for name, share in zip(names, shares)
        ]
        notes.append(
            Message("Drawn in proportion to the strata, at least one of each: {said}.", said=joined(said, "; "))
        )
        left_out = [name for name, share in zip(names, shares) if share == 0]
        if left_out:
            notes.append(
                Message(
                    "{count} sites are fewer than the {names_count} strata: nothing is drawn of "
                    "{left_out}. Ask for more sites.",
                    count=rules.count,
                    names_count=len(names),
                    left_out=", ".join(left_out),
                )
            )
    return drawn


def _default_crs(candidates: list[_Candidate], notes: list[str]) -> str:
    points = np.array([one.point for one in candidates])
    # The mean direction, so that areas on both sides of 180° have their centre between them.
    longitudes = np.radians(points[:, 0])
    longitude = math.degrees(math.atan2(np.sin(longitudes).mean(), np.cos(longitudes).mean()))
    code = utm_zone(longitude, float(points[:, 1].mean()))
    notes.append(
        Message(
            "Coordinates are in {column} ({code}), the zone of the areas' centre.",
            column=spatial_reference(code).GetName(),
            code=code,
        )
    )
    return code


def _as_sites(drawn: list[_Candidate], crs: str, rules: SamplingRules) -> tuple[Site, ...]:
    """The candidates as numbered sites, from north to south."""
    from_degrees = Transformation(DEGREES, crs)
    from_north = sorted(drawn, key=lambda one: (-one.point[1], one.point[0]))
    digits = max(2, len(str(len(drawn))))
    sites = []
    for number, one in enumerate(from_north, 1):
        try:
            x, y = from_degrees.point(*one.point)
        except InputError:
            raise InputError(
                "{crs} can't hold a site at {longitude:.3f}°, {latitude:.3f}°. "
                "Choose coordinates that are made for this place.",
                crs=spatial_reference(crs).GetName(),
                longitude=one.point[0],
                latitude=one.point[1],
            ) from None
        own = {
            **one.attributes,
            "uid": key_of(*one.point, one.attributes["area_id"]),
            "id": number,
            "name": f"S{number:0{digits}d}",
            "stratum": one.stratum,
            "stratum_size": one.stratum_size,
            "look_for": look_for(one.attributes, rules.sign, rules.look_side),
        }
        sites.append(Site(x, y, own))
    names = [field.name for field in SITE_FIELDS]
    return tuple(
        Site(site.x, site.y, {name: site.attributes.get(name) for name in names}) for site in located(sites, crs)
    )
