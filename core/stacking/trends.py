"""Phase that varies smoothly over the whole scene: orbital ramps and delays that grow with elevation.

A surface fitted to each interferogram takes the motion away where the motion itself looks like the surface. So the
fit is split. Per pair, it is made to what is left after the pixel's own rate × Δt, which holds no steady motion. What
the pairs' surfaces have in common, and alone changes the stacked rate, is fitted once, to the rate, on ground that
does not move: outlying areas are excluded again and again until the fit stands still, and it is subtracted only where
it explains more than half of the variance of the rate. A delay that grows with height may also explain less, where the
slopes of the single dates show that it is one (``height_delay``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..raster import Grid
from ..robust import median_or_zero, robust_fit, robust_spread
from ..texts import Message
from ..types import Array, Double, Mask
from .height_delay import DELAY, NOISE, HeightDelay
from .rate import stack_phases
from .significance import last_coefficient

if TYPE_CHECKING:
    from .gathering import StackSample

RAMPS = {"none": (), "plane": ("x", "y"), "quadratic": ("x", "y", "xx", "xy", "yy")}
# Shorter side of the scene in metres below which a ramp can't be told from motion.
MIN_SIDE = {"plane": 10_000.0, "quadratic": 20_000.0}
# Metres between the 5th and the 95th percentile of elevation below which a delay can't be told from noise.
MIN_RELIEF = 100.0
_MIN_STABLE = 0.25
_MOVING_SIGMA = 2.5
# Scatter of the rate without a trend over that about it, below which the trend may be the foot of a motion.
_MIN_GAIN = 1.5
_MAX_ROUNDS = 12
# Pairs whose slopes with height are given errors, evenly picked.
_JUDGED_PAIRS = 24

Surfaces = Callable[[Double, Double, "NDArray[np.floating[Any]] | None"], Double]
"""The phase of the trends of each pair (pairs, ...) at rows, columns and elevations of shape (...)."""


def basis(
    terms: tuple[str, ...], rows: Double, columns: Double, elevation: NDArray[np.floating[Any]] | None, grid: Grid
) -> Double:
    """The terms' values at pixels of shape (...): (terms, ...).

    x and y run from −1 to 1 over the grid, east and south; height is in kilometres.
    """
    x, y = np.broadcast_arrays(2 * (columns + 0.5) / grid.width - 1, 2 * (rows + 0.5) / grid.height - 1)
    powers = {"constant": (0, 0), "x": (1, 0), "y": (0, 1), "xx": (2, 0), "xy": (1, 1), "yy": (0, 2)}
    values = np.empty((len(terms), *x.shape))
    for value, term in zip(values, terms):
        if term == "height":
            if elevation is None:
                raise InputError("The height-correlated delay needs a DEM.")
            value[...] = elevation.astype(np.float64) / 1000
        else:
            value[...] = x ** powers[term][0] * y ** powers[term][1]
    return values


def trend_terms(ramp: str, height: bool, sample: StackSample, grid: Grid) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(terms that the scene can bear, a sentence for each that it can't).

    A ramp needs valid data over at least 10 km (quadratic: 20 km) in both directions, as a smaller scene of moving
    ground looks like a ramp itself. A height-correlated delay needs 100 m of relief.
    """
    terms: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    valid = np.isfinite(sample.phases).any(axis=0)
    if ramp != "none":
        sides = _sides(valid, sample.step, grid)
        if min(sides) >= MIN_SIDE[ramp]:
            terms += RAMPS[ramp]
        elif not valid.any():
            notes += (Message("No ramp was removed: no pixel has any valid phase."),)
        else:
            notes += (
                Message(
                    "No ramp was removed: the valid data measure {width:.1f} × {height:.1f} km, and "
                    "below {min_side:.0f} km motion can't be told from a ramp.",
                    width=sides[0] / 1000,
                    height=sides[1] / 1000,
                    min_side=MIN_SIDE[ramp] / 1000,
                ),
            )
    if height and sample.elevation is not None:
        heights = sample.elevation[valid & np.isfinite(sample.elevation)]
        relief = float(np.ptp(np.percentile(heights, (5, 95)))) if heights.size else 0.0
        if relief >= MIN_RELIEF:
            terms += ("height",)
            without = 1 - heights.size / valid.sum()
            if without > 0:
                share = Message("Less than 0.1") if without < 1e-3 else f"{100 * without:.1f}"
                notes += (
                    Message(
                        "{share} % of the pixels with valid phase have no elevation in the DEM. They can't be "
                        "corrected and are left empty; use a DEM that covers the whole scene.",
                        share=share,
                    ),
                )
        elif not valid.any():
            notes += (Message("No height-correlated delay was removed: no pixel has any valid phase."),)
        elif not heights.size:
            notes += (
                Message(
                    "No height-correlated delay was removed: the DEM has no elevation where the interferograms have "
                    "valid phase."
                ),
            )
        else:
            notes += (
                Message(
                    "No height-correlated delay was removed: the relief is {relief:.0f} m, and {min_relief:.0f} m are "
                    "needed.",
                    relief=relief,
                    min_relief=MIN_RELIEF,
                ),
            )
    return terms, notes


