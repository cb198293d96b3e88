"""The limits on pairs and their usual values, which dialogs show: readable without numpy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ..errors import InputError


@dataclass(frozen=True)
class PairLimits:
    """Days, metres, dates and mean coherence that a pair may have; the defaults are the paper's.

    ``max_closure`` is the largest share, 0 to 1, of a pair's pixels in which triplets don't close because of it, as far
    as the other triplets tell (``PairFacts.suspect``). ``excluded`` are names of pairs (YYYYMMDD_YYYYMMDD) that are
    left out whatever they are. Raises InputError for limits that no pair can meet.
    """

    max_temporal_baseline: float = 40.0
    max_perpendicular_baseline: float = 120.0
    first_date: date | None = None
    last_date: date | None = None
    min_coherence: float | None = None
    excluded: frozenset[str] = frozenset()
    max_closure: float | None = None

    def __post_init__(self) -> None:
        if not self.max_temporal_baseline > 0:
            raise InputError("The largest temporal baseline must be more than 0 days.")
        if not self.max_perpendicular_baseline > 0:
            raise InputError("The largest perpendicular baseline must be more than 0 metres.")
        if self.first_date and self.last_date and self.first_date >= self.last_date:
            raise InputError(
                "The first date {first_date} must be before the last date {last_date}.",
                first_date=self.first_date,
                last_date=self.last_date,
            )
        if self.min_coherence is not None and not 0 <= self.min_coherence <= 1:
            raise InputError("The smallest mean coherence must lie between 0 and 1.")
        if self.max_closure is not None and not 0 <= self.max_closure <= 1:
            raise InputError("The largest share of pixels that don't close must lie between 0 and 100 %.")
