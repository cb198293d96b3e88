"""The classical detector at its best: the one yardstick that networks are measured with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..areas import ClassicalRules, classical_mask
from ..channels import ChannelKind
from ..models import LabelledTile
from ..types import Array, Mask
from .scores import Confusion, confusion, pixel_scores


@dataclass(frozen=True)
class ClassicalSetting:
    """A setting of the classical detector: the rate that it looks at, its rules, with or without slopes.

    ``downhill``: only downhill motion counts, by the LOS sensitivity.
    """

    layer: str
    rules: ClassicalRules
    with_slope: bool = True
    downhill: bool = False

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> ClassicalSetting:
        """The setting that a model's card tells of (``facts``), also as older cards do."""
        share = facts.get("min_sensitivity")
        rules = ClassicalRules(sigma=facts["sigma"])
        if share is not None:
            rules = replace(rules, min_sensitivity=share)
        return cls(facts["layer"], rules, facts["slope_rule"], share is not None)

    @property
    def facts(self) -> dict[str, Any]:
        """The setting as plain JSON; ``min_sensitivity`` is null where any motion counts."""
        return {
            "layer": self.layer,
            "sigma": self.rules.sigma,
            "slope_rule": self.with_slope,
            "min_sensitivity": self.rules.min_sensitivity if self.downhill else None,
        }

    def found(self, tile: LabelledTile) -> Mask:
        """The pixels of areas in a tile.

        Slopes that the tile doesn't have rule out nothing; without a LOS sensitivity no motion is known to go downhill.
        """
        rate = tile.layers[self.layer]
        slope = tile.layers.get("slope") if self.with_slope else None
        if not self.downhill:
            return classical_mask(rate, tile.pixel_size, self.rules, slope)
        sensitivity = tile.layers.get("los_sensitivity")
        if sensitivity is None:
            return np.zeros(rate.shape, bool)
        # Phase grows away from the satellite.
        toward = -rate if self.layer == ChannelKind.PHASE_RATE.value else rate
        return classical_mask(toward, tile.pixel_size, self.rules, slope, sensitivity)

    @property
    def name(self) -> str:
        """Rate and threshold, and which ground and motion count."""
        name = f"{ChannelKind(self.layer).label}, {self.rules.sigma:g} standard deviations"
        if not self.with_slope:
            name += ", on any slope"
        if self.downhill:
            name += f", downhill where {self.rules.min_sensitivity:g} or more is seen"
        return name


CLASSICAL_SETTINGS = (
    *(
        ClassicalSetting(layer, ClassicalRules(sigma=sigma), with_slope)
        for layer in ("los_rate", "phase_rate")
        for sigma in (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0)
        for with_slope in (True, False)
    ),
    *(
        ClassicalSetting(layer, ClassicalRules(sigma=sigma, min_sensitivity=share), downhill=True)
        for layer in ("los_rate", "phase_rate")
        for sigma in (3.0, 4.0, 5.0, 6.0, 8.0, 12.0)
        for share in (0.1, 0.2)
    ),
)
"""The settings that are tried, of any motion and then of downhill motion only."""


def classical_settings(layers: Mapping[str, Array]) -> tuple[ClassicalSetting, ...]:
    """The settings that make a difference for tiles with these layers, that of the detector's own rules first."""
    served = [
        own
        for own in CLASSICAL_SETTINGS
        if own.layer in layers
        and (own.with_slope or "slope" in layers)
        and (not own.downhill or "los_sensitivity" in layers)
    ]
    own_rules = ClassicalRules()
    return tuple(sorted(served, key=lambda own: own.rules != own_rules or own.downhill or not own.with_slope))


def tuning_ious(settings: Sequence[ClassicalSetting], tiles: Iterable[tuple[LabelledTile, Mask]]) -> list[float]:
    """The pixel IoU of each setting, pooled over tiles on their pixels (h, w) that count; NaN where there are none."""
    totals = [Confusion()] * len(settings)
    for tile, counted in tiles:
        truth = tile.label == 1
        totals = [
            total + confusion(setting.found(tile) & counted, truth, counted) for total, setting in zip(totals, settings)
        ]
    return [pixel_scores(total).iou for total in totals]


def best_setting(ious: Sequence[float]) -> int:
    """The place of the highest IoU, the first where they differ by less than one can tell (a ten-thousandth)."""
    return int(np.argmax(np.round(np.nan_to_num(ious), 4)))
