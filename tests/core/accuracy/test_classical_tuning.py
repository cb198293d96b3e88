"""The yardstick: which settings of the classical detector are tried, and which is best."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from ada_mapper.core.accuracy import CLASSICAL_SETTINGS, best_setting, tuning_ious
from ada_mapper.core.accuracy.classical_tuning import classical_settings
from ada_mapper.core.areas import ClassicalRules


@dataclass
class OneTile:
    layers: dict[str, np.ndarray]
    label: np.ndarray
    pixel_size: float = 30.0
    counted: np.ndarray = field(default_factory=lambda: np.ones((120, 120), bool))


def moving(seed: int, slope: float) -> OneTile:
    """A square that moves, six standard deviations of the noise, on ground of one slope."""
    rate = np.random.default_rng(seed).normal(0, 1, (120, 120)).astype(np.float32)
    label = np.zeros(rate.shape, np.uint8)
    label[50:64, 30:46] = 1
    rate[label == 1] -= 6
    return OneTile({"los_rate": rate, "slope": np.full(rate.shape, slope, np.float32)}, label)


def test_the_settings_are_all_different_and_hold_the_detectors_own() -> None:
    assert len(set(CLASSICAL_SETTINGS)) == 20
    assert any(own.rules == ClassicalRules() and own.with_slope for own in CLASSICAL_SETTINGS)
    assert len({own.name for own in CLASSICAL_SETTINGS}) == 20


def test_only_settings_that_make_a_difference_are_tried_the_own_first() -> None:
    tile = moving(1, 20.0)
    settings = classical_settings(tile.layers)
    assert len(settings) == 10 and settings[0].rules == ClassicalRules() and settings[0].with_slope
    assert len(classical_settings({"los_rate": tile.layers["los_rate"]})) == 5
    assert not classical_settings({"dem": tile.layers["slope"]})


@pytest.mark.parametrize("slope", [1.0, 25.0])
def test_on_level_ground_the_best_setting_does_without_slopes(slope: float) -> None:
    tiles = [moving(seed, slope) for seed in (1, 2)]
    settings = classical_settings(tiles[0].layers)
    ious = tuning_ious(settings, [(tile, tile.counted) for tile in tiles])
    best = settings[best_setting(ious)]
    found = [best.found(tile) for tile in tiles]
    hits = sum(np.sum(mask & (tile.label == 1)) for mask, tile in zip(found, tiles))
    either = sum(np.sum(mask | (tile.label == 1)) for mask, tile in zip(found, tiles))
    assert max(ious) == ious[settings.index(best)] == pytest.approx(hits / either) and max(ious) > 0.7
    if slope < 5:
        assert not best.with_slope
        assert all(not iou > 0 for iou, own in zip(ious, settings) if own.with_slope)


def test_pixels_that_do_not_count_are_not_asked_for() -> None:
    tile = moving(3, 25.0)
    counted = tile.label == 0
    best = CLASSICAL_SETTINGS[4:5]
    assert tuning_ious(best, [(tile, tile.counted)])[0] > 0.7
    assert not tuning_ious(best, [(tile, counted)])[0] > 0
    assert np.isnan(tuning_ious(best, [(tile, counted & False)])[0])


def test_the_first_of_equals_is_best_and_what_can_not_be_told_is_not() -> None:
    assert best_setting([np.nan, 0.3, 0.70001, 0.70002]) == 2
    assert best_setting([np.nan, np.nan]) == 0
