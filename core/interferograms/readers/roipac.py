"""ROI_PAC: raw files described by a .rsc."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ...errors import InputError
from ...raster import Band, Grid
from ..model import Acquisition
from .bands import band_of, in_degrees
from .dates import Pair
from .files import Folder, nearest
from .metadata import BASELINE, HEADING, WAVELENGTH, Metadata, is_ascending, number_of, parameters_of
from .product import ProductReader
from .raw import RawFile

_BASELINE = re.compile(r"_baseline\.rsc$")


class RoipacReader(ProductReader):
    """``geo_060619-061002.unw`` with ``.unw.rsc``: little-endian, lines of amplitude and of phase in turn."""

    title = "ROI_PAC"
    looks_for = "*.unw with .unw.rsc"
    interferogram_name = re.compile(r"\.unw$")
    coherence_name = re.compile(r"\.cor$")

    def is_interferogram(self, path: Path) -> bool:
        """True with a ``.rsc`` beside."""
        return super().is_interferogram(path) and path.with_name(f"{path.name}.rsc").is_file()

    def phase(self, path: Path, folder: Folder) -> Band:
        """The second band; InputError in radar geometry."""
        return _second_band(path)

    def coherence(self, path: Path, folder: Folder) -> Band:
        """The second band of a ``.cor``."""
        return _second_band(path)

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """From the ``.rsc``; the baseline at the middle of the scene from ``*_baseline.rsc``."""
        told = Metadata()
        file = path.with_name(f"{path.name}.rsc")
        header = told.parameters(file)
        baseline = _mid_baseline(file, header, told)
        if baseline is None:
            for pair, sign in ((dates, 1.0), (dates[::-1], -1.0)):
                table = nearest(folder.of_pairs(_BASELINE).get(pair, ()), path)
                value = _mid_baseline(table, told.parameters(table), told)
                baseline = baseline if value is None else sign * value
        told.note(*_raw_file(path).note())
        return Acquisition(
            perpendicular_baseline=baseline,
            wavelength=told.number(WAVELENGTH, file, header, "wavelength"),
            heading=told.number(HEADING, file, header, "heading_deg", "heading"),
            ascending=is_ascending(header.get("orbit_direction", "")),
            look_side=told.side(file, header, "antenna_side", left="1", right="-1"),
            notes=told.notes,
        )


def _second_band(path: Path) -> Band:
    header = parameters_of(path.with_name(f"{path.name}.rsc"))
    width, lines = (number_of(header, key) for key in ("width", "file_length"))
    if not width or not lines:
        raise InputError(
            "{path}.rsc doesn't give WIDTH and FILE_LENGTH, so {name} can't be read.", path=path, name=path.name
        )
    if number_of(header, "x_first") is None or number_of(header, "y_step") is None:
        raise InputError(
            "{path} is in radar geometry (range and azimuth), not on a map. Geocode it with ROI_PAC (geocode.pl) and "
            "use the geo_*.unw files.",
            path=path,
        )
    file = _raw_file(path)
    file.check()
    if file.order == "MSB":
        return in_degrees(file.band())
    return in_degrees(band_of(path, 2))


def _raw_file(path: Path) -> RawFile:
    grid = Grid.of(path)
    return RawFile(path, grid, "LSB", f"{path.name}.rsc", bands=2, index=2)


def _mid_baseline(file: Path | None, header: Mapping[str, str], told: Metadata) -> float | None:
    ends = [told.number(BASELINE, file, header, f"p_baseline_{end}_hdr") for end in ("top", "bottom")]
    known = [value for value in ends if value is not None]
    return sum(known) / len(known) if known else None
