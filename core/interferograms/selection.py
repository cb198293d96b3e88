"""Which pairs of a stack are used, why the others aren't, and whether the used ones hang together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from ..errors import InputError
from ..progress import QUIET, Progress
from ..texts import Message, joined
from .found import some
from .limits import PairLimits
from .model import Interferogram, Stack
from .network import connected_dates
from .samples import PairSamples, sampled

RULES = (
    "by_hand", "temporal_baseline", "perpendicular_baseline", "first_date", "last_date", "coherence", "closure",
)  # fmt: skip
# A share of suspect pixels that is told. Stacks that are unwrapped well have less than 0.1 %, and noise of 0.6 rad in
# each pair opens 0.3 % of the triplets; an error on more ground than this is as large as what is to be mapped.
_MANY_SUSPECT = 0.05


@dataclass(frozen=True)
class PairFacts:
    """What the rules look at: dates, perpendicular baseline in metres and mean coherence, None where it isn't known.

    ``closure`` is the share of its pixels, 0 to 1, in which a triplet with this pair doesn't close, ``suspect`` that
    in which the pair itself is suspect of it (``closure``); both are None where the pair is in no triplet. ``files``:
    how many files side by side the pair consists of.
    """

    name: str
    first_date: date
    second_date: date
    perpendicular_baseline: float | None = None
    mean_coherence: float | None = None
    files: int = 1
    closure: float | None = None
    suspect: float | None = None

    @classmethod
    def of(cls, pair: Interferogram, samples: PairSamples | None = None) -> PairFacts:
        """The facts of an interferogram, with what samples of the pairs show."""
        samples = samples or PairSamples()
        return cls(
            pair.name,
            pair.first_date,
            pair.second_date,
            pair.perpendicular_baseline,
            samples.mean_coherence.get(pair.name),
            pair.files,
            samples.closure.get(pair.name),
            samples.suspect.get(pair.name),
        )

    @property
    def days(self) -> int:
        """The temporal baseline in days."""
        return (self.second_date - self.first_date).days


@dataclass(frozen=True)
class PairSelection:
    """The used pairs as a stack, the dropped ones each with a sentence, and the network of the used ones.

    ``mean_coherence`` is by the pair's name, over its valid pixels (estimated from samples of large rasters unless a
    limit on it was asked for); ``closure`` and ``suspect`` are by name, too, as in ``PairFacts``, from the triplets of
    all pairs. ``components`` are the groups of dates that the used pairs connect.
    """

    stack: Stack
    dropped: tuple[tuple[Interferogram, str], ...]
    mean_coherence: Mapping[str, float]
    components: tuple[tuple[date, ...], ...]
    notes: tuple[str, ...] = ()
    closure: Mapping[str, float] = field(default_factory=dict)
    suspect: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Violation:
    """A rule of RULES that a pair doesn't meet: the sentence, what would be needed, and by how much it misses."""

    rule: str
    reason: str
    needed: str = ""
    excess: float = 0.0


def select_pairs(
    stack: Stack, limits: PairLimits | None = None, progress: Progress = QUIET, only_needed: bool = False
) -> PairSelection:
    """The pairs of a stack within the limits.

    ``only_needed``: mean coherence and closure are only found out where a limit asks for them. A limit isn't applied to
    a pair of which the value isn't known. Raises InputError, with the nearest limits that would keep something, when
    every pair is dropped.
    """
    limits = limits or PairLimits()
    pairs = stack.interferograms
    candidates = [pair for pair in pairs if not _violations(PairFacts.of(pair), limits)]
    exact = limits.min_coherence is not None
    coherent = () if only_needed and not exact else candidates if exact else pairs
    closing = limits.max_closure is not None or not only_needed
    samples = sampled(stack, coherent, exact, progress, closing)
    facts = [PairFacts.of(pair, samples) for pair in pairs]
    reasons = reasons_against(facts, limits)
    used = tuple(pair for pair in pairs if not reasons[pair.name])
    if not used:
        raise InputError(nothing_left(facts, limits))
    components = connected_dates(used)
    notes = _notes(stack, candidates, samples, limits)
    notes += _many_suspect(used, samples)
    if len(components) > 1:
        notes.append(_split(components))
    for note in notes:
        progress.warning(note)
    dropped = tuple((pair, reasons[pair.name]) for pair in pairs if reasons[pair.name])
    progress.info(
        "{used_count} of {pairs_count} interferograms are used.", used_count=len(used), pairs_count=len(pairs)
    )
    return PairSelection(
        replace(stack, interferograms=used),
        dropped,
        samples.mean_coherence,
        components,
        tuple(notes),
        samples.closure,
        samples.suspect,
    )


