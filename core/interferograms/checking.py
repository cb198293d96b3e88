"""Is what was found what it is meant to be: an unwrapped phase that a pair can have, a coherence of 0 to 1."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
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
    checked_sample,
    is_share_by_itself,
    share_maximum,
    unit_of,
)
from ..satellite import SENTINEL1_WAVELENGTH
from ..texts import Message
from ..types import Array
from .found import FileState, Found, state_of
from .readers import Pair

_UNIT_TAGS = ("unit", "data_units", "units")
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

_Checked = tuple[Band, tuple[str, ...]]


@gdal_raises()
def checked_phase(phase: Band, file: Path, dates: Pair, wavelength: float | None, notes: list[str]) -> Band:
    """The band in radians, positive away from the satellite, whatever it is stored in.

    A displacement along the line of sight is turned into phase by the wavelength (metres; that of Sentinel-1 where it
    isn't known). What is assumed goes to ``notes``. InputError for another unit, for numbers that no phase of these
    dates can have, for wrapped phases, and for a band without any data.

    A phase may be what the ground moves in that time: beyond 10 m and 0.1 m a day (2500 rad in 12 days at 5.6 cm), more
    than the largest earthquakes, eruptions and unwrapped glaciers, it is none; beyond a tenth of that it is warned of.

    What was found is remembered as long as the files don't change: each step asks for the same interferograms again.
    """
    state = state_of(file)
    check = _checked_phase if state else _checked_phase.__wrapped__
    checked, told = check(phase, file, dates, wavelength, state)
    notes.extend(told)
    return checked


@lru_cache(maxsize=8192)
@gdal_raises()
def _checked_phase(phase: Band, file: Path, dates: Pair, wavelength: float | None, state: FileState) -> _Checked:
    metres = wavelength or SENTINEL1_WAVELENGTH
    days = abs((dates[1] - dates[0]).days)
    notes: list[str] = []
    with BandReader(phase, guarded=False) as reader:
        kind = _kind(metres, days, 1.0 if _tag(reader, ("sign",)).lower() == "away" else -1.0)
        unit = _unit(reader, file, metres, notes)
        parts = _parts(reader)
        checked = checked_sample(reader, _some(parts), kind, _noted(notes), unit=unit)
    if looks_wrapped(parts):
        raise InputError(
            "{label} holds wrapped phases: all lie within one cycle of 2π and jump between its ends. Unwrap it first, "
            "or choose the unwrapped interferogram.",
            label=phase.label,
        )
    return checked, tuple(notes)


def _noted(notes: list[str]) -> Progress:
    return Progress(on_info=notes.append, on_warning=notes.append)


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
    bands = {i: item.coherence for i, item in enumerate(found) if item.coherence and item.coherence.kind is None}
    failures: dict[int, str] = {}
    checked = dict(_coherences(bands, None, failures))
    maxima = {i: answer for i, answer in checked.items() if isinstance(answer, float)}
    largest = max((maximum for maximum in maxima.values() if maximum <= LARGEST_SHARE), default=0.0)
    checked.update(dict.fromkeys(maxima))
    checked.update(_coherences({i: bands[i] for i in maxima}, largest, failures))
    if failures and len(failures) == len(bands):
        raise InputError(failures[min(failures)])
    result = list(found)
    for index in bands:
        answer = checked.get(index)
        coherence, told = answer if isinstance(answer, tuple) else (None, ())
        notes.extend(told)
        result[index] = replace(found[index], interferogram=replace(found[index].interferogram, coherence=coherence))
    notes.extend(Message("Coherence not used: {error}", error=failures[i]) for i in sorted(failures))
    return result


def _coherences(
    bands: Mapping[int, Band], largest: float | None, failures: dict[int, str]
) -> Iterator[tuple[int, _Checked | float | None]]:
    """Those that can be used, as ``_checked_coherence`` gives them; why the others can't goes to ``failures``."""
    for number, band in bands.items():
        state = () if band.path.startswith("<") else state_of(Path(band.path))
        check = _checked_coherence if state else _checked_coherence.__wrapped__
        try:
            yield number, check(band, largest, state)
        except InputError as error:
            failures[number] = error.message


@lru_cache(maxsize=8192)
@gdal_raises()
def _checked_coherence(band: Band, largest: float | None, state: FileState) -> _Checked | float:
    """The band with what is to be told; while ``largest`` isn't known, its own maximum where that of all decides."""
    notes: list[str] = []
    with BandReader(band, guarded=False) as reader:
        sample = _some(_parts(reader))
        own = share_maximum(sample, COHERENCE)
        if largest is None and not is_share_by_itself(reader, own, COHERENCE):
            return own
        checked = checked_sample(reader, sample, COHERENCE, _noted(notes), largest_share=largest or 0.0)
    return checked, tuple(notes)


@gdal_raises()
def checked_components(band: Band) -> Band:
    """The band of connected components; InputError where none of its pixels is in any."""
    with BandReader(band) as reader:
        sample = _some(_parts(reader))
    if not np.isfinite(sample).any():
        raise InputError("{label} has no component: no pixel is above 0.", label=band.label)
    return band


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


def _unit(reader: BandReader, file: Path, wavelength: float, notes: list[str]) -> str:
    """What the band or its file says of its unit, or else its name; radians where nothing does."""
    text, name = _tag(reader, _UNIT_TAGS), file.name
    if _VERTICAL.search(name):
        raise InputError(
            "{path} holds vertical displacements by its name. Choose the unwrapped phase, or the displacement along "
            "the line of sight.",
            path=reader.source.label,
        )
    if not text and _LOS_DISPLACEMENT.search(name):
        text = "m"
    if not text and _DISPLACEMENT.search(name) and not _PHASE_NAME.search(name):
        raise InputError(
            "{path} holds displacements by its name, and its band doesn't tell their unit. Choose the unwrapped phase, "
            "or set the unit of the band (m, cm or mm).",
            path=reader.source.label,
        )
    if unit_of(text) in METRES:
        notes.append(
            Message(
                "{path} is in {unit}: it was taken as displacement along the line of sight, positive toward the "
                "satellite unless its tag SIGN says “away”, and turned into phase by the wavelength of "
                "{wavelength:.4g} m.",
                path=reader.source.label,
                unit=text,
                wavelength=wavelength,
            )
        )
    return text or PHASE.unit


def _tag(reader: BandReader, names: Sequence[str]) -> str:
    """The first of these tags that the band or else its file has, its unit being "unit"; "" without."""
    tags = (*reader.file_tags.items(), *reader.tags.items())
    told = {key.lower(): value.strip() for key, value in tags if value.strip()}
    return next((told[name] for name in names if name in told), "")


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
