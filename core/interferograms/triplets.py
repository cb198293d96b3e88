"""Triplets of a network: three pairs between three dates, whose phases should add up to zero."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
from numpy.typing import NDArray

from .network import DatedPair


def triplets_of(pairs: Iterable[DatedPair]) -> NDArray[np.intp]:
    """Numbers of the pairs (a, b), (b, c), (a, c) of all dates a < b < c that three pairs connect: (triplets, 3).

    In the order of their dates. The closure phase of a triplet is φ₀ + φ₁ − φ₂. Of several pairs with the same dates
    the first takes part.
    """
    number: dict[tuple[date, date], int] = {}
    later: dict[date, list[date]] = {}
    for index, pair in enumerate(pairs):
        if number.setdefault((pair.first_date, pair.second_date), index) == index:
            later.setdefault(pair.first_date, []).append(pair.second_date)
    dates = sorted((a, b, c) for a in later for b in later[a] for c in later[a] if (b, c) in number)
    return np.array([(number[a, b], number[b, c], number[a, c]) for a, b, c in dates], np.intp).reshape(-1, 3)
