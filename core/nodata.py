"""Values that stand for no data in a file that doesn't declare them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .progress import Progress
from .raster import Array, Band, BandReader, Grid, PathLike, Window

# No height, slope, coherence or rate is any of these.
_MARKERS = (-9999.0, -32768.0, -99999.0, float(np.finfo(np.float32).min))
# In a rate a single exact 0 may be its reference point; many of them are no measurement.
_SHARE_OF_ZEROS = 0.001
_SAMPLE_SIDE, _SAMPLE_STEPS = 128, 6


def with_undeclared_nodata(source: Band | PathLike, label: str, is_rate: bool, progress: Progress) -> Band:
    """The band with the values that stand for no data in it undeclared; those found in a sample of it are told.

    ``label`` is what messages call the layer. A band that declares a value, or was given one, is left as it is. Else
    the usual markers are no data, and in a rate 0 where it is frequent.
    """
    band = source if isinstance(source, Band) else Band(os.fspath(source))
    with BandReader(band) as reader:
        if reader.declares_nodata or band.nodata:
            return band
        sample = read_sample(reader)
        shares = {marker: float(np.mean(sample == np.float32(reader.physical(marker)))) for marker in (*_MARKERS, 0.0)}
    zeros = (0.0,) if is_rate and shares[0.0] > _SHARE_OF_ZEROS else ()
    nodata = (*_MARKERS, *zeros)
    for marker in nodata:
        if shares[marker] > 0:
            progress.info(
                f"{band.label}: the {label} declares no nodata value, and {shares[marker]:.1%} of it is exactly "
                f"{marker:g}: taken as no data."
            )
    return replace(band, nodata=nodata)


def read_sample(reader: BandReader) -> Array:
    """The values of a few small windows spread over the reader's grid, as one row."""
    return np.concatenate([reader.read(window).ravel() for window in _sample_windows(reader.grid)])


def _sample_windows(grid: Grid) -> Iterator[Window]:
    """Windows that start on a block of the file where they can."""
    for row in _starts(grid.height):
        for column in _starts(grid.width):
            width, height = min(_SAMPLE_SIDE, grid.width - column), min(_SAMPLE_SIDE, grid.height - row)
            yield Window(column, row, width, height)


def _starts(size: int) -> list[int]:
    spread = np.linspace(0, max(size - _SAMPLE_SIDE, 0), _SAMPLE_STEPS)
    return sorted({int(start) // _SAMPLE_SIDE * _SAMPLE_SIDE for start in spread})
