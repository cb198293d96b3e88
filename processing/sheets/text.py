"""The words on a map sheet, and how they are made to fit: facts, approach, index; lengths in millimetres."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from qgis.core import QgsGeometry

from ...core.survey import degrees_minutes
from ..texts import compass, number, tr
from .plan import SheetPlan, SitePlan

_LONGEST_NAME = 14


def short_name(name: str) -> str:
    """A name that leaves the map to be seen; the whole one stands in the sheet's title."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def scale_text(scale: float) -> str:
    """1:10 000, with narrow spaces as on maps."""
    return "1:" + grouped(round(scale))


def grouped(value: int) -> str:
    """An integer in groups of three digits."""
    return f"{value:,}".replace(",", " ")


def site_facts(sheet: SheetPlan, toward_is_positive: bool | None) -> list[list[str]]:
    """Rows of a table: what, then a column for each site of the sheet."""
    columns = [_facts_of(site, sheet, toward_is_positive) for site in sheet.sites]
    return [[name, *(column[name] for column in columns)] for name in columns[0]]


def _facts_of(site: SitePlan, sheet: SheetPlan, toward_is_positive: bool | None) -> dict[str, str]:
    values = site.attributes
    several = len(sheet.sites) > 1
    point = site.point(sheet.crs)
    latitude, longitude = degrees_minutes(site.latitude, site.longitude)
    zone = zone_name(sheet)
    area = "–" if values.get("area_id") is None else f"{values['area_id']}"
    orbits = {
        "ascending": tr("ascending"),
        "descending": tr("descending"),
        "both": tr("both orbits"),
    }
    orbit = orbits.get(str(values.get("orbit")), "")
    return {
        tr("Site"): short_name(site.name) if several else site.name,
        tr("Area"): f"{area}, {orbit}" if orbit else area,
        tr("LOS rate (mm/yr)"): _rate(values, toward_is_positive, not several),
        tr("Slope"): _slope(values, not several),
        tr("Size"): "–" if values.get("area_km2") is None else _size(float(values["area_km2"])),
        tr("Elevation (m)"): _elevation(values),
        tr("Latitude") if several else tr("Latitude (WGS 84)"): latitude,
        tr("Longitude") if several else tr("Longitude (WGS 84)"): longitude,
        tr("Easting ({})").format(zone): f"{grouped(round(point.x()))} m",
        tr("Northing ({})").format(zone): f"{grouped(round(point.y()))} m",
    }


def _rate(values: Mapping[str, Any], toward_is_positive: bool | None, with_meaning: bool) -> str:
    rate = values.get("los_rate")
    if rate is None:
        return "–"
    text = number(rate)
    mean = values.get("los_rate_mean")
    if mean is not None and with_meaning:
        text += " " + tr("(mean {})").format(number(mean))
    if toward_is_positive is None or not with_meaning or rate == 0:
        return text
    return text + ", " + (tr("toward satellite") if (rate > 0) == toward_is_positive else tr("away from satellite"))


def _slope(values: Mapping[str, Any], with_steepest: bool) -> str:
    if values.get("slope") is None:
        return "–"
    text = f"{number(values['slope'])}°"
    steepest = values.get("slope_max")
    return text if steepest is None or not with_steepest else text + " " + tr("(up to {}°)").format(number(steepest))


def _size(square_kilometres: float) -> str:
    if square_kilometres < 0.1:
        return f"{grouped(round(square_kilometres * 1e4) * 100)} m²"
    return f"{number(square_kilometres, 2)} km²"


def _elevation(values: Mapping[str, Any]) -> str:
    low, high = values.get("elevation_min"), values.get("elevation_max")
    if low is not None and high is not None:
        return f"{number(low)} … {number(high)}"
    return "–" if values.get("elevation") is None else number(values["elevation"])


def zone_name(sheet: SheetPlan) -> str:
    """32N, or the CRS' code beyond the UTM zones."""
    return zone_of_code(sheet.crs.authid())


def zone_of_code(code: str) -> str:
    """32N from EPSG:32632; other codes stay."""
    _, _, digits = code.partition(":")
    if len(digits) == 5 and digits[:3] in ("326", "327") and 1 <= int(digits[3:]) <= 60:
        return f"{digits[3:]}{'N' if digits[2] == '6' else 'S'}"
    return code


def approach(sheet: SheetPlan, roads: QgsGeometry | None, brief: bool = False) -> str:
    """How to come there and what to look for; ``roads`` in the sheet's CRS. ``brief``: without what is said elsewhere.

    Of several sites only the first sentence of the advice is told.
    """
    parts = []
    several = len(sheet.sites) > 1
    for site in sheet.sites:
        sentences = [_road(site, sheet, roads)]
        advice = str(site.attributes.get("look_for") or "").strip()
        if advice and not (several and brief):
            sentences.append(_first_sentence(advice) if several or brief else advice)
        parts.append((f"{short_name(site.name)}: " if several else "") + " ".join(sentences))
    return "\n".join(parts)


def _first_sentence(text: str) -> str:
    head, dot, _ = text.partition(". ")
    return head + dot.strip()


def _road(site: SitePlan, sheet: SheetPlan, roads: QgsGeometry | None) -> str:
    point = site.point(sheet.crs)
    if roads is not None and not roads.isEmpty():
        nearest = roads.nearestPoint(QgsGeometry.fromPointXY(point)).asPoint()
        distance = point.distance(nearest)
        toward = compass(point.azimuth(nearest))
        return tr("Nearest road {} to the {} as the crow flies.").format(_distance(distance), toward)
    known = site.attributes.get("road_distance")
    if known is not None:
        return tr("Nearest road {} away as the crow flies.").format(_distance(float(known)))
    return tr("Distance to a road not known.")


def _distance(metres: float) -> str:
    if metres < 950:
        return f"{round(metres / 10) * 10} m"
    return f"{number(metres / 1000, 1)} km"


def index_rows(sheets: Sequence[SheetPlan]) -> list[list[str]]:
    """The list of all sites in the order of their numbers: site, sheet, latitude, longitude, UTM."""
    rows = []
    for sheet in sheets:
        zone = zone_name(sheet)
        for site in sheet.sites:
            point = site.point(sheet.crs)
            latitude, longitude = degrees_minutes(site.latitude, site.longitude)
            utm = f"{zone} {round(point.x())} {round(point.y())}"
            rows.append((_order(site), [site.name, str(sheet.number), latitude, longitude, utm]))
    return [row for _, row in sorted(rows, key=lambda entry: entry[0])]


def _order(site: SitePlan) -> tuple[float, list[str]]:
    """By number, and sites without one by name, S2 before S10."""
    given = site.attributes.get("id")
    place = float(given) if isinstance(given, (int, float)) else math.inf
    return place, [part.zfill(9) for part in re.split(r"(\d+)", site.name)]


def index_header() -> list[str]:
    """The names of the columns of index_rows()."""
    return [tr("Site"), tr("Sheet"), tr("Latitude"), tr("Longitude"), tr("UTM: zone, E, N (m)")]


def north_note(sheet: SheetPlan) -> str:
    """Which north the arrow shows, and how far it is from true north where that matters."""
    angle = sheet.convergence
    if abs(angle) <= 1:
        return tr("Grid north")
    side = tr("east") if angle > 0 else tr("west")
    return tr("Grid north, {}° {} of true north").format(number(abs(angle), 1), side)
