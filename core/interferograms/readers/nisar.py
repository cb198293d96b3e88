"""NISAR geocoded unwrapped interferograms (GUNW), one HDF5 file a pair."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from pathlib import Path

from osgeo import gdal

from ...errors import InputError
from ...gdal_errors import gdal_raises
from ...raster import Band, open_raster
from ...satellite import LEFT, RIGHT
from ...texts import Message
from ..model import Acquisition
from .bands import band_of, declared_nodata_only
from .containers import mean_of, placed, text_in
from .dates import Pair, parse_date
from .files import Folder
from .metadata import BASELINE, HEADING, INCIDENCE, Metadata, is_ascending
from .product import ProductReader

_TIMES = re.compile(r"_(\d{8})T\d{6}_(\d{8})T\d{6}_(\d{8})T\d{6}_(\d{8})T\d{6}(?!\d)")
_NAME = re.compile(r"^NISAR_.*?_GUNW_\d{3}_(\d{3})_[AD]_.*?_\d{8}T(\d{2})(\d{2})(\d{2})_")
_PHASE = re.compile(r"^(science/([LS])SAR/GUNW/grids/(frequency[AB])/.*?([HV]{2})?)/unwrappedPhase$")
_POLARIZATIONS = ("HH", "VV", "HV", "VH")
# Of the centre of the L and the S band, for files that don't tell it.
_FREQUENCIES = {"L": 1.257e9, "S": 3.2e9}


class NisarReader(ProductReader):
    """``NISAR_L2_PR_GUNW_*.h5``: ``unwrappedPhase`` is that of the reference minus that of the secondary image, so
    positive where range grew from the reference to the secondary date, which stand in this order in the name.
    """

    title = "NISAR GUNW"
    looks_for = "NISAR_*_GUNW_*.h5"
    interferogram_name = re.compile(r"^(?!S1-)(?!.*_QA_)(.*_)?GUNW(_.*)?\.h5$")
    coherence_name = interferogram_name

    @gdal_raises()
    def dates(self, path: Path) -> Pair | None:
        """Of reference and secondary image, from the name or else from the file."""
        times = _TIMES.search(path.name)
        texts = (times[1], times[3]) if times else [_time(path, image)[:10] for image in ("reference", "secondary")]
        first, second = (parse_date(text) for text in texts)
        return (first, second) if first and second else None

    def phase(self, path: Path, folder: Folder) -> Band:
        """``unwrappedPhase`` of frequency A before B, of HH before VV; what isn't a number is no data."""
        return _layer(path, "unwrappedPhase")

    def find_coherence(self, path: Path, dates: Pair, folder: Folder) -> Path | None:
        """The same file."""
        return path

    def coherence(self, path: Path, folder: Folder) -> Band:
        """``coherenceMagnitude`` of the same frequency and polarization."""
        band = _layer(path, "coherenceMagnitude")
        return declared_nodata_only(band_of(band.path, band.index, name=band.label))

    @gdal_raises()
    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Wavelength of the layer's centre frequency, look side, and means of the cubes of baseline, incidence and line
        of sight.
        """
        told = Metadata()
        group, others = _chosen(path)
        cubes = f"/science/{group.split('/')[1]}/GUNW/metadata/radarGrid"
        if others:
            told.note(
                Message("{path} holds {others}, too; {group} is used.", path=path, others=others, group=_short(group))
            )
        name = _NAME.match(path.name)
        identification = f"/science/{group.split('/')[1]}/identification"
        looks = {"look": text_in(path, f"{identification}/lookDirection")}
        # NISAR has looked to the left since its launch.
        look_side = told.side(path, looks, "look", left="l", right="r") or LEFT
        told.note(
            Message("The ionosphere, whose phase NISAR's files hold apart, is not removed from the interferograms.")
        )
        return Acquisition(
            perpendicular_baseline=told.checked(BASELINE, path, mean_of(path, f"{cubes}/perpendicularBaseline")),
            wavelength=_wavelength(path, group, told),
            heading=_heading(path, cubes, look_side, told),
            incidence=told.checked(INCIDENCE, path, mean_of(path, f"{cubes}/incidenceAngle")),
            track=int(name[1]) if name else None,
            seconds=3600 * int(name[2]) + 60 * int(name[3]) + float(name[4]) if name else None,
            ascending=is_ascending(text_in(path, f"{identification}/orbitPassDirection")),
            look_side=look_side,
            notes=told.notes,
        )


def _time(path: Path, image: str) -> str:
    names = (f"/science/{band}SAR/identification/{image}ZeroDopplerStartTime" for band in _FREQUENCIES)
    return next(filter(None, (text_in(path, name) for name in names)), "")


def _wavelength(path: Path, group: str, told: Metadata) -> float | None:
    """Of the centre frequency; that of the middle of the band where the file doesn't tell it."""
    frequency = mean_of(path, f"/{'/'.join(group.split('/')[:5])}/centerFrequency")
    texts = {} if frequency is None else {"centerFrequency": repr(frequency)}
    wavelength = told.wavelength(path, texts, "centerFrequency")
    if wavelength is not None:
        return wavelength
    usual = _FREQUENCIES[group.split("/")[1][0]]
    told.note(
        Message("{path} doesn't tell its radar frequency; {usual:g} GHz is assumed.", path=path, usual=usual / 1e9)
    )
    return told.wavelength(path, {"usual": repr(usual)}, "usual")


def _heading(path: Path, cubes: str, look_side: str, told: Metadata) -> float | None:
    """From the direction in which the satellite stands, which is to the left of a flight that looks to the right."""
    east, north = (mean_of(path, f"{cubes}/losUnitVector{axis}") for axis in "XY")
    if east is None or north is None or not (east or north):
        return None
    to_heading = 90 if look_side == RIGHT else -90
    return told.checked(HEADING, path, (math.degrees(math.atan2(east, north)) + to_heading) % 360)


def _layer(path: Path, name: str) -> Band:
    group, _ = _chosen(path)
    return _placed_layer(path, f"{group}/{name}")


@gdal_raises()
def _placed_layer(path: Path, variable: str) -> Band:
    band = band_of(f'HDF5:"{path}"://{variable}', nodata=(), name=str(path))
    return placed(band, path, variable)


def _chosen(path: Path) -> tuple[str, str]:
    """The group of the layers that are read, and the other ones in words."""
    status = path.stat()
    return _groups_of(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
@gdal_raises()
def _groups_of(path: Path, size: int, modified: int) -> tuple[str, str]:
    if gdal.GetDriverByName("HDF5") is None:
        raise InputError("{path} is an HDF5 file, which this GDAL can't read. Install GDAL's HDF5 driver.", path=path)
    names = [name.rpartition(":")[2].lstrip("/") for name, _ in open_raster(path).GetSubDatasets()]
    found = sorted(filter(None, map(_PHASE.match, names)), key=_rank)
    if not found:
        raise InputError(
            "{path} holds no unwrappedPhase, so it isn't a complete NISAR GUNW product. Download it again.", path=path
        )
    return found[0][1], ", ".join(_short(match[1]) for match in found[1:])


def _rank(match: re.Match[str]) -> tuple[str, str, int]:
    polarization = match[4] or _POLARIZATIONS[0]
    return match[2], match[3], _POLARIZATIONS.index(polarization) if polarization in _POLARIZATIONS else 9


def _short(group: str) -> str:
    """The frequency and the polarization of a group."""
    parts = group.split("/")
    return f"{parts[4]} {parts[-1]}"
