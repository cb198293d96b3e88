"""Points of a layer as sites of map sheets, each with the area that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qgis.core import QgsFeatureSource, QgsGeometry, QgsPointXY, QgsVectorLayer

from ...core.errors import InputError
from ...core.fields import converted
from ...core.progress import QUIET, Progress
from ...core.survey import look_for
from ..layer_sources import MapTransformation
from ..layers import own_names, read_sites
from ..qgis_versions import is_null
from ..texts import tr, words_of
from .plan import WGS84, SitePlan

_OWN_OR_OF_AREA = {
    "area_km2": ("area_km2",),
    "los_rate": ("los_rate_extreme", "los_rate_extreme_ascending", "los_rate_extreme_descending"),
    "los_rate_mean": ("los_rate_mean",),
    "slope": ("slope_mean", "slope_mean_ascending", "slope_mean_descending"),
    "slope_max": ("slope_max", "slope_max_ascending", "slope_max_descending"),
    "elevation_min": ("elevation_min", "elevation_min_ascending", "elevation_min_descending"),
    "elevation_max": ("elevation_max", "elevation_max_ascending", "elevation_max_descending"),
    "orbit": ("seen_from", "orbit"),
    "area_id": ("id",),
}
"""Attributes of a site, and the fields of its area that stand in for those that it does not have."""


def site_plans(
    source: QgsFeatureSource,
    areas: QgsVectorLayer,
    toward_is_positive: bool | None,
    progress: Progress = QUIET,
    labels: Mapping[str, str] | None = None,
    look_side: str = "right",
) -> list[SitePlan]:
    """The sites in the order of their numbers, read as read_sites() does.

    InputError for a point that can't be placed on Earth.
    """
    to_degrees = MapTransformation(source.sourceCrs(), WGS84, source.sourceName())
    outlines = _Outlines(areas)
    plans = []
    for index, site in enumerate(read_sites(source, progress, labels), 1):
        place = to_degrees.point(QgsPointXY(site.x, site.y))
        if 180 < abs(place.x()) <= 540:
            place.setX((place.x() + 180) % 360 - 180)
        if not (-180 <= place.x() <= 180 and -90 <= place.y() <= 90):
            message = tr("The site at {}, {} can't be placed on Earth. Check the layer's coordinate reference system.")
            raise InputError(message.format(f"{site.x:g}", f"{site.y:g}"))
        given = {name: value for name, value in site.attributes.items() if value not in (None, "")}
        area, outline = outlines.of(given.get("area_id"), place)
        attributes = {**_of_area(area), **given}
        if not attributes.get("look_for") and attributes.get("los_rate") is not None:
            advice = look_for(attributes, "away" if toward_is_positive is False else "toward", look_side)
            attributes["look_for"] = words_of(advice)
        number = given.get("id", index)
        name = str(given.get("name") or f"S{number:02d}" if isinstance(number, int) else number)
        plans.append(
            (number if isinstance(number, int) else index, SitePlan(name, place.x(), place.y(), attributes, outline))
        )
    return [plan for _, plan in sorted(plans, key=lambda entry: entry[0])]


def _typed(name: str, value: Any) -> Any:
    """A value of an area as the type of its attribute, None for one that can't be read so."""
    from ...core.areas import FIELDS, MERGED_FIELDS

    field = next((field for field in (*FIELDS, *MERGED_FIELDS) if field.name == name), None)
    return value if field is None else converted(value, field)[0]


def _of_area(area: dict[str, Any]) -> dict[str, Any]:
    """What a site inherits from its area."""
    inherited = {}
    for name, fields in _OWN_OR_OF_AREA.items():
        value = next((area[field] for field in fields if area.get(field) is not None), None)
        if value is not None:
            inherited[name] = value
    return inherited


class _Outlines:
    """Areas by number and by place, in degrees."""

    def __init__(self, areas: QgsVectorLayer) -> None:
        to_degrees = MapTransformation(areas.crs(), WGS84, areas.name())
        columns = {column: name for name, column in own_names(areas.fields()).items()}
        names = [columns.get(field.name(), field.name()) for field in areas.fields()]
        self._all: list[tuple[dict[str, Any], QgsGeometry]] = []
        for feature in areas.getFeatures():
            outline = QgsGeometry(feature.geometry())
            if outline.isEmpty():
                continue
            to_degrees.apply(outline)
            values = [
                _typed(name, None if is_null(value) else value) for name, value in zip(names, feature.attributes())
            ]
            self._all.append((dict(zip(names, values)), outline))
        self._by_number: dict[Any, list[tuple[dict[str, Any], QgsGeometry]]] = {}
        for entry in self._all:
            self._by_number.setdefault(entry[0].get("id"), []).append(entry)

    def of(self, number: Any, place: QgsPointXY) -> tuple[dict[str, Any], QgsGeometry | None]:
        """The area of a number, else the one at a place; nothing where there is none."""
        numbered = self._by_number.get(number, []) if number is not None else []
        if len(numbered) == 1:
            return numbered[0]
        point = QgsGeometry.fromPointXY(place)
        for attributes, outline in numbered or self._all:
            if outline.boundingBox().contains(place) and outline.intersects(point):
                return attributes, outline
        return numbered[0] if numbered else ({}, None)
