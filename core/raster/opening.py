"""Opening rasters for reading: the one place that lets GDAL open a file."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from osgeo import gdal

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..texts import Message
from ..types import PathLike

# The whole Earth in pixels of 30 m has 8e11, and 1.3e6 in a row.
_MOST_PIXELS, _WIDEST = 10**13, 2**24
# DRIVER:"file":variable, or the XML of a VRT.
_OF_A_DRIVER = re.compile(r"[A-Za-z0-9_]{2,}:|<")
_READ_BESIDE = (".aux.xml", ".msk", ".ovr", ".rsc", ".xml")


@gdal_raises()
def open_raster(path: PathLike, name: str = "", open_options: Sequence[str] = ()) -> gdal.Dataset:
    """Open a raster for reading; InputError names the file and the reason when GDAL can't.

    ``path`` may be the XML of a VRT; ``name`` is then what messages call it. ``open_options`` as GDAL takes them
    (NAME=value).
    """
    _check_regular(os.fspath(path))
    file = os.fspath(path)
    if file.startswith("\\vsi"):  # Windows' Path of a file in an archive
        file = file.replace("\\", "/")
    try:
        with _raw_sources_allowed():
            if open_options:
                dataset = gdal.OpenEx(file, gdal.OF_RASTER, open_options=list(open_options))
            else:
                dataset = gdal.Open(file, gdal.GA_ReadOnly)
    except RuntimeError as error:
        raise InputError(
            "{name} can't be read as a raster: {reason}", name=name or path, reason=_why_not(file, str(error))
        ) from None
    if dataset.RasterXSize * dataset.RasterYSize > _MOST_PIXELS or dataset.RasterXSize > _WIDEST:
        raise InputError(
            "{name} has {width} × {height} pixels, more than any map of the ground. Check the file, or clip it to the "
            "area of interest first.",
            name=name or path,
            width=dataset.RasterXSize,
            height=dataset.RasterYSize,
        )
    return dataset


def _why_not(path: str, error: str) -> Message:
    """Why GDAL can't open a raster and what to do, from the file and from GDAL's words, which tell users nothing."""
    found = gdal.VSIStatL(path)
    if found is not None and found.IsDirectory():
        return Message("it is a folder. Choose a file.")
    if found is not None and not found.size:
        return Message("it is empty. Copy or download it again.")
    if found is None and not _OF_A_DRIVER.match(path):
        return Message("it doesn't exist. Choose another file.")
    if "ermission denied" in error:
        return Message("you may not read it. Change its permissions, or copy it to where you may.")
    if "not recognized as" in error:
        return Message("it is of no known format, or not a raster. Choose a GeoTIFF or another raster.")
    if found is not None:
        return Message("it is damaged or incomplete. Copy or download it again.")
    return Message("it isn't there, or it is damaged or incomplete. Check the file and what it refers to.")


def _check_regular(path: str) -> None:
    """InputError for a pipe or a device as the file or as one that GDAL reads beside it: it would wait for ever."""
    if path.startswith("<"):
        return
    for suffix in ("", *_READ_BESIDE):
        file = Path(path + suffix)
        try:
            mode = file.stat().st_mode
        except (OSError, ValueError):
            continue
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise InputError("{file} is a pipe or a device, not a file. Remove it or choose another file.", file=file)


@contextlib.contextmanager
def _raw_sources_allowed() -> Iterator[None]:
    """Let a VRT of this thread describe raw files wherever they lie, which GDAL 3.12 and later refuse by default."""
    if not hasattr(gdal, "GetThreadLocalConfigOption"):  # older than the restriction
        yield
        return
    key = "GDAL_VRT_RAWRASTERBAND_ALLOWED_SOURCE"
    before = gdal.GetThreadLocalConfigOption(key)
    gdal.SetThreadLocalConfigOption(key, "ALL")
    try:
        yield
    finally:
        gdal.SetThreadLocalConfigOption(key, before)
