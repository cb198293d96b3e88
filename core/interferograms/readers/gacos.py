"""GACOS: maps of the zenith delay of the air at one date, as ``YYYYMMDD.ztd`` with ``.ztd.rsc`` or as GeoTIFF."""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import InputError
from ...gdal_errors import gdal_raises
from ...raster import Band, Grid
from .bands import LONGITUDE_LATITUDE, band_of, in_degrees
from .metadata import number_of, parameters_of
from .raw import RawFile

DELAY_NAME = re.compile(r"^\d{8}\.ztd(\.tiff?)?$", re.IGNORECASE)
_LARGEST_SIDE = 100_000


@gdal_raises()
def delay_band(path: Path) -> tuple[Band, tuple[str, ...]]:
    """The band of a file of this name, in metres, and notes on it; exact zeros are no data.

    The corner that the header gives is the centre of the first pixel: GACOS's grids lie on that of SRTM, whose centres
    are at whole multiples of the step. InputError where the header is missing or doesn't describe the file.
    """
    if path.suffix.lower() != ".ztd":
        return in_degrees(band_of(path)), ()
    header = path.with_name(f"{path.name}.rsc")
    if not header.is_file():
        raise InputError(
            "{path} has no {header} beside it, which tells where its numbers lie. Put the two files of GACOS into one "
            "folder.",
            path=path,
            header=header.name,
        )
    file = RawFile(path, _grid(header), "LSB", header.name)
    file.check()
    return file.band(), file.note()


def _grid(header: Path) -> Grid:
    told = parameters_of(header)
    width, lines, left, top, dx, dy = (
        number_of(told, key) for key in ("width", "file_length", "x_first", "y_first", "x_step", "y_step")
    )
    kind = told.get("projection", "latlon").upper()
    if (
        width is None or lines is None or left is None or top is None or dx is None or dy is None
        or not (1 <= width <= _LARGEST_SIDE and 1 <= lines <= _LARGEST_SIDE and dx > 0 > dy)
        or not (abs(top) <= 90 and abs(left) <= 360 and kind.startswith(("LATLON", "LL", "NONE")))
    ):  # fmt: skip
        raise InputError(
            "{header} doesn't describe a map in degrees: WIDTH, FILE_LENGTH, X_FIRST, Y_FIRST, X_STEP above 0 and "
            "Y_STEP below 0 are needed. Download the delay from GACOS again.",
            header=header,
        )
    turned = left - 360 if left > 180 else left
    corner = (turned - dx / 2, dx, 0.0, top - dy / 2, 0.0, dy)
    return Grid(LONGITUDE_LATITUDE, corner, int(width), int(lines), str(header))
