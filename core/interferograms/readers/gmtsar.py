"""GMTSAR: a folder a pair, named by zero-based days of the year."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from ...errors import InputError
from ...raster import Band
from ..model import Acquisition
from .bands import band_of, in_degrees
from .dates import Pair, day_of_year, pair_of_days
from .files import Folder, nearest
from .metadata import BASELINE, WAVELENGTH, Metadata, finite_number, is_ascending, skipped
from .product import ProductReader

_PARAMETERS = re.compile(r"\.PRM$")
_DAY = re.compile(r"^[12]\d{3}[0-3]\d{2}(\.\d+)?$")


class GmtsarReader(ProductReader):
    """``intf/2015059_2015083/unwrap_ll.grd`` and ``corr_ll.grd``; ``baseline_table.dat``; ``*.PRM``."""

    title = "GMTSAR"
    looks_for = "unwrap_ll.grd"
    interferogram_name = re.compile(r"^unwrap.*\.grd$")
    coherence_name = re.compile(r"^corr.*_ll\.grd$")

    def is_interferogram(self, path: Path) -> bool:
        """True in a folder of a pair; the one in radar geometry only where no geocoded one stands beside."""
        if not super().is_interferogram(path) or not pair_of_days(path.parent.name):
            return False
        return _is_geocoded(path) or not any(path.parent.glob("unwrap*_ll.grd"))

    def dates(self, path: Path) -> Pair | None:
        """The dates of the folder."""
        return pair_of_days(path.parent.name)

    def phase(self, path: Path, folder: Folder) -> Band:
        """The grid in longitude and latitude; InputError in radar geometry."""
        if not _is_geocoded(path):
            raise InputError(
                "{path} is in radar geometry (range and azimuth), not on a map. Geocode it with GMTSAR "
                "(geocode.csh or proj_ra2ll.csh), which writes unwrap_ll.grd.",
                path=path,
            )
        return in_degrees(band_of(path, nodata=()))

    def coherence_files(self, folder: Folder) -> Mapping[Pair, list[Path]]:
        """Coherence by the dates of the folder."""
        found: dict[Pair, list[Path]] = {}
        for path in folder.matching(self.coherence_name):
            dates = self.dates(path)
            if dates:
                found.setdefault(dates, []).append(path)
        return found

    def coherence(self, path: Path, folder: Folder) -> Band:
        """The correlation, no data where NaN."""
        return in_degrees(band_of(path, nodata=()))

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Differences of the baseline table; wavelength, orbit and look side of a .PRM."""
        told = Metadata()
        file = folder.named("baseline_table.dat", path)
        baselines, unread = _baselines(told.text(file))
        first, second = (baselines.get(day) for day in dates)
        image = nearest(folder.matching(_PARAMETERS), path)
        parameters = told.parameters(image)
        return Acquisition(
            perpendicular_baseline=None if first is None or second is None else second - first,
            wavelength=told.number(WAVELENGTH, image, parameters, "radar_wavelength"),
            ascending=is_ascending(parameters.get("orbdir", "")),
            look_side=told.side(image, parameters, "lookdir", left="l", right="r"),
            notes=(*told.notes, *skipped(file, unread)),
        )


def _is_geocoded(path: Path) -> bool:
    return path.stem.endswith("_ll")


def _baselines(text: str) -> tuple[dict[date, float], list[str]]:
    """Metres by date, and the lines without them.

    From lines "name yyyyddd.fraction days parallel perpendicular".
    """
    found = {}
    unread: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 5:
            value = finite_number(words[4])
            if value is not None and BASELINE.holds(value) and _DAY.match(words[1]):
                found[day_of_year(words[1])] = value
            else:
                unread.append(line)
    return found, unread
