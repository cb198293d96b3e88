"""From files to pairs: doubled files are dropped, those of a pair side by side become a mosaic."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, cmp_to_key, partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..gdal_errors import gdal_raises
from ..parallel import map_ordered
from ..progress import Progress
from ..raster import Band, BandOrMosaic, Grid, Mosaic, MosaicPart, Window, open_raster
from ..texts import Message, joined
from .found import Found, some
from .grids import common_grid, grown, shared, window_on
from .model import Interferogram
from .network import linked
from .overlap import Overlap, overlap_of
from .readers import Pair

# Files of a pair that share more of the smaller one's ground are the same interferogram twice.
_SAME_GROUND = 0.9
# Doubles that are noted each for itself; the rest goes to the log only.
_DOUBLES_NOTED = 3
# Smaller constants, in rad, are not told.
_SHOWN = 0.005
# Of the phases in an overlap, the share that is cycles off from the others before it is told.
_TORN = 0.05
# ARIA tells the version of its processor, NISAR the release and the number of the product.
_VERSIONS = (re.compile(r"-v(\d+)_(\d+)_(\d+)"), re.compile(r"_[A-Z](\d{5})_[A-Z]_[A-Z]_[A-Z]_(\d{3})\.h5$"))

# Components that one file has at most: those of the next one are numbered from here on.
_COMPONENTS = 1000.0

Shifts = dict[int, float]


@dataclass(frozen=True)
class _Files:
    """The files of a stack and where each lies on one lattice of pixels.

    ``overlaps`` are those of the files of one pair that meet, by their numbers. ``main`` is the place to whose constant
    the others are brought: that of which there are most phases.
    """

    found: Sequence[Found]
    windows: Sequence[Window]
    main: Window
    overlaps: Mapping[tuple[int, int], Overlap]

    @classmethod
    def of(cls, found: Sequence[Found], progress: Progress) -> _Files:
        reference, _ = common_grid([item.grid for item in found])
        places = {grid: window_on(reference, grid) for grid in {item.grid for item in found}}
        windows = [places[item.grid] for item in found]
        counts = Counter(windows)
        main = max(counts, key=lambda window: (counts[window] * _pixels(window), -window.row, -window.column))
        couples = [
            (i, j)
            for numbers in _pairs(found, range(len(found)))
            for i, j in combinations(numbers, 2)
            if shared(windows[i], windows[j], margin=1)
        ]
        compared = map_ordered(lambda couple: overlap_of(found[couple[0]], found[couple[1]]), couples, progress)
        return cls(found, windows, main, dict(compared))

    @cached_property
    def _folder(self) -> str:
        try:
            return os.path.commonpath([item.file.parent for item in self.found]) + os.sep
        except ValueError:  # on two drives
            return ""

    def label(self, number: int) -> str:
        """The name of a file for messages, from the folder that holds them all."""
        return self.found[number].label.removeprefix(self._folder)

    def labels(self, numbers: Sequence[int]) -> str:
        return some([self.label(number) for number in numbers])


def _pairs(found: Sequence[Found], numbers: Sequence[int]) -> list[list[int]]:
    """The numbers of the files of each pair, in the order of dates."""
    pairs: dict[Pair, list[int]] = {}
    for number in numbers:
        pairs.setdefault(found[number].pair, []).append(number)
    return [pairs[pair] for pair in sorted(pairs)]


def _pixels(window: Window) -> int:
    return window.width * window.height


def pairs_of_files(
    found: Sequence[Found], notes: list[str], progress: Progress
) -> tuple[list[Interferogram], Grid, list[Found]]:
    """One interferogram a pair in the order of dates, the grid of them all, and the files that they were made of.

    Of files of one pair on the same ground the newest is used; those side by side become a mosaic, each without the
    constant between them. Files on ground that doesn't hang together with the largest are left out. All that is told
    in ``notes``.
    """
    files = _Files.of(found, progress)
    numbers = _without_doubles(files, notes, progress)
    numbers = _on_one_ground(files, numbers, notes)
    shifts = _tied(files, numbers, notes)
    used = [files.found[number] for number in sorted(shifts)]
    pairs = _pairs(files.found, sorted(shifts))
    grid, coincide = common_grid([item.grid for item in used])
    # A single pair on other pixels is cut to the ground of the others, but files side by side have theirs.
    grid = grown(grid, [files.found[i].grid for numbers in pairs if len(numbers) > 1 for i in numbers])
    _note_grid(used, grid, coincide, notes)
    _note_mosaics(files, pairs, shifts, notes)
    return [_pair([(files.found[i], shifts[i]) for i in numbers], grid) for numbers in pairs], grid, used


def _without_doubles(files: _Files, notes: list[str], progress: Progress) -> list[int]:
    """The numbers of the files less those that show the ground of another one of their pair."""
    kept_of_all: list[int] = []
    doubles: list[tuple[int, int]] = []
    for numbers in _pairs(files.found, range(len(files.found))):
        kept: list[int] = []
        for number in sorted(numbers, key=cmp_to_key(partial(_preference, files))) if len(numbers) > 1 else numbers:
            same = next((other for other in kept if _is_double(files, number, other)), None)
            if same is None:
                kept.append(number)
            else:
                doubles.append((same, number))
        kept_of_all.extend(sorted(kept))
    notes.extend(_doubled(files, used, dropped) for used, dropped in doubles[:_DOUBLES_NOTED])
    if len(doubles) > _DOUBLES_NOTED:
        notes.append(Message("The same goes for {count} more doubled files.", count=len(doubles) - _DOUBLES_NOTED))
        for used, dropped in doubles[_DOUBLES_NOTED:]:
            told = _doubled(files, used, dropped)
            progress.info(told.template, **told.values)
    return kept_of_all


def _doubled(files: _Files, used: int, dropped: int) -> Message:
    larger = _pixels(files.windows[dropped]) < _SAME_GROUND * _pixels(files.windows[used])
    return Message(
        "The pair {name} is there twice: {label} is used, as it {reason}, and {other_label} left out.",
        name=files.found[used].interferogram.name,
        label=files.label(used),
        reason=Message("covers more ground") if larger else Message("is the newer file"),
        other_label=files.label(dropped),
    )


def _is_double(files: _Files, first: int, other: int) -> bool:
    overlap = files.overlaps.get((min(first, other), max(first, other)))
    common = shared(files.windows[first], files.windows[other])
    if overlap is None or common is None:
        return False
    smaller = min(_pixels(files.windows[first]), _pixels(files.windows[other]))
    return _pixels(common) > _SAME_GROUND * smaller and overlap.share > _SAME_GROUND


def _preference(files: _Files, first: int, other: int) -> int:
    """Negative where the first file is to be used before the other: it covers clearly more ground, or is newer."""
    sizes = _pixels(files.windows[first]), _pixels(files.windows[other])
    if min(sizes) < _SAME_GROUND * max(sizes):
        return sizes[1] - sizes[0]
    return -1 if _is_newer(files.found[first], files.found[other]) else 1


def _is_newer(first: Found, other: Found) -> bool:
    """By the version of the product, else by the time of processing, else by that of the file; the first of equals."""
    for told in (_version, _processed, _modified):
        values = told(first), told(other)
        if None not in values and values[0] != values[1]:
            return bool(values[0] > values[1])  # type: ignore[operator]
    return first.label < other.label


def _version(item: Found) -> tuple[int, ...] | None:
    found = filter(None, (pattern.search(item.file.name) for pattern in _VERSIONS))
    return next((tuple(int(number) for number in version.groups()) for version in found), None)


@gdal_raises()
def _processed(item: Found) -> str | None:
    """The time in a TIFF's own tag, "2023:01:05 10:20:30"."""
    return open_raster(item.phase.path, item.label).GetMetadataItem("TIFFTAG_DATETIME") or None


