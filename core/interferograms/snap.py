"""ESA SNAP, BEAM-DIMAP: ENVI files in a .data folder, described by a .dim beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from .dates import Pair, parse_date
from .files import Folder, nearest, text_of
from .model import SPEED_OF_LIGHT, Acquisition
from .product import ProductReader

_DIM = re.compile(r"\.dim$")
_DAY = re.compile(r"\d{2}[A-Za-z]{3}\d{4}")


class SnapReader(ProductReader):
    """``Unw_Phase_ifg_17Mar2017_10Apr2017_VV.img`` and ``coh_*.img``, big-endian, with or without their ``.dim``."""

    title = "SNAP"
    looks_for = "Unw_Phase_*.img"
    interferogram_name = re.compile(r"^unw_?phase.*\.img$", re.IGNORECASE)
    coherence_name = re.compile(r"^coh.*\.img$", re.IGNORECASE)

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Wavelength, baseline, heading and mean incidence from the ``.dim``."""
        header = _dim_of(path, folder)
        if header is None:
            return Acquisition()
        values = _attributes(header)
        frequency = values.get("radar_frequency")
        angles = [values[key] for key in ("incidence_near", "incidence_far") if 0 < values.get(key, 0) < 90]
        return Acquisition(
            perpendicular_baseline=_baseline(header, dates),
            wavelength=SPEED_OF_LIGHT / (frequency * 1e6) if frequency else None,
            heading=values.get("centre_heading"),
            incidence=sum(angles) / len(angles) if angles else None,
        )


def _dim_of(path: Path, folder: Folder) -> ElementTree.Element | None:
    """The parsed .dim of the .data folder, else the only .dim of the file's own folder."""
    if path.parent.suffix == ".data":
        file: Path | None = path.parent.with_suffix(".dim")
    else:
        beside = [item for item in folder.matching(_DIM) if item.parent == path.parent]
        file = nearest(beside, path) if len(beside) == 1 else None
    try:
        return ElementTree.fromstring(text_of(file)) if file and file.exists() else None
    except (ElementTree.ParseError, ValueError):
        return None


def _attributes(header: ElementTree.Element) -> dict[str, float]:
    """The numbers of the abstracted metadata; the first one of a name counts, which is the product's own."""
    found: dict[str, float] = {}
    for item in header.iter("MDATTR"):
        try:
            found.setdefault(item.get("name", ""), float(item.text or ""))
        except ValueError:
            continue
    return found


def _baseline(header: ElementTree.Element, dates: Pair) -> float | None:
    """The perpendicular baseline of the second date relative to the first."""
    for names, value in _baselines(header, ()):
        days = [parse_date(found) for name in names for found in _DAY.findall(name)]
        if len(days) >= 2 and days[-2] != days[-1]:
            if (days[-2], days[-1]) == dates:
                return value
            if (days[-1], days[-2]) == dates:
                return -value
    return None


def _baselines(element: ElementTree.Element, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], float]]:
    for child in element:
        if child.tag == "MDATTR" and child.get("name") == "Perp Baseline" and child.text:
            yield names, float(child.text)
        else:
            yield from _baselines(child, (*names, child.get("name", "")) if child.tag == "MDElem" else names)
