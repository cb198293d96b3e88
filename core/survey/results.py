"""What a field survey proves: how much of the map was confirmed, with its interval, and what that number means."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from osgeo import ogr

from ..accuracy import wilson_interval
from ..areas import Area, outlines_of
from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import EQUAL_AREA_CRS
from ..texts import Message
from ..vectors import boxes_of, boxes_that_meet, transformed
from .answers import result_of, unknown_results
from .merging import ADDED
from .sites import CONFIRMED, FIELD_SIGNS, NOT_ACCESSIBLE, NOT_CONFIRMED, Site, called

_ALL = "all sites"
# From this share of the areas on, an interval for an endless number of them is noticeably too wide.
_LARGE_SHARE = 0.2


@dataclass(frozen=True)
class Share:
    """``part`` of ``whole`` with the ends of its 95 % Wilson interval, all as shares of 1; NaN of nothing."""

    part: float
    whole: float

    @property
    def value(self) -> float:
        """The share, 0…1."""
        return self.part / self.whole if self.whole else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval; (NaN, NaN) of nothing."""
        return wilson_interval(self.part, self.whole) if self.whole else (math.nan, math.nan)


@dataclass(frozen=True)
class Group:
    """Sites that are alike: how many were confirmed, refuted, out of reach and not visited.

    ``size`` is the number of areas in their stratum, None where it isn't known or the group is no stratum.
    """

    name: str
    confirmed: int
    refuted: int
    not_accessible: int
    not_visited: int
    size: int | None = None

    @property
    def visited(self) -> int:
        """The sites that were judged."""
        return self.confirmed + self.refuted

    @property
    def share(self) -> Share:
        """Confirmed of visited."""
        return Share(self.confirmed, self.visited)


@dataclass(frozen=True)
class SurveyResult:
    """All figures. ``weighted``: the precision with strata at their true sizes, as a share of the effective number of
    sites; None where weights change nothing or sizes aren't known. ``known``: mapped of known landslides, None without.
    ``added``: the sites that surveyors added, which belong to no sample. ``signs`` counts those of confirmed sites.
    ``warnings`` name results that could not be understood.
    """

    sites: tuple[Site, ...]
    added: tuple[Site, ...]
    overall: Group
    by_stratum: tuple[Group, ...]
    by_orbit: tuple[Group, ...]
    weighted: Share | None
    known: Share | None
    signs: dict[str, int]
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@gdal_raises()
def assess_survey(sites: Sequence[Site], known: Share | None = None, progress: Progress = QUIET) -> SurveyResult:
    """The figures of returned sites. Raises InputError where there is no site, or no field for results."""
    if not sites:
        raise InputError("The layer of sites is empty.")
    if not any("result" in site.attributes for site in sites):
        raise InputError(
            "The layer has no field result, so it is no returned survey. Give the sites of a package, or merged ones."
        )
    _check_once(sites)
    unknown = unknown_results(
        [
            (called(site, number), site.attributes["result"])
            for number, site in enumerate(sites, 1)
            if not result_of(site.attributes.get("result"))[1]
        ]
    )
    sites = [_with_stored_result(site) for site in sites]
    # What was drawn has a stratum. A site that a surveyor added has none until the package is merged.
    none_drawn = not any(site.attributes.get("stratum") for site in sites)
    are_drawn = [none_drawn or site.attributes.get("stratum") not in (None, "", ADDED) for site in sites]
    drawn = tuple(site for site, is_drawn in zip(sites, are_drawn) if is_drawn)
    added = tuple(site for site, is_drawn in zip(sites, are_drawn) if not is_drawn)
    overall = _group(_ALL, drawn)
    by_stratum, by_orbit = _groups(drawn, "stratum"), _groups(drawn, "orbit")
    notes = _notes(added, overall)
    if none_drawn:
        notes.append(
            Message(
                "These sites have no stratum, so nothing tells how they were chosen. Unless they were drawn at random "
                "from the areas, the figures hold for these sites, not for the map."
            )
        )
    weighted = _weighted(by_stratum, overall, notes)
    progress.report(1.0)
    confirmed = [site for site in drawn if site.attributes.get("result") == CONFIRMED]
    signs = {name: sum(bool(site.attributes.get(name)) for site in confirmed) for name in FIELD_SIGNS}
    return SurveyResult(
        drawn, added, overall, by_stratum, by_orbit, weighted, known, signs, tuple(notes), (unknown,) if unknown else ()
    )


def _check_once(sites: Sequence[Site]) -> None:
    """InputError where a site is there twice, as in packages that were put together and not merged."""
    keys = Counter(site.attributes.get("uid") for site in sites)
    twice = [site for site in sites if site.attributes.get("uid") and keys[site.attributes["uid"]] > 1]
    if twice:
        raise InputError(
            "{count} sites are there more than once (the same uid), such as {names}. Bring the packages together with "
            "Merge a survey, which keeps each site once.",
            count=len({site.attributes["uid"] for site in twice}),
            names=", ".join(called(site) for site in twice if site.attributes["uid"] == twice[0].attributes["uid"]),
        )


def _with_stored_result(site: Site) -> Site:
    """The site with its result as one of RESULTS, or none."""
    own = site.attributes
    return Site(site.x, site.y, {**own, "result": result_of(own["result"])[0]}) if "result" in own else site