def _modified(item: Found) -> int | None:
    return item.modified


def _on_one_ground(files: _Files, numbers: Sequence[int], notes: list[str]) -> list[int]:
    """The files of the largest piece of ground that hangs together: the one with most pairs, then with most pixels."""
    places = list(dict.fromkeys(files.windows[number] for number in numbers))
    place = {window: i for i, window in enumerate(places)}
    groups = [
        [number for number in numbers if place[files.windows[number]] in members]
        for members in map(set, linked(_meet(files, numbers, places)))
    ]
    largest = max(groups, key=lambda group: _size(files, group))
    outside = [number for number in numbers if number not in set(largest)]
    if outside:
        notes.append(
            Message(
                "Left out, as it lies beside the area of the other interferograms: {some}. It is a stack of its own: "
                "run again with a folder of only these files.",
                some=files.labels(outside),
            )
        )
    return largest


def _size(files: _Files, group: Sequence[int]) -> tuple[int, int]:
    return len({files.found[number].pair for number in group}), sum(_pixels(files.windows[i]) for i in group)


def _meet(files: _Files, numbers: Sequence[int], places: Sequence[Window]) -> NDArray[np.bool_]:
    """Which places hang together: they overlap, unless files there never showed the constant between them, or touch
    and did show it."""
    left, top, width, height = np.array([(p.column, p.row, p.width, p.height) for p in places]).T
    across = (left[:, None] < (left + width)[None]) & (left[None] < (left + width)[:, None])
    along = (top[:, None] < (top + height)[None]) & (top[None] < (top + height)[:, None])
    meet: NDArray[np.bool_] = across & along
    place = {window: i for i, window in enumerate(places)}
    remaining = set(numbers)
    tied: dict[tuple[int, int], bool] = {}
    for (i, j), overlap in files.overlaps.items():
        if i in remaining and j in remaining and files.windows[i] != files.windows[j]:
            couple = place[files.windows[i]], place[files.windows[j]]
            tied[couple] = tied.get(couple, False) or overlap.offset is not None
    for (a, b), is_tied in tied.items():
        meet[a, b] = meet[b, a] = is_tied
    return meet


