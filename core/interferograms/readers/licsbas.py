"""LiCSBAS working folders: raw files of multilooked LiCSAR frames."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from ...errors import InputError
from ...raster import Band, Grid
from ...satellite import SENTINEL1_WAVELENGTH
from ..model import Acquisition
from .bands import centre_value
from .dates import Pair
from .files import Folder
from .gamma import grid_of_parameters
from .licsar import frame_acquisition
from .metadata import HEADING, INCIDENCE, Metadata, parameters_of
from .product import ProductReader
from .raw import RawFile

_GRID = "EQA.dem_par"
_IMAGE = "slc.mli.par"
_WORKING_FOLDER = re.compile(r"^GEOCml")


class LicsbasReader(ProductReader):
    """``GEOCml1/20180106_20180118/20180106_20180118.unw`` and ``.cc`` (uint8 or float) on the grid of ``EQA.dem_par``.

    Little-endian float32; NaN is no data, and 0, too, as LiCSBAS has it. ``baselines`` and signs are those of LiCSAR.
    """

    title = "LiCSBAS"
    looks_for = "GEOCml*/*.unw with EQA.dem_par"
    interferogram_name = re.compile(r"^\d{8}_\d{8}\.unw$")
    coherence_name = re.compile(r"^\d{8}_\d{8}\.cc$")

    def is_interferogram(self, path: Path) -> bool:
        """True in a folder of the pair's name, below a working folder."""
        working = path.parent.parent
        return (
            super().is_interferogram(path)
            and path.parent.name == path.stem
            and (bool(_WORKING_FOLDER.match(working.name)) or (working / _GRID).is_file())
        )

    def check_files(self, files: Sequence[Path], folder: Folder) -> None:
        """InputError for several working folders of a frame, which may hold the same pairs masked or clipped."""
        frames: dict[Path, set[Path]] = {}
        for path in files:
            frames.setdefault(path.parent.parent.parent, set()).add(path.parent.parent)
        working = max((sorted(paths) for paths in frames.values()), key=len)
        if len(working) > 1:
            raise InputError(
                "{path} holds {count} working folders of LiCSBAS: {listed}. They may hold the same interferograms, "
                "masked, clipped or corrected. Choose one of them.",
                path=folder.path,
                count=len(working),
                listed=", ".join(item.name for item in working),
            )

    def phase(self, path: Path, folder: Folder) -> Band:
        """InputError without an ``EQA.dem_par`` of the file's size."""
        file = _raw(path)
        file.check()
        return file.band()

    def coherence(self, path: Path, folder: Folder) -> Band:
        """From 0 to 255 in one byte, or from 0 to 1 in float32, which the size of the file tells."""
        file = _raw(path)
        if path.stat().st_size == file.grid.width * file.grid.height:
            return file.band(kind="Byte", scale=1 / 255)
        file.check()
        return file.band()

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Baselines as of LiCSAR; wavelength from ``slc.mli.par``; angles of ``E.geo``, ``N.geo`` and ``U.geo``."""
        told = Metadata()
        working = path.parent.parent
        image = working / _IMAGE
        wavelength = told.wavelength(image, parameters_of(image), "radar_frequency")
        told.note(*_raw(path).note())
        heading, incidence = _view(working, told)
        return frame_acquisition(
            path, dates, folder, told, wavelength or SENTINEL1_WAVELENGTH, heading=heading, incidence=incidence
        )


def _raw(path: Path) -> RawFile:
    return RawFile(path, _grid_of(path.parent.parent), "LSB", _GRID)


def _grid_of(working: Path) -> Grid:
    file = working / _GRID
    if not file.is_file():
        raise InputError(
            "{path} is a working folder of LiCSBAS without EQA.dem_par, which gives the size and the coordinates of "
            "its files. Run LiCSBAS02_ml_prep.py again.",
            path=working,
        )
    return grid_of_parameters(file)


def _view(working: Path, told: Metadata) -> tuple[float | None, float | None]:
    """Heading and incidence in degrees from the components of the unit vector from the ground to the satellite."""
    values = []
    for name in ("E", "N", "U"):
        file = working / f"{name}.geo"
        try:
            raw = RawFile(file, _grid_of(working), "LSB", _GRID)
            raw.check()
            values.append(centre_value(raw.band(nodata=())))
        except (InputError, OSError):
            return None, None
    east, north, up = values
    if east is None or north is None or up is None or not -1 <= up <= 1 or not (east or north):
        return None, None
    # The satellite stands to the left of a flight that looks to the right.
    heading = (math.degrees(math.atan2(east, north)) + 90 + 180) % 360 - 180
    incidence = math.degrees(math.acos(up))
    return told.checked(HEADING, working / "E.geo", heading), told.checked(INCIDENCE, working / "U.geo", incidence)