def pair_facts(stack: Stack, progress: Progress = QUIET) -> tuple[PairFacts, ...]:
    """The facts of every pair of a stack; mean coherences and closures are estimated from samples of large rasters."""
    samples = sampled(stack, stack.interferograms, False, progress)
    return tuple(PairFacts.of(pair, samples) for pair in stack.interferograms)


def reasons_against(pairs: Iterable[PairFacts], limits: PairLimits) -> dict[str, str]:
    """Why each pair isn't used, in sentences, by name; "" where it is used."""
    return {pair.name: joined([item.reason for item in _violations(pair, limits)], " ") for pair in pairs}


def rules_against(pairs: Iterable[PairFacts], limits: PairLimits) -> dict[str, tuple[str, ...]]:
    """Which of RULES each pair doesn't meet, by name; empty where it is used."""
    return {pair.name: tuple(item.rule for item in _violations(pair, limits)) for pair in pairs}


def nothing_left(pairs: Sequence[PairFacts], limits: PairLimits) -> str:
    """What to tell when no pair is used: the nearest limits that would keep one that wasn't left out by hand."""
    others = [pair for pair in pairs if pair.name not in limits.excluded]
    if not others:
        return Message("All {count} interferograms were left out by hand. Take some of them back.", count=len(pairs))

    # Where coherence or closure decides, the other limits come first.
    near = [pair for pair in others if not (_baselines(pair, limits) or _dates(pair, limits))] or others
    violations = {pair.name: _violations(pair, limits) for pair in near}

    def misses(name: str) -> tuple[int, float]:
        return len(violations[name]), sum(item.excess for item in violations[name])

    nearest = min(violations, key=misses)
    needed = joined([item.needed for item in violations[nearest]], " and ")
    by_hand = len(pairs) - len(others)
    most = Message("None of the interferograms ({count}) is within the limits.", count=len(pairs))
    if by_hand:
        most = Message(
            "None of the interferograms ({count}) is used; {by_hand} of them were left out by hand.",
            count=len(pairs),
            by_hand=by_hand,
        )
    return Message(
        "{most} The nearest one, {nearest}, needs limits that allow {needed}.",
        most=most,
        nearest=nearest,
        needed=needed,
    )


def _violations(pair: PairFacts, limits: PairLimits) -> list[_Violation]:
    """What speaks against a pair; coherence and closure only count where nothing else does."""
    found = [*_by_hand(pair, limits), *_baselines(pair, limits), *_dates(pair, limits)]
    return found or [
        *_incoherent(pair.mean_coherence, limits.min_coherence),
        *_not_closing(pair.suspect, limits.max_closure),
    ]


def _by_hand(pair: PairFacts, limits: PairLimits) -> list[_Violation]:
    return [_Violation("by_hand", Message("It was left out by hand."))] if pair.name in limits.excluded else []


def _baselines(pair: PairFacts, limits: PairLimits) -> list[_Violation]:
    found = []
    baseline = pair.perpendicular_baseline
    if pair.days > limits.max_temporal_baseline:
        found.append(
            _Violation(
                "temporal_baseline",
                Message(
                    "Its temporal baseline of {days} days is above {max_temporal_baseline:g}.",
                    days=pair.days,
                    max_temporal_baseline=limits.max_temporal_baseline,
                ),
                Message("a temporal baseline of {days} days", days=pair.days),
                pair.days / limits.max_temporal_baseline - 1,
            )
        )
    if baseline is not None and abs(baseline) > limits.max_perpendicular_baseline:
        found.append(
            _Violation(
                "perpendicular_baseline",
                Message(
                    "Its perpendicular baseline of {baseline:.1f} m is above {max_perpendicular_baseline:g}.",
                    baseline=abs(baseline),
                    max_perpendicular_baseline=limits.max_perpendicular_baseline,
                ),
                Message("a perpendicular baseline of {metres} m", metres=math.ceil(abs(baseline))),
                abs(baseline) / limits.max_perpendicular_baseline - 1,
            )
        )
    return found