def _tied(files: _Files, numbers: Sequence[int], notes: list[str]) -> Shifts:
    """What to add to each file's phases so that those of one pair are one; files that nothing ties are left out."""
    shifts: Shifts = {}
    for members in _pairs(files.found, numbers):
        ties = {(i, j): tie for i, j in combinations(members, 2) if (tie := _tie(files, i, j)) is not None}
        matrix = np.zeros((len(members), len(members)), bool)
        for i, j in ties:
            matrix[members.index(i), members.index(j)] = True
        groups = [[members[k] for k in group] for group in linked(matrix)]
        largest = max(groups, key=lambda group: sum(_pixels(files.windows[i]) for i in group))
        shifts.update(_solved(files, largest, ties))
    untied = [number for number in numbers if number not in shifts]
    if untied:
        notes.append(
            Message(
                "Left out, as too few pixels with phases are shared with the other files of the pair to find the "
                "constant between them: {some}. Their ground has no data in these pairs.",
                some=files.labels(untied),
            )
        )
    return shifts


def _tie(files: _Files, i: int, j: int) -> tuple[float, int] | None:
    """The constant between two files and the weight that it has."""
    overlap = files.overlaps.get((i, j))
    return None if overlap is None or overlap.offset is None else (overlap.offset, max(overlap.both, 1))


def _solved(files: _Files, members: Sequence[int], ties: Mapping[tuple[int, int], tuple[float, int]]) -> Shifts:
    """The shifts that fit all constants between some files best; 0 at the one that covers most of the main place."""

    def closeness(number: int) -> tuple[int, int]:
        common = shared(files.windows[number], files.main)
        return (_pixels(common) if common else 0), _pixels(files.windows[number])

    reference = max(members, key=closeness)
    inside = [(i, j, *tie) for (i, j), tie in ties.items() if i in members and j in members]
    if not inside:
        return {reference: 0.0}
    matrix, offsets = np.zeros((len(inside), len(members))), np.zeros(len(inside))
    for k, (i, j, offset, count) in enumerate(inside):
        weight = math.sqrt(count)
        matrix[k, members.index(i)], matrix[k, members.index(j)] = weight, -weight
        offsets[k] = weight * offset
    others = [k for k, number in enumerate(members) if number != reference]
    solution = np.linalg.lstsq(matrix[:, others], offsets, rcond=None)[0]
    return {reference: 0.0, **{members[k]: float(shift) for k, shift in zip(others, solution)}}


