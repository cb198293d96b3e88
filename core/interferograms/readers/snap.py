"""ESA SNAP, BEAM-DIMAP: ENVI files in a .data folder, described by a .dim beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from osgeo import gdal

from ...gdal_errors import gdal_raises, quiet_gdal
from ...raster import Band, Grid
from ..model import Acquisition
from .bands import band_of, declared_nodata_only
from .dates import Pair, parse_date
from .files import Folder, nearest
from .metadata import BASELINE, HEADING, INCIDENCE, Metadata, finite_number, is_ascending, skipped, text_of
from .product import ProductReader
from .raw import RawFile

_DIM = re.compile(r"\.dim$")
_BASELINE = "Perp Baseline"
_BYTE_ORDER = re.compile(r"^\s*byte order\s*=", re.MULTILINE | re.IGNORECASE)
_FLOAT = re.compile(r"^\s*data type\s*=\s*4\s*$", re.MULTILINE | re.IGNORECASE)
_DAY = re.compile(r"\d{2}[A-Za-z]{3}\d{4}")


class SnapReader(ProductReader):
    """``Unw_Phase_ifg_17Mar2017_10Apr2017_VV.img`` and ``coh_*.img``, big-endian, with or without their ``.dim``."""

    title = "SNAP"
    looks_for = "Unw_Phase_*.img"
    interferogram_name = re.compile(r"^unw_?phase.*\.img$", re.IGNORECASE)
    coherence_name = re.compile(r"^coh.*\.img$", re.IGNORECASE)

    def phase(self, path: Path, folder: Folder) -> Band:
        """In the byte order of the header; InputError where it tells none and the numbers neither."""
        return _band(path)

    def coherence(self, path: Path, folder: Folder) -> Band:
        """In the byte order of the header, as the phase."""
        return declared_nodata_only(_band(path))

    @gdal_raises()
    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Wavelength, baseline, heading, look side and mean incidence from the ``.dim``."""
        told = Metadata()
        file = _dim_of(path, folder)
        attributes = list(_attributes(_parsed(told.text(file)), ()))
        values: dict[str, str] = {}
        for _, name, text in attributes:
            if text.strip():
                # The first one of a name counts, which is the product's own.
                values.setdefault(name, text)
        ends = [told.number(INCIDENCE, file, values, key) for key in ("incidence_near", "incidence_far")]
        angles = [angle for angle in ends if angle is not None]
        baselines = [(parents, text) for parents, name, text in attributes if name == _BASELINE]
        unread = [text for _, text in baselines if text.strip() and not BASELINE.holds(finite_number(text))]
        track = finite_number(values.get("REL_ORBIT", ""))
        return Acquisition(
            perpendicular_baseline=_baseline(baselines, dates),
            wavelength=told.wavelength(file, values, "radar_frequency", 1e6),
            heading=told.number(HEADING, file, values, "centre_heading"),
            incidence=sum(angles) / len(angles) if angles else None,
            ascending=is_ascending(values.get("PASS", "")),
            look_side=told.side(file, values, "antenna_pointing", left="left", right="right"),
            track=int(track) if track is not None and track > 0 else None,
            notes=(*told.notes, *skipped(file, unread)),
        )


def _band(path: Path) -> Band:
    """The band as GDAL reads it; where the header tells no byte order, in the one in which its numbers make sense."""
    header = text_of(path.with_suffix(".hdr"))
    if not header or _BYTE_ORDER.search(header) or not _FLOAT.search(header):
        return band_of(path)
    file = RawFile(path, Grid.of(path), "MSB", path.with_suffix(".hdr").name)
    file.check()
    return file.band()


def _dim_of(path: Path, folder: Folder) -> Path | None:
    """The .dim of the .data folder, else the only .dim of the file's own folder."""
    if path.parent.suffix == ".data":
        return path.parent.with_suffix(".dim")
    beside = [item for item in folder.matching(_DIM) if item.parent == path.parent]
    return nearest(beside, path) if len(beside) == 1 else None


def _parsed(text: str) -> list[Any]:
    """A .dim as GDAL's tree: lists of kind, name or text, and children; empty where it is broken."""
    try:
        with quiet_gdal():
            return gdal.ParseXMLString(text) or []
    except RuntimeError:
        return []


def _attributes(node: list[Any], parents: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """(names of the elements around, name, text) of each piece of metadata, in the order of the file."""
    children = [child for child in node[2:] if child[0] == gdal.CXT_Element]
    for child in children:
        name = next((item[2][1] for item in child[2:] if item[0] == gdal.CXT_Attribute and item[1] == "name"), "")
        if child[1] == "MDATTR":
            yield parents, name, "".join(item[1] for item in child[2:] if item[0] == gdal.CXT_Text)
        else:
            yield from _attributes(child, (*parents, name) if child[1] == "MDElem" else parents)


def _baseline(baselines: Sequence[tuple[tuple[str, ...], str]], dates: Pair) -> float | None:
    """The perpendicular baseline of the second date relative to the first."""
    for names, text in baselines:
        days = [parse_date(found) for name in names for found in _DAY.findall(name)]
        value = finite_number(text)
        if value is not None and BASELINE.holds(value) and len(days) >= 2 and days[-2] != days[-1]:
            if (days[-2], days[-1]) == dates:
                return value
            if (days[-1], days[-2]) == dates:
                return -value
    return None