def _dates(pair: PairFacts, limits: PairLimits) -> list[_Violation]:
    found = []
    if limits.first_date and pair.first_date < limits.first_date:
        days = (limits.first_date - pair.first_date).days
        found.append(
            _Violation(
                "first_date",
                Message("It starts before {first_date}.", first_date=limits.first_date),
                Message("a first date of {first_date}", first_date=pair.first_date),
                days / 365,
            )
        )
    if limits.last_date and pair.second_date > limits.last_date:
        days = (pair.second_date - limits.last_date).days
        found.append(
            _Violation(
                "last_date",
                Message("It ends after {last_date}.", last_date=limits.last_date),
                Message("a last date of {second_date}", second_date=pair.second_date),
                days / 365,
            )
        )
    return found


def _incoherent(mean: float | None, limit: float | None) -> list[_Violation]:
    if limit is None or mean is None or mean >= limit:
        return []
    needed = Message("a mean coherence of {coherence:.2f}", coherence=math.floor(mean * 100) / 100)
    return [
        _Violation(
            "coherence",
            Message("Its mean coherence of {mean:.2f} is below {limit:g}.", mean=mean, limit=limit),
            needed,
            limit - mean,
        )
    ]


def _not_closing(suspect: float | None, limit: float | None) -> list[_Violation]:
    if limit is None or suspect is None or suspect <= limit:
        return []
    return [
        _Violation(
            "closure",
            Message(
                "In {suspect:.1f} % of its pixels triplets with other pairs don't close, most likely by errors of its "
                "unwrapping; that is above {limit:g} %.",
                suspect=100 * suspect,
                limit=100 * limit,
            ),
            Message("{percent} % of pixels that don't close", percent=math.ceil(100 * suspect)),
            suspect - limit,
        )
    ]


def _many_suspect(used: Iterable[Interferogram], samples: PairSamples) -> list[str]:
    """What to tell where used pairs have many pixels whose triplets don't close."""
    shares = {pair.name: samples.suspect.get(pair.name, 0.0) for pair in used}
    many = sorted((name for name, share in shares.items() if share > _MANY_SUSPECT), key=shares.__getitem__)[::-1]
    if not many:
        return []
    shown = [Message("{name} ({share:.0f} %)", name=name, share=100 * shares[name]) for name in many]
    return [
        Message(
            "Errors of unwrapping, or noise of nearly a cycle, are likely: in more than {limit:.0f} % of the pixels, "
            "triplets with these pairs don't close: {some}. Set a limit on pixels that don't close, or leave the pairs "
            "out by hand.",
            limit=100 * _MANY_SUSPECT,
            some=some(shown),
        )
    ]


def _notes(stack: Stack, candidates: Sequence[Interferogram], samples: PairSamples, limits: PairLimits) -> list[str]:
    """What couldn't be applied: pairs left out by hand that aren't there, coherence or closure that isn't known."""
    notes: list[str] = []
    absent = sorted(limits.excluded - {pair.name for pair in stack.interferograms})
    if absent:
        notes.append(
            Message("Not among the interferograms, so not left out by hand: {absent}.", absent=", ".join(absent))
        )
    unknown = sum(pair.name not in samples.mean_coherence for pair in candidates)
    if limits.min_coherence is not None and unknown:
        notes.append(
            Message("The limit on mean coherence is not applied to {unknown} pairs without coherence.", unknown=unknown)
        )
    alone = sum(pair.name not in samples.suspect for pair in candidates)
    if limits.max_closure is not None and alone:
        notes.append(
            Message(
                "The limit on pixels that don't close is not applied to {alone} pairs that are in no triplet.",
                alone=alone,
            )
        )
    return notes


def _split(components: tuple[tuple[date, ...], ...]) -> str:
    groups = [
        Message("{first} to {last} ({count} dates)", first=dates[0], last=dates[-1], count=len(dates))
        for dates in components
    ]
    return Message(
        "The used pairs fall into {count} groups that no pair connects: {groups}. Rates are averages over "
        "the groups; motion between them isn't seen.",
        count=len(components),
        groups=joined(groups, "; "),
    )
