"""One probability from those of both orbits, each weighted by how well the orbit sees motion down the slope."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from ..areas import FUSED_TAG
from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import (
    LOS_SENSITIVITY,
    PROBABILITY,
    BandDescription,
    BandKind,
    BandReader,
    Grid,
    RasterWriter,
    Window,
    checked_band,
    limited_cache,
    row_blocks,
)
from ..satellite import HEADING_TAG, LOOK_SIDE_TAG, RIGHT
from ..terrain import POORLY_SEEN
from ..types import Array, PathLike

_SUREST = 1e-6
_BLOCK_PIXELS = 1 << 20
_SAME_HEADING = 30.0


@dataclass(frozen=True)
class FusionRule:
    """How two probabilities become one; in ``benchmarks/two_orbits.py`` other constants of this size score the same.

    ``blind``, ``clear``: |LOS sensitivity| up to which an orbit says nothing of downslope motion, and from which on it
    counts fully. ``power``: the chance that an orbit which sees a slope recognises a landslide there, so that its no
    counts no more than that. ``correlation`` of what two orbits affirm, from 0 (independent evidence, which adds up) to
    1 (the same evidence). ``prior``: the probability that speaks neither for nor against motion. InputError for numbers
    that can't be.
    """

    blind: float = 0.05
    clear: float = 0.3
    power: float = 0.5
    correlation: float = 0.6
    prior: float = 0.15

    def __post_init__(self) -> None:
        shares = (self.blind, self.clear, self.power, self.correlation)
        if not (all(0 <= share <= 1 for share in shares) and self.blind < self.clear and 0 < self.prior < 1):
            raise InputError("This rule can't fuse probabilities: {values}.", values=str(vars(self)))

    def weight(self, probability: Array, sensitivity: Array) -> Array:
        """How much an orbit counts, 0 to 1; 0 without a probability, and where it isn't known how the orbit sees."""
        weight = np.clip((np.abs(sensitivity) - self.blind) / (self.clear - self.blind), 0, 1)
        return np.asarray(np.where(np.isfinite(probability), np.nan_to_num(weight), 0), np.float32)

    def evidence(self, probability: Array, share: Array) -> Array:
        """ln(1 − q + q R): R is the odds of a probability over the prior's, q the ``share`` in which it holds."""
        inside = np.clip(np.where(np.isfinite(probability), probability, self.prior), _SUREST, 1 - _SUREST)
        ratio = inside / (1 - inside) * np.float32((1 - self.prior) / self.prior)
        return np.asarray(np.log(1 - share + share * ratio), np.float32)


def fused_probability(
    first: Array,
    second: Array,
    first_sensitivity: Array,
    second_sensitivity: Array,
    rule: FusionRule = FusionRule(),
) -> Array:
    """The probability given both orbits' ones (0 to 1, any shape) and LOS sensitivities (-1 to 1); NaN where both are.

    Bayes' rule with each orbit's odds over the prior's as evidence, less a part of what both affirm, as errors
    correlate. Evidence holds with the chance that the orbit recognises what it sees. So an orbit decides alone where
    the other is blind or has no data; where both see well, what both affirm becomes surer, and what one denies less
    sure. Where no orbit sees the slope, both count the same.
    """
    weights = [rule.weight(first, first_sensitivity), rule.weight(second, second_sensitivity)]
    known = [np.isfinite(first), np.isfinite(second)]
    nobody = (weights[0] == 0) & (weights[1] == 0)
    for weight, is_known in zip(weights, known):
        weight[nobody & is_known] = 1
    strongest = np.maximum(np.maximum(weights[0], weights[1]), np.float32(_SUREST))
    balance = np.minimum(weights[0], weights[1]) / strongest
    shares = [weight / strongest * (1 - np.float32(1 - rule.power) * balance) for weight in weights]
    one, two = rule.evidence(first, shares[0]), rule.evidence(second, shares[1])
    agreed = np.minimum(np.maximum(one, 0), np.maximum(two, 0))
    total = one + two - np.float32(rule.correlation) * agreed + np.float32(np.log(rule.prior / (1 - rule.prior)))
    return np.where(known[0] | known[1], 1 / (1 + np.exp(-total)), np.nan).astype(np.float32)


