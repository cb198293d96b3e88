"""Which pairs of a stack are used, why the others aren't, and whether the used ones hang together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..raster import Band, BandReader, Window, row_blocks
from ..stack_reader import map_ordered
from .model import Interferogram, Stack

_PIXELS_AT_A_TIME = 2**21
_SAMPLES_A_SIDE = 4
_SAMPLE_SIZE = 256


@dataclass(frozen=True)
class PairLimits:
    """Days, metres, dates and mean coherence that a pair may have; the defaults are the paper's.

    Raises InputError for limits that no pair can meet.
    """

    max_temporal_baseline: float = 40.0
    max_perpendicular_baseline: float = 120.0
    first_date: date | None = None
    last_date: date | None = None
    min_coherence: float | None = None

    def __post_init__(self) -> None:
        if not self.max_temporal_baseline > 0:
            raise InputError("The largest temporal baseline must be more than 0 days.")
        if not self.max_perpendicular_baseline > 0:
            raise InputError("The largest perpendicular baseline must be more than 0 metres.")
        if self.first_date and self.last_date and self.first_date >= self.last_date:
            raise InputError(f"The first date {self.first_date} must be before the last date {self.last_date}.")
        if self.min_coherence is not None and not 0 <= self.min_coherence <= 1:
            raise InputError("The smallest mean coherence must lie between 0 and 1.")


@dataclass(frozen=True)
class PairSelection:
    """The used pairs as a stack, the dropped ones each with a sentence, and the network of the used ones.

    ``mean_coherence`` is by the pair's name, over its valid pixels (estimated from samples of large rasters unless a
    limit on it was asked for). ``components`` are the groups of dates that the used pairs connect.
    """

    stack: Stack
    dropped: tuple[tuple[Interferogram, str], ...]
    mean_coherence: Mapping[str, float]
    components: tuple[tuple[date, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Violation:
    """A limit that a pair doesn't meet: the sentence, what would be needed, and by how much it misses."""

    reason: str
    needed: str
    excess: float


def select_pairs(stack: Stack, limits: PairLimits | None = None, progress: Progress | None = None) -> PairSelection:
    """The pairs of a stack within the limits.

    A limit isn't applied to a pair of which the value isn't known. Raises InputError, with the nearest limits that
    would keep something, when every pair is dropped.
    """
    limits, progress = limits or PairLimits(), progress or Progress()
    violations = {pair.name: _violations(pair, limits) for pair in stack.interferograms}
    candidates = [pair for pair in stack.interferograms if not violations[pair.name]]
    exact = limits.min_coherence is not None
    means = mean_coherences(candidates if exact else stack.interferograms, exact, progress)
    notes = []
    if limits.min_coherence is not None:
        for pair in candidates:
            violations[pair.name] = _incoherent(means.get(pair.name), limits.min_coherence)
        unknown = sum(pair.name not in means for pair in candidates)
        if unknown:
            notes.append(f"The limit on mean coherence is not applied to {unknown} pairs without coherence.")
    used = tuple(pair for pair in stack.interferograms if not violations[pair.name])
    if not used:
        raise InputError(_nothing_left(len(stack.interferograms), candidates or stack.interferograms, violations))
    components = connected_dates(used)
    if len(components) > 1:
        notes.append(_split(components))
    for note in notes:
        progress.warning(note)
    dropped = tuple(
        (pair, " ".join(item.reason for item in violations[pair.name]))
        for pair in stack.interferograms
        if violations[pair.name]
    )
    progress.info(f"{len(used)} of {len(stack.interferograms)} interferograms are used.")
    return PairSelection(replace(stack, interferograms=used), dropped, means, components, tuple(notes))