def _group(name: str, sites: Sequence[Site], is_stratum: bool = False) -> Group:
    results = [site.attributes.get("result") for site in sites]
    sizes = [site.attributes["stratum_size"] for site in sites if is_stratum and site.attributes.get("stratum_size")]
    confirmed, refuted, out_of_reach = map(results.count, (CONFIRMED, NOT_CONFIRMED, NOT_ACCESSIBLE))
    judged = confirmed + refuted + out_of_reach
    return Group(name, confirmed, refuted, out_of_reach, len(sites) - judged, max(sizes) if sizes else None)


def _groups(sites: Sequence[Site], key: str) -> tuple[Group, ...]:
    """The sites by the values of an attribute, sorted by name."""
    values: dict[str, list[Site]] = {}
    for site in sites:
        values.setdefault(str(site.attributes.get(key) or "unknown"), []).append(site)
    return tuple(_group(name, values[name], key == "stratum") for name in sorted(values))


def _notes(added: Sequence[Site], overall: Group) -> list[str]:
    notes: list[str] = []
    if overall.not_accessible:
        notes.append(
            Message(
                "Sites that could not be reached: {not_accessible}. They are not counted: the figures hold for "
                "the map if such areas are right as often as the others.",
                not_accessible=overall.not_accessible,
            )
        )
    if overall.not_visited:
        notes.append(
            Message("Sites without a result: {not_visited}. They are not counted.", not_visited=overall.not_visited)
        )
    if added:
        confirmed = sum(site.attributes.get("result") == CONFIRMED for site in added)
        notes.append(
            Message(
                "Sites added in the field: {count}, of which {confirmed} confirmed. Nobody drew them, so they aren't "
                "counted.",
                count=len(added),
                confirmed=confirmed,
            )
        )
    return notes


def _weighted(strata: Sequence[Group], overall: Group, notes: list[str]) -> Share | None:
    """The precision with each stratum at the number of areas that it has in the map (Kish's effective size)."""
    if len(strata) < 2:
        size = strata[0].size if strata else None
        if size and overall.visited > _LARGE_SHARE * size:
            notes.append(_too_wide(overall.visited, size))
        return None
    known = [(stratum, stratum.size) for stratum in strata if stratum.size is not None]
    if len(known) < len(strata):
        notes.append(Message("Not every stratum tells how many areas it has, so the sites can't be weighted."))
        return None
    total = sum(size for _, size in known)
    if overall.visited > _LARGE_SHARE * total:
        notes.append(_too_wide(overall.visited, total))
    unseen = [stratum.name for stratum, _ in known if not stratum.visited]
    if unseen:
        notes.append(
            Message(
                "No site of {unseen} was judged: the precision says nothing about these strata.",
                unseen=", ".join(unseen),
            )
        )
    seen = [(stratum, size) for stratum, size in known if stratum.visited]
    if len(seen) < 2:
        return None
    weights = [size / stratum.visited for stratum, size in seen]
    if max(weights) <= 1.01 * min(weights):
        notes.append(Message("The strata were visited in proportion to their sizes, so no weights are needed."))
        return None
    share = sum(size * stratum.confirmed / stratum.visited for stratum, size in seen) / sum(size for _, size in seen)
    visits = [stratum.visited for stratum, _ in seen]
    effective = sum(w * n for w, n in zip(weights, visits)) ** 2 / sum(w * w * n for w, n in zip(weights, visits))
    notes.append(
        Message(
            "The strata were not visited in proportion to their sizes, so the weighted precision is the one of the "
            "map: each stratum counts by its number of areas. Its interval is that of {effective:.1f} sites, their "
            "effective number.",
            effective=effective,
        )
    )
    return Share(min(share, 1.0) * effective, effective)


def _too_wide(visited: int, size: int) -> str:
    return Message(
        "{visited} of the {size} areas were judged, a large share: the intervals are made for many more areas than "
        "are visited and are on the safe side here.",
        visited=visited,
        size=size,
    )


@gdal_raises()
def mapped_share(known: Sequence[bytes], known_crs: str, areas: Sequence[Area], areas_crs: str) -> Share:
    """How many known landslides (WKB, any shape) meet an area. InputError without any."""
    if not known:
        raise InputError("The layer of known landslides is empty. Choose another one, or leave it out.")
    if not known_crs or not areas_crs:
        raise InputError("The known landslides or the areas have no coordinate reference system. Set it first.")
    outlines = outlines_of(areas, areas_crs).geometries(EQUAL_AREA_CRS)
    places = transformed([_flat(wkb) for wkb in known], known_crs, EQUAL_AREA_CRS)
    found = set()
    for index, other in zip(*boxes_that_meet(boxes_of(places), boxes_of(outlines))):
        if index not in found and places[index].Intersects(outlines[other]):
            found.add(index)
    return Share(len(found), len(known))


def _flat(wkb: bytes) -> ogr.Geometry:
    geometry = ogr.CreateGeometryFromWkb(wkb)
    geometry.FlattenTo2D()
    return geometry


def meaning_of(result: SurveyResult) -> str:
    """What the numbers measure and what they don't, for readers of the report."""
    text = Message(
        "Sites were drawn among the areas of the map, so the share that was confirmed measures the precision of the "
        "map: how many of the areas that it shows are real. It says nothing of landslides that the map misses."
    )
    if result.known is None:
        return Message(
            "{text} Recall, the share of landslides that are mapped, can only be told from landslides that were known "
            "independently of the map; none were given. Without it there is no F1 either.",
            text=text,
        )
    return Message(
        "{text} The recall was measured apart from it, on landslides that were known independently of the map: how "
        "many of those it shows. It holds for landslides like the known ones.",
        text=text,
    )