@dataclass(frozen=True)
class OrbitResult:
    """Rasters of one orbit: the probability that it gave, and its LOS sensitivity (-1 to 1), each on any grid."""

    probability: PathLike
    los_sensitivity: PathLike


@gdal_raises()
def require_two_orbits(first_sensitivity: PathLike, other_sensitivity: PathLike) -> None:
    """InputError where two LOS sensitivities are one file, or their tags tell of the same direction of flight."""
    views = []
    for path in (first_sensitivity, other_sensitivity):
        with BandReader(path) as reader:
            views.append((reader.tags.get(HEADING_TAG), reader.tags.get(LOOK_SIDE_TAG, RIGHT)))
    (heading, side), (other_heading, other_side) = views
    is_same = os.fspath(first_sensitivity) == os.fspath(other_sensitivity)
    if heading is not None and other_heading is not None and side == other_side:
        try:
            turn = (float(other_heading) - float(heading) + 180) % 360 - 180
        except ValueError:
            turn = 180.0
        is_same = is_same or abs(turn) < _SAME_HEADING
    if is_same:
        raise InputError(
            "{first} and {other} are of the same orbit. Give the LOS sensitivities of an ascending and of a descending "
            "orbit, or leave the other orbit out.",
            first=first_sensitivity,
            other=other_sensitivity,
        )


def fuse_to_file(
    first: OrbitResult,
    other: OrbitResult,
    output: PathLike,
    rule: FusionRule = FusionRule(),
    progress: Progress = QUIET,
) -> None:
    """Write the fused probability on the grid of the first orbit's one, with its model's rules for areas in its tags.

    Bands 2 and 3 hold what each orbit said where it sees downslope motion (|LOS sensitivity| from POORLY_SEEN on), from
    which areas tell whether orbits agree. The calibration of areas isn't handed on: it was measured with one orbit.
    Memory is bounded by a block of rows. Raises InputError for rasters of one orbit, elsewhere, or with numbers that
    can't be.
    """
    require_two_orbits(first.los_sensitivity, other.los_sensitivity)
    grid = Grid.of(first.probability)
    with ExitStack() as files:
        files.enter_context(limited_cache())
        readers = [
            files.enter_context(_reader(path, kind, grid, first.probability, progress))
            for orbit in (first, other)
            for path, kind in ((orbit.probability, PROBABILITY), (orbit.los_sensitivity, LOS_SENSITIVITY))
        ]
        kept = ("MODEL", "MODEL_VERSION", "THRESHOLD", "LOW_THRESHOLD", "MIN_AREA")
        tags = tuple((name, readers[0].tags[name]) for name in kept if name in readers[0].tags)
        bands = [
            BandDescription("probability", "1", (*tags, (FUSED_TAG, "2"))),
            BandDescription("probability_first_orbit", "1"),
            BandDescription("probability_other_orbit", "1"),
        ]
        writer = files.enter_context(RasterWriter(output, grid, bands, compress=False))
        for row, count in row_blocks(grid.height, max(1, _BLOCK_PIXELS // grid.width)):
            progress.check()
            window = Window(0, row, grid.width, count)
            one, one_sensitivity, two, two_sensitivity = (reader.read(window) for reader in readers)
            writer.write(fused_probability(one, two, one_sensitivity, two_sensitivity, rule), row)
            for band, (values, sensitivity) in enumerate(((one, one_sensitivity), (two, two_sensitivity)), 2):
                writer.write(np.where(np.abs(sensitivity) >= POORLY_SEEN, values, np.float32(np.nan)), row, band=band)
            progress.report((row + count) / grid.height)


def _reader(path: PathLike, kind: BandKind, grid: Grid, base: PathLike, progress: Progress) -> BandReader:
    """The band on the grid of ``base``; InputError where it lies elsewhere."""
    if not Grid.of(path).overlaps(grid):
        raise InputError(
            "{path}: the {label} doesn't overlap {base}, the probability of the first orbit. Both orbits must show the "
            "same place.",
            path=path,
            label=kind.label,
            base=base,
        )
    return BandReader(checked_band(path, kind, progress, may_be_empty=True), grid)
