"""The folder that goes to the field: a GeoPackage of sites and areas, waypoints for a GPS, a KML for a globe."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from osgeo import gdal, ogr

from ..areas import Area, outlines_of
from ..errors import OutputError
from ..fields import Field
from ..files import told_as_unwritable, whole_folder
from ..gdal_errors import gdal_raises, quiet_gdal
from ..raster import spatial_reference
from ..texts import Message
from ..types import PathLike
from ..vectors import point_geometry, write_layer
from .sites import FORM_FIELDS, RESULTS, SITE_FIELDS, Site

GEOPACKAGE, PROJECT, PHOTO_FOLDER = "survey.gpkg", "survey.qgz", "DCIM"
"""What lies in a package, beside its base maps and a README."""
NOTE_FIELDS = (
    Field("note", "str", "", "What was seen there"),
    Field("photo", "str", "", "Photo, path relative to the folder of the package"),
    Field("surveyor", "str", "", "Who was there"),
    Field("noted_on", "date", "", "Day"),
)
TRACK_FIELDS = (
    Field("name", "str", "", "Name of the way"),
    Field("surveyor", "str", "", "Who went it"),
    Field("walked_on", "date", "", "Day"),
)
_AREA_STYLE = "PEN(c:#E31A1C,w:2px);BRUSH(fc:#E31A1C33)"


def building(target: PathLike) -> AbstractContextManager[Path]:
    """A folder beside ``target`` that gets its name when the block ends well, and is removed when it doesn't.

    Raises OutputError where ``target`` holds anything already, above all somebody's records, or can't be written.
    """
    path = Path(target).absolute()
    _check_free(path)
    return whole_folder(path, failures=(OSError, RuntimeError))


def _check_free(path: Path) -> None:
    with told_as_unwritable(path):
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return
    found = Message("holds files")
    if (path / GEOPACKAGE).exists():
        records = _records(path / GEOPACKAGE)
        found = (
            Message("holds a survey with the records of {records} visited sites", records=records)
            if records
            else Message("holds a survey package")
        )
    raise OutputError(
        "{path} {found} already, and nothing is written over it. Choose a new or an empty folder.",
        path=path,
        found=found,
    )


@gdal_raises()
def _records(path: Path) -> int:
    """How many sites of a package have a result."""
    with contextlib.suppress(RuntimeError), quiet_gdal():
        dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR | gdal.OF_READONLY)
        layer = dataset.GetLayerByName("sites")
        layer.SetAttributeFilter("result IS NOT NULL")
        return int(layer.GetFeatureCount())
    return 0


@gdal_raises()
def write_geopackage(
    path: Path, sites: Sequence[Site], crs: str, areas: Sequence[Area], area_table: Sequence[Field], areas_crs: str
) -> None:
    """Write the layers sites (with the form's fields), areas, notes and tracks (both empty), all in ``crs``."""
    dataset = gdal.GetDriverByName("GPKG").Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    try:
        points = ((point_geometry(site.x, site.y), site.attributes) for site in sites)
        write_layer(dataset, "sites", ogr.wkbPoint, (*SITE_FIELDS, *FORM_FIELDS), crs, points)
        outlines = outlines_of(areas, areas_crs).geometries(crs)
        rows = zip(outlines, (area.attributes for area in areas))
        write_layer(dataset, "areas", ogr.wkbMultiPolygon, area_table, crs, rows)
        write_layer(dataset, "notes", ogr.wkbPoint, NOTE_FIELDS, crs)
        write_layer(dataset, "tracks", ogr.wkbLineString, TRACK_FIELDS, crs)
    finally:
        dataset = None


@gdal_raises()
def write_gpx(path: Path, sites: Sequence[Site]) -> None:
    """Write the sites as GPX 1.1 waypoints, with what to look for as their description."""
    dataset = gdal.GetDriverByName("GPX").Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    try:
        layer = dataset.CreateLayer("waypoints", spatial_reference("EPSG:4326"), ogr.wkbPoint)
        for site in sites:
            own = site.attributes
            feature = ogr.Feature(layer.GetLayerDefn())
            if own.get("elevation") is not None:
                feature.SetField("ele", round(own["elevation"], 1))
            feature.SetField("name", own["name"] or "")
            feature.SetField("cmt", f"{own['latitude_dm']}, {own['longitude_dm']}")
            feature.SetField("desc", description(site))
            feature.SetField("sym", "Flag, Red")
            feature.SetGeometry(point_geometry(own["longitude"], own["latitude"]))
            layer.CreateFeature(feature)
            del feature
    finally:
        layer = dataset = None


@gdal_raises()
def write_kml(path: Path, sites: Sequence[Site], areas: Sequence[Area], areas_crs: str) -> None:
    """Write the sites and the areas as KML 2.2."""
    driver = gdal.GetDriverByName("LIBKML") or gdal.GetDriverByName("KML")
    dataset = driver.Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    degrees = spatial_reference("EPSG:4326")
    try:
        for name, kind in (("areas", ogr.wkbMultiPolygon), ("sites", ogr.wkbPoint)):
            layer = dataset.CreateLayer(name, degrees, kind)
            for column in ("Name", "description"):
                layer.CreateField(ogr.FieldDefn(column, ogr.OFTString))
            if name == "areas":
                for area, geometry in zip(areas, outlines_of(areas, areas_crs).geometries("EPSG:4326")):
                    number = area.attributes.get("id")
                    _placemark(layer, "" if number is None else f"Area {number}", "", geometry, _AREA_STYLE)
            else:
                for site in sites:
                    place = point_geometry(site.attributes["longitude"], site.attributes["latitude"])
                    _placemark(layer, site.attributes["name"] or "", description(site), place)
    finally:
        layer = dataset = None


def _placemark(layer: Any, name: str, text: str, geometry: ogr.Geometry, style: str = "") -> None:
    feature = ogr.Feature(layer.GetLayerDefn())
    # LIBKML writes texts with markup as CDATA, which this would end.
    feature.SetField("Name", name.replace("]]>", "]] >"))
    if text:
        feature.SetField("description", text.replace("]]>", "]] >"))
    if style:
        feature.SetStyleString(style)
    feature.SetGeometry(geometry)
    layer.CreateFeature(feature)


def description(site: Site) -> str:
    """What a GPS or a globe tells of a site, in a line or two."""
    own, facts = site.attributes, []
    for text, name in (
        ("{:.3f} km²", "area_km2"),
        ("{:+.0f} mm/yr", "los_rate"),
        ("slope {:.0f}°", "slope"),
        ("{:.0f} m to a road", "road_distance"),
    ):
        if own.get(name) is not None:
            facts.append(text.format(own[name]))
    result = RESULTS.get(str(own.get("result")), "")
    return " ".join(part for part in (", ".join(facts) + "." if facts else "", own.get("look_for"), result) if part)
