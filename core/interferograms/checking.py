"""Is what was found what it is meant to be: an unwrapped phase that a pair can have, a coherence of 0 to 1."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import Progress
from ..raster import (
    COHERENCE,
    LARGEST_SHARE,
    METRES,
    PHASE,
    Band,
    BandKind,
    BandReader,
    Window,
    checked_band,
    open_raster,
    share_maximum,
    unit_of,
)
from ..satellite import SENTINEL1_WAVELENGTH
from ..texts import Message
from ..types import Array
from .found import Found
from .readers import Pair

_UNIT_TAGS = ("data_units", "units", "unit")
_DISPLACEMENT = re.compile(r"(^|[._-])(los[._-]?disp|disp|displacement|deformation|los)([._-]|$)", re.IGNORECASE)
_LOS_DISPLACEMENT = re.compile(r"_los_disp([._-]|$)", re.IGNORECASE)
_VERTICAL = re.compile(r"(^|[._-])vert(ical)?[._-]?disp", re.IGNORECASE)
_PHASE_NAME = re.compile(r"unw|pha", re.IGNORECASE)
# Blocks of the file: few, or many where few hold little data; a block of more pixels is read in part.
_PARTS, _SMALL, _ENOUGH = (8, 64), 2**17, 0.05
# Steps of this part of the whole never come back to the same column.
_GOLDEN = (math.sqrt(5) - 1) / 2
# Metres that the ground can move along the line of sight at once, and in a day.
_USUAL_MOTION, _POSSIBLE_MOTION = (1.0, 0.01), (10.0, 0.1)
_MOST_USUAL, _MOST_POSSIBLE = 5000.0, 20000.0
_WRAPPED_SPAN, _WRAPPED_JUMP = 1.9 * math.pi, 1.5 * math.pi
_SHARE_OF_JUMPS, _JUMPS = 2e-4, 3
_ROUNDING = 1e-3


@gdal_raises()
def checked_phase(phase: Band, file: Path, dates: Pair, wavelength: float | None, notes: list[str]) -> Band:
    """The band in radians, positive away from the satellite, whatever it is stored in.

    A displacement along the line of sight is turned into phase by the wavelength (metres; that of Sentinel-1 where it
    isn't known). What is assumed goes to ``notes``. InputError for another unit, for numbers that no phase of these
    dates can have, for wrapped phases, and for a band without any data.

    A phase may be what the ground moves in that time: beyond 10 m and 0.1 m a day (2500 rad in 12 days at 5.6 cm), more
    than the largest earthquakes, eruptions and unwrapped glaciers, it is none; beyond a tenth of that it is warned of.
    """
    metres = wavelength or SENTINEL1_WAVELENGTH
    days = abs((dates[1] - dates[0]).days)
    kind = _kind(metres, days, 1.0 if _tag(phase, ("sign",)).lower() == "away" else -1.0)
    progress = Progress(on_info=notes.append, on_warning=notes.append)
    unit = _unit(phase, file, metres, notes)
    with BandReader(phase, guarded=False) as reader:
        parts = _parts(reader)
    checked = checked_band(phase, kind, progress, unit=unit, sample=_some(parts))
    if looks_wrapped(parts):
        raise InputError(
            "{label} holds wrapped phases: all lie within one cycle of 2π and jump between its ends. Unwrap it first, "
            "or choose the unwrapped interferogram.",
            label=phase.label,
        )
    return checked


def looks_wrapped(parts: Array) -> bool:
    """Whether phases (parts, rows, columns) in radians fill one cycle and jump between its ends.

    An unwrapped phase may lie within a cycle, too, but its neighbours then differ by less than 3/4 of it.
    """
    lowest, highest = np.fmin.reduce(parts, axis=None), np.fmax.reduce(parts, axis=None)
    starts_at = -math.pi if lowest < -_ROUNDING else 0.0
    is_one_cycle = starts_at - _ROUNDING <= lowest and highest <= starts_at + 2 * math.pi + _ROUNDING
    if not (is_one_cycle and highest - lowest > _WRAPPED_SPAN):
        return False
    jumps = neighbours = 0
    for axis in (1, 2):
        steps: NDArray[np.float32] = np.abs(np.diff(parts, axis=axis))
        jumps += int((steps > _WRAPPED_JUMP).sum())
        neighbours += int(np.isfinite(steps).sum())
    return jumps >= max(_JUMPS, _SHARE_OF_JUMPS * neighbours)


@gdal_raises()
def with_checked_coherences(found: Sequence[Found], notes: list[str]) -> list[Found]:
    """The interferograms with coherences of 0 to 1, whether these are stored so, in percent or as 0 to 255.

    One pair alone may not tell the last two apart, so the largest number of all decides. InputError where no coherence
    can be used; where some can, the others are left out and noted.
    """
    samples = {}
    for index, item in enumerate(found):
        if item.coherence is not None and item.coherence.kind is None:
            with BandReader(item.coherence, guarded=False) as reader:
                samples[index] = _some(_parts(reader))
    maxima = (share_maximum(sample, COHERENCE) for sample in samples.values())
    largest = max((maximum for maximum in maxima if maximum <= LARGEST_SHARE), default=0.0)
    progress = Progress(on_info=notes.append, on_warning=notes.append)
    result, failures = list(found), []
    for index, sample in samples.items():
        band, pair = found[index].coherence, found[index].interferogram
        assert band is not None
        try:
            coherence = checked_band(band, COHERENCE, progress, sample=sample, largest_share=largest)
        except InputError as error:
            failures.append(error.message)
            coherence = None
        result[index] = replace(found[index], interferogram=replace(pair, coherence=coherence))
    if failures and len(failures) == len(samples):
        raise InputError(failures[0])
    notes.extend(Message("Coherence not used: {error}", error=failure) for failure in failures)
    return result


def _kind(wavelength: float, days: int, sign: float) -> BandKind:
    """What a phase can be in so many days; ``sign`` of a displacement: −1 where it is positive toward the satellite."""
    per_metre = 4 * math.pi / wavelength
    usual = min(per_metre * (_USUAL_MOTION[0] + _USUAL_MOTION[1] * days), _MOST_USUAL)
    possible = min(per_metre * (_POSSIBLE_MOTION[0] + _POSSIBLE_MOTION[1] * days), _MOST_POSSIBLE)
    lengths = tuple((unit, sign * per_metre * metres) for unit, metres in METRES.items())
    return replace(
        PHASE,
        units=(*PHASE.units, *lengths),
        wanted=Message("radians, or metres along the line of sight"),
        usual=(-usual, usual),
        believed=(-possible, possible),
    )


def _unit(phase: Band, file: Path, wavelength: float, notes: list[str]) -> str:
    """What the band or its file says of its unit, or else its name; radians where nothing does."""
    text = _tag(phase, _UNIT_TAGS)
    name = file.name
    if _VERTICAL.search(name):
        raise InputError(
            "{path} holds vertical displacements by its name. Choose the unwrapped phase, or the displacement along "
            "the line of sight.",
            path=phase.label,
        )
    if not text and _LOS_DISPLACEMENT.search(name):
        text = "m"
    if not text and _DISPLACEMENT.search(name) and not _PHASE_NAME.search(name):
        raise InputError(
            "{path} holds displacements by its name, and its band doesn't tell their unit. Choose the unwrapped phase, "
            "or set the unit of the band (m, cm or mm).",
            path=phase.label,
        )
    if unit_of(text) in METRES:
        notes.append(
            Message(
                "{path} is in {unit}: it was taken as displacement along the line of sight, positive toward the "
                "satellite unless its tag SIGN says “away”, and turned into phase by the wavelength of "
                "{wavelength:.4g} m.",
                path=phase.label,
                unit=text,
                wavelength=wavelength,
            )
        )
    return text or PHASE.unit


def _tag(band: Band, names: Sequence[str]) -> str:
    """The first of these tags that the band or its file has, the band's unit being one; "" without."""
    dataset = open_raster(band.path, band.label)
    stored = dataset.GetRasterBand(band.index)
    tags = {key.lower(): value for key, value in (*dataset.GetMetadata().items(), *stored.GetMetadata().items())}
    if "unit" in names and stored.GetUnitType():
        return str(stored.GetUnitType()).strip()
    return next((tags[name].strip() for name in names if tags.get(name, "").strip()), "")


def _some(parts: Array) -> Array:
    """So many of the numbers that sorting them takes no time."""
    return parts.ravel()[:: math.ceil(parts.size / _SMALL)]


def _parts(reader: BandReader) -> Array:
    """Numbers of a band (parts, rows, columns): all of a small one, else blocks of the file, spread over it.

    More blocks are read where the first ones hold little data.
    """
    grid = reader.grid
    if grid.width * grid.height <= _SMALL:
        return reader.read()[np.newaxis]
    columns, rows = (max(side, 2) for side in reader.block_size)
    width = min(grid.width, columns)
    height = min(grid.height, rows, max(2, _SMALL // width))
    parts = np.empty((0, height, width), np.float32)
    for count in _PARTS:
        places = (np.arange(count) + 0.5) / count
        firsts = zip((np.arange(count) * _GOLDEN % 1 * grid.width).astype(int), (places * grid.height).astype(int))
        corners = {
            (min(x // columns * columns, grid.width - width), min(y // rows * rows, grid.height - height))
            for x, y in firsts
        }
        parts = np.stack([reader.read(Window(int(x), int(y), width, height)) for x, y in sorted(corners)])
        if np.isfinite(parts).mean() > _ENOUGH:
            break
    return parts
