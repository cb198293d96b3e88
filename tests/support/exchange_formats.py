"""Strict checks of what GPX 1.1 (topografix.com/GPX/1/1/gpx.xsd) and KML 2.2 (OGC 07-147r2) demand of our elements.

The schemas tell an order of the children of each element; anything that isn't named here fails.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

_GPX, _KML = "{http://www.topografix.com/GPX/1/1}", "{http://www.opengis.net/kml/2.2}"
_WAYPOINT = "ele time magvar geoidheight name cmt desc src link sym type fix sat hdop vdop pdop extensions"
_GPX_ORDER = {
    "gpx": "metadata wpt* rte* trk* extensions",
    "metadata": "name desc author copyright link time keywords bounds extensions",
    "wpt": _WAYPOINT,
}
_FEATURE = (
    "name visibility open address phoneNumber Snippet description LookAt TimeStamp styleUrl Style Region ExtendedData"
)
_KML_ORDER = {
    "kml": "Document",
    "Document": f"{_FEATURE} Schema* Document* Folder* Placemark*",
    "Folder": f"{_FEATURE} Placemark*",
    "Placemark": f"{_FEATURE} Point Polygon MultiGeometry",
    "Style": "IconStyle LabelStyle LineStyle PolyStyle",
    "LineStyle": "color colorMode width",
    "PolyStyle": "color colorMode fill outline",
    "Point": "extrude altitudeMode coordinates",
    "Polygon": "extrude tessellate altitudeMode outerBoundaryIs innerBoundaryIs*",
    "MultiGeometry": "Polygon*",
    "outerBoundaryIs": "LinearRing",
    "innerBoundaryIs": "LinearRing",
    "LinearRing": "extrude tessellate altitudeMode coordinates",
    "ExtendedData": "Data* SchemaData*",
    "SchemaData": "SimpleData*",
}
_PLACE = re.compile(r"-?\d+(\.\d+)?,-?\d+(\.\d+)?(,-?\d+(\.\d+)?)?")


def check_gpx(path: Path) -> list[str]:
    """The names of the waypoints of a valid file; AssertionError for an invalid one."""
    root = ElementTree.parse(path).getroot()
    assert root.tag == f"{_GPX}gpx" and root.attrib["version"] == "1.1" and root.attrib["creator"]
    _check_order(root, _GPX, _GPX_ORDER)
    names = []
    for point in root.findall(f"{_GPX}wpt"):
        assert set(point.attrib) == {"lat", "lon"}
        assert -90 <= float(point.attrib["lat"]) <= 90 and -180 <= float(point.attrib["lon"]) < 180
        elevation = point.find(f"{_GPX}ele")
        assert elevation is None or re.fullmatch(r"-?\d+(\.\d+)?", elevation.text)
        names.append(point.findtext(f"{_GPX}name"))
    return names


def check_kml(path: Path) -> list[str]:
    """The names of the placemarks of a valid file; AssertionError for an invalid one."""
    root = ElementTree.parse(path).getroot()
    assert root.tag == f"{_KML}kml"
    _check_order(root, _KML, _KML_ORDER)
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"[^\W\d][\w.-]*", name) for name in ids)
    for element in root.iter(f"{_KML}coordinates"):
        assert all(_PLACE.fullmatch(place) for place in element.text.split())
    for ring in root.iter(f"{_KML}LinearRing"):
        places = ring.findtext(f"{_KML}coordinates").split()
        assert len(places) >= 4 and places[0] == places[-1]
    for colour in root.iter(f"{_KML}color"):
        assert re.fullmatch(r"[0-9a-fA-F]{8}", colour.text)
    return [placemark.findtext(f"{_KML}name") for placemark in root.iter(f"{_KML}Placemark")]


def _check_order(element: ElementTree.Element, space: str, orders: dict[str, str]) -> None:
    """Children come in the schema's order, once unless marked with a star, and none is unknown."""
    name = element.tag[len(space) :]
    assert element.tag.startswith(space), element.tag
    if not len(element):
        return
    order = [entry.rstrip("*") for entry in orders.get(name, "").split()]
    many = {entry.rstrip("*") for entry in orders.get(name, "").split() if entry.endswith("*")}
    children = [child.tag[len(space) :] for child in element]
    if name in orders:
        assert set(children) <= set(order), f"{name} holds {set(children) - set(order)}"
        assert children == sorted(children, key=order.index), f"{name}: {children}"
        assert all(children.count(child) == 1 for child in set(children) - many), f"{name}: {children}"
    for child in element:
        _check_order(child, space, orders)
