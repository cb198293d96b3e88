"""Which site is on which sheet, at what scale, and what ground each sheet shows. Lengths on paper in millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsGeometry,
    QgsPointXY,
    QgsRectangle,
)

from ...core.raster import north_in_grid, utm_zone
from ...core.reports import round_up
from ..layer_sources import MapTransformation, crs_text

SCALES = (2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000)
MOST_ON_A_SHEET = 3
WGS84 = QgsCoordinateReferenceSystem("EPSG:4326")

# An area takes at most this share of its sheet, so that the way to it is on the map, too.
_SHARE_OF_ONE = 0.5
_SHARE_OF_SEVERAL = 0.8
# Sites share a sheet down to this scale.
_SMALLEST_COMMON_SCALE = 25_000
# Half the length of a coordinate along the map's frame: two that meet at a corner would overlap.
_CORNER = 9.0


@dataclass(frozen=True)
class SitePlan:
    """A site: its place in degrees (WGS 84), attributes, and the outline of its area in degrees or None."""

    name: str
    longitude: float
    latitude: float
    attributes: dict[str, Any] = field(default_factory=dict)
    outline: QgsGeometry | None = None

    def box(self, crs: QgsCoordinateReferenceSystem) -> QgsRectangle:
        """What the sheet has to show, in ``crs``."""
        to_crs = MapTransformation(WGS84, crs, self.name)
        point = to_crs.point(QgsPointXY(self.longitude, self.latitude))
        box = QgsRectangle(point, point)
        if self.outline is not None:
            box.combineExtentWith(to_crs.box(self.outline.boundingBox()))
        return box

    def point(self, crs: QgsCoordinateReferenceSystem) -> QgsPointXY:
        """Its place in ``crs``."""
        return MapTransformation(WGS84, crs, self.name).point(QgsPointXY(self.longitude, self.latitude))


@dataclass(frozen=True)
class SheetPlan:
    """A sheet: number from 1, its sites, UTM zone, ground and the denominator of its scale."""

    number: int
    sites: tuple[SitePlan, ...]
    crs: QgsCoordinateReferenceSystem
    extent: QgsRectangle
    scale: float

    @property
    def name(self) -> str:
        """The names of its sites."""
        return ", ".join(site.name for site in self.sites)

    @property
    def convergence(self) -> float:
        """Degrees from true north to grid north, clockwise, in the middle of the sheet."""
        middle = MapTransformation(self.crs, WGS84, self.name).point(self.extent.center())
        return -north_in_grid(crs_text(self.crs), middle.x(), middle.y())


def zone_of(longitude: float, latitude: float) -> QgsCoordinateReferenceSystem:
    """The UTM zone of a place."""
    return QgsCoordinateReferenceSystem(utm_zone(longitude, latitude))


def plan_sheets(
    sites: Sequence[SitePlan], width: float, height: float, scale: float | None, grouped: bool, pixel_size: float = 0.0
) -> tuple[SheetPlan, ...]:
    """The sheets of the sites in their order, for a map of ``width`` × ``height`` mm.

    ``scale``: the denominator for all sheets; None: what fits each, not so large that a pixel of ``pixel_size`` metres
    takes more than 6 mm. ``grouped``: sites near each other share a sheet.
    """
    floor = next(value for value in SCALES if value >= pixel_size / 0.006)
    sheets: list[SheetPlan] = []
    rest = list(sites)
    while rest:
        crs = zone_of(rest[0].longitude, rest[0].latitude)
        members = [rest.pop(0)]
        box = members[0].box(crs)
        chosen = scale or fitting_scale(box, width, height, _SHARE_OF_ONE, floor)
        if grouped:
            limit = scale or max(chosen, min(_SMALLEST_COMMON_SCALE, 2.5 * chosen))
            box, chosen = _gather(members, rest, crs, (width, height), limit, floor, scale)
        sheets.append(SheetPlan(len(sheets) + 1, tuple(members), crs, _extent(box, width, height, chosen), chosen))
    return tuple(sheets)


def _gather(
    members: list[SitePlan],
    rest: list[SitePlan],
    crs: QgsCoordinateReferenceSystem,
    size: tuple[float, float],
    limit: float,
    floor: float,
    scale: float | None,
) -> tuple[QgsRectangle, float]:
    """Move sites from ``rest`` to ``members`` as long as they fit one sheet; the box of all and its scale."""
    box = members[0].box(crs)
    x, y = box.center().x(), box.center().y()
    # Far-away sites are not worth a transformation that may fail.
    near = [site for site in rest if abs(site.latitude - members[0].latitude) < 1 and _near(site, members[0])]
    places = sorted(((site.point(crs).sqrDist(x, y), index) for index, site in enumerate(near)))
    for _, index in places:
        if len(members) == MOST_ON_A_SHEET:
            break
        both = QgsRectangle(box)
        both.combineExtentWith(near[index].box(crs))
        if fitting_scale(both, *size, _SHARE_OF_SEVERAL, floor) <= limit:
            box = both
            members.append(near[index])
            rest.remove(near[index])
    share = _SHARE_OF_ONE if len(members) == 1 else _SHARE_OF_SEVERAL
    return box, scale or fitting_scale(box, *size, share, floor)


def _near(first: SitePlan, second: SitePlan) -> bool:
    return abs((first.longitude - second.longitude + 180) % 360 - 180) < 2


def fitting_scale(box: QgsRectangle, width: float, height: float, share: float, floor: float = SCALES[0]) -> float:
    """The denominator of the largest standard scale, ``floor`` at most, at which the box (m) takes that share."""
    needed = 1000 * max(box.width() / (width * share), box.height() / (height * share))
    return float(next((value for value in SCALES if value >= max(needed, floor)), SCALES[-1]))


def grid_interval(scale: float) -> float:
    """Metres between the lines of the coordinate grid: 3 to 8 cm on paper."""
    return round_up(0.03 * scale * 0.999, (1, 2, 2.5, 5))


def _extent(box: QgsRectangle, width: float, height: float, scale: float) -> QgsRectangle:
    """The ground of a sheet about the middle of a box, moved a little so that no grid line ends at a corner."""
    step = grid_interval(scale)
    paper = scale / 1000
    x = clear_of_corners(box.center().x(), width * paper, step, _CORNER * paper)
    y = clear_of_corners(box.center().y(), height * paper, step, _CORNER * paper)
    return QgsRectangle.fromCenterAndSize(QgsPointXY(x, y), width * paper, height * paper)


def clear_of_corners(middle: float, length: float, step: float, margin: float) -> float:
    """The middle nearest to ``middle`` at which both ends of ``length`` are ``margin`` away from multiples of ``step``.

    Only lines between the ends count. ``middle`` itself where there is no such place.
    """
    rest = length % step
    # Between the start and the first line, for lines that lie well between the ends.
    allowed = ((margin, rest - margin), (max(rest + 0.02 * step, margin), min(step, step + rest - margin)))
    first = -(middle - length / 2) % step
    targets = [min(max(first, low), high) for low, high in allowed if low <= high]
    return middle + min((first - target for target in targets), key=abs, default=0.0)
