"""The classical detector, which every result of a network stands beside.

A raster form of ADAfinder (Barra et al. 2017, Remote Sens. 9(10), 1002; Navarro et al. 2020, Int. J. Geo-Inf.
9(10), 584): pixels whose LOS rate stands out of the scene's own spread, in groups of a smallest size.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..progress import QUIET, Progress
from ..raster import (
    GAUSSIAN_TRUNCATE,
    Band,
    BandDescription,
    BandReader,
    Grid,
    RasterWriter,
    Window,
    coarsening_factor,
    gaussian_mean,
    limited_cache,
    require_crs,
    row_blocks,
)
from ..robust import robust_spread
from ..types import Array, Mask, PathLike
from .area import Area
from .attributes import Layers
from .components import counting_pixels, rows_per_block
from .extraction import vectorize

_ROUNDING = np.float32(1e-5)
_SAMPLE_PIXELS = 4_000_000
# Pixels beyond a block that majority (1) and joining (2) look at.
_MASK_HALO = 3


@dataclass(frozen=True)
class ClassicalRules:
    """What stands out: |rate − its smooth part| > ``sigma`` · 1.4826 · MAD.

    The smooth part is a Gaussian mean whose standard deviation is ``smooth_metres``. ADAfinder takes 2 standard
    deviations, which marks much atmospheric noise; about 4, the default, scores best on simulated scenes and so is
    the stronger yardstick. ``min_pixels`` is the smallest group; ``min_slope`` (degrees; None for no such rule) holds
    where a slope is given. Raises InputError for impossible numbers.
    """

    sigma: float = 4.0
    smooth_metres: float = 1200.0
    min_pixels: int = 20
    min_slope: float | None = 5.0

    def __post_init__(self) -> None:
        if not (self.sigma > 0 and self.smooth_metres > 0 and self.min_pixels >= 1):
            raise InputError(
                "The classical detector needs a threshold and a width above 0 and areas of at least 1 pixel."
            )


def classical_mask(
    los_rate: Array, pixel_size: float | tuple[float, float], rules: ClassicalRules, slope: Array | None = None
) -> Mask:
    """The pixels of areas in a whole raster of LOS rates (h, w), any unit, NaN for no data.

    ``pixel_size`` in metres, or (east-west, north-south) metres; ``slope`` in degrees, of the same shape.
    """
    relief = _relief(los_rate, _sigmas(pixel_size, rules))
    marked = _marked(relief, rules.sigma * robust_spread(_sample(relief, 0, _stride(relief.size))), rules, slope)
    return counting_pixels(marked, marked, rules.min_pixels)


def classical_areas(
    los_rate: PathLike,
    slope: PathLike | None = None,
    rules: ClassicalRules = ClassicalRules(),
    orbit: str = "",
    dem: PathLike | None = None,
    smooth: bool = False,
    progress: Progress = QUIET,
) -> tuple[Area, ...]:
    """The areas that stand out in a LOS rate raster, as ``extract_areas`` gives them, without probabilities.

    Streamed by blocks of rows. Raises InputError for a raster without CRS, without data, or whose rates don't scatter.
    """
    layers = Layers(None, los_rate, slope, dem).checked(progress)
    with (
        limited_cache(),
        BandReader(layers["los_rate"]) as reader,
        tempfile.TemporaryDirectory(prefix="ada_mapper_") as folder,
    ):
        require_crs(reader.grid, los_rate)
        threshold = rules.sigma * _scene_spread(reader, rules, progress.part(0.0, 0.25))
        path = Path(folder) / "mask.tif"
        _write_mask(reader, layers.get("slope"), rules, threshold, path, progress.part(0.25, 0.55))
        with BandReader(path) as mask:
            return vectorize(
                _StoredMask(mask), Layers(**layers), 0.0, rules.min_pixels, orbit, smooth, progress.part(0.55, 1.0)
            )


class _StoredMask:
    """A mask of 0 and 1 on disk as candidates, each its own seed."""

    def __init__(self, reader: BandReader) -> None:
        self._reader = reader

    @property
    def grid(self) -> Grid:
        return self._reader.grid

    def read(self, first: int, rows: int) -> tuple[Mask, Mask]:
        mask = self._reader.read(Window(0, first, self.grid.width, rows)) > 0
        return mask, mask


def _sigmas(pixel_size: float | tuple[float, float], rules: ClassicalRules) -> tuple[float, float]:
    """The Gaussian's standard deviation in rows and in columns."""
    east, north = pixel_size if isinstance(pixel_size, tuple) else (pixel_size, pixel_size)
    return rules.smooth_metres / north, rules.smooth_metres / east


