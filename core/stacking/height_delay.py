"""A delay that grows with height: is it there, or is its slope noise or motion.

Delays come and go with the weather. So the slopes with height of the single dates are judged, not that of the rate
alone: they must scatter in time by much more than air that knows nothing of height makes them scatter. That is known
from the map of each pair, by the errors of its slope that blocks of ground give (``significance``). Motion that grows
with height is a straight line in time: where such a line explains most of the dates' slopes, nothing is subtracted
from the rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..satellite import DAYS_PER_YEAR
from ..texts import Message
from ..types import Double

NOISE, MOTION, DELAY = "noise", "motion", "delay"
"""What a slope with height can be."""

# Variance of the dates' slopes over that which noise can make, and the chance of it, at which delays are held to be
# there. The blocks see too little of noise as wide as the scene, so more than chance is asked for.
_LEAST_RATIO = 6.0
_MOST_CHANCE = 0.001
# Share of the variance of the dates' slopes that a straight line in time may explain: a yearly wave seen for a year
# reaches 0.61 at worst, steady motion 1.
_MOST_STEADY = 0.65


@dataclass(frozen=True)
class HeightDelay:
    """Judges the slopes with height of pairs: ``incidence`` (pairs, dates) is −1 and +1, ``days`` (dates,) count."""

    incidence: Double
    days: Double

    def date_variance(self, rest: Double) -> float:
        """Variance of the dates' slopes, from what those of the pairs (pairs,) are beside the line of Eq. 1.

        As for independent dates; Eq. 1 took a part of it away with its line.
        """
        years = self.incidence @ self.days / DAYS_PER_YEAR
        leftover = self.incidence - np.outer(years, years @ self.incidence) / (years @ years)
        expected = float((leftover**2).sum())
        return float(rest @ rest) / expected if expected > 1e-9 else 0.0

    def judged(self, slope: float, rest: Double, errors: Double) -> tuple[str, Message]:
        """What the ``slope`` (rad/yr per km) of the rate is: NOISE, MOTION or DELAY; and what to tell.

        ``rest`` (pairs,) are the pairs' slopes beside that of the rate, in rad per km; ``errors`` those that blocks of
        ground give to the slopes of some of the pairs.
        """
        from scipy import stats

        variance, noise = self.date_variance(rest), float(np.mean(errors**2)) / 2 if errors.size else math.nan
        ratio = variance / noise if noise > 0 else 0.0
        freedom = len(self.days) - 2
        needed = max(_LEAST_RATIO, float(stats.f.isf(_MOST_CHANCE, freedom, 1e9))) if freedom > 0 else math.inf
        if ratio < needed:
            return NOISE, Message(
                "No delay that grows with height was removed: from date to date its slope scatters by "
                "{scatter:.2g} rad/km, and air that knows nothing of height explains {noise:.2g}.",
                scatter=math.sqrt(variance),
                noise=math.sqrt(noise) if noise > 0 else 0.0,
            )
        steady = slope**2 * float(np.var(self.days / DAYS_PER_YEAR))
        share = steady / (steady + variance)
        if share > _MOST_STEADY:
            return MOTION, Message(
                "The rate changes by {slope:.2g} rad/yr per km of height, but as steadily from date to date "
                "({share:.0f} % of the variance is a straight line in time) as motion does and delays don't. It was "
                "not removed.",
                slope=slope,
                share=100 * share,
            )
        return DELAY, Message(
            "Height delay: {slope:.2g} rad/yr per km was removed from the rate. From date to date the delay changes by "
            "{scatter:.2g} rad/km, {times:.0f} times what air that knows nothing of height explains.",
            slope=slope,
            scatter=math.sqrt(variance),
            times=math.sqrt(ratio),
        )
