"""All sheets of a survey: overview, list of sites, and a sheet for each site or group, filled with what they show."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeatureRequest,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QDate, QLocale

from ...core.errors import InputError
from ...core.raster import Band
from ...core.reports import round_up
from ...core.survey import FIELD_SIGNS, RESULTS
from ...core.terrain import Relief, prepare_relief
from ..layer_sources import MapTransformation, crs_text
from ..texts import tr
from . import text as sheet_text
from .layers import MapLayers, SheetLayers, overview_layers, sheet_layers
from .layout import BOX, Page
from .plan import SheetPlan, zone_of

_INDEX_PITCH = 3.65
_NOTES_PITCH = 7.0
_ROUND = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 8)
# Shares of the width: site, sheet, latitude, longitude, UTM.
_INDEX_WIDTHS = (12, 9, 20, 21, 31)
_ROAD_RADIUS = 10_000


@dataclass(frozen=True)
class SheetWords:
    """What the user wrote for all sheets; ``model_credit`` is what is known of how the areas were made."""

    title: str = ""
    organisation: str = ""
    credit: str = ""
    model_credit: str = ""


@dataclass
class SheetSet:
    """The sheets, their layers and templates; ``folder`` holds files while a page needs them."""

    sheets: tuple[SheetPlan, ...]
    layers: MapLayers
    sheet_template: Path
    overview_template: Path
    index_template: Path
    words: SheetWords
    folder: Path
    dem: Band | None = None
    toward_is_positive: bool | None = None
    missing: dict[Path, set[str]] = field(default_factory=dict)

    def makers(self) -> list[Callable[[], contextlib.AbstractContextManager[Page]]]:
        """What builds the pages, in order."""
        rows = sheet_text.index_rows(self.sheets)
        parts = self._parts(rows)
        return [
            partial(self._overview_page, parts[0]),
            *(partial(self._index_page, part, number, len(parts)) for number, part in enumerate(parts[1:], 2)),
            *(partial(self._sheet_page, sheet) for sheet in self.sheets),
        ]

    def names(self) -> list[str]:
        """The file names of the pages, without extension."""
        count = len(self._parts(sheet_text.index_rows(self.sheets)))
        digits = len(str(len(self.sheets)))
        return [
            "overview",
            *(f"list_{number}" for number in range(2, count + 1)),
            *(
                f"sheet_{sheet.number:0{digits}d}_" + re.sub(r"[^\w-]+", "_", sheet.name)[:40].strip("_")
                for sheet in self.sheets
            ),
        ]

    @contextlib.contextmanager
    def _overview_page(self, rows: list[list[str]]) -> Iterator[Page]:
        page = Page(self.overview_template, self.layers.project)
        columns = max(1, len(_index_frames(page)))
        needed = (math.ceil(len(rows) / columns) + 1) * _INDEX_PITCH + 0.6
        page.grow_map("index_1", page.room_of("index_1") - needed)
        crs, extent, scale = overview_ground(self.sheets, *page.map_size)
        relief = self._relief(crs, extent, scale, "overview")
        layers = overview_layers(self.layers, self.sheets, relief)
        with self._cleared(page, layers, relief):
            page.show(extent, crs, layers.drawn, None if relief is None else relief.grey)
            page.legend(layers.legend)
            count = tr("{} sheets, {} sites").format(len(self.sheets), sum(len(sheet.sites) for sheet in self.sheets))
            self._common(page, tr("Overview"), count, scale, crs)
            page.text("index_heading", tr("Index of sheets"))
            self._index(page, rows)
            self._note(page, self.overview_template)
            yield page

    @contextlib.contextmanager
    def _index_page(self, rows: list[list[str]], number: int, count: int) -> Iterator[Page]:
        page = Page(self.index_template, self.layers.project)
        self._common(page, tr("Index of sheets"), tr("Part {} of {}").format(number, count), None, None)
        page.text("index_heading", tr("Index of sheets, continued"))
        self._index(page, rows)
        yield page

    @contextlib.contextmanager
    def _sheet_page(self, sheet: SheetPlan) -> Iterator[Page]:
        page = Page(self.sheet_template, self.layers.project)
        relief = self._relief(sheet.crs, sheet.extent, sheet.scale, f"sheet_{sheet.number}")
        layers = sheet_layers(self.layers, sheet.sites, sheet, relief)
        with self._cleared(page, layers, relief):
            page.show(sheet.extent, sheet.crs, layers.drawn, None if relief is None else relief.grey)
            page.legend(layers.legend)
            number = tr("Sheet {} of {}").format(sheet.number, len(self.sheets))
            self._common(page, sheet.name, number, sheet.scale, sheet.crs, sheet_text.north_note(sheet))
            page.text("facts_heading", tr("Facts"))
            page.text("legend_heading", tr("Legend"))
            page.text("approach_heading", tr("Approach and what to look for"))
            roads = self._roads(sheet)
            versions = [sheet_text.approach(sheet, roads, brief) for brief in (False, True)]
            page.text("approach", versions[0] if page.holds("approach", versions[0]) else versions[1])
            facts = sheet_text.site_facts(sheet, self.toward_is_positive)
            page.table("facts", facts, (0.42, 0.58) if len(sheet.sites) == 1 else (), "both")
            self._form(page, sheet)
            self._note(page, self.sheet_template)
            yield page

    def _form(self, page: Page, sheet: SheetPlan) -> None:
        """Check boxes for signs and result, and lines for notes."""
        page.text("signs_heading", tr("Signs and result"))
        page.text("notes_heading", tr("Notes"))
        signs = [f"{BOX} {tr(title)}" for title in FIELD_SIGNS.values()]
        results = [f"{BOX} {tr(title)}" for title in RESULTS.values()]
        if len(sheet.sites) == 1:
            page.table("signs", [signs[:3], signs[3:], results], (1, 1, 1))
        else:
            boxes = [BOX] * len(sheet.sites)
            rows = [["", *(site.name for site in sheet.sites)]]
            rows += [[tr(title), *boxes] for title in (*FIELD_SIGNS.values(), *RESULTS.values())]
            page.make_room("signs", "notes", 3.6 * len(rows) + 0.5)
            page.table("signs", rows, (1.6, *[1] * len(sheet.sites)), "row")
        count = page.rows_of("notes", _NOTES_PITCH) or 1
        last = [tr("Surveyor"), tr("Date"), tr("Photos")]
        page.table("notes", [*[["", "", ""]] * (count - 1), last], (1.4, 1, 1), pitch_limit=_NOTES_PITCH)

    def _common(
        self,
        page: Page,
        name: str,
        number: str,
        scale: float | None,
        crs: QgsCoordinateReferenceSystem | None,
        north: str = "",
    ) -> None:
        """The texts that all pages share."""
        words = self.words
        page.text("organisation", words.organisation)
        page.text("title", words.title)
        page.text("sheet_title", name)
        page.text("sheet_number", number)
        page.text("credit", "\n".join(text for text in (words.credit, words.model_credit) if text))
        today = QLocale().toString(QDate.currentDate(), QLocale.FormatType.ShortFormat)
        page.text("date", tr("Printed {}").format(today))
        if scale is not None and crs is not None:
            page.text("scale", sheet_text.scale_text(scale))
            description = f"{crs.description()} ({crs.authid()})"
            page.text("crs", ". ".join(text for text in (description, north) if text))

    def _index(self, page: Page, rows: Sequence[Sequence[str]]) -> None:
        names = _index_frames(page)
        rest = list(rows)
        even = math.ceil(len(rest) / max(1, len(names)))
        for name in names:
            room = page.rows_of(name, _INDEX_PITCH) - 1
            count = min(room, even) if page.is_below_map(name) else room
            here, rest = rest[:count], rest[count:]
            if here:
                page.table(name, [sheet_text.index_header(), *here], _INDEX_WIDTHS, "row", _INDEX_PITCH)

    def _parts(self, rows: list[list[str]]) -> list[list[list[str]]]:
        """The rows of the overview, then those of each page of the list."""
        parts: list[list[list[str]]] = []
        template = self.overview_template
        while rows or not parts:
            page = Page(template, self.layers.project)
            room = sum(max(0, page.rows_of(name, _INDEX_PITCH) - 1) for name in _index_frames(page))
            if room == 0 and template == self.index_template:
                break
            parts.append(rows[:room])
            rows = rows[room:]
            template = self.index_template
        return parts

    def _relief(
        self, crs: QgsCoordinateReferenceSystem, extent: QgsRectangle, scale: float, name: str
    ) -> Relief | None:
        if self.dem is None:
            return None
        bounds = (extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum())
        return prepare_relief(self.dem, crs_text(crs), bounds, scale, self.folder, name)

    def _roads(self, sheet: SheetPlan) -> QgsGeometry | None:
        """Roads about a sheet in its CRS."""
        layer = self.layers.roads
        if layer is None:
            return None
        request = QgsFeatureRequest().setNoAttributes()
        # With a destination the filter is in its CRS, too.
        request.setDestinationCrs(sheet.crs, QgsProject().transformContext())
        request.setFilterRect(sheet.extent.buffered(_ROAD_RADIUS))
        return QgsGeometry.collectGeometry([feature.geometry() for feature in layer.getFeatures(request)])

    @contextlib.contextmanager
    def _cleared(self, page: Page, layers: SheetLayers, relief: Relief | None) -> Iterator[None]:
        """Afterwards the layers and files of the page are gone."""
        try:
            yield
        finally:
            page.map.setLayers([])
            self.layers.project.removeMapLayers([layer.id() for layer in layers.own])
            for path in () if relief is None else (relief.hillshade, relief.contours):
                if path is not None:
                    path.unlink(missing_ok=True)

    def _note(self, page: Page, template: Path) -> None:
        self.missing.setdefault(template, set()).update(page.missing)


def _index_frames(page: Page) -> list[str]:
    names: list[str] = []
    while page.layout.itemById(f"index_{len(names) + 1}") is not None:
        names.append(f"index_{len(names) + 1}")
    return names


def overview_ground(
    sheets: Sequence[SheetPlan], width: float, height: float
) -> tuple[QgsCoordinateReferenceSystem, QgsRectangle, float]:
    """The CRS, ground and scale of a map (mm) of all sheets. InputError where they lie too far apart for one map."""
    first = sheets[0].sites[0]
    sites = [site for sheet in sheets for site in sheet.sites]
    offsets = [(site.longitude - first.longitude + 180) % 360 - 180 for site in sites]
    longitude = (first.longitude + (min(offsets) + max(offsets)) / 2 + 180) % 360 - 180
    latitudes = [site.latitude for site in sites]
    if max(offsets) - min(offsets) > 24:
        raise InputError(tr("The sites lie too far apart for one map. Make the sheets of each region by itself."))
    crs = zone_of(longitude, (min(latitudes) + max(latitudes)) / 2)
    box = QgsRectangle()
    for sheet in sheets:
        try:
            box.combineExtentWith(MapTransformation(sheet.crs, crs, sheet.name).box(sheet.extent))
        except InputError:
            message = tr("Sheet {} ({}) can't be placed on the map of all sheets. Check the sites' coordinates.")
            raise InputError(message.format(sheet.number, sheet.name)) from None
    needed = 1000 * max(box.width() / (0.94 * width), box.height() / (0.94 * height))
    scale = round_up(needed * 0.9999, _ROUND)
    size = (width * scale / 1000, height * scale / 1000)
    return crs, QgsRectangle.fromCenterAndSize(QgsPointXY(box.center()), *size), scale
