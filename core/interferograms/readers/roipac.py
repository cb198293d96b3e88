"""ROI_PAC: raw files described by a .rsc."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ...errors import InputError
from ...raster import Band
from ..model import Acquisition
from .bands import band_of, check_size, in_degrees
from .dates import Pair
from .files import Folder, nearest
from .metadata import number_of, parameters_of
from .product import ProductReader

_BASELINE = re.compile(r"_baseline\.rsc$")
_BYTES = 8


class RoipacReader(ProductReader):
    """``geo_060619-061002.unw`` with ``.unw.rsc``: little-endian, lines of amplitude and of phase in turn."""

    title = "ROI_PAC"
    looks_for = "*.unw with .unw.rsc"
    interferogram_name = re.compile(r"\.unw$")
    coherence_name = re.compile(r"\.cor$")

    def is_interferogram(self, path: Path) -> bool:
        """True with a ``.rsc`` beside."""
        return super().is_interferogram(path) and path.with_name(f"{path.name}.rsc").exists()

    def phase(self, path: Path, folder: Folder) -> Band:
        """The second band; InputError in radar geometry."""
        return _second_band(path)

    def coherence(self, path: Path, folder: Folder) -> Band:
        """The second band of a ``.cor``."""
        return _second_band(path)

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """From the ``.rsc``; the baseline at the middle of the scene from ``*_baseline.rsc``."""
        header = parameters_of(path.with_name(f"{path.name}.rsc"))
        baseline = _mid_baseline(header)
        if baseline is None:
            for pair, sign in ((dates, 1.0), (dates[::-1], -1.0)):
                value = _mid_baseline(parameters_of(nearest(folder.of_pairs(_BASELINE).get(pair, ()), path)))
                baseline = baseline if value is None else sign * value
        return Acquisition(
            perpendicular_baseline=baseline,
            wavelength=number_of(header, "wavelength"),
            heading=number_of(header, "heading_deg", "heading"),
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
    check_size(path, int(width) * int(lines) * _BYTES, f"{path.name}.rsc")
    return in_degrees(band_of(path, 2))


def _mid_baseline(header: Mapping[str, str]) -> float | None:
    ends = [number_of(header, f"p_baseline_{end}_hdr") for end in ("top", "bottom")]
    known = [value for value in ends if value is not None]
    return sum(known) / len(known) if known else None
