"""ISCE2 stacks (topsStack, topsApp, stripmapStack): a folder a pair, geocoded files end in .geo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ...gdal_errors import gdal_raises
from ...raster import Band, open_raster
from ...satellite import LEFT
from ...texts import Message
from ..model import Acquisition
from .bands import band_of, centre_value, check_geocoded, declared_nodata_only, in_degrees
from .dates import Pair, pair_in
from .files import Folder, nearest
from .isce2_view import view_of
from .metadata import BASELINE, HEADING, INCIDENCE, Metadata, finite_number, parameters_in
from .product import ProductReader

_BASELINE = re.compile(r"\.txt$")
_AVERAGE = re.compile(r"Bperp\s*\(average\)\s*:\s*(\S+)")
_ENDS = ("perp_baseline_top", "perp_baseline_bottom")
_LINE_OF_SIGHT = re.compile(r"^los(\.rdr)?\.geo$")
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

    def find_components(self, path: Path, dates: Pair, folder: Folder) -> Path | None:
        """``filt_fine.unw.conncomp`` beside the interferogram, in the same geometry."""
        geocoded = path.suffix == ".geo"
        file = path.with_name(f"{path.stem}.conncomp.geo" if geocoded else f"{path.name}.conncomp")
        return file if file.exists() and _described(file) else None

    @gdal_raises()
    def components(self, path: Path, folder: Folder) -> Band:
        """The band of the file."""
        return in_degrees(band_of(_source(path), name=str(path)))

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Baselines of the stack, which are relative to its reference date; the view as ``view_of`` finds it, and by
        the geocoded line of sight where that isn't told.
        """
        told = Metadata()
        view = view_of(path, folder, told)
        heading, incidence = view.heading, view.incidence
        lines = nearest((item for item in folder.matching(_LINE_OF_SIGHT) if _described(item)), path)
        if lines is not None and (heading is None or incidence is None):
            seen = _line_of_sight(lines, view.look_side, told)
            heading, incidence = heading if heading is not None else seen[0], incidence or seen[1]
        return Acquisition(
            _baseline(dates, folder, told),
            view.wavelength,
            heading,
            incidence,
            ascending=view.ascending,
            look_side=view.look_side,
            notes=told.notes,
        )


@gdal_raises()
def _line_of_sight(path: Path, look_side: str | None, told: Metadata) -> tuple[float | None, float | None]:
    """Heading and incidence from bands of incidence and of the azimuth to the satellite, anticlockwise from north."""
    source = _source(path)
    incidence, azimuth = (centre_value(band_of(source, index, name=str(path))) for index in (1, 2))
    heading = None if azimuth is None else ((90 if look_side != LEFT else -90) - azimuth + 180) % 360 - 180
    return told.checked(HEADING, path, heading), told.checked(INCIDENCE, path, incidence)


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
    """The mean over the swaths of "Bperp (average)", or over the two ends of a stripmap's scene."""
    text = told.text(path)
    values = [told.checked(BASELINE, path, finite_number(number), number) for number in _AVERAGE.findall(text)]
    ends = parameters_in(text)
    values += [told.number(BASELINE, path, ends, end) for end in _ENDS]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
