"""ISCE2 stacks (topsStack, topsApp, stripmapStack): a folder a pair, geocoded files end in .geo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ...gdal_errors import gdal_raises
from ...raster import Band, open_raster
from ...texts import Message
from ..model import Acquisition
from .bands import band_of, check_geocoded, declared_nodata_only, in_degrees
from .dates import Pair, pair_in
from .files import Folder, nearest
from .metadata import BASELINE, WAVELENGTH, Metadata, finite_number
from .product import ProductReader

_BASELINE = re.compile(r"\.txt$")
_AVERAGE = re.compile(r"Bperp\s*\(average\)\s*:\s*(\S+)")
_SWATH = re.compile(r"^(IW\d|data)\.xml$")
_WAVELENGTH = re.compile(r'name="radarwavelength"[^>]*>\s*<value>\s*([^<\s]+)')
_GEOCODE = Message(
    "Geocode the stack with ISCE2 (geocodeIsce.py or geocodeGdal.py) and choose the folder with the .geo files."
)


class Isce2Reader(ProductReader):
    """``20160927_20161009/filt_fine.unw.geo`` with its ``.xml`` or ``.vrt``: amplitude and phase in two bands."""

    title = "ISCE2"
    looks_for = "*.unw or *.unw.geo with .xml or .vrt"
    interferogram_name = re.compile(r"\.unw(\.geo)?$")
    coherence_name = re.compile(r"\.cor(\.geo)?$")

    def is_interferogram(self, path: Path) -> bool:
        """True for files that ISCE2 describes; the one in radar geometry only where no geocoded one stands beside."""
        return (
            super().is_interferogram(path)
            and _described(path)
            and not (path.suffix == ".unw" and path.with_name(f"{path.name}.geo").exists())
        )

    def dates(self, path: Path) -> Pair | None:
        """The dates of the file or of the folder that it lies in."""
        return pair_in(path.name) or pair_in(path.parent.name) or pair_in(path.parent.parent.name)

    @gdal_raises()
    def phase(self, path: Path, folder: Folder) -> Band:
        """The last band of the file; InputError in radar geometry."""
        source = _source(path)
        check_geocoded(source, _GEOCODE)
        return in_degrees(band_of(source, open_raster(source).RasterCount, name=str(path)))

    def coherence_files(self, folder: Folder) -> Mapping[Pair, list[Path]]:
        """Coherence by the dates of file or folder."""
        found: dict[Pair, list[Path]] = {}
        for path in folder.matching(self.coherence_name):
            dates = self.dates(path)
            if dates and _described(path):
                found.setdefault(dates, []).append(path)
        return found

    def find_coherence(self, path: Path, dates: Pair, folder: Folder) -> Path | None:
        """The coherence of the same name, else the nearest one in the same geometry."""
        same = path.with_name(path.name.replace(".unw", ".cor"))
        if same.exists() and _described(same):
            return same
        found = self.coherence_files(folder).get(dates, [])
        return nearest((item for item in found if item.suffix == path.suffix), path)

    @gdal_raises()
    def coherence(self, path: Path, folder: Folder) -> Band:
        """The last band: ``filt_fine.cor`` has one, ``topophase.cor`` amplitude and coherence."""
        source = _source(path)
        return in_degrees(declared_nodata_only(band_of(source, open_raster(source).RasterCount, name=str(path))))

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Baselines of the stack, which are relative to its reference date; wavelength from a swath's XML."""
        told = Metadata()
        swath = nearest(folder.matching(_SWATH), path)
        found = _WAVELENGTH.search(told.text(swath))
        wavelength = told.checked(WAVELENGTH, swath, finite_number(found[1]), found[1]) if swath and found else None
        return Acquisition(_baseline(dates, folder, told), wavelength, notes=told.notes)


def _described(path: Path) -> bool:
    return any(path.with_name(path.name + suffix).exists() for suffix in (".xml", ".vrt"))


def _source(path: Path) -> Path:
    return path if path.with_name(f"{path.name}.xml").exists() else path.with_name(f"{path.name}.vrt")


def _baseline(dates: Pair, folder: Folder, told: Metadata) -> float | None:
    """The pair's own baseline, else the difference of two that share a reference date; None without them."""
    averages = {pair: _average(files[0], told) for pair, files in folder.of_pairs(_BASELINE).items()}
    known = {pair: value for pair, value in averages.items() if value is not None}
    if dates in known:
        return known[dates]
    for reference in {pair[0] for pair in known}:
        from_reference = {second: value for (first, second), value in known.items() if first == reference}
        from_reference[reference] = 0.0
        if dates[0] in from_reference and dates[1] in from_reference:
            return from_reference[dates[1]] - from_reference[dates[0]]
    return None


def _average(path: Path, told: Metadata) -> float | None:
    """The mean over the swaths of "Bperp (average)"."""
    values = [told.checked(BASELINE, path, finite_number(text), text) for text in _AVERAGE.findall(told.text(path))]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