def _grid_sigmas(grid: Grid, rules: ClassicalRules) -> tuple[float, float]:
    east, north = grid.metres_per_pixel(np.array([grid.height // 2]))
    return _sigmas((float(east[0]), float(north[0])), rules)


def _relief(values: Array, sigmas: tuple[float, float]) -> Array:
    """The values less their Gaussian mean over the valid pixels, but for float32's rounding; NaN stays NaN."""
    relief = values - gaussian_mean(values, sigmas)
    with np.errstate(invalid="ignore"):
        relief[np.abs(relief) <= _ROUNDING * np.abs(values)] = 0
    return relief


def _stride(pixels: int) -> int:
    """Every how-many-th pixel and row of a raster is in the sample that its spread is estimated from."""
    return max(1, int(np.ceil(np.sqrt(pixels / _SAMPLE_PIXELS))))


def _sample(relief: Array, first: int, stride: int) -> Array:
    """The finite values of the sample in rows that begin with row ``first`` of the raster."""
    chosen = relief[-first % stride :: stride, ::stride]
    return np.asarray(chosen[np.isfinite(chosen)])


def _marked(relief: Array, threshold: float, rules: ClassicalRules, slope: Array | None) -> Mask:
    """Pixels beyond the threshold, by majority of 3 × 3, joined across gaps that both sides reach in one pixel."""
    from scipy.ndimage import binary_dilation, binary_erosion, uniform_filter

    with np.errstate(invalid="ignore"):
        beyond = np.abs(relief) > threshold
        if slope is not None and rules.min_slope is not None:
            beyond &= slope > rules.min_slope
    share = uniform_filter(beyond.astype(np.float32), 3, mode="constant")
    neighbours = np.ones((3, 3), bool)
    joined = binary_dilation(share > 4.5 / 9, neighbours)
    joined = binary_erosion(joined, neighbours, border_value=1)
    return np.asarray(joined & np.isfinite(relief), bool)


def _reliefs(
    reader: BandReader, rules: ClassicalRules, halo: int, progress: Progress
) -> Iterator[tuple[int, int, int, Array]]:
    """(first row, rows, rows above it that are included, relief) of blocks with up to ``halo`` rows around."""
    grid = reader.grid
    sigmas = _grid_sigmas(grid, rules)
    factor = coarsening_factor(sigmas[0])
    # Whole coarse pixels, so that the blocks see the same coarse pixels as the whole raster would.
    margin = int(np.ceil((GAUSSIAN_TRUNCATE * sigmas[0] + halo) / factor) + 2) * factor
    for first, rows in row_blocks(grid.height, rows_per_block(grid)):
        progress.report(first / grid.height)
        top, bottom = max(first - margin, 0), min(first + rows + margin, grid.height)
        relief = _relief(reader.read(Window(0, top, grid.width, bottom - top)), sigmas)
        above = min(halo, first)
        below = min(halo, grid.height - first - rows)
        yield first, rows, above, relief[first - above - top : first + rows + below - top]


def _scene_spread(reader: BandReader, rules: ClassicalRules, progress: Progress) -> float:
    """The spread of the whole raster's relief, from a regular sample of at most four million pixels."""
    grid = reader.grid
    stride = _stride(grid.width * grid.height)
    parts = [_sample(relief, first, stride) for first, _, _, relief in _reliefs(reader, rules, 0, progress)]
    sample = np.concatenate(parts)
    if sample.size == 0:
        raise InputError(
            "{path} holds no data at all. Check the layers that it was made from.", path=reader.source.path
        )
    scatter = robust_spread(sample)
    if scatter == 0:
        raise InputError(
            "{path}: more than half of its pixels have the same LOS rate as their surroundings, so "
            "nothing can stand out of their scatter. If that rate stands for no data, declare it (Raster > "
            "Conversion > Translate); otherwise choose another raster.",
            path=reader.source.path,
        )
    return scatter


def _write_mask(
    reader: BandReader,
    slope: Band | None,
    rules: ClassicalRules,
    threshold: float,
    path: Path,
    progress: Progress,
) -> None:
    grid = reader.grid
    with contextlib.ExitStack() as stack:
        slopes = None
        if slope is not None and rules.min_slope is not None:
            slopes = stack.enter_context(BandReader(slope, grid))
        writer = stack.enter_context(RasterWriter(path, grid, [BandDescription("mask")], "uint8", None))
        for first, rows, above, relief in _reliefs(reader, rules, _MASK_HALO, progress):
            steep = None
            if slopes is not None:
                steep = slopes.read(Window(0, first - above, grid.width, relief.shape[0]))
            marked = _marked(relief, threshold, rules, steep)
            writer.write(marked[above : above + rows].astype(np.uint8), first)
