"""Sites of a field survey: the attributes of a site, the form that is filled in on the spot, coordinates as text."""

from __future__ import annotations

import unicodedata
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..fields import Field
from ..gdal_errors import gdal_raises
from ..raster import DEGREES, Transformation, check_coordinates, placed_reference
from ..texts import Message

_NAMESPACE = uuid.UUID("6b1f4f0e-6d0c-5d8a-9a53-5f0a0a3f1c56")

_LONGEST_NAME = 80

SITE_FIELDS: tuple[Field, ...] = (
    Field("uid", "str", "", "Key of the site, never changed: copies are merged by it"),
    Field("id", "int", "", "Number of the site"),
    Field("name", "str", "", "Name of the site on maps and in the GPS"),
    Field("area_id", "int", "", "Number of the area that it stands for"),
    Field("orbit", "str", "", "Orbits that see the area: ascending, descending, both or unknown"),
    Field("stratum", "str", "", "Class of areas that it was drawn from"),
    Field("x", "float", "", "Easting, or longitude, in the layer's coordinate reference system"),
    Field("y", "float", "", "Northing, or latitude, in the layer's coordinate reference system"),
    Field("longitude", "float", "degree", "Longitude (WGS 84)"),
    Field("latitude", "float", "degree", "Latitude (WGS 84)"),
    Field("latitude_dm", "str", "", "Latitude in degrees and decimal minutes (WGS 84)"),
    Field("longitude_dm", "str", "", "Longitude in degrees and decimal minutes (WGS 84)"),
    Field("area_km2", "float", "km²", "Size of the area"),
    Field("los_rate", "float", "mm/yr", "LOS rate of the largest magnitude in the area, with the sign of its layer"),
    Field("slope", "float", "degree", "Mean slope of the area"),
    Field("elevation", "float", "m", "Middle of the lowest and the highest elevation of the area"),
    Field("road_distance", "float", "m", "Distance to the nearest road as the crow flies"),
    Field("look_for", "str", "", "What to look for"),
    Field("stratum_size", "int", "", "Number of areas in the class that it was drawn from"),
)
"""The attributes of a planned site, in the order of the layer's fields."""

CONFIRMED, NOT_CONFIRMED, NOT_ACCESSIBLE = "confirmed", "not_confirmed", "not_accessible"
RESULTS: Mapping[str, str] = {
    CONFIRMED: Message("Confirmed"),
    NOT_CONFIRMED: Message("Not confirmed"),
    NOT_ACCESSIBLE: Message("Not accessible"),
}
"""The answers and how they read; none means that nobody was there."""
NOT_VISITED = Message("Not visited")
FIELD_SIGNS: Mapping[str, str] = {
    "tensile_crack": Message("Tensile crack"),
    "scarp": Message("Scarp"),
    "bulging_toe": Message("Bulging toe"),
    "tilted_trees": Message("Tilted trees"),
    "damaged_road": Message("Damaged road"),
    "cracked_house": Message("Cracked house"),
}
"""The signs of motion and how they read."""
PHOTOS = ("photo_1", "photo_2", "photo_3")

FORM_FIELDS: tuple[Field, ...] = (
    Field("result", "str", "", "confirmed, not_confirmed or not_accessible; empty: not visited"),
    *(Field(name, "bool", "", Message("{sign} seen", sign=title)) for name, title in FIELD_SIGNS.items()),
    *(Field(name, "str", "", "Photo, path relative to the folder of the package") for name in PHOTOS),
    Field("remarks", "str", "", "What else was seen"),
    Field("surveyor", "str", "", "Who was there"),
    Field("visited_on", "date", "", "Day of the visit"),
)
"""What is filled in on the spot; the types are those of Field, and "bool" and "date"."""


@dataclass(frozen=True)
class Site:
    """A point in the CRS of its layer and its attributes by the names of SITE_FIELDS (None where unknown)."""

    x: float
    y: float
    attributes: Mapping[str, Any]


def called(site: Site, place: int = 0) -> str:
    """What a site is called in a sentence: its name, number or key, else its ``place`` in the layer from 1."""
    own = site.attributes
    return one_line(next((own[name] for name in ("name", "id", "uid") if own.get(name) not in (None, "")), f"#{place}"))


