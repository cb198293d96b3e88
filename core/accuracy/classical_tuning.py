"""The classical detector at its best: the one yardstick that networks are measured with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..areas import ClassicalRules, classical_mask
from ..channels import ChannelKind
from ..models import LabelledTile
from ..types import Array, Mask
from .scores import Confusion, confusion, pixel_scores


@dataclass(frozen=True)
class ClassicalSetting:
    """A setting of the classical detector: the rate that it looks at, its rules, with or without slopes."""

    layer: str
    rules: ClassicalRules
    with_slope: bool = True

    def found(self, tile: LabelledTile) -> Mask:
        """The pixels of areas in a tile; slopes that the tile doesn't have rule out nothing."""
        slope = tile.layers.get("slope") if self.with_slope else None
        return classical_mask(tile.layers[self.layer], tile.pixel_size, self.rules, slope)

    @property
    def name(self) -> str:
        """Rate and threshold."""
        without = "" if self.with_slope else ", on any slope"
        return f"{ChannelKind(self.layer).label}, {self.rules.sigma:g} standard deviations{without}"


CLASSICAL_SETTINGS = tuple(
    ClassicalSetting(layer, ClassicalRules(sigma=sigma), with_slope)
    for layer in ("los_rate", "phase_rate")
    for sigma in (2.0, 3.0, 4.0, 5.0, 6.0)
    for with_slope in (True, False)
)
"""The settings that are tried."""


def classical_settings(layers: Mapping[str, Array]) -> tuple[ClassicalSetting, ...]:
    """The settings that make a difference for tiles with these layers, that of the detector's own rules first."""
    served = [own for own in CLASSICAL_SETTINGS if own.layer in layers and (own.with_slope or "slope" in layers)]
    return tuple(sorted(served, key=lambda own: own.rules != ClassicalRules() or not own.with_slope))


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
