"""The yardstick: which settings of the classical detector are tried, and which is best."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from ada_mapper.core.accuracy import CLASSICAL_SETTINGS, ClassicalSetting, best_setting, tuning_ious
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
    assert len(set(CLASSICAL_SETTINGS)) == 52 == len({own.name for own in CLASSICAL_SETTINGS})
    for downhill, count in ((False, 28), (True, 24)):
        served = [own for own in CLASSICAL_SETTINGS if own.downhill == downhill]
        assert len(served) == count and any(own.rules == ClassicalRules() and own.with_slope for own in served)


def test_only_settings_that_make_a_difference_are_tried_the_own_first() -> None:
    tile = moving(1, 20.0)
    settings = classical_settings(tile.layers)
    assert len(settings) == 14 and settings[0].rules == ClassicalRules() and settings[0].with_slope
    assert len(classical_settings({"los_rate": tile.layers["los_rate"]})) == 7
    assert not classical_settings({"dem": tile.layers["slope"]})
    seen = classical_settings({**tile.layers, "los_sensitivity": tile.layers["slope"]})
    assert len(seen) == 26 and not seen[0].downhill


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


@pytest.mark.parametrize("share", [-0.5, 0.5])
@pytest.mark.parametrize("layer", ["los_rate", "phase_rate"])
def test_where_other_ground_moves_uphill_downhill_motion_is_best(layer: str, share: float) -> None:
    tiles = [moving(seed, 25.0) for seed in (1, 2)]
    for tile in tiles:
        # The square moves away from the satellite; another one comes nearer, and is no landslide.
        rate = tile.layers.pop("los_rate")
        rate[80:100, 60:90] += 6
        tile.layers[layer] = rate if layer == "los_rate" else -rate
        tile.layers["los_sensitivity"] = np.full(rate.shape, share, np.float32)
    settings = classical_settings(tiles[0].layers)
    ious = tuning_ious(settings, [(tile, tile.counted) for tile in tiles])
    best = settings[best_setting(ious)]
    assert best.downhill == (share < 0)
    if best.downhill:
        assert max(ious) > 0.7
        assert "downhill where 0.1 or more is seen" in best.name
    else:
        assert all(not iou > 0 for iou, own in zip(ious, settings) if own.downhill)


def test_tiles_without_sensitivity_have_no_downhill_motion() -> None:
    tile = moving(1, 25.0)
    downhill = next(own for own in CLASSICAL_SETTINGS if own.downhill)
    assert not downhill.found(tile).any()
    tile.layers["los_sensitivity"] = np.full(tile.label.shape, np.nan, np.float32)
    assert not downhill.found(tile).any()


@pytest.mark.parametrize("setting", CLASSICAL_SETTINGS)
def test_a_setting_is_what_its_facts_tell(setting: ClassicalSetting) -> None:
    told = json.loads(json.dumps({**setting.facts, "chosen_on": "validation tiles"}))
    assert ClassicalSetting.from_facts(told) == setting


def test_older_cards_tell_of_settings_of_any_motion() -> None:
    facts = {"layer": "los_rate", "sigma": 3.0, "slope_rule": False, "chosen_on": "validation tiles"}
    assert ClassicalSetting.from_facts(facts) == ClassicalSetting("los_rate", ClassicalRules(sigma=3.0), False)


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
