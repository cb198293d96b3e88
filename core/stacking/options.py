"""What a stacking is asked for: how rates are computed, and where they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from ..types import PathLike

ESTIMATORS = ("network", "eq1")
DEFAULT_ESTIMATOR = "network"
SIGNS = ("toward", "away")
UNITS = ("mm/yr", "m/yr")


@dataclass(frozen=True)
class StackingOptions:
    """How rates are computed from the phases.

    ``estimator``: "network", generalised least squares that know the noise of dates and pairs, or "eq1", equation 1.
    ``min_pairs``: pixels with fewer valid pairs have no rate. ``coherence_weights``: w = γ² / (1 − γ²), the inverse
    of the phase variance. ``seasonal``: an annual motion is estimated beside the rate, from 1.25 years on.
    ``outlier_sigma``: pairs that are wrong by more than half a cycle and so many standard deviations are left out at
    that pixel. ``unwrapping_correction``: whole cycles are added so that triplets close, before that.
    ``min_coherence``: mean coherence below which a pixel has no LOS rate. ``sign``: of the LOS rate,
    positive "toward" or "away" from the satellite. ``unit``: of the LOS rate and of the standard error.
    """

    estimator: str = DEFAULT_ESTIMATOR
    min_pairs: int = 1
    coherence_weights: bool = False
    seasonal: bool = False
    outlier_sigma: float | None = None
    unwrapping_correction: bool = False
    min_coherence: float = 0.0
    sign: str = "toward"
    unit: str = "mm/yr"

    def __post_init__(self) -> None:
        if self.estimator not in ESTIMATORS:
            raise InputError(
                "The estimator of the rates must be one of {estimators}, not “{estimator}”.",
                estimators=", ".join(ESTIMATORS),
                estimator=self.estimator,
            )
        if self.min_pairs < 1:
            raise InputError("The minimum number of pairs must be 1 or more.")
        if self.outlier_sigma is not None and self.outlier_sigma < 1:
            raise InputError("Outliers must deviate by at least 1 standard deviation; usual are 3 to 5.")
        if not 0 <= self.min_coherence < 1:
            raise InputError("The minimum coherence must be from 0 to less than 1.")
        if self.sign not in SIGNS:
            raise InputError(
                "The sign of the LOS rate must be one of {signs}, not “{sign}”.", signs=", ".join(SIGNS), sign=self.sign
            )
        if self.unit not in UNITS:
            raise InputError(
                "The unit of the LOS rate must be one of {units}, not “{unit}”.", units=", ".join(UNITS), unit=self.unit
            )


@dataclass(frozen=True)
class StackOutputs:
    """Where the rasters are written; those that are None are not."""

    phase_rate: PathLike
    los_rate: PathLike | None = None
    standard_error: PathLike | None = None
    count: PathLike | None = None
    closure: PathLike | None = None
    coherence: PathLike | None = None
