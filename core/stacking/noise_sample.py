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

# Windows that are looked at, and pixels of each.
_WINDOWS = 4
_PIXELS = 4096
# Where the noise can't be told: pairs as noisy as dates, under which neither estimator is far from the best.
_UNKNOWN = NoiseLevels(1.0, 1.0)
# Turns of the golden ratio spread any number of places over the scene.
_GOLDEN = 0.618034


def usual_noise(stacker: Stacker, progress: Progress) -> tuple[NoiseLevels, Message]:
    """The noise of the corrected phases, as the median pixel of a few windows has it, and what to tell of it."""
    windows = plan_windows(stacker.stack, stacker.pool, stacker.layers)
    places = sorted({int(len(windows) * (0.5 + index * _GOLDEN) % len(windows)) for index in range(_WINDOWS)})
    with stacker.pool.reader(stacker.stack.interferograms[0].phase) as reader:
        width, height = reader.block_size
    chosen = []
    for place in places:
        # Whole stored blocks, as many as it takes: reading is what this costs.
        window = windows[place]
        columns = min(window.width, max(width, 1))
        rows = min(window.height, -(-_PIXELS // columns // height) * height)
        chosen.append(Window(window.column, window.row, columns, rows))
    model = RateModel(stacker.rate_model.network, stacker.rate_model.design, None)

    def look(window: Window) -> NoiseTerms:
        rows = min(window.height, max(1, _PIXELS // window.width))
        lines = np.unique(np.linspace(0, window.height - 1, rows).round().astype(int)).tolist()
        parts = [(slice(line, line + 1), slice(0, min(window.width, _PIXELS))) for line in lines]
        found = [
            noise_terms_of(model, corrected, weights)
            for corrected, _, _, weights in stacker.corrected_parts(stacker.read(window), window, parts)
        ]
        return NoiseTerms.joined(found)

    threads = window_threads(stacker.stack, chosen, stacker.layers)
    levels = NoiseTerms.joined([terms for _, terms in map_ordered(look, chosen, progress, threads)]).levels()
    if levels is None:
        return _UNKNOWN, Message(
            "Network estimator: no pixel that was looked at has more pairs than its dates need, so the noise of dates "
            "and that of pairs can't be told apart; they are taken to be equal."
        )
    return levels, Message(
        "Network estimator: noise of {date:.2f} rad at each date (air) and of {pair:.2f} rad in each pair by itself "
        "(decorrelation).",
        date=levels.date,
        pair=levels.pair,
    )
