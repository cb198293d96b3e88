"""The calibration of areas is the one that outcomes were drawn from, and few outcomes give none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from ada_mapper.core.areas import AreaCalibration
from ada_mapper.core.learning import FoundAreas, Judged, calibration_error, fit_area_calibration, found_areas
from learning_tiles import CHANNELS, make_card

TRUE = AreaCalibration(0.6, -0.8, 0.7)


def drawn(count: int, seed: int, truth: AreaCalibration = TRUE) -> FoundAreas:
    """Areas whose outcomes are drawn from known chances."""
    random = np.random.default_rng(seed)
    probability, size = random.uniform(0.35, 0.99, count), np.exp(random.uniform(np.log(1e4), np.log(2e6), count))
    chance = np.array([truth.chance(one, other) for one, other in zip(probability, size)])
    return FoundAreas(probability, size, random.uniform(size=count) < chance)


def test_the_numbers_are_those_that_outcomes_were_drawn_from() -> None:
    fitted = fit_area_calibration(drawn(20_000, 1))
    assert fitted is not None
    found = (fitted.slope, fitted.offset, fitted.size)
    assert found == pytest.approx((TRUE.slope, TRUE.offset, TRUE.size), abs=0.08)


def test_chances_of_other_areas_are_true_where_mean_probabilities_are_not() -> None:
    truth = AreaCalibration(0.4, -1.2, 0.2)  # a bold model
    fitted = fit_area_calibration(drawn(1500, 2, truth))
    others = drawn(4000, 3, truth)
    assert calibration_error(None, others) > 0.2
    assert calibration_error(fitted, others) < 0.05


def test_few_areas_or_one_outcome_alone_give_none() -> None:
    areas = drawn(400, 4)
    few = np.flatnonzero(areas.is_right)[:9].tolist() + np.flatnonzero(~areas.is_right)[:200].tolist()
    for kept in (few, np.flatnonzero(areas.is_right), []):
        part = FoundAreas(areas.mean_probability[kept], areas.square_metres[kept], areas.is_right[kept])
        assert fit_area_calibration(part) is None
    assert np.isnan(calibration_error(TRUE, FoundAreas(np.zeros(0), np.zeros(0), np.zeros(0, bool))))


def test_outcomes_that_a_limit_splits_stay_finite_and_a_model_that_is_wrong_the_surer_it_is_says_nothing() -> None:
    probability = np.linspace(0.3, 0.999, 60)
    fitted = fit_area_calibration(FoundAreas(probability, np.full(60, 2e4), probability > 0.6))
    assert fitted is not None and 1 < fitted.slope < 20
    assert fitted.chance(0.95, 2e4) > 0.9 and fitted.chance(0.35, 2e4) < 0.2
    perverse = fit_area_calibration(FoundAreas(probability, np.full(60, 2e4), probability < 0.6))
    assert perverse is not None and perverse.slope == 0


def test_found_areas_are_those_that_count_with_their_mean_and_size() -> None:
    rules = {"threshold": 0.7, "low_threshold": 0.4, "min_area": 9 * 900.0}
    card = replace(make_card(channels=CHANNELS[:1]), **rules)
    probability = np.zeros((64, 64), np.float32)
    label = np.zeros((64, 64), np.uint8)
    probability[4:10, 4:10], probability[4:10, 10] = 0.8, 0.5  # right: 36 of 42 pixels
    label[4:10, 4:10] = 1
    probability[30:34, 30:34] = 0.75  # wrong
    probability[50:56, 50:56] = 0.9  # ignored, so neither
    label[50:56, 50:56] = 255
    probability[20:22, 50:52] = 0.9  # too small
    probability[40:46, 4:10] = 0.6  # no pixel reaches the threshold
    counted = label != 255
    found = found_areas(card, [Judged(probability, label, counted, None)] * 2)
    np.testing.assert_array_equal(found.is_right, [True, False] * 2)
    np.testing.assert_allclose(found.mean_probability, [(36 * 0.8 + 6 * 0.5) / 42, 0.75] * 2, rtol=1e-6)
    np.testing.assert_allclose(found.square_metres, [42 * card.pixel_size**2, 16 * card.pixel_size**2] * 2)
