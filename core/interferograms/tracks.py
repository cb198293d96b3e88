"""Interferograms of one track: those that one satellite pass after the other sees from the same place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Callable

import numpy as np

from ..errors import InputError
from ..raster import Window
from ..texts import Message, joined
from .found import Found
from .grids import common_grid, shared, window_on
from .network import connected_dates, linked

# Products of Sentinel-1 only. Over one place its satellites come back on the same track after multiples of six days.
_SENTINEL1 = {"hyp3", "aria", "licsar"}
# True of Sentinel-1A and 1B; later satellites were moved along the orbit.
_CYCLE_DAYS, _UNTIL = 6, date(2025, 1, 1)
_TRACKS = 175
# Neighbouring tracks of a sun-synchronous orbit pass a place eight minutes apart, files of one pass follow each other
# within half a minute.
_SAME_PASS = 240.0
_DAY = 86400.0
# Degrees by which mean incidence angles and headings of one track differ on the same ground at most.
_SAME_ANGLE = 2.0
# Share of the larger of two extents that both have in common where means over them can be compared.
_SAME_EXTENT = 0.7
# Fewer dates may lie six days apart by chance.
_FEWEST_DATES = 3
# Satellites that come back sooner, several of one kind, do so in no rhythm that tells.
_SHORTEST_CYCLE = 4

Groups = list[list[Found]]


def of_one_track(found: Sequence[Found], notes: list[str]) -> list[Found]:
    """The interferograms of the track with most pairs, then with most pixels; the others are told in ``notes``.

    Raises InputError for a mixture of two orbits, whose lines of sight point to opposite sides.
    """
    _check_orbit(found)
    tracks = sorted(_tracks(_by_day_of_pass(found, notes)), key=_size, reverse=True)
    if len(tracks) > 1:
        notes.append(
            Message(
                "These are interferograms of {count} tracks, which see the ground from different sides and can't be "
                "stacked together: {tracks}. Only those of {first} are used. For the others, run again with a folder "
                "that holds only the files of one track.",
                count=len(tracks),
                tracks=joined([_described(track) for track in tracks], "; "),
                first=_name(tracks[0]),
            )
        )
    return tracks[0]


def _check_orbit(found: Sequence[Found]) -> None:
    files: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for item in found:
        files[item.is_ascending].append(item.label)
    if files[True] and files[False]:
        raise InputError(
            "These are interferograms of two orbits, which look from opposite sides: {ascending} "
            "ascending (such as {first_ascending}) and {descending} descending (such as {first_descending}). Choose "
            "the folder of one orbit; areas of both can be merged afterwards.",
            ascending=len(files[True]),
            first_ascending=files[True][0],
            descending=len(files[False]),
            first_descending=files[False][0],
        )


def _size(track: Sequence[Found]) -> tuple[int, int]:
    return len({item.pair for item in track}), sum(item.grid.width * item.grid.height for item in track)


def _described(track: Sequence[Found]) -> Message:
    return Message(
        "{name} with {count} pairs (such as {some})",
        name=_name(track),
        count=len({item.pair for item in track}),
        some=track[0].label,
    )


def _name(track: Sequence[Found]) -> Message:
    numbers = sorted({item.track for item in track if item.track is not None})
    if numbers:
        return Message("track {number}", number="/".join(map(str, numbers)))
    times = [item.seconds for item in track if item.seconds is not None]
    if times:
        hours, minutes = divmod(int(times[0] // 60), 60)
        return Message("the track passed at {time} UTC", time=f"{hours:02}:{minutes:02}")
    return Message("the track of {first}", first=min(item.interferogram.first_date for item in track))


def _by_day_of_pass(found: Sequence[Found], notes: list[str]) -> list[Found]:
    """The same with the dates of the files that a pass reached after midnight moved to the day on which it began."""
    times = [item.seconds for item in found if item.seconds is not None]
    if not times or min(times) > _SAME_PASS or max(times) < _DAY - _SAME_PASS:
        return list(found)
    notes.append(
        Message("The pass goes over midnight (UTC); files of the time after it count with the days on which it began.")
    )
    day = timedelta(days=1)
    return [
        item
        if item.seconds is None or item.seconds > _SAME_PASS
        else replace(
            item,
            interferogram=replace(
                item.interferogram,
                first_date=item.interferogram.first_date - day,
                second_date=item.interferogram.second_date - day,
            ),
        )
        for item in found
    ]


def _tracks(found: Sequence[Found]) -> Groups:
    """The interferograms by track: by its number where it is known, else by all that tells two tracks apart."""
    numbers = sorted({item.track for item in found if item.track is not None})
    numbered = _merged([[item for item in found if item.track == number] for number in numbers], _is_one_pass)
    unknown: Groups = [[item for item in found if item.track is None]]
    for split in _SPLITS:
        unknown = [part for group in unknown if group for part in split(group)]
    for group in unknown:
        home = next((track for track in numbered if _belongs(group, track)), None)
        if home is None:
            numbered.append(group)
        else:
            home.extend(group)
    return numbered


def _merged(groups: Groups, together: Callable[[Sequence[Found], Sequence[Found]], bool]) -> Groups:
    links = np.array([[together(first, other) for other in groups] for first in groups], bool)
    return [[item for i in members for item in groups[i]] for members in linked(links.reshape((len(groups),) * 2))]


def _dates(group: Sequence[Found]) -> set[int]:
    return {day.toordinal() for item in group for day in item.pair}


def _is_one_pass(first: Sequence[Found], other: Sequence[Found]) -> bool:
    """True for two track numbers of one pass: the number grows where the satellite crosses the equator northward."""
    difference = (first[0].track or 0) - (other[0].track or 0)
    return difference % _TRACKS in (0, 1, _TRACKS - 1) and bool(_dates(first) & _dates(other))


def _belongs(group: Sequence[Found], track: Sequence[Found]) -> bool:
    """True where nothing tells files without a track number from those of a track."""
    both = [*group, *track]
    return all(len(split(both)) == 1 for split in _SPLITS)


def _by_time(found: Sequence[Found]) -> Groups:
    """By the time of day; files without one stay with those of their dates, else with the most."""
    known = sorted((item for item in found if item.seconds is not None), key=lambda item: item.seconds or 0.0)
    if not known:
        return [list(found)]
    gaps = [(b.seconds or 0.0) - (a.seconds or 0.0) for a, b in zip(known, known[1:])]
    ends = [i + 1 for i, gap in enumerate(gaps) if gap > _SAME_PASS]
    groups = [known[start:end] for start, end in zip([0, *ends], [*ends, len(known)])]
    if len(groups) > 1 and (known[0].seconds or 0.0) + _DAY - (known[-1].seconds or 0.0) <= _SAME_PASS:
        groups[0].extend(groups.pop())
    for item in found:
        if item.seconds is None:
            max(groups, key=lambda group: (len(_dates([item]) & _dates(group)), len(group))).append(item)
    return groups


def _by_dates(found: Sequence[Found]) -> Groups:
    """By the rhythm of the dates, where pairs don't tie dates of two rhythms together.

    Sentinel-1's is known. That of others is what dates that hang together have in common, and tells two tracks only
    where the dates of both take turns and the ground differs, too.
    """
    is_sentinel1 = all(item.interferogram.product in _SENTINEL1 for item in found)
    connected = connected_dates([item.interferogram for item in found])
    components = [
        {day.toordinal() for day in dates} for dates in connected if not (is_sentinel1 and dates[-1] >= _UNTIL)
    ]
    cycle = _CYCLE_DAYS if is_sentinel1 else _cycle(components)
    rhythms: dict[int, set[int]] = {}
    for days in components:
        rhythm = {day % cycle for day in days} if cycle >= _SHORTEST_CYCLE else {0}
        if len(rhythm) > 1:
            return [list(found)]
        rhythms.setdefault(rhythm.pop(), set()).update(days)
    main = max(rhythms.values(), key=len, default=set())
    others = [days for days in rhythms.values() if days is not main and len(days) >= _FEWEST_DATES]
    apart = [[item for item in found if item.pair[0].toordinal() in days] for days in others]
    rest = [item for item in found if not any(item.pair[0].toordinal() in days for days in others)]
    groups = [rest, *apart]
    if is_sentinel1 or len(groups) == 1:
        return groups
    return _merged(groups, lambda first, other: not (_take_turns(first, other) and _extents_differ(first, other)))


def _cycle(components: Sequence[set[int]]) -> int:
    """The largest number of days that all steps between dates that hang together are multiples of."""
    steps = [day - min(days) for days in components for day in days if len(days) >= _FEWEST_DATES]
    cycle = math.gcd(*steps)
    return _CYCLE_DAYS if cycle % _CYCLE_DAYS == 0 and cycle else cycle


def _take_turns(first: Sequence[Found], other: Sequence[Found]) -> bool:
    a, b = _dates(first), _dates(other)
    return min(a) < max(b) and min(b) < max(a)


def _extents_differ(first: Sequence[Found], other: Sequence[Found]) -> bool:
    a, b = (_around(windows) for windows in _places(first, other))
    common = shared(a, b)
    return common is None or _area(common) < _SAME_EXTENT * max(_area(a), _area(b))


def _by_angle(found: Sequence[Found], angle: Callable[[Found], float | None]) -> Groups:
    """By an angle of view that differs on the same ground; files without one stay with those of their dates."""
    known = sorted(((value, i) for i, item in enumerate(found) if (value := angle(item)) is not None))
    gaps = [k + 1 for k, (a, b) in enumerate(zip(known, known[1:])) if b[0] - a[0] > _SAME_ANGLE]
    if not gaps:
        return [list(found)]
    groups = [[found[i] for _, i in known[a:b]] for a, b in zip([0, *gaps], [*gaps, len(known)])]
    groups = _merged(groups, lambda first, other: first is other or not _on_same_ground(first, other))
    for item in found:
        if angle(item) is None:
            max(groups, key=lambda group: (len(_dates([item]) & _dates(group)), len(group))).append(item)
    return groups


def _by_incidence(found: Sequence[Found]) -> Groups:
    return _by_angle(found, lambda item: item.interferogram.incidence)


def _by_heading(found: Sequence[Found]) -> Groups:
    return _by_angle(found, lambda item: item.interferogram.heading)


_SPLITS = (_by_time, _by_dates, _by_incidence, _by_heading)


def _on_same_ground(first: Sequence[Found], other: Sequence[Found]) -> bool:
    places = _places(first, other)
    for a in places[0]:
        for b in places[1]:
            common = shared(a, b)
            if common is not None and _area(common) > _SAME_EXTENT * max(_area(a), _area(b)):
                return True
    return False


def _places(*groups: Sequence[Found]) -> list[list[Window]]:
    """Where the files of some groups lie on one lattice of pixels, each place once."""
    reference, _ = common_grid([item.grid for group in groups for item in group])
    return [[window_on(reference, grid) for grid in dict.fromkeys(item.grid for item in group)] for group in groups]


def _around(windows: Sequence[Window]) -> Window:
    left, top = min(window.column for window in windows), min(window.row for window in windows)
    right = max(window.column + window.width for window in windows)
    return Window(left, top, right - left, max(window.row + window.height for window in windows) - top)


def _area(window: Window) -> int:
    return window.width * window.height