def _sides(valid: Mask, step: int, grid: Grid) -> tuple[float, float]:
    """East-west and north-south extent in metres of the valid samples."""
    if not valid.any():
        return 0.0, 0.0
    rows, columns = np.nonzero(valid.any(axis=1))[0], np.nonzero(valid.any(axis=0))[0]
    dx, dy = grid.metres_per_pixel(np.array([grid.height // 2]))
    return float((np.ptp(columns) + 1) * step * dx[0]), float((np.ptp(rows) + 1) * step * dy[0])


def fit_trends(
    phases: Array,
    years: Double,
    surfaces: Double,
    excluded: Mask,
    check: Callable[[], None],
    height_delay: HeightDelay | None = None,
) -> tuple[Double, tuple[str, ...]]:
    """Coefficients (pairs, terms) of ``surfaces`` (terms, h, w) in ``phases`` (pairs, h, w), and what to tell.

    Nothing is estimated where ``excluded`` (h, w). ``check`` is called between pairs and may raise to cancel.
    ``height_delay`` judges the last of the surfaces where that is the elevation.
    """
    usable = ~excluded & np.isfinite(surfaces).all(axis=0)
    levels = np.array([median_or_zero(values[usable]) for values in phases], np.float32)
    levelled = (phases - levels[:, None, None]).astype(np.float32, copy=False)
    rate = stack_phases(levelled, years, with_error=False).rate
    fit = fit_rate(rate, surfaces, usable)
    stable = fit.stable
    notes: tuple[str, ...] = (fit.note,)
    design = np.concatenate([np.ones((1, *rate.shape)), surfaces])
    coefficients = _of_pairs(levelled, years, rate, design, stable, check)
    common = fit.coefficients if fit.is_clear else np.zeros(len(surfaces))
    if height_delay is not None and fit.is_enough and not fit.is_clear:
        errors = _last_errors(levelled, design, stable)
        kind, note = height_delay.judged(float(fit.coefficients[-1]), coefficients[:, -1], errors)
        notes += (note,)
        if kind == DELAY:
            common[-1] = fit.coefficients[-1]
        elif kind == NOISE:
            coefficients[:] = 0
            if len(surfaces) > 1:
                coefficients[:, :-1] = _of_pairs(levelled, years, rate, design[:-1], stable, check)
    return coefficients + np.outer(years, common), notes


def _of_pairs(
    phases: Array, years: Double, rate: Double, design: Double, stable: Mask, check: Callable[[], None]
) -> Double:
    """Coefficients (pairs, terms) of ``design`` but for its first term in what the rate leaves of the phases."""
    coefficients = np.zeros((len(years), len(design) - 1))
    points, steady = design[:, stable].T, rate[stable]
    for index, values in enumerate(phases):
        check()
        rest = values[stable] - years[index] * steady
        valid = np.isfinite(rest)
        if valid.sum() > 10 * len(design):
            coefficients[index] = robust_fit(points[valid], rest[valid])[1:]
    return coefficients


def _last_errors(phases: Array, design: Double, stable: Mask) -> Double:
    """The errors of the last coefficient of ``design`` (terms, h, w) in some of the pairs, by blocks of ground."""
    some = phases[:: max(1, len(phases) // _JUDGED_PAIRS)]
    errors = [last_coefficient(design, values, stable & np.isfinite(values)).error for values in some]
    return np.array([error for error in errors if np.isfinite(error)])


class RateFit(NamedTuple):
    """The coefficients (terms,) of surfaces in the stacked rate, where the ground is stable, and what to tell.

    ``is_enough``: there is enough stable ground. ``is_clear``: the fit explains more than half of the variance there.
    """

    coefficients: Double
    stable: Mask
    is_enough: bool
    is_clear: bool
    note: Message


def fit_rate(rate: Double, surfaces: Double, usable: Mask) -> RateFit:
    """Fit surfaces (terms, h, w) to the stacked rate (h, w) on the ground that doesn't move."""
    from scipy import ndimage

    candidates = usable & np.isfinite(rate)
    stable = candidates
    coefficients = np.zeros(1)
    scatter = 0.0
    # From the stiffest surface to the softest, which alone would bend into a wide bowl of subsidence.
    for terms in sorted({0, min(2, len(surfaces)), len(surfaces)}):
        for _ in range(_MAX_ROUNDS):
            design = np.vstack([np.ones(stable.sum()), surfaces[:terms, stable]]).T
            coefficients = robust_fit(design, rate[stable])
            residual = rate - coefficients[0] - np.tensordot(coefficients[1:], surfaces[:terms], 1)
            inside = residual[stable]
            scatter = robust_spread(inside)
            outlying = candidates & (abs(residual - median_or_zero(inside)) > _MOVING_SIGMA * scatter)
            # Areas, not single noisy pixels; with a rim, because an area's edge moves too.
            areas = ndimage.binary_dilation(ndimage.binary_opening(outlying, np.ones((3, 3))), iterations=3)
            before, stable = stable, candidates & ~areas & ~outlying
            if stable.sum() < max(_MIN_STABLE * candidates.sum(), 10 * (len(surfaces) + 1)):
                note = Message("No ramp or delay was removed from the rate: too little of the scene is stable.")
                return RateFit(np.zeros(len(surfaces)), before, False, False, note)
            if np.array_equal(stable, before):
                break
    trend = np.tensordot(coefficients[1:], surfaces[:, stable], 1)
    spread = float(np.ptp(np.percentile(trend, (2, 98))))
    steady = rate[stable]
    without = robust_spread(steady)
    share = 100 * stable.sum() / max(candidates.sum(), 1)
    if without < _MIN_GAIN * scatter:
        note = Message(
            "By its scatter alone the rate has no clear ramp or height delay: on the stable {share:.0f} % of the scene "
            "that is {without:.3g} rad/yr, and {scatter:.3g} about the fit.",
            share=share,
            without=without,
            scatter=scatter,
        )
        return RateFit(coefficients[1:], stable, True, False, note)
    note = Message(
        "Ramp and height delay: {spread:.3g} rad/yr of the rate, from the stable {share:.0f} % of the scene.",
        spread=spread,
        share=share,
    )
    return RateFit(coefficients[1:], stable, True, True, note)
