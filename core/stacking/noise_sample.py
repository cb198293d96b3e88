"""The noise of dates and of pairs that is usual in a stack, from a few windows of it, before any rate is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..parallel import map_ordered
from ..progress import Progress
from ..raster import Window
from ..texts import Message
from .network_rate import RateModel, noise_terms_of
from .noise import NoiseLevels, NoiseTerms
from .reading import plan_windows, window_threads

if TYPE_CHECKING:
    from .blocks import Stacker

# Windows that are looked at at a time and at most, pixels of each, and how many pixels must tell their noise.
_WINDOWS, _MOST_WINDOWS = 4, 32
_PIXELS = 4096
_ENOUGH = 1000
# Where the noise can't be told: pairs as noisy as dates, under which neither estimator is far from the best.
_UNKNOWN = NoiseLevels(1.0, 1.0)
# Noise (rad) that the rounding of phases makes.
_ROUNDING = 1e-4
# Turns of the golden ratio spread any number of places over the scene.
_GOLDEN = 0.618034


def usual_noise(stacker: Stacker, progress: Progress) -> tuple[NoiseLevels, Message]:
    """The noise of the corrected phases, as the median pixel of a few windows has it, and what to tell of it."""
    model = RateModel(stacker.rate_model.network, stacker.rate_model.design, None)
    windows = _windows(stacker)
    threads = window_threads(stacker.stack, windows, stacker.layers)

    def look(window: Window) -> NoiseTerms:
        rows, columns = min(window.height, -(-_PIXELS // window.width)), min(window.width, _PIXELS)
        first = (window.height - rows) // 2
        part = slice(first, first + rows), slice(0, columns)
        looked_at, *again = stacker.corrected_parts(stacker.read(window), window, [part])
        for held in again:
            row, column = (np.asarray(at) - side.start for at, side in zip(held.place, part))
            looked_at.phases[:, row, column] = held.phases
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


def _windows(stacker: Stacker) -> list[Window]:
    """Small windows all over the scene, in an order of which any beginning is spread over it."""
    planned = plan_windows(stacker.stack, stacker.pool, stacker.layers)
    with stacker.pool.reader(stacker.stack.interferograms[0].phase) as reader:
        width, height = reader.block_size
    places = [int(len(planned) * ((0.5 + index * _GOLDEN) % 1)) for index in range(_MOST_WINDOWS)]
    windows = []
    for place in dict.fromkeys(places):
        # Whole stored blocks, as many as it takes: reading is what this costs.
        window = planned[place]
        columns = min(window.width, max(width, 1))
        rows = min(window.height, -(-_PIXELS // columns // height) * height)
        windows.append(Window(window.column, window.row, columns, rows))
    return windows
