"""A survey whose map sheets are printed: areas, sites, a DEM and rates about some places."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from ada_mapper.core.raster import BandDescription, Grid, write_array
from ada_mapper.processing.sheets.layers import MapLayers, style_printed_areas
from ada_mapper.processing.sheets.layout import Page
from ada_mapper.processing.sheets.plan import (
    SitePlan,
    plan_sheets,
)
from ada_mapper.processing.sheets.sheet_set import SheetSet, SheetWords
from ada_mapper.processing.sheets.survey_maps import LAYOUTS

LONG_NAME = "四川省甘孜藏族自治州丹巴县梭坡乡莫洛村古碉群后山滑坡隐患点（重点监测）"


def square(longitude: float, latitude: float, side: float = 0.002) -> QgsGeometry:
    """A square of ``side`` degrees about a place."""
    return QgsGeometry.fromRect(QgsRectangle.fromCenterAndSize(QgsPointXY(longitude, latitude), side, side))


def save(layer: QgsVectorLayer, path: Path) -> str:
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    result = QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), QgsProject().transformContext(), options)
    assert result[0] == QgsVectorFileWriter.WriterError.NoError, result
    return str(path)


class Survey:
    """Areas and sites in degrees, and a DEM of a degree grid, about a place."""

    def __init__(self, folder: Path, places: list[tuple[float, float]], names: list[str] | None = None) -> None:
        self.folder = folder
        self.places = places
        areas = QgsVectorLayer(
            "Polygon?crs=EPSG:4326&field=id:integer&field=orbit:string&field=area_km2:double"
            "&field=los_rate_extreme:double&field=los_rate_mean:double&field=slope_mean:double",
            "areas",
            "memory",
        )
        sites = QgsVectorLayer(
            "Point?crs=EPSG:4326&field=id:integer&field=name:string&field=area_id:integer", "sites", "memory"
        )
        orbits = ("ascending", "descending", "both", "unknown")
        for number, (longitude, latitude) in enumerate(places, 1):
            area = QgsFeature(areas.fields())
            area.setGeometry(square(longitude, latitude))
            area.setAttributes([number, orbits[number % 4], 0.04, -52.4, -20.0, 24.6])
            areas.dataProvider().addFeature(area)
            site = QgsFeature(sites.fields())
            site.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(longitude, latitude)))
            site.setAttributes([number, names[number - 1] if names else f"S{number:02d}", number])
            sites.dataProvider().addFeature(site)
        self.areas = save(areas, folder / "areas.gpkg")
        self.sites = save(sites, folder / "sites.gpkg")

    def dem(self, relief: float = 400.0) -> str:
        """A DEM in degrees, pixels of about 60 m."""
        longitudes, latitudes = zip(*self.places)
        x, y = min(longitudes) - 0.03, max(latitudes) + 0.03
        pixel = 1 / 1800
        width = math.ceil((max(longitudes) - x + 0.03) / pixel)
        height = math.ceil((y - min(latitudes) + 0.03) / pixel)
        rows, columns = np.mgrid[0:height, 0:width]
        heights = relief * (1 + np.sin(rows / 9) * np.cos(columns / 11)).astype(np.float32)
        path = self.folder / "dem.tif"
        grid = Grid("EPSG:4326", (x, pixel, 0.0, y, 0.0, -pixel), width, height)
        write_array(path, grid, heights, BandDescription("dem", "m"))
        rate = (40 * np.sin(rows / 30)).astype(np.float32)
        write_array(self.folder / "rate.tif", grid, rate, BandDescription("los_rate", "mm/yr", (("SIGN", "toward"),)))
        return str(path)

    def parameters(self, **others: Any) -> dict[str, Any]:
        return {"AREAS": self.areas, "SITES": self.sites, "DPI": 96, **others}

    def sheet_set(self, paper: str = "a4_portrait", grouped: bool = False, **others: Any) -> SheetSet:
        """The sheets as the tool makes them."""
        project = QgsProject()
        project.setEllipsoid("EPSG:7030")
        areas = QgsVectorLayer(self.areas, "areas", "ogr")
        style_printed_areas(areas)
        layers = MapLayers(project, areas)
        layers.adopt()
        template = LAYOUTS / f"sheet_{paper}.qpt"
        plans = [
            SitePlan(f"S{number:02d}", *place, {"look_for": "Look. " * 20}, square(*place))
            for number, place in enumerate(self.places, 1)
        ]
        sheets = plan_sheets(plans, *Page(template, project).map_size, None, grouped)
        return SheetSet(
            sheets,
            layers,
            template,
            LAYOUTS / f"overview_{paper}.qpt",
            LAYOUTS / f"index_{paper}.qpt",
            SheetWords("Title", "Organisation", "Credit " * 30),
            self.folder,
            **others,
        )
