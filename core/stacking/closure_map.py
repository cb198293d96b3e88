"""The share of each pixel's triplets that don't close, in the pass over the windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..interferograms import Triplets, closure_offsets, open_share, triplets_of
from ..parallel import map_ordered
from ..progress import Progress
from ..raster import Band, BandOrMosaic
from ..types import Array, Double, PathLike
from .corrections import CorrectionModel
from .gathering import read_regular_sample, sample_positions, sample_step
from .reading import ReaderPool


@dataclass(frozen=True)
class ClosureMap:
    """The triplets of a stack, and their offsets in cycles; None where the phases are relative to one reference."""

    triplets: Triplets
    offsets: Array | None

    def share(self, phases: Double) -> Array:
        """Share of open triplets, float32 (h, w), of corrected phases (pairs, h, w); NaN without a complete one."""
        return open_share(phases, self.triplets, self.offsets)


def closure_map(
    model: CorrectionModel, pool: ReaderPool, dem: Band | PathLike | None, progress: Progress
) -> ClosureMap:
    """What the closure of corrected phases is counted with.

    Relative to the reference phase where there is one, so that ground which is cycles off from it is open; without
    one, to the median of a regular sample of the scene.
    """
    pairs, grid = model.stack.interferograms, model.stack.grid
    triplets = triplets_of(pairs)
    if "constant" in model.terms or not len(triplets):
        return ClosureMap(triplets, None)
    step = sample_step(grid, len(pairs))

    def read(band: BandOrMosaic) -> Array:
        return read_regular_sample(pool, band, step)

    phases = np.stack([values for _, values in map_ordered(read, [pair.phase for pair in pairs], progress)])
    if model.coefficients is not None:
        rows, columns = (sample_positions(size, step).astype(float) for size in (grid.height, grid.width))
        elevation = read_regular_sample(pool, dem, step) if model.needs_elevation and dem is not None else None
        phases -= model.surfaces(rows[:, None], columns[None, :], elevation).astype(np.float32)
    return ClosureMap(triplets, closure_offsets(phases.reshape(len(pairs), -1), triplets))