def _note_grid(used: Sequence[Found], grid: Grid, coincide: Sequence[bool], notes: list[str]) -> None:
    others = [item.label for item, same in zip(used, coincide) if not same]
    if others:
        notes.append(
            Message(
                "Resampled to the grid of the other interferograms, as CRS, pixel size or pixel corners "
                "differ: {some}.",
                some=some(others),
            )
        )
    if any(not item.grid.same_as(grid) for item, same in zip(used, coincide) if same):
        notes.append(
            Message(
                "The interferograms differ in extent; they are used on one grid of {width} × {height} pixels, "
                "with no data where one doesn't reach.",
                width=grid.width,
                height=grid.height,
            )
        )


def _note_mosaics(files: _Files, pairs: Sequence[Sequence[int]], shifts: Shifts, notes: list[str]) -> None:
    mosaics = [numbers for numbers in pairs if len(numbers) > 1]
    if not mosaics:
        return
    most = max(map(len, mosaics))
    notes.append(
        Message(
            "{count} of {pairs} pairs consist of several files side by side ({files} at most, such as {first} and "
            "{other}). They are put together, with the mean where they overlap.",
            count=len(mosaics),
            pairs=len(pairs),
            files=most,
            first=files.label(mosaics[0][0]),
            other=files.label(mosaics[0][1]),
        )
    )
    taken_off = [0.0 - shifts[number] for numbers in mosaics for number in numbers]
    if max(map(abs, taken_off)) >= _SHOWN:
        notes.append(
            Message(
                "Each file is unwrapped with a constant of its own. It was estimated where the files of a pair meet "
                "and taken off, from {least:+.2f} to {most:+.2f} rad: {some}.",
                least=min(taken_off),
                most=max(taken_off),
                some=some([_constants(files, numbers, shifts) for numbers in mosaics]),
            )
        )
    fewer = [files.found[numbers[0]].interferogram.name for numbers in pairs if len(numbers) < most]
    if fewer:
        notes.append(
            Message(
                "Fewer files than the other pairs have {some}: the ground of the missing ones has no data in them. "
                "Take a reference on ground that all files show.",
                some=some(fewer),
            )
        )
    torn = [
        Message("{first} and {other}", first=files.label(i), other=files.label(j))
        for (i, j), overlap in files.overlaps.items()
        if i in shifts and j in shifts and overlap.torn > _TORN
    ]
    if torn:
        notes.append(
            Message(
                "Where they overlap, parts of these files differ by more than a constant (errors of unwrapping, or "
                "another processing): {some}.",
                some=some(torn),
            )
        )


def _constants(files: _Files, numbers: Sequence[int], shifts: Shifts) -> Message:
    """What was taken off the files of a pair but the one that stayed as it was."""
    shown = [Message("{constant:+.2f}", constant=-shifts[number]) for number in numbers if shifts[number]]
    name = files.found[numbers[0]].interferogram.name
    return Message("{name} {constants}", name=name, constants=joined(shown or [Message("0")]))


def _pair(parts: Sequence[tuple[Found, float]], grid: Grid) -> Interferogram:
    """The interferogram of the files of a pair, each with its shift."""
    first = parts[0][0].interferogram
    if len(parts) == 1:
        return first
    windows = [window_on(grid, item.grid) for item, _ in parts]
    phase = Mosaic(tuple(MosaicPart(item.phase, w, shift) for (item, shift), w in zip(parts, windows)), grid)
    coherent = tuple(
        MosaicPart(item.coherence, window) for (item, _), window in zip(parts, windows) if item.coherence is not None
    )
    coherence: BandOrMosaic | None = Mosaic(coherent, grid) if coherent else None
    numbered = tuple(
        MosaicPart(item.interferogram.components, window, number * _COMPONENTS)
        for number, ((item, _), window) in enumerate(zip(parts, windows))
        if isinstance(item.interferogram.components, Band)
    )
    pairs = [item.interferogram for item, _ in parts]
    return replace(
        first,
        phase=phase,
        coherence=coherence,
        components=Mosaic(numbered, grid) if numbered else None,
        perpendicular_baseline=_mean([pair.perpendicular_baseline for pair in pairs]),
        wavelength=next((pair.wavelength for pair in pairs if pair.wavelength is not None), None),
        heading=next((pair.heading for pair in pairs if pair.heading is not None), None),
        incidence=_mean([pair.incidence for pair in pairs]),
        look_side=next((pair.look_side for pair in pairs if pair.look_side is not None), None),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
