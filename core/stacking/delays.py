"""Delays of the air that maps tell for each date (GACOS, weather models), taken from the phases as they are read.

A longer delay is a longer path, so the phase of a pair grows by 4π/λ · (delay at its second date − at its first), where
delays along the vertical are divided by the cosine of the incidence angle. Every reader of a phase that the pool gives
subtracts it, so that all that comes after, sample, reference and rates, sees corrected phases only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..robust import robust_spread
from ..satellite import USUAL_INCIDENCE
from ..texts import Message
from ..types import Array
from .delayed_reader import DateDelay, PairDelays
from .gathering import read_regular_sample

if TYPE_CHECKING:
    from ..interferograms import DelayMap, Interferogram, Stack
    from .reading import ReaderPool

_SAMPLE_SIDE = 32
_COMPARED_PAIRS = 24


@dataclass(frozen=True)
class DelayCorrection:
    """The pairs of ``stack`` that have a delay at both dates, ``pairs`` what to subtract, and what to tell."""

    stack: Stack
    pairs: PairDelays
    dropped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def delay_correction(
    stack: Stack, pool: ReaderPool, maps: Mapping[date, DelayMap], progress: Progress
) -> DelayCorrection:
    """What the maps of delay take from the pairs; those without one at both dates are left out.

    They would keep their delays among pairs that don't, which is worse than none corrected. InputError where no pair
    is left, and for a map that has no delay in the area of the interferograms.
    """
    missing = [day for day in stack.dates if day not in maps]
    kept = tuple(pair for pair in stack.interferograms if pair.first_date in maps and pair.second_date in maps)
    if not kept:
        raise InputError(
            "No pair has a delay of the air at both of its dates: {count} of {all} dates have none (first: {day}). Add "
            "the delays of these dates.",
            count=len(missing),
            all=len(stack.dates),
            day=missing[0],
        )
    used = replace(stack, interferograms=kept)
    incidence, notes = _incidence(kept)
    factors = {day: _factor(maps[day], stack.wavelength, incidence) for day in used.dates}
    delays = {day: DateDelay(maps[day].band, factor) for day, factor in factors.items()}
    pairs = PairDelays({pair.phase: (delays[pair.first_date], delays[pair.second_date]) for pair in kept})
    told, warnings = _compared(used, pool, delays, progress)
    dropped = tuple(_reason(pair, maps) for pair in stack.interferograms if pair not in kept)
    if dropped:
        missed = Message(
            "{pairs} pairs were left out, as {count} of {all} dates have no delay of the air (first: {day}): among "
            "corrected pairs, uncorrected ones would only add noise.",
            pairs=len(dropped),
            count=len(missing),
            all=len(stack.dates),
            day=missing[0],
        )
        warnings = (missed, *warnings)
    return DelayCorrection(used, pairs, dropped, (*notes, *told), warnings)


def _reason(pair: Interferogram, maps: Mapping[date, DelayMap]) -> tuple[str, str]:
    day = pair.first_date if pair.first_date not in maps else pair.second_date
    return pair.name, Message("{name} was left out: there is no delay of the air at {day}.", name=pair.name, day=day)


def _factor(delay: DelayMap, wavelength: float, incidence: float) -> float:
    along = math.cos(math.radians(incidence)) if delay.is_zenith else 1.0
    return 4 * math.pi / wavelength / along


def _incidence(pairs: tuple[Interferogram, ...]) -> tuple[float, tuple[str, ...]]:
    """The incidence angle in degrees, one for all pairs so that their delays close, and where it is from."""
    known = [pair.incidence for pair in pairs if pair.incidence is not None]
    if known:
        return sum(known) / len(known), ()
    note = Message(
        "The interferograms don't tell their incidence angle; {angle:.0f}° was assumed to turn delays along the "
        "vertical to the line of sight.",
        angle=USUAL_INCIDENCE,
    )
    return USUAL_INCIDENCE, (note,)


def _compared(
    stack: Stack, pool: ReaderPool, delays: Mapping[date, DateDelay], progress: Progress
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(notes, warnings) on a coarse sample: what the delays make of the phases, and where they are missing."""
    step = max(1, max(stack.grid.width, stack.grid.height) // _SAMPLE_SIDE)
    maps = {}
    for number, (day, delay) in enumerate(delays.items()):
        progress.report(number / len(delays))
        maps[day] = read_regular_sample(pool, delay.band, step) * np.float32(delay.factor)
        if not np.isfinite(maps[day]).any():
            raise InputError(
                "{label} has no delay anywhere in the area of the interferograms. Choose delays that cover them.",
                label=delay.band.label,
            )
    before, after, without, seen = [], [], 0, 0
    for pair in stack.interferograms[:: -(-len(stack.interferograms) // _COMPARED_PAIRS)]:
        progress.check()
        phases = read_regular_sample(pool, pair.phase, step)
        rest = phases - (maps[pair.second_date] - maps[pair.first_date])
        has_both = np.isfinite(rest)
        seen, without = seen + int(np.isfinite(phases).sum()), without + int((np.isfinite(phases) & ~has_both).sum())
        if has_both.any():
            before.append(robust_spread(phases[has_both]))
            after.append(robust_spread(rest[has_both]))
    return _told(np.array(before), np.array(after), without / max(seen, 1))


def _told(before: Array, after: Array, without: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    warnings: tuple[str, ...] = ()
    if without > 0:
        share = Message("Less than 0.1") if without < 1e-3 else f"{100 * without:.1f}"
        warnings += (
            Message(
                "{share} % of the pixels with valid phase lie where a map has no delay of the air. They can't be "
                "corrected and are left empty; use maps that cover the whole scene.",
                share=share,
            ),
        )
    if not before.size:
        return (), warnings
    spread, rest, better = float(np.median(before)), float(np.median(after)), int((after < before).sum())
    if rest > spread:
        doubt = Message(
            "The delays of the air make the phases worse: their spread over the scene went from {before:.2g} to "
            "{after:.2g} rad (medians of {pairs} pairs). Check their dates, time of day and unit, or stack without "
            "them.",
            before=spread,
            after=rest,
            pairs=len(before),
        )
        return (), (*warnings, doubt)
    note = Message(
        "Delays of the air: the spread of the phases over the scene went from {before:.2g} to {after:.2g} rad (medians "
        "of {pairs} pairs), and down in {better} of them.",
        before=spread,
        after=rest,
        pairs=len(before),
        better=better,
    )
    return (note,), warnings
