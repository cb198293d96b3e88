"""Photos of a survey: copied without ever writing over one, and small enough for a report."""

from __future__ import annotations

import base64
import contextlib
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from osgeo import gdal

from ..errors import OutputError
from ..gdal_errors import gdal_raises, quiet_gdal

# How a picture is turned to stand upright, by its EXIF orientation: flip from left to right, quarter turns to the left.
_UPRIGHT = {2: (True, 0), 3: (False, 2), 4: (True, 2), 5: (True, 1), 6: (False, 3), 7: (True, 3), 8: (False, 1)}


_LONGEST_STEM = 60
_PICTURES = (
    ".jpg", ".jpeg", ".jpe", ".png", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff", ".dng", ".gif", ".bmp",
)  # fmt: skip
# By these alone: a file may call itself a picture and point to others, as a virtual raster does.
_DRIVERS = ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GTiff", "GIF", "BIGGIF", "BMP"]


def is_picture(file: Path) -> bool:
    """Whether a file has the name of a picture."""
    return file.suffix.lower() in _PICTURES


def copy_photos(files: Iterable[Path], folder: Path) -> tuple[dict[Path, Path], list[Path]]:
    """Copy files into a folder; what each became, and what was made there (to be removed if the run fails).

    A file of the same name and content is taken as it is; one of the same name and other content stays, and the copy
    gets a number. Raises OutputError when the folder can't be written; then nothing stays.
    """
    placed: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            made.append(folder)
        for file in files:
            target, number = folder / file.name, 1
            while target.exists() and target.read_bytes() != file.read_bytes():
                number += 1
                target = folder / f"{file.stem[:_LONGEST_STEM]}_{number}{file.suffix}"
            if not target.exists():
                made.append(target)
                shutil.copyfile(file, target)
            placed[file] = target
    except OSError as error:
        remove_made(made)
        raise OutputError(
            "Photos can't be copied to {folder} ({error}). Check that you may write there and that there is space.",
            folder=folder,
            error=error,
        ) from None
    return placed, made


def remove_made(made: Iterable[Path]) -> None:
    """Take back what copy_photos made."""
    for path in reversed(list(made)):
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


@gdal_raises()
def thumbnail(file: Path, longest: int = 420) -> str | None:
    """A small JPEG of a picture, upright, as a data URI; None for one that can't be read."""
    name = f"/vsimem/ada_mapper_{uuid.uuid4().hex}.jpg"
    try:
        with quiet_gdal():
            dataset = gdal.OpenEx(str(file), gdal.OF_RASTER | gdal.OF_READONLY, allowed_drivers=_DRIVERS)
            width, height = dataset.RasterXSize, dataset.RasterYSize
            scale = min(1.0, longest / max(width, height))
            size = max(1, round(width * scale)), max(1, round(height * scale))
            bands = min(dataset.RasterCount, 3) if dataset.RasterCount != 2 else 1
            pixels = np.stack(
                [
                    dataset.GetRasterBand(band + 1).ReadAsArray(
                        buf_xsize=size[0], buf_ysize=size[1], buf_type=gdal.GDT_Byte, resample_alg=gdal.GRIORA_Average
                    )
                    for band in range(bands)
                ]
            )
            flipped, turns = _UPRIGHT.get(_orientation(dataset), (False, 0))
            pixels = np.rot90(pixels[:, :, ::-1] if flipped else pixels, turns, axes=(1, 2))
            memory = gdal.GetDriverByName("MEM").Create("", pixels.shape[2], pixels.shape[1], bands, gdal.GDT_Byte)
            for band in range(bands):
                memory.GetRasterBand(band + 1).WriteArray(np.ascontiguousarray(pixels[band]))
            gdal.GetDriverByName("JPEG").CreateCopy(name, memory, options=["QUALITY=78"])
        return "data:image/jpeg;base64," + base64.b64encode(_bytes_of(name)).decode("ascii")
    except (RuntimeError, AttributeError, ValueError):
        return None
    finally:
        with contextlib.suppress(RuntimeError):
            gdal.Unlink(name)


def _orientation(dataset: gdal.Dataset) -> int:
    text = dataset.GetMetadataItem("EXIF_Orientation") or "1"
    return int(text) if text.strip().isdigit() else 1


def _bytes_of(name: str) -> bytes:
    file = gdal.VSIFOpenL(name, "rb")
    try:
        return bytes(gdal.VSIFReadL(1, gdal.VSIStatL(name).size, file))
    finally:
        gdal.VSIFCloseL(file)
