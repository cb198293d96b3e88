"""The noise of dates and of pairs that is usual in a stack, from a few windows of it, before any rate is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..parallel import map_ordered
from ..progress import Progress
from ..raster import Grid, Window
from ..texts import Message
from .network_rate import RateModel, noise_terms_of
from .noise import NoiseLevels, NoiseTerms
from .reading import window_threads

if TYPE_CHECKING:
    from .blocks import Stacker

# Windows that are looked at at a time and at most, the side of each, and how many pixels must tell their noise.
_WINDOWS, _MOST_WINDOWS = 4, 32
_SIDE = 64
_ENOUGH = 1000
# Where the noise can't be told: pairs as noisy as dates, under which neither estimator is far from the best.
_UNKNOWN = NoiseLevels(1.0, 1.0)
# Noise (rad) that the rounding of phases makes.
_ROUNDING = 1e-4
# Steps that spread any number of places over a square (Roberts 2018).
_TURNS = 0.754878, 0.569840


def usual_noise(stacker: Stacker, progress: Progress) -> tuple[NoiseLevels, Message]:
    """The noise of the corrected phases, as the median pixel of a few windows has it, and what to tell of it."""
    model = RateModel(stacker.rate_model.network, stacker.rate_model.design, None)
    windows = _windows(stacker.stack.grid)
    threads = window_threads(stacker.stack, windows, stacker.layers)

    def look(window: Window) -> NoiseTerms:
        whole = slice(0, window.height), slice(0, window.width)
        looked_at, *again = stacker.corrected_parts(stacker.read(window), window, [whole])
        for held in again:
            looked_at.phases[(slice(None), *held.place)] = held.phases
        return noise_terms_of(model, looked_at.phases, looked_at.weights)

    found: list[NoiseTerms] = []
    levels = None
    for start in range(0, len(windows), _WINDOWS):
        # More windows only where those hold next to nothing, as at the edges of a scene.
        some = windows[start : start + _WINDOWS]
        share = progress.part(start / len(windows), (start + len(some)) / len(windows))
        found += [terms for _, terms in map_ordered(look, some, share, threads)]
        terms = NoiseTerms.joined(found)
        levels = terms.levels()
        if np.count_nonzero(np.isfinite(terms.date_variance)) >= _ENOUGH:
            break
    if levels is None and not np.nanmax(NoiseTerms.joined(found).redundancy, initial=0):
        return _UNKNOWN, Message(
            "Network estimator: no pixel that was looked at has more pairs than its dates need, so the noise of dates "
            "and that of pairs can't be told apart; they are taken to be equal."
        )
    if levels is None or levels.date + levels.pair < _ROUNDING:
        return _UNKNOWN, Message(
            "Network estimator: the phases that were looked at hold no noise, so that of dates and that of pairs are "
            "taken to be equal."
        )
    return levels, Message(
        "Network estimator: noise of {date:.2f} rad at each date (air) and of {pair:.2f} rad in each pair by itself "
        "(decorrelation).",
        date=levels.date,
        pair=levels.pair,
    )


def _windows(grid: Grid) -> list[Window]:
    """Small windows all over the scene, in an order of which any beginning is spread over it.

    They depend on the grid alone, so that the rates don't on how files are stored.
    """
    height, width = min(_SIDE, grid.height), min(_SIDE, grid.width)
    rows, columns = (
        ((size + 1) * ((0.5 + np.arange(_MOST_WINDOWS) * turn) % 1)).astype(int).tolist()
        for size, turn in zip((grid.height - height, grid.width - width), _TURNS)
    )
    return list(dict.fromkeys(Window(column, row, width, height) for row, column in zip(rows, columns)))