def degrees_minutes(latitude: float, longitude: float) -> tuple[str, str]:
    """Latitude and longitude in degrees as texts like 34°12.345′ N and 104°07.890′ E: 2 m at worst.

    The decimal point is a point in every language, as GPS receivers show it.
    """
    return _degrees_minutes(latitude, "N", "S", 2), _degrees_minutes(longitude, "E", "W", 3)


def _degrees_minutes(value: float, positive: str, negative: str, digits: int) -> str:
    thousandths = round(abs(value) * 60_000)
    degrees, rest = divmod(thousandths, 60_000)
    return f"{degrees:0{digits}d}°{rest / 1000:06.3f}′ {negative if value < 0 and thousandths else positive}"


@gdal_raises()
def located(sites: Iterable[Site], crs: str) -> tuple[Site, ...]:
    """The sites with the attributes that tell where they are worked out from their points in ``crs``.

    Raises InputError for a point that the CRS can't place.
    """
    reference = placed_reference(crs, Message("The sites"))
    to_degrees = Transformation(crs, DEGREES, Message("The sites"))
    digits = 7 if reference.IsGeographic() else 2
    result = []
    for site in sites:
        check_coordinates(crs, (site.x, site.y, site.x, site.y), Message("The sites"))
        try:
            longitude, latitude = to_degrees.point(site.x, site.y)
        except InputError:
            raise InputError(
                "The point {x:g}, {y:g} can't be placed on Earth. Check the layer's CRS.", x=site.x, y=site.y
            ) from None
        latitude_dm, longitude_dm = degrees_minutes(latitude, longitude)
        where = {
            "x": round(site.x, digits), "y": round(site.y, digits), "longitude": round(longitude, 7),
            "latitude": round(latitude, 7), "latitude_dm": latitude_dm, "longitude_dm": longitude_dm,
        }  # fmt: skip
        result.append(Site(site.x, site.y, {**site.attributes, **where}))
    return tuple(result)


@gdal_raises()
def completed_sites(sites: Sequence[Site], crs: str) -> tuple[Site, ...]:
    """Points of any layer as sites: numbers, names, keys and coordinates where they are missing.

    Raises InputError without sites, and where two of them have the same key.
    """
    if not sites:
        raise InputError("The layer of sites is empty. Draw sites first (Sample sites for a survey).")
    digits = max(2, len(str(len(sites))))
    result = []
    for number, site in enumerate(located(sites, crs), 1):
        own = dict(site.attributes)
        given = own.get("id")
        own["id"] = given if given and isinstance(given, int) else number
        own["name"] = one_line(own.get("name")) or (
            f"S{own['id']:0{digits}d}" if given in (None, own["id"]) else one_line(given)
        )
        own["look_for"] = printable(own.get("look_for")) or None
        own["uid"] = own.get("uid") or key_of(own["longitude"], own["latitude"], own["name"])
        result.append(Site(site.x, site.y, own))
    twice = [uid for uid, count in Counter(site.attributes["uid"] for site in result).items() if count > 1]
    if twice:
        names = [site.attributes["name"] for site in result if site.attributes["uid"] == twice[0]]
        raise InputError(
            "The sites {names} have the same uid. Delete the copies, or empty their uid.", names=", ".join(names)
        )
    return tuple(result)


def one_line(text: object) -> str:
    """A text on one line, of a length that a map bears, without what XML and the names of files can't hold."""
    shown = " ".join(printable(text).split())
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"


def printable(text: object) -> str:
    """A text without control characters and halves of characters; lines stay. "" of None."""
    kept = (letter for letter in ("" if text is None else str(text)) if letter in "\n\t" or _is_printed(letter))
    return "".join(kept)


def _is_printed(letter: str) -> bool:
    return unicodedata.category(letter) not in ("Cc", "Cs") and letter not in "\ufffe\uffff"


def key_of(longitude: float, latitude: float, name: object) -> str:
    """The uid of a site that has none: always the same for the same place and name."""
    return str(uuid.uuid5(_NAMESPACE, f"{longitude:.6f} {latitude:.6f} {name}"))
