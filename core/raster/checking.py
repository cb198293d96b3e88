"""The door for every band: is it what it is meant to be, in which unit, and what stands for no data in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..types import Array, PathLike
from .grid import Window, row_blocks
from .meaning import HUGE, MARKERS, BandKind, impossible
from .reading import Band, BandReader
from .sampling import read_sample
from .units import band_unit, unit_of

# In a rate a single exact 0 may be its reference point; many of them are no measurement.
_SHARE_OF_ZEROS = 0.001
# A number that can't be and is repeated so often stands for no data; mistakes scatter.
_REPEATED, _SHARE_REPEATED = 10, 0.001
_MOST_MARKERS = 4
# Beyond the usual numbers lies at most so much of a band that is what it is meant to be.
_STRAY = 0.001
_SURELY_TYPICAL = 0.02
"""Where more numbers than this exceed some size, the 99th percentile of their sizes does."""
# The usual markers of a band that could hold such a number count where so much of it is exactly that, and so do others
# that few bands are too small for.
_SHARE_OF_MARKER = 0.01
_FREQUENT_MARKERS = (-999.0,)
_ROWS_AT_A_TIME = 256
# A share that reaches this and no more than 100 is in percent: any map of it has pixels near the full one.
_PERCENT = 80.0
LARGEST_SHARE = 255.0
"""A share is never stored in a larger number."""
_SHARE_UNITS = {1.0: "1", 0.01: "percent", 1 / 255: "of 255"}


@gdal_raises()
def checked_band(
    source: Band | PathLike, kind: BandKind, progress: Progress = QUIET, may_be_empty: bool = False
) -> Band:
    """The band as what it is meant to be: read in the kind's unit, with what stands for no data in it undeclared.

    What is assumed, left out or hardly believed is told to ``progress``. A band that was checked already is left as it
    is. InputError for a unit that isn't one of the kind, for numbers that can't be, and for a band without any data
    that may not be so; where it may, that is warned of.
    """
    band = source if isinstance(source, Band) else Band(os.fspath(source))
    if band.kind is not None:
        return band
    with BandReader(band, guarded=False) as reader:
        return checked_sample(reader, read_sample(reader), kind, progress, may_be_empty)


@gdal_raises()
def checked_sample(
    reader: BandReader,
    sample: Array,
    kind: BandKind,
    progress: Progress = QUIET,
    may_be_empty: bool = False,
    unit: str = "",
    largest_share: float = 0.0,
) -> Band:
    """``checked_band`` of an open reader that isn't guarded, by a sample of what it reads.

    ``unit``: what is known of its unit, in place of the band's own. ``largest_share``: the largest number
    (``share_maximum``) among the bands that come with this one, in the same unit.
    """
    band = reader.source
    _check_choice(reader, kind, progress)
    unit, factor = _unit(reader, kind, unit or reader.tags["unit"].strip(), sample, largest_share, progress)
    limits = kind.times(1 / factor, unit)
    markers = _markers(reader, limits, sample)
    _tell_markers(markers, sample, reader, kind, progress)
    values = sample[np.isfinite(sample) & ~np.isin(sample, list(markers))]
    _check_numbers(band, limits, values, progress)
    nodata = tuple(dict.fromkeys((*band.nodata, *markers.values())))
    checked = replace(band, scale=band.scale * factor, nodata=nodata, kind=kind)
    if not (values.size or _has_data(checked, progress)):
        if not may_be_empty:
            raise InputError(
                "{label} holds no data at all: every pixel of the {kind} is no data. Choose another file.",
                label=band.label,
                kind=kind.label,
            )
        progress.warning(
            "{path} holds no data at all: every pixel of the {kind} is no data.", path=band.label, kind=kind.label
        )
    return checked


def _check_choice(reader: BandReader, kind: BandKind, progress: Progress) -> None:
    """InputError for a picture, a warning for the first of several bands, which nobody may have chosen."""
    label = reader.source.label
    if reader.is_picture:
        raise InputError(
            "{label} is a picture in red, green and blue, not a {kind}. Choose the raster with the numbers that it was "
            "drawn from.",
            label=label,
            kind=kind.label,
        )
    if reader.band_count > 1 and reader.source.index == 1:
        progress.warning(
            "{label} has {count} bands; the first is read as {kind}. If it is another one, save that as a file of its "
            "own.",
            label=label,
            count=reader.band_count,
            kind=kind.label,
        )


def _unit(
    reader: BandReader, kind: BandKind, text: str, sample: Array, largest_share: float, progress: Progress
) -> tuple[str, float]:
    """The unit of the file's numbers, and what makes of them those in the kind's."""
    units = dict(kind.units)
    if kind.is_share and unit_of(text) in (None, "1"):
        scale = _share_scale(reader, kind, sample, largest_share, progress)
        return _SHARE_UNITS[scale], scale
    if kind.unit == "1" and not text:
        return kind.unit, 1.0
    default = kind.unit
    if kind.small is not None:
        angles = sample[(sample > 0) & (sample <= kind.possible[1])]
        default = kind.small[0] if angles.size and np.median(angles) <= kind.small[1] else kind.unit
    unit = band_unit(text, reader.source.label, kind.label, default, progress, units, kind.wanted)
    if unit != "m" and kind.unit == "m":
        progress.info(
            "{path} gives its heights in {unit}; they were multiplied by {metres:.7g} to metres.",
            path=reader.source.label,
            unit=unit,
            metres=units[unit],
        )
    return unit, units[unit]


def share_maximum(sample: Array, kind: BandKind) -> float:
    """The largest number of a sample of shares but for those that stand for no data."""
    values = sample[(sample >= kind.possible[0]) & (sample < HUGE) & ~np.isin(sample, MARKERS)]
    above = np.unique(values[values > kind.possible[1]])
    parts = values[values <= kind.possible[1]]
    # Beside shares that are no whole numbers, one or two that are too large stand for no data.
    if above.size and not (above.size <= _MOST_MARKERS // 2 and (parts != np.round(parts)).any()):
        return float(above[-1])
    return float(parts.max()) if parts.size else 0.0


def is_share_by_itself(reader: BandReader, largest: float, kind: BandKind) -> bool:
    """Whether numbers that reach ``largest`` are 0 to 1, whatever the bands reach that come with this one."""
    return reader.has_scale or reader.source.scale != 1 or (largest <= kind.possible[1] and not reader.is_byte)


def _share_scale(reader: BandReader, kind: BandKind, sample: Array, largest_share: float, progress: Progress) -> float:
    """What makes 0 to 1 of a sample of shares: 1, 1/100 or 1/255, by the largest number; told where it isn't 1.

    Whole numbers of one byte that reach less than _PERCENT are 0 to 255, as in the products that store them. InputError
    for numbers that can be neither.
    """
    own = share_maximum(sample, kind)
    largest, is_known = max(own, largest_share), is_share_by_itself(reader, own, kind)
    if is_known or (own <= kind.possible[1] and largest <= 1):
        if not is_known and kind.is_measured and own == 1:
            raise InputError(
                "{label} can't be used as {kind}: it holds 0 and 1 alone, as numbers do that lost their fraction. "
                "Convert it again, to a type with a fraction (Float32).",
                label=reader.source.label,
                kind=kind.label,
            )
        return 1.0
    scale = 0.01 if _PERCENT <= largest <= 100 else 1 / 255 if largest > 100 or reader.is_byte else 0.0
    if own > LARGEST_SHARE or not scale:
        lowest = float(sample[sample >= kind.possible[0]].min())
        raise InputError(impossible(reader.source.label, kind, lowest, own))
    progress.info(
        "{path}: the {kind} reaches {largest:.4g}, so it was taken as 0 to {full:.0f} and divided by that.",
        path=reader.source.label,
        kind=kind.label,
        largest=largest,
        full=1 / scale,
    )
    return scale


def _markers(reader: BandReader, limits: BandKind, sample: Array) -> dict[float, float]:
    """What stands for no data undeclared in a sample: the number that the reader gives for each, and the stored one."""
    known = {reader.physical(marker): marker for marker in MARKERS}
    low, high = limits.usual
    values, counts = np.unique(sample[(sample < low) | (sample > high)], return_counts=True)
    often = max(_REPEATED, _SHARE_REPEATED * sample.size)
    found = {}
    for value, count in zip(values.tolist(), counts.tolist()):
        is_impossible = not limits.possible[0] <= value <= limits.possible[1]
        if value in known or (is_impossible and (abs(value) >= HUGE or count >= often)):
            found[value] = known.get(value, reader.stored(value))
    if len(found) > _MOST_MARKERS:
        raise InputError(impossible(reader.source.label, limits, float(values[0]), float(values[-1])))
    possible = {value: marker for value, marker in known.items() if low <= value <= high}
    possible.update({reader.physical(marker): marker for marker in _FREQUENT_MARKERS})
    for value, marker in possible.items():
        if np.mean(sample == value) > _SHARE_OF_MARKER:
            found[value] = marker
    is_silent = not (reader.declares_nodata or reader.source.nodata)
    if limits.zeros_are_missing and is_silent and np.mean(sample == reader.physical(0)) > _SHARE_OF_ZEROS:
        found[reader.physical(0)] = 0.0
    return found


def _tell_markers(
    markers: Mapping[float, float], sample: Array, reader: BandReader, kind: BandKind, progress: Progress
) -> None:
    for value, stored in markers.items():
        progress.info(
            "{path}: {share:.1%} of the {layer} is exactly {marker:g}, which its file doesn't declare as no data: "
            "taken as no data.",
            path=reader.source.label,
            layer=kind.label,
            share=float(np.mean(sample == value)),
            marker=stored,
        )


def _check_numbers(band: Band, limits: BandKind, sample: Array, progress: Progress) -> None:
    """InputError for numbers that can't be what they are meant to be, a warning for those that hardly can."""
    if not sample.size or _are_plainly_usual(sample, limits):
        return
    lowest, highest = (float(value) for value in np.percentile(sample, (100 * _STRAY, 100 * (1 - _STRAY))))
    if not limits.possible[0] <= sample.min() <= sample.max() <= limits.possible[1]:
        raise InputError(impossible(band.label, limits, float(sample.min()), float(sample.max())))
    if not limits.believed[0] <= lowest <= highest <= limits.believed[1]:
        raise InputError(impossible(band.label, limits, lowest, highest))
    largest, typical = max(-lowest, highest), float(np.percentile(np.abs(sample), 99))
    if not limits.usual[0] <= lowest <= highest <= limits.usual[1]:
        progress.warning(
            "{path}: the {label} reaches {largest:.4g} {unit}, which is hardly possible: check that its unit is right.",
            path=band.label,
            label=limits.label,
            largest=largest,
            unit=limits.unit,
        )
    elif 0 < typical < limits.least[0]:
        progress.warning(
            "{path}: the {label} hardly exceeds {typical:.2g} {unit}: check that it isn't in {other}.",
            path=band.label,
            label=limits.label,
            typical=typical,
            unit=limits.unit,
            other=limits.least[1],
        )


def _are_plainly_usual(sample: Array, limits: BandKind) -> bool:
    """Whether no number needs a closer look, which takes sorting: most inputs are as they should be."""
    lowest, highest = sample.min(), sample.max()
    ranges = (limits.possible, limits.believed, limits.usual)
    if not all(low <= lowest and highest <= high for low, high in ranges):
        return False
    return bool(np.count_nonzero(np.abs(sample) > limits.least[0]) > _SURELY_TYPICAL * sample.size)


def _has_data(band: Band, progress: Progress) -> bool:
    """True when any pixel has data; stops at the first block that has one."""
    with BandReader(band) as reader:
        for row, rows in row_blocks(reader.grid.height, _ROWS_AT_A_TIME):
            progress.check()
            if np.isfinite(reader.read(Window(0, row, reader.grid.width, rows))).any():
                return True
    return False
