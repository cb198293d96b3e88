"""Raw files of numbers, whose grid another file tells: where the numbers lie, and in which order their bytes are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...raster import Band, Grid
from ...texts import Message
from ...types import Array, Mask
from .bands import check_size

_BYTES = 4
_LINES = 64
# Numbers of other sizes stand in no phase and no coherence, but in most files that are read in the wrong byte order.
_LEAST, _MOST = 1e-9, 1e5
_USUAL_LEAST, _USUAL_MOST = 1e-3, 1e3
_MOSTLY = 0.5
_ALIKE = 0.1
_MOSTLY_ONE = 0.9
_ENDIAN = {"MSB": "big-endian", "LSB": "little-endian"}


@dataclass(frozen=True)
class RawFile:
    """A file of float32 in lines of ``bands`` after each other, of which ``index`` is read; ``usual`` is the byte order
    ("MSB" or "LSB") that its processor writes, ``described_by`` the file that tells the grid.
    """

    path: Path
    grid: Grid
    usual: str
    described_by: str
    bands: int = 1
    index: int = 1

    @property
    def line_bytes(self) -> int:
        """The bytes of a line of all bands."""
        return _BYTES * self.bands * self.grid.width

    def check(self) -> None:
        """InputError where the file hasn't the size of its grid."""
        check_size(self.path, self.line_bytes * self.grid.height, self.described_by)

    @property
    def order(self) -> str:
        """The byte order by the numbers themselves, the usual one where they don't tell.

        InputError where they can be phases or coherence in neither.
        """
        status = self.path.stat()
        return _order_of(self, status.st_size, status.st_mtime_ns)

    def note(self) -> tuple[str, ...]:
        """What to say of another byte order than the usual one; nothing else."""
        order = self.order
        if order == self.usual:
            return ()
        return (
            Message(
                "{path}: its numbers make sense as {order} ones only, and are read so, though {usual} is usual for "
                "such files.",
                path=self.path,
                order=_ENDIAN[order],
                usual=_ENDIAN[self.usual],
            ),
        )

    def band(self, nodata: tuple[float, ...] = (0.0,), kind: str = "Float32", scale: float = 1.0) -> Band:
        """The band as the text of a VRT that says where its numbers lie."""
        size = 1 if kind == "Byte" else _BYTES
        width = self.grid.width
        transform = ", ".join(repr(value) for value in self.grid.transform)
        xml = (
            f'<VRTDataset rasterXSize="{width}" rasterYSize="{self.grid.height}">'
            f"<SRS>{escape(self.grid.crs)}</SRS><GeoTransform>{transform}</GeoTransform>"
            f'<VRTRasterBand dataType="{kind}" band="1" subClass="VRTRawRasterBand">'
            f'<SourceFilename relativeToVRT="0">{escape(str(self.path.absolute()))}</SourceFilename>'
            f"<ImageOffset>{size * width * (self.index - 1)}</ImageOffset><PixelOffset>{size}</PixelOffset>"
            f"<LineOffset>{size * width * self.bands}</LineOffset>"
            f"<ByteOrder>{self.order if size > 1 else self.usual}</ByteOrder></VRTRasterBand></VRTDataset>"
        )
        return Band(xml, nodata=nodata, name=str(self.path), scale=scale)


@lru_cache(maxsize=1024)
def _order_of(file: RawFile, size: int, modified: int) -> str:
    samples = {order: _sample(file, size, order) for order in (file.usual, "LSB" if file.usual == "MSB" else "MSB")}
    judged = ~_is_marker(*samples.values())
    shares = {}
    for order, values in samples.items():
        told = values[judged & (values != 0) & ~np.isnan(values)]
        shares[order] = float(np.mean(_can_be(told))) if told.size else 1.0
    best = max(shares, key=lambda order: shares[order])
    if shares[best] < _MOSTLY:
        raise InputError(
            "{path} holds numbers that can be phases or coherence in neither byte order. Check that it is a file of "
            "float32, of the size that {described_by} tells.",
            path=file.path,
            described_by=file.described_by,
        )
    if max(shares.values()) - min(shares.values()) < _ALIKE:
        return min(samples, key=lambda order: _oddness(np.where(judged, samples[order], np.nan)))
    return best


def _can_be(values: Array) -> Mask:
    magnitudes = np.abs(values)
    return (magnitudes >= _LEAST) & (magnitudes <= _MOST)


def _is_marker(first: Array, second: Array) -> Mask:
    """Where one number that can be no measure in either byte order, such as 1e20, stands for no data."""
    neither = ~_can_be(first) & ~_can_be(second) & (first != 0)
    if neither.all() or not neither.any():
        return np.zeros_like(neither)
    patterns, counts = np.unique(first[neither].view(np.uint32), return_counts=True)
    is_one = counts.max() >= _MOSTLY_ONE * counts.sum()
    return neither & (first.view(np.uint32) == patterns[counts.argmax()]) if is_one else np.zeros_like(neither)


def _sample(file: RawFile, size: int, order: str) -> Array:
    """At most 64 lines of the band, evenly spread."""
    width = file.grid.width
    lines = np.unique(np.linspace(0, max(size // file.line_bytes - 1, 0), _LINES).astype(int))
    found = []
    with file.path.open("rb") as stream:
        for line in lines:
            stream.seek(int(line) * file.line_bytes + _BYTES * width * (file.index - 1))
            values = np.frombuffer(stream.read(_BYTES * width), ">f4" if order == "MSB" else "<f4")
            found.append(np.resize(values, width) if values.size else np.zeros(width))
    with np.errstate(invalid="ignore"):
        return np.stack(found).astype(np.float32)


def _oddness(values: Array) -> tuple[float, float]:
    """How little the numbers are like a measured map: their roughness, then the share of unusual sizes among them."""
    told = np.abs(values[(values != 0) & np.isfinite(values)])
    usual = (told >= _USUAL_LEAST) & (told <= _USUAL_MOST)
    return _roughness(values), 1 - float(np.mean(usual)) if told.size else 0.0


def _roughness(values: Array) -> float:
    """How much neighbours differ, in units of the values themselves; 0 where nothing can be told."""
    with np.errstate(all="ignore"):
        valid = np.where((values == 0) | ~np.isfinite(values), np.nan, values)
        steps, sizes = np.abs(np.diff(valid, axis=1)), np.abs(valid)
        if not np.isfinite(steps).any():
            return 0.0
        return float(np.nanmedian(steps) / (np.nanmedian(sizes) or 1.0))