def _violations(pair: Interferogram, limits: PairLimits) -> list[_Violation]:
    found = []
    baseline = pair.perpendicular_baseline
    if pair.days > limits.max_temporal_baseline:
        found.append(
            _Violation(
                f"Its temporal baseline of {pair.days} days is above {limits.max_temporal_baseline:g}.",
                f"a temporal baseline of {pair.days} days",
                pair.days / limits.max_temporal_baseline - 1,
            )
        )
    if baseline is not None and abs(baseline) > limits.max_perpendicular_baseline:
        found.append(
            _Violation(
                f"Its perpendicular baseline of {abs(baseline):.1f} m is above {limits.max_perpendicular_baseline:g}.",
                f"a perpendicular baseline of {math.ceil(abs(baseline))} m",
                abs(baseline) / limits.max_perpendicular_baseline - 1,
            )
        )
    if limits.first_date and pair.first_date < limits.first_date:
        days = (limits.first_date - pair.first_date).days
        found.append(
            _Violation(f"It starts before {limits.first_date}.", f"a first date of {pair.first_date}", days / 365)
        )
    if limits.last_date and pair.second_date > limits.last_date:
        days = (pair.second_date - limits.last_date).days
        found.append(_Violation(f"It ends after {limits.last_date}.", f"a last date of {pair.second_date}", days / 365))
    return found


def _incoherent(mean: float | None, limit: float) -> list[_Violation]:
    if mean is None or mean >= limit:
        return []
    needed = f"a mean coherence of {math.floor(mean * 100) / 100:.2f}"
    return [_Violation(f"Its mean coherence of {mean:.2f} is below {limit:g}.", needed, limit - mean)]


def _nothing_left(total: int, pairs: Iterable[Interferogram], violations: Mapping[str, list[_Violation]]) -> str:
    def misses(pair: Interferogram) -> tuple[int, float]:
        return len(violations[pair.name]), sum(item.excess for item in violations[pair.name])

    nearest = min(pairs, key=misses)
    needed = " and ".join(item.needed for item in violations[nearest.name])
    return (
        f"None of the {total} interferograms is within the limits. The nearest one, "
        f"{nearest.name}, needs limits that allow {needed}."
    )


def _split(components: tuple[tuple[date, ...], ...]) -> str:
    groups = "; ".join(f"{dates[0]} to {dates[-1]} ({len(dates)} dates)" for dates in components)
    return (
        f"The used pairs fall into {len(components)} groups that no pair connects: {groups}. Rates are averages over "
        "the groups; motion between them isn't seen."
    )


def connected_dates(pairs: Iterable[Interferogram]) -> tuple[tuple[date, ...], ...]:
    """The groups of dates that pairs connect, each in order, the groups by their first date."""
    group: dict[date, set[date]] = {}
    for pair in pairs:
        ends = group.get(pair.first_date, {pair.first_date}) | group.get(pair.second_date, {pair.second_date})
        for day in ends:
            group[day] = ends
    return tuple(sorted({tuple(sorted(dates)) for dates in group.values()}))


def mean_coherences(pairs: Iterable[Interferogram], exact: bool, progress: Progress) -> dict[str, float]:
    """Mean coherence over the valid pixels of each pair that has one, by name.

    ``exact`` reads every pixel; otherwise rasters of more than a million pixels are sampled.
    """
    known = [(pair.name, pair.coherence) for pair in pairs if pair.coherence is not None]
    found: dict[str, float] = {}
    for (name, _), mean in map_ordered(lambda item: _mean(item[1], exact, progress), known, progress):
        if mean is not None:
            found[name] = mean
    return found


def _mean(band: Band, exact: bool, progress: Progress) -> float | None:
    total, count = 0.0, 0
    with BandReader(band) as reader:
        for window in _windows(reader.grid.width, reader.grid.height, exact):
            progress.check()
            values = reader.read(window)
            valid = np.isfinite(values)
            count += int(valid.sum())
            total += float(values.sum(where=valid, dtype=np.float64))
    return total / count if count else None


def _windows(width: int, height: int, exact: bool) -> Iterable[Window]:
    """The whole raster in blocks of rows, or 16 windows spread over it evenly when it is large."""
    side = _SAMPLES_A_SIDE * _SAMPLE_SIZE
    if exact or width * height <= side**2:
        for row, rows in row_blocks(height, max(1, _PIXELS_AT_A_TIME // width)):
            yield Window(0, row, width, rows)
        return
    size = _SAMPLE_SIZE
    for i in range(_SAMPLES_A_SIDE):
        for j in range(_SAMPLES_A_SIDE):
            column = int((j + 0.5) * width / _SAMPLES_A_SIDE) - size // 2
            row = int((i + 0.5) * height / _SAMPLES_A_SIDE) - size // 2
            yield Window(column, row, size, size)
