"""Whether two orbits agree on an area: both see it, one can't, or one denies it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import LOS_RATE, LOS_SENSITIVITY, BandReader, Grid, Window, checked_band, limited_cache, row_blocks
from ..terrain import POORLY_SEEN
from ..texts import Message
from ..types import PathLike
from ..vectors import Burner, Outlines

SEEN_BY_BOTH = Message("seen by both")
NOT_VISIBLE = Message("not visible to one")
CONTRADICTED = Message("contradicted")
FUSED_TAG = "FUSED_ORBITS"
"""The tag of a band of probabilities that were made of two orbits' ones, which the next two bands of its file hold."""
_VISIBLE_SHARE = 0.5
"""What an orbit must see of an area's pixels, so that its silence tells anything."""
_AGREEING = 0.2
"""The mean probability from which on an orbit that sees an area says the same."""
_BLOCK_PIXELS = 1 << 20


def agreement(visible: tuple[float, float], probability: tuple[float | None, float | None]) -> Message | None:
    """What two orbits say of an area, of whose pixels they see the ``visible`` shares, 0 to 1.

    ``probability``: the mean of what each says there, None where it sees nothing. None where neither sees the area.
    """
    sees = [share >= _VISIBLE_SHARE and mean is not None for share, mean in zip(visible, probability)]
    if not any(sees):
        return None
    if not all(sees):
        return NOT_VISIBLE
    return SEEN_BY_BOTH if all((mean or 0.0) >= _AGREEING for mean in probability) else CONTRADICTED


@dataclass(frozen=True)
class OrbitLayers:
    """What tells where an orbit could have seen motion down the slope: its LOS rate and its LOS sensitivity."""

    los_rate: PathLike
    los_sensitivity: PathLike


@gdal_raises()
def visible_shares(outlines: Outlines, layers: OrbitLayers, progress: Progress = QUIET) -> NDArray[np.float64]:
    """The share of each outline's pixels that an orbit measured and where |LOS sensitivity| is POORLY_SEEN or more.

    0 for outlines outside the rasters. Outlines must not overlap. Memory is bounded by a block of rows.
    """
    count = len(outlines.polygons)
    pixels, seen = np.zeros(count + 1), np.zeros(count + 1)
    rate = checked_band(layers.los_rate, LOS_RATE, progress)
    sensitivity = checked_band(layers.los_sensitivity, LOS_SENSITIVITY, progress)
    grid = Grid.of(layers.los_rate)
    burner = Burner(outlines, grid, range(1, count + 1))
    with ExitStack() as files:
        files.enter_context(limited_cache())
        rates = files.enter_context(BandReader(rate, grid))
        shares = files.enter_context(BandReader(sensitivity, grid))
        for row, rows in row_blocks(grid.height, max(1, _BLOCK_PIXELS // grid.width)):
            progress.report(row / grid.height)
            window = Window(0, row, grid.width, rows)
            numbers = burner.numbers(window)
            if not numbers.any():
                continue
            visible = np.isfinite(rates.read(window)) & (np.abs(shares.read(window)) >= POORLY_SEEN)
            pixels += np.bincount(numbers.ravel(), minlength=count + 1)
            seen += np.bincount(numbers[visible], minlength=count + 1)
    return np.asarray(seen[1:] / np.maximum(pixels[1:], 1))


def merged_agreement(seen: Sequence[str], other_visible: float | None) -> Message | None:
    """What the orbits say of an area that those in ``seen`` found.

    ``other_visible``: the share that the orbit sees which found nothing there; None where that isn't known.
    """
    if len(seen) == 2:
        return SEEN_BY_BOTH
    if other_visible is None:
        return None
    return CONTRADICTED if other_visible >= _VISIBLE_SHARE else NOT_VISIBLE
