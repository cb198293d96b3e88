"""What the judge measures with, on tiles whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ada_mapper.core.accuracy import Confusion
from ada_mapper.core.simulation.held_apart import FastEarthflows, HeldApartTile, SecondFamilyTiles
from judging import (
    ADDED_RIM,
    CLASSICAL,
    DOWNHILL,
    HIT,
    MISSED,
    MISSED_RIM,
    NOISE,
    Detector,
    Judged,
    downslope_mask,
    found_by_speed,
    judge,
    oracle,
    tuned,
)

SIZE = 96
SLIDE = (slice(20, 40), slice(30, 50))


def tile(rate: float = 30.0, sensitivity: float = -0.7, noise: float = 1.0, slide=SLIDE) -> HeldApartTile:
    """A square slide of one LOS rate (mm/yr toward) on ground of one sensitivity."""
    rng = np.random.default_rng(2)
    shape = (SIZE, SIZE)
    motion = np.zeros(shape, np.float32)
    motion[slide] = rate
    los_rate = motion + rng.normal(0, noise, shape).astype(np.float32)
    identity = (motion != 0).astype(np.int32)
    layers = {
        "los_rate": los_rate,
        "phase_rate": -los_rate / np.float32(4.414),
        "slope": np.full(shape, 20, np.float32),
        "los_sensitivity": np.full(shape, sensitivity, np.float32),
    }
    facts = {"kinds": ("slump",), "peaks": (abs(rate),), "areas": (0.36,), "two_signs": (False,)}
    return HeldApartTile(
        layers,
        identity.astype(np.uint8),
        motion,
        np.zeros(shape, np.float32),
        30.0,
        facts,
        identity=identity,
        other_kinds=np.zeros(shape, np.uint8),
    )


def finder(mask) -> Detector:
    return Detector("given", lambda _: (mask, None))


def block(rows: slice, columns: slice):
    mask = np.zeros((SIZE, SIZE), bool)
    mask[rows, columns] = True
    return mask


@pytest.mark.parametrize("layer", ["los_rate", "phase_rate"])
def test_only_downhill_motion_is_found(layer):
    # Downslope motion of a slope with sensitivity −0.7 goes away from the satellite.
    downhill, uphill = tile(-30.0, -0.7), tile(30.0, -0.7)
    found = downslope_mask(downhill, layer, 4.0, 12)
    assert found[25:35, 35:45].all()
    assert found.sum() == pytest.approx(400, abs=60)
    assert not downslope_mask(uphill, layer, 4.0, 12)[SLIDE].any()
    assert downslope_mask(tile(30.0, 0.7), layer, 4.0, 12)[25:35, 35:45].all()


def test_where_the_line_of_sight_sees_nothing_nothing_is_found():
    assert not downslope_mask(tile(-30.0, -0.1), "los_rate", 4.0, 12).any()
    unknown = tile(-30.0)
    unknown = replace(unknown, layers={k: v for k, v in unknown.layers.items() if k != "los_sensitivity"})
    assert not downslope_mask(unknown, "los_rate", 4.0, 12).any()


def test_every_rule_that_wants_downhill_motion_leaves_uphill_motion():
    for rules in DOWNHILL:
        if rules.sigma >= 4:
            assert rules.found(tile(-30.0))[25:35, 35:45].mean() > 0.9, rules
            assert not rules.found(tile(30.0))[SLIDE].any(), rules
    for rules in CLASSICAL:
        if rules.sigma == 4:
            assert rules.found(tile(30.0))[25:35, 35:45].mean() > 0.9, rules


def test_tuning_takes_the_setting_that_finds_most():
    best = tuned("downslope", DOWNHILL, [tile(-30.0)])
    mask, probability = best.find(tile(-30.0))
    assert probability is None
    truth = tile(-30.0).label == 1
    iou = (mask & truth).sum() / (mask | truth).sum()
    assert iou >= max((r.found(tile(-30.0)) & truth).sum() / (r.found(tile(-30.0)) | truth).sum() for r in DOWNHILL)


def test_causes_share_out_the_union():
    own = tile()
    # Half of the slide, a rim of one column and a block of noise.
    given = block(slice(20, 40), slice(40, 51)) | block(slice(70, 80), slice(70, 80))
    judged = judge(finder(given), [own])
    told = [judged.causes[cause] for cause in (HIT, MISSED_RIM, ADDED_RIM, NOISE, MISSED)]
    assert told == [200, 200, 20, 100, 0]
    assert sum(judged.causes.values()) == 520
    assert judged.iou() == pytest.approx(200 / 520)
    areas = judged.areas()
    assert (areas.true_count, areas.matched_true, areas.found_count, areas.matched_found) == (1, 1, 2, 1)
    assert judged.true[0].iou == pytest.approx(200 / 420)
    assert [(own.right, own.on_slide) for own in judged.found] == [(True, True), (False, False)]
    assert judged.on_slides() == 0.5
    assert judged.km2 == pytest.approx(SIZE**2 * 0.0009)
    assert judged.false_per_100_km2() == pytest.approx(100 / judged.km2)


def test_other_motion_is_told_as_a_cause():
    own = tile()
    own.other_kinds[70:80, 70:80] = 3
    causes = judge(finder(block(slice(70, 80), slice(70, 80))), [own]).causes
    assert (causes[HIT], causes[MISSED], causes["false: road"], sum(causes.values())) == (0, 400, 100, 500)


def test_an_ignored_landslide_is_neither_right_nor_wrong():
    own = tile()
    own.label[own.label == 1] = 255
    judged = judge(finder(own.label == 255), [own])
    assert judged.areas().found_count == judged.areas().true_count == 0
    assert judged.true == []


def test_the_interval_holds_the_score_and_narrows_with_tiles():
    few = Judged(confusions=[Confusion(10, 5, 5), Confusion(2, 8, 0), Confusion(9, 0, 9)])
    many = Judged(confusions=few.confusions * 20)
    assert few.interval()[0] <= few.iou() <= few.interval()[1]
    assert np.diff(many.interval()) < np.diff(few.interval())


def test_calibration_error_of_known_probabilities():
    own = tile()
    probability = np.where(own.label == 1, 0.8, 0.02).astype(np.float32)
    judged = judge(Detector("given", lambda _: (own.label == 1, probability)), [own])
    assert judged.calibration_error() == pytest.approx(0.2, abs=1e-4)
    probability[60:70, 60:100] = 0.4
    judged = judge(Detector("given", lambda _: (own.label == 1, probability)), [own])
    wrong = probability[60:70, 60:100].size
    assert judged.calibration_error() == pytest.approx((400 * 0.2 + wrong * 0.4) / (400 + wrong), abs=1e-4)


def test_an_oracle_that_knows_the_outline_is_above_every_detector():
    tiles = [SecondFamilyTiles(3, size=128, per_km2=0.6)(index) for index in range(4)]
    ceiling = judge(Detector("oracle", oracle), tiles).iou()
    assert ceiling > 0.5
    for rules in (CLASSICAL[4], DOWNHILL[4]):
        own = judge(Detector("rules", lambda tile, rules=rules: (rules.found(tile), None)), tiles)
        assert own.iou() < ceiling


def test_an_oracle_without_noise_finds_the_outline():
    assert judge(Detector("oracle", oracle), [tile(noise=0.01)]).iou() == 1


def test_speed_classes_share_out_a_fast_flow():
    make = FastEarthflows(2, aliased=False)
    tiles = [make(index) for index in range(6)]
    assert [float(np.abs(own.motion).max()) for own in tiles] == pytest.approx([20, 80, 240, 480, 800, 2300], rel=1e-3)
    everything = finder(np.ones(tiles[0].label.shape, bool))
    assert found_by_speed([everything], tiles, [(0, 60), (1000, np.inf)]) == {"given": [1, 1]}
    nothing = finder(np.zeros(tiles[0].label.shape, bool))
    assert found_by_speed([nothing], tiles, [(0, 60)]) == {"given": [0]}
    aliased = FastEarthflows(2, aliased=True)(5)
    np.testing.assert_array_equal(aliased.motion, tiles[5].motion)
    assert np.abs(aliased.layers["los_rate"] - tiles[5].layers["los_rate"]).max() > 100
