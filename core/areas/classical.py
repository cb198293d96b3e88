"""The classical detector, which every result of a network stands beside.

A raster form of ADAfinder (Barra et al. 2017, Remote Sens. 9(10), 1002; Navarro et al. 2020, Int. J. Geo-Inf.
9(10), 584): pixels whose LOS rate stands out of the scene's own spread, in groups of a smallest size. Where the LOS
sensitivity is known, only ground that moves downhill counts.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..progress import QUIET, Progress
from ..raster import (
    GAUSSIAN_TRUNCATE,
    LOS_SENSITIVITY,
    Band,
    BandDescription,
    BandReader,
    Grid,
    RasterWriter,
    Window,
    checked_band,
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
    where a slope is given.

    Where a LOS sensitivity is given, ground must move downhill (None in ``min_sensitivity`` for no such rule): its
    downslope rate (the rate less its smooth part, over the sensitivity) must be above the threshold over
    |sensitivity|, which is what it scatters by. Ground of which the line of sight sees less than ``min_sensitivity``,
    or whose sensitivity is unknown, is left out. On simulated tiles, and on real noise, that scores better than letting
    the plain rule hold there, and better than a threshold from the spread of the downslope rates. Raises InputError
    for impossible numbers.
    """

    sigma: float = 4.0
    smooth_metres: float = 1200.0
    min_pixels: int = 20
    min_slope: float | None = 5.0
    min_sensitivity: float | None = 0.1

    def __post_init__(self) -> None:
        if not (self.sigma > 0 and self.smooth_metres > 0 and self.min_pixels >= 1):
            raise InputError(
                "The classical detector needs a threshold and a width above 0 and areas of at least 1 pixel."
            )
        if self.min_sensitivity is not None and not 0 < self.min_sensitivity <= 1:
            raise InputError(
                "The least share of a motion that must be seen ({share:g}) must lie between 0 and 1.",
                share=self.min_sensitivity,
            )


def classical_mask(
    los_rate: Array,
    pixel_size: float | tuple[float, float],
    rules: ClassicalRules,
    slope: Array | None = None,
    sensitivity: Array | None = None,
) -> Mask:
    """The pixels of areas in a whole raster of LOS rates (h, w), any unit, NaN for no data.

    ``pixel_size`` in metres, or (east-west, north-south) metres; ``slope`` in degrees and the LOS ``sensitivity`` (−1
    to 1) of the same shape. With a sensitivity, rates are positive toward the satellite; else their sign is of no
    account.
    """
    relief = _relief(los_rate, _sigmas(pixel_size, rules))
    threshold = rules.sigma * robust_spread(_sample(relief, 0, _stride(relief.size)))
    marked = _marked(relief, threshold, rules, slope, sensitivity)
    return counting_pixels(marked, marked, rules.min_pixels)


def classical_areas(
    los_rate: PathLike,
    slope: PathLike | None = None,
    rules: ClassicalRules = ClassicalRules(),
    orbit: str = "",
    dem: PathLike | None = None,
    smooth: bool = False,
    progress: Progress = QUIET,
    los_sensitivity: PathLike | None = None,
) -> tuple[Area, ...]:
    """The areas that stand out in a LOS rate raster, as ``extract_areas`` gives them, without probabilities.

    Streamed by blocks of rows. ``los_sensitivity``: a raster of it on any grid, by which only downhill motion counts.
    Raises InputError for a raster without CRS, without data, or whose rates don't scatter, and for a sensitivity that
    isn't one or has no data where there are rates.
    """
    layers = Layers(None, los_rate, slope, dem).checked(progress)
    masking = {} if rules.min_slope is None or slope is None else {"slope": layers["slope"]}
    if los_sensitivity is not None and rules.min_sensitivity is not None:
        masking["sensitivity"] = checked_band(los_sensitivity, LOS_SENSITIVITY, progress)
    with (
        limited_cache(),
        BandReader(layers["los_rate"]) as reader,
        tempfile.TemporaryDirectory(prefix="ada_mapper_") as folder,
    ):
        require_crs(reader.grid, los_rate)
        threshold = rules.sigma * _scene_spread(reader, rules, progress.part(0.0, 0.25))
        path = Path(folder) / "mask.tif"
        _write_mask(reader, masking, rules, threshold, path, progress.part(0.25, 0.55))
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


def _beyond(
    relief: Array, threshold: float, rules: ClassicalRules, slope: Array | None, sensitivity: Array | None
) -> Mask:
    """Pixels beyond the threshold, by the rules for slope and sensitivity."""
    with np.errstate(invalid="ignore"):
        if sensitivity is None or rules.min_sensitivity is None:
            beyond = np.abs(relief) > threshold
        else:
            # Both sides of the test of the downslope rate, multiplied by |sensitivity|.
            beyond = np.where(sensitivity < 0, -relief, relief) > threshold
            beyond &= np.abs(sensitivity) >= rules.min_sensitivity
        if slope is not None and rules.min_slope is not None:
            beyond &= slope > rules.min_slope
    return beyond


def _marked(
    relief: Array,
    threshold: float,
    rules: ClassicalRules,
    slope: Array | None = None,
    sensitivity: Array | None = None,
) -> Mask:
    """Pixels beyond the threshold, by majority of 3 × 3, joined across gaps that both sides reach in one pixel."""
    from scipy.ndimage import binary_dilation, binary_erosion, uniform_filter

    beyond = _beyond(relief, threshold, rules, slope, sensitivity)
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
    masking: Mapping[str, Band],
    rules: ClassicalRules,
    threshold: float,
    path: Path,
    progress: Progress,
) -> None:
    """Write the pixels of areas of any size; ``masking`` holds the ``slope`` and the ``sensitivity``, where given."""
    grid = reader.grid
    has_sensitivity = False
    with contextlib.ExitStack() as stack:
        readers = {name: stack.enter_context(BandReader(band, grid)) for name, band in masking.items()}
        writer = stack.enter_context(RasterWriter(path, grid, [BandDescription("mask")], "uint8", None))
        for first, rows, above, relief in _reliefs(reader, rules, _MASK_HALO, progress):
            window = Window(0, first - above, grid.width, relief.shape[0])
            values = {name: own.read(window) for name, own in readers.items()}
            marked = _marked(relief, threshold, rules, **values)
            writer.write(marked[above : above + rows].astype(np.uint8), first)
            if "sensitivity" in values:
                has_sensitivity |= bool((np.isfinite(values["sensitivity"]) & np.isfinite(relief)).any())
    if "sensitivity" in masking and not has_sensitivity:
        raise InputError(
            "{path} has no LOS sensitivity where there are LOS rates. Check that both show the same place and that "
            "their coordinate reference systems are right.",
            path=masking["sensitivity"].path,
        )
